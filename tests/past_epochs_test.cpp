// Application data that comes late (RFC 9420, 9.2): of epochs that are over, held against their own members.

#include "protocol/past_epochs.h"

#include "evidence.h"
#include "members.h"
#include "spec/adversary/committer.h"

namespace tacet {
namespace {

using adversary::add_of;
using adversary::Builder, adversary::Framed, adversary::Means, adversary::OpenMessageKey;
using adversary::remove_of;
using evidence::refused;
using evidence::shows;
using model::octets;

// Members keep two past epochs, unless a test says otherwise.
class PastEpochsTest : public GroupTest {
 protected:
  void make_group_of(std::size_t size, std::uint32_t kept = 2) {
    for (std::size_t i = 0; i < size; ++i) {
      member(std::string(1, static_cast<char>('A' + i))).limits.past_epochs = kept;
    }
    at(0).create(group_id);
    for (std::size_t i = 1; i < size; ++i) add(at(i));
  }
  Member& at(std::size_t i) { return *members[i]; }

  void add(adversary::Device& newcomer) {
    commit_of(0, add_of(newcomer.publish()));
    for (const auto& each : members) {
      if (!each->group.is_active() && each.get() == &newcomer) adversary::must(each->join(welcome));
    }
  }
  // Of one proposal; all members and the insider follow.
  void commit_of(std::size_t who, const Proposal& proposal) { follow(who, at(who).commit(with(proposal))); }
  void commit(std::size_t who) { follow(who, at(who).commit()); }
  void follow(std::size_t who, const Octets& message) {
    ASSERT_EQ(at(who).error, Error::none);
    welcome = at(who).welcome();
    at(who).group.adopt_pending();
    send(message, at(who));
    if (insider.epoch) adversary::must(insider.receive(message));
  }

  void expect_heard(Member& by, const Octets& message, const std::string& from, std::uint64_t epoch) {
    ASSERT_EQ(by.receive(message), Error::none) << by.name;
    EXPECT_EQ(by.heard.event, Event::application);
    EXPECT_EQ(by.heard.epoch, epoch);
    EXPECT_EQ(by.text(), "from " + from);
    const Bytes identity = by.heard.sender_leaf.credential.body;
    EXPECT_EQ(std::string(identity.begin(), identity.end()), from);
  }
  Octets said(std::size_t who) { return at(who).say("from " + at(who).name); }
  std::uint64_t epoch() { return at(0).group.state().context().epoch; }

  // A member that gives away all that it knows of an epoch.
  void add_insider() {
    add(insider);
    adversary::must(insider.join(welcome));
  }
  struct Betrayed {
    Means means;
    std::uint64_t epoch;
    OpenMessageKey key;
  };
  Betrayed betray(LeafIndex sender, std::uint32_t generation = 0) {
    PeekedKey peeked;
    SecretTree& tree = insider.epoch->member.secret_tree();
    adversary::must(tree.peek(insider.crypto, sender, RatchetType::application, generation, peeked));
    const MessageKey& key = peeked.message_key();
    Betrayed all{means_of(insider),
                 insider.epoch->state.context().epoch,
                 {octets(key.key), octets(key.nonce), key.generation}};
    tree.drop(peeked);
    return all;
  }
  // A message of that epoch and sender that somebody else has signed.
  Octets forged(Betrayed betrayed, LeafIndex sender, const Secret& signing_key) {
    betrayed.means.signing_key = octets(signing_key);
    const Framed framed = {group_id, betrayed.epoch,           {SenderType::member, sender, 0},
                           {},       ContentType::application, model::vector("forged")};
    return Builder(insider.crypto, betrayed.means).private_message(framed, betrayed.key, 0);
  }
  // What A and C are asked to take as B's is refused; the genuine is taken after it.
  void refuse(Error error, const Octets& bad, const Octets& genuine, std::uint64_t sent_in) {
    for (Member* const each : {&at(0), &at(2)}) {
      const auto memory = each->memory.contents(), secrets = each->secret_memory.contents();
      const Error seen = each->receive(bad);
      const bool equal = memory == each->memory.contents() && secrets == each->secret_memory.contents();
      EXPECT_TRUE(equal) << each->name;
      expect_heard(*each, genuine, "B", sent_in);
      refused("FRAME-56", error, seen, {.state_equal = equal, .genuine_accepted = !HasFailure()});
    }
  }
  // From then on nothing that comes from B takes memory.
  void hear() {
    const Octets message = said(1);
    for (Member* const each : {&at(0), &at(2)}) adversary::must(each->receive(message));
  }

