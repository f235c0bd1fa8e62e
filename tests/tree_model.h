#pragma once

// A plain, slow model of RFC 9420's ratchet tree: every definition as it stands in sections 4.1, 7, 12.1 and
// 12.4.3, computed anew from the nodes each time it is asked for. Tests hold protocol/ to it.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "model.h"

namespace model {

// Numbers count leaves from 0 for a LeafIndex; for a NodeIndex they are places in the array of Appendix C.
using LeafIndex = std::uint32_t;
using NodeIndex = std::uint32_t;

struct Malformed {};

// Sections 2.1.1 and 2.1.2. Throws Malformed.
struct Reader {
  Octets input;
  std::size_t at = 0;

  bool done() const { return at == input.size(); }
  Octets since(std::size_t start) const {
    const auto first = input.begin() + static_cast<std::ptrdiff_t>(start);
    return {first, first + static_cast<std::ptrdiff_t>(at - start)};
  }
  Octets take(std::size_t size) {
    if (size > input.size() - at) throw Malformed();
    at += size;
    return since(at - size);
  }
  std::uint64_t integer(std::size_t size) {
    std::uint64_t value = 0;
    for (const std::uint8_t octet : take(size)) value = value << 8 | octet;
    return value;
  }
  Octets opaque() {
    const std::uint64_t first = integer(1);
    if (first >> 6 == 3) throw Malformed();
    const std::size_t more = (std::size_t{1} << (first >> 6)) - 1;
    const std::uint64_t size = (first & 0x3f) << 8 * more | integer(more);
    if (more == 1 && size < 1 << 6) throw Malformed();
    if (more == 3 && size < 1 << 14) throw Malformed();
    return take(size);
  }
};

// Section 7.2, as far as the tree needs it.
struct LeafNode {
  Octets encoding, encryption_key, parent_hash;
  bool has_parent_hash = false;  // leaf_node_source is commit

  static LeafNode read(Reader& reader) {
    LeafNode leaf;
    const std::size_t start = reader.at;
    leaf.encryption_key = reader.opaque();
    reader.opaque();    // signature_key
    reader.integer(2);  // credential_type
    reader.opaque();    // identity or certificates: one vector
    for (int capability = 0; capability < 5; ++capability) reader.opaque();
    const std::uint64_t source = reader.integer(1);
    if (source < 1 || source > 3) throw Malformed();
    leaf.has_parent_hash = source == 3;
    if (source == 1) reader.take(16);  // lifetime
    if (source == 3) leaf.parent_hash = reader.opaque();
    reader.opaque();  // extensions
    reader.opaque();  // signature
    leaf.encoding = reader.since(start);
    return leaf;
  }
  static std::optional<LeafNode> parse(const Octets& encoding) try {
    Reader reader{encoding};
    LeafNode leaf = read(reader);
    return reader.done() ? std::optional(leaf) : std::nullopt;
  } catch (const Malformed&) {
    return std::nullopt;
  }
};

// Section 7.1.
struct ParentNode {
  Octets encryption_key, parent_hash;
  std::vector<LeafIndex> unmerged_leaves;

  static ParentNode read(Reader& reader) {
    ParentNode parent;
    parent.encryption_key = reader.opaque();
    parent.parent_hash = reader.opaque();
    for (Reader list{reader.opaque()}; !list.done();) {
      parent.unmerged_leaves.push_back(static_cast<LeafIndex>(list.integer(4)));
    }
    return parent;
  }
};

inline Octets encode(const LeafNode& leaf) { return leaf.encoding; }
inline Octets encode(const ParentNode& parent) {
  Octets list;
  for (const LeafIndex leaf : parent.unmerged_leaves) list = list + number(leaf, 4);
  return vector(parent.encryption_key) + vector(parent.parent_hash) + vector(list);
}

class Tree {
 public:
  using Node = std::optional<std::variant<LeafNode, ParentNode>>;
  using Path = std::vector<NodeIndex>;

