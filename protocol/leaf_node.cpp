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

// The objects with extensions whose rules are here.
enum class Carrier : std::uint8_t { leaf_node, key_package, group_context, group_info };

// Whether the registry has an extension of RFC 9420 in that object (17.3). Of any other type nothing is
// known.
bool belongs(ExtensionType type, Carrier carrier) noexcept {
  switch (type) {
    case ExtensionType::application_id:
      return carrier == Carrier::leaf_node;
    case ExtensionType::required_capabilities:
    case ExtensionType::external_senders:
      return carrier == Carrier::group_context;
    case ExtensionType::ratchet_tree:
    case ExtensionType::external_pub:
      return carrier == Carrier::group_info;
  }
  return true;
}

// Whether the body of a credential is what its type says. An X.509 chain has its first certificate, and may
// leave out others [CRED-04]; what stands in them, the application validates.
bool well_formed(const Credential& credential) noexcept {
  if (credential.type != CredentialType::x509) return true;
  List<Certificate> certificates;
  return List<Certificate>::parse(credential.body, certificates) == Error::none && !certificates.empty();
}

template <class T>
bool decodes(Bytes data) noexcept {
  T value{};
  return decode(data, value) == Error::none;
}

bool well_formed_senders(Bytes data) noexcept {
  ExternalSenders senders;
  if (decode(data, senders) != Error::none) return false;
  for (const ExternalSender& sender : senders) {
    if (!well_formed(sender.credential)) return false;
  }
  return true;
}

bool well_formed(const Extension& extension) noexcept {
  switch (extension.type) {
    case ExtensionType::application_id:
      return decodes<ApplicationId>(extension.data);
    case ExtensionType::required_capabilities:
      return decodes<RequiredCapabilities>(extension.data);
    case ExtensionType::external_pub:
      return decodes<ExternalPub>(extension.data);
    case ExtensionType::external_senders:
      return well_formed_senders(extension.data);
    default:
      return true;
  }
}

// A list of extensions by itself.
Error check_extensions(const Extensions& extensions, Carrier carrier) noexcept {
  TRY(check_no_repeats(extensions));
  for (const Extension& extension : extensions) {
    REFUSE_IF(!belongs(extension.type, carrier), Error::extension_misplaced);
    REFUSE_IF(!well_formed(extension), Error::extension_malformed);  // [EXT-09]
  }
  return Error::none;
}

// Whether capabilities list the type of every extension that is not a default one.
bool all_listed(const Extensions& extensions, const Capabilities& capabilities) noexcept {
  const CodePoints listed(capabilities.extensions);
  for (const Extension& extension : extensions) {
    if (!is_default(extension.type) && !listed.contains(extension.type)) return false;
  }
  return true;
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
      leaf.capabilities;  // values not known are ignored [LEAF-10, LEAF-11, EXT-02, GREASE-10, GREASE-11]
  REFUSE_IF(!contains(capabilities.versions, ProtocolVersion::mls10),
            Error::version_unlisted);  // [LEAF-37]
  REFUSE_IF(!contains(capabilities.cipher_suites, suite.suite),
            Error::suite_unlisted);  // [LEAF-37]
  REFUSE_IF(!contains(capabilities.credentials, leaf.credential.type),
            Error::credential_unlisted);                                  // [LEAF-09]
  REFUSE_IF(!well_formed(leaf.credential), Error::credential_malformed);  // [CRED-21]
  TRY(check_extensions(leaf.extensions, Carrier::leaf_node));
  REFUSE_IF(!all_listed(leaf.extensions, capabilities), Error::extension_unlisted);  // [LEAF-27, LEAF-28]
  return leaf.source == LeafNodeSource::key_package ? check_lifetime(leaf.lifetime, limits) : Error::none;
}

Error check_lifetime_now(const LeafNode& leaf, std::uint64_t now) noexcept {
  if (leaf.source != LeafNodeSource::key_package) return Error::none;
  REFUSE_IF(now < leaf.lifetime.not_before || now > leaf.lifetime.not_after, Error::lifetime_not_current);
  return Error::none;
}

namespace {

// Whether all that is required is a default or listed; a call for each list, so that one set is on the stack.
template <class Enum>
bool all_listed(const List<Enum>& required, const List<Enum>& list) noexcept {
  const CodePoints listed(list);
  for (const Enum value : required) {
    if (!is_default(value) && !listed.contains(value)) return false;
  }
  return true;
}

}  // namespace

Error check_required_capabilities(const Capabilities& capabilities,
                                  const RequiredCapabilities& required) noexcept {  // [LEAF-20]
  REFUSE_IF(!all_listed(required.extension_types, capabilities.extensions),         // [LEAF-21]
            Error::required_capability_missing);
  REFUSE_IF(!all_listed(required.proposal_types, capabilities.proposals), Error::required_capability_missing);
  REFUSE_IF(!all_listed(required.credential_types, capabilities.credentials),
            Error::required_capability_missing);
  return Error::none;
}

