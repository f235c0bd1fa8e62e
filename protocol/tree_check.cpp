#include "tree_check.h"

namespace tacet {

Error parent_hash(Crypto& crypto, const ParentHashInput& input, Digest& out) noexcept {  // [TREE-39, TREE-67]
  Gatherer<6, 16> pieces;
  TRY(pieces(input));
  return crypto.hash(pieces.pieces(), out);
}

namespace {

// Calls `visit` for each parent that is not blank, the lower ones first.
template <class Visit>
Error for_each_parent(const RatchetTree& tree, Visit visit) noexcept {
  for (unsigned height = 1; height <= tree.size().depth(); ++height) {
    const std::uint32_t step = std::uint32_t{2} << height;
    for (std::uint32_t i = step / 2 - 1; i < tree.size().nodes(); i += step) {
      if (!tree.is_blank(NodeIndex(i))) TRY(visit(NodeIndex(i)));
    }
  }
  return Error::none;
}

// ---- unmerged leaves

// The next node below `node` that is not blank, on the way to `leaf`, lists it as well; those further down
// are that node's concern.
bool is_listed_between(const RatchetTree& tree, NodeIndex node, LeafIndex leaf) noexcept {
  for (unsigned height = level(node) - 1; height > 0; --height) {
    const NodeIndex between = ancestor_at(leaf, height);
    if (!tree.is_blank(between)) return tree.unmerged_leaves(between).contains(leaf);
  }
  return true;
}

Error check_unmerged(const RatchetTree& tree, NodeIndex node) noexcept {
  const UnmergedLeaves leaves = tree.unmerged_leaves(node);
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const LeafIndex leaf = leaves[i];
    REFUSE_IF(i > 0 && leaf <= leaves[i - 1], Error::unmerged_not_sorted);  // [TREE-12, TREE-13]
    const bool is_below = tree.size().contains(leaf) && in_subtree(leaf, node);
    REFUSE_IF(!is_below, Error::unmerged_not_below);  // [TREE-53]
    if (!is_below) continue;
    REFUSE_IF(tree.is_blank(leaf), Error::unmerged_blank);                         // [TREE-52]
    REFUSE_IF(!is_listed_between(tree, node, leaf), Error::unmerged_not_between);  // [TREE-54]
  }
  return Error::none;
}

// ---- keys

Error check_keys(Crypto& crypto, const RatchetTree& tree) noexcept {
  const auto check_leaf = [&](LeafIndex leaf) noexcept -> Error {
    const auto same_key =
        tree.other_with(crypto, NodeIndexMap::Of::encryption_key, tree.encryption_key(leaf), leaf);
    REFUSE_IF(same_key && is_leaf(*same_key), Error::encryption_key_repeated);  // [LEAF-34, TREE-57]
    const bool signature_key_repeated =
        tree.other_with(crypto, NodeIndexMap::Of::signature_key, tree.signature_key(leaf), leaf).has_value();
    REFUSE_IF(signature_key_repeated, Error::signature_key_repeated);  // [LEAF-33, TREE-57]
    return Error::none;
  };
  TRY(tree.for_each_leaf(check_leaf));
  return for_each_parent(tree, [&](NodeIndex node) noexcept -> Error {
    const bool repeated =
        tree.other_with(crypto, NodeIndexMap::Of::encryption_key, tree.encryption_key(node), node)
            .has_value();
    REFUSE_IF(repeated, Error::parent_key_repeated);  // [TREE-55]
    return Error::none;
  });
}

// ---- parent hashes

// Tree hashes of subtrees in which some leaves are blanked and taken out of the unmerged leaves of all
// parents: original_sibling_tree_hash (RFC 9420, 7.9). The last hash of each node is kept. The leaves blanked
// below a node are those unmerged at one of its ancestors; a leaf that is unmerged at one is unmerged at
// every node between, so these sets lie one within the other, and one of the same size is the same set.
class OriginalHashes {
 public:
  OriginalHashes(Crypto& crypto, const RatchetTree& tree, Memory& scratch) noexcept
      : crypto_(crypto), tree_(tree), kept_(scratch) {}

  // Without leaves [begin, end) of `blanked`, which lie below `subtree`.
  Error hash(NodeIndex subtree, const UnmergedLeaves& blanked, std::size_t begin, std::size_t end,
             Bytes& out) noexcept {
    out = tree_.hash(subtree);
    if (begin == end) return Error::none;
    TRY(allocate());
    for (unsigned height = 0; height <= level(subtree); ++height) {
      for (std::size_t i = begin; i < end;) {
        const NodeIndex node = ancestor_at(blanked[i], height);
        std::size_t next = i + 1;
        while (next < end && blanked[next] <= last_leaf(node)) ++next;
        if (blanked_for(node) != next - i) TRY(hash_node(node, blanked, i, next));
        i = next;
      }
    }
    out = kept(subtree);
    return Error::none;
  }

