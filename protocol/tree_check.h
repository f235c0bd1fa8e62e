#pragma once

// Whether a whole tree, or a draft of one, is valid (RFC 9420, 7.3, 7.9, 12.4.3.1).

#include "ratchet_tree.h"
#include "threads.h"
#include "tree_draft.h"

namespace tacet {

// ParentHashInput (RFC 9420, 7.9).
struct ParentHashInput {
  Bytes encryption_key;
  Bytes parent_hash;
  Bytes original_sibling_tree_hash;
};

template <class Coder, Fields<ParentHashInput> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.encryption_key, e.parent_hash, e.original_sibling_tree_hash);
}

Error parent_hash(Crypto& crypto, const ParentHashInput& input, Digest& out) noexcept;

// The rules on an imported tree that need no signature: on unmerged leaves, keys and parent hashes. `scratch`
// lends memory for the time of the call, if the tree has unmerged leaves. Errors: unmerged_not_sorted,
// unmerged_not_below, unmerged_blank, unmerged_not_between, encryption_key_repeated, signature_key_repeated,
// parent_key_repeated, parent_hash_invalid, out_of_memory.
Error check_tree(Crypto& crypto, const RatchetTree& tree, Memory& scratch) noexcept;

// What leaves are held against, beside each other.
struct LeafRules {
  Bytes group_id;
  Extensions group_extensions;  // of the GroupContext
  const Limits& limits;
};

// Every leaf of an imported tree: its own rules (check_tree_leaf), what the group requires of it, and its
// signature, by `threads` if it is not nullptr. The error is that of the leftmost leaf that has one, whoever
// looked at it. `scratch` lends memory for the time of the call, before any thread works. Errors: those of
// check_tree_leaf, check_group_extensions and verify_leaf_node; credential_in_use_unlisted, out_of_memory.
Error check_leaves(Crypto& crypto, const RatchetTree& tree, const LeafRules& rules, Memory& scratch,
                   Threads* threads = nullptr) noexcept;

// Whether every member supports the extensions of a GroupContext: for extensions that are about to replace
// others. Errors: those of check_group_extensions.
Error check_members_support(const TreeView& tree, const Extensions& group_extensions) noexcept;

// The rules that bind the leaves that a draft has added or replaced to the other members: on the tree as it
// results. What holds for a leaf by itself was judged when it came in. Errors: encryption_key_repeated,
// signature_key_repeated, credential_unsupported, credential_in_use_unlisted, and those of
// check_group_extensions.
Error check_changed_leaves(const TreeDraft& draft, const Extensions& group_extensions) noexcept;

}  // namespace tacet
