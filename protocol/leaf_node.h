#pragma once

// LeafNode and KeyPackage: syntax, signatures, and what makes one valid by itself (RFC 9420, 5.3, 7.2, 7.3,
// 10). What depends on the other members of a group, or on an application's policy, is judged elsewhere.

#include "crypto.h"
#include "extension.h"
#include "limits.h"
#include "tree_math.h"

namespace tacet {

struct Certificate {
  Bytes cert_data;
};

template <class Coder, Fields<Certificate> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.cert_data);
}

// RFC 9420, 5.3. Every type so far has one vector for a body: an identity, or the certificates of a chain. So
// a type that is not known is kept byte for byte as well, and whether it may be used is for the rules to say.
struct Credential {
  CredentialType type{};
  Bytes body;
};

template <class Coder, Fields<Credential> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.type, e.body);  // [CRED-01, CRED-20]
}

// Who may send proposals to a group from outside. The data of external_senders is a list of them (RFC 9420,
// 12.1.8.1) [EXTPROP-07].
struct ExternalSender {
  Bytes signature_key;
  Credential credential;
};

template <class Coder, Fields<ExternalSender> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.signature_key, e.credential);
}

using ExternalSenders = List<ExternalSender>;

struct Capabilities {
  List<ProtocolVersion> versions;
  List<CipherSuite> cipher_suites;
  List<ExtensionType> extensions;
  List<ProposalType> proposals;
  List<CredentialType> credentials;
};

template <class Coder, Fields<Capabilities> E>
Error code(Coder& coder, E& e) noexcept {  // [LEAF-03]
  return coder(e.versions, e.cipher_suites, e.extensions, e.proposals, e.credentials);
}

// Seconds since 1970-01-01T00:00:00Z, both bounds included.
struct Lifetime {
  std::uint64_t not_before = 0;
  std::uint64_t not_after = 0;
};

template <class Coder, Fields<Lifetime> E>
Error code(Coder& coder, E& e) noexcept {  // [LEAF-13]
  return coder(e.not_before, e.not_after);
}

// A struct that ends with a signature over the rest of it: code_signed_part() describes what is signed, and a
// decoded one remembers where it lies, as received.
template <class Coder, class E>
Error code_signed(Coder& coder, E& e) noexcept {
  const auto signed_part = [&]() noexcept { return code_signed_part(coder, e); };
  return code_as_received(coder, e.encoded, [&]() noexcept {
    TRY(code_as_received(coder, e.signed_part, signed_part));
    return coder(e.signature);
  });
}

enum class LeafNodeSource : std::uint8_t { key_package = 1, update = 2, commit = 3 };
Error check(LeafNodeSource source) noexcept;  // Error::leaf_node_source_unknown

// RFC 9420, 7.2.
struct LeafNode {
  Bytes encryption_key;
  Bytes signature_key;
  Credential credential;
  Capabilities capabilities;
  LeafNodeSource source = LeafNodeSource::key_package;
  Lifetime lifetime;  // key_package
  Bytes parent_hash;  // commit
  Extensions extensions;
  Bytes signature;

  Bytes encoded;      // of a decoded leaf: all of it, as received
  Bytes signed_part;  // of a decoded leaf: what stands before the signature
};

// The fields before the signature, which LeafNodeTBS begins with.
template <class Coder, Fields<LeafNode> E>
Error code_signed_part(Coder& coder, E& e) noexcept {
  TRY(coder(e.encryption_key, e.signature_key, e.credential, e.capabilities, e.source));
  if (e.source == LeafNodeSource::key_package) TRY(coder(e.lifetime));
  if (e.source == LeafNodeSource::commit) TRY(coder(e.parent_hash));
  return coder(e.extensions);
}

template <class Coder, Fields<LeafNode> E>
Error code(Coder& coder, E& e) noexcept {  // [LEAF-01]
  return code_signed(coder, e);
}

// RFC 9420, 10.
struct KeyPackage {
  ProtocolVersion version = ProtocolVersion::mls10;
  CipherSuite cipher_suite{};
  Bytes init_key;
  LeafNode leaf_node;
  Extensions extensions;
  Bytes signature;

  Bytes encoded;      // of a decoded KeyPackage: all of it, as received
  Bytes signed_part;  // of a decoded KeyPackage: KeyPackageTBS
};

template <class Coder, Fields<KeyPackage> E>
Error code_signed_part(Coder& coder, E& e) noexcept {
  return coder(e.version, e.cipher_suite, e.init_key, e.leaf_node, e.extensions);
}

template <class Coder, Fields<KeyPackage> E>
Error code(Coder& coder, E& e) noexcept {  // [KP-01]
  return code_signed(coder, e);
}

// ---- signatures

// Where in which group a leaf stands: signed with it if its source is update or commit.
struct LeafContext {
  Bytes group_id;
  LeafIndex leaf_index;
};

// The room in `work` that signing or verifying this leaf takes. Error::vector_too_long.
Result<std::size_t> leaf_node_work_size(const LeafNode& leaf, const LeafContext& context) noexcept;
Result<std::size_t> key_package_work_size(const KeyPackage& key_package) noexcept;

// Signs a leaf whose other fields are filled in, and encodes it into `out`, which takes its encoded_size()
// and Crypto::max_signature_size more. Returns the encoding. Errors: output_too_small, vector_too_long, the
// signer's.
Result<Bytes> sign_leaf_node(Signer& signer, const LeafNode& leaf, const LeafContext& context,
                             MutableBytes work, MutableBytes out) noexcept;

