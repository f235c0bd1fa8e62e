#pragma once

// Message framing (RFC 9420, 6): FramedContent and its signature, PublicMessage, PrivateMessage, MLSMessage.
//
// The order of things. Sending: sign_content(); for a Commit the caller sets the confirmation_tag that
// follows from it; then protect() or seal(), in the same room. Receiving: decode an MlsMessage; unprotect()
// or open(); whoever calls open() adopts the message key when the message has been taken, or drops it. A room
// is where a message is worked on: after an error nothing in it means anything, and what did not authenticate
// is wiped.

#include "proposal.h"
#include "secret_tree.h"
#include "welcome.h"

namespace tacet {

enum class WireFormat : std::uint16_t {  // [CODEC-26]
  public_message = 0x0001,
  private_message = 0x0002,
  welcome = 0x0003,
  group_info = 0x0004,
  key_package = 0x0005,
};
enum class ContentType : std::uint8_t { application = 1, proposal = 2, commit = 3 };
enum class SenderType : std::uint8_t {
  member = 1,
  external = 2,
  new_member_proposal = 3,
  new_member_commit = 4,
};
Error check(WireFormat format) noexcept;  // Error::wire_format_unknown
Error check(ContentType type) noexcept;   // Error::content_type_unknown
Error check(SenderType type) noexcept;    // Error::sender_type_unknown

struct Sender {
  SenderType type = SenderType::member;
  LeafIndex leaf_index;            // member
  std::uint32_t sender_index = 0;  // external: its place in external_senders
};

template <class Coder, Fields<Sender> E>
Error code(Coder& coder, E& e) noexcept {  // [FRAME-06]
  TRY(coder(e.type));
  if (e.type == SenderType::member) return coder(e.leaf_index);
  if (e.type == SenderType::external) return coder(e.sender_index);
  return Error::none;
}

// What a message carries, with the content of its type.
struct FramedContent {
  Bytes group_id;
  std::uint64_t epoch = 0;
  Sender sender;
  Bytes authenticated_data;
  ContentType content_type = ContentType::application;
  Bytes application_data;  // application
  Proposal proposal;       // proposal
  Commit commit;           // commit

  Bytes encoded;  // of a decoded FramedContent: all of it, as received
};

// The content alone, as FramedContent and PrivateMessageContent have it.
template <class Coder, Fields<FramedContent> E>
Error code_content(Coder& coder, E& e) noexcept {
  if (e.content_type == ContentType::application) return coder(e.application_data);
  if (e.content_type == ContentType::proposal) return coder(e.proposal);
  return coder(e.commit);
}

template <class Coder, Fields<FramedContent> E>
Error code(Coder& coder, E& e) noexcept {
  return code_as_received(coder, e.encoded, [&]() noexcept {
    TRY(coder(e.group_id, e.epoch, e.sender, e.authenticated_data, e.content_type));
    return code_content(coder, e);
  });
}

struct FramedContentAuthData {
  Bytes signature;
  Bytes confirmation_tag;  // of a Commit
};

template <class Coder, Fields<FramedContentAuthData> E>
Error code_auth(Coder& coder, E& e, ContentType type) noexcept {
  TRY(coder(e.signature));
  return type == ContentType::commit ? coder(e.confirmation_tag) : Error::none;  // [FRAME-52, FRAME-53]
}

// What a message is to those who have it, whichever way it came.
struct AuthenticatedContent {
  WireFormat wire_format = WireFormat::private_message;
  FramedContent content;
  FramedContentAuthData auth;
};

template <class Coder, Fields<AuthenticatedContent> E>
Error code(Coder& coder, E& e) noexcept {
  TRY(coder(e.wire_format, e.content));
  return code_auth(coder, e.auth, e.content.content_type);
}

// RFC 9420, 6.2.
struct PublicMessage {
  FramedContent content;
  FramedContentAuthData auth;
  Bytes membership_tag;  // of a member
};

template <class Coder, Fields<PublicMessage> E>
Error code(Coder& coder, E& e) noexcept {
  TRY(coder(e.content));
  TRY(code_auth(coder, e.auth, e.content.content_type));
  const bool has_tag = e.content.sender.type == SenderType::member;  // [FRAME-27, FRAME-30]
  return has_tag ? coder(e.membership_tag) : Error::none;
}

// RFC 9420, 6.3.
struct PrivateMessage {
  Bytes group_id;
  std::uint64_t epoch = 0;
  ContentType content_type = ContentType::application;
  Bytes authenticated_data;
  Bytes encrypted_sender_data;
  Bytes ciphertext;

