#pragma once

// GroupInfo, GroupSecrets and Welcome (RFC 9420, 12.4.3): syntax, sealing, opening. What a joiner makes of
// them, and holds against the tree, is judged elsewhere.

#include "key_schedule.h"
#include "update_path.h"

namespace tacet {

struct GroupInfo {
  GroupContext group_context;
  Extensions extensions;
  Bytes confirmation_tag;
  LeafIndex signer;
  Bytes signature;

  Bytes encoded;      // of a decoded GroupInfo: all of it, as received
  Bytes signed_part;  // of a decoded GroupInfo: GroupInfoTBS
};

template <class Coder, Fields<GroupInfo> E>
Error code_signed_part(Coder& coder, E& e) noexcept {  // [WELCOME-14]
  return coder(e.group_context, e.extensions, e.confirmation_tag, e.signer);
}

template <class Coder, Fields<GroupInfo> E>
Error code(Coder& coder, E& e) noexcept {
  return code_signed(coder, e);
}

struct EncryptedGroupSecrets {
  Bytes new_member;  // a KeyPackageRef
  HpkeCiphertext encrypted_group_secrets;
};

template <class Coder, Fields<EncryptedGroupSecrets> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.new_member, e.encrypted_group_secrets);
}

// RFC 9420, 12.4.3.1.
struct Welcome {
  CipherSuite cipher_suite{};
  List<EncryptedGroupSecrets> secrets;
  Bytes encrypted_group_info;
};

template <class Coder, Fields<Welcome> E>
Error code(Coder& coder, E& e) noexcept {  // [WELCOME-01]
  return coder(e.cipher_suite, e.secrets, e.encrypted_group_info);
}

// What each new member is told in secret. Its PSKs are views into it.
struct GroupSecrets {
  Secret joiner_secret;
  std::optional<Secret> path_secret;
  List<PreSharedKeyId> psks;

  SecretBuffer opened;  // what `psks` views
};

// ---- GroupInfo

// What a member says of its epoch; `extensions` are written as they are, and one of GREASE among them.
struct NewGroupInfo {
  GroupContext group_context;
  std::span<const Extension> extensions;
  Bytes confirmation_tag;
  LeafIndex signer;
  bool grease = true;  // whether a random GREASE extension is mixed in (RFC 9420, 13.5)
};

// The room that create_group_info needs, in bytes, at most.
std::size_t group_info_room(const NewGroupInfo& wanted) noexcept;

// Signs a GroupInfo and encodes it inside `room`, with one copy of what the extensions hold; returns the
// encoding. What a joiner would refuse of it by itself is not made: errors of check_group_info, and
// output_too_small, vector_too_long, random_failed, those of the signer.
Result<Bytes> create_group_info(Crypto& crypto, Signer& signer, const NewGroupInfo& wanted,
                                MutableBytes room) noexcept;

// The key by which a GroupInfo has to be signed: that of the leaf that it names as its signer.
// Error::group_info_signer_not_member.
Result<Bytes> group_info_signature_key(const GroupInfo& group_info, const TreeView& tree) noexcept;

// The room in which the signature of a decoded GroupInfo is verified.
std::size_t verify_group_info_room(const GroupInfo& group_info) noexcept;

// The signature of a decoded GroupInfo. If it lies in `room`, where open_group_info has put it, nothing is
// copied. Errors: group_info_signature_invalid, signature_key_length, output_too_small.
Error verify_group_info(Crypto& crypto, const GroupInfo& group_info, Bytes signature_key,
                        MutableBytes room) noexcept;

// The rules on a GroupInfo by itself, for a group of `suite`. Errors: group_info_version, group_info_suite,
// extension_repeated, extension_misplaced, extension_malformed.
Error check_group_info(const GroupInfo& group_info, const SuiteParameters& suite) noexcept;

// ---- Welcome

// A client that a Welcome is for.
struct Joiner {
  Bytes key_package_ref;
  Bytes init_key;
  SecretView path_secret;  // of its lowest common ancestor with the committer; none if empty
};

// The encoded Welcome's size in bytes. Error::vector_too_long.
Result<std::size_t> welcome_size(const Crypto& crypto, std::span<const Joiner> joiners,
                                 const List<PreSharedKeyId>& psks, std::size_t group_info_size) noexcept;

// Encrypts a GroupInfo, and to each joiner the secrets with which it is opened; encodes the Welcome into
// `out`, which takes welcome_size() bytes. The GroupInfo is sealed, and its ciphertext hashed, once for all.
// Errors: output_too_small, vector_too_long, secret_length, kem_public_key_length, kem_low_order,
// random_failed, out_of_memory.
Result<Bytes> seal_welcome(Crypto& crypto, SecretView joiner_secret, SecretView welcome_secret,
                           const List<PreSharedKeyId>& psks, std::span<const Joiner> joiners,
                           Bytes group_info, Memory& secrets, MutableBytes out) noexcept;

// Opens the secrets that are meant for the owner of a KeyPackage, whose init_key the key pair belongs to. Of
// several entries with its reference the first counts. Errors: welcome_suite, group_secrets_absent,
// group_secrets_not_authentic, kem_output_length, kem_low_order, secret_length, out_of_memory; those of a
// Reader.
Error open_group_secrets(Crypto& crypto, const Welcome& welcome, const KeyPackage& key_package,
                         SecretView init_private_key, Memory& secrets, GroupSecrets& out) noexcept;

// The room in which the GroupInfo of a Welcome is opened and verified.
std::size_t open_group_info_room(const Welcome& welcome) noexcept;

// Opens the GroupInfo into `room`; its signature is still to be verified, in the same room. Errors:
// group_info_not_authentic, output_too_small; those of check_group_info and of a Reader.
Error open_group_info(Crypto& crypto, const Welcome& welcome, SecretView welcome_secret, MutableBytes room,
                      GroupInfo& out) noexcept;

}  // namespace tacet
