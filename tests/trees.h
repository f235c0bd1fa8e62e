#pragma once

// Trees in and out, for tests.

#include <gtest/gtest.h>

#include "memories.h"
#include "noise.h"
#include "protocol/ratchet_tree.h"
#include "secrets.h"
#include "tree_model.h"

namespace tacet {

using model::operator+;

inline LeafNode decoded_leaf(const model::Octets& encoding) {
  LeafNode leaf;
  EXPECT_EQ(decode(encoding, leaf), Error::none);
  return leaf;
}

inline model::Octets exported(const RatchetTree& tree) {
  model::Octets out(tree.export_size().value());
  EXPECT_TRUE(tree.export_to(out).ok());
  return out;
}

// Decodes the value of a ratchet_tree extension and takes it over.
inline Error import_tree(RatchetTree& tree, Crypto& crypto, Bytes encoding, const Limits& limits) {
  Nodes nodes;
  Reader reader(encoding);
  TRY(reader(nodes));
  TRY(reader.finish());
  return tree.import(crypto, nodes, limits);
}

// A tree of one leaf, and what it lives on.
class TreeTest : public ::testing::Test {
 protected:
  TreeTest() { EXPECT_EQ(tree.start(crypto, noise_leaf(random)), Error::none); }

  adversary::SeededRandom random{1};
  Sodium crypto{random};
  WholeCredential identity;
  TestMemory memory;
  Limits limits;
  RatchetTree tree{memory, identity};
};

}  // namespace tacet
