#include "protocol/tree_math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "evidence.h"

namespace tacet {
namespace {

// The tree as nodes that know each other, built from the definition: a leaf, or a node between two equal
// halves.
struct Model {
  struct Node {
    int left = -1, right = -1, parent = -1;
    std::set<std::uint32_t> leaves;
  };

  explicit Model(unsigned depth) : nodes((2u << depth) - 1), root(build(0, nodes.size())) {}

  int build(std::size_t begin, std::size_t size) {
    const auto middle = static_cast<int>(begin + size / 2);
    Node& node = nodes[static_cast<std::size_t>(middle)];
    if (size == 1) {
      node.leaves = {static_cast<std::uint32_t>(middle / 2)};
      return middle;
    }
    node.left = build(begin, size / 2);
    node.right = build(static_cast<std::size_t>(middle) + 1, size / 2);
    for (const int child : {node.left, node.right}) {
      Node& below = nodes[static_cast<std::size_t>(child)];
      below.parent = middle;
      node.leaves.insert(below.leaves.begin(), below.leaves.end());
    }
    return middle;
  }

  std::vector<Node> nodes;
  int root;
};

std::optional<NodeIndex> index_of(int node) {
  if (node < 0) return std::nullopt;
  return NodeIndex(static_cast<std::uint32_t>(node));
}

TEST(TreeMath, AgreesWithTheDefinition) {
  for (unsigned depth = 0; depth <= 8; ++depth) {
    const Model model(depth);
    const TreeSize size = TreeSize::for_leaves(1u << depth);
    EXPECT_EQ(size.depth(), depth);
    EXPECT_EQ(size.leaves(), 1u << depth);
    ASSERT_EQ(size.nodes(), model.nodes.size());
    EXPECT_EQ(size.root(), index_of(model.root));
    for (std::uint32_t i = 0; i < size.nodes(); ++i) {
      const Model::Node& node = model.nodes[i];
      const NodeIndex index(i);
      EXPECT_EQ(is_leaf(index), node.left < 0);
      EXPECT_EQ(left(index), index_of(node.left));
      EXPECT_EQ(right(index), index_of(node.right));
      EXPECT_EQ(size.parent(index), index_of(node.parent));
      std::optional<NodeIndex> sibling;
      if (node.parent >= 0) {
        const Model::Node& above = model.nodes[static_cast<std::size_t>(node.parent)];
        sibling = index_of(above.left == static_cast<int>(i) ? above.right : above.left);
      }
      EXPECT_EQ(size.sibling(index), sibling);
      EXPECT_EQ(1u << level(index), node.leaves.size());
    }
  }
}

TEST(TreeMath, SubtreesAndCommonAncestorsAgreeWithTheDefinition) {
  const Model model(5);
  const auto nodes = static_cast<std::uint32_t>(model.nodes.size());
  for (std::uint32_t a = 0; a < nodes; ++a) {
    for (std::uint32_t b = 0; b < nodes; ++b) {
      const auto& leaves_a = model.nodes[a].leaves;
      const auto& leaves_b = model.nodes[b].leaves;
      const bool inside = std::includes(leaves_b.begin(), leaves_b.end(), leaves_a.begin(), leaves_a.end());
      EXPECT_EQ(in_subtree(NodeIndex(a), NodeIndex(b)), inside);
      std::set<std::uint32_t> both = leaves_a;
      both.insert(leaves_b.begin(), leaves_b.end());
      std::uint32_t lowest = a;
      while (!std::includes(model.nodes[lowest].leaves.begin(), model.nodes[lowest].leaves.end(),
                            both.begin(), both.end())) {
        lowest = static_cast<std::uint32_t>(model.nodes[lowest].parent);
      }
      EXPECT_EQ(common_ancestor(NodeIndex(a), NodeIndex(b)), NodeIndex(lowest));
    }
  }
}

TEST(TreeMath, SizesAreTheNextPowerOfTwo) {
  const std::pair<std::uint32_t, std::uint32_t> sizes[] = {{0, 1},
                                                           {1, 1},
                                                           {2, 2},
                                                           {3, 4},
                                                           {4, 4},
                                                           {5, 8},
                                                           {1025, 2048},
                                                           {1u << 30, 1u << 30},
                                                           {0xffffffff, 1u << 30}};
  for (const auto& [leaves, width] : sizes) EXPECT_EQ(TreeSize::for_leaves(leaves).leaves(), width) << leaves;
  const TreeSize largest = TreeSize::for_leaves(1u << 30);
  EXPECT_EQ(largest.nodes(), 0x7fffffffu);
  EXPECT_TRUE(largest.contains(LeafIndex{(1u << 30) - 1}));
  EXPECT_FALSE(largest.contains(LeafIndex{1u << 30}));
  EXPECT_EQ(largest.parent(LeafIndex{(1u << 30) - 1}), NodeIndex(0x7ffffffd));
}

static_assert(*left(NodeIndex(7)) == NodeIndex(3) && *right(NodeIndex(7)) == NodeIndex(11));
static_assert(TreeSize::for_leaves(8).parent(NodeIndex(3)) == NodeIndex(7));

TEST(TreeMath, AncestorsAreParentsOfParents) {
  const TreeSize size = TreeSize::for_leaves(64);
  for (std::uint32_t leaf = 0; leaf < size.leaves(); ++leaf) {
    std::optional<NodeIndex> node = NodeIndex(LeafIndex{leaf});
    for (unsigned height = 0; height <= size.depth(); ++height) {
      EXPECT_EQ(ancestor_at({leaf}, height), node);
      EXPECT_LE(first_leaf(*node).value, leaf);
      EXPECT_GE(last_leaf(*node).value, leaf);
      EXPECT_EQ(last_leaf(*node).value - first_leaf(*node).value + 1, 1u << height);
      EXPECT_EQ(first_leaf(*node).value % (1u << height), 0u);
      node = size.parent(*node);
    }
    EXPECT_EQ(node, std::nullopt) << "the direct path ends at the root";
  }
  evidence::shows("TREE-05");
}

}  // namespace
}  // namespace tacet
