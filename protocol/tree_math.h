#pragma once

// The index calculus of RFC 9420, Appendix C: a complete binary tree in an array, leaves at even indexes, a
// parent between its children. Trees have 2^d leaves (RFC 9420, 4.1 and 7.7).

#include <bit>
#include <compare>
#include <cstdint>
#include <optional>

namespace tacet {

// The number of a leaf, from the left, blank leaves included.
struct LeafIndex {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(LeafIndex, LeafIndex) = default;
};

// The place of a node, leaf or parent, in the array [TREE-10].
struct NodeIndex {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(NodeIndex, NodeIndex) = default;

  constexpr NodeIndex() = default;
  constexpr explicit NodeIndex(std::uint32_t index) noexcept : value(index) {}
  constexpr NodeIndex(LeafIndex leaf) noexcept : value(2 * leaf.value) {}
};

constexpr bool is_leaf(NodeIndex node) noexcept { return (node.value & 1) == 0; }

// 0 for a leaf, and one more than its children's for a parent.
constexpr unsigned level(NodeIndex node) noexcept {
  return static_cast<unsigned>(std::countr_one(node.value));
}

// The leaf at an even index.
constexpr LeafIndex leaf_at(NodeIndex leaf) noexcept { return {leaf.value / 2}; }

// The leftmost and the rightmost leaf of a subtree.
constexpr LeafIndex first_leaf(NodeIndex subtree) noexcept {
  return {(subtree.value + 1 - (std::uint32_t{1} << level(subtree))) / 2};
}
constexpr LeafIndex last_leaf(NodeIndex subtree) noexcept {
  return {first_leaf(subtree).value + (std::uint32_t{1} << level(subtree)) - 1};
}

// Nothing for a leaf.
constexpr std::optional<NodeIndex> left(NodeIndex node) noexcept {
  if (is_leaf(node)) return std::nullopt;
  return NodeIndex(node.value ^ (std::uint32_t{1} << (level(node) - 1)));
}

// Nothing for a leaf.
constexpr std::optional<NodeIndex> right(NodeIndex node) noexcept {
  if (is_leaf(node)) return std::nullopt;
  return NodeIndex(node.value ^ (std::uint32_t{3} << (level(node) - 1)));
}

// Whether `node` lies in the subtree of `ancestor`, or is it.
constexpr bool in_subtree(NodeIndex node, NodeIndex ancestor) noexcept {
  const std::uint32_t reach = (std::uint32_t{1} << level(ancestor)) - 1;  // to either side
  return node.value >= ancestor.value - reach && node.value <= ancestor.value + reach;
}

// The ancestor of a leaf at that level, 0 for the leaf itself; at most TreeSize::max_depth.
constexpr NodeIndex ancestor_at(LeafIndex leaf, unsigned level) noexcept {
  return NodeIndex(2 * leaf.value >> (level + 1) << (level + 1) | ((std::uint32_t{1} << level) - 1));
}

// The lowest node whose subtree holds both.
constexpr NodeIndex common_ancestor(NodeIndex a, NodeIndex b) noexcept {
  if (in_subtree(a, b)) return b;
  if (in_subtree(b, a)) return a;
  const auto length = static_cast<unsigned>(std::bit_width(a.value ^ b.value));
  return NodeIndex(((a.value >> length) << length) | ((std::uint32_t{1} << (length - 1)) - 1));
}

// A tree of 2^depth leaves [TREE-01].
class TreeSize {
 public:
  static constexpr unsigned max_depth = 30;

  constexpr TreeSize() = default;  // one leaf

  // The smallest tree with room for `leaves` leaves, at least 1 and at most 2^max_depth.
  static constexpr TreeSize for_leaves(std::uint32_t leaves) noexcept {
    TreeSize size;
    size.depth_ = leaves <= 1 ? 0 : static_cast<unsigned>(std::bit_width(leaves - 1));
    if (size.depth_ > max_depth) size.depth_ = max_depth;
    return size;
  }

  constexpr unsigned depth() const noexcept { return depth_; }
  constexpr std::uint32_t leaves() const noexcept { return std::uint32_t{1} << depth_; }
  constexpr std::uint32_t nodes() const noexcept { return 2 * leaves() - 1; }
  constexpr NodeIndex root() const noexcept { return NodeIndex(leaves() - 1); }

  constexpr bool contains(LeafIndex leaf) const noexcept { return leaf.value < leaves(); }
  constexpr bool contains(NodeIndex node) const noexcept { return node.value < nodes(); }

  // Nothing for the root [TREE-05].
  constexpr std::optional<NodeIndex> parent(NodeIndex node) const noexcept {
    if (node == root()) return std::nullopt;
    const unsigned k = level(node);
    return NodeIndex((node.value | std::uint32_t{1} << k) & ~(std::uint32_t{1} << (k + 1)));
  }

  // Nothing for the root [TREE-06].
  constexpr std::optional<NodeIndex> sibling(NodeIndex node) const noexcept {
    const std::optional<NodeIndex> above = parent(node);
    if (!above) return std::nullopt;
    return node < *above ? right(*above) : left(*above);
  }

  friend constexpr bool operator==(TreeSize, TreeSize) = default;

 private:
  unsigned depth_ = 0;
};

}  // namespace tacet