  Octets welcome;
  Endpoint insider{"insider", random};
};

TEST_F(PastEpochsTest, IsReadAsLongAsItsEpochIsKept) {
  for (const std::uint32_t kept : {0u, 1u, 2u, 5u}) {
    SCOPED_TRACE(kept);
    members.clear();
    make_group_of(3, kept);
    const std::uint64_t sent_in = epoch();
    std::vector<Octets> late;
    for (std::uint32_t i = 0; i <= kept; ++i) late.push_back(said(1));
    for (std::uint32_t i = 0; i < kept; ++i) {
      commit(i % 3);
      expect_heard(at(2), late[i], "B", sent_in);
      refused("", Error::generation_gone, at(2).receive(late[i]));
    }
    commit(0);
    refused("FRAME-08", Error::epoch_past, at(2).receive(late[kept]));
    expect_agreement();
  }
  shows("SECTREE-12, PRIV-05");
}

// Lost, doubled and in any order, across epochs.
TEST_F(PastEpochsTest, ComesInAnyOrder) {
  make_group_of(4, 3);
  struct Sent {
    Octets message;
    std::string from;
    std::uint64_t epoch;
  };
  std::vector<Sent> sent;
  for (std::size_t round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < 30; ++i) {
      const std::size_t who = i % 3;
      sent.push_back({said(who), at(who).name, epoch()});
    }
    commit(round);
  }
  adversary::SeededRandom order(5);
  for (std::size_t i = sent.size(); i > 1; --i) std::swap(sent[i - 1], sent[order.below(i)]);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if (i % 7 == 3) continue;  // lost
    expect_heard(at(3), sent[i].message, sent[i].from, sent[i].epoch);
    const std::size_t again = order.below(i / 7 + 1) * 7;
    refused("", Error::generation_gone, at(3).receive(sent[again].message));
    if (HasFailure()) return;
  }
  expect_agreement();
}

TEST_F(PastEpochsTest, IsOfWhoHadTheLeafThen) {
  make_group_of(3);
  add_insider();
  hear();
  const std::uint64_t then = epoch();
  const Octets genuine[] = {said(1), said(1)};
  const LeafIndex leaf = at(1).group.own_leaf();
  const Betrayed first = betray(leaf, 1), second = betray(leaf, 2);
  commit_of(0, remove_of(leaf));
  refuse(Error::message_signature_invalid, forged(first, leaf, insider.signing_key), genuine[0], then);

  Member& next = member("next");
  next.limits.past_epochs = 2;
  add(next);
  ASSERT_EQ(next.group.own_leaf(), leaf);
  refuse(Error::message_signature_invalid, forged(second, leaf, next.signing_key), genuine[1], then);
}

TEST_F(PastEpochsTest, IsSignedByTheKeyOfThen) {
  make_group_of(3);
  add_insider();
  const std::uint64_t then = epoch();
  hear();
  const Octets genuine = said(1);
  const LeafIndex leaf = at(1).group.own_leaf();
  const Betrayed betrayed = betray(leaf, 1);
  const Octets old_leaf = octets(at(1).group.state().tree().encoded(leaf));
  LeafNode fields = at(1).group.state().tree().leaf(leaf);
  Octets new_key(32);
  Secret new_signing_key;
  adversary::must(insider.crypto.generate_signature_key_pair(new_signing_key, new_key));
  fields.signature_key = new_key;
  KeySigner new_signer(at(1).crypto, new_signing_key);
  CommitOptions wanted;
  wanted.leaf = {&fields, &new_signer};
  follow(1, at(1).commit(wanted));
  refuse(Error::message_signature_invalid, forged(betrayed, leaf, new_signing_key), genuine, then);
  EXPECT_EQ(octets(at(0).heard.sender_leaf.encoded), old_leaf);
}

// Nobody was there, or the tree was not so wide.
TEST_F(PastEpochsTest, IsOfNobodyWhoCameLater) {
  make_group_of(3);
  add_insider();
  const std::uint64_t then = epoch();
  const Octets genuine[] = {said(1), said(1)};
  Betrayed betrayed = betray(LeafIndex{1});
  Member& late = member("late");
  add(late);
  ASSERT_EQ(late.group.own_leaf(), LeafIndex{4});
  refuse(Error::sender_not_member, forged(betrayed, LeafIndex{4}, late.signing_key), genuine[0], then);
  commit_of(0, remove_of(LeafIndex{4}));
  refuse(Error::sender_not_member, forged(betrayed, LeafIndex{4}, insider.signing_key), genuine[1], then);
}

TEST_F(PastEpochsTest, IsOfALeafThatTheTreeHasNoMore) {
  make_group_of(5);
  const std::uint64_t then = epoch();
  const Octets genuine = said(4);
  commit(0);
  commit_of(0, remove_of(LeafIndex{4}));
  ASSERT_EQ(at(0).group.state().tree().size().leaves(), 4u);
  expect_heard(at(0), genuine, "E", then);
  expect_heard(at(3), genuine, "E", then);
}

// The room that is asked for is that of the larger GroupContext.
TEST_F(PastEpochsTest, IsHeldAgainstTheGroupContextOfThen) {
  make_group_of(2);
  const Octets much(3000, 1);
  const Octets data = model::vector(adversary::encoded(ExternalSender{much, {CredentialType::basic, much}}));
  const Octets list = model::vector(adversary::encoded(Extension{ExtensionType::external_senders, data}));
  Extensions some, none;
  ASSERT_EQ(decode(Bytes(list), some), Error::none);
  commit_of(0, adversary::extensions_of(some));
  const std::uint64_t then = epoch();
  const Octets late = said(1);
  commit_of(0, adversary::extensions_of(none));
  expect_heard(at(0), late, "B", then);
}

