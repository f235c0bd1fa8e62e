#include "leaf_node.h"

namespace tacet {

Error check(LeafNodeSource source) noexcept {
  const bool known = source == LeafNodeSource::key_package || source == LeafNodeSource::update ||
                     source == LeafNodeSource::commit;
  REFUSE_IF(!known, Error::leaf_node_source_unknown);  // [CODEC-16]
  return Error::none;
}

// ---- signatures

namespace {

constexpr std::string_view leaf_node_label = "LeafNodeTBS";
constexpr std::string_view key_package_label = "KeyPackageTBS";

// What LeafNodeTBS has behind the leaf's own fields: group_id<V> and leaf_index, but for a leaf from a
// KeyPackage.
Error gather_context(const LeafNode& leaf, const LeafContext& context, Gatherer<4, 16>& out) noexcept {
  if (leaf.source == LeafNodeSource::key_package) return Error::none;
  return out(context.group_id, context.leaf_index.value);  // [LEAF-02]
}

// LeafNodeTBS in pieces, handed to `use`.
template <class Use>
auto with_leaf_node_tbs(const LeafNode& leaf, const LeafContext& context, Bytes signed_part, Use use) noexcept
    -> decltype(use(Pieces())) {
  Gatherer<4, 16> suffix;
  TRY(gather_context(leaf, context, suffix));
  std::array<Bytes, 5> pieces = {signed_part};
  std::size_t count = 1;
  for (const Bytes piece : suffix.pieces()) pieces[count++] = piece;
  return use(Pieces(std::span<const Bytes>(pieces.data(), count)));
}

// The size of what a signature covers, from which follows the room to lay it out.
template <class T>
Result<std::size_t> signed_part_size(const T& value) noexcept {
  Sizer sizer;
  TRY(code_signed_part(sizer, value));
  return sizer.size();
}

Result<std::size_t> work_size(std::string_view label, std::size_t content_size) noexcept {
  const Result<SignContentLayout> layout = sign_content_layout(label, content_size);
  TRY(layout.error());
  return layout.value().size;
}

// Encodes the signed part into `out`, has it signed by `sign`, and appends the signature. On an error nothing
// of it is left.
template <class T, class Sign>
Result<Bytes> encode_signed(const T& value, MutableBytes out, Sign sign) noexcept {
  Writer writer(out);
  const Error error = [&]() noexcept -> Error {
    TRY(code_signed_part(writer, value));
    std::array<std::uint8_t, Crypto::max_signature_size> room;
    const Result<Bytes> signature = sign(writer.written(), MutableBytes(room));
    TRY(signature.error());
    return writer.opaque(signature.value());
  }();
  if (error != Error::none) {
    wipe(out.data(), writer.written().size());
    return error;
  }
  return writer.written();
}

}  // namespace

Result<std::size_t> leaf_node_work_size(const LeafNode& leaf, const LeafContext& context) noexcept {
  const Result<std::size_t> size = signed_part_size(leaf);
  TRY(size.error());
  Gatherer<4, 16> suffix;
  TRY(gather_context(leaf, context, suffix));
  return work_size(leaf_node_label, size.value() + suffix.pieces().size());
}

Result<std::size_t> key_package_work_size(const KeyPackage& key_package) noexcept {
  const Result<std::size_t> size = signed_part_size(key_package);
  TRY(size.error());
  return work_size(key_package_label, size.value());
}

Result<Bytes> sign_leaf_node(Signer& signer, const LeafNode& leaf, const LeafContext& context,
                             MutableBytes work, MutableBytes out) noexcept {
  return encode_signed(leaf, out, [&](Bytes signed_part, MutableBytes signature) noexcept {
    return with_leaf_node_tbs(leaf, context, signed_part, [&](Pieces tbs) noexcept {
      return sign_with_label(signer, leaf_node_label, tbs, work, signature);  // [LEAF-16]
    });
  });
}

Result<Bytes> sign_key_package(Signer& signer, const KeyPackage& key_package, MutableBytes work,
                               MutableBytes out) noexcept {
  return encode_signed(key_package, out, [&](Bytes signed_part, MutableBytes signature) noexcept {
    return sign_with_label(signer, key_package_label, {signed_part}, work, signature);
  });
}

Error verify_leaf_node(Crypto& crypto, const LeafNode& leaf, const LeafContext& context,
                       MutableBytes work) noexcept {
  return with_leaf_node_tbs(leaf, context, leaf.signed_part, [&](Pieces tbs) noexcept {
    return verify_with_label(crypto, leaf.signature_key, leaf_node_label, tbs, leaf.signature,
                             work);  // [LEAF-17, LEAF-18, LEAF-19]
  });
}

Error verify_key_package(Crypto& crypto, const KeyPackage& key_package, MutableBytes work) noexcept {
  return verify_with_label(crypto, key_package.leaf_node.signature_key, key_package_label,
                           {key_package.signed_part}, key_package.signature, work);  // [KP-07, KP-16]
}

Error key_package_ref(Crypto& crypto, const KeyPackage& key_package, Digest& out) noexcept {
  return crypto.ref_hash("MLS 1.0 KeyPackage Reference", {key_package.encoded}, out);  // [CRYPTO-15]
}

// ---- rules that need no group

namespace {

// The extensions of a leaf or a KeyPackage: none twice, none that belongs elsewhere, and all but the default
// ones listed in the capabilities.
Error check_extensions(const Extensions& extensions, const CodePoints& listed, bool of_leaf) noexcept {
  TRY(check_no_repeats(extensions));
  for (const Extension& extension : extensions) {
    const bool is_application_id = extension.type == ExtensionType::application_id;
    REFUSE_IF(is_default(extension.type) && !(of_leaf && is_application_id), Error::extension_misplaced);
    REFUSE_IF(!is_default(extension.type) && !listed.contains(extension.type),
              Error::extension_unlisted);  // [LEAF-27, LEAF-28, KP-12]
    ApplicationId application_id;
    REFUSE_IF(is_application_id && decode(extension.data, application_id) != Error::none,
              Error::extension_malformed);
  }
  return Error::none;
}

Error check_credential(const Credential& credential) noexcept {
  if (credential.type != CredentialType::x509) return Error::none;
  List<Certificate> certificates;
  const Error error = List<Certificate>::parse(credential.body, certificates);
  REFUSE_IF(error != Error::none || certificates.empty(), Error::credential_malformed);  // [CRED-21]
  return Error::none;
}

Error check_lifetime(const Lifetime& lifetime, const Limits& limits) noexcept {
  REFUSE_IF(lifetime.not_after < lifetime.not_before, Error::lifetime_reversed);  // [LEAF-14]
  REFUSE_IF(lifetime.not_after - lifetime.not_before > limits.leaf_lifetime,
            Error::lifetime_too_long);  // [LEAF-12]
  return Error::none;
}

}  // namespace

Error check_leaf_node(const LeafNode& leaf, LeafNodeSource source, const SuiteParameters& suite,
                      const Limits& limits) noexcept {
  REFUSE_IF(leaf.source != source, Error::leaf_node_source_wrong);  // [LEAF-29]
  return check_tree_leaf(leaf, suite, limits);
}

Error check_tree_leaf(const LeafNode& leaf, const SuiteParameters& suite, const Limits& limits) noexcept {
  REFUSE_IF(leaf.encoded.size() > limits.leaf_size, Error::leaf_too_large);
  REFUSE_IF(leaf.encryption_key.size() != suite.kem_public_key_size,
            Error::kem_public_key_length);  // [KP-06, CRYPTO-07]
  REFUSE_IF(leaf.signature_key.size() != suite.signature_public_key_size,
            Error::signature_key_length);  // [KP-06, CRYPTO-07]
  const Capabilities& capabilities =
      leaf.capabilities;  // values not known are ignored [LEAF-10, LEAF-11, EXT-02]
  REFUSE_IF(!CodePoints(capabilities.versions).contains(ProtocolVersion::mls10),
            Error::version_unlisted);  // [LEAF-37]
  REFUSE_IF(!CodePoints(capabilities.cipher_suites).contains(suite.suite),
            Error::suite_unlisted);  // [LEAF-37]
  REFUSE_IF(!CodePoints(capabilities.credentials).contains(leaf.credential.type),
            Error::credential_unlisted);  // [LEAF-09]
  TRY(check_credential(leaf.credential));
  TRY(check_extensions(leaf.extensions, CodePoints(capabilities.extensions), true));
  return leaf.source == LeafNodeSource::key_package ? check_lifetime(leaf.lifetime, limits) : Error::none;
}

Error check_lifetime_now(const LeafNode& leaf, std::uint64_t now) noexcept {
  if (leaf.source != LeafNodeSource::key_package) return Error::none;
  REFUSE_IF(now < leaf.lifetime.not_before || now > leaf.lifetime.not_after, Error::lifetime_not_current);
  return Error::none;
}

Error check_required_capabilities(const Capabilities& capabilities,
                                  const RequiredCapabilities& required) noexcept {
  const CodePoints extensions(capabilities.extensions);
  for (const ExtensionType type : required.extension_types) {  // [LEAF-21]
    REFUSE_IF(!is_default(type) && !extensions.contains(type), Error::required_capability_missing);
  }
  const CodePoints proposals(capabilities.proposals);
  for (const ProposalType type : required.proposal_types) {
    REFUSE_IF(!is_default(type) && !proposals.contains(type), Error::required_capability_missing);
  }
  const CodePoints credentials(capabilities.credentials);
  for (const CredentialType type : required.credential_types) {
    REFUSE_IF(!credentials.contains(type), Error::required_capability_missing);
  }
  return Error::none;
}

Error check_group_extensions(const Capabilities& capabilities, const Extensions& group_extensions) noexcept {
  const CodePoints listed(capabilities.extensions);
  for (const Extension& extension : group_extensions) {
    REFUSE_IF(!is_default(extension.type) && !listed.contains(extension.type),
              Error::group_extension_unlisted);
  }
  return Error::none;
}

Error check_key_package(Crypto& crypto, const KeyPackage& key_package, const Limits& limits,
                        MutableBytes work) noexcept {
  const SuiteParameters& suite = crypto.suite();
  const LeafNode& leaf = key_package.leaf_node;
  REFUSE_IF(key_package.version != ProtocolVersion::mls10, Error::key_package_version);  // [KP-14]
  REFUSE_IF(key_package.cipher_suite != suite.suite, Error::key_package_suite);          // [KP-13]
  REFUSE_IF(key_package.init_key.size() != suite.kem_public_key_size, Error::kem_public_key_length);
  TRY(check_leaf_node(leaf, LeafNodeSource::key_package, suite, limits));
  REFUSE_IF(equal(key_package.init_key, leaf.encryption_key), Error::init_key_is_encryption_key);  // [KP-17]
  TRY(check_extensions(key_package.extensions, CodePoints(leaf.capabilities.extensions), false));  // [KP-11]
  TRY(verify_key_package(crypto, key_package, work));
  return verify_leaf_node(crypto, leaf, {}, work);
}

}  // namespace tacet
