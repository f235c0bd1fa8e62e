// What external senders propose, and clients that ask to be added (RFC 9420, 12.1.8).

#include "evidence.h"
#include "members.h"

namespace tacet {
namespace {

using adversary::add_of;
using adversary::extensions_of;
using adversary::external_psk_of;
using adversary::remove_of;
using evidence::refused;
using evidence::shows;

class ExternalProposalTest : public GroupTest {
 protected:
  // An external_senders extension, as a GroupContext has it; the data lies in `senders`.
  Extension listed(const std::vector<const Member*>& whom) {
    Octets list;
    for (const Member* each : whom) {
      list = list + model::vector(each->signature_key) + model::number(1, 2) + model::vector(each->name);
    }
    senders.push_back(std::make_unique<Octets>(model::vector(list)));
    return {ExtensionType::external_senders, *senders.back()};
  }
  void make_group_with(std::vector<const Member*> whom, std::uint32_t size = 3) {
    make_group(size);
    const Extension extension = listed(whom);
    encoded.resize(1 << 10);
    const Result<Extensions> list = encode_list(std::span<const Extension>(&extension, 1), encoded);
    ASSERT_TRUE(list.ok());
    send(members[0]->commit(with(extensions_of(list.value()))), *members[0]);
    members[0]->group.adopt_pending();
  }

  Octets propose(Member& outside, Sender sender, const Proposal& proposal) {
    const GroupContext& context = members[0]->group.state().context();
    KeySigner signer = outside.signer();
    Message message;
    outside.error = propose_from_outside(outside.client(), signer,
                                         {sender, context.group_id, context.epoch, proposal}, message);
    return model::octets(message.bytes);
  }
  static Sender external(std::uint32_t index) { return {SenderType::external, {}, index}; }
  static constexpr Sender new_member = {SenderType::new_member_proposal, {}, 0};

  // To all members.
  void deliver(const Octets& message) {
    for (const auto& each : members) {
      if (each->group.is_active()) {
        ASSERT_EQ(each->receive(message), Error::none);
      }
    }
  }

