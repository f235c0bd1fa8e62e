// Messages that are perfect but for one rule: each is refused for that rule, changes nothing, and the genuine
// message is accepted after it.

#include "messages.h"

namespace tacet {
namespace {

using BadMessage = MessageTest;

// ---- syntax

TEST_F(BadMessage, UnknownEnumsAreRefused) {
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

TEST_F(BadMessage, CustomProposalsAreThoseThatTheApplicationRegistered) {
  for (const unsigned type : {0xf001u, 0x0000u, 0x0a0au}) custom.push_back(static_cast<ProposalType>(type));
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
  EXPECT_EQ(model::octets(accepted.content.proposal.custom), model::octets("opaque to us"));
}

TEST_F(BadMessage, ExtensionsOfAGroupToBeAreAListThatAGroupContextMayHold) {
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

TEST_F(BadMessage, WireFormatsAreNotConfused) {
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

TEST_F(BadMessage, AKeyPackageIsOfTheVersionOfItsMessage) {
  KeyPackageModel other = key_package;
  other.version = 2;
  const auto judge_message = [this](const Octets& encoding) -> Error {
    const Octets message = model::number(1, 2) + model::number(5, 2) + encoding;
    MlsMessage decoded;
    TRY(decode(message, decoded));
    return check_key_package(crypto, decoded.key_package, limits, work);
  };
  const Error seen = judge_message(other.encoding());
  const Error genuine = judge_message(key_package.encoding());
  EXPECT_EQ(genuine, Error::none);
  evidence::refused("KP-08", Error::key_package_version, seen, {.genuine_accepted = genuine == Error::none});
}

// ---- who may send what

TEST_F(BadMessage, ApplicationDataInAPublicMessageIsRefused) {
  const Framed genuine = framed(ContentType::proposal, remove());
  Builder builder(crypto, means(sender));
  refused("FRAME-02", Error::application_in_public_message,
          builder.public_message(framed(ContentType::application, application())),
          builder.public_message(genuine));
}

TEST_F(BadMessage, OutsidersSendOnlyWhatIsTheirs) {
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

TEST_F(BadMessage, AnotherGroupOrEpochIsRefused) {
  for (const ContentType type : {ContentType::proposal, ContentType::commit}) {
    const bool is_commit = type == ContentType::commit;
    const Framed content = framed(type, is_commit ? commit({}, new_leaf()) : remove());
    const char* const ids = is_commit ? "FRAME-09" : "FRAME-08";
    for (const std::uint64_t other : {context.epoch - 1, context.epoch + 1}) {
      const Deviates deviates = {{Step::epoch, replaced_by(model::number(other, 8))}};
      const Error error = other < context.epoch ? Error::epoch_past : Error::epoch_future;
      breaks_public(ids, error, content, deviates);
      breaks_private(ids, error, content, deviates);
    }
    const Deviates deviates = {{Step::group_id, inside(flipped())}};
    breaks_public("FRAME-07", Error::group_id_mismatch, content, deviates);
    breaks_private("FRAME-07", Error::group_id_mismatch, content, deviates);
  }
  const Framed outside = framed(ContentType::proposal, remove(), from(SenderType::external, 0));
  breaks_public("EXTPROP-09", Error::epoch_past, outside,
                {{Step::epoch, replaced_by(model::number(context.epoch - 1, 8))}}, &external[0]);
}

TEST_F(BadMessage, ASenderIsAMemberOfTheTree) {
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

TEST_F(BadMessage, ExternalSendersAreThoseOfTheGroupContext) {
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
  const Octets malformed = model::number(5, 2) + model::vector(Octets{5, 1, 2});
  ASSERT_EQ(Extensions::parse(malformed, context.extensions), Error::none);
  EXPECT_EQ(receive(genuine), Error::extension_malformed);
  context.extensions = theirs;
  evidence::refused("EXTPROP-02", Error::external_sender_absent, seen,
                    {.genuine_accepted = receive(genuine) == Error::none});
}

// ---- signatures and tags

TEST_F(BadMessage, WhatIsSignedIsWhatIsSentWhereItIsSent) {
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

TEST_F(BadMessage, OutsidersSignWithTheKeyThatTheirContentNames) {
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

TEST_F(BadMessage, AMembershipTagIsTheRightOneInFull) {
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

TEST_F(BadMessage, OnlyACommitHasAConfirmationTag) {
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

TEST_F(BadMessage, AConfirmationTagIsTheRightOneInFull) {
  Digest tag;
  ASSERT_EQ(tacet::confirmation_tag(crypto, view(confirmation_key), confirmed, tag), Error::none);
  const Octets right = model::octets(tag);
  EXPECT_EQ(right, model::hmac(confirmation_key, confirmed));
  const auto check = [&](const Octets& received) {
    return check_confirmation_tag(crypto, view(confirmation_key), confirmed, received);
  };
  for (const Change& change : {flipped(), flipped(0), shortened(), extended(), left_out()}) {
    evidence::refused("FRAME-55", Error::confirmation_tag_invalid, check(change(right)),
                      {.genuine_accepted = check(right) == Error::none});
  }
}

// ---- PrivateMessage

TEST_F(BadMessage, ThePublicPartOfAPrivateMessageIsAuthentic) {
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

TEST_F(BadMessage, SenderDataIsAuthenticAndOfItsLength) {
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

TEST_F(BadMessage, ContentIsUnderTheKeyOfItsRatchetAndGeneration) {
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

TEST_F(BadMessage, AForgeryTakesNoKeyFromTheGenuineMessage) {
  const Framed content = framed(ContentType::application, application("genuine"));
  breaks_private("FRAME-50, PRIV-06", Error::content_not_authentic, content, {{Step::ciphertext, flipped()}},
                 100);
  const Octets genuine = message;
  // One from further ahead leaves none of the keys in between behind.
  const auto before = secret_memory.contents();
  EXPECT_EQ(receive(Builder(crypto, means(sender))
                        .private_message(content, message_key(sender, RatchetType::application, 9), 0,
                                         {{Step::ciphertext, flipped()}})),
            Error::content_not_authentic);
  EXPECT_TRUE(secret_memory.contents() == before);
  evidence::refused("", Error::generation_gone, receive(genuine));  // its key is gone now
}

TEST_F(BadMessage, PaddingThatIsNotZeroIsRefused) {
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

}  // namespace
}  // namespace tacet