Error check_group_context_extensions(const Extensions& extensions) noexcept {
  return check_extensions(extensions, Carrier::group_context);
}

Error check_group_info_extensions(const Extensions& extensions) noexcept {
  return check_extensions(extensions, Carrier::group_info);
}

Error check_group_extensions(const Capabilities& capabilities, const Extensions& group_extensions) noexcept {
  REFUSE_IF(!all_listed(group_extensions, capabilities),
            Error::group_extension_unlisted);  // [EXT-05, EXT-14]
  const std::optional<Bytes> data = find_extension(group_extensions, ExtensionType::required_capabilities);
  if (!data.has_value()) return Error::none;
  RequiredCapabilities required;
  REFUSE_IF(decode(*data, required) != Error::none, Error::extension_malformed);
  return check_required_capabilities(capabilities, required);
}

namespace {

// All rules but the signatures.
Error check_key_package_fields(const KeyPackage& key_package, const SuiteParameters& suite,
                               const Limits& limits) noexcept {
  const LeafNode& leaf = key_package.leaf_node;
  REFUSE_IF(key_package.version != ProtocolVersion::mls10, Error::key_package_version);  // [KP-08, KP-14]
  REFUSE_IF(key_package.cipher_suite != suite.suite, Error::key_package_suite);          // [KP-13]
  REFUSE_IF(key_package.init_key.size() != suite.kem_public_key_size, Error::kem_public_key_length);
  TRY(check_leaf_node(leaf, LeafNodeSource::key_package, suite, limits));
  REFUSE_IF(equal(key_package.init_key, leaf.encryption_key), Error::init_key_is_encryption_key);  // [KP-17]
  TRY(check_extensions(key_package.extensions, Carrier::key_package));                             // [KP-11]
  REFUSE_IF(!all_listed(key_package.extensions, leaf.capabilities), Error::extension_unlisted);    // [KP-12]
  return Error::none;
}

}  // namespace

Error check_key_package(Crypto& crypto, const KeyPackage& key_package, const Limits& limits,
                        MutableBytes work) noexcept {
  TRY(check_key_package_fields(key_package, crypto.suite(), limits));
  TRY(verify_key_package(crypto, key_package, work));
  return verify_leaf_node(crypto, key_package.leaf_node, {}, work);
}

Error check_added_key_package(Crypto& crypto, const KeyPackage& key_package,
                              const Extensions& group_extensions, const Limits& limits,
                              MutableBytes work) noexcept {
  TRY(check_key_package(crypto, key_package, limits, work));
  return check_group_extensions(key_package.leaf_node.capabilities, group_extensions);  // [REQCAP-02]
}

Error check_key_package_to_add(Crypto& crypto, const KeyPackage& key_package,
                               const Extensions& group_extensions, std::uint64_t now, const Limits& limits,
                               MutableBytes work) noexcept {
  TRY(check_added_key_package(crypto, key_package, group_extensions, limits, work));  // [KP-18, EXT-04]
  return check_lifetime_now(key_package.leaf_node, now);                              // [LEAF-24]
}

// ---- making one's own

