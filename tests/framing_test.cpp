#include "protocol/framing.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "messages.h"

namespace tacet {
namespace {

constexpr auto in_public = WireFormat::public_message;
constexpr auto in_private = WireFormat::private_message;

class FramingTest : public MessageTest {
 protected:
  // Content as it is handed to sign_content.
  FramedContent fields_of(const Framed& framed) {
    encoded_fields = adversary::vector_of(framed.group_id) + encoded(framed.epoch) + encoded(framed.sender) +
                     adversary::vector_of(framed.authenticated_data) + encoded(framed.content_type) +
                     framed.content;
    FramedContent fields;
    EXPECT_EQ(decode(encoded_fields, fields), Error::none);
    return fields;
  }
  // The confirmation_tag of what was signed, if it is a Commit.
  void confirm(AuthenticatedContent& content) {
    if (content.content.content_type != ContentType::commit) return;
    Digest hash, tag;
    ASSERT_EQ(confirmed_transcript_hash(crypto, interim, content, hash), Error::none);
    ASSERT_EQ(tacet::confirmation_tag(crypto, view(confirmation_key), hash, tag), Error::none);
    tag_room = octets_of(tag);
    content.auth.confirmation_tag = tag_room;
  }
  static Octets octets_of(Bytes bytes) { return model::octets(bytes); }

  // As an endpoint sends it.
  Result<Bytes> send(WireFormat format, const Framed& framed, const LeafModel& who, Padding padding = {}) {
    const FramedContent fields = fields_of(framed);
    made.assign(message_room(fields, group_context, padding).value(), 0xbb);
    KeySigner signer(crypto, view(who.private_key));
    AuthenticatedContent content;
    TRY(sign_content(signer, format, fields, group_context, limits, custom, made, content));
    confirm(content);
    if (format == in_public) return protect(crypto, content, group_context, view(membership_key), made);
    MessageKey key;
    TRY(sending.next(crypto, framed.sender.leaf_index, ratchet_of(framed.content_type), key));
    return seal(crypto, content, key, view(sender_data_secret), padding, limits, made);
  }
  Result<Bytes> send(WireFormat format, const Framed& framed, Padding padding = {}) {
    return send(format, framed, leaves.at(framed.sender.leaf_index.value), padding);
  }

  // Everything that a member may send in a format, by its name.
  std::map<std::string, Framed> contents(WireFormat format) {
    LeafModel update = new_leaf();
    update.source = 2;
    const Octets psk = model::number(4, 2) + Octets{1} + model::vector("psk id") + model::vector("nonce");
    std::map<std::string, Framed> all;
    const auto proposal = [&](const char* name, const Octets& body) {
      all[name] = framed(ContentType::proposal, body);
    };
    proposal("add", add());
    proposal("update", model::number(2, 2) + update.encoding());
    proposal("remove", remove());
    proposal("psk", psk);
    proposal("resumption psk", model::number(4, 2) + Octets{2, 1} + model::vector("group") +
                                   model::number(3, 8) + model::vector("nonce"));
    proposal("reinit", model::number(5, 2) + model::vector("next") + model::number(1, 2) +
                           model::number(3, 2) + model::vector(group_extensions));
    proposal("external init", model::number(6, 2) + model::vector("kem output"));
    proposal("group context extensions", model::number(7, 2) + model::vector(group_extensions));
    all["commit"] = framed(ContentType::commit, commit(by_value(add()) + Octets{2} + model::vector("ref")));
    all["commit with path"] = framed(ContentType::commit, commit({}, new_leaf()));
    if (format == in_private) all["application"] = framed(ContentType::application, application());
    return all;
  }