 private:
  Error allocate() noexcept {
    if (!kept_.empty()) return Error::none;
    std::size_t largest = 0;
    for (std::uint32_t i = 1; i < tree_.size().nodes(); i += 2) {
      const std::size_t size = tree_.encoded(NodeIndex(i)).size();
      if (size > largest) largest = size;
    }
    const std::size_t needed = place_of(NodeIndex(tree_.size().nodes())) + largest;
    TRY(kept_.reserve(needed));
    kept_.push_back(needed, 0);
    return Error::none;
  }

  Error hash_node(NodeIndex node, const UnmergedLeaves& blanked, std::size_t begin,
                  std::size_t end) noexcept {
    Digest digest;
    if (is_leaf(node)) {
      TRY(node_tree_hash(crypto_, node, {}, {}, {}, digest));  // [TREE-42]
    } else {
      const bool left_changed = blanked[begin] <= last_leaf(*left(node));
      const bool right_changed = blanked[end - 1] > last_leaf(*left(node));
      const Bytes left_hash = left_changed ? kept(*left(node)) : tree_.hash(*left(node));
      const Bytes right_hash = right_changed ? kept(*right(node)) : tree_.hash(*right(node));
      Bytes encoded;
      if (!tree_.is_blank(node)) TRY(without(node, blanked, begin, end, encoded));
      TRY(node_tree_hash(crypto_, node, encoded, left_hash, right_hash, digest));
    }
    const auto count = static_cast<std::uint32_t>(end - begin);
    std::memcpy(kept_.data() + place_of(node), &count, sizeof count);
    std::memcpy(kept_.data() + place_of(node) + sizeof count, digest.bytes().data(), crypto_.hash_size());
    return Error::none;
  }

  // A ParentNode whose unmerged_leaves lack those that are blanked.
  Error without(NodeIndex node, const UnmergedLeaves& blanked, std::size_t begin, std::size_t end,
                Bytes& out) noexcept {
    const UnmergedLeaves leaves = tree_.unmerged_leaves(node);
    std::size_t left_over = 0;
    for (std::size_t i = 0, b = begin; i < leaves.size(); ++i) {
      while (b < end && blanked[b] < leaves[i]) ++b;
      if (b == end || blanked[b] != leaves[i]) ++left_over;
    }
    Reader reader(tree_.encoded(node));
    Bytes key, hash;
    TRY(reader(key, hash));
    const std::size_t behind = place_of(NodeIndex(tree_.size().nodes()));
    Writer writer(MutableBytes(kept_.data(), kept_.size()).subspan(behind));
    TRY(writer(key, hash));
    TRY(writer.header(left_over * sizeof(LeafIndex::value)));
    for (std::size_t i = 0, b = begin; i < leaves.size(); ++i) {
      while (b < end && blanked[b] < leaves[i]) ++b;
      if (b < end && blanked[b] == leaves[i]) continue;
      const LeafIndex leaf = leaves[i];
      TRY(writer(leaf));
    }
    out = writer.written();
    return Error::none;
  }

  std::size_t place_of(NodeIndex node) const noexcept {
    return node.value * (sizeof(std::uint32_t) + crypto_.hash_size());
  }
  std::uint32_t blanked_for(NodeIndex node) const noexcept {
    std::uint32_t count = 0;
    std::memcpy(&count, kept_.data() + place_of(node), sizeof count);
    return count;
  }
  Bytes kept(NodeIndex node) const noexcept {
    return {kept_.data() + place_of(node) + sizeof(std::uint32_t), crypto_.hash_size()};
  }

