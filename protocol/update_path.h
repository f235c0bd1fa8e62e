#pragma once

// UpdatePath (RFC 9420, 7.4 to 7.6): new keys for a committer's leaf and its filtered direct path, with the
// path secrets encrypted to everybody else.
//
// The order of things. The committer: proposals applied to the draft, create_update_path (keys, merge, leaf),
// the provisional GroupContext from the draft's tree hash, encrypt_update_path. A receiver: proposals
// applied, check_update_path, merge_update_path, the provisional GroupContext, decrypt_path_secret,
// derive_path_keys. Both then hold the result against the other members (check_changed_leaves).

#include "hpke.h"
#include "path_keys.h"
#include "tree_check.h"

namespace tacet {

struct HpkeCiphertext {
  Bytes kem_output;
  Bytes ciphertext;
};

template <class Coder, Fields<HpkeCiphertext> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.kem_output, e.ciphertext);
}

struct UpdatePathNode {
  Bytes encryption_key;
  List<HpkeCiphertext> encrypted_path_secret;  // in the order of the resolution [TREE-26]
};

template <class Coder, Fields<UpdatePathNode> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.encryption_key, e.encrypted_path_secret);
}

struct UpdatePath {
  LeafNode leaf_node;
  List<UpdatePathNode> nodes;  // from the leaf upwards [TREE-25]
};

template <class Coder, Fields<UpdatePath> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.leaf_node, e.nodes);
}

// ---- creating

// What the committer keeps of a new path until it is sent, and for the Welcome.
struct PathSecrets {
  std::array<Secret, TreeSize::max_depth> path_secrets;  // of the nodes of the filtered direct path
  Secret commit_secret;
};

// Makes fresh keys for the filtered direct path of `own` in the draft, merges them, and signs and puts in a
// leaf with the signature_key, credential, capabilities and extensions of `fields`; the draft is then hashed.
// The private keys go into `keys`, which were carried over from this epoch's. What a receiver would refuse in
// the leaf by itself is not made. After an error `draft` and `keys` can only be dropped. Errors: those of
// check_leaf_node and of the signer, random_failed, out_of_memory.
Error create_update_path(Crypto& crypto, Signer& signer, const LeafNode& fields, LeafIndex own,
                         Bytes group_id, const Limits& limits, TreeDraft& draft, PathKeys& keys,
                         PathSecrets& out) noexcept;

// The size of the UpdatePath of a path that was merged. Error::vector_too_long.
Result<std::size_t> update_path_size(const Crypto& crypto, const TreeDraft& draft, LeafIndex own) noexcept;

// Encrypts the path secrets of a created path in the provisional GroupContext, for the resolutions without
// the leaves added in the draft, and encodes the UpdatePath. Errors: output_too_small, vector_too_long,
// kem_public_key_length, kem_low_order, random_failed, out_of_memory.
Result<Bytes> encrypt_update_path(Crypto& crypto, const TreeDraft& draft, LeafIndex own,
                                  const PathSecrets& secrets, Bytes group_context, Memory& secret_memory,
                                  MutableBytes out) noexcept;

// ---- processing

// All rules on a received path that need no other member and no secret, before anything is changed. Errors:
// those of check_leaf_node, verify_leaf_node; encryption_key_unchanged, path_length, path_ciphertext_count,
// kem_public_key_length, path_key_in_tree, path_key_repeated, out_of_memory.
Error check_update_path(Crypto& crypto, const UpdatePath& path, LeafIndex sender, Bytes group_id,
                        const Limits& limits, const TreeDraft& draft) noexcept;

// Merges a path that was checked, and hashes the draft. Errors: path_parent_hash, out_of_memory.
Error merge_update_path(Crypto& crypto, const UpdatePath& path, LeafIndex sender, TreeDraft& draft) noexcept;

// Decrypts the path secret that is meant for the owner of `keys`, which were carried over into the draft, and
// says of which node it is. Errors: path_key_absent; those of hpke_open_secret.
Error decrypt_path_secret(Crypto& crypto, const UpdatePath& path, LeafIndex sender, const TreeDraft& draft,
                          const PathKeys& keys, Bytes group_context, NodeIndex& node,
                          Secret& path_secret) noexcept;

// From the path secret of `node`, the keys of that node and of those above it that are not blank, each held
// against the public key in the tree; then the commit secret. Also for the path secret in a Welcome. After an
// error `keys` can only be dropped. Errors: path_key_mismatch, out_of_memory, those of `crypto`.
Error derive_path_keys(Crypto& crypto, const TreeView& tree, NodeIndex node, Secret path_secret,
                       PathKeys& keys, Secret& commit_secret) noexcept;

// The key pair of a node whose path secret is known (RFC 9420, 7.4). Errors: those of `crypto`.
Error derive_node_key_pair(Crypto& crypto, SecretView path_secret, Secret& private_key,
                           MutableBytes public_key) noexcept;

}  // namespace tacet
