// Clients that join from outside, by a Commit of their own (RFC 9420, 12.4.3.2). In the test build, so that a
// client can make Commits that it would refuse to make.

#include <algorithm>

#include "evidence.h"
#include "members.h"
#include "protocol/observer.h"
#include "protocol/refuse.h"

namespace tacet {
namespace {

using adversary::encoded;
using adversary::external_psk_of;
using adversary::remove_of;
using evidence::refused;
using evidence::shows;

class ExternalJoinTest : public GroupTest {
 protected:
  ~ExternalJoinTest() override { switch_all_on(); }

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

  // Nothing of a member has changed, and the genuine Commit is still accepted.
  void members_refuse(const char* ids, Error error, const Octets& bad, const Octets& genuine) {
    for (const auto& each : members) {
      if (!each->group.is_active()) continue;
      const auto plain = each->memory.contents(), secrets = each->secret_memory.contents();
      const Error seen = each->receive(bad);
      const bool equal = each->memory.contents() == plain && each->secret_memory.contents() == secrets;
      EXPECT_TRUE(equal);
      const Error after = each->stage(genuine);
      each->group.drop();
      EXPECT_EQ(after, Error::none);
      refused(ids, error, seen, {.state_equal = equal, .genuine_accepted = after == Error::none});
    }
  }

