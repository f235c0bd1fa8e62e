// Messages of an insider that are perfect but for one rule of their frame (RFC 9420, 6): Commits, proposals
// and application data, as they come to a Group.

#include "hostile.h"

namespace tacet {
namespace {

using adversary::Deviates;
using adversary::extended, adversary::flipped, adversary::inside, adversary::left_out;
using adversary::replaced_at, adversary::replaced_by, adversary::shortened;

constexpr WireFormat in_public = WireFormat::public_message, in_private = WireFormat::private_message;

class BadFrameOfInsider : public HostileTest {
 protected:
  struct Kind {
    WireFormat format;
    ContentType type;
  };
  static constexpr Kind public_commit = {in_public, ContentType::commit},
                        private_commit = {in_private, ContentType::commit},
                        public_proposal = {in_public, ContentType::proposal},
                        private_proposal = {in_private, ContentType::proposal},
                        application = {in_private, ContentType::application};
  static constexpr Kind commits[] = {public_commit, private_commit},
                        in_the_open[] = {public_commit, public_proposal},
                        sealed[] = {private_commit, private_proposal, application},
                        proposals[] = {public_proposal, private_proposal},
                        every[] = {public_commit, private_commit, public_proposal, private_proposal,
                                   application};

  Octets content(ContentType type) {
    return type == ContentType::application ? model::vector("hear me") : psk("agreed");
  }
  Octets message(Kind kind, const Octets& said, const Deviates& deviates) {
    if (kind.type == ContentType::commit) {
      CommitPlan plan;
      plan.format = kind.format;
      plan.authenticated_data = in_the_clear;
      plan.padding = 3;
      plan.deviates = deviates;
      return commit_of(traitor, plan).message;
    }
    Framed framed = framed_by(traitor, kind.type, said);
    framed.authenticated_data = in_the_clear;
    Builder builder(traitor.crypto, means_of(traitor));
    if (kind.format == in_public) return builder.public_message(framed, deviates);
    return builder.private_message(framed, next_message_key(traitor, ratchet_of(kind.type)), 3, deviates);
  }
  // The honest message, of the same generation.
  bool genuine(Kind kind, const Octets& said) {
    if (kind.type == ContentType::commit) return go_on(kind.format);
    const bool taken = deliver(message(kind, said, {}), traitor.name);
    if (kind.format == in_private) spend(traitor, ratchet_of(kind.type));
    return taken;
  }
  void breaks(const char* ids, Error error, std::span<const Kind> kinds, Step step, const Change& change) {
    for (const Kind kind : kinds) {
      SCOPED_TRACE(10 * static_cast<int>(kind.format) + static_cast<int>(kind.type));
      hear();
      const Octets said = content(kind.type);
      refuse(ids, error, message(kind, said, {{step, change}}), all, [&] { return genuine(kind, said); });
    }
  }
  Octets group_and_epoch(const Octets& group, std::uint64_t epoch) {
    return model::vector(group) + model::number(epoch, 8);
  }
  std::uint64_t now() const { return traitor.epoch->state.context().epoch; }