  Crypto& crypto_;
  const RatchetTree& tree_;
  // For each node how many leaves were blanked for the hash that is kept, 0 if none is, and that hash; behind
  // them room for one ParentNode.
  Array<std::uint8_t> kept_;
};

// The node D of RFC 9420, 7.9.2: the only one in the resolution of `child` that is not among the unmerged
// leaves [begin, end) of its parent, all of which are in that resolution.
std::optional<NodeIndex> only_merged(const RatchetTree& tree, NodeIndex child, const UnmergedLeaves& unmerged,
                                     std::size_t begin, std::size_t end) noexcept {
  std::optional<NodeIndex> found;
  Resolution resolution(tree, child);
  while (const std::optional<NodeIndex> node = resolution.next()) {
    if (begin < end && *node == NodeIndex(unmerged[begin])) {
      ++begin;
    } else if (found) {
      return std::nullopt;
    } else {
      found = node;
    }
  }
  return begin == end ? found : std::nullopt;
}

// The parent_hash field; nothing in a leaf whose source is not commit [TREE-51].
Bytes stored_parent_hash(const RatchetTree& tree, NodeIndex node) noexcept {
  if (is_leaf(node)) return tree.leaf(leaf_at(node)).parent_hash;
  Reader reader(tree.encoded(node));
  Bytes encryption_key, parent_hash;
  static_cast<void>(reader(encryption_key, parent_hash));
  return parent_hash;
}

// A child of a node, and which of the node's unmerged leaves lie below it.
struct Side {
  NodeIndex child;
  std::size_t begin, end;
};

// Whether a node on the side `c` has a parent hash that is valid with respect to `node`, with copath child
// `s`.
Error has_chain(Crypto& crypto, const RatchetTree& tree, NodeIndex node, const Side& c, const Side& s,
                OriginalHashes& originals, bool& out) noexcept {
  out = false;
  const UnmergedLeaves unmerged = tree.unmerged_leaves(node);
  const std::optional<NodeIndex> d = only_merged(tree, c.child, unmerged, c.begin, c.end);  // [TREE-47]
  const Bytes stored = d ? stored_parent_hash(tree, *d) : Bytes();
  if (stored.empty()) return Error::none;
  Bytes sibling_hash;
  TRY(originals.hash(s.child, unmerged, s.begin, s.end, sibling_hash));  // [TREE-41]
  Digest expected;
  TRY(parent_hash(crypto, {tree.encryption_key(node), stored_parent_hash(tree, node), sibling_hash},
                  expected));
  out = equal(stored, expected);  // [TREE-46]
  return Error::none;
}

// Demands a chain through each parent; as the same is demanded of the node below, the chain begins at a leaf.
// There is no second one from the other side: each of two hashes would have to cover the other.
Error check_parent_hash(Crypto& crypto, const RatchetTree& tree, NodeIndex node,
                        OriginalHashes& originals) noexcept {
  const UnmergedLeaves unmerged = tree.unmerged_leaves(node);
  const std::size_t middle = unmerged.before(first_leaf(*right(node)));
  const Side left_side = {*left(node), 0, middle}, right_side = {*right(node), middle, unmerged.size()};
  bool found = false;
  TRY(has_chain(crypto, tree, node, left_side, right_side, originals, found));
  if (found) return Error::none;
  TRY(has_chain(crypto, tree, node, right_side, left_side, originals, found));
  REFUSE_IF(!found, Error::parent_hash_invalid);  // [TREE-45, TREE-48, TREE-49, TREE-70]
  return Error::none;
}

}  // namespace

Error check_tree(Crypto& crypto, const RatchetTree& tree, Memory& scratch) noexcept {
  TRY(for_each_parent(tree, [&](NodeIndex node) noexcept { return check_unmerged(tree, node); }));
  TRY(check_keys(crypto, tree));
  OriginalHashes originals(crypto, tree, scratch);
  return for_each_parent(
      tree, [&](NodeIndex node) noexcept { return check_parent_hash(crypto, tree, node, originals); });
}

// ---- leaves

namespace {

// The leaves of a tree in parts, each of them a run of neighbours that is looked at from the left, with a
// work area and a verdict of its own.
class LeafParts {
 public:
  LeafParts(Crypto& crypto, const RatchetTree& tree, const LeafRules& rules) noexcept
      : crypto_(crypto), tree_(tree), rules_(rules) {}

  // Divides the leaves evenly among at most `wanted` parts. Errors: out_of_memory, vector_too_long.
  Error divide(std::size_t wanted, Memory& scratch) noexcept {
    const std::size_t members = tree_.members();
    if (wanted > Threads::max_parts) wanted = Threads::max_parts;
    if (wanted > members) wanted = members;
    if (wanted < 1) wanted = 1;
    std::size_t seen = 0;
    const auto measure = [&](LeafIndex index) noexcept -> Error {
      if (seen++ == members * count_ / wanted) begins_[count_++] = index;
      const Result<std::size_t> size = leaf_node_work_size(tree_.leaf(index), {rules_.group_id, index});
      TRY(size.error());
      if (size.value() > area_size_) area_size_ = size.value();
      return Error::none;
    };
    TRY(tree_.for_each_leaf(measure));
    begins_[count_] = LeafIndex{tree_.size().leaves()};
    Result<Buffer> work = Buffer::allocate(scratch, count_ * area_size_);
    TRY(work.error());
    work_ = std::move(work.value());
    return Error::none;
  }