  Member first{"first", random}, second{"second", random};  // outside
  std::vector<std::unique_ptr<Octets>> senders;
  Octets encoded;
};

TEST_F(ExternalProposalTest, EachTypeThatIsAllowedIsCommitted) {
  for (const std::uint32_t size : {2u, 2u, 3u, 3u, 5u, 5u, 8u, 8u, 17u, 17u}) {  // in both formats
    SCOPED_TRACE(size);
    const bool is_public = format == WireFormat::public_message;
    format = is_public ? WireFormat::private_message : WireFormat::public_message;
    members.clear();
    make_group_with({&first, &second}, size);
    for (const auto& member : members) member->psks.known["agreed"] = model::octets("a key");
    Member joiner("joiner", random);
    const Octets key_package = joiner.publish();
    const Extension extension = listed({&first, &second});
    Octets room(1 << 10);
    const Result<Extensions> list = encode_list(std::span<const Extension>(&extension, 1), room);
    ASSERT_TRUE(list.ok());
    const Proposal reinit = adversary::reinit_of(bytes_of("successor"));
    const Proposal all[] = {add_of(key_package), external_psk_of("agreed"), extensions_of(list.value()),
                            remove_of(LeafIndex{size}), reinit};
    std::uint32_t by = 0;
    for (const Proposal& proposal : all) {
      SCOPED_TRACE(static_cast<int>(proposal.type));
      by = 1 - by;
      Member& sender = by == 0 ? first : second;
      const Octets sent = propose(sender, external(by), proposal);
      ASSERT_EQ(sender.error, Error::none);
      MlsMessage decoded;
      ASSERT_EQ(decode(Bytes(sent), decoded), Error::none);
      EXPECT_EQ(decoded.wire_format, WireFormat::public_message);
      deliver(sent);
      const Octets commit = members[1]->commit();
      ASSERT_EQ(members[1]->error, Error::none);
      const Record& record = *members[1]->group.pending_record();
      ASSERT_EQ(record.changes().size(), 1u);
      EXPECT_EQ(record.changes()[0].proposer.type, SenderType::external);
      EXPECT_EQ(record.changes()[0].proposer.sender_index, by);
      members[1]->group.adopt_pending();
      send(commit, *members[1]);
      if (proposal.type != ProposalType::reinit) expect_agreement();
    }
  }
  shows("EXTPROP-01, EXTPROP-05");
}

TEST_F(ExternalProposalTest, WhatOnlyMembersMayIsNotSent) {
  make_group_with({&first});
  Proposal init;
  init.type = ProposalType::external_init;
  propose(first, external(0), init);
  refused("", Error::external_proposal_type, first.error);
  Proposal update;
  update.type = ProposalType::update;
  propose(first, external(0), update);
  refused("", Error::update_not_of_member, first.error);
  propose(first, new_member, remove_of(LeafIndex{1}));
  refused("", Error::new_member_proposal_content, first.error);
}

TEST_F(ExternalProposalTest, AClientAsksToBeAdded) {
  for (const WireFormat each : {WireFormat::private_message, WireFormat::public_message}) {
    format = each;
    members.clear();
    make_group(3);
    Member& joiner = member("J");
    const Octets asked = propose(joiner, new_member, add_of(joiner.publish()));
    ASSERT_EQ(joiner.error, Error::none);
    deliver(asked);
    EXPECT_EQ(members[2]->heard.event, Event::proposal);
    EXPECT_EQ(members[2]->heard.sender.type, SenderType::new_member_proposal);
    const Octets commit = members[2]->commit();
    ASSERT_EQ(members[2]->error, Error::none);
    const Octets welcome = members[2]->welcome();
    members[2]->group.adopt_pending();
    send(commit, *members[2]);
    ASSERT_EQ(joiner.join(welcome), Error::none);
    expect_agreement();
  }
  shows("EXTPROP-11");
}

TEST_F(ExternalProposalTest, ThePolicySaysWhoMayPropose) {
  make_group_with({&first});
  Member& joiner = member("J");
  const Octets asked = propose(joiner, new_member, add_of(joiner.publish()));
  const Octets removes = propose(first, external(0), remove_of(LeafIndex{2}));
  members[1]->policy.forbidden = ProposalType::add;
  const auto plain = members[1]->memory.contents();
  const Error seen = members[1]->receive(asked);
  const bool equal = members[1]->memory.contents() == plain;
  EXPECT_TRUE(equal);
  EXPECT_EQ(members[1]->receive(removes), Error::none);
  members[1]->policy.forbidden = {};
  const Error after = members[1]->receive(asked);
  refused("EXTPROP-06", Error::proposal_not_permitted, seen,
          {.state_equal = equal, .genuine_accepted = after == Error::none});
  // Nor does a Commit that covers it pass.
  ASSERT_EQ(members[0]->receive(asked), Error::none);
  const Octets commit = members[0]->commit();
  ASSERT_EQ(members[0]->error, Error::none);
  members[1]->policy.forbidden = ProposalType::add;
  const Error covered = members[1]->receive(commit);
  members[1]->policy.forbidden = {};
  const Error genuine = members[1]->receive(commit);
  EXPECT_EQ(genuine, Error::none);
  refused("EXTPROP-06", Error::proposal_not_permitted, covered, {false, genuine == Error::none});
}

TEST_F(ExternalProposalTest, WhoIsNotListedAnyMoreMayNotPropose) {
  make_group_with({&first, &second});
  const Extension extension = listed({&second});
  Octets room(1 << 10);
  const Result<Extensions> list = encode_list(std::span<const Extension>(&extension, 1), room);
  ASSERT_TRUE(list.ok());
  commit_by(*members[1]);
  send(members[0]->commit(with(extensions_of(list.value()))), *members[0]);
  members[0]->group.adopt_pending();
  const auto is_refused = [&](Error error, const Octets& bad, const Octets& genuine) {
    Member& receiver = *members[2];
    const auto plain = receiver.memory.contents(), secrets = receiver.secret_memory.contents();
    const Error seen = receiver.receive(bad);
    const bool equal = receiver.memory.contents() == plain && receiver.secret_memory.contents() == secrets;
    EXPECT_TRUE(equal);
    const Error after = receiver.receive(genuine);
    refused("EXTPROP-08", error, seen, {.state_equal = equal, .genuine_accepted = after == Error::none});
  };
  const Octets genuine = propose(second, external(0), remove_of(LeafIndex{1}));
  is_refused(Error::message_signature_invalid, propose(first, external(0), remove_of(LeafIndex{1})), genuine);
  is_refused(Error::external_sender_absent, propose(second, external(1), remove_of(LeafIndex{1})), genuine);
}

}  // namespace
}  // namespace tacet
