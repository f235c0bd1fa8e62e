#pragma once

// The first epoch of an endpoint in a group: by creating the group, or by a Welcome (RFC 9420, 11, 12.4.3.1).

#include "successor.h"

namespace tacet {

// A KeyPackage of one's own, with copies of its private keys.
struct OwnKeyPackage {
  Bytes key_package;  // encoded; it lives as long as the call that asks for it
  Secret init_key;
  Secret encryption_key;
  bool last_resort = false;  // whether it may be used again [KP-21]
};

// Where the KeyPackages are that the endpoint has published.
class KeyPackages {
 public:
  // Whether one has that KeyPackageRef.
  virtual bool find(Bytes reference, OwnKeyPackage& out) noexcept = 0;

  // Erases one that was used to join a group, with its private keys; not asked for one of last resort.
  virtual void erase(Bytes reference) noexcept = 0;  // [KP-02, PRIV-13]

 protected:
  ~KeyPackages() = default;
};

// A group of one, in epoch 0: the owner of `leaf`, a LeafNode made as for a KeyPackage, whose private key is
// given. Errors: those of check_leaf_node and verify_leaf_node, check_group_context_extensions and
// check_group_extensions; extension_unsupported, group_known, random_failed, out_of_memory.
Error create_group(const Client& client, Bytes group_id, std::span<const Extension> extensions, Bytes leaf,
                   Secret encryption_key, std::optional<Epoch>& out) noexcept;

// Joins by a Welcome, with the tree in its GroupInfo or, if `ratchet_tree` is not empty, with that: the value
// of a ratchet_tree extension. `out` is set only if all checks are passed; then the KeyPackage that was used
// is erased, unless it is one of last resort. A group that succeeds another is held against that one, of
// `former_groups`; there are none if it is nullptr. Errors: group_secrets_absent, those of
// open_group_secrets, open_group_info, RatchetTree::import, check_tree, check_leaves, verify_group_info,
// derive_path_keys; former_group_unknown; those of check_successor and check_successor_members;
// psk_nonce_length, psk_successors, psk_unknown, group_known, tree_absent, tree_hash_mismatch,
// credential_refused, lifetime_not_current, own_leaf_absent, extension_unsupported, path_secret_misplaced,
// confirmation_tag_invalid, out_of_memory.
Error join_by_welcome(const Client& client, KeyPackages& key_packages, Psks& psks,
                      FormerGroups* former_groups, const Welcome& welcome, Bytes ratchet_tree,
                      std::optional<Epoch>& out) noexcept;

// The tree of a group that a GroupInfo describes to somebody outside: that which is given apart, or the one
// in the GroupInfo, with all that a Welcome's is held against. `tree` is new. Errors: as above, and those of
// check_group_info.
Error take_group_info(const Client& client, const GroupInfo& group_info, Bytes ratchet_tree,
                      RatchetTree& tree) noexcept;

}  // namespace tacet
