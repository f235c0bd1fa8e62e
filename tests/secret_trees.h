#pragma once

// Secret trees beside a model of RFC 9420, section 9, and what is saved of one.

#include <gtest/gtest.h>

#include <vector>

#include "memories.h"
#include "protocol/secret_tree.h"
#include "protocol/sodium.h"
#include "secrets.h"
#include "spec/adversary/seeded_random.h"

namespace tacet {

using model::Octets;
using model::operator+;

inline constexpr RatchetType both_types[] = {RatchetType::handshake, RatchetType::application};

// Section 9 as it stands there, from the root again for each key.
struct TreeModel {
  Octets root;
  unsigned depth;

  // The secret of the node `height` levels above the leaf.
  Octets node_secret(std::uint32_t leaf, unsigned height) const {
    Octets secret = root;
    for (unsigned level = depth; level-- > height;) {
      secret =
          model::expand_with_label(secret, "tree", model::octets(leaf >> level & 1 ? "right" : "left"), 32);
    }
    return secret;
  }
  Octets ratchet_secret(std::uint32_t leaf, RatchetType type, std::uint32_t generation) const {
    const char* label = type == RatchetType::handshake ? "handshake" : "application";
    Octets secret = model::expand_with_label(node_secret(leaf, 0), label, {}, 32);
    for (std::uint32_t j = 0; j < generation; ++j) {
      secret = model::expand_with_label(secret, "secret", model::number(j, 4), 32);
    }
    return secret;
  }
  Octets key(std::uint32_t leaf, RatchetType type, std::uint32_t generation) const {
    return model::expand_with_label(ratchet_secret(leaf, type, generation), "key",
                                    model::number(generation, 4), 32);
  }
  Octets nonce(std::uint32_t leaf, RatchetType type, std::uint32_t generation) const {
    return model::expand_with_label(ratchet_secret(leaf, type, generation), "nonce",
                                    model::number(generation, 4), 12);
  }
};

// What is saved of a tree, written by hand.
struct SavedTree {
  struct Node {
    std::uint32_t index;
    Octets secret;
  };
  struct Sender {
    std::uint32_t leaf;
    std::uint32_t next[2];
    Octets ratchet[2];  // empty once exhausted
  };
  struct Skipped {
    RatchetType type;
    std::uint32_t leaf, generation;
    std::uint64_t age;
    Octets key, nonce;
  };
  SecretTree::Reserved sent = {0, 0}, reserved = {0, 0};
  std::vector<Node> nodes;
  std::vector<Sender> senders;
  std::vector<Skipped> skipped;

  Error write(SecretWriter& writer) const {
    TRY(writer(sent[0], sent[1], reserved[0], reserved[1]));
    const auto count = [&](std::size_t size) { return writer.integer(static_cast<std::uint32_t>(size)); };
    TRY(count(nodes.size()));
    for (const Node& node : nodes) {
      TRY(writer(node.index));
      TRY(writer.secret(secret_of(node.secret)));
    }
    TRY(count(senders.size()));
    for (const Sender& sender : senders) {
      TRY(writer(sender.leaf));
      for (std::size_t type = 0; type < 2; ++type) {
        TRY(writer(sender.next[type]));
        TRY(writer.secret(secret_of(sender.ratchet[type])));
      }
    }
    TRY(count(skipped.size()));
    for (const Skipped& each : skipped) {
      TRY(writer(each.type, each.leaf, each.generation, each.age));
      TRY(writer.secret(secret_of(each.key)));
      TRY(writer.secret(secret_of(each.nonce)));
    }
    return Error::none;
  }

  Error restore(SecretTree& tree, unsigned depth, Memory& memory) const {
    SecretWriter writer;
    SecretBuffer buffer;
    TRY(write(writer));
    TRY(writer.start(memory, writer.size(), buffer));
    TRY(write(writer));
    SecretReader reader(buffer);
    TRY(tree.restore(reader, TreeSize::for_leaves(1u << depth)));
    return reader.finish();
  }
};

class SecretTreeTest : public ::testing::Test {
 protected:
  SecretTree make(unsigned depth, const Limits& limits = {}) {
    SecretTree tree(crypto.suite(), plain, secrets, limits);
    model.depth = depth;
    EXPECT_EQ(tree.start(secret_of(model.root), TreeSize::for_leaves(1u << depth)), Error::none);
    return tree;
  }

  SecretTree empty(const Limits& limits = {}) { return SecretTree(crypto.suite(), plain, secrets, limits); }

  // Saves a tree, and restores it under limits that may have changed.
  SecretTree saved_and_restored(const SecretTree& tree, const SecretTree::Reserved& reserved,
                                const Limits& limits = {}) {
    SecretWriter measure, writer;
    SecretBuffer buffer;
    EXPECT_EQ(tree.save(measure, reserved), Error::none);
    EXPECT_EQ(writer.start(secrets, measure.size(), buffer), Error::none);
    EXPECT_EQ(tree.save(writer, reserved), Error::none);
    SecretTree restored = empty(limits);
    SecretReader reader(buffer);
    EXPECT_EQ(restored.restore(reader, TreeSize::for_leaves(1u << model.depth)), Error::none);
    EXPECT_EQ(reader.finish(), Error::none);
    return restored;
  }

  // Takes the key of a message that opened, and compares it with the model's.
  Error receive(SecretTree& tree, std::uint32_t leaf, RatchetType type, std::uint32_t generation) {
    PeekedKey peeked;
    TRY(tree.peek(crypto, LeafIndex{leaf}, type, generation, peeked));
    EXPECT_EQ(octets(peeked.message_key().key), model.key(leaf, type, generation));
    EXPECT_EQ(octets(peeked.message_key().nonce), model.nonce(leaf, type, generation));
    EXPECT_EQ(peeked.message_key().generation, generation);
    tree.adopt(peeked);
    return Error::none;
  }
  Error peek_and_drop(SecretTree& tree, std::uint32_t leaf, RatchetType type, std::uint32_t generation) {
    PeekedKey peeked;
    TRY(tree.peek(crypto, LeafIndex{leaf}, type, generation, peeked));
    tree.drop(peeked);
    return Error::none;
  }

  adversary::SeededRandom random{4};
  Sodium crypto{random};
  TestMemory plain, secrets;
  TreeModel model{Octets(32, 0x61), 0};
};

}  // namespace tacet