  // Section 4.1.1: the 2^(d+1) - 1 nodes, for a test to spoil as it likes.
  std::vector<Node> nodes;

  explicit Tree(LeafNode first) : nodes{std::move(first)} {}

  std::uint32_t node_count() const { return static_cast<std::uint32_t>(nodes.size()); }
  std::uint32_t width() const { return (node_count() + 1) / 2; }
  bool is_blank(NodeIndex node) const { return !nodes.at(node); }
  const LeafNode& leaf_node(LeafIndex leaf) const { return std::get<LeafNode>(nodes.at(2 * leaf).value()); }
  const ParentNode& parent_node(NodeIndex node) const { return std::get<ParentNode>(nodes.at(node).value()); }
  ParentNode& parent_node(NodeIndex node) { return std::get<ParentNode>(nodes.at(node).value()); }
  std::vector<LeafIndex> members() const {
    std::vector<LeafIndex> found;
    for (LeafIndex leaf = 0; leaf < width(); ++leaf) {
      if (!is_blank(2 * leaf)) found.push_back(leaf);
    }
    return found;
  }

  // ---- Appendix C

  static bool is_leaf(NodeIndex node) { return node % 2 == 0; }
  static unsigned level(NodeIndex node) { return is_leaf(node) ? 0 : 1 + level(node / 2); }
  // Of a parent: the middles of the halves to its left and to its right.
  static NodeIndex left(NodeIndex node) { return node - (1u << level(node)) / 2; }
  static NodeIndex right(NodeIndex node) { return node + (1u << level(node)) / 2; }
  NodeIndex root() const { return width() - 1; }

  static bool in_subtree(NodeIndex node, NodeIndex head) {
    if (node == head) return true;
    return !is_leaf(head) && (in_subtree(node, left(head)) || in_subtree(node, right(head)));
  }
  // The child of P that is on the direct path of its descendant D, or is D; and the other child.
  static NodeIndex path_child(NodeIndex p, NodeIndex d) {
    return in_subtree(d, left(p)) ? left(p) : right(p);
  }
  static NodeIndex copath_child(NodeIndex p, NodeIndex d) {
    return in_subtree(d, left(p)) ? right(p) : left(p);
  }

  // ---- Section 4.1

  // Section 4.1.1. Takes unmerged_leaves at their word; unmerged_leaves_valid() judges them.
  std::vector<NodeIndex> resolution(NodeIndex node) const {
    std::vector<NodeIndex> list;
    if (!is_blank(node)) {
      list = {node};
      if (is_leaf(node)) return list;
      for (const LeafIndex leaf : parent_node(node).unmerged_leaves) list.push_back(2 * leaf);
      return list;
    }
    if (is_leaf(node)) return {};
    list = resolution(left(node));
    for (const NodeIndex below : resolution(right(node))) list.push_back(below);
    return list;
  }

  // Section 4.1.2, all three from the leaf to the root.
  Path direct_path(LeafIndex leaf) const {
    Path path;
    for (NodeIndex node = root(); node != 2 * leaf; node = path_child(node, 2 * leaf)) {
      path.insert(path.begin(), node);
    }
    return path;
  }
  Path copath(LeafIndex leaf) const {
    Path path;
    for (const NodeIndex node : direct_path(leaf)) path.push_back(copath_child(node, 2 * leaf));
    return path;
  }
  Path filtered_direct_path(LeafIndex leaf) const {
    Path path;
    for (const NodeIndex node : direct_path(leaf)) {
      if (!resolution(copath_child(node, 2 * leaf)).empty()) path.push_back(node);
    }
    return path;
  }

  // ---- Changes: sections 7.5, 7.7 and 12.1.1 to 12.1.3

