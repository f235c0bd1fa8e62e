#include "protocol/tree_draft.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "evidence.h"
#include "memories.h"
#include "protocol/tree_check.h"
#include "trees.h"
#include "twins.h"

namespace tacet {
namespace {

using evidence::refused;
using evidence::shows;
using model::Octets;
using model::operator+;

// ---- random histories, held to the slow model after every step

struct RapidCheckJudge {
  static void demand(bool holds) { RC_ASSERT(holds); }
};

rc::Gen<std::vector<Step>> histories() {
  return rc::gen::container<std::vector<Step>>(
      rc::gen::build<Step>(rc::gen::set(&Step::verb, rc::gen::weightedElement<Verb>({{6, Verb::add},
                                                                                     {2, Verb::update},
                                                                                     {6, Verb::remove},
                                                                                     {1, Verb::blank},
                                                                                     {5, Verb::path},
                                                                                     {5, Verb::adopt},
                                                                                     {1, Verb::drop}})),
                           rc::gen::set(&Step::who, rc::gen::arbitrary<std::uint32_t>())));
}

RC_GTEST_PROP(TreeDraft, FollowsTheModel, ()) {
  const auto members = *rc::gen::weightedOneOf<std::uint32_t>(
      {{6, rc::gen::inRange<std::uint32_t>(1, 20)}, {1, rc::gen::inRange<std::uint32_t>(20, 300)}});
  Twins<RapidCheckJudge> twins(*rc::gen::arbitrary<std::uint64_t>(), members);
  for (const Step& step : *histories()) {
    twins.take(step);
    twins.compare();
  }
  shows(
      "TREE-01, TREE-02, TREE-03, TREE-04, TREE-06, TREE-07, TREE-10, TREE-17, TREE-18, TREE-34, TREE-35, "
      "TREE-36, "
      "TREE-37, TREE-38, TREE-39, TREE-43, TREE-44, TREE-58, TREE-62, PROP-06, PROP-07");
}

// As many members as are asked of a large group, with a truncation and an extension in every round.
RC_GTEST_PROP(TreeDraft, FollowsTheModelAcrossPowersOfTwo, ()) {
  const std::uint32_t width = 1u << *rc::gen::inRange(1, 8);
  Twins<RapidCheckJudge> twins(*rc::gen::arbitrary<std::uint64_t>(), width + 1);
  for (const Step& step : *rc::gen::container<std::vector<Step>>(
           3, rc::gen::construct<Step>(rc::gen::element(Verb::path, Verb::update),
                                       rc::gen::arbitrary<std::uint32_t>()))) {
    twins.take(step);
    twins.take({Verb::remove, width});  // of the only leaf in the right half
    twins.compare();
    twins.take({Verb::add, 0});
    twins.compare();
    twins.take({Verb::adopt, 0});
  }
  for (std::uint32_t i = width; i > 1; --i) twins.take({Verb::remove, i - 1});
  twins.compare();
  twins.take({Verb::adopt, 0});
  twins.compare();
}

// Each step once with every allocation failing, then again with room; afterwards everything agrees.
RC_GTEST_PROP(TreeDraft, SurvivesFullMemory, ()) {
  Twins<RapidCheckJudge> twins(*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::inRange<std::uint32_t>(1, 12));
  for (const Step& step : *histories()) {
    for (std::size_t n = 0; twins.take_with_full_memory(step, n); ++n) twins.compare();
    twins.compare();
  }
}

class TreeDraftTest : public TreeTest {
 protected:
  TreeDraft begin() {
    TreeDraft draft(crypto, tree, memory, limits);
    EXPECT_EQ(draft.start(), Error::none);
    return draft;
  }
  void adopt(TreeDraft& draft) {
    ASSERT_EQ(draft.rehash(), Error::none);
    ASSERT_EQ(draft.reserve(), Error::none);
    draft.adopt(tree);
  }
  void grow_to(std::uint32_t members) {
    TreeDraft draft = begin();
    while (draft.members() < members) ASSERT_TRUE(add(draft).ok());
    adopt(draft);
  }
  Result<LeafIndex> add(TreeDraft& draft) {
    const Octets leaf = noise_leaf(random);
    return draft.add(decoded_leaf(leaf));
  }
  // What a refusal must leave as it was.
  Octets state() { return exported(tree) + model::octets(tree.tree_hash()); }
};

TEST_F(TreeDraftTest, ChangesOnlyMembers) {
  grow_to(3);
  const Octets before = state();
  const Octets encoding = noise_leaf(random);
  const LeafNode leaf = decoded_leaf(encoding);
  for (const std::uint32_t index : {3u, 4u, 0x40000000u, 0x7fffffffu, 0xffffffffu}) {
    TreeDraft draft = begin();
    const Error expected = index == 3 ? Error::leaf_blank : Error::leaf_outside_tree;
    refused("PROP-13", expected, draft.remove({index}),
            {.state_equal = before == state(), .genuine_accepted = begin().remove({2}) == Error::none});
    EXPECT_EQ(draft.update({index}, leaf), expected);
    EXPECT_EQ(draft.blank_path({index}), index == 3 ? Error::none : expected);
  }
  TreeDraft draft = begin();
  EXPECT_EQ(draft.update({1}, leaf), Error::none);
}

TEST_F(TreeDraftTest, AnUpdateHasAKeyOfItsOwn) {
  grow_to(3);
  const Octets before = state();
  const LeafNode same = tree.leaf({1});
  TreeDraft draft = begin();
  const Error seen = draft.update({1}, same);
  const Octets encoding = noise_leaf(random);
  refused("LEAF-31", Error::encryption_key_unchanged, seen,
          {.state_equal = before == state(),
           .genuine_accepted = begin().update({1}, decoded_leaf(encoding)) == Error::none});
}

TEST_F(TreeDraftTest, KeepsToTheLimitOfLeaves) {
  limits.leaves = 3;
  grow_to(3);
  TreeDraft draft = begin();
  EXPECT_EQ(add(draft).error(), Error::too_many_leaves);
  TreeDraft second = begin();
  ASSERT_EQ(second.remove({1}), Error::none);
  EXPECT_EQ(add(second).value(), LeafIndex{1}) << "the leftmost blank leaf";
}

TEST_F(TreeDraftTest, KeepsUnmergedLeavesSorted) {
  // A received tree in which leaf 2 is blank, and leaf 3 unmerged at the root: an Add puts 2 before it.
  const Octets key = noise(random, 32);
  const Octets root =
      Octets{1, 2} + model::vector(key) + model::vector("") + model::vector(model::number(3, 4));
  const auto leaf = [&] { return Octets{1, 1} + noise_leaf(random); };
  const Octets encoding = model::vector(leaf() + Octets{0} + leaf() + root + Octets{0, 0} + leaf());
  ASSERT_EQ(import_tree(tree, crypto, encoding, limits), Error::none);
  TreeDraft draft = begin();
  ASSERT_EQ(add(draft).value(), LeafIndex{2});
  ASSERT_EQ(add(draft).value(), LeafIndex{4});
  const UnmergedLeaves leaves = draft.unmerged_leaves(NodeIndex(3));
  ASSERT_EQ(leaves.size(), 2u);
  EXPECT_EQ(leaves[0], LeafIndex{2});
  EXPECT_EQ(leaves[1], LeafIndex{3});
  shows("TREE-11");
}

TEST_F(TreeDraftTest, ListsOfUnmergedLeavesGrowPastEveryHeader) {
  // The list's header is 1, 2 and 4 bytes long: up to 15, 4095 and more leaves.
  TreeDraft first = begin();
  ASSERT_TRUE(add(first).ok());
  adopt(first);
  const Octets key = noise(random, 32);
  TreeDraft draft = begin();
  ASSERT_EQ(draft.blank_path({0}), Error::none);
  ASSERT_EQ(draft.set_parent(NodeIndex(1), key, {}), Error::none);
  for (std::uint32_t leaf = 2; leaf < 4; ++leaf) ASSERT_TRUE(add(draft).ok());
  std::uint32_t height = 2;
  ASSERT_EQ(draft.blank_path({0}), Error::none);
  for (std::uint32_t leaf = 4; leaf < 4200; ++leaf) {
    ASSERT_TRUE(add(draft).ok());
    if (draft.size().depth() > height) {  // a new root, made non-blank
      height = draft.size().depth();
      ASSERT_EQ(draft.set_parent(draft.size().root(), noise(random, 32), {}), Error::none);
    }
  }
  const ParentNode root = draft.parent(draft.size().root());
  std::uint32_t expected = 4097;  // 4096 made the root
  for (const LeafIndex leaf : root.unmerged_leaves) EXPECT_EQ(leaf.value, expected++);
  EXPECT_EQ(expected, 4200u);
  const ParentNode below = draft.parent(*left(draft.size().root()));
  EXPECT_EQ(below.unmerged_leaves.count(), 4095u - 2048);
}

TEST_F(TreeDraftTest, AnAddTakesTheLeafThatARemoveLeft) {
  grow_to(5);
  TreeDraft draft = begin();
  ASSERT_EQ(draft.remove({4}), Error::none);
  EXPECT_EQ(draft.size().leaves(), 4u) << "truncated";
  ASSERT_EQ(draft.remove({1}), Error::none);
  EXPECT_EQ(add(draft).value(), LeafIndex{1});
  EXPECT_EQ(add(draft).value(), LeafIndex{4});
  EXPECT_EQ(draft.size().leaves(), 8u);
  EXPECT_TRUE(draft.is_new({1}));
  EXPECT_FALSE(draft.is_new({0}));
  adopt(draft);
  EXPECT_EQ(tree.members(), 5u);
  TreeDraft none_is_new = begin();
  EXPECT_FALSE(none_is_new.is_new({1}));
}

TEST_F(TreeDraftTest, FindsClientsByIdentity) {
  grow_to(4);
  const Octets identity_of_2 = model::octets(tree.leaf({2}).credential.body);
  TreeDraft draft = begin();
  EXPECT_EQ(draft.other_with(NodeIndexMap::Of::client, identity_of_2, std::nullopt), NodeIndex(LeafIndex{2}));
  EXPECT_EQ(draft.other_with(NodeIndexMap::Of::client, identity_of_2, NodeIndex(LeafIndex{2})), std::nullopt);
  ASSERT_EQ(draft.remove({2}), Error::none);
  EXPECT_EQ(draft.other_with(NodeIndexMap::Of::client, identity_of_2, std::nullopt), std::nullopt);
  EXPECT_EQ(tree.other_with(crypto, NodeIndexMap::Of::client, identity_of_2, std::nullopt),
            NodeIndex(LeafIndex{2}));
  // The same client under a new key, as in a Remove and an Add of one Commit.
  LeafNode again = tree.leaf({2});
  const Octets key = noise(random, 32);
  again.encryption_key = key;
  Octets encoding(encoded_size(again).value());
  ASSERT_TRUE(encode(again, encoding).ok());
  ASSERT_TRUE(draft.add(decoded_leaf(encoding)).ok());
  EXPECT_EQ(draft.other_with(NodeIndexMap::Of::client, identity_of_2, std::nullopt), NodeIndex(LeafIndex{2}));
}

// ---- memory

// At most 512 bytes for each member of a full tree of 5,000 with 185-byte leaves, also when every leaf has
// been replaced, and at any time in between.
TEST_F(TreeDraftTest, MemoryGrowsWithTheMembers) {
  constexpr std::uint32_t members = 5000;
  const auto leaf = [&](const std::optional<Octets>& parent_hash) {
    for (std::size_t identity_size = 0;; ++identity_size) {
      Octets made = noise_leaf(random, parent_hash, identity_size);
      if (made.size() == 185) return made;
    }
  };
  {
    TreeDraft draft = begin();
    while (draft.members() < members) {
      const Octets encoding = leaf(std::nullopt);
      ASSERT_TRUE(draft.add(decoded_leaf(encoding)).ok());
    }
    adopt(draft);
  }
  std::size_t most_calls = 0, most_live = 0;
  for (std::uint32_t i = 0; i < 2 * members; ++i) {
    const std::uint32_t sender = i * 7919 % members;
    const std::size_t calls = memory.calls();
    {
      TreeDraft draft = begin();
      const FilteredPath path = draft.filtered_path({sender});
      std::vector<Octets> keys(path.size);
      for (Octets& key : keys) key = noise(random, 32);
      ASSERT_EQ(draft.blank_path({sender}), Error::none);
      Octets hash;
      for (std::size_t k = keys.size(); k-- > 0;) {
        ASSERT_EQ(draft.set_parent(path.steps[k].node, keys[k], hash), Error::none);
        Digest digest;
        ASSERT_EQ(parent_hash(crypto, {keys[k], hash, tree.hash(path.steps[k].copath)}, digest), Error::none);
        hash = model::octets(digest);
      }
      const Octets encoding = leaf(hash);
      ASSERT_EQ(draft.set_leaf({sender}, decoded_leaf(encoding)), Error::none);
      adopt(draft);
    }
    most_calls = std::max(most_calls, memory.calls() - calls);
    most_live = std::max(most_live, memory.live());
  }
  EXPECT_LE(most_live, 512 * members);
  EXPECT_LE(most_calls, 4u * 13 + 32);
  const std::size_t calls = memory.calls();
  RatchetTree imported(memory, identity);
  ASSERT_EQ(import_tree(imported, crypto, exported(tree), limits), Error::none);
  ASSERT_EQ(check_tree(crypto, imported, memory), Error::none);
  EXPECT_LE(memory.calls() - calls, 16u);
}

}  // namespace
}  // namespace tacet