  std::size_t count() const noexcept { return count_; }

  void check(std::size_t part) noexcept {
    const MutableBytes area = work_.bytes().subspan(part * area_size_, area_size_);
    verdicts_[part] = tree_.for_each_leaf(begins_[part], begins_[part + 1],
                                          [&](LeafIndex index) noexcept { return check_leaf(index, area); });
  }

  // After all parts: as if there had been one.
  Error verdict() const noexcept {
    for (const Error verdict : verdicts_) TRY(verdict);
    return Error::none;
  }

 private:
  Error check_leaf(LeafIndex index, MutableBytes work) const noexcept {  // [LEAF-36, LEAF-38]
    const LeafNode leaf = tree_.leaf(index);
    TRY(check_tree_leaf(leaf, crypto_.suite(), rules_.limits));
    TRY(check_group_extensions(leaf.capabilities, rules_.group_extensions));  // [EXT-14]
    const bool all_listed = tree_.credentials_in_use().all_listed(leaf.capabilities);
    REFUSE_IF(!all_listed, Error::credential_in_use_unlisted);  // [LEAF-23]
    return verify_leaf_node(crypto_, leaf, {rules_.group_id, index}, work);
  }

  Crypto& crypto_;
  const RatchetTree& tree_;
  const LeafRules& rules_;
  std::size_t count_ = 0;
  std::array<LeafIndex, Threads::max_parts + 1> begins_{};  // and the end of the last
  std::array<Error, Threads::max_parts> verdicts_{};
  std::size_t area_size_ = 0;
  Buffer work_;
};

}  // namespace

Error check_leaves(Crypto& crypto, const RatchetTree& tree, const LeafRules& rules, Memory& scratch,
                   Threads* threads) noexcept {
  LeafParts parts(crypto, tree, rules);
  TRY(parts.divide(threads == nullptr ? 1 : threads->parts(), scratch));
  const auto check = [](void* context, std::size_t part) noexcept {
    static_cast<LeafParts*>(context)->check(part);
  };
  if (parts.count() > 1) {
    threads->run(parts.count(), check, &parts);
  } else if (parts.count() == 1) {
    parts.check(0);
  }
  return parts.verdict();
}

Error check_members_support(const TreeView& tree, const Extensions& group_extensions) noexcept {
  return tree.for_each_leaf([&](LeafIndex index) noexcept {
    return check_group_extensions(tree.leaf(index).capabilities, group_extensions);
  });
}

Error check_changed_leaves(const TreeDraft& draft,
                           const Extensions& group_extensions) noexcept {  // [TREE-66, LEAF-26]
  bool any_new_type = false;
  const auto check_leaf = [&](LeafIndex index) noexcept -> Error {
    const LeafNode leaf = draft.leaf(index);
    const auto repeated = [&](NodeIndexMap::Of what, Bytes value) noexcept {
      return draft.other_with(what, value, index).has_value();
    };
    REFUSE_IF(repeated(NodeIndexMap::Of::encryption_key, leaf.encryption_key),
              Error::encryption_key_repeated);  // [LEAF-34, LEAF-35, LEAF-40]
    REFUSE_IF(repeated(NodeIndexMap::Of::signature_key, leaf.signature_key),
              Error::signature_key_repeated);  // [LEAF-33]
    TRY(check_group_extensions(leaf.capabilities, group_extensions));
    const bool all_listed = draft.credentials_in_use().all_listed(leaf.capabilities);
    REFUSE_IF(!all_listed, Error::credential_in_use_unlisted);  // [LEAF-23]
    any_new_type |= draft.base().credentials_in_use().users(leaf.credential.type) == 0;
    return Error::none;
  };
  TRY(draft.for_each_changed_leaf(check_leaf));
  if (!any_new_type) return Error::none;  // what was in use before, every member supports
  return draft.for_each_leaf([&](LeafIndex index) noexcept -> Error {
    const bool all_listed = draft.credentials_in_use().all_listed(draft.leaf(index).capabilities);
    REFUSE_IF(!all_listed, Error::credential_unsupported);  // [LEAF-22, CRED-19, EXT-11]
    return Error::none;
  });
}

}  // namespace tacet