  const Octets in_the_clear = model::octets("in the clear"), group = model::octets("group");
};

// ---- which group, epoch and sender

TEST_F(BadFrameOfInsider, OfAnotherGroupOrEpoch) {
  breaks("FRAME-07", Error::group_id_mismatch, every, Step::group_id, inside(flipped()));
  for (const int other : {-1, 1}) {
    const Change change = [this, other](const Octets&) { return model::number(now() + other, 8); };
    const Error error = other < 0 ? Error::epoch_past : Error::epoch_future;
    breaks("FRAME-08", error, proposals, Step::epoch, change);
    breaks("FRAME-09", error, commits, Step::epoch, change);
    breaks(other < 0 ? "" : "APP-03", error, {&application, 1}, Step::epoch, change);
  }
}

TEST_F(BadFrameOfInsider, OfASenderWhoIsNotThere) {
  for (const std::uint32_t index : {5u, 7u, 8u, 1u << 30, 1u << 31, UINT32_MAX}) {
    breaks("FRAME-15", Error::sender_not_member, in_the_open, Step::sender,
           replaced_at(1, model::number(index, 4)));
    breaks("FRAME-15, FRAME-47", Error::sender_not_member, sealed, Step::sender_data,
           replaced_at(0, model::number(index, 4)));
  }
}

TEST_F(BadFrameOfInsider, OfAnotherMember) {
  const Change from_dan = replaced_at(1, model::number(3, 4));
  breaks("FRAME-14", Error::message_signature_invalid, in_the_open, Step::sender, from_dan);
  breaks("FRAME-51", Error::message_signature_invalid, sealed, Step::signed_sender, from_dan);
  breaks("FRAME-14", Error::message_signature_invalid, every, Step::signing_key,
         replaced_by(octets(accomplice.signing_key)));
}

TEST_F(BadFrameOfInsider, OfANumberThatIsNone) {
  for (const unsigned format : {0x0000u, 0x0006u, 0x0a0au, 0xffffu}) {
    breaks("CODEC-20", Error::wire_format_unknown, every, Step::wire_format,
           replaced_by(model::number(format, 2)));
  }
  breaks("CODEC-21", Error::message_version, every, Step::version, replaced_by(model::number(2, 2)));
  breaks("CODEC-14", Error::content_type_unknown, in_the_open, Step::content_type, replaced_by({4}));
  breaks("CODEC-14", Error::content_type_unknown, sealed, Step::sent_content_type, replaced_by({0}));
  breaks("CODEC-15", Error::sender_type_unknown, in_the_open, Step::sender, replaced_at(0, {5}));
  breaks("CODEC-12", Error::trailing_bytes, every, Step::message, extended());
}

TEST_F(BadFrameOfInsider, WithALengthThatIsNotWrittenAsShortAsItCan) {
  const auto breaks_by = [this](const char* ids, Error error, const Octets& header) {
    breaks(ids, error, in_the_open, Step::group_id, replaced_by(header + group));
    breaks(ids, error, sealed, Step::sent_group_id, replaced_by(header + group));
  };
  breaks_by("CODEC-04", Error::varint_not_minimal, {0x40, 5});
  breaks_by("CODEC-05", Error::varint_not_minimal, {0x80, 0, 0, 5});
  breaks_by("CODEC-06", Error::varint_prefix, {0xc0, 0, 0, 0, 0, 0, 0, 5});
}

// ---- signature and tags

TEST_F(BadFrameOfInsider, WithAnotherSignature) {
  for (const Change& change : {flipped(), flipped(0), shortened(), extended(), left_out()}) {
    breaks("FRAME-23", Error::message_signature_invalid, every, Step::signature, inside(change));
    breaks("FRAME-34", Error::message_signature_invalid, sealed, Step::signature, inside(change));
  }
}

TEST_F(BadFrameOfInsider, SignedForSomethingElse) {
  const Error error = Error::message_signature_invalid;
  breaks("FRAME-12", error, in_the_open, Step::signed_wire_format, replaced_by(model::number(2, 2)));
  breaks("FRAME-12", error, sealed, Step::signed_wire_format, replaced_by(model::number(1, 2)));
  breaks("FRAME-35", error, sealed, Step::signed_authenticated_data, inside(flipped()));
  breaks("", error, every, Step::signed_group_context, flipped());
  breaks("", error, every, Step::signed_group_context, left_out());
  breaks("", error, every, Step::signed_epoch, flipped());
  breaks("", error, every, Step::signed_group_id, inside(flipped()));
  breaks("", error, every, Step::signed_version, flipped());
  breaks("", error, every, Step::signed_content, flipped());
}

TEST_F(BadFrameOfInsider, WithAnotherMembershipTag) {
  const Error error = Error::membership_tag_invalid;
  breaks("FRAME-28", error, in_the_open, Step::membership_tag, inside(flipped()));
  breaks("FRAME-54", error, in_the_open, Step::membership_tag, inside(left_out()));
  breaks("FRAME-54", error, in_the_open, Step::membership_tag, inside(shortened()));
  breaks("FRAME-54", error, in_the_open, Step::membership_tag, inside(extended()));
  breaks("FRAME-54", Error::truncated, in_the_open, Step::membership_tag, left_out());
  const Octets past = means_of(traitor).membership_key;
  ASSERT_TRUE(go_on(in_public));
  breaks("FRAME-29", error, in_the_open, Step::membership_key, replaced_by(past));
  breaks("", error, in_the_open, Step::tagged_content, flipped());
}

TEST_F(BadFrameOfInsider, WithAnotherConfirmationTag) {
  const Error error = Error::confirmation_tag_invalid;
  breaks("FRAME-25", error, commits, Step::confirmation_tag, inside(flipped()));
  breaks("FRAME-25, FRAME-55", error, commits, Step::confirmation_tag, inside(left_out()));
  breaks("FRAME-25, FRAME-55", error, commits, Step::confirmation_tag, inside(shortened()));
  breaks("FRAME-25, FRAME-55", error, commits, Step::confirmation_tag, inside(extended()));
  breaks("FRAME-53", Error::truncated, {&public_commit, 1}, Step::confirmation_tag, left_out());
  // In a PrivateMessage the padding is taken for it.
  breaks("FRAME-53", error, {&private_commit, 1}, Step::confirmation_tag, left_out());
  const Change one = replaced_by(model::vector(random_octets(32)));
  breaks("FRAME-52", Error::trailing_bytes, {&public_proposal, 1}, Step::confirmation_tag, one);
  // In a PrivateMessage it would be padding.
  breaks("FRAME-52", Error::padding_not_zero, {&private_proposal, 1}, Step::confirmation_tag, one);
  breaks("FRAME-52", Error::padding_not_zero, {&application, 1}, Step::confirmation_tag, one);
}

TEST_F(BadFrameOfInsider, WithApplicationDataInTheOpen) {
  hear();
  const Octets said = content(ContentType::application);
  refuse("FRAME-02", Error::application_in_public_message,
         message({in_public, ContentType::application}, said, {}), all,
         [&] { return genuine(application, said); });
}

// ---- PrivateMessage

TEST_F(BadFrameOfInsider, WithPaddingThatIsNotZero) {
  for (const Octets& padding : {Octets{1}, Octets{0, 0, 0x80}, Octets{1, 0}}) {
    breaks("PAD-04", Error::padding_not_zero, std::span(sealed).first(2), Step::padding,
           replaced_by(padding));
    breaks("PAD-02", Error::padding_not_zero, {&application, 1}, Step::padding, replaced_by(padding));
  }
}

TEST_F(BadFrameOfInsider, WithAHeaderThatWasChanged) {
  const Error error = Error::content_not_authentic;
  breaks("FRAME-33", error, sealed, Step::sent_authenticated_data, inside(flipped()));
  breaks("FRAME-33", error, sealed, Step::sent_authenticated_data, inside(left_out()));
  for (const Octets& header :
       {model::vector("other") + model::number(now(), 8), model::vector(group) + Octets(8)}) {
    breaks("FRAME-33", error, sealed, Step::content_aad, replaced_at(0, header));
  }
  // A Commit as a proposal, and the other way round.
  breaks("FRAME-33", error, {&private_commit, 1}, Step::sent_content_type, replaced_by({2}));
  breaks("FRAME-33", error, {&private_proposal, 1}, Step::sent_content_type, replaced_by({3}));
  breaks("", Error::sender_data_not_authentic, sealed, Step::sender_data_aad, flipped());
}

TEST_F(BadFrameOfInsider, WithSenderDataThatWereChanged) {
  breaks("FRAME-48", Error::sender_data_not_authentic, sealed, Step::encrypted_sender_data,
         inside(flipped()));
  breaks("FRAME-48", Error::sender_data_not_authentic, sealed, Step::sender_data_secret,
         replaced_by(random_octets(32)));
  breaks("FRAME-49", Error::sender_data_length, sealed, Step::sender_data, extended());
  breaks("FRAME-49", Error::sender_data_length, sealed, Step::sender_data, shortened());
  breaks("", Error::content_not_authentic, sealed, Step::sender_data, flipped());  // the reuse guard
}

TEST_F(BadFrameOfInsider, UnderAnotherKey) {
  for (const auto& [kind, other] : {std::pair(private_proposal, RatchetType::application),
                                    std::pair(application, RatchetType::handshake)}) {
    hear();
    breaks("FRAME-41", Error::content_not_authentic, {&kind, 1}, Step::message_key,
           [&, other = other](const Octets&) { return next_message_key(traitor, other).key; });
  }
  breaks("", Error::content_not_authentic, sealed, Step::message_key, flipped());
}

// No forgery takes the genuine message's key.
TEST_F(BadFrameOfInsider, WithACiphertextThatWasChanged) {
  for (const Change& change : {flipped(), flipped(0), shortened(), extended()}) {
    breaks("FRAME-50, PRIV-06", Error::content_not_authentic, sealed, Step::ciphertext, change);
  }
}

TEST_F(BadFrameOfInsider, OfAGenerationThatIsTooFar) {
  for (const std::uint32_t generation : {1100u, 1u << 31, UINT32_MAX}) {
    breaks("SECTREE-09", Error::generation_too_far, sealed, Step::sender_data,
           replaced_at(4, model::number(generation, 4)));
  }
}

TEST_F(BadFrameOfInsider, ThatComesAgain) {
  for (const Kind kind : {private_proposal, application}) {
    hear();
    const Octets said = content(kind.type), sent = message(kind, said, {});
    ASSERT_TRUE(deliver(sent, traitor.name));
    spend(traitor, ratchet_of(kind.type));
    const Octets next = content(kind.type);
    refuse("SECTREE-06", Error::generation_gone, sent, all, [&] { return genuine(kind, next); });
  }
  // A Commit is of an epoch that is over.
  for (const Kind kind : commits) {
    const Octets sent = message(kind, {}, {});
    ASSERT_TRUE(go_on(kind.format));
    hear();
    refuse("FRAME-09", Error::epoch_past, sent, all, [&] { return go_on(kind.format); });
  }
}

}  // namespace
}  // namespace tacet