  Octets encoded_fields, made, tag_room;
};

// ---- both directions

TEST_F(FramingTest, EachContentGoesThroughInBothFormatsAsTheBuilderMakesIt) {
  for (const WireFormat format : {in_public, in_private}) {
    for (const auto& [name, content] : contents(format)) {
      SCOPED_TRACE(name);
      const RatchetType ratchet = ratchet_of(content.content_type);
      // The same reuse guard on both sides.
      adversary::SeededRandom first{99}, second{99};
      Sodium ours(first), theirs(second);
      const FramedContent fields = fields_of(content);
      made.assign(message_room(fields, group_context, {}).value(), 0xbb);
      KeySigner signer(crypto, view(leaves.at(sender).private_key));
      AuthenticatedContent signed_content;
      ASSERT_EQ(sign_content(signer, format, fields, group_context, limits, custom, made, signed_content),
                Error::none);
      confirm(signed_content);
      Builder builder(theirs, means(sender));
      Octets expected;
      Result<Bytes> sent = Error::none;
      if (format == in_public) {
        sent = protect(ours, signed_content, group_context, view(membership_key), made);
        expected = builder.public_message(content);
      } else {
        MessageKey key;
        ASSERT_EQ(sending.next(crypto, {sender}, ratchet, key), Error::none);
        sent = seal(ours, signed_content, key, view(sender_data_secret), {0, false}, limits, made);
        expected = builder.private_message(content, next_key(content), 0);
      }
      ASSERT_TRUE(sent.ok());
      EXPECT_EQ(octets_of(sent.value()), expected);
      ASSERT_EQ(receive(octets_of(sent.value())), Error::none);
      EXPECT_EQ(octets_of(accepted.content.encoded), encoded_fields);
      EXPECT_EQ(accepted.wire_format, format);
      EXPECT_EQ(accepted.auth.confirmation_tag.empty(), content.content_type != ContentType::commit);
      EXPECT_EQ(encoded(accepted.content), encoded_fields);
    }
  }
  shows("FRAME-04, FRAME-06, FRAME-10, FRAME-13, FRAME-24, FRAME-26, FRAME-27, FRAME-31, FRAME-32, FRAME-37");
  shows("FRAME-38, FRAME-40, FRAME-43, FRAME-45, PROP-03, COMMIT-01, REINIT-01");
}

TEST_F(FramingTest, OutsidersSendWithoutMembershipTagAndTheirContextIsTheStructs) {
  key_package.leaf = new_leaf();
  const LeafModel joiner = new_leaf();
  const std::vector<std::tuple<Framed, LeafModel>> messages = {
      {framed(ContentType::proposal, remove(), from(SenderType::external, 1)), external[1]},
      {framed(ContentType::proposal, add(), from(SenderType::new_member_proposal)), key_package.leaf},
      {framed(ContentType::commit, commit({}, joiner), from(SenderType::new_member_commit)), joiner}};
  for (const auto& [content, who] : messages) {
    Builder builder(crypto, means(who));
    const Octets expected = builder.public_message(content);
    const Result<Bytes> sent = send(in_public, content, who);
    ASSERT_TRUE(sent.ok());
    EXPECT_EQ(octets_of(sent.value()), expected);
    EXPECT_EQ(receive(expected), Error::none);
    MlsMessage decoded;
    ASSERT_EQ(decode(expected, decoded), Error::none);
    EXPECT_TRUE(decoded.public_message.membership_tag.empty());
    // The GroupContext is signed by the one who joins by a Commit, and by nobody else outside.
    const bool commits = content.sender.type == SenderType::new_member_commit;
    const Octets other = commits ? Octets() : group_context;
    const Octets bad = builder.public_message(content, {{Step::signed_group_context, replaced_by(other)}});
    refused("", Error::message_signature_invalid, bad, expected);
  }
  shows("FRAME-06, FRAME-10, FRAME-11, FRAME-27, EXTCOMMIT-22, FRAME-16, FRAME-19, FRAME-22");
}

TEST_F(FramingTest, NonMembersAndApplicationDataHaveOneFormatEach) {
  EXPECT_EQ(send(in_public, framed(ContentType::application, application())).error(),
            Error::application_in_public_message);
  const std::vector<std::tuple<Framed, LeafModel>> outsiders = {
      {framed(ContentType::proposal, remove(), from(SenderType::external, 1)), external[1]},
      {framed(ContentType::proposal, add(), from(SenderType::new_member_proposal)), key_package.leaf},
      {framed(ContentType::commit, commit({}, new_leaf()), from(SenderType::new_member_commit)), new_leaf()}};
  for (const auto& [content, who] : outsiders) {
    const Error seen = send(in_private, content, who).error();
    evidence::refused("FRAME-46", Error::non_member_in_private_message, seen);
  }
  const Framed without_path =
      framed(ContentType::commit, commit(by_value(remove())), from(SenderType::new_member_commit));
  EXPECT_EQ(send(in_public, without_path, external[0]).error(), Error::new_member_commit_without_path);
  shows("FRAME-01, FRAME-05, EXTPROP-01, EXTCOMMIT-06");
}

// ---- what follows from a message

TEST_F(FramingTest, AReferenceIsThatOfTheMessageThatBroughtTheProposal) {
  Builder builder(crypto, means(sender));
  const Framed content = framed(ContentType::proposal, remove());
  std::vector<Octets> references;
  for (const bool publicly : {true, false}) {
    const Octets sent =
        publicly ? builder.public_message(content)
                 : builder.private_message(content, message_key(sender, RatchetType::handshake), 5);
    ASSERT_EQ(receive(sent), Error::none);
    Digest reference;
    ASSERT_EQ(proposal_ref(crypto, accepted, reference), Error::none);
    const Octets value = encoded(accepted);
    EXPECT_EQ(octets_of(reference),
              model::hash(model::vector("MLS 1.0 Proposal Reference") + model::vector(value)));
    references.push_back(octets_of(reference));
  }
  EXPECT_NE(references[0], references[1]);
  shows("CRYPTO-16, CRYPTO-17");
}

TEST_F(FramingTest, ACommitEntersTheTranscriptAsItCame) {
  Builder builder(crypto, means(sender));
  const Framed content = framed(ContentType::commit, commit({}, new_leaf()));
  for (const bool publicly : {true, false}) {
    const Octets sent =
        publicly ? builder.public_message(content)
                 : builder.private_message(content, message_key(sender, RatchetType::handshake), 5);
    ASSERT_EQ(receive(sent), Error::none);
    Digest hash;
    ASSERT_EQ(confirmed_transcript_hash(crypto, interim, accepted, hash), Error::none);
    EXPECT_EQ(octets_of(hash), model::hash(interim + model::number(publicly ? 1 : 2, 2) +
                                           encoded(accepted.content) + encoded(accepted.auth.signature)));
    EXPECT_EQ(check_confirmation_tag(crypto, view(confirmation_key), hash, accepted.auth.confirmation_tag),
              Error::none);
  }
  shows("KEYSCHED-17");
}

// ---- PrivateMessage

TEST_F(FramingTest, ASenderCannotOpenWhatItSealed) {
  const Result<Bytes> sent = send(in_private, framed(ContentType::application, application()));
  ASSERT_TRUE(sent.ok());
  const Octets own = octets_of(sent.value());
  MlsMessage decoded;
  ASSERT_EQ(decode(own, decoded), Error::none);
  room.assign(open_room(decoded.private_message, epoch()), 0);
  PeekedKey key;
  EXPECT_EQ(open(crypto, epoch(), sending, decoded.private_message, room, key, accepted),
            Error::generation_gone);
  shows("PRIV-07");
}

TEST_F(FramingTest, WhatDoesNotAuthenticateIsWiped) {
  Builder builder(crypto, means(sender));
  const Octets text = model::octets("this must not be seen before it has authenticated");
  const Framed content = framed(ContentType::application, model::vector(text));
  const auto key = message_key(sender, RatchetType::application);
  EXPECT_EQ(receive(builder.private_message(content, key, 0, {{Step::signature, inside(flipped())}})),
            Error::message_signature_invalid);
  EXPECT_EQ(std::search(room.begin(), room.end(), text.begin(), text.begin() + 8), room.end());
  EXPECT_TRUE(accepted.content.encoded.empty());
}

// ---- padding

TEST_F(FramingTest, PaddingIsZerosOfAnyLength) {
  Builder builder(crypto, means(sender));
  const Framed content = framed(ContentType::application, application());
  std::uint32_t generation = 0;
  for (const std::size_t size : {0, 1, 255, 5000}) {
    const auto key = message_key(sender, RatchetType::application, generation++);
    ASSERT_EQ(receive(builder.private_message(content, key, size)), Error::none) << size;
    EXPECT_EQ(octets_of(accepted.content.application_data), model::octets("hello"));
  }
  shows("PAD-03");
}

TEST_F(FramingTest, APolicyOfPaddingMakesFewLengths) {
  std::map<std::size_t, std::size_t> lengths;
  const Padding policies[] = {{0, false}, {1, false}, {256, false}, {32, true}, {0, true}};
  for (const Padding& policy : policies) {
    std::set<std::size_t> sizes;
    for (std::size_t size = 0; size < 3000; size += 7) {
      const Octets text(size, 'x');
      const Result<Bytes> sent =
          send(in_private, framed(ContentType::application, model::vector(text)), policy);
      ASSERT_TRUE(sent.ok());
      sizes.insert(sent.value().size());
      ASSERT_EQ(receive(octets_of(sent.value())), Error::none);
      ASSERT_EQ(octets_of(accepted.content.application_data), text);
    }
    lengths[static_cast<std::size_t>(&policy - policies)] = sizes.size();
  }
  EXPECT_EQ(lengths[0], 429u);
  EXPECT_EQ(lengths[1], 429u);
  EXPECT_LT(lengths[2], 14u);
  EXPECT_LT(lengths[3], 60u);
  EXPECT_LT(lengths[4], 200u);
  shows("PAD-01, PAD-05");
}

RC_GTEST_PROP(Padding, RoundsUpAndNeverByMuch, ()) {
  const auto size = *rc::gen::inRange<std::size_t>(0, 1 << 30);
  const auto block = *rc::gen::element<std::uint32_t>(0, 1, 32, 256, 1000);
  const bool by_magnitude = *rc::gen::arbitrary<bool>();
  const std::size_t padding = tacet::Padding{block, by_magnitude}.octets(size);
  const bool is_whole = block < 2 || (size + padding) % block == 0;
  RC_ASSERT(is_whole || by_magnitude);
  RC_ASSERT(padding <= block + (by_magnitude ? (size + block) / 8 + 1 : 0));
  RC_ASSERT(!(block < 2 && !by_magnitude) || padding == 0);
}

// ---- senders

TEST_F(FramingTest, EachMessageHasAReuseGuardOfItsOwn) {
  std::set<std::string> guards;
  for (int i = 0; i < 50; ++i) {
    const Result<Bytes> sent = send(in_private, framed(ContentType::application, application()));
    ASSERT_TRUE(sent.ok());
    MlsMessage decoded;
    ASSERT_EQ(decode(sent.value(), decoded), Error::none);
    Secret key, nonce;
    const PrivateMessage& private_message = decoded.private_message;
    ASSERT_EQ(
        derive_sender_data_key(crypto, view(sender_data_secret), private_message.ciphertext, key, nonce),
        Error::none);
    Octets sender_data(sender_data_size);
    ASSERT_EQ(crypto.open(key, nonce, private_message.sender_data_aad, private_message.encrypted_sender_data,
                          sender_data),
              Error::none);
    guards.insert(model::hex(Bytes(sender_data).last(4)));
    EXPECT_EQ(receive(octets_of(sent.value())), Error::none);
  }
  EXPECT_EQ(guards.size(), 50u);
  shows("FRAME-36, FRAME-37");
}

TEST_F(FramingTest, TheLimitOnSizeHoldsInBothDirections) {
  limits.message_size = 300;
  const auto content = [&](std::size_t size) {
    return framed(ContentType::application, model::vector(Octets(size, 'x')));
  };
  Builder builder(crypto, means(sender));
  hear();
  refused("FRAME-42", Error::message_too_large,
          builder.private_message(content(250), message_key(sender, RatchetType::application, 1), 0),
          builder.private_message(content(100), message_key(sender, RatchetType::application, 1), 0));
  evidence::refused("FRAME-42", Error::message_too_large, send(in_private, content(250)).error());
  evidence::refused("FRAME-42", Error::message_too_large, send(in_private, content(400)).error());
  const Framed long_list = framed(ContentType::commit, commit(by_value(add()) + by_value(add())));
  evidence::refused("FRAME-42", Error::message_too_large, send(in_public, long_list).error());
  EXPECT_TRUE(send(in_private, content(100)).ok());
  limits.message_size = 100;
  refused("", Error::message_too_large,
          builder.public_message(framed(ContentType::commit, commit({}, new_leaf()))),
          builder.public_message(framed(ContentType::proposal, remove())));
}

TEST_F(FramingTest, RoomsThatAreTooSmallAreRefused) {
  const Framed content = framed(ContentType::commit, commit({}, new_leaf()));
  const FramedContent fields = fields_of(content);
  KeySigner signer(crypto, view(leaves.at(sender).private_key));
  const std::size_t enough = message_room(fields, group_context, {}).value();
  bool fits = false;
  for (std::size_t size = 0; size <= enough; size += 1 + (enough - size) / 8) {
    Octets small(size);
    AuthenticatedContent made_content;
    const Error error =
        sign_content(signer, in_public, fields, group_context, limits, custom, small, made_content);
    fits = error == Error::none;
    EXPECT_TRUE(fits || error == Error::output_too_small);
  }
  EXPECT_TRUE(fits);
  const Octets sent = Builder(crypto, means(sender)).public_message(content);
  MlsMessage decoded;
  ASSERT_EQ(decode(sent, decoded), Error::none);
  Octets small(unprotect_room(decoded.public_message, epoch()) - 8);
  EXPECT_EQ(unprotect(crypto, epoch(), decoded.public_message, small, accepted), Error::output_too_small);
  const Octets sealed =
      Builder(crypto, means(sender)).private_message(content, message_key(sender, RatchetType::handshake), 0);
  ASSERT_EQ(decode(sealed, decoded), Error::none);
  small.resize(open_room(decoded.private_message, epoch()) - 1);
  PeekedKey key;
  EXPECT_EQ(open(crypto, epoch(), receiving, decoded.private_message, small, key, accepted),
            Error::output_too_small);
}

TEST_F(FramingTest, ContentIsSentAsItWasSigned) {
  const FramedContent fields = fields_of(framed(ContentType::application, application()));
  made.assign(message_room(fields, group_context, {}).value(), 0);
  KeySigner signer(crypto, view(leaves.at(sender).private_key));
  AuthenticatedContent signed_content;
  ASSERT_EQ(sign_content(signer, in_private, fields, group_context, limits, custom, made, signed_content),
            Error::none);
  EXPECT_EQ(protect(crypto, signed_content, group_context, view(membership_key), made).error(),
            Error::wire_format_other);
  signed_content.wire_format = in_public;
  EXPECT_EQ(seal(crypto, signed_content, {}, view(sender_data_secret), {}, limits, made).error(),
            Error::wire_format_other);
}

TEST_F(FramingTest, ACommitIsNotSentWithoutItsConfirmationTag) {
  const Framed content = framed(ContentType::commit, commit({}, new_leaf()));
  const FramedContent fields = fields_of(content);
  made.assign(message_room(fields, group_context, {}).value(), 0);
  KeySigner signer(crypto, view(leaves.at(sender).private_key));
  AuthenticatedContent signed_content;
  ASSERT_EQ(sign_content(signer, in_public, fields, group_context, limits, custom, made, signed_content),
            Error::none);
  EXPECT_EQ(protect(crypto, signed_content, group_context, view(membership_key), made).error(),
            Error::confirmation_tag_invalid);
}

// ---- sizes

RC_GTEST_FIXTURE_PROP(FramingTest, ContentOfAnySizeGoesThrough, ()) {
  const auto size = *rc::gen::element<std::size_t>(0, 1, 40, 62, 63, 64, 65, 1000, 16380, 16384, 20000);
  group_id.assign(*rc::gen::element<std::size_t>(0, 1, 63, 64, 300), 'g');
  context.group_id = group_id;
  group_context = encoded(context);
  authenticated_data.assign(*rc::gen::element<std::size_t>(0, 1, 62, 63, 64, 16383, 16384), 'a');
  const Padding padding{*rc::gen::element<std::uint32_t>(0, 32, 5000), *rc::gen::arbitrary<bool>()};
  const Octets text(size, 't');
  const Result<Bytes> sent = send(in_private, framed(ContentType::application, model::vector(text)), padding);
  RC_ASSERT(sent.ok());
  RC_ASSERT(receive(octets_of(sent.value())) == Error::none);
  RC_ASSERT(octets_of(accepted.content.application_data) == text);
  RC_ASSERT(octets_of(accepted.content.authenticated_data) == authenticated_data);
  const Octets remove_with_data = remove();
  const Result<Bytes> proposed = send(in_public, framed(ContentType::proposal, remove_with_data));
  RC_ASSERT(proposed.ok());
  RC_ASSERT(receive(octets_of(proposed.value())) == Error::none);
}

}  // namespace
}  // namespace tacet
