#pragma once

// The builder: makes any message of RFC 9420, sections 6 and 12.4.3, honest or deviating at exactly one step.
// What is made from the changed part fits it: it is signed, tagged and encrypted like the rest. So a message
// is perfect but for the one rule that the deviation breaks:
//
//     builder.public_message(content, {Step::membership_tag, inside(shortened())})
//
// It shares nothing with what protocol/ does to messages but the primitives and the encoding of fields.

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "protocol/framing.h"

namespace tacet::adversary {

using Octets = std::vector<std::uint8_t>;

// The parts of messages, each with its length header if it is a vector, in the order in which they are made.
enum class Step : std::uint8_t {
  // keys and secrets, raw
  signing_key,
  membership_key,
  message_key,
  message_nonce,
  sender_data_secret,

  // FramedContent, wherever it is used
  group_id,
  epoch,
  sender,
  authenticated_data,
  content_type,
  content,

  // FramedContentTBS alone
  signed_version,
  signed_wire_format,
  signed_group_id,
  signed_epoch,
  signed_sender,
  signed_authenticated_data,
  signed_content,
  signed_group_context,

  // FramedContentAuthData
  signature,
  confirmation_tag,  // nothing at all unless it is a Commit

  // PublicMessage
  tagged_content,  // AuthenticatedContentTBM
  membership_tag,  // nothing at all unless the sender is a member

  // PrivateMessage: first as it is sealed
  padding,
  private_message_content,
  content_aad,
  ciphertext,
  sender_data,
  sender_data_aad,
  encrypted_sender_data,
  // then the header that is sent; the additional data of the sender data follow from it
  sent_group_id,
  sent_epoch,
  sent_content_type,
  sent_authenticated_data,

  // GroupInfo
  group_context,
  group_info_extensions,
  group_info_confirmation_tag,
  signer,
  signed_group_info,  // GroupInfoTBS
  group_info,

  // Welcome
  welcome_secret,
  encrypted_group_info,
  joiner_secret,
  path_secret,  // the optional
  psks,
  group_secrets,
  welcome_context,  // of the encryption to each joiner
  init_key,
  new_member,
  encrypted_group_secrets,  // an HPKECiphertext
  secrets,
  welcome_suite,

  // MLSMessage
  version,
  wire_format,
  message,
};

// What becomes of a part.
using Change = std::function<Octets(Octets)>;

Change flipped();                                       // the last bit of the last byte
Change flipped(std::size_t bit);                        // counted from the first bit of the first byte
Change shortened();                                     // without the last byte
Change extended(Octets by = {0});                       // with bytes behind it
Change left_out();                                      // nothing in its place
Change replaced_by(Octets octets);                      // something else
Change replaced_at(std::size_t offset, Octets octets);  // as many bytes, from there on
Change inside(Change change);  // the content of a vector is changed, its header made to fit

struct Deviation {
  Step step;
  Change change;
};
using Deviates = std::optional<Deviation>;

// The encoding of fields, as they stand.
template <class... Field>
Octets encoded(const Field&... fields) {
  Sizer sizer;
  if (sizer(fields...) != Error::none) throw std::length_error("a vector over 2^30 bytes");
  Octets out(sizer.size());
  Writer writer(out);
  static_cast<void>(writer(fields...));
  return out;
}
// opaque<V>.
Octets vector_of(Bytes content);

// What is framed. `content` is encoded: the application_data<V>, the Proposal or the Commit.
struct Framed {
  Octets group_id;
  std::uint64_t epoch = 0;
  Sender sender;
  Octets authenticated_data;
  ContentType content_type = ContentType::application;
  Octets content;
};

// What whoever makes a message has: a member has all of it, an outsider less.
struct Means {
  Octets group_context;  // encoded
  Octets signing_key;    // as Crypto::sign takes it
  Octets membership_key;
  Octets sender_data_secret;
  // Of a Commit, from its wire format, FramedContent and signature<V>: the confirmation_tag.
  std::function<Octets(Bytes)> confirm;
};

// The key of one message, in the open.
struct OpenMessageKey {
  Octets key, nonce;
  std::uint32_t generation = 0;
};

struct NewMember {
  Octets key_package_ref, init_key;
  std::optional<Octets> path_secret;
};

struct Invitation {
  GroupInfo group_info;  // but for its signature
  Octets welcome_secret, joiner_secret;
  Octets psks;  // the list, without header
  std::vector<NewMember> joiners;
};

// Each gives an MLSMessage. Throws std::logic_error if the deviation is at a step that the message does not
// have, or changes nothing: then the test that asked for it would show nothing.
class Builder {
 public:
  Builder(Crypto& crypto, Means means) : crypto_(crypto), means_(std::move(means)) {}

  Octets public_message(const Framed& framed, const Deviates& deviates = {});
  Octets private_message(const Framed& framed, const OpenMessageKey& key, std::size_t padding,
                         const Deviates& deviates = {});
  Octets group_info(const GroupInfo& fields, const Deviates& deviates = {});
  Octets welcome(const Invitation& invitation, const Deviates& deviates = {});

 private:
  Crypto& crypto_;
  Means means_;
};

}  // namespace tacet::adversary