  // The Commit of a client that does not keep a rule; what it covers beside its ExternalInit is given.
  Octets dishonest(
      Member& joiner, const Octets& group_info, Error rule, std::vector<Proposal> covered,
      const std::function<void(Proposal&)>& init_changes = [](Proposal&) {}) {
    MlsMessage decoded;
    std::optional<Epoch> epoch;
    Octets kem_output(32);
    Proposal init;
    Secret init_secret;
    const Client client = joiner.client();
    joiner.publish();
    KeyPackage own;
    EXPECT_EQ(decode(Bytes(joiner.key_package), own), Error::none);
    EXPECT_EQ(decode(Bytes(group_info), decoded), Error::none);
    EXPECT_EQ(stand_outside(client, decoded.group_info, {}, true, epoch), Error::none);
    EXPECT_EQ(make_external_init(joiner.crypto, decoded.group_info, kem_output, init, init_secret),
              Error::none);
    init_changes(init);
    covered.insert(covered.begin(), init);
    Octets list;
    for (const Proposal& each : covered) {
      ProposalOrRef entry;
      entry.type = ProposalOrRefType::proposal;
      entry.proposal = each;
      list = list + encoded(entry);
    }
    NewCommit wanted;
    EXPECT_EQ(List<ProposalOrRef>::parse(list, wanted.proposals), Error::none);
    wanted.leaf = &own.leaf_node;
    OwnCommit made(client, *epoch);
    KeySigner signer = joiner.signer();
    switch_off(rule);
    EXPECT_EQ(
        create_external_commit(client, joiner.psks, signer, *epoch, wanted, std::move(init_secret), made),
        Error::none);
    switch_all_on();
    return octets(made.message);
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
  // Members hold it against its leaf as well.
  joiner.supported.extensions = {&registered, 1};
  Member& honest = member("Y");
  honest.supported.extensions = {&registered, 1};
  const Octets genuine = honest.join_from_outside(info);
  ASSERT_EQ(honest.error, Error::none);
  joiner.supported.extensions = {};
  joiner.publish();
  const Octets without = joiner.key_package;
  KeyPackage own;
  ASSERT_EQ(decode(Bytes(without), own), Error::none);
  joiner.supported.extensions = {&registered, 1};
  switch_off(Error::group_extension_unlisted);
  const Octets bad = joiner.join_from_outside(info, {.leaf = own.leaf_node.encoded});
  switch_all_on();
  ASSERT_EQ(joiner.error, Error::none);
  members_refuse("EXTCOMMIT-27", Error::group_extension_unlisted, bad, genuine);
}

// ---- what members refuse

TEST_F(ExternalJoinTest, OnlyAFormerLeafOfItsOwnIsRemoved) {
  make_group(4);
  Member& joiner = member("X");
  Member& honest = member("Y");
  const Octets info = members[0]->group_info(open), genuine = honest.join_from_outside(info);
  members_refuse("EXTCOMMIT-14", Error::successor_refused,
                 dishonest(joiner, info, Error::successor_refused, {remove_of(LeafIndex{3})}), genuine);
}

TEST_F(ExternalJoinTest, KeysAreInTheGroupOnce) {
  make_group(3);
  Member& thief = member("X");
  thief.signing_key = adversary::copy_of(members[1]->signing_key);
  thief.signature_key = members[1]->signature_key;
  Member& honest = member("Y");
  const Octets info = members[0]->group_info(open), genuine = honest.join_from_outside(info);
  members_refuse("EXTCOMMIT-17", Error::signature_key_repeated,
                 dishonest(thief, info, Error::signature_key_repeated, {}), genuine);
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

// One of its draws of 32 bytes, counted from when it is set, is the same every time.
class PinnedRandom final : public Random {
 public:
  explicit PinnedRandom(Random& of) : of_(of) {}
  Error fill(MutableBytes out) noexcept override {
    if (count_++ != pin_ || out.size() != 32) return of_.fill(out);
    std::fill(out.begin(), out.end(), std::uint8_t{7});
    return Error::none;
  }
  void pin(std::size_t draw) { pin_ = draw, count_ = 0; }

 private:
  Random& of_;
  std::size_t pin_ = SIZE_MAX, count_ = 0;
};

Octets leaf_key_of(const Octets& commit) {
  MlsMessage decoded;
  EXPECT_EQ(decode(Bytes(commit), decoded), Error::none);
  return model::octets(decoded.public_message.content.commit.path->leaf_node.encryption_key);
}

// The draw that a Commit's leaf key comes from: with it pinned, two Commits have the same.
std::size_t draw_of_leaf_key(PinnedRandom& random, const std::function<Octets()>& commit) {
  for (std::size_t draw = 0; draw < 100; ++draw) {
    random.pin(draw);
    const Octets once = leaf_key_of(commit());
    random.pin(draw);
    if (leaf_key_of(commit()) == once) return draw;
  }
  ADD_FAILURE() << "no draw is that of the leaf";
  return 0;
}

TEST_F(ExternalJoinTest, ALeafThatIsReplacedLeavesNoKeyBehind) {
  PinnedRandom pinned(random);
  format = WireFormat::public_message;
  make_group(3);
  Member former("F", pinned);
  former.policy.format = format;
  take(former, former.join_from_outside(members[0]->group_info(open)));
  const auto commit = [&] {
    const Octets made = former.commit();
    former.group.drop_pending();
    return made;
  };
  pinned.pin(draw_of_leaf_key(pinned, commit));
  const Octets last = former.commit();
  send(last, former);
  former.group.adopt_pending();
  expect_agreement();

  Member back("F", pinned);
  back.signing_key = adversary::copy_of(former.signing_key);
  back.signature_key = former.signature_key;
  const Octets info = members[0]->group_info(open);
  const auto come_back = [&] {
    return dishonest(back, info, Error::none, {remove_of(former.group.own_leaf())});
  };
  pinned.pin(draw_of_leaf_key(pinned, come_back));
  const Octets bad = come_back();
  ASSERT_EQ(leaf_key_of(bad), leaf_key_of(last));
  members_refuse("EXTCOMMIT-15", Error::encryption_key_unchanged, bad, come_back());
}

TEST_F(ExternalJoinTest, AnotherInitSecretIsNotConfirmed) {
  make_group(3);
  Member& joiner = member("X");
  Member& honest = member("Y");
  const Octets info = members[0]->group_info(open), genuine = honest.join_from_outside(info);
  Octets another(32);
  Secret unused;
  ASSERT_EQ(joiner.crypto.generate_key_pair(unused, another), Error::none);
  const auto with = [&](const Octets& kem_output) {
    return dishonest(joiner, info, Error::none, {},
                     [&](Proposal& init) { init.external_init.kem_output = kem_output; });
  };
  members_refuse("EXTCOMMIT-25", Error::confirmation_tag_invalid, with(another), genuine);
  members_refuse("EXTCOMMIT-25", Error::kem_output_length, with(Octets(31, 9)), genuine);
  members_refuse("EXTCOMMIT-25", Error::kem_low_order, with(Octets(32)), genuine);
}

}  // namespace
}  // namespace tacet
