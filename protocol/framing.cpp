#include "framing.h"

#include <bit>

namespace tacet {

// ---- enums

Error check(WireFormat format) noexcept {
  const bool known = format >= WireFormat::public_message && format <= WireFormat::key_package;
  REFUSE_IF(!known, Error::wire_format_unknown);  // [CODEC-20]
  return Error::none;
}

Error check(ContentType type) noexcept {
  const bool known = type >= ContentType::application && type <= ContentType::commit;
  REFUSE_IF(!known, Error::content_type_unknown);  // [CODEC-14]
  return Error::none;
}

Error check(SenderType type) noexcept {
  const bool known = type >= SenderType::member && type <= SenderType::new_member_commit;
  REFUSE_IF(!known, Error::sender_type_unknown);  // [CODEC-15]
  return Error::none;
}

Error check_message_version(ProtocolVersion version) noexcept {
  REFUSE_IF(version != ProtocolVersion::mls10, Error::message_version);  // [CODEC-21]
  return Error::none;
}

std::array<std::uint8_t, message_header_size> message_header(WireFormat format) noexcept {
  std::array<std::uint8_t, message_header_size> octets{};
  Writer writer(octets);
  const ProtocolVersion version = ProtocolVersion::mls10;
  static_cast<void>(writer(version, format));  // it fits
  return octets;
}

// ---- what follows from an AuthenticatedContent

namespace {

constexpr std::string_view content_label = "FramedContentTBS";

// An encoding in pieces: content as received between fields of fixed size and vectors.
using Gathered = Gatherer<8, 32>;

Error gather_auth(const AuthenticatedContent& content, Gathered& out) noexcept {
  return code_auth(out, content.auth, content.content.content_type);
}

// Whether FramedContentTBS ends with the GroupContext [FRAME-10, FRAME-11, EXTCOMMIT-22].
bool signs_group_context(const Sender& sender) noexcept {
  return sender.type == SenderType::member || sender.type == SenderType::new_member_commit;
}

// FramedContentTBS = version, wire_format, FramedContent, and maybe the GroupContext [FRAME-12].
Error gather_tbs(WireFormat format, const FramedContent& content, Bytes group_context,
                 Gathered& out) noexcept {
  TRY(out.put(message_header(format), Storage::passing));
  TRY(out.put(content.encoded, Storage::lasting));
  return signs_group_context(content.sender) ? out.put(group_context, Storage::lasting) : Error::none;
}

// AuthenticatedContentTBM = FramedContentTBS, FramedContentAuthData [FRAME-26].
Error gather_tbm(const AuthenticatedContent& content, Bytes group_context, Gathered& out) noexcept {
  TRY(gather_tbs(content.wire_format, content.content, group_context, out));
  return gather_auth(content, out);
}

}  // namespace

Error proposal_ref(Crypto& crypto, const AuthenticatedContent& proposal, Digest& out) noexcept {
  Gathered value;
  TRY(value(proposal.wire_format));  // [CRYPTO-17]
  TRY(value.put(proposal.content.encoded, Storage::lasting));
  TRY(gather_auth(proposal, value));
  return crypto.ref_hash("MLS 1.0 Proposal Reference", value.pieces(), out);  // [CRYPTO-16]
}

Error confirmed_transcript_hash(Crypto& crypto, Bytes interim_before, const AuthenticatedContent& commit,
                                Digest& out) noexcept {
  Gathered input;
  TRY(input(commit.wire_format));
  TRY(input.put(commit.content.encoded, Storage::lasting));  // [KEYSCHED-17]
  TRY(input(commit.auth.signature));
  return confirmed_transcript_hash(crypto, interim_before, input.pieces(), out);
}

// ---- the rules on content

namespace {

Error check_sender(const FramedContent& content) noexcept {
  switch (content.sender.type) {
    case SenderType::member:
      break;
    case SenderType::external:
      REFUSE_IF(content.content_type != ContentType::proposal,
                Error::external_sender_content);  // [FRAME-17]
      break;
    case SenderType::new_member_proposal:
      REFUSE_IF(content.content_type != ContentType::proposal || content.proposal.type != ProposalType::add,
                Error::new_member_proposal_content);  // [FRAME-21]
      break;
    case SenderType::new_member_commit:
      REFUSE_IF(content.content_type != ContentType::commit,
                Error::new_member_commit_content);  // [FRAME-18, EXTCOMMIT-10]
      REFUSE_IF(!content.commit.path.has_value(),
                Error::new_member_commit_without_path);  // [FRAME-20, EXTCOMMIT-06, EXTCOMMIT-07]
      break;
  }
  return Error::none;
}

Error check_size(std::size_t size, const Limits& limits) noexcept {
  REFUSE_IF(size > limits.message_size, Error::message_too_large);  // [FRAME-42]
  return Error::none;
}

}  // namespace

Error check_content(const FramedContent& content, WireFormat format, CustomProposals custom) noexcept {
  // Handshakes may be public [FRAME-04].
  REFUSE_IF(format == WireFormat::public_message && content.content_type == ContentType::application,
            Error::application_in_public_message);  // [FRAME-01, FRAME-02]
  REFUSE_IF(format == WireFormat::private_message && content.sender.type != SenderType::member,
            Error::non_member_in_private_message);  // [FRAME-05, FRAME-46, EXTPROP-01]
  TRY(check_sender(content));
  if (content.content_type == ContentType::proposal) return check_proposal(content.proposal, custom);
  if (content.content_type == ContentType::commit) return check_proposals(content.commit, custom);
  return Error::none;
}

namespace {

Result<Bytes> member_signature_key(LeafIndex leaf, const TreeView& tree) noexcept {
  REFUSE_IF(!tree.size().contains(leaf) || tree.is_blank(leaf),
            Error::sender_not_member);  // [FRAME-15, FRAME-47]
  return tree.signature_key(leaf);
}

Result<Bytes> external_signature_key(std::uint32_t sender_index, const Extensions& extensions) noexcept {
  ExternalSenders senders;
  if (const std::optional<Bytes> data = find_extension(extensions, ExtensionType::external_senders)) {
    REFUSE_IF(decode(*data, senders) != Error::none, Error::extension_malformed);
  }
  REFUSE_IF(sender_index >= senders.count(),
            Error::external_sender_absent);  // [EXTPROP-02, EXTPROP-03, EXTPROP-08]
  for (const ExternalSender& sender : senders) {
    if (sender_index-- == 0) return sender.signature_key;  // [FRAME-16]
  }
  return Bytes();  // only with that refusal switched off
}

}  // namespace

// Of a member its leaf's, whether its credential has expired or not [CRED-14].
Result<Bytes> content_signature_key(const FramedContent& content, const TreeView& tree,
                                    const Extensions& group_extensions) noexcept {
  switch (content.sender.type) {
    case SenderType::member:
      return member_signature_key(content.sender.leaf_index, tree);  // [FRAME-13, FRAME-14, LEAF-39]
    case SenderType::external:
      return external_signature_key(content.sender.sender_index, group_extensions);
    case SenderType::new_member_proposal:
      return content.proposal.add.key_package.leaf_node.signature_key;  // [FRAME-22]
    case SenderType::new_member_commit:
      break;
  }
  const std::optional<UpdatePath>& path = content.commit.path;
  return path.has_value() ? path->leaf_node.signature_key : Bytes();  // [FRAME-19, EXTCOMMIT-09]
}

// ---- where things lie in the room of a message

// While it is signed and verified: SignContent's header; version and wire format; FramedContent;
// GroupContext; FramedContentAuthData. As a PrivateMessage: the header of the message, and where the content
// of the FramedContent lay, PrivateMessageContent and then its ciphertext. As a PublicMessage:
// FramedContentAuthData and membership_tag move up to the FramedContent.
namespace {

constexpr std::size_t max_auth_size =
    2 + Crypto::max_signature_size + 2 + Digest::max_size;  // also more than a tag of MAC or AEAD

// The most that stands before FramedContentTBS when it is signed.
std::size_t header_room() noexcept {
  return sign_content_layout(content_label, max_vector_size).value().content_offset;
}

// The size of a FramedContent's fields before its content.
Result<std::size_t> fields_size(const FramedContent& content) noexcept {
  Sizer sizer;
  TRY(sizer(content.group_id, content.epoch, content.sender, content.authenticated_data,
            content.content_type));
  return sizer.size();
}

Result<std::size_t> content_size(const FramedContent& content) noexcept {
  Sizer sizer;
  TRY(code_content(sizer, content));
  return sizer.size();
}

// The size of a PrivateMessage with its version and wire format, before the bytes of its ciphertext.
Result<std::size_t> private_header_size(const FramedContent& content, std::size_t ciphertext_size,
                                        std::size_t tag_size) noexcept {
  Sizer sizer;
  TRY(sizer(content.group_id, content.epoch, content.content_type, content.authenticated_data));
  TRY(sizer.header(sender_data_size + tag_size));
  TRY(sizer.header(ciphertext_size));
  return message_header_size + sizer.size() + sender_data_size + tag_size;
}

struct Layout {
  std::size_t framed_offset = 0;  // of the FramedContent
  std::size_t framed_size = 0;
  std::size_t content_size = 0;
};

// The FramedContent lies so far behind that either header has room before the content.
Error lay_out(const FramedContent& content, Layout& out) noexcept {
  const Result<std::size_t> fields = fields_size(content);
  TRY(fields.error());
  const Result<std::size_t> own = content_size(content);
  TRY(own.error());
  const Result<std::size_t> header = private_header_size(content, max_vector_size, Crypto::max_tag_size);
  TRY(header.error());
  const std::size_t least = header_room() + message_header_size;
  out.framed_offset = header.value() > least + fields.value() ? header.value() - fields.value() : least;
  out.framed_size = fields.value() + own.value();
  out.content_size = own.value();
  return Error::none;
}

}  // namespace

// Padme, of "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs" (2019): an exponent
// and as many significant bits as the exponent has digits.
std::size_t Padding::octets(std::size_t size) const noexcept {
  std::size_t padded = size;
  if (block > 1) padded = (padded + block - 1) / block * block;
  if (by_magnitude && padded > 1) {
    const auto exponent = static_cast<unsigned>(std::bit_width(padded)) - 1;
    const auto digits = static_cast<unsigned>(std::bit_width(exponent));
    const std::size_t mask = exponent > digits ? (std::size_t{1} << (exponent - digits)) - 1 : 0;
    padded = (padded + mask) & ~mask;
  }
  return padded - size;
}

Result<std::size_t> message_room(const FramedContent& content, Bytes group_context,
                                 const Padding& padding) noexcept {
  Layout layout;
  TRY(lay_out(content, layout));
  const std::size_t at_most = layout.content_size + max_auth_size;
  const std::size_t behind = group_context.size() + 2 * max_auth_size + padding.octets(at_most);
  return layout.framed_offset + layout.framed_size + behind;
}

RatchetType ratchet_of(ContentType type) noexcept {
  return type == ContentType::application ? RatchetType::application : RatchetType::handshake;  // [FRAME-40]
}

// ---- sending

namespace {

Error sign_laid_out(Signer& signer, const AuthenticatedContent& content, Bytes group_context,
                    MutableBytes room, Bytes tbs, Bytes& signature) noexcept {
  const Bytes context = signs_group_context(content.content.sender) ? group_context : Bytes();
  std::array<std::uint8_t, Crypto::max_signature_size> signature_room;
  const Result<Bytes> made = sign_with_label(signer, content_label, {tbs, context}, room, signature_room);
  TRY(made.error());
  const std::size_t end = static_cast<std::size_t>(tbs.data() - room.data()) + tbs.size() + context.size();
  Writer writer(room.subspan(end));
  TRY(writer.opaque(made.value()));
  signature = writer.written().last(made.value().size());
  return Error::none;
}

}  // namespace

Error sign_content(Signer& signer, WireFormat format, const FramedContent& content, Bytes group_context,
                   const Limits& limits, CustomProposals custom, MutableBytes room,
                   AuthenticatedContent& out) noexcept {
  TRY(check_content(content, format, custom));
  Layout layout;
  TRY(lay_out(content, layout));
  TRY(check_size(layout.framed_size, limits));
  if (room.size() < layout.framed_offset + layout.framed_size + group_context.size() + max_auth_size) {
    return Error::output_too_small;
  }
  const std::size_t begin = layout.framed_offset - message_header_size;
  Writer writer(room.subspan(begin));
  TRY(writer.put(message_header(format), Storage::passing));
  TRY(writer(content));
  AuthenticatedContent made{format, content, {}};
  made.content.encoded = writer.written().subspan(message_header_size);
  TRY(sign_laid_out(signer, made, group_context, room, writer.written(), made.auth.signature));
  out = made;
  return Error::none;
}

namespace {

// Where in the room content lies that was signed there; what stands behind it can be written over.
struct Place {
  std::size_t framed_offset, content_offset, end;
  std::array<std::uint8_t, max_auth_size> auth_room;
  std::size_t auth_size;