  void set_leaf(LeafIndex leaf, LeafNode node) { nodes.at(2 * leaf) = std::move(node); }
  void blank_path(LeafIndex leaf) {
    for (const NodeIndex node : direct_path(leaf)) nodes.at(node).reset();
  }

  // Section 12.1.1.
  LeafIndex add(LeafNode node) {
    LeafIndex leaf = 0;
    while (leaf < width() && !is_blank(2 * leaf)) ++leaf;
    if (leaf == width()) nodes.resize(2 * nodes.size() + 1);
    for (const NodeIndex above : direct_path(leaf)) {
      if (is_blank(above)) continue;
      std::vector<LeafIndex>& unmerged = parent_node(above).unmerged_leaves;
      unmerged.push_back(leaf);
      std::sort(unmerged.begin(), unmerged.end());
    }
    set_leaf(leaf, std::move(node));
    return leaf;
  }

  // Section 12.1.2.
  void update(LeafIndex leaf, LeafNode node) {
    set_leaf(leaf, std::move(node));
    blank_path(leaf);
  }

  // Section 12.1.3.
  void remove(LeafIndex leaf) {
    nodes.at(2 * leaf).reset();
    blank_path(leaf);
    while (width() > 1 && resolution(right(root())).empty()) nodes.resize(root());
  }

  // Section 7.5, an UpdatePath without its leaf: one key for each node of the filtered direct path.
  void merge_path(LeafIndex leaf, const std::vector<Octets>& keys) {
    blank_path(leaf);
    const Path path = filtered_direct_path(leaf);
    for (std::size_t i = path.size(); i-- > 0;) {
      Octets above;
      if (i + 1 < path.size()) above = parent_hash(path[i + 1], copath_child(path[i + 1], 2 * leaf));
      nodes.at(path[i]) = ParentNode{keys.at(i), above, {}};
    }
  }
  // After merge_path: what the parent_hash of the leaf has to be.
  Octets path_parent_hash(LeafIndex leaf) const {
    const Path path = filtered_direct_path(leaf);
    return path.empty() ? Octets() : parent_hash(path[0], copath_child(path[0], 2 * leaf));
  }

  // ---- Hashes: sections 7.8 and 7.9

  // Section 7.8.
  Octets tree_hash(NodeIndex node) const {
    const Octets value = is_blank(node) ? Octets{0} : Octets{1} + encoding_of(node);
    if (is_leaf(node)) return hash(node_type(node) + number(node / 2, 4) + value);
    return hash(node_type(node) + value + vector(tree_hash(left(node))) + vector(tree_hash(right(node))));
  }
  Octets tree_hash() const { return tree_hash(root()); }

  // Section 7.9.
  Octets original_sibling_tree_hash(NodeIndex p, NodeIndex s) const {
    Tree original = *this;
    for (const LeafIndex leaf : parent_node(p).unmerged_leaves) {
      if (leaf < width()) original.nodes[2 * leaf].reset();
      for (NodeIndex node = 0; node < node_count(); ++node) {
        if (is_leaf(node) || is_blank(node)) continue;
        std::erase(original.parent_node(node).unmerged_leaves, leaf);
      }
    }
    return original.tree_hash(s);
  }

  // Section 7.9. P's parent_hash is taken as it stands: it is that of the time when P was set, and P may have
  // become the root, or ceased to be it, since then.
  Octets parent_hash(NodeIndex p, NodeIndex s) const {
    return hash(vector(parent_node(p).encryption_key) + vector(parent_node(p).parent_hash) +
                vector(original_sibling_tree_hash(p, s)));
  }

