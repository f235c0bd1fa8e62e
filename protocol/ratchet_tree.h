#pragma once

// The ratchet tree (RFC 9420, 4, 7.1, 7.8, 12.4.3.3): its nodes in the caller's memory, resolutions, filtered
// direct paths, tree hashes, import and export.
//
// A node is kept as the bytes it came in: nothing is encoded again for a hash or an export, and what is not
// known survives. All encodings lie in one block; a replaced node's bytes are left behind in it until there
// is no room, and then what is live moves to a new block (tree_draft.h). The tree hash of every node is kept,
// so a change costs the hashes of its direct path.

#include <optional>

#include "codec.h"
#include "crypto.h"
#include "leaf_node.h"
#include "limits.h"
#include "memory.h"
#include "tree_index.h"
#include "tree_math.h"

namespace tacet {

template <class Coder, Fields<LeafIndex> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.value);
}

// RFC 9420, 7.1.
struct ParentNode {
  Bytes encryption_key;
  Bytes parent_hash;
  List<LeafIndex> unmerged_leaves;  // [CODEC-25]
};

template <class Coder, Fields<ParentNode> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.encryption_key, e.parent_hash, e.unmerged_leaves);
}

// The unmerged leaves of a node of a tree: the same list, in which one entry can be looked at without a walk.
class UnmergedLeaves {
 public:
  UnmergedLeaves() = default;
  explicit UnmergedLeaves(Bytes entries) noexcept : entries_(entries) {}

  std::size_t size() const noexcept { return entries_.size() / entry_size; }
  LeafIndex operator[](std::size_t i) const noexcept {
    LeafIndex leaf;
    Reader reader(entries_.subspan(i * entry_size, entry_size));
    static_cast<void>(reader(leaf));
    return leaf;
  }

  // Of a sorted list: how many entries come before `leaf`, and whether it is in.
  std::size_t before(LeafIndex leaf) const noexcept;
  bool contains(LeafIndex leaf) const noexcept;

 private:
  static constexpr std::size_t entry_size = sizeof(LeafIndex::value);
  Bytes entries_;
};

enum class NodeType : std::uint8_t { leaf = 1, parent = 2 };
Error check(NodeType type) noexcept;  // Error::node_type_unknown

// An entry of the ratchet_tree extension that is not blank (RFC 9420, 12.4.3.3).
struct Node {
  NodeType node_type = NodeType::leaf;
  LeafNode leaf_node;      // leaf
  ParentNode parent_node;  // parent

  Bytes encoded;  // of a decoded node: the LeafNode or ParentNode, as received
};

template <class Coder, Fields<Node> E>
Error code(Coder& coder, E& e) noexcept {
  TRY(coder(e.node_type));
  return code_as_received(coder, e.encoded, [&]() noexcept {
    return e.node_type == NodeType::leaf ? coder(e.leaf_node) : coder(e.parent_node);
  });
}

// The data of the ratchet_tree extension is one such list: optional<Node> ratchet_tree<V>.
using Nodes = List<std::optional<Node>>;

// Hash(TreeHashInput) of one node; `encoded` is empty if it is blank, and the hashes of its children are
// empty if it is a leaf (RFC 9420, 7.8).
Error node_tree_hash(Crypto& crypto, NodeIndex node, Bytes encoded, Bytes left_hash, Bytes right_hash,
                     Digest& out) noexcept;

// A step of a filtered direct path: a node, and its child that is not on the path.
struct PathStep {
  NodeIndex node;
  NodeIndex copath;
};

// The filtered direct path of a leaf, from the leaf upwards (RFC 9420, 4.1.2).
struct FilteredPath {
  std::array<PathStep, TreeSize::max_depth> steps;
  std::size_t size = 0;

  const PathStep* begin() const noexcept { return steps.data(); }
  const PathStep* end() const noexcept { return steps.data() + size; }
};

// What can be read of a tree: one that is settled, or one with a draft of changes over it.
class TreeView {
 public:
  TreeSize size() const noexcept { return size_; }
  std::uint32_t members() const noexcept { return occupied_.count(); }
  const LeafSet& occupied() const noexcept { return occupied_; }

  // A node's encoding, or nothing if it is blank or lies outside the tree.
  virtual Bytes encoded(NodeIndex node) const noexcept = 0;
  bool is_blank(NodeIndex node) const noexcept { return encoded(node).empty(); }

  // Of nodes that are not blank; all empty otherwise.
  LeafNode leaf(LeafIndex index) const noexcept;
  ParentNode parent(NodeIndex node) const noexcept;
  Bytes encryption_key(NodeIndex node) const noexcept;
  Bytes signature_key(LeafIndex index) const noexcept;
  UnmergedLeaves unmerged_leaves(NodeIndex node) const noexcept;

