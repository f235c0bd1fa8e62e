#include "protocol/framing.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "messages.h"

namespace tacet {
namespace {

using adversary::encoded;
using adversary::extended;
using adversary::flipped;
using adversary::inside;
using adversary::left_out;
using adversary::replaced_at;
using adversary::replaced_by;
using adversary::shortened;
using evidence::shows;

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
  shows("FRAME-01, FRAME-05, EXTPROP-01");
}

// ---- syntax

TEST_F(FramingTest, UnknownEnumsAreRefused) {
  const Framed content = framed(ContentType::proposal, remove());
  for (const std::uint8_t type : {0, 4, 5, 255}) {
    breaks_public("CODEC-14", Error::content_type_unknown, content,
                  {{Step::content_type, replaced_by({type})}});
  }
  for (const std::uint8_t type : {0, 5, 255}) {
    breaks_public("CODEC-15", Error::sender_type_unknown, content,
                  {{Step::sender, replaced_by({type, 0, 0, 0, 1})}});
  }
  for (const std::uint8_t type : {0, 4, 255}) {
    breaks_private("CODEC-14", Error::content_type_unknown, content,
                   {{Step::sent_content_type, replaced_by({type})}});
  }
  for (const unsigned format : {0x0000u, 0x0006u, 0x0a0au, 0xf000u, 0xffffu}) {
    breaks_public("CODEC-20", Error::wire_format_unknown, content,
                  {{Step::wire_format, replaced_by(model::number(format, 2))}});
  }
  for (const unsigned version : {0x0000u, 0x0002u, 0xffffu}) {
    breaks_public("CODEC-21", Error::message_version, content,
                  {{Step::version, replaced_by(model::number(version, 2))}});
  }
  const Framed with_reference = framed(ContentType::commit, commit(Octets{2} + model::vector("reference")));
  for (const std::uint8_t type : {0, 3, 255}) {
    breaks_public("CODEC-19", Error::proposal_or_ref_type_unknown, with_reference,
                  {{Step::content, replaced_at(1, {type})}});
  }
}

TEST_F(FramingTest, CustomProposalsAreThoseThatTheApplicationRegistered) {
  custom = {static_cast<ProposalType>(0xf001)};
  const Octets body = model::vector("opaque to us");
  const Framed registered = framed(ContentType::proposal, model::number(0xf001, 2) + body);
  const Octets in_commit = by_value(model::number(0xf001, 2) + body);
  for (const unsigned type : {0x0000u, 0x0008u, 0x0a0au, 0xf002u}) {
    const Octets other = model::number(type, 2) + body;
    breaks_public("CODEC-22", Error::proposal_type_unknown, registered,
                  {{Step::content, replaced_by(other)}});
    breaks_private("CODEC-22", Error::proposal_type_unknown, registered,
                   {{Step::content, replaced_by(other)}});
    breaks_public("CODEC-22", Error::proposal_type_unknown, framed(ContentType::commit, commit(in_commit)),
                  {{Step::content, replaced_by(commit(by_value(remove()) + by_value(other)))}});
  }
  ASSERT_EQ(receive(Builder(crypto, means(sender)).public_message(registered)), Error::none);
  EXPECT_EQ(octets_of(accepted.content.proposal.custom), model::octets("opaque to us"));
}

TEST_F(FramingTest, ExtensionsOfAGroupToBeAreAListThatAGroupContextMayHold) {
  const Octets head = model::vector("next") + model::number(1, 2) + model::number(3, 2);
  const Octets one = model::number(0xf00f, 2) + model::vector("data");
  const Octets misplaced = model::number(2, 2) + model::vector("a tree");
  const Octets malformed = model::number(3, 2) + model::vector("no lists");
  const auto check = [&](const Octets& before) {
    const auto with = [&](const Octets& extensions) { return before + model::vector(extensions); };
    const Framed content = framed(ContentType::proposal, with(one));
    const auto breaks = [&](const char* ids, Error error, const Octets& list) {
      breaks_public(ids, error, content, {{Step::content, replaced_by(with(list))}});
    };
    breaks("EXT-01", Error::extension_repeated, one + one);
    breaks("EXT-08", Error::extension_misplaced, misplaced);
    breaks("EXT-09", Error::extension_malformed, malformed);
  };
  check(model::number(5, 2) + head);
  check(model::number(7, 2));
}

TEST_F(FramingTest, WireFormatsAreNotConfused) {
  // Each body under each other wire format.
  Builder builder(crypto, means(sender));
  const Octets group_info = [&] {
    GroupInfo fields;
    fields.group_context = context;
    fields.confirmation_tag = confirmed;
    return builder.group_info(fields);
  }();
  const Octets welcome = model::number(1, 2) + model::number(3, 2) + model::number(3, 2) + model::vector("") +
                         model::vector(random_octets(100));
  const Octets a_key_package = model::number(1, 2) + model::number(5, 2) + key_package.encoding();
  const std::vector<Octets> messages = {
      builder.public_message(framed(ContentType::proposal, remove())),
      builder.private_message(framed(ContentType::proposal, remove()),
                              message_key(sender, RatchetType::handshake), 0),
      welcome, group_info, a_key_package};
  // Where each breaks when it is read as another; what lies there, the seed decides.
  constexpr Error none = Error::none, cut = Error::truncated, more = Error::trailing_bytes,
                  sender_type = Error::sender_type_unknown, content_type = Error::content_type_unknown;
  constexpr Error demanded[5][5] = {{none, more, cut, cut, cut},
                                    {cut, none, cut, cut, cut},
                                    {sender_type, content_type, none, cut, cut},
                                    {sender_type, content_type, more, none, Error::list_not_whole},
                                    {sender_type, content_type, more, Error::varint_prefix, none}};
  for (std::size_t i = 0; i < messages.size(); ++i) {
    MlsMessage decoded;
    ASSERT_EQ(decode(messages[i], decoded), Error::none);
    EXPECT_EQ(static_cast<std::size_t>(decoded.wire_format), i + 1);
    EXPECT_EQ(encoded(decoded), messages[i]);
    for (std::uint8_t other = 1; other <= 5; ++other) {
      if (other == i + 1) continue;
      Octets confused = messages[i];
      confused[3] = other;
      evidence::refused("CODEC-27", demanded[i][other - 1u], decode(confused, decoded),
                        {.genuine_accepted = decode(messages[i], decoded) == Error::none});
    }
  }
  shows("CODEC-26");
}

TEST_F(FramingTest, AKeyPackageIsOfTheVersionOfItsMessage) {
  KeyPackageModel other = key_package;
  other.version = 2;
  const auto decodes = [](const Octets& encoding) {
    const Octets message = model::number(1, 2) + model::number(5, 2) + encoding;
    MlsMessage decoded;
    return decode(message, decoded);
  };
  const Error seen = decodes(other.encoding());
  const Error genuine = decodes(key_package.encoding());
  EXPECT_EQ(genuine, Error::none);
  evidence::refused("KP-08", Error::key_package_version, seen, {.genuine_accepted = genuine == Error::none});
}

// ---- who may send what

TEST_F(FramingTest, ApplicationDataInAPublicMessageIsRefused) {
  const Framed genuine = framed(ContentType::proposal, remove());
  Builder builder(crypto, means(sender));
  refused("FRAME-02", Error::application_in_public_message,
          builder.public_message(framed(ContentType::application, application())),
          builder.public_message(genuine));
}

TEST_F(FramingTest, OutsidersSendOnlyWhatIsTheirs) {
  const Sender outside = from(SenderType::external, 0);
  Builder by_bot(crypto, means(external[0]));
  const Octets genuine = by_bot.public_message(framed(ContentType::proposal, remove(), outside));
  refused("FRAME-17", Error::external_sender_content,
          by_bot.public_message(framed(ContentType::commit, commit({}, external[0]), outside)), genuine);
  refused("FRAME-17", Error::application_in_public_message,
          by_bot.public_message(framed(ContentType::application, application(), outside)), genuine);

  const LeafModel joiner = new_leaf();
  Builder by_joiner(crypto, means(joiner));
  const Sender commits = from(SenderType::new_member_commit);
  const Octets commit_in = by_joiner.public_message(framed(ContentType::commit, commit({}, joiner), commits));
  key_package.leaf = joiner;
  refused("FRAME-18, EXTCOMMIT-10", Error::new_member_commit_content,
          by_joiner.public_message(framed(ContentType::proposal, add(), commits)), commit_in);
  refused("FRAME-20, EXTCOMMIT-07", Error::new_member_commit_without_path,
          by_joiner.public_message(framed(ContentType::commit, commit(by_value(remove())), commits)),
          commit_in);
  EXPECT_EQ(send(in_public, framed(ContentType::commit, commit(by_value(remove())), commits), joiner).error(),
            Error::new_member_commit_without_path);
  shows("EXTCOMMIT-06");

  const Sender proposes = from(SenderType::new_member_proposal);
  const Octets asks = by_joiner.public_message(framed(ContentType::proposal, add(), proposes));
  const Octets psk = model::number(4, 2) + Octets{1} + model::vector("psk id") + model::vector("nonce");
  const Octets extensions = model::number(7, 2) + model::vector(group_extensions);
  for (const Octets& other : {remove(), psk, extensions}) {
    refused("FRAME-21", Error::new_member_proposal_content,
            by_joiner.public_message(framed(ContentType::proposal, other, proposes)), asks);
  }
  refused("FRAME-21", Error::new_member_proposal_content,
          by_joiner.public_message(framed(ContentType::commit, commit({}, joiner), proposes)), asks);
}

TEST_F(FramingTest, AnotherGroupOrEpochIsRefused) {
  for (const ContentType type : {ContentType::proposal, ContentType::commit}) {
    const bool is_commit = type == ContentType::commit;
    const Framed content = framed(type, is_commit ? commit({}, new_leaf()) : remove());
    const char* const ids = is_commit ? "FRAME-09" : "FRAME-08";
    for (const std::uint64_t other : {context.epoch - 1, context.epoch + 1}) {
      const Deviates deviates = {{Step::epoch, replaced_by(model::number(other, 8))}};
      breaks_public(ids, Error::epoch_mismatch, content, deviates);
      breaks_private(ids, Error::epoch_mismatch, content, deviates);
    }
    const Deviates deviates = {{Step::group_id, inside(flipped())}};
    breaks_public("FRAME-07", Error::group_id_mismatch, content, deviates);
    breaks_private("FRAME-07", Error::group_id_mismatch, content, deviates);
  }
  const Framed outside = framed(ContentType::proposal, remove(), from(SenderType::external, 0));
  breaks_public("EXTPROP-09", Error::epoch_mismatch, outside,
                {{Step::epoch, replaced_by(model::number(context.epoch - 1, 8))}}, &external[0]);
}

TEST_F(FramingTest, ASenderIsAMemberOfTheTree) {
  const Framed content = framed(ContentType::proposal, remove());
  for (const std::uint32_t index : {blank, 4u, 1u << 30, 1u << 31, 0x80000001u, 0xffffffffu}) {
    breaks_public("FRAME-15", Error::sender_not_member, content,
                  {{Step::sender, replaced_by(Octets{1} + model::number(index, 4))}});
    breaks_private("FRAME-15, FRAME-47", Error::sender_not_member, content,
                   {{Step::sender_data, replaced_at(0, model::number(index, 4))}});
  }
  // All of it as the blank leaf: its ratchets exist.
  hear();
  Builder builder(crypto, means(sender));
  Framed from_blank = content;
  from_blank.sender.leaf_index = {blank};
  refused("FRAME-47", Error::sender_not_member,
          builder.private_message(from_blank, message_key(blank, RatchetType::handshake), 0),
          builder.public_message(content));
}

TEST_F(FramingTest, ExternalSendersAreThoseOfTheGroupContext) {
  const Framed content = framed(ContentType::proposal, remove(), from(SenderType::external, 1));
  breaks_public("EXTPROP-03", Error::external_sender_absent, content,
                {{Step::sender, replaced_by(Octets{2} + model::number(2, 4))}}, &external[1]);
  breaks_public("EXTPROP-03", Error::external_sender_absent, content,
                {{Step::sender, replaced_by(Octets{2} + model::number(0xffffffff, 4))}}, &external[1]);
  breaks_public("FRAME-16", Error::message_signature_invalid, content,
                {{Step::sender, replaced_by(Octets{2} + model::number(0, 4))}}, &external[1]);
  const Octets genuine = Builder(crypto, means(external[1])).public_message(content);
  const Extensions theirs = context.extensions;
  context.extensions = Extensions();
  const Error seen = receive(genuine);
  context.extensions = theirs;
  evidence::refused("EXTPROP-02", Error::external_sender_absent, seen,
                    {.genuine_accepted = receive(genuine) == Error::none});
}

// ---- signatures and tags

TEST_F(FramingTest, WhatIsSignedIsWhatIsSentWhereItIsSent) {
  Octets other_context = group_context;
  other_context.back() ^= 1;
  for (const Framed& content :
       {framed(ContentType::proposal, remove()), framed(ContentType::commit, commit({}, new_leaf()))}) {
    const auto breaks = [&](const char* ids, const Deviates& deviates, bool publicly = true,
                            bool privately = true) {
      const Error error = Error::message_signature_invalid;
      if (publicly) breaks_public(ids, error, content, deviates);
      if (privately) breaks_private(ids, error, content, deviates);
    };
    breaks("FRAME-23, FRAME-34", {{Step::signature, inside(flipped())}});
    breaks("FRAME-23, FRAME-34", {{Step::signature, inside(shortened())}});
    breaks("FRAME-23, FRAME-34", {{Step::signature, inside(extended())}});
    breaks("FRAME-23, FRAME-34", {{Step::signature, inside(left_out())}});
    breaks("FRAME-14", {{Step::signing_key, replaced_by(leaves.at(3).private_key)}});
    breaks("", {{Step::signed_group_context, replaced_by(other_context)}});
    breaks("", {{Step::signed_epoch, replaced_by(model::number(context.epoch - 1, 8))}});
    breaks("", {{Step::signed_version, replaced_by(model::number(2, 2))}});
    breaks("FRAME-12", {{Step::signed_wire_format, replaced_by(model::number(2, 2))}}, true, false);
    breaks("FRAME-12", {{Step::signed_wire_format, replaced_by(model::number(1, 2))}}, false, true);
    breaks("FRAME-35", {{Step::signed_authenticated_data, inside(flipped())}});
    breaks("", {{Step::signed_content, flipped()}});
  }
  const Framed application_data = framed(ContentType::application, application());
  breaks_private("FRAME-23, FRAME-34", Error::message_signature_invalid, application_data,
                 {{Step::signature, inside(flipped())}});
  // Signed by 3 as if 1 had sent it, and sent by 3.
  Framed by_three = application_data;
  by_three.sender.leaf_index = {3};
  breaks_private("FRAME-51", Error::message_signature_invalid, by_three,
                 {{Step::signed_sender, replaced_by(Octets{1} + model::number(1, 4))}});
}

TEST_F(FramingTest, OutsidersSignWithTheKeyThatTheirContentNames) {
  const LeafModel joiner = new_leaf();
  key_package.leaf = joiner;
  const Deviates by_another = {{Step::signing_key, replaced_by(leaves.at(3).private_key)}};
  breaks_public("FRAME-19, EXTCOMMIT-09", Error::message_signature_invalid,
                framed(ContentType::commit, commit({}, joiner), from(SenderType::new_member_commit)),
                by_another, &joiner);
  breaks_public("FRAME-22", Error::message_signature_invalid,
                framed(ContentType::proposal, add(), from(SenderType::new_member_proposal)), by_another,
                &joiner);
}

TEST_F(FramingTest, AMembershipTagIsTheRightOneInFull) {
  for (const Framed& content :
       {framed(ContentType::proposal, remove()), framed(ContentType::commit, commit({}, new_leaf()))}) {
    const auto breaks = [&](const char* ids, Error error, const Deviates& deviates) {
      breaks_public(ids, error, content, deviates);
    };
    const Error invalid = Error::membership_tag_invalid;
    breaks("FRAME-28", invalid, {{Step::membership_tag, inside(flipped())}});
    breaks("FRAME-28", invalid, {{Step::membership_tag, inside(flipped(0))}});
    breaks("FRAME-29", invalid, {{Step::membership_key, replaced_by(random_octets(32))}});
    breaks("FRAME-54", Error::truncated, {{Step::membership_tag, left_out()}});
    breaks("FRAME-54", invalid, {{Step::membership_tag, inside(left_out())}});
    breaks("FRAME-54", invalid, {{Step::membership_tag, inside(shortened())}});
    breaks("FRAME-54", invalid, {{Step::membership_tag, inside(extended())}});
    breaks("", invalid, {{Step::tagged_content, flipped(0)}});
    breaks("", invalid, {{Step::tagged_content, flipped()}});
  }
  const Framed outside = framed(ContentType::proposal, remove(), from(SenderType::external, 0));
  breaks_public("FRAME-30", Error::trailing_bytes, outside,
                {{Step::membership_tag, replaced_by(model::vector(random_octets(32)))}}, &external[0]);
}

TEST_F(FramingTest, OnlyACommitHasAConfirmationTag) {
  const Octets tag = model::vector(random_octets(32));
  breaks_public("FRAME-52", Error::trailing_bytes, framed(ContentType::proposal, remove()),
                {{Step::confirmation_tag, replaced_by(tag)}});
  // In a PrivateMessage it would be padding.
  breaks_private("FRAME-52", Error::padding_not_zero, framed(ContentType::proposal, remove()),
                 {{Step::confirmation_tag, replaced_by(tag)}});
  breaks_public("FRAME-53", Error::truncated, framed(ContentType::commit, commit({}, new_leaf())),
                {{Step::confirmation_tag, left_out()}});
  breaks_private("FRAME-53", Error::truncated, framed(ContentType::commit, commit({}, new_leaf())),
                 {{Step::confirmation_tag, left_out()}});
}

TEST_F(FramingTest, AConfirmationTagIsTheRightOneInFull) {
  Digest tag;
  ASSERT_EQ(tacet::confirmation_tag(crypto, view(confirmation_key), confirmed, tag), Error::none);
  const Octets right = octets_of(tag);
  EXPECT_EQ(right, model::hmac(confirmation_key, confirmed));
  const auto check = [&](const Octets& received) {
    return check_confirmation_tag(crypto, view(confirmation_key), confirmed, received);
  };
  for (const Change& change : {flipped(), flipped(0), shortened(), extended(), left_out()}) {
    evidence::refused("FRAME-55", Error::confirmation_tag_invalid, check(change(right)),
                      {.genuine_accepted = check(right) == Error::none});
  }
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

TEST_F(FramingTest, ThePublicPartOfAPrivateMessageIsAuthentic) {
  const Framed content = framed(ContentType::application, application());
  const auto breaks = [&](const char* ids, Error error, const Deviates& deviates) {
    breaks_private(ids, error, content, deviates);
  };
  const auto aad = [&](const Octets& group, std::uint64_t number, std::uint8_t type, const Octets& data) {
    return Deviates({Step::content_aad, replaced_by(model::vector(group) + model::number(number, 8) +
                                                    Octets{type} + model::vector(data))});
  };
  const Error error = Error::content_not_authentic;
  breaks("FRAME-33", error, aad(model::octets("other"), context.epoch, 1, authenticated_data));
  breaks("FRAME-33", error, aad(group_id, context.epoch + 1, 1, authenticated_data));
  breaks("FRAME-33", error, aad(group_id, context.epoch, 3, authenticated_data));
  breaks("FRAME-33", error, aad(group_id, context.epoch, 1, {}));
  breaks("FRAME-33", error, {{Step::sent_authenticated_data, inside(flipped())}});
  breaks("", Error::sender_data_not_authentic,
         {{Step::sender_data_aad, replaced_by(model::vector(group_id) + model::number(context.epoch, 8) +
                                              Octets{1} + model::vector(authenticated_data))}});
  // A proposal as a Commit and the other way round, the sender data sealed again.
  breaks_private("FRAME-33", error, framed(ContentType::proposal, remove()),
                 {{Step::sent_content_type, replaced_by({3})}});
  breaks_private("FRAME-33", error, framed(ContentType::commit, commit({}, new_leaf())),
                 {{Step::sent_content_type, replaced_by({2})}});
}

TEST_F(FramingTest, SenderDataIsAuthenticAndOfItsLength) {
  const Framed content = framed(ContentType::application, application());
  const auto breaks = [&](const char* ids, Error error, const Deviates& deviates) {
    breaks_private(ids, error, content, deviates);
  };
  breaks("FRAME-48", Error::sender_data_not_authentic, {{Step::encrypted_sender_data, inside(flipped())}});
  breaks("FRAME-48", Error::sender_data_not_authentic, {{Step::encrypted_sender_data, inside(flipped(0))}});
  breaks("FRAME-48", Error::sender_data_not_authentic,
         {{Step::sender_data_secret, replaced_by(random_octets(32))}});
  breaks("FRAME-49", Error::sender_data_length, {{Step::sender_data, extended()}});
  breaks("FRAME-49", Error::sender_data_length, {{Step::sender_data, shortened()}});
  breaks("FRAME-49", Error::sender_data_length, {{Step::encrypted_sender_data, inside(left_out())}});
}

TEST_F(FramingTest, ContentIsUnderTheKeyOfItsRatchetAndGeneration) {
  hear();
  const Framed proposal = framed(ContentType::proposal, remove());
  const Framed application_data = framed(ContentType::application, application());
  const auto other = [&](RatchetType type) {
    return Deviates(
        {Step::message_key, replaced_by(message_key(sender, type, generations[{sender, type}]).key)});
  };
  breaks_private("FRAME-41", Error::content_not_authentic, proposal, other(RatchetType::application));
  breaks_private("FRAME-41", Error::content_not_authentic, application_data, other(RatchetType::handshake));
  // The generation is what the sender data says.
  for (const std::uint32_t generation : {2000u, 0xffffffffu}) {
    breaks_private("", Error::generation_too_far, application_data,
                   {{Step::sender_data, replaced_at(4, model::number(generation, 4))}});
  }
  // The reuse guard counts.
  breaks_private("", Error::content_not_authentic, application_data, {{Step::sender_data, flipped()}});
  breaks_private("", Error::content_not_authentic, application_data, {{Step::message_nonce, flipped()}});
}

TEST_F(FramingTest, AForgeryTakesNoKeyFromTheGenuineMessage) {
  const Framed content = framed(ContentType::application, application("genuine"));
  breaks_private("FRAME-50, PRIV-06", Error::content_not_authentic, content, {{Step::ciphertext, flipped()}},
                 100);
  const Octets accepted_message = message;
  evidence::refused("", Error::generation_gone, receive(accepted_message));  // its key is gone now
}

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

TEST_F(FramingTest, PaddingThatIsNotZeroIsRefused) {
  for (const Framed& content :
       {framed(ContentType::application, application()), framed(ContentType::proposal, remove()),
        framed(ContentType::commit, commit({}, new_leaf()))}) {
    const char* const ids = content.content_type == ContentType::application ? "PAD-02" : "PAD-04";
    for (const Octets& padding :
         {Octets{0, 0, 1}, Octets{1, 0}, Octets{1}, Octets{0x80}, Octets(300, 0) + Octets{4}}) {
      breaks_private(ids, Error::padding_not_zero, content, {{Step::padding, replaced_by(padding)}}, 3);
    }
  }
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
  std::set<Octets> guards;
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
    guards.insert({sender_data.begin() + 8, sender_data.end()});
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