  Bytes sender_data_aad;  // of a decoded PrivateMessage: SenderDataAAD, which it begins with
  Bytes content_aad;      // of a decoded PrivateMessage: PrivateContentAAD, likewise
};

template <class Coder, Fields<PrivateMessage> E>
Error code(Coder& coder, E& e) noexcept {  // [FRAME-31]
  const auto sender_data_aad = [&]() noexcept {
    return coder(e.group_id, e.epoch, e.content_type);  // [FRAME-45]
  };
  const auto content_aad = [&]() noexcept -> Error {
    TRY(code_as_received(coder, e.sender_data_aad, sender_data_aad));
    return coder(e.authenticated_data);  // [FRAME-32]
  };
  TRY(code_as_received(coder, e.content_aad, content_aad));
  return coder(e.encrypted_sender_data, e.ciphertext);
}

struct SenderData {
  LeafIndex leaf_index;
  std::uint32_t generation = 0;
  ReuseGuard reuse_guard{};
};

template <class Coder, Fields<SenderData> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.leaf_index, e.generation, e.reuse_guard);
}

inline constexpr std::size_t sender_data_size = 4 + 4 + 4;

// What goes over the wire, as message/mls. Only version 1.0 can be read: another may have other fields
// [APP-06].
struct MlsMessage {
  ProtocolVersion version = ProtocolVersion::mls10;
  WireFormat wire_format = WireFormat::private_message;
  PublicMessage public_message;
  PrivateMessage private_message;
  Welcome welcome;
  GroupInfo group_info;
  KeyPackage key_package;
};

Error check_message_version(ProtocolVersion version) noexcept;  // Error::message_version

template <class Coder, Fields<MlsMessage> E>
Error code(Coder& coder, E& e) noexcept {
  TRY(coder(e.version));
  TRY(check_message_version(e.version));
  TRY(coder(e.wire_format));
  switch (e.wire_format) {  // [CODEC-27]
    case WireFormat::public_message:
      return coder(e.public_message);
    case WireFormat::private_message:
      return coder(e.private_message);
    case WireFormat::welcome:
      return coder(e.welcome);
    case WireFormat::group_info:
      return coder(e.group_info);
    case WireFormat::key_package:
      return coder(e.key_package);
  }
  return Error::none;  // only with that refusal switched off
}

// Version and wire format, which go before a Welcome, a GroupInfo or a KeyPackage that is encoded already.
inline constexpr std::size_t message_header_size = 4;
std::array<std::uint8_t, message_header_size> message_header(WireFormat format) noexcept;

// What an epoch lends to its messages. All of it outlives the call.
struct MessageEpoch {
  const GroupContext& context;
  Bytes group_context;  // the same, encoded
  const TreeView& tree;
  SecretView membership_key;
  SecretView sender_data_secret;
  CustomProposals custom_proposals;
  const Limits& limits;
};

// ---- what follows from an AuthenticatedContent that was decoded, signed, unprotected or opened

// The ProposalRef of a proposal (RFC 9420, 5.2).
Error proposal_ref(Crypto& crypto, const AuthenticatedContent& proposal, Digest& out) noexcept;

// The confirmed transcript hash after a Commit; its confirmation_tag is not in it (RFC 9420, 8.2).
Error confirmed_transcript_hash(Crypto& crypto, Bytes interim_before, const AuthenticatedContent& commit,
                                Digest& out) noexcept;

// ---- sending

// How far messages are padded, so that their length tells less of what they hold (RFC 9420, 15.1).
struct Padding {
  // To a multiple of `block` bytes; none if it is 0 or 1.
  std::uint32_t block = 32;
  // Large ones further, to a size that has few significant bits: so that there are few sizes, at a cost of at
  // most 12 percent.
  bool by_magnitude = true;

