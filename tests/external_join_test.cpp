// Clients that join from outside, by a Commit of their own (RFC 9420, 12.4.3.2). What members refuse of them
// is in group_refusal_external_test.

#include <algorithm>

#include "evidence.h"
#include "members.h"
#include "protocol/observer.h"

namespace tacet {
namespace {

using adversary::encoded;
using adversary::external_psk_of;
using adversary::remove_of;
using evidence::refused;
using evidence::shows;

class ExternalJoinTest : public GroupTest {
 protected:
  static constexpr GroupInfoOptions open = {.external_pub = true},
                                    open_without_tree = {.tree_inline = false, .external_pub = true};

  // The delivery service takes it: all members have the Commit, and the joiner is in the group.
  void take(Member& joiner, const Octets& commit) {
    ASSERT_EQ(joiner.error, Error::none);
    EXPECT_FALSE(joiner.group.is_active());
    send(commit, joiner);
    EXPECT_EQ(joiner.receive(commit), Error::none);
    EXPECT_EQ(joiner.heard.event, Event::own_commit);
    EXPECT_TRUE(joiner.group.is_active());
  }

  // A client with the name and the signature key of one who has lost all else.
  Member& again(Member& lost) {
    Member& who = member(lost.name);
    who.signing_key = adversary::copy_of(lost.signing_key);
    who.signature_key = lost.signature_key;
    return who;
  }