namespace {

// What may be said of the types that a client supports.
template <class T>
Error check_supported(std::span<const T> values) noexcept {
  for (const T value : values) {
    if constexpr (requires { is_default(value); }) {
      REFUSE_IF(is_default(value), Error::default_type_supported);  // [LEAF-04, LEAF-05]
    }
    REFUSE_IF(is_grease(static_cast<std::uint16_t>(value)), Error::grease_supported);  // [GREASE-12]
  }
  return Error::none;
}

// The i-th list of capabilities, with a GREASE value [GREASE-01, GREASE-13].
template <class T>
Error write_capability(Writer& writer, std::span<const T> values, const Grease& grease, std::size_t i,
                       List<T>& out) noexcept {
  TRY(check_supported(values));
  const T more = static_cast<T>(grease.value(i));
  return write_list(writer, values, grease.wanted() ? &more : nullptr, grease.place(i, values.size()), out);
}

constexpr std::size_t extensions_list = 1;  // among the lists that GREASE goes into

// Extensions with one of GREASE, of the type that the capabilities list [GREASE-03, GREASE-14].
Error write_extensions(Writer& writer, std::span<const Extension> extensions, const Grease& grease,
                       std::size_t i, Extensions& out) noexcept {
  const Extension more = grease.extension(extensions_list);
  return write_list(writer, extensions, grease.wanted() ? &more : nullptr, grease.place(i, extensions.size()),
                    out);
}

Error write_capabilities(Writer& writer, const Supported& supported, const Grease& grease,
                         Capabilities& out) noexcept {  // [LEAF-06, GREASE-06, KP-19]
  constexpr ProtocolVersion versions[] = {ProtocolVersion::mls10};
  TRY(write_list(writer, std::span<const ProtocolVersion>(versions), nullptr, 0, out.versions));
  TRY(write_capability(writer, supported.cipher_suites, grease, 0, out.cipher_suites));
  TRY(write_capability(writer, supported.extensions, grease, extensions_list, out.extensions));
  TRY(write_capability(writer, supported.proposals, grease, 2, out.proposals));
  return write_capability(writer, supported.credentials, grease, 3, out.credentials);
}

// Everything but the keys and the signatures.
Error fill_in(CipherSuite suite, const NewKeyPackage& wanted, const Grease& grease, Writer& lists,
              KeyPackage& out) noexcept {
  // Random GREASE in the capabilities may happen to list such a credential, and so let it pass [GREASE-05].
  REFUSE_IF(is_grease(static_cast<std::uint16_t>(wanted.credential.type)), Error::grease_supported);
  out.cipher_suite = suite;  // one call for each suite that the client has [KP-03]
  LeafNode& leaf = out.leaf_node;
  leaf.signature_key = wanted.signature_key;
  leaf.credential = wanted.credential;
  leaf.source = LeafNodeSource::key_package;  // [KP-09]
  leaf.lifetime = wanted.lifetime;
  TRY(write_capabilities(lists, wanted.supported, grease, leaf.capabilities));
  TRY(write_extensions(lists, wanted.leaf_extensions, grease, 4, leaf.extensions));
  return write_extensions(lists, wanted.key_package_extensions, grease, 5, out.extensions);
}

std::size_t size_of(std::span<const Extension> extensions) noexcept {
  std::size_t size = 0;
  for (const Extension& extension : extensions) size += 2 + 4 + extension.data.size();
  return size;
}

}  // namespace

KeyPackageRoom key_package_room(const NewKeyPackage& wanted) noexcept {
  constexpr std::size_t grease = 5 * 2 + 2 * (2 + 4 + Grease::max_data);
  constexpr std::size_t fixed = 256 + 2 * (Crypto::max_kem_public_key_size + Crypto::max_signature_size);
  const Supported& supported = wanted.supported;
  const std::size_t lists = grease + size_of(wanted.leaf_extensions) +
                            size_of(wanted.key_package_extensions) +
                            2 * (1 + supported.cipher_suites.size() + supported.extensions.size() +
                                 supported.proposals.size() + supported.credentials.size());
  const std::size_t whole = fixed + lists + wanted.signature_key.size() + wanted.credential.body.size();
  return {lists + whole + whole, whole};  // the lists, the leaf, and what is signed
}

Result<Bytes> create_key_package(Crypto& crypto, Signer& signer, const NewKeyPackage& wanted,
                                 const Limits& limits, MutableBytes work, MutableBytes out,
                                 KeyPackageKeys& keys) noexcept {
  const KeyPackageRoom room = key_package_room(wanted);
  if (work.size() < room.work || out.size() < room.out) return Error::output_too_small;
  const std::size_t lists_size = room.work - 2 * room.out;
  const MutableBytes leaf_room = work.subspan(lists_size, room.out);
  const MutableBytes signing_room = work.subspan(lists_size + room.out, room.out);

  KeyPackageKeys fresh;
  std::array<std::uint8_t, Crypto::max_kem_public_key_size> init_key, encryption_key;
  const std::size_t key_size = crypto.suite().kem_public_key_size;
  TRY(crypto.generate_key_pair(fresh.init_key, init_key));  // [KP-04, KP-05]
  TRY(crypto.generate_key_pair(fresh.encryption_key, encryption_key));

  KeyPackage made;
  made.init_key = Bytes(init_key).first(key_size);
  made.leaf_node.encryption_key = Bytes(encryption_key).first(key_size);
  Grease grease;
  TRY(grease.draw(crypto, wanted.grease));
  Writer lists(work.first(lists_size));
  TRY(fill_in(crypto.suite().suite, wanted, grease, lists, made));

  const Result<Bytes> signed_leaf = sign_leaf_node(signer, made.leaf_node, {}, signing_room, leaf_room);
  TRY(signed_leaf.error());
  TRY(decode(signed_leaf.value(), made.leaf_node));
  const Result<Bytes> encoded = sign_key_package(signer, made, signing_room, out);
  TRY(encoded.error());

  // What a receiver would refuse is not made [LEAF-07, LEAF-08, KP-10].
  KeyPackage decoded;
  TRY(decode(encoded.value(), decoded));
  if (const Error error = check_key_package_fields(decoded, crypto.suite(), limits); error != Error::none) {
    wipe(out.data(), encoded.value().size());
    return error;
  }
  keys = std::move(fresh);
  return encoded;
}

}  // namespace tacet