  // The number of zero bytes that go behind `size` bytes of content and authentication.
  std::size_t octets(std::size_t size) const noexcept;
};

// The room in which a message is made, whatever its wire format. Error::vector_too_long.
Result<std::size_t> message_room(const FramedContent& content, Bytes group_context,
                                 const Padding& padding) noexcept;

// Lays content out in `room` and signs it; `out` views the room. The GroupContext is signed with it if the
// sender is a member or joins by a Commit. A Commit still needs its confirmation_tag in out.auth. What a
// receiver would refuse is not signed: errors of check_content, and message_too_large, output_too_small,
// vector_too_long, those of the signer.
Error sign_content(Signer& signer, WireFormat format, const FramedContent& content, Bytes group_context,
                   const Limits& limits, CustomProposals custom, MutableBytes room,
                   AuthenticatedContent& out) noexcept;

// Makes the signed content that lies in `room` a message, an MlsMessage that is a part of the room; `content`
// is then used up. A PublicMessage, with a membership_tag if the sender is a member. Errors:
// wire_format_other, confirmation_tag_invalid if a Commit has none, output_too_small.
Result<Bytes> protect(Crypto& crypto, const AuthenticatedContent& content, Bytes group_context,
                      SecretView membership_key, MutableBytes room) noexcept;

// The same for a PrivateMessage, under the sender's next key of the ratchet of its content. Errors: as above,
// message_too_large, random_failed.
Result<Bytes> seal(Crypto& crypto, const AuthenticatedContent& content, const MessageKey& key,
                   SecretView sender_data_secret, const Padding& padding, const Limits& limits,
                   MutableBytes room) noexcept;

// The ratchet that protects content of a type.
RatchetType ratchet_of(ContentType type) noexcept;

// ---- receiving

// The rules on content by itself: which content may come from whom, in which wire format, and those of
// check_proposal. Errors: application_in_public_message, non_member_in_private_message,
// external_sender_content, new_member_commit_content, new_member_commit_without_path,
// new_member_proposal_content; those of check_proposal.
Error check_content(const FramedContent& content, WireFormat format, CustomProposals custom) noexcept;

// The key by which content has to be signed, which depends on its sender (RFC 9420, 6.1).
// Errors: sender_not_member, external_sender_absent, extension_malformed.
Result<Bytes> content_signature_key(const FramedContent& content, const TreeView& tree,
                                    const Extensions& group_extensions) noexcept;

// The room in which the signature of a PublicMessage is verified.
std::size_t unprotect_room(const PublicMessage& message, const MessageEpoch& epoch) noexcept;

// A received PublicMessage: `out` views the message. Errors: message_too_large, group_id_mismatch,
// epoch_past, epoch_future, membership_tag_invalid, message_signature_invalid, output_too_small; those of
// check_content and content_signature_key.
Error unprotect(Crypto& crypto, const MessageEpoch& epoch, const PublicMessage& message, MutableBytes room,
                AuthenticatedContent& out) noexcept;

// The same for who follows a group without its secrets: the membership_tag is not looked at. Errors: as
// above.
Error verify_public_message(Crypto& crypto, const MessageEpoch& epoch, const PublicMessage& message,
                            MutableBytes room, AuthenticatedContent& out) noexcept;

// The room in which a PrivateMessage is opened and verified.
std::size_t open_room(const PrivateMessage& message, const MessageEpoch& epoch) noexcept;

// A received PrivateMessage: `out` views the room. Nothing has changed until the caller adopts `key`. Errors:
// message_too_large, group_id_mismatch, epoch_past, epoch_future, sender_data_length,
// sender_data_not_authentic, sender_not_member, content_not_authentic, padding_not_zero,
// message_signature_invalid, output_too_small; those of check_content, of SecretTree::peek and of a Reader.
Error open(Crypto& crypto, const MessageEpoch& epoch, SecretTree& secret_tree, const PrivateMessage& message,
           MutableBytes room, PeekedKey& key, AuthenticatedContent& out) noexcept;

}  // namespace tacet