  Bytes auth() const noexcept { return Bytes(auth_room).first(auth_size); }
};

Error find_place(const AuthenticatedContent& content, WireFormat format, MutableBytes room,
                 Place& out) noexcept {
  REFUSE_IF(content.wire_format != format, Error::wire_format_other);  // [FRAME-12]
  REFUSE_IF(content.content.content_type == ContentType::commit && content.auth.confirmation_tag.empty(),
            Error::confirmation_tag_invalid);
  const Result<std::size_t> fields = fields_size(content.content);
  TRY(fields.error());
  out.framed_offset = static_cast<std::size_t>(content.content.encoded.data() - room.data());
  out.content_offset = out.framed_offset + fields.value();
  out.end = out.framed_offset + content.content.encoded.size();
  Writer writer(out.auth_room);
  TRY(code_auth(writer, content.auth, content.content.content_type));
  out.auth_size = writer.written().size();
  return Error::none;
}

}  // namespace

Result<Bytes> protect(Crypto& crypto, const AuthenticatedContent& content, Bytes group_context,
                      SecretView membership_key, MutableBytes room) noexcept {
  Place place;
  TRY(find_place(content, WireFormat::public_message, room, place));
  const bool is_member = content.content.sender.type == SenderType::member;
  Digest membership_tag;
  if (is_member) {
    Gathered tbm;
    TRY(gather_tbm(content, group_context, tbm));
    TRY(crypto.mac(membership_key, tbm.pieces(), membership_tag));  // [FRAME-26]
  }
  Writer writer(room.subspan(place.end));
  TRY(writer.put(place.auth(), Storage::lasting));
  if (is_member) TRY(writer.opaque(membership_tag));  // [FRAME-27]
  const std::size_t begin = place.framed_offset - message_header_size;
  return Bytes(room).subspan(begin, place.end + writer.written().size() - begin);
}

namespace {

// The header of a PrivateMessage, which ends where its ciphertext begins.
struct PrivateHeader {
  std::size_t size;
  Bytes sender_data_aad, content_aad;
  MutableBytes encrypted_sender_data;
};

Error write_private_header(const FramedContent& content, std::size_t ciphertext_size, std::size_t tag_size,
                           MutableBytes before_ciphertext, PrivateHeader& out) noexcept {
  const Result<std::size_t> size = private_header_size(content, ciphertext_size, tag_size);
  TRY(size.error());
  out.size = size.value();
  Writer writer(before_ciphertext.last(out.size));
  TRY(writer.put(message_header(WireFormat::private_message), Storage::passing));
  TRY(writer(content.group_id, content.epoch, content.content_type));
  out.sender_data_aad = writer.written().subspan(message_header_size);
  TRY(writer(content.authenticated_data));
  out.content_aad = writer.written().subspan(message_header_size);
  TRY(writer.opaque_room(sender_data_size + tag_size, out.encrypted_sender_data));
  return writer.header(ciphertext_size);
}

Error seal_sender_data(Crypto& crypto, const SenderData& sender_data, SecretView sender_data_secret,
                       Bytes ciphertext, const PrivateHeader& header) noexcept {
  std::array<std::uint8_t, sender_data_size> octets;
  TRY(encode(sender_data, octets).error());  // [FRAME-37]
  Secret key, nonce;
  TRY(derive_sender_data_key(crypto, sender_data_secret, ciphertext, key, nonce));  // [FRAME-43, FRAME-44]
  return crypto.seal(key, nonce, header.sender_data_aad, octets, header.encrypted_sender_data);
}

}  // namespace

Result<Bytes> seal(Crypto& crypto, const AuthenticatedContent& content, const MessageKey& key,
                   SecretView sender_data_secret, const Padding& padding, const Limits& limits,
                   MutableBytes room) noexcept {
  Place place;
  TRY(find_place(content, WireFormat::private_message, room, place));
  const std::size_t authenticated = place.end - place.content_offset + place.auth_size;
  const std::size_t padded = authenticated + padding.octets(authenticated);
  const std::size_t sealed_size = padded + crypto.suite().tag_size;
  TRY(check_size(sealed_size + content.content.authenticated_data.size(), limits));
  if (room.size() - place.content_offset < sealed_size) return Error::output_too_small;

  SenderData sender_data = {content.content.sender.leaf_index, key.generation, {}};
  TRY(crypto.random(sender_data.reuse_guard));  // [FRAME-36]
  Secret nonce;
  TRY(crypto.guard_nonce(key.nonce, sender_data.reuse_guard, nonce));
  PrivateHeader header;
  TRY(write_private_header(content.content, sealed_size, crypto.suite().tag_size,
                           room.first(place.content_offset), header));
  const MutableBytes sealed = room.subspan(place.content_offset, sealed_size);
  std::memcpy(room.data() + place.end, place.auth_room.data(), place.auth_size);
  std::memset(sealed.data() + authenticated, 0, padded - authenticated);  // [PAD-01, PAD-05]
  TRY(crypto.seal(key.key, nonce, header.content_aad, sealed.first(padded), sealed));
  TRY(seal_sender_data(crypto, sender_data, sender_data_secret, sealed, header));
  return Bytes(room).subspan(place.content_offset - header.size, header.size + sealed_size);
}

// ---- receiving

namespace {

Error check_epoch(const MessageEpoch& epoch, Bytes group_id, std::uint64_t number) noexcept {
  REFUSE_IF(!equal(group_id, epoch.context.group_id),
            Error::group_id_mismatch);  // [FRAME-07, EXTPROP-09, APP-03]
  REFUSE_IF(number < epoch.context.epoch,
            Error::epoch_past);  // [FRAME-08, FRAME-09, EXTPROP-09, EXTCOMMIT-26]
  REFUSE_IF(number > epoch.context.epoch, Error::epoch_future);  // [APP-03]
  return Error::none;
}

Error verify_content(Crypto& crypto, Bytes signature_key, Pieces tbs, Bytes signature,
                     MutableBytes room) noexcept {
  const Error error = verify_with_label(crypto, signature_key, content_label, tbs, signature, room);
  return error == Error::signature_invalid ? Error::message_signature_invalid
                                           : error;  // [FRAME-14, FRAME-23, FRAME-34]
}

Error check_membership_tag(Crypto& crypto, const MessageEpoch& epoch, const AuthenticatedContent& content,
                           Bytes tag) noexcept {
  Gathered tbm;
  TRY(gather_tbm(content, epoch.group_context, tbm));
  const Error error = crypto.check_mac(epoch.membership_key, tbm.pieces(), tag);
  return error == Error::mac_mismatch ? Error::membership_tag_invalid
                                      : error;  // [FRAME-28, FRAME-29, FRAME-54]
}

}  // namespace

std::size_t unprotect_room(const PublicMessage& message, const MessageEpoch& epoch) noexcept {
  return header_room() + message_header_size + message.content.encoded.size() + epoch.group_context.size();
}

namespace {

Error unprotect(Crypto& crypto, const MessageEpoch& epoch, const PublicMessage& message, bool with_tag,
                MutableBytes room, AuthenticatedContent& out) noexcept {
  const FramedContent& content = message.content;
  TRY(check_size(content.encoded.size(), epoch.limits));
  TRY(check_epoch(epoch, content.group_id, content.epoch));
  TRY(check_content(content, WireFormat::public_message, epoch.custom_proposals));
  const Result<Bytes> signature_key = content_signature_key(content, epoch.tree, epoch.context.extensions);
  TRY(signature_key.error());
  const AuthenticatedContent received{WireFormat::public_message, content, message.auth};
  if (with_tag && content.sender.type == SenderType::member) {
    TRY(check_membership_tag(crypto, epoch, received, message.membership_tag));
  }
  Gathered tbs;
  TRY(gather_tbs(received.wire_format, content, epoch.group_context, tbs));
  TRY(verify_content(crypto, signature_key.value(), tbs.pieces(), message.auth.signature, room));
  out = received;
  return Error::none;
}

}  // namespace

Error unprotect(Crypto& crypto, const MessageEpoch& epoch, const PublicMessage& message, MutableBytes room,
                AuthenticatedContent& out) noexcept {
  return unprotect(crypto, epoch, message, true, room, out);
}

Error verify_public_message(Crypto& crypto, const MessageEpoch& epoch, const PublicMessage& message,
                            MutableBytes room, AuthenticatedContent& out) noexcept {
  return unprotect(crypto, epoch, message, false, room, out);
}

namespace {

Error open_sender_data(Crypto& crypto, const PrivateMessage& message, SecretView sender_data_secret,
                       SenderData& out) noexcept {
  REFUSE_IF(message.encrypted_sender_data.size() != sender_data_size + crypto.suite().tag_size,
            Error::sender_data_length);  // [FRAME-49]
  Secret key, nonce;
  TRY(derive_sender_data_key(crypto, sender_data_secret, message.ciphertext, key, nonce));
  std::array<std::uint8_t, sender_data_size> octets;
  const Error error = crypto.open(key, nonce, message.sender_data_aad, message.encrypted_sender_data, octets);
  if (error == Error::not_authentic) return Error::sender_data_not_authentic;  // [FRAME-48]
  TRY(error);
  return decode(Bytes(octets), out);
}

Error check_padding(Bytes padding) noexcept {
  std::uint8_t any = 0;
  for (const std::uint8_t octet : padding) any = static_cast<std::uint8_t>(any | octet);
  REFUSE_IF(any != 0, Error::padding_not_zero);  // [PAD-02, PAD-03, PAD-04]
  return Error::none;
}

// Opens PrivateMessageContent behind the fields that FramedContentTBS has before it, which are those of the
// message [FRAME-35] and of its SenderData [FRAME-51]. Gives all of it, version and wire format included.
Error open_content(Crypto& crypto, const PrivateMessage& message, const SenderData& sender_data,
                   const MessageKey& key, MutableBytes room, MutableBytes& out) noexcept {
  Writer writer(room);
  const Sender sender = {SenderType::member, sender_data.leaf_index, 0};
  TRY(writer.put(message_header(WireFormat::private_message), Storage::passing));
  TRY(writer(message.group_id, message.epoch, sender, message.authenticated_data, message.content_type));
  const std::size_t fields = writer.written().size();
  Secret nonce;
  TRY(crypto.guard_nonce(key.nonce, sender_data.reuse_guard, nonce));  // [FRAME-38]
  const Error error =
      crypto.open(key.key, nonce, message.content_aad, message.ciphertext, room.subspan(fields));
  if (error == Error::not_authentic) return Error::content_not_authentic;  // [FRAME-33, FRAME-41]
  TRY(error);
  out = room.first(fields + message.ciphertext.size() - crypto.suite().tag_size);
  return Error::none;
}

// Reads what was opened, and makes room for the GroupContext behind the FramedContent.
Error read_content(MutableBytes opened, std::size_t group_context_size, MutableBytes room,
                   AuthenticatedContent& out) noexcept {
  Reader reader(Bytes(opened).subspan(message_header_size));
  TRY(reader(out.content));
  const Bytes behind = reader.rest();
  TRY(code_auth(reader, out.auth, out.content.content_type));
  TRY(check_padding(reader.rest()));
  const std::size_t auth_size = behind.size() - reader.rest().size();
  const std::size_t end = message_header_size + out.content.encoded.size();
  const MutableBytes moved = room.subspan(end + group_context_size, auth_size);
  std::memmove(moved.data(), behind.data(), auth_size);
  Reader again{Bytes(moved)};
  return code_auth(again, out.auth, out.content.content_type);
}

}  // namespace

std::size_t open_room(const PrivateMessage& message, const MessageEpoch& epoch) noexcept {
  constexpr std::size_t sender = 1 + 4;
  return header_room() + message_header_size + message.content_aad.size() + sender +
         message.ciphertext.size() + epoch.group_context.size();
}

namespace {

Error open_and_verify(Crypto& crypto, const MessageEpoch& epoch, const PrivateMessage& message,
                      const SenderData& sender_data, const MessageKey& key, Bytes signature_key,
                      MutableBytes room, AuthenticatedContent& out) noexcept {
  const MutableBytes behind_header = room.subspan(header_room());
  MutableBytes opened;
  TRY(open_content(crypto, message, sender_data, key, behind_header, opened));
  TRY(read_content(opened, epoch.group_context.size(), behind_header, out));
  out.wire_format = WireFormat::private_message;
  TRY(check_content(out.content, out.wire_format, epoch.custom_proposals));
  const Bytes tbs = Bytes(behind_header).first(message_header_size + out.content.encoded.size());
  return verify_content(crypto, signature_key, {tbs, epoch.group_context}, out.auth.signature, room);
}

}  // namespace

Error open(Crypto& crypto, const MessageEpoch& epoch, SecretTree& secret_tree, const PrivateMessage& message,
           MutableBytes room, PeekedKey& key, AuthenticatedContent& out) noexcept {
  TRY(check_size(message.ciphertext.size() + message.authenticated_data.size(), epoch.limits));
  TRY(check_epoch(epoch, message.group_id, message.epoch));
  if (room.size() < open_room(message, epoch)) return Error::output_too_small;
  SenderData sender_data;
  TRY(open_sender_data(crypto, message, epoch.sender_data_secret, sender_data));
  const Result<Bytes> signature_key = member_signature_key(sender_data.leaf_index, epoch.tree);
  TRY(signature_key.error());
  TRY(secret_tree.peek(crypto, sender_data.leaf_index, ratchet_of(message.content_type),
                       sender_data.generation, key));
  AuthenticatedContent opened;
  const Error error = open_and_verify(crypto, epoch, message, sender_data, key.message_key(),
                                      signature_key.value(), room, opened);
  if (error != Error::none) {  // the key is still there for the genuine message [FRAME-50, PRIV-06]
    secret_tree.drop(key);
    wipe(room.data(), room.size());
    return error;
  }
  out = opened;
  return Error::none;
}

}  // namespace tacet