  // Calls visit(index) for each leaf that is not blank, of all or of those from `begin` to before `end`;
  // stops at the first error.
  template <class Visit>
  Error for_each_leaf(Visit visit) const noexcept {
    return for_each_leaf(LeafIndex{0}, LeafIndex{size_.leaves()}, visit);
  }
  template <class Visit>
  Error for_each_leaf(LeafIndex begin, LeafIndex end, Visit visit) const noexcept {
    for (std::uint32_t i = begin.value; i < end.value; ++i) {
      if (!is_blank(LeafIndex{i})) TRY(visit(LeafIndex{i}));
    }
    return Error::none;
  }

  // The value of the ratchet_tree extension, with its length header; trailing blanks are left out.
  Result<std::size_t> export_size() const noexcept;             // in bytes; Error::vector_too_long
  Result<Bytes> export_to(MutableBytes output) const noexcept;  // Errors: output_too_small, vector_too_long

  // The nodes on the direct path whose other child has a resolution that is not empty [TREE-07].
  FilteredPath filtered_path(LeafIndex leaf) const noexcept;

 protected:
  explicit TreeView(Memory& memory) noexcept : occupied_(memory) {}
  TreeView(TreeView&&) noexcept = default;
  ~TreeView() = default;

  TreeSize size_;
  LeafSet occupied_;

 private:
  std::size_t entries_size() const noexcept;
};

// The resolution of a node, one after the other (RFC 9420, 4.1.1). The tree stays as it is meanwhile. In a
// tree that has not been checked, parents with no leaf below them are passed over.
class Resolution {
 public:
  Resolution(const TreeView& tree, NodeIndex node) noexcept;

  // Nothing after the last.
  std::optional<NodeIndex> next() noexcept;

 private:
  const TreeView& tree_;
  unsigned height_;  // of the whole subtree
  std::uint32_t leaf_, end_;
  UnmergedLeaves unmerged_;  // of the last parent
  std::size_t unmerged_done_ = 0;
};

class RatchetTree final : public TreeView {
 public:
  // `identity` says which credentials stand for one client, and outlives the tree.
  RatchetTree(Memory& memory, const ClientIdentity& identity) noexcept;
  RatchetTree(RatchetTree&&) noexcept = default;

  // A tree with one leaf, the encoding of a LeafNode. Errors: out_of_memory, those of `crypto`.
  Error start(Crypto& crypto, Bytes leaf) noexcept;

  // Takes over a received tree; nothing is judged yet that takes more than one node (tree_check.h).
  // Errors: tree_empty, tree_trailing_blank, tree_overwide, node_misplaced, too_many_leaves, leaf_too_large,
  // kem_public_key_length and parent_hash_length of a parent, out_of_memory, random_failed.
  Error import(Crypto& crypto, const Nodes& nodes, const Limits& limits) noexcept;

  Bytes encoded(NodeIndex node) const noexcept override;
  Bytes hash(NodeIndex node) const noexcept { return {hashes_.data() + node.value * hash_size_, hash_size_}; }
  Bytes tree_hash() const noexcept { return hash(size_.root()); }

  // A node, other than `self` if that is given, with that key or identity.
  std::optional<NodeIndex> other_with(Crypto& crypto, NodeIndexMap::Of what, Bytes value,
                                      std::optional<NodeIndex> self) const noexcept;
  const CredentialsInUse& credentials_in_use() const noexcept { return credentials_; }
  Bytes identity(LeafIndex leaf) const noexcept { return identity_->identity(this->leaf(leaf).credential); }

 private:
  friend class TreeDraft;

  // Where in bytes_ a node's encoding lies; blank if the size is 0.
  struct Place {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };

  static constexpr std::size_t entries_of_leaf = 3;  // in the index

  Error allocate(const Crypto& crypto, TreeSize size, std::size_t bytes, std::size_t leaves,
                 std::size_t parents) noexcept;
  void put(NodeIndex node, Bytes encoded) noexcept;
  Error finish(Crypto& crypto) noexcept;
  void swap(RatchetTree& other) noexcept;

  const ClientIdentity* identity_;
  Array<Place> nodes_;
  Array<std::uint8_t> bytes_;
  std::size_t live_bytes_ = 0;  // of bytes_, those of nodes that are not blank
  Array<std::uint8_t> hashes_;  // hash_size_ bytes for each node
  std::size_t hash_size_ = 0;
  NodeIndexMap index_;
  CredentialsInUse credentials_;
};

// Whether a node of `tree` holds that value: what the entries of an index are held against.
bool holds(const TreeView& tree, const ClientIdentity& identity, NodeIndex node, NodeIndexMap::Of what,
           Bytes value) noexcept;

// The room to leave in the block of encodings when it holds `live` bytes: so that what is copied is, on
// average, a small multiple of what is changed.
constexpr std::size_t with_slack(std::size_t live) noexcept { return live + live / 8 + 1024; }

}  // namespace tacet