  static Octets octets(Bytes bytes) { return model::octets(bytes); }
};

TEST_F(ExternalJoinTest, AnybodyMayJoinFromOutside) {
  for (const WireFormat each : {WireFormat::private_message, WireFormat::public_message}) {
    format = each;
    for (const std::size_t size : {1u, 2u, 3u, 4u, 5u, 8u}) {
      members.clear();
      make_group(size);
      Member& first = member("X");
      take(first, first.join_from_outside(members[0]->group_info(open)));
      EXPECT_EQ(first.group.own_leaf(), LeafIndex{static_cast<std::uint32_t>(size)});
      expect_agreement();
      Member& second = member("Y");
      const Octets info = first.group_info(open_without_tree);
      EXPECT_TRUE(second.join_from_outside(info).empty());
      EXPECT_EQ(second.error, Error::tree_absent);
      take(second, second.join_from_outside(info, {}, first.tree()));
      expect_agreement();
      commit_by(second);
      commit_by(*members[0]);
      expect_agreement();
    }
  }
  shows("EXTCOMMIT-01, EXTCOMMIT-06, EXTCOMMIT-20, EXTCOMMIT-22, EXTCOMMIT-23, EXTCOMMIT-24");
}

TEST_F(ExternalJoinTest, TheLeftmostBlankLeafIsTaken) {
  make_group(5);
  send(members[4]->commit(with(remove_of(LeafIndex{1}))), *members[4]);
  members[4]->group.adopt_pending();
  Member& joiner = member("X");
  take(joiner, joiner.join_from_outside(members[3]->group_info(open)));
  EXPECT_EQ(joiner.group.own_leaf(), LeafIndex{1});
  EXPECT_EQ(joiner.group.state().tree().size().leaves(), 8u);
  const LeafNode leaf = members[0]->group.state().tree().leaf(LeafIndex{1});
  Octets work(leaf_node_work_size(leaf, {group_id, LeafIndex{2}}).value());
  EXPECT_EQ(verify_leaf_node(joiner.crypto, leaf, {group_id, LeafIndex{1}}, work), Error::none);
  EXPECT_NE(verify_leaf_node(joiner.crypto, leaf, {group_id, LeafIndex{2}}, work), Error::none);
  expect_agreement();
  shows("EXTCOMMIT-20, EXTCOMMIT-21");
}

// With the signature key that it had: its former leaf goes first.
TEST_F(ExternalJoinTest, WhoHasLostItsStateComesBack) {
  for (const WireFormat each : {WireFormat::private_message, WireFormat::public_message}) {
    format = each;
    for (const std::uint32_t index : {0u, 1u, 3u, 4u}) {
      members.clear();
      make_group(5);
      for (const auto& every : {0, 1, 2}) commit_by(*members[static_cast<std::size_t>(every)]);
      Member& lost = *members[index];
      Member& back = again(lost);
      const Octets commit = back.join_from_outside(members[2]->group_info(open), {.replaces = true});
      take(back, commit);
      EXPECT_FALSE(lost.group.is_active()) << "it was removed";
      EXPECT_EQ(back.group.own_leaf(), LeafIndex{index});
      EXPECT_EQ(back.group.state().tree().members(), 5u);
      expect_agreement();
      commit_by(*members[2]);
      expect_agreement();
    }
  }
  shows("EXTCOMMIT-16, EXTCOMMIT-20");
}

TEST_F(ExternalJoinTest, PsksComeWithIt) {
  make_group(3);
  Member& joiner = member("X");
  for (const auto& each : members) {
    each->psks.known["one"] = model::octets("a key");
    each->psks.known["two"] = model::octets("another key");
  }
  const std::vector<Proposal> psks = {external_psk_of("one"), external_psk_of("two")};
  take(joiner, joiner.join_from_outside(members[1]->group_info(open), {.psks = psks}));
  EXPECT_EQ(joiner.heard.record.changes().size(), 3u);
  expect_agreement();
  shows("EXTCOMMIT-19");
}

TEST_F(ExternalJoinTest, AnothersCommitMayComeFirst) {
  make_group(3);
  Member& joiner = member("X");
  const Octets info = members[0]->group_info(open);
  const Octets late = joiner.join_from_outside(info);
  ASSERT_EQ(joiner.error, Error::none);
  joiner.join_from_outside(info);
  refused("", Error::commit_pending, joiner.error);
  refused("", Error::group_inactive, joiner.receive(members[0]->say("hello")));
  commit_by(*members[1]);
  for (std::size_t i = 0; i < 3; ++i) {
    refused("EXTCOMMIT-26", Error::epoch_past, members[i]->receive(late));
  }
  EXPECT_GT(joiner.secret_memory.live(), 0u);
  joiner.group.drop_pending();
  EXPECT_EQ(joiner.secret_memory.live(), 0u);
  take(joiner, joiner.join_from_outside(members[2]->group_info(open)));
  expect_agreement();
  joiner.join_from_outside(info);
  refused("", Error::group_active, joiner.error);
}

TEST_F(ExternalJoinTest, NothingElseBeginsWhileItWaits) {
  make_group(3);
  Member& joiner = member("X");
  const Octets own = joiner.join_from_outside(members[0]->group_info(open));
  ASSERT_EQ(joiner.error, Error::none);
  members[1]->commit(with(adversary::add_of(joiner.publish())));  // whose Commit is not taken
  const Octets welcome = members[1]->welcome();
  members[1]->group.drop_pending();
  KeyPackage leaf;
  ASSERT_EQ(decode(Bytes(joiner.key_package), leaf), Error::none);
  const auto plain = joiner.memory.contents(), secrets = joiner.secret_memory.contents();
  const Error joined = joiner.join(welcome);
  const Error created = joiner.group.create(group_id, {}, leaf.leaf_node.encoded,
                                            adversary::copy_of(joiner.keys.encryption_key));
  const bool equal = joiner.memory.contents() == plain && joiner.secret_memory.contents() == secrets;
  EXPECT_TRUE(equal);
  refused("", Error::commit_pending, joined, {.state_equal = equal});
  refused("", Error::commit_pending, created, {.state_equal = equal});
  take(joiner, own);
  expect_agreement();
}

TEST_F(ExternalJoinTest, AnObserverSeesWhoJoins) {
  make_group(2);
  Member& joiner = member("X");
  Member& outside = member("O");
  Observer observer(outside.client());
  const Octets info = members[0]->group_info(open);
  ASSERT_EQ(observer.start(info, {}), Error::none);
  const Octets commit = joiner.join_from_outside(info);
  Octets room(observer.process_size(commit).value());
  Received seen(outside.memory);
  EXPECT_EQ(observer.process(commit, room, seen), Error::none);
  EXPECT_EQ(seen.record.committer().type, SenderType::new_member_commit);
  EXPECT_EQ(seen.record.committer_leaf(), LeafIndex{2});
  EXPECT_TRUE(seen.record.leaf_before().empty());
  take(joiner, commit);
  EXPECT_TRUE(equal(observer.state().group_context(), joiner.group.state().group_context()));
}

// A client with new keys that does not remove its former leaf: which the RFC permits (12.4.3.2).
TEST_F(ExternalJoinTest, AClientMayBeThereTwiceForAWhile) {
  make_group(3);
  Member& former = *members[1];
  Member& twice = member("B");
  take(twice, twice.join_from_outside(members[0]->group_info(open)));
  expect_agreement();
  Member& joiner = member("C2");
  const Octets commit = members[2]->commit(with(adversary::add_of(joiner.publish())));
  const Octets welcome = members[2]->welcome();
  members[2]->group.adopt_pending();
  send(commit, *members[2]);
  ASSERT_EQ(joiner.join(welcome), Error::none);
  expect_agreement();
  const Octets gone = twice.commit(with(remove_of(former.group.own_leaf())));
  ASSERT_EQ(twice.error, Error::none);
  twice.group.adopt_pending();
  send(gone, twice);
  EXPECT_FALSE(former.group.is_active());
  expect_agreement();
  members[0]->commit(with(adversary::add_of(former.publish())));
  EXPECT_EQ(members[0]->error, Error::client_repeated) << "as it is there once";
}

// ---- what the joiner refuses

TEST_F(ExternalJoinTest, AGroupInfoIsJudgedAsThatOfAWelcome) {
  make_group(3);
  Member& joiner = member("X");
  const Octets info = members[0]->group_info(open), genuine = info;
  const auto is_refused = [&](const char* ids, Error error, const Octets& bad, const Octets& tree = {},
                              const ExternalOptions& wanted = {}) {
    const auto plain = joiner.memory.contents(), secrets = joiner.secret_memory.contents();
    joiner.join_from_outside(bad, wanted, tree);
    const Error seen = joiner.error;
    const bool equal = joiner.memory.contents() == plain && joiner.secret_memory.contents() == secrets;
    EXPECT_TRUE(equal);
    joiner.policy.in_group.clear();
    joiner.join_from_outside(genuine);
    EXPECT_EQ(joiner.error, Error::none);
    refused(ids, error, seen, {.state_equal = equal, .genuine_accepted = joiner.error == Error::none});
    joiner.group.drop_pending();
  };
  is_refused("EXTCOMMIT-02", Error::external_pub_absent, members[0]->group_info());
  Octets forged = info;
  forged.back() ^= 1;
  is_refused("EXTCOMMIT-03", Error::group_info_signature_invalid, forged);
  const Octets apart = members[0]->group_info(open_without_tree);
  Octets other = members[0]->tree();
  other.back() ^= 1;
  is_refused("EXTCOMMIT-05", Error::tree_hash_mismatch, apart, other);
  is_refused("", Error::not_a_group_info, members[0]->say("hello"));
  is_refused("", Error::former_leaf_absent, info, {}, {.replaces = true});
  joiner.policy.in_group = group_id;
  is_refused("EXTCOMMIT-04", Error::group_known, info);
  // A client that it does not believe, one who is in the group.
  joiner.policy.disbelieved = members[1]->signature_key;
  joiner.join_from_outside(info);
  refused("", Error::credential_refused, joiner.error);
}

TEST_F(ExternalJoinTest, WhatTheGroupUsesIsSupported) {
  const ExtensionType registered{0xf001};
  const Extension extension = {registered, bytes_of("data")};
  Member& founder = member("A");
  founder.supported.extensions = {&registered, 1};
  founder.create(group_id, {&extension, 1});
  Member& joiner = member("X");
  const Octets info = founder.group_info(open);
  joiner.join_from_outside(info);
  refused("EXTCOMMIT-27", Error::extension_unsupported, joiner.error);
}

}  // namespace
}  // namespace tacet
