#pragma once

// The tree of the next epoch, as an overlay on that of this one (RFC 9420, 7.5, 7.7): reads fall through,
// writes stay in the draft, and the tree hash is computed anew on changed paths only. Adopting it cannot
// fail; a draft that goes without being adopted has changed nothing. Out of the histories of Appendix A come
// the trees of the text [TREE-68].
//
// The tree below has been checked (tree_check.h), so every parent that is not blank has a leaf below it: what
// a Remove blanks is all that a truncation cuts off.

#include "ratchet_tree.h"

namespace tacet {

class TreeDraft final : public TreeView {
 public:
  // `base` and `crypto` outlive the draft, and `base` does not change meanwhile.
  TreeDraft(Crypto& crypto, const RatchetTree& base, Memory& memory, const Limits& limits) noexcept;
  TreeDraft(TreeDraft&&) noexcept = default;

  // Before anything else. Error::out_of_memory.
  Error start() noexcept;

  // ---- changes. Leaves are decoded, and copied; none is a view into this draft. After an error the draft
  // can only be dropped.

  // At the leftmost blank leaf; the tree is extended if there is none. The leaf is new: it gets no path
  // secret of this Commit (RFC 9420, 12.1.1). Errors: too_many_leaves, out_of_memory.
  Result<LeafIndex> add(const LeafNode& leaf) noexcept;

  // The leftmost blank leaf, for the path of whoever joins by an external Commit; the tree is extended if
  // there is none. Errors: too_many_leaves, out_of_memory.
  Result<LeafIndex> make_vacancy() noexcept;

  // In place of a member's leaf, whose direct path is blanked (RFC 9420, 12.1.2). Errors: leaf_blank,
  // leaf_outside_tree, encryption_key_unchanged, out_of_memory.
  Error update(LeafIndex index, const LeafNode& leaf) noexcept;

  // Blanks a leaf and its direct path, and truncates the tree (RFC 9420, 12.1.3). Errors: leaf_blank,
  // leaf_outside_tree, out_of_memory.
  Error remove(LeafIndex index) noexcept;

  // Blanks the direct path of a leaf. Errors: leaf_outside_tree, out_of_memory.
  Error blank_path(LeafIndex index) noexcept;

  // The parts of a merged UpdatePath: a parent with no unmerged leaves, on a path that blank_path() has
  // blanked, and a committer's leaf. Error::out_of_memory.
  Error set_parent(NodeIndex node, Bytes encryption_key, Bytes parent_hash) noexcept;
  Error set_leaf(LeafIndex index, const LeafNode& leaf) noexcept;

  // ---- reading

  const RatchetTree& base() const noexcept { return base_; }
  Memory& memory() const noexcept { return changes_.memory(); }

  Bytes encoded(NodeIndex node) const noexcept override;
  bool is_new(LeafIndex index) const noexcept;

  // Calls visit(index) for each leaf that is not blank and was added or replaced; stops at the first error.
  template <class Visit>
  Error for_each_changed_leaf(Visit visit) const noexcept {
    for (const Change& change : changes_) {
      const bool is_one =
          is_leaf(change.node) && change.content == Content::own && size_.contains(change.node);
      if (is_one) TRY(visit(leaf_at(change.node)));
    }
    return Error::none;
  }

  // Calls visit(index) for each leaf that holds something else than in base(), or nothing any more.
  template <class Visit>
  void for_each_replaced_leaf(Visit visit) const noexcept {
    for (const Change& change : changes_) {
      if (is_leaf(change.node) && change.content != Content::same) visit(leaf_at(change.node));
    }
  }

  // A node, other than `self` if that is given, that holds this in the draft.
  std::optional<NodeIndex> other_with(NodeIndexMap::Of what, Bytes value,
                                      std::optional<NodeIndex> self) const noexcept;
  const CredentialsInUse& credentials_in_use() const noexcept { return credentials_; }

  // ---- hashes

  // Computes what has changed since the last time. Errors: out_of_memory, those of `crypto`.
  Error rehash() noexcept;
  // After rehash().
  Bytes hash(NodeIndex node) const noexcept;
  Bytes tree_hash() const noexcept { return hash(size_.root()); }

  // ---- the end

  // Makes all the room that adopt() takes; after rehash(). Error::out_of_memory.
  Error reserve() noexcept;
  // Makes `tree`, which is base(), the draft's tree; after reserve() with no change in between.
  void adopt(RatchetTree& tree) noexcept;

 private:
  using Place = RatchetTree::Place;
  enum class Content : std::uint8_t { same, blank, own };

  struct Change {
    NodeIndex node;
    Content content = Content::same;
    bool is_new = false;
    bool is_hashed = false;
    Place place{};               // of its own content, in bytes_
    std::uint32_t capacity = 0;  // in bytes_, from place.offset
  };

  Change* find(NodeIndex node) noexcept;
  const Change* find(NodeIndex node) const noexcept;
  Error touch_path(LeafIndex index) noexcept;
  Error blank_parents(LeafIndex index) noexcept;
  void blank_leaf(LeafIndex index) noexcept;
  Error put_leaf(LeafIndex index, const LeafNode& leaf, bool is_new) noexcept;
  Error put(NodeIndex node, std::size_t size, std::size_t capacity) noexcept;
  Error add_unmerged(NodeIndex node, LeafIndex leaf) noexcept;
  void truncate() noexcept;
  Error hash_new_blanks() noexcept;
  Error hash_node(NodeIndex node, MutableBytes out) noexcept;
  MutableBytes own_hash(const Change& change) noexcept;
  MutableBytes own_bytes(const Change& change) noexcept {
    return {bytes_.data() + change.place.offset, change.place.size};
  }
  bool is_resized() const noexcept { return size_ != base_.size_; }
  void adopt_index(RatchetTree& tree) noexcept;
  void adopt_size(RatchetTree& tree) noexcept;
  void adopt_bytes(RatchetTree& tree) noexcept;

  Crypto& crypto_;
  const RatchetTree& base_;
  std::uint32_t max_leaves_;
  CredentialsInUse credentials_;
  Array<Change> changes_;
  IndexMap places_;             // from a node's index to its place in changes_
  NodeIndexMap index_;          // of what was put into the draft, replaced again or not
  Array<std::uint8_t> bytes_;   // encodings
  Array<std::uint8_t> hashes_;  // one for each change
  Array<std::uint8_t> blanks_;  // hashes of the nodes beyond the base's, for the size in blanks_for_
  TreeSize blanks_for_;

  // Room for adopt(); empty where what the tree has serves.
  Array<Place> new_nodes_;
  Array<std::uint8_t> new_hashes_, new_bytes_;
  NodeIndexMap new_index_;
  bool has_new_bytes_ = false, has_new_index_ = false;
  std::size_t live_bytes_ = 0;  // of the tree once the draft is adopted
};

}  // namespace tacet
