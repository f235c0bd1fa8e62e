#include "key_tree.h"

#include <algorithm>

namespace tacet::adversary {

KeyTree::KeyTree(const KeyTree& before, EpochNumber epoch, const EpochBegun& by) : nodes_(before.nodes_) {
  if (!by.parent.has_value()) {
    nodes_ = {{by.leaf_key, {}}};
    return;
  }
  std::set<std::uint32_t> added;
  for (const ProposalType type : {ProposalType::update, ProposalType::remove, ProposalType::add}) {  // 12.3
    for (const TreeChange& change : by.changes) {
      if (change.type != type) continue;
      if (type == ProposalType::add) added.insert(add(change.leaf_key).value);
      if (type != ProposalType::add) blank_above(change.leaf);  // 7.7
      if (type == ProposalType::update) at(change.leaf).key = change.leaf_key;
      if (type == ProposalType::remove) remove(change.leaf);
    }
  }
  if (by.is_external) add(by.leaf_key);  // 12.4.3.2
  if (!by.has_path) return;
  at(by.leaf).key = by.leaf_key;
  blank_above(by.leaf);
  for (unsigned level = 1; level <= size().depth(); ++level) {  // the filtered direct path, 4.1.2
    const NodeIndex node = ancestor_at(by.leaf, level);
    const NodeIndex copath = in_subtree(by.leaf, *left(node)) ? *right(node) : *left(node);
    std::vector<KeyNumber> all, recipients;
    resolve(copath, {}, all);
    if (all.empty()) continue;
    resolve(copath, added, recipients);  // 7.5: not to new leaves
    path_.push_back({node, path_key(epoch, path_.size()), recipients});
    at(node) = {path_.back().key, {}};
  }
}

void KeyTree::blank_above(LeafIndex leaf) {
  for (unsigned level = 1; level <= size().depth(); ++level) at(ancestor_at(leaf, level)) = {};
}

// Into the leftmost blank leaf; it is not merged into the nodes above (7.7).
LeafIndex KeyTree::add(KeyNumber key) {
  LeafIndex leaf;
  while (size().contains(leaf) && at(leaf).key.has_value()) ++leaf.value;
  if (!size().contains(leaf)) nodes_.resize(2 * nodes_.size() + 1);
  at(leaf).key = key;
  for (unsigned level = 1; level <= size().depth(); ++level) {
    Node& above = at(ancestor_at(leaf, level));
    if (above.key.has_value()) above.unmerged.insert(leaf.value);
  }
  return leaf;
}

void KeyTree::remove(LeafIndex leaf) {
  at(leaf) = {};
  const auto is_blank = [](const Node& node) { return !node.key.has_value(); };
  const auto right_half = [this] {
    return nodes_.begin() + static_cast<std::ptrdiff_t>(nodes_.size() / 2 + 1);
  };
  while (nodes_.size() > 1 && std::all_of(right_half(), nodes_.end(), is_blank)) {
    nodes_.resize(nodes_.size() / 2);  // 7.7
  }
}

void KeyTree::resolve(NodeIndex node, const std::set<std::uint32_t>& without,
                      std::vector<KeyNumber>& out) const {  // 4.1.1
  const Node& at = nodes_[node.value];
  if (at.key.has_value()) {
    if (!is_leaf(node) || without.count(leaf_at(node).value) == 0) out.push_back(*at.key);
    for (const std::uint32_t leaf : at.unmerged) resolve(LeafIndex{leaf}, without, out);
  } else if (!is_leaf(node)) {
    resolve(*left(node), without, out);
    resolve(*right(node), without, out);
  }
}

LeafIndex KeyTree::leaf_with(KeyNumber key) const {
  LeafIndex leaf;
  while (nodes_.at(NodeIndex(leaf).value).key != key) ++leaf.value;
  return leaf;
}

void KeyTree::keys_of(LeafIndex leaf, std::set<KeyNumber>& out) const {
  for (unsigned level = 0; level <= size().depth(); ++level) {
    const Node& node = nodes_[ancestor_at(leaf, level).value];
    if (node.key.has_value() && node.unmerged.count(leaf.value) == 0) out.insert(*node.key);
  }
}

}  // namespace tacet::adversary