// The same for a KeyPackage, whose leaf is signed already.
Result<Bytes> sign_key_package(Signer& signer, const KeyPackage& key_package, MutableBytes work,
                               MutableBytes out) noexcept;

// The signature of a decoded leaf, by its own signature_key. Errors: signature_invalid, signature_key_length,
// output_too_small.
Error verify_leaf_node(Crypto& crypto, const LeafNode& leaf, const LeafContext& context,
                       MutableBytes work) noexcept;

// The signature of a decoded KeyPackage, by its leaf's signature_key; not that of the leaf. Errors as above.
Error verify_key_package(Crypto& crypto, const KeyPackage& key_package, MutableBytes work) noexcept;

// KeyPackageRef (RFC 9420, 5.2) of a decoded KeyPackage. `crypto` is of the KeyPackage's own cipher suite.
Error key_package_ref(Crypto& crypto, const KeyPackage& key_package, Digest& out) noexcept;

// ---- making one's own

// What a client really supports, beside protocol version mls10 and the default types. Never GREASE, which is
// only ever advertised: so a peer's GREASE cannot be taken for something that both support.
struct Supported {
  std::span<const CipherSuite> cipher_suites;
  std::span<const ExtensionType> extensions;
  std::span<const ProposalType> proposals;
  std::span<const CredentialType> credentials;
};

// What a client wants in a new KeyPackage of `crypto`'s suite.
struct NewKeyPackage {
  Bytes signature_key;  // the public key of the signer
  Credential credential;
  Supported supported;
  Lifetime lifetime;
  std::span<const Extension> leaf_extensions;
  std::span<const Extension> key_package_extensions;
  bool grease = true;  // whether random GREASE values are mixed in (RFC 9420, 13.5)
};

struct KeyPackageKeys {
  Secret init_key;
  Secret encryption_key;
};

// The room that create_key_package needs, in bytes, at most.
struct KeyPackageRoom {
  std::size_t work;
  std::size_t out;
};
KeyPackageRoom key_package_room(const NewKeyPackage& wanted) noexcept;

// Makes a KeyPackage with fresh keys, and encodes it into `out`; returns the encoding. If `signer` has the
// key of wanted.signature_key, which is taken for granted, it passes check_key_package, or is not made:
// errors as there, and default_type_supported, grease_supported, output_too_small, random_failed, those of
// the signer.
Result<Bytes> create_key_package(Crypto& crypto, Signer& signer, const NewKeyPackage& wanted,
                                 const Limits& limits, MutableBytes work, MutableBytes out,
                                 KeyPackageKeys& keys) noexcept;

// ---- rules that need no group

// All rules on a leaf by itself, in an object that demands `source`, for the suite of `crypto`, but for its
// signature and the time. Errors: leaf_node_source_wrong, kem_public_key_length, signature_key_length,
// version_unlisted, suite_unlisted, credential_unlisted, credential_malformed, extension_repeated,
// extension_misplaced, extension_unlisted, extension_malformed, lifetime_reversed, lifetime_too_long,
// leaf_too_large.
Error check_leaf_node(const LeafNode& leaf, LeafNodeSource source, const SuiteParameters& suite,
                      const Limits& limits) noexcept;

// The same for a leaf of a ratchet tree, which may have any source.
Error check_tree_leaf(const LeafNode& leaf, const SuiteParameters& suite, const Limits& limits) noexcept;

// For a leaf that is about to be sent, or received where policy asks for it. `now` in seconds since 1970.
// Error::lifetime_not_current.
Error check_lifetime_now(const LeafNode& leaf, std::uint64_t now) noexcept;

// Error::required_capability_missing.
Error check_required_capabilities(const Capabilities& capabilities,
                                  const RequiredCapabilities& required) noexcept;

// The extensions of a GroupContext, or those that are to become its extensions, by themselves. Errors:
// extension_repeated, extension_misplaced, extension_malformed.
Error check_group_context_extensions(const Extensions& extensions) noexcept;

// The extensions of a GroupInfo, by themselves; what is in a ratchet_tree is for its import to say. Errors as
// above.
Error check_group_info_extensions(const Extensions& extensions) noexcept;

// Whether a member supports the extensions of the GroupContext and what required_capabilities, if it is among
// them, asks for. Errors: group_extension_unlisted, required_capability_missing, extension_malformed.
Error check_group_extensions(const Capabilities& capabilities, const Extensions& group_extensions) noexcept;

// All rules on a KeyPackage by itself, both signatures included, for a group of `crypto`'s suite, but for the
// time. Errors: key_package_version, key_package_suite, kem_public_key_length, init_key_is_encryption_key,
// extension_repeated, extension_misplaced, extension_unlisted; those of check_leaf_node and of the
// signatures.
Error check_key_package(Crypto& crypto, const KeyPackage& key_package, const Limits& limits,
                        MutableBytes work) noexcept;

// The same for the KeyPackage of an Add that was received, in a group whose GroupContext has these
// extensions. Errors: those of check_key_package and check_group_extensions.
Error check_added_key_package(Crypto& crypto, const KeyPackage& key_package,
                              const Extensions& group_extensions, const Limits& limits,
                              MutableBytes work) noexcept;

// What whoever adds a client asks of its KeyPackage before an Add is made of it: it is what receivers will
// check, and the time, `now` in seconds since 1970. Errors as above, and lifetime_not_current.
Error check_key_package_to_add(Crypto& crypto, const KeyPackage& key_package,
                               const Extensions& group_extensions, std::uint64_t now, const Limits& limits,
                               MutableBytes work) noexcept;

}  // namespace tacet
