#pragma once

// The ratchet tree of each epoch of a chronicle, with numbers for key pairs: what everybody may know of it,
// and who has which private key.

#include <set>

#include "chronicle.h"

namespace tacet::adversary {

// The tree of an epoch, of key numbers (RFC 9420, 4, 7).
class KeyTree {
 public:
  struct Node {
    std::optional<KeyNumber> key;
    std::set<std::uint32_t> unmerged;  // leaves
  };
  struct Step {  // of a path, from the lowest up
    NodeIndex node;
    KeyNumber key;
    std::vector<KeyNumber> recipients;  // of its path secret
  };

  KeyTree() = default;  // of no epoch
  KeyTree(const KeyTree& before, EpochNumber epoch, const EpochBegun& by);

  const std::vector<Node>& nodes() const { return nodes_; }
  TreeSize size() const { return TreeSize::for_leaves(static_cast<std::uint32_t>(nodes_.size() / 2 + 1)); }
  const std::vector<Step>& path() const { return path_; }  // of the Commit
  // Where a KeyPackage's leaf is.
  LeafIndex leaf_with(KeyNumber key) const;
  // The private keys that the owner of a leaf has: its own, and those of the nodes above that it is merged
  // into.
  void keys_of(LeafIndex leaf, std::set<KeyNumber>& out) const;

 private:
  Node& at(NodeIndex node) { return nodes_[node.value]; }
  void blank_above(LeafIndex leaf);
  LeafIndex add(KeyNumber key);
  void remove(LeafIndex leaf);
  void resolve(NodeIndex node, const std::set<std::uint32_t>& without, std::vector<KeyNumber>& out) const;

  std::vector<Node> nodes_;
  std::vector<Step> path_;
};

}  // namespace tacet::adversary
