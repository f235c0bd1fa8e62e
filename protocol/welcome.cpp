#include "welcome.h"

namespace tacet {

// ---- GroupInfo

namespace {

constexpr std::string_view group_info_label = "GroupInfoTBS";  // [CRYPTO-23]

// The most that stands before GroupInfoTBS when it is signed.
std::size_t info_header_room() noexcept {
  return sign_content_layout(group_info_label, max_vector_size).value().content_offset;
}

// The extensions<V> of a GroupInfo, with one of GREASE among them [GREASE-02, GREASE-15].
Error write_extensions(Writer& writer, std::span<const Extension> extensions, const Grease& grease) noexcept {
  const Extension more = grease.extension(0);
  Sizer sizer;
  for (const Extension& extension : extensions) TRY(sizer(extension));
  if (grease.wanted()) TRY(sizer(more));
  TRY(writer.header(sizer.size()));
  Extensions written;
  return write_list(writer, extensions, grease.wanted() ? &more : nullptr, grease.place(0, extensions.size()),
                    written);
}

Error write_group_info(Crypto& crypto, Signer& signer, const NewGroupInfo& wanted, MutableBytes room,
                       Writer& writer) noexcept {
  Grease grease;
  TRY(grease.draw(crypto, wanted.grease));
  TRY(writer(wanted.group_context));
  TRY(write_extensions(writer, wanted.extensions, grease));
  TRY(writer(wanted.confirmation_tag, wanted.signer));
  std::array<std::uint8_t, Crypto::max_signature_size> signature_room;
  const Result<Bytes> signature =
      sign_with_label(signer, group_info_label, {writer.written()}, room, signature_room);  // [WELCOME-14]
  TRY(signature.error());
  return writer.opaque(signature.value());
}

}  // namespace

std::size_t group_info_room(const NewGroupInfo& wanted) noexcept {
  constexpr std::size_t fixed = 64 + 4 * 4 + Crypto::max_signature_size;
  std::size_t size = info_header_room() + fixed + wanted.confirmation_tag.size() + 2 + 4 + Grease::max_data;
  for (const Extension& extension : wanted.extensions) size += 2 + 4 + extension.data.size();
  const GroupContext& context = wanted.group_context;
  return size + context.group_id.size() + context.tree_hash.size() +
         context.confirmed_transcript_hash.size() + context.extensions.encoded().size();
}

Result<Bytes> create_group_info(Crypto& crypto, Signer& signer, const NewGroupInfo& wanted,
                                MutableBytes room) noexcept {
  if (room.size() < group_info_room(wanted)) return Error::output_too_small;
  Writer writer(room.subspan(info_header_room()));
  const Error error = [&]() noexcept -> Error {
    TRY(write_group_info(crypto, signer, wanted, room, writer));
    GroupInfo made;
    TRY(decode(writer.written(), made));
    return check_group_info(made, crypto.suite());
  }();
  if (error != Error::none) {
    wipe(room.data(), info_header_room() + writer.written().size());
    return error;
  }
  return writer.written();
}

Result<Bytes> group_info_signature_key(const GroupInfo& group_info, const TreeView& tree) noexcept {
  const bool is_member = tree.size().contains(group_info.signer) && !tree.is_blank(group_info.signer);
  REFUSE_IF(!is_member, Error::group_info_signer_not_member);  // [WELCOME-12]
  return tree.signature_key(group_info.signer);
}

std::size_t verify_group_info_room(const GroupInfo& group_info) noexcept {
  return info_header_room() + group_info.signed_part.size();
}

Error verify_group_info(Crypto& crypto, const GroupInfo& group_info, Bytes signature_key,
                        MutableBytes room) noexcept {
  const Error error = verify_with_label(crypto, signature_key, group_info_label, {group_info.signed_part},
                                        group_info.signature, room);
  return error == Error::signature_invalid ? Error::group_info_signature_invalid
                                           : error;  // [WELCOME-11, WELCOME-13]
}

Error check_group_info(const GroupInfo& group_info, const SuiteParameters& suite) noexcept {
  const GroupContext& context = group_info.group_context;
  REFUSE_IF(context.version != ProtocolVersion::mls10, Error::group_info_version);  // [WELCOME-17]
  REFUSE_IF(context.cipher_suite != suite.suite, Error::group_info_suite);          // [WELCOME-16]
  TRY(check_group_context_extensions(context.extensions));                          // [EXT-01]
  return check_group_info_extensions(group_info.extensions);                        // [EXT-01, EXT-08]
}

// ---- Welcome

namespace {

// GroupSecrets { joiner_secret<V>, optional<path_secret<V>>, psks<V> } in pieces, handed to `use`
// [WELCOME-02].
template <class Use>
auto with_group_secrets(SecretView joiner_secret, SecretView path_secret, const List<PreSharedKeyId>& psks,
                        Use use) noexcept -> decltype(use(SecretPieces())) {
  const Result<VectorHeader> of_joiner = vector_header(joiner_secret.size());
  TRY(of_joiner.error());
  const Result<VectorHeader> of_path = vector_header(path_secret.size());
  TRY(of_path.error());
  const Result<VectorHeader> of_psks = vector_header(psks.encoded().size());
  TRY(of_psks.error());
  const std::uint8_t present = path_secret.empty() ? 0 : 1;
  const Bytes path_header = path_secret.empty() ? Bytes() : of_path.value().bytes();
  return use(SecretPieces{of_joiner.value().bytes(), joiner_secret, Bytes(&present, 1), path_header,
                          path_secret, of_psks.value().bytes(), psks.encoded()});
}

// The size of one joiner's entry.
Result<std::size_t> entry_size(const SuiteParameters& suite, SecretView joiner_secret, const Joiner& joiner,
                               const List<PreSharedKeyId>& psks) noexcept {
  const Result<std::size_t> plaintext =
      with_group_secrets(joiner_secret, joiner.path_secret, psks,
                         [](SecretPieces pieces) noexcept { return Result<std::size_t>(pieces.size()); });
  TRY(plaintext.error());
  std::size_t size = 0;
  for (const std::size_t part :
       {joiner.key_package_ref.size(), suite.kem_output_size, plaintext.value() + suite.tag_size}) {
    const Result<VectorHeader> header = vector_header(part);
    TRY(header.error());
    size += header.value().size + part;
  }
  return size;
}

Result<std::size_t> entries_size(const SuiteParameters& suite, SecretView joiner_secret,
                                 std::span<const Joiner> joiners, const List<PreSharedKeyId>& psks) noexcept {
  std::size_t size = 0;
  for (const Joiner& joiner : joiners) {
    const Result<std::size_t> entry = entry_size(suite, joiner_secret, joiner, psks);
    TRY(entry.error());
    size += entry.value();
  }
  return size;
}

Error derive_welcome_key(Crypto& crypto, SecretView welcome_secret, Secret& key, Secret& nonce) noexcept {
  TRY(crypto.expand_with_label(welcome_secret, "key", {}, crypto.suite().key_size, key));
  return crypto.expand_with_label(welcome_secret, "nonce", {}, crypto.suite().nonce_size, nonce);
}

constexpr std::string_view welcome_label = "Welcome";

}  // namespace

Result<std::size_t> welcome_size(const Crypto& crypto, std::span<const Joiner> joiners,
                                 const List<PreSharedKeyId>& psks, std::size_t group_info_size) noexcept {
  const SecretView joiner_secret(nullptr, crypto.hash_size());
  const Result<std::size_t> entries = entries_size(crypto.suite(), joiner_secret, joiners, psks);
  TRY(entries.error());
  std::size_t size = sizeof(CipherSuite);
  for (const std::size_t part : {entries.value(), group_info_size + crypto.suite().tag_size}) {
    const Result<VectorHeader> header = vector_header(part);
    TRY(header.error());
    size += header.value().size + part;
  }
  return size;
}

namespace {

// One entry for each joiner. The context is the ciphertext of the GroupInfo, hashed once for all of them.
Error seal_group_secrets(Crypto& crypto, SecretView joiner_secret, const List<PreSharedKeyId>& psks,
                         std::span<const Joiner> joiners, Bytes encrypted_group_info, Memory& secrets,
                         MutableBytes entries) noexcept {
  HpkeContext context;
  TRY(encrypt_context(crypto, welcome_label, encrypted_group_info, context));
  Writer writer(entries);
  for (const Joiner& joiner : joiners) {
    const auto seal = [&](SecretPieces group_secrets) noexcept -> Error {
      MutableBytes kem_output, ciphertext;
      TRY(writer.opaque(joiner.key_package_ref));
      TRY(writer.opaque_room(crypto.suite().kem_output_size, kem_output));
      TRY(writer.opaque_room(group_secrets.size() + crypto.suite().tag_size, ciphertext));
      return hpke_seal(crypto, joiner.init_key, context, {}, group_secrets, secrets, kem_output,
                       ciphertext);  // [WELCOME-03]
    };
    TRY(with_group_secrets(joiner_secret, joiner.path_secret, psks, seal));
  }
  return Error::none;
}

}  // namespace

Result<Bytes> seal_welcome(Crypto& crypto, SecretView joiner_secret, SecretView welcome_secret,
                           const List<PreSharedKeyId>& psks, std::span<const Joiner> joiners,
                           Bytes group_info, Memory& secrets, MutableBytes out) noexcept {
  const Result<std::size_t> size = welcome_size(crypto, joiners, psks, group_info.size());
  TRY(size.error());
  if (out.size() < size.value()) return Error::output_too_small;
  if (joiner_secret.size() != crypto.hash_size()) return Error::secret_length;
  const Result<std::size_t> entries_room = entries_size(crypto.suite(), joiner_secret, joiners, psks);
  TRY(entries_room.error());
  Writer writer(out);
  const Error error = [&]() noexcept -> Error {
    MutableBytes entries, encrypted_group_info;
    TRY(writer(crypto.suite().suite));
    TRY(writer.opaque_room(entries_room.value(), entries));
    TRY(writer.opaque_room(group_info.size() + crypto.suite().tag_size, encrypted_group_info));
    Secret key, nonce;
    TRY(derive_welcome_key(crypto, welcome_secret, key, nonce));
    TRY(crypto.seal(key, nonce, {}, group_info, encrypted_group_info));  // [WELCOME-04]
    return seal_group_secrets(crypto, joiner_secret, psks, joiners, encrypted_group_info, secrets, entries);
  }();
  if (error != Error::none) {
    wipe(out.data(), size.value());
    return error;
  }
  return writer.written();
}

namespace {

Error find_entry(Crypto& crypto, const Welcome& welcome, const KeyPackage& key_package,
                 HpkeCiphertext& out) noexcept {
  Digest reference;
  TRY(key_package_ref(crypto, key_package, reference));
  for (const EncryptedGroupSecrets& entry : welcome.secrets) {
    if (!equal(entry.new_member, reference)) continue;
    out = entry.encrypted_group_secrets;  // [WELCOME-06, WELCOME-33]
    return Error::none;
  }
  return Error::group_secrets_absent;  // [WELCOME-08]
}

Error read_group_secrets(std::size_t hash_size, GroupSecrets& out) noexcept {
  SecretReader reader(out.opened);
  TRY(reader.secret(out.joiner_secret));
  REFUSE_IF(out.joiner_secret.size() != hash_size, Error::secret_length);
  bool present = false;
  TRY(reader.present(present));
  if (present) {
    TRY(reader.secret(out.path_secret.emplace()));
    REFUSE_IF(out.path_secret->size() != hash_size, Error::secret_length);
  }
  TRY(reader(out.psks));  // [WELCOME-31]
  return reader.finish();
}

}  // namespace

Error open_group_secrets(Crypto& crypto, const Welcome& welcome, const KeyPackage& key_package,
                         SecretView init_private_key, Memory& secrets, GroupSecrets& out) noexcept {
  REFUSE_IF(welcome.cipher_suite != key_package.cipher_suite, Error::welcome_suite);  // [WELCOME-09]
  HpkeCiphertext sealed;
  TRY(find_entry(crypto, welcome, key_package, sealed));
  GroupSecrets opened;
  const Error error = decrypt_with_label(crypto, {init_private_key, key_package.init_key}, welcome_label,
                                         welcome.encrypted_group_info, sealed.kem_output, sealed.ciphertext,
                                         secrets, opened.opened);                // [WELCOME-03]
  if (error == Error::not_authentic) return Error::group_secrets_not_authentic;  // [WELCOME-10, WELCOME-25]
  TRY(error);
  TRY(read_group_secrets(crypto.hash_size(), opened));
  out = std::move(opened);
  return Error::none;
}

std::size_t open_group_info_room(const Welcome& welcome) noexcept {
  return info_header_room() + welcome.encrypted_group_info.size();
}

Error open_group_info(Crypto& crypto, const Welcome& welcome, SecretView welcome_secret, MutableBytes room,
                      GroupInfo& out) noexcept {
  if (room.size() < open_group_info_room(welcome)) return Error::output_too_small;
  const Bytes ciphertext = welcome.encrypted_group_info;
  Secret key, nonce;
  TRY(derive_welcome_key(crypto, welcome_secret, key, nonce));  // [WELCOME-05]
  // Behind the room for what is signed with it, so that it can be verified where it lies.
  const Error opened = crypto.open(key, nonce, {}, ciphertext, room.subspan(info_header_room()));
  if (opened == Error::not_authentic) return Error::group_info_not_authentic;  // [WELCOME-04, WELCOME-29]
  TRY(opened);
  const MutableBytes plaintext =
      room.subspan(info_header_room(), ciphertext.size() - crypto.suite().tag_size);
  const Error error = [&]() noexcept -> Error {
    GroupInfo decoded;
    TRY(decode(Bytes(plaintext), decoded));
    TRY(check_group_info(decoded, crypto.suite()));
    out = decoded;
    return Error::none;
  }();
  if (error != Error::none) wipe(plaintext.data(), plaintext.size());
  return error;
}

}  // namespace tacet