  // Section 7.9.2, the three criteria.
  bool parent_hash_valid(NodeIndex d, NodeIndex p) const {
    if (d == p || !in_subtree(d, p)) return false;
    const NodeIndex c = path_child(p, d), s = copath_child(p, d);

    const std::vector<NodeIndex> list = resolution(c);
    std::set<NodeIndex> others(list.begin(), list.end()), unmerged;
    if (others.erase(d) == 0) return false;
    for (const LeafIndex leaf : parent_node(p).unmerged_leaves) {
      if (in_subtree(2 * leaf, c)) unmerged.insert(2 * leaf);
    }
    if (unmerged != others) return false;

    if (is_blank(d)) return false;
    if (is_leaf(d) && !leaf_node(d / 2).has_parent_hash) return false;
    const Octets own = is_leaf(d) ? leaf_node(d / 2).parent_hash : parent_node(d).parent_hash;
    return own == parent_hash(p, s);
  }
  // Section 7.9.2, top down: P can be chained back to a leaf, by exactly one descendant.
  bool parent_hash_valid(NodeIndex p) const {
    int descendants = 0;
    for (NodeIndex d = 0; d < node_count(); ++d) {
      if (parent_hash_valid(d, p) && (is_leaf(d) || parent_hash_valid(d))) ++descendants;
    }
    return descendants == 1;
  }
  bool parent_hash_valid() const {
    for (NodeIndex p = 0; p < node_count(); ++p) {
      if (!is_leaf(p) && !is_blank(p) && !parent_hash_valid(p)) return false;
    }
    return true;
  }

  // Sections 7.1 (the order) and 12.4.3.1.
  bool unmerged_leaves_valid() const {
    for (NodeIndex p = 0; p < node_count(); ++p) {
      if (is_leaf(p) || is_blank(p)) continue;
      const std::vector<LeafIndex>& list = parent_node(p).unmerged_leaves;
      for (std::size_t i = 1; i < list.size(); ++i) {
        if (list[i] <= list[i - 1]) return false;
      }
      for (const LeafIndex leaf : list) {
        if (leaf >= width() || is_blank(2 * leaf) || !in_subtree(2 * leaf, p)) return false;
        for (const NodeIndex between : direct_path(leaf)) {
          if (!in_subtree(between, p) || is_blank(between)) continue;
          const std::vector<LeafIndex>& entries = parent_node(between).unmerged_leaves;
          if (std::find(entries.begin(), entries.end(), leaf) == entries.end()) return false;
        }
      }
    }
    return true;
  }

  // ---- Section 12.4.3.3

  // The nodes of the ratchet_tree extension, without the length of their vector; and with it.
  Octets encoding() const {
    NodeIndex end = node_count();
    while (end > 0 && is_blank(end - 1)) --end;
    Octets out;
    for (NodeIndex node = 0; node < end; ++node) {
      out = out + (is_blank(node) ? Octets{0} : Octets{1} + node_type(node) + encoding_of(node));
    }
    return out;
  }
  Octets ratchet_tree() const { return vector(encoding()); }

  static std::optional<Tree> parse(const Octets& encoding) try {
    Tree tree;
    for (Reader reader{encoding}; !reader.done();) {
      const NodeIndex node = tree.node_count();
      const std::uint64_t present = reader.integer(1);
      if (present > 1) throw Malformed();
      tree.nodes.emplace_back();
      if (present == 0) continue;
      if (reader.take(1) != node_type(node)) throw Malformed();
      if (is_leaf(node)) {
        tree.nodes[node] = LeafNode::read(reader);
      } else {
        tree.nodes[node] = ParentNode::read(reader);
      }
    }
    if (tree.nodes.empty() || !tree.nodes.back()) throw Malformed();
    std::size_t size = 1;
    while (size < tree.nodes.size()) size = 2 * size + 1;
    tree.nodes.resize(size);
    return tree;
  } catch (const Malformed&) {
    return std::nullopt;
  }

 private:
  Tree() = default;

  // Section 7.8.
  static Octets node_type(NodeIndex node) { return is_leaf(node) ? Octets{1} : Octets{2}; }
  Octets encoding_of(NodeIndex node) const {
    return std::visit([](const auto& value) { return encode(value); }, nodes.at(node).value());
  }
};

}  // namespace model
