#include "protocol/ratchet_tree.h"

#include <gtest/gtest.h>

#include "evidence.h"
#include "leaf_model.h"
#include "memories.h"
#include "protocol/tree_check.h"
#include "trees.h"

namespace tacet {
namespace {

using evidence::refused;
using evidence::shows;

class RatchetTreeTest : public TreeTest {
 protected:
  // A tree of entries as they stand in a ratchet_tree: "l" a leaf, "p" a parent, "_" a blank.
  Octets entries(const std::string& pattern) {
    Octets out;
    for (const char entry : pattern) {
      if (entry == '_') out.push_back(0);
      if (entry == 'l') out = out + Octets{1, 1} + noise_leaf(random);
      if (entry == 'p') out = out + Octets{1, 2} + parent();
    }
    return out;
  }
  Octets parent(const std::vector<std::uint32_t>& unmerged = {}) {
    Octets list;
    for (const std::uint32_t leaf : unmerged) list = list + model::number(leaf, 4);
    return model::vector(noise(random, 32)) + model::vector(noise(random, 32)) + model::vector(list);
  }

  // Imports over a tree that is there already, and which a refusal leaves as it was.
  Error import_entries(const Octets& entries) {
    const Octets before = exported(tree);
    const Octets hash_before = model::octets(tree.tree_hash());
    const Octets encoding = model::vector(entries);
    const Error error = import_tree(tree, crypto, encoding, limits);
    if (error == Error::none) {
      EXPECT_EQ(exported(tree), encoding);
    } else {
      EXPECT_EQ(exported(tree), before);
      EXPECT_EQ(model::octets(tree.tree_hash()), hash_before);
    }
    return error;
  }
  void refuses(const char* ids, Error error, const Octets& entries_of_tree) {
    const Error seen = import_entries(entries_of_tree);
    const bool genuine = import_entries(entries("lpl")) == Error::none;
    EXPECT_TRUE(genuine);
    refused(ids, error, seen, {.state_equal = true, .genuine_accepted = genuine});
  }
};

TEST_F(RatchetTreeTest, StartsWithOneLeaf) {
  const Octets leaf = noise_leaf(random);
  ASSERT_EQ(tree.start(crypto, leaf), Error::none);
  EXPECT_EQ(tree.size().leaves(), 1u);
  EXPECT_EQ(tree.members(), 1u);
  EXPECT_EQ(model::octets(tree.encoded(LeafIndex{0})), leaf);
  EXPECT_EQ(exported(tree), model::vector(Octets{1, 1} + leaf));
  EXPECT_EQ(model::octets(tree.tree_hash()), model::Tree(*model::LeafNode::parse(leaf)).tree_hash());
  EXPECT_EQ(tree.filtered_path({0}).size, 0u);
  shows("TREE-01, TREE-36");
}

TEST_F(RatchetTreeTest, HoldsLeavesAndParentsWhereTheyBelong) {
  refuses("CODEC-23", Error::node_misplaced, entries("ppl"));
  refuses("CODEC-23", Error::node_misplaced, entries("lll"));
  refuses("CODEC-23", Error::node_misplaced, entries("lpp"));
  for (const std::uint8_t type : {0, 3, 255}) {
    refuses("CODEC-17", Error::node_type_unknown, entries("lp") + Octets{1, type} + noise_leaf(random));
  }
  for (const std::uint8_t presence : {2, 255}) {
    refuses("CODEC-01", Error::optional_presence, entries("lp") + Octets{presence, 1} + noise_leaf(random));
  }
  shows("TREE-10, TREE-62");
}

TEST_F(RatchetTreeTest, HasALeafAndEndsWithANode) {
  refuses("CODEC-24", Error::tree_empty, {});
  for (const char* blanks : {"_", "___", "_______"}) refuses("CODEC-24", Error::tree_empty, entries(blanks));
  for (const char* trailing : {"l_", "lpl_", "lp_", "lpl____", "l__"}) {
    refuses("TREE-59", Error::tree_trailing_blank, entries(trailing));
  }
}

TEST_F(RatchetTreeTest, IsNoWiderThanItsLeaves) {
  refuses("TREE-61", Error::tree_overwide, entries("lp"));
  refuses("TREE-61", Error::tree_overwide, entries("lplp"));
  refuses("TREE-61", Error::tree_overwide, entries("l_lp_p"));
  EXPECT_EQ(import_entries(entries("lpl_l")), Error::none);
  EXPECT_EQ(tree.size().leaves(), 4u) << "extended to the right";
  EXPECT_EQ(import_entries(entries("__________l")), Error::none);
  EXPECT_EQ(tree.size().nodes(), 15u);
  shows("TREE-58, TREE-60");
}

TEST_F(RatchetTreeTest, HasKeysAndHashesOfTheSuite) {
  const auto with_parent = [&](std::size_t key, std::size_t hash) {
    return entries("l") + Octets{1, 2} + model::vector(noise(random, key)) +
           model::vector(noise(random, hash)) + model::vector("") + entries("l");
  };
  for (const std::size_t size : {0, 31, 33, 64}) {
    refuses("", Error::kem_public_key_length, with_parent(size, 32));
    if (size != 0) refuses("", Error::parent_hash_length, with_parent(32, size));
  }
  EXPECT_EQ(import_entries(with_parent(32, 0)), Error::none);
}

TEST_F(RatchetTreeTest, KeepsToTheLimits) {
  limits.leaves = 4;
  EXPECT_EQ(import_entries(entries("l_l_l_l")), Error::none);
  refuses("", Error::too_many_leaves, entries("l_l_l_l_l"));
  refuses("", Error::too_many_leaves, entries("l_l_l_lp"));
  limits = Limits();
  limits.leaf_size = static_cast<std::uint32_t>(noise_leaf(random).size());
  EXPECT_EQ(import_entries(entries("lpl")), Error::none);
  --limits.leaf_size;
  EXPECT_EQ(import_entries(entries("lpl")), Error::leaf_too_large);
}

TEST_F(RatchetTreeTest, KeepsWhatItDoesNotKnow) {
  // GREASE and other unknown values in capabilities, credentials and extensions of a leaf.
  LeafModel leaf;
  leaf.encryption_key = noise(random, 32);
  leaf.signature_key = noise(random, 32);
  leaf.private_key = model::zeros(64);
  leaf.versions = {1, 0x00ff};
  leaf.suites = {3, 0x1a1a};
  leaf.extensions = {0x2a2a, 0xf00f};
  leaf.credential_type = 0xf001;
  leaf.credential_body = model::octets("of an unknown type");
  leaf.credentials = {1, 0xf001, 0x3a3a};
  leaf.leaf_extensions = {{0x2a2a, {}}, {0xf00f, noise(random, 300)}};
  const Octets whole = Octets{1, 1} + leaf.encoding() + entries("pl");
  EXPECT_EQ(import_entries(whole), Error::none);
  EXPECT_EQ(exported(tree), model::vector(whole));
  EXPECT_EQ(model::octets(tree.tree_hash()), model::Tree::parse(whole)->tree_hash());
  EXPECT_EQ(tree.credentials_in_use().users(CredentialType{0xf001}), 1u);
}

TEST_F(RatchetTreeTest, HoldsUnmergedLeavesByTheirIndex) {
  const Octets whole = entries("lpl") + Octets{1, 2} + parent({1, 3}) + entries("l_l");
  ASSERT_EQ(import_entries(whole), Error::none);
  const ParentNode root = tree.parent(tree.size().root());
  std::vector<std::uint32_t> leaves;
  for (const LeafIndex leaf : root.unmerged_leaves) leaves.push_back(leaf.value);
  EXPECT_EQ(leaves, (std::vector<std::uint32_t>{1, 3}));
  EXPECT_TRUE(tree.unmerged_leaves(tree.size().root()).contains({3}));
  EXPECT_FALSE(tree.unmerged_leaves(tree.size().root()).contains({2}));
  Resolution resolution(tree, tree.size().root());
  EXPECT_EQ(resolution.next(), tree.size().root());
  EXPECT_EQ(resolution.next(), NodeIndex(2));
  EXPECT_EQ(resolution.next(), NodeIndex(6));
  EXPECT_EQ(resolution.next(), std::nullopt);
  shows("CODEC-25, TREE-02");
}

TEST_F(RatchetTreeTest, OfAPartOfFourBytesIsNoList) {
  const Octets cut = entries("l") + Octets{1, 2} + model::vector(noise(random, 32)) + model::vector("") +
                     model::vector(Octets{0, 0, 0, 1, 0}) + entries("l");
  refuses("CODEC-11", Error::list_not_whole, cut);
}

// ---- bytes and memory

TEST_F(RatchetTreeTest, TruncatedOrFlippedNeverCrashes) {
  const Octets genuine = model::vector(entries("lpl") + Octets{1, 2} + parent({1}) + entries("lpl_l"));
  ASSERT_EQ(import_tree(tree, crypto, genuine, limits), Error::none);
  for (std::size_t size = 0; size < genuine.size(); ++size) {
    const Octets cut(genuine.begin(), genuine.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(import_tree(tree, crypto, cut, limits), Error::none);
  }
  for (std::size_t bit = 0; bit < 8 * genuine.size(); ++bit) {
    Octets changed = genuine;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    const Octets exact = changed;  // of exactly its size, for the sanitizer
    RatchetTree imported(memory, identity);
    if (import_tree(imported, crypto, exact, limits) != Error::none) continue;
    EXPECT_EQ(exported(imported), exact);
    static_cast<void>(check_tree(crypto, imported, memory));
    static_cast<void>(check_leaves(crypto, imported, {bytes_of("group"), {}, limits}, memory));
    for (std::uint32_t i = 0; i < imported.size().nodes(); ++i) {
      Resolution resolution(imported, NodeIndex(i));
      std::size_t nodes = 0;
      while (resolution.next()) ++nodes;
      EXPECT_LE(nodes, exact.size());
    }
  }
}

TEST_F(RatchetTreeTest, ALengthCostsNothing) {
  // 1 GiB is declared for the tree, for a leaf's key, for a parent's list.
  const Octets huge = {0xbf, 0xff, 0xff, 0xff};
  const std::size_t calls = memory.calls();
  for (const Octets& encoding :
       {huge + entries("l"), model::vector(Octets{1, 1} + huge),
        model::vector(entries("l") + Octets{1, 2} + model::vector(noise(random, 32)) + model::vector("") +
                      huge)}) {
    EXPECT_NE(import_tree(tree, crypto, encoding, limits), Error::none);
  }
  // Blanks are cheap to send; they are counted before there is memory for them.
  EXPECT_EQ(import_tree(tree, crypto, model::vector(model::zeros(1 << 20)), limits), Error::too_many_leaves);
  EXPECT_EQ(memory.calls(), calls);
}

TEST_F(RatchetTreeTest, ExportNeedsItsRoom) {
  ASSERT_EQ(import_entries(entries("lpl_l")), Error::none);
  Octets room(tree.export_size().value() - 1, 0xee);
  EXPECT_EQ(tree.export_to(room).error(), Error::output_too_small);
  EXPECT_EQ(room, Octets(room.size(), 0xee));
}

TEST_F(RatchetTreeTest, FullMemoryLeavesItAsItWas) {
  const Octets larger = entries("lpl_l_l_l_l_l");
  ASSERT_EQ(import_entries(entries("lpl")), Error::none);
  for (std::size_t n = 0;; ++n) {
    memory.fail_at(memory.calls() + n);
    const std::size_t live = memory.live();
    const Error error = import_entries(larger);
    if (error == Error::none) break;
    ASSERT_EQ(error, Error::out_of_memory);
    EXPECT_EQ(memory.live(), live);
  }
}

// The hash of the index has a key that members do not know: without randomness there is no tree.
TEST_F(RatchetTreeTest, FailingRandomnessLeavesItAsItWas) {
  struct Failing final : Random {
    Error fill(MutableBytes) noexcept override { return Error::random_failed; }
  };
  Failing failing;
  Sodium without_random(failing);
  const Octets before = exported(tree);
  EXPECT_EQ(import_tree(tree, without_random, model::vector(entries("lpl")), limits), Error::random_failed);
  EXPECT_EQ(tree.start(without_random, noise_leaf(random)), Error::random_failed);
  EXPECT_EQ(exported(tree), before);
}

}  // namespace
}  // namespace tacet
