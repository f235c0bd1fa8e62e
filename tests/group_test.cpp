#include "protocol/observer.h"

#include <memory>

#include "evidence.h"
#include "members.h"

namespace tacet {
namespace {

using adversary::add_of;
using adversary::remove_of;
using evidence::refused;
using evidence::shows;
using model::octets;
using Entry = ProposalCache::Entry;

TEST_F(GroupTest, MembersAgreeAndHearEachOther) {
  for (const WireFormat each : {WireFormat::private_message, WireFormat::public_message}) {
    format = each;
    for (const std::size_t size : {2u, 3u, 4u, 5u, 9u}) {
      members.clear();
      make_group(size);
      expect_agreement();
      for (std::size_t i = 0; i < size; ++i) commit_by(*members[i]);
      expect_agreement();
      const Octets gone = members[0]->commit(with(remove_of(LeafIndex{1})));
      members[0]->group.adopt_pending();
      send(gone, *members[0]);
      EXPECT_FALSE(members[1]->group.is_active());
      expect_agreement();
    }
  }
  shows("APP-02, APP-05");
}

// [FRAME-03]
TEST_F(GroupTest, HandshakesArePrivateUnlessThePolicySaysOtherwise) {
  make_group(2);
  MlsMessage sent;
  const Octets commit = members[0]->commit();
  ASSERT_EQ(decode(Bytes(commit), sent), Error::none);
  EXPECT_EQ(sent.wire_format, WireFormat::private_message);
  const Octets proposal = members[1]->propose(remove_of(LeafIndex{0}));
  ASSERT_EQ(decode(Bytes(proposal), sent), Error::none);
  EXPECT_EQ(sent.wire_format, WireFormat::private_message);
  shows("FRAME-03");

  members[0]->group.drop_pending();
  members[0]->policy.format = WireFormat::public_message;
  const Octets in_public = members[0]->commit();
  ASSERT_EQ(decode(Bytes(in_public), sent), Error::none);
  EXPECT_EQ(sent.wire_format, WireFormat::public_message);
  members[1]->policy.only_own_format = true;
  refused("", Error::wire_format_not_accepted, members[1]->receive(in_public));
  members[1]->policy.only_own_format = false;
  EXPECT_EQ(members[1]->receive(in_public), Error::none);
}

TEST_F(GroupTest, OnesOwnCommitIsAdoptedWhenItComesBack) {
  for (const WireFormat each : {WireFormat::private_message, WireFormat::public_message}) {
    format = each;
    members.clear();
    make_group(3);
    const Octets commit = members[0]->commit();
    EXPECT_EQ(members[0]->receive(commit), Error::none);
    EXPECT_EQ(members[0]->heard.event, Event::own_commit);
    EXPECT_EQ(members[0]->heard.record.epoch(), 2u);
    EXPECT_FALSE(members[0]->group.has_pending());
    send(commit, *members[0]);
    EXPECT_EQ(members[1]->heard.event, Event::commit);
    expect_agreement();
  }
  // Without what was kept it cannot be known.
  const Octets commit = members[0]->commit();
  members[0]->group.drop_pending();
  refused("COMMIT-26", Error::own_commit_unknown, members[0]->receive(commit));
}

// Proposals that come while it waits move those that it covers.
TEST_F(GroupTest, OnesOwnCommitTellsWhatItCoversWhenItComesBack) {
  make_group(2);
  const Octets first = members[1]->propose_update();
  ASSERT_EQ(members[0]->receive(first), Error::none);
  const Octets covered = octets(members[0]->heard.proposal);
  const Octets commit = members[0]->commit();
  for (int i = 0; i < 32; ++i) send(members[1]->propose_update(), *members[1]);
  ASSERT_EQ(members[0]->receive(commit), Error::none);
  const Record& record = members[0]->heard.record;
  ASSERT_EQ(record.changes().size(), 1u);
  EXPECT_EQ(octets(record.changes()[0].proposal), covered);
  EXPECT_EQ(record.changes()[0].leaf, LeafIndex{1});
}

TEST_F(GroupTest, AnothersCommitWins) {
  make_group(3);
  const Octets won = members[0]->commit();
  const Octets lost = members[1]->commit();
  EXPECT_EQ(members[1]->receive(won), Error::none);
  EXPECT_EQ(members[1]->heard.event, Event::commit);
  EXPECT_FALSE(members[1]->group.has_pending());
  members[0]->group.adopt_pending();
  EXPECT_EQ(members[2]->receive(won), Error::none);
  refused("", Error::epoch_past, members[2]->receive(lost));
  expect_agreement();
}

TEST_F(GroupTest, WhatIsDroppedHasNotHappened) {
  make_group(3);
  const Octets commit = members[0]->commit();
  const Octets before = members[1]->authenticator();
  EXPECT_EQ(members[1]->stage(commit), Error::none);
  EXPECT_EQ(members[1]->authenticator(), before);
  members[1]->group.drop();
  EXPECT_EQ(members[1]->authenticator(), before);
  EXPECT_EQ(members[1]->receive(commit), Error::none);
  EXPECT_NE(members[1]->authenticator(), before);
}

// Also of one who has a Commit that waits.
// Or it could begin the same epoch as the one that was dropped, and its Welcome would repeat key and nonce.
TEST_F(GroupTest, ASecondCommitOfAnEpochHasAPath) {
  make_group(3);
  members[0]->psks.known["psk"] = Octets(32, 7);
  const Proposal psk = adversary::external_psk_of("psk");
  const auto has_path = [&] {
    const Octets commit = members[0]->commit({.proposals = {&psk, 1}, .with_path = false});
    EXPECT_FALSE(commit.empty());
    const Record& record = *members[0]->group.pending_record();
    return !equal(record.leaf_before(), record.leaf_after());
  };
  EXPECT_FALSE(has_path());
  members[0]->group.drop_pending();
  EXPECT_TRUE(has_path());
  members[0]->group.adopt_pending();
  EXPECT_FALSE(has_path());
}

TEST_F(GroupTest, WhoIsRemovedKeepsNothing) {
  make_group(3);
  members[1]->commit();
  const Octets commit = members[0]->commit(with(remove_of(LeafIndex{1})));
  EXPECT_EQ(members[1]->receive(commit), Error::none);
  EXPECT_EQ(members[1]->heard.event, Event::removed);
  EXPECT_FALSE(members[1]->group.is_active());
  EXPECT_FALSE(members[1]->group.has_pending());
  members[1]->say("still here");
  refused("PRIV-10", Error::group_inactive, members[1]->error);
  SecretView psk;
  EXPECT_EQ(members[1]->group.resumption_psk(1, psk), Error::psk_unknown);
}

TEST_F(GroupTest, ApplicationDataWaitsForProposalsToBeCommitted) {
  make_group(3);
  const std::uint64_t epoch = members[0]->group.state().context().epoch;
  send(members[1]->propose_update(), *members[1]);
  members[0]->say("too early");
  refused("COMMIT-02", Error::proposals_wait, members[0]->error);
  commit_by(*members[0]);
  const Octets message = members[0]->say("in the new epoch");
  ASSERT_EQ(members[0]->error, Error::none);
  MlsMessage sent;
  ASSERT_EQ(decode(Bytes(message), sent), Error::none);
  EXPECT_EQ(sent.private_message.epoch, epoch + 1);
  expect_agreement();
  shows("SECTREE-13, APP-01");
}

TEST_F(GroupTest, ACommitCoversWhatWaitsAsFarAsItCan) {
  make_group(5);
  send(members[1]->propose_update(), *members[1]);
  send(members[1]->propose_update(), *members[1]);                  // counts
  send(members[2]->propose_update(), *members[2]);                  // is overruled
  send(members[3]->propose(remove_of(LeafIndex{2})), *members[3]);  // counts
  send(members[4]->propose(remove_of(LeafIndex{0})), *members[4]);  // is not for the committer
  Member& joiner = member("F");
  const Octets key_package = joiner.publish();
  send(members[3]->propose(add_of(key_package)), *members[3]);  // counts
  send(members[4]->propose(add_of(key_package)), *members[4]);  // is the same client once more
  EXPECT_EQ(members[0]->group.state().proposals().size(), 7u);
  members[0]->commit();
  ASSERT_EQ(members[0]->error, Error::none);
  const Record& record = *members[0]->group.pending_record();
  ASSERT_EQ(record.changes().size(), 3u);
  EXPECT_EQ(record.changes()[0].type, ProposalType::update);
  EXPECT_EQ(record.changes()[0].leaf, LeafIndex{1});
  const Entry* const second = members[0]->group.state().proposals().begin() + 1;
  EXPECT_TRUE(equal(record.changes()[0].proposal, members[0]->group.state().proposals().proposal(*second)));
  EXPECT_EQ(record.changes()[1].type, ProposalType::remove);
  EXPECT_EQ(record.changes()[1].leaf, LeafIndex{2});
  EXPECT_EQ(record.changes()[1].proposer.leaf_index, LeafIndex{3});
  EXPECT_EQ(record.changes()[2].type, ProposalType::add);
  shows("PLIST-07, COMMIT-03");
}

TEST_F(GroupTest, AReInitIsNotPreferred) {
  make_group(2);
  const Proposal reinit = adversary::reinit_of(group_id);
  send(members[1]->propose(reinit), *members[1]);
  send(members[1]->propose_update(), *members[1]);
  members[0]->commit();
  ASSERT_EQ(members[0]->error, Error::none);
  ASSERT_EQ(members[0]->group.pending_record()->changes().size(), 1u);
  EXPECT_EQ(members[0]->group.pending_record()->changes()[0].type, ProposalType::update);
  shows("REINIT-05");
}

// What is not valid does not stand before it.
TEST_F(GroupTest, AReInitIsCoveredIfNothingElseCanBe) {
  make_group(3);
  const Proposal reinit = adversary::reinit_of(group_id);
  const Octets not_believed = member("D").publish();
  for (const bool is_permitted : {true, false}) {
    send(members[1]->propose(reinit), *members[1]);
    send(members[1]->propose(add_of(not_believed)), *members[1]);
    members[0]->policy.disbelieved = members[3]->signature_key;
    if (!is_permitted) members[0]->policy.forbidden = ProposalType::reinit;
    members[0]->commit();
    ASSERT_EQ(members[0]->error, Error::none);
    const Record& record = *members[0]->group.pending_record();
    ASSERT_EQ(record.changes().size(), is_permitted ? 1u : 0u);
    if (is_permitted) {
      EXPECT_EQ(record.changes()[0].type, ProposalType::reinit);
    }
    members[0]->group.drop_pending();
  }
}

TEST_F(GroupTest, TheFirstLeafCanBeUpdatedByAProposal) {
  make_group(3);
  const Octets before = octets(members[1]->group.state().tree().encoded(LeafIndex{0}));
  send(members[0]->propose_update(), *members[0]);
  commit_by(*members[1]);
  EXPECT_NE(octets(members[1]->group.state().tree().encoded(LeafIndex{0})), before);
  expect_agreement();
  shows("PROP-10");
}

TEST_F(GroupTest, AnUpdateThatIsNotSentLeavesNoKey) {
  make_group(2);
  members[0]->limits.cached_proposals = 1;
  send(members[0]->propose_update(), *members[0]);
  for (int i = 0; i < 2; ++i) {  // the first may make room
    const auto before = members[0]->secret_memory.contents();
    members[0]->propose_update();
    refused("", Error::too_many_proposals, members[0]->error);
    if (i != 0) {
      EXPECT_TRUE(members[0]->secret_memory.contents() == before);
    }
  }
}

TEST_F(GroupTest, ThePolicyIsAskedBeforeAnybodyIsAdded) {
  make_group(2);
  Member& joiner = member("C");
  const Octets key_package = joiner.publish();
  members[0]->policy.disbelieved = joiner.signature_key;
  EXPECT_TRUE(members[0]->propose(add_of(key_package)).empty());
  refused("CRED-06", Error::credential_refused, members[0]->error);
  members[0]->commit(with(add_of(key_package)));
  refused("CRED-06", Error::credential_refused, members[0]->error);
  members[0]->policy.disbelieved.clear();

  const Octets commit = members[0]->commit(with(add_of(key_package)));
  members[1]->policy.now = 3000;  // the KeyPackage is not current any more
  refused("LEAF-25", Error::lifetime_not_current, members[1]->receive(commit), {false, true});
  members[1]->policy.now = 0;
  EXPECT_EQ(members[1]->receive(commit), Error::none);
  members[1]->policy.forbidden = ProposalType::remove;
  members[1]->propose(remove_of(LeafIndex{0}));
  refused("", Error::proposal_not_permitted, members[1]->error);
}

// What is done at the wrong time, or with a message of another kind.
TEST_F(GroupTest, VerbsHaveTheirTime) {
  make_group(2);
  Member& joiner = member("C");
  const Octets commit = members[0]->commit(with(add_of(joiner.publish())));
  const Octets welcome = members[0]->welcome();
  members[0]->commit();
  refused("", Error::commit_pending, members[0]->error);
  EXPECT_EQ(members[0]->group.pending_commit().size(), commit.size());
  KeySigner by = joiner.signer();
  EXPECT_EQ(joiner.group.commit(by, {}), Error::group_inactive);

  refused("", Error::not_a_welcome, joiner.join(commit));
  EXPECT_EQ(joiner.join(welcome), Error::none);
  refused("", Error::group_active, joiner.join(welcome));
  refused("", Error::group_active, joiner.group.create(group_id, {}, {}, {}));
  Octets room(welcome.size());
  refused("", Error::not_a_group_message, joiner.group.stage(welcome, room, joiner.heard));
}

TEST_F(GroupTest, WhatMayNotBeProposedIsNotTaken) {
  format = WireFormat::public_message;
  make_group(2);
  const Octets info = members[0]->group_info();
  const Octets proposal = members[0]->propose(remove_of(LeafIndex{1}));
  members[1]->policy.forbidden = ProposalType::remove;
  refused("", Error::proposal_not_permitted, members[1]->receive(proposal));
  EXPECT_EQ(members[1]->group.state().proposals().size(), 0u);
  members[1]->policy.forbidden = {};
  EXPECT_EQ(members[1]->receive(proposal), Error::none);

  Member& outside = member("O");
  Observer observer(outside.client());
  Received seen(outside.memory);
  refused("", Error::not_a_group_info, observer.start(proposal, {}));
  EXPECT_EQ(observer.process_size(proposal).error(), Error::group_inactive);
  ASSERT_EQ(observer.start(info, {}), Error::none);
  Octets room(observer.process_size(proposal).value());
  refused("", Error::not_a_public_message, observer.process_size(info).error());
  refused("", Error::not_a_public_message, observer.process(info, room, seen));
  outside.policy.forbidden = ProposalType::remove;
  refused("", Error::proposal_not_permitted, observer.process(proposal, room, seen));
  EXPECT_EQ(observer.state().proposals().size(), 0u);
  outside.policy.forbidden = {};
  EXPECT_EQ(observer.process(proposal, room, seen), Error::none);
}

TEST_F(GroupTest, WhoMayNotCommitDoesNotCommit) {
  format = WireFormat::public_message;
  make_group(2);
  Member& outside = member("O");
  Observer observer(outside.client());
  ASSERT_EQ(observer.start(members[0]->group_info(), {}), Error::none);
  const Octets from_member = members[0]->commit();
  members[0]->group.drop_pending();
  const Octets from_outside = outside.join_from_outside(members[0]->group_info({.external_pub = true}));
  ASSERT_EQ(outside.error, Error::none);

  struct Kind {
    SenderType sender;
    const Octets& forbidden;
    const Octets& permitted;
  };
  const Kind kinds[] = {{SenderType::member, from_member, from_outside},
                        {SenderType::new_member_commit, from_outside, from_member}};
  Received seen(outside.memory);
  for (const auto& [sender, forbidden, permitted] : kinds) {
    members[1]->policy.may_not_commit = sender;
    outside.policy.may_not_commit = sender;
    refused("", Error::committer_not_permitted, members[1]->receive(forbidden));
    EXPECT_EQ(members[1]->stage(permitted), Error::none);
    members[1]->group.drop();
    Octets room(observer.process_size(forbidden).value());
    refused("", Error::committer_not_permitted, observer.process(forbidden, room, seen));
  }
  members[0]->policy.may_not_commit = SenderType::member;
  members[0]->commit();
  refused("", Error::committer_not_permitted, members[0]->error);
  EXPECT_FALSE(members[0]->group.has_pending());
  members[1]->policy.may_not_commit = {};
  EXPECT_EQ(members[1]->receive(from_outside), Error::none);
}

TEST_F(GroupTest, AKeyPackageIsUsedOnceUnlessItIsOfLastResort) {
  make_group(1);
  for (const bool last_resort : {false, true}) {
    Member& joiner = member(last_resort ? "B" : "C");
    joiner.last_resort = last_resort;
    const Octets key_package = joiner.publish();
    members[0]->commit(with(add_of(key_package)));
    const Octets welcome = members[0]->welcome();
    members[0]->group.adopt_pending();
    EXPECT_EQ(joiner.join(welcome), Error::none);
    EXPECT_EQ(joiner.keys.init_key.empty(), !last_resort);
    OwnKeyPackage again;
    KeyPackage decoded;
    ASSERT_EQ(decode(Bytes(key_package), decoded), Error::none);
    Digest reference;
    ASSERT_EQ(key_package_ref(joiner.crypto, decoded, reference), Error::none);
    EXPECT_EQ(joiner.find(reference, again), last_resort);
  }
  shows("KP-02, KP-21, PRIV-13");
}

// In two groups at once, by the Welcome of each.
TEST_F(GroupTest, AKeyPackageOfLastResortIsUsedTwice) {
  for (const bool last_resort : {false, true}) {
    members.clear();
    Member& joiner = member("J");
    joiner.last_resort = last_resort;
    const Octets key_package = joiner.publish();
    Group second(joiner.client(), joiner.psks);
    for (Group* const group : {&joiner.group, &second}) {
      Member& founder = member("F");
      founder.create(model::octets(group == &second ? "second" : "first"));
      founder.commit(with(add_of(key_package)));
      ASSERT_EQ(founder.error, Error::none);
      const Octets welcome = founder.welcome();
      founder.group.adopt_pending();
      const Error error = group->join(welcome, {}, joiner);
      if (group == &second && !last_resort) {
        refused("", Error::group_secrets_absent, error);
        continue;
      }
      ASSERT_EQ(error, Error::none);
      EXPECT_EQ(octets(group->epoch_authenticator()), founder.authenticator());
    }
  }
  shows("KP-02");
}

TEST_F(GroupTest, ResumptionPsksArePastAfterAWhile) {
  make_group(2);
  for (int i = 0; i < 5; ++i) commit_by(*members[0]);  // now epoch 6, which keeps 2 to 6
  const Octets old = members[0]->commit(with(adversary::resumption_psk_of(group_id, 2)));
  ASSERT_EQ(members[0]->error, Error::none);
  members[0]->group.adopt_pending();
  EXPECT_EQ(members[1]->receive(old), Error::none);
  expect_agreement();
  members[0]->commit(with(adversary::resumption_psk_of(group_id, 2)));
  refused("", Error::psk_unknown, members[0]->error);
  shows("KEYSCHED-27");
}

TEST_F(GroupTest, NoncesOfPsksAndGroupIdsAreDrawn) {
  make_group(2);
  for (const auto& each : members) each->psks.known["agreed"] = octets(bytes_of("a key"));
  std::vector<Octets> nonces;
  for (int i = 0; i < 2; ++i) {
    send(members[0]->propose(adversary::external_psk_of("agreed")), *members[0]);
    Proposal proposal;
    const ProposalCache& waiting = members[0]->group.state().proposals();
    ASSERT_EQ(decode(waiting.proposal(waiting.begin()[i]), proposal), Error::none);
    nonces.push_back(octets(proposal.pre_shared_key.psk.psk_nonce));
    EXPECT_EQ(nonces.back().size(), 32u);
  }
  EXPECT_NE(nonces[0], nonces[1]);
  commit_by(*members[1]);
  expect_agreement();
  Member& first = member("X");
  Member& second = member("Y");
  first.create({});
  second.create({});
  EXPECT_EQ(first.group.state().context().group_id.size(), 32u);
  EXPECT_FALSE(equal(first.group.state().context().group_id, second.group.state().context().group_id));
  shows("PROP-16, CREATE-06");
}

TEST_F(GroupTest, TheFirstEpochHasAGroupInfo) {
  make_group(1);
  const Octets info = members[0]->group_info();
  ASSERT_EQ(members[0]->error, Error::none);
  MlsMessage decoded;
  ASSERT_EQ(decode(Bytes(info), decoded), Error::none);
  EXPECT_EQ(decoded.group_info.group_context.epoch, 0u);
  EXPECT_TRUE(equal(decoded.group_info.confirmation_tag, members[0]->group.state().confirmation_tag()));
  Member& outside = member("O");
  Observer observer(outside.client());
  EXPECT_EQ(observer.start(info, {}), Error::none);
  shows("CREATE-08");
}

TEST_F(GroupTest, AnObserverFollowsWithoutSecrets) {
  format = WireFormat::public_message;
  make_group(3);
  const Octets info = members[1]->group_info();
  ASSERT_EQ(members[1]->error, Error::none);
  MlsMessage decoded;
  ASSERT_EQ(decode(Bytes(info), decoded), Error::none);
  EXPECT_TRUE(equal(decoded.group_info.confirmation_tag, members[0]->group.state().confirmation_tag()));
  shows("WELCOME-32");

  Member& outside = member("O");
  Observer observer(outside.client());
  ASSERT_EQ(observer.start(info, {}), Error::none);
  Received seen(outside.memory);
  const auto watch = [&](const Octets& message) {
    Octets room(observer.process_size(message).value());
    return observer.process(message, room, seen);
  };
  const Octets update = members[2]->propose_update();
  send(update, *members[2]);
  EXPECT_EQ(watch(update), Error::none);
  const Octets commit = members[0]->commit();
  members[0]->group.adopt_pending();
  send(commit, *members[0]);
  EXPECT_EQ(watch(commit), Error::none);
  EXPECT_EQ(seen.event, Event::commit);
  ASSERT_EQ(seen.record.changes().size(), 1u);
  EXPECT_EQ(seen.record.changes()[0].leaf, LeafIndex{2});
  EXPECT_TRUE(equal(observer.state().group_context(), members[0]->group.state().group_context()));
  Digest of_observer, of_member;
  EXPECT_EQ(observer.state().membership_fingerprint(outside.crypto, of_observer), Error::none);
  EXPECT_EQ(members[1]->group.membership_fingerprint(of_member), Error::none);
  EXPECT_TRUE(equal(of_observer, of_member));
}

}  // namespace
}  // namespace tacet