// Nothing but application data is of use.
TEST_F(PastEpochsTest, IsNoHandshake) {
  for (const WireFormat each : {WireFormat::private_message, WireFormat::public_message}) {
    format = each;
    members.clear();
    make_group_of(3);
    const Octets proposal = at(1).propose_update();
    const Octets commit_of_another = at(2).commit();
    commit(0);
    for (const Octets& late : {proposal, commit_of_another}) {
      refused("", Error::epoch_past, at(0).receive(late));
    }
    expect_agreement();
  }
}

TEST_F(PastEpochsTest, IsReadInAGroupThatWasClosed) {
  make_group_of(3);
  const std::uint64_t then = epoch();
  const Octets late = said(1), too_late = said(1);
  commit_of(0, adversary::reinit_of(bytes_of("the next group")));
  ASSERT_TRUE(at(2).group.is_closed());
  expect_heard(at(2), late, "B", then);
  shows("APP-07");
  refused("", Error::generation_gone, at(2).receive(late));
  at(2).say("more");
  refused("", Error::group_closed, at(2).error);
}

TEST_F(PastEpochsTest, KeysGoWhenTheEpochGoes) {
  make_group_of(3);
  add_insider();
  const Octets late = said(1);
  const Betrayed first = betray(LeafIndex{1}), second = betray(LeafIndex{1}, 1);
  ASSERT_EQ(at(2).receive(said(1)), Error::none);  // which leaves the first one's key
  const Octets kept[] = {first.key.key, first.means.sender_data_secret};
  for (int i = 0; i < 2; ++i) {
    commit(0);
    for (const Octets& each : kept) EXPECT_TRUE(at(2).secret_memory.holds(each));
    EXPECT_FALSE(at(2).secret_memory.holds(second.key.key));
  }
  for (const Octets& each : kept) at(2).secret_memory.must_not_be_released(each);
  commit(0);
  for (const Octets& each : kept) EXPECT_FALSE(at(2).secret_memory.holds(each));
  EXPECT_EQ(at(2).secret_memory.released_secrets(), 0u);
  refused("", Error::epoch_past, at(2).receive(late));
}

TEST_F(PastEpochsTest, WhatIsReadIsErasedAndWhoIsRemovedKeepsNothing) {
  make_group_of(3);
  add_insider();
  const Octets late = said(1);
  const Betrayed betrayed = betray(LeafIndex{1});
  ASSERT_EQ(at(2).receive(said(1)), Error::none);
  commit(0);
  EXPECT_TRUE(at(2).secret_memory.holds(betrayed.key.key));
  ASSERT_EQ(at(2).stage(late), Error::none);
  EXPECT_TRUE(at(2).secret_memory.holds(betrayed.key.key));
  at(2).group.drop();
  expect_heard(at(2), late, "B", betrayed.epoch);
  EXPECT_FALSE(at(2).secret_memory.holds(betrayed.key.key));
  EXPECT_TRUE(at(2).secret_memory.holds(betrayed.means.sender_data_secret));
  commit_of(0, remove_of(at(2).group.own_leaf()));
  EXPECT_FALSE(at(2).secret_memory.holds(betrayed.means.sender_data_secret));
}

TEST_F(PastEpochsTest, LiveMemoryDoesNotGrowWithTheNumberOfEpochs) {
  make_group_of(4, 4);
  std::size_t live = 0, secret = 0;
  for (int i = 0; i < 60; ++i) {
    for (std::size_t who = 0; who < 4; ++who) send(said(who), at(who));
    commit(0);
    if (i == 20) live = at(1).memory.live(), secret = at(1).secret_memory.live();
  }
  EXPECT_LE(at(1).memory.live(), live);
  EXPECT_EQ(at(1).secret_memory.live(), secret);
}

TEST_F(PastEpochsTest, AFullMemoryLeavesAGroupWhereItWas) {
  format = WireFormat::public_message;  // of a PrivateMessage the room for its sender would stay
  make_group_of(4);
  const Octets late = said(1);
  for (int round = 0; round < 2; ++round) {
    const Octets commit = round == 0 ? at(0).commit(with(remove_of(LeafIndex{3}))) : at(0).commit();
    Member& c = at(2);
    for (TestMemory* full : {&c.memory, &c.secret_memory}) {
      for (std::size_t call = 0;; ++call) {
        const auto memory = c.memory.contents(), secrets = c.secret_memory.contents();
        full->fail_at(full->calls() + call);
        const Error error = c.stage(commit);
        full->fail_at(SIZE_MAX);
        c.group.drop();
        if (error == Error::none) break;  // its Record is kept
        ASSERT_EQ(error, Error::out_of_memory);
        EXPECT_TRUE(c.memory.contents() == memory && c.secret_memory.contents() == secrets) << call;
      }
    }
    at(0).group.adopt_pending();
    send(commit, at(0));
  }
  expect_heard(at(2), late, "B", epoch() - 2);
}

}  // namespace
}  // namespace tacet
