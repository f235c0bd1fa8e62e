// Groups through a provider: every flow of a group in both wire formats, for sizes around the powers of two;
// and histories from seeds, in which nobody comes, goes or changes unseen.

#include "spec/adversary/scenario.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "protocol/observer.h"

namespace tacet {
namespace {

using adversary::ClientId;
using adversary::Deed;
using adversary::Done;
using adversary::Kept;
using adversary::Kind;
using adversary::Octets;
using adversary::registered_extension;
using adversary::registered_proposal;
using adversary::Scenario;

Octets octets_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

// A group of all clients of a scenario, who are all live if they are few.
class Flows : public ::testing::TestWithParam<std::tuple<WireFormat, std::size_t>> {
 protected:
  static constexpr std::size_t all_live = 17;

  // Half of them are added by value, with the tree in the Welcome; then the others by reference, with the
  // tree apart.
  void SetUp() override {
    for (ClientId who = 0; who < size; ++who) {
      const bool is_live = size <= all_live || who < 2 || who == size / 2 || who == last;
      static_cast<void>(is_live ? scenario.live() : scenario.passive());
    }
    scenario.create(0);
    const ClientId half = (size + 1) / 2;
    std::vector<Proposal> adds;
    for (ClientId who = 1; who < half; ++who) adds.push_back(scenario.add(who));
    if (!adds.empty()) {
      ASSERT_TRUE(scenario.commit(0, adds));
    }
    scenario.deliver();
    for (ClientId who = half; who < size; ++who) {
      ASSERT_TRUE(scenario.propose(scenario.active().back(), scenario.add(who)));
    }
    scenario.deliver();
    CommitOptions apart;
    apart.tree_inline = false;
    ASSERT_TRUE(scenario.commit(0, {}, apart));
    scenario.check();
    ASSERT_EQ(scenario.member(0).group.state().tree().members(), size);
  }

  // After each flow all agree and read each other.
  void TearDown() override { scenario.check(); }

  // Commits one proposal, by value, or by reference to what another proposes if there is another, and sees
  // that all members have seen so.
  void commit(const Proposal& proposal, bool by_reference, CommitOptions wanted = {}) {
    if (by_reference) {
      ASSERT_TRUE(scenario.propose(scenario.active().back(), proposal));
    }
    scenario.deliver();
    const std::size_t by_value = by_reference ? 0 : 1;
    ASSERT_TRUE(scenario.commit(0, {&proposal, by_value}, wanted));
    scenario.deliver();
    for (const ClientId who : scenario.active()) {
      const Record& record = scenario.member(who).heard.record;
      if (record.epoch() != epoch()) continue;  // it made it, or joined by it
      ASSERT_EQ(record.changes().size(), 1u);
      EXPECT_EQ(record.changes()[0].type, proposal.type);
      EXPECT_EQ(record.changes()[0].by_reference, by_reference);
    }
  }

  Group& group(ClientId who) { return scenario.member(who).group; }
  std::uint64_t epoch() { return group(0).state().context().epoch; }

  const std::size_t size = std::get<1>(GetParam());
  const ClientId last = size - 1;
  Scenario scenario{{size, std::get<0>(GetParam()), 0, {}}};
};

INSTANTIATE_TEST_SUITE_P(, Flows,
                         ::testing::Combine(::testing::Values(WireFormat::private_message,
                                                              WireFormat::public_message),
                                            ::testing::Values(2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33)));

TEST_P(Flows, MembersComeAndGo) {
  for (const bool by_reference : {false, true}) {
    commit(scenario.remove(last, 0), by_reference);
    EXPECT_FALSE(group(last).is_active());
    scenario.check();
    CommitOptions wanted;
    wanted.tree_inline = by_reference;
    commit(scenario.add(last), !by_reference, wanted);
    EXPECT_TRUE(group(last).is_active());
    scenario.check();
  }
}

TEST_P(Flows, WhatElseCanBeProposed) {
  const Octets body = {1, 2, 3};
  const Extension extension[] = {{registered_extension, body}};
  for (const bool by_reference : {false, true}) {
    for (const bool with_path : {false, true}) {
      CommitOptions wanted;
      wanted.with_path = with_path;
      commit(adversary::external_psk_of(adversary::shared_psks[0]), by_reference, wanted);
      const Record& record = scenario.member(last).heard.record;
      EXPECT_EQ(equal(record.leaf_before(), record.leaf_after()), !with_path);
      commit(adversary::resumption_psk_of(scenario.group_id(), epoch() - 1), by_reference, wanted);
      commit(scenario.extensions(extension), by_reference, wanted);
      EXPECT_EQ(group(last).state().context().extensions.count(), 1u);
      commit(scenario.extensions({}), by_reference, wanted);
      EXPECT_EQ(group(last).state().context().extensions.count(), 0u);
      commit(adversary::custom_of(registered_proposal, body), by_reference, wanted);
    }
  }
}

TEST_P(Flows, EverybodyUpdatesAndCommits) {
  const std::vector<ClientId> all = scenario.active();
  for (const ClientId who : all) {
    if (who != 0) {
      ASSERT_TRUE(scenario.update(who));
    }
  }
  scenario.deliver();
  EXPECT_FALSE(scenario.say(0, "while Updates wait"));
  ASSERT_TRUE(scenario.commit(0));
  scenario.deliver();
  const Record& record = scenario.member(last).heard.record;
  ASSERT_EQ(record.changes().size(), all.size() - 1);
  for (const CoveredProposal& change : record.changes()) EXPECT_EQ(change.type, ProposalType::update);
  for (const ClientId who : all) {
    ASSERT_TRUE(scenario.commit(who));
    scenario.deliver();
  }
}

TEST_P(Flows, OneOfManyCommitsIsTaken) {
  const std::uint64_t before = epoch();
  ASSERT_TRUE(scenario.commit(last));
  for (const ClientId who : scenario.active()) {
    if (who != last) {
      EXPECT_FALSE(scenario.commit(who));
    }
  }
  group(0).drop_pending();  // one goes by what the provider says, the others by the Commit that comes
  scenario.deliver();
  EXPECT_EQ(epoch(), before + 1);
  EXPECT_EQ(scenario.member(last).heard.record.committer_leaf(), group(last).own_leaf());
  for (const ClientId who : scenario.active()) EXPECT_FALSE(group(who).has_pending());

  // Who is removed may have a Commit that waits.
  const Proposal remove = scenario.remove(last, 0);
  ASSERT_TRUE(scenario.commit(0, {&remove, 1}));
  EXPECT_FALSE(scenario.commit(last));
  scenario.deliver();
  EXPECT_EQ(scenario.member(last).heard.event, Event::removed);
  EXPECT_FALSE(group(last).is_active());
  EXPECT_FALSE(group(last).has_pending());
}

TEST_P(Flows, WhatAGroupTells) {
  const Octets context = {1, 2, 3};
  Octets secrets[3] = {Octets(32), Octets(32), Octets(32)};
  for (const ClientId who : scenario.active()) {
    Octets secret(32);
    ASSERT_EQ(group(who).export_secret("label", context, secret), Error::none);
    if (who == 0) secrets[0] = secret;
    EXPECT_EQ(secret, secrets[0]);
  }
  ASSERT_EQ(group(last).export_secret("another", context, secrets[1]), Error::none);
  ASSERT_EQ(group(last).export_secret("label", {}, secrets[2]), Error::none);
  EXPECT_NE(secrets[0], secrets[1]);
  EXPECT_NE(secrets[0], secrets[2]);
  EXPECT_NE(secrets[1], secrets[2]);

  Digest of_member, of_observer;
  ASSERT_EQ(group(0).membership_fingerprint(of_member), Error::none);
  adversary::Device& outside = scenario.device(scenario.passive());
  for (const bool tree_inline : {false, true}) {
    Observer observer(outside.client());
    const Octets info = scenario.member(last).group_info({.tree_inline = tree_inline});
    const Octets tree = tree_inline ? Octets() : scenario.member(0).tree();
    ASSERT_EQ(observer.start(info, tree), Error::none);
    ASSERT_EQ(observer.state().membership_fingerprint(outside.crypto, of_observer), Error::none);
    EXPECT_TRUE(equal(of_observer, of_member));
    EXPECT_TRUE(equal(observer.state().group_context(), group(0).state().group_context()));
  }
}

TEST_P(Flows, LengthsOfMessagesTellLittle) {
  std::vector<std::size_t> sizes;
  for (std::size_t size = 0; size < 64; size += 3) {
    ASSERT_TRUE(scenario.say(last, std::string(size, 't'), "data in the open"));
    sizes.push_back(scenario.provider.hand_over().back().bytes.size());
  }
  ASSERT_TRUE(scenario.say(0, std::string(5000, 't'), std::string(5000, 'd')));
  std::sort(sizes.begin(), sizes.end());
  EXPECT_LE(std::unique(sizes.begin(), sizes.end()) - sizes.begin(), 4);
}

// ---- histories

// Holds each Commit that anybody takes against its Record: what it tells makes of the leaves before it those
// after it, byte for byte.
class Witness {
 public:
  // What there was in all histories.
  struct Seen {
    std::map<ProposalType, std::size_t> by_value, by_reference;
    std::map<Deed, std::size_t> deeds;
    std::size_t late = 0, joins = 0, from_outside = 0, removals = 0, own = 0, without_path = 0;
  };

  Witness(Scenario& scenario, Seen& seen) : scenario_(scenario), seen_(seen) {
    scenario.before_receiving = [this](ClientId who, const Kept& kept) {
      if (kept.kind == Kind::commit) leaves_ = leaves_of(who);
    };
    scenario.tell_deed = [this](const Done& done) { ++seen_.deeds[done.deed]; };
    scenario.after_receiving = [this](ClientId who, const Kept& kept) {
      if (kept.kind == Kind::commit) hold(who);
      if (kept.kind == Kind::welcome) ++seen_.joins;
      if (kept.kind == Kind::application) seen_.late += kept.epoch < epoch_of(who);
    };
  }
  Witness(const Witness&) = delete;

 private:
  std::uint64_t epoch_of(ClientId who) { return scenario_.member(who).group.state().context().epoch; }

  using Leaves = std::vector<Octets>;  // the LeafNodes, encoded; or nothing where there is none

  Leaves leaves_of(ClientId who) {
    const TreeView& tree = scenario_.member(who).group.state().tree();
    Leaves leaves;
    for (LeafIndex leaf{0}; tree.size().contains(leaf); ++leaf.value) {
      leaves.push_back(octets_of(tree.encoded(NodeIndex(leaf))));
    }
    return leaves;
  }

  void hold(ClientId who) {
    const Received& heard = scenario_.member(who).heard;
    const Record& record = heard.record;
    const LeafIndex committer = record.committer_leaf();
    if (committer.value >= leaves_.size()) leaves_.resize(committer.value + 1);  // it joins from outside
    for (const bool adds : {false, true}) {  // the order in which a Commit is applied (RFC 9420, 12.3)
      if (adds) {  // its former leaf is gone, if it has come back from outside
        ASSERT_TRUE(equal(leaves_.at(committer.value), record.leaf_before()));
      }
      for (const CoveredProposal& change : record.changes()) {
        if ((change.type == ProposalType::add) == adds) apply(change);
      }
    }
    leaves_.at(committer.value) = octets_of(record.leaf_after());
    if (heard.event == Event::own_commit) ++seen_.own;
    if (record.leaf_before().empty()) ++seen_.from_outside;
    if (equal(record.leaf_before(), record.leaf_after())) ++seen_.without_path;
    if (heard.event == Event::removed) {
      ++seen_.removals;
      return;
    }
    ASSERT_EQ(record.epoch(), scenario_.member(who).group.state().context().epoch);
    Leaves after = leaves_of(who);
    after.resize(std::max(after.size(), leaves_.size()));
    leaves_.resize(after.size());
    ASSERT_TRUE(leaves_ == after);
  }

  void apply(const CoveredProposal& change) {
    ++(change.by_reference ? seen_.by_reference : seen_.by_value)[change.type];
    Proposal proposal;
    ASSERT_EQ(decode(change.proposal, proposal), Error::none);
    const std::size_t place = change.leaf.value;
    switch (change.type) {
      case ProposalType::add:
        if (place >= leaves_.size()) leaves_.resize(place + 1);
        leaves_[place] = octets_of(proposal.add.key_package.leaf_node.encoded);
        return;
      case ProposalType::update:
        ASSERT_TRUE(equal(leaves_.at(place), change.before));
        leaves_.at(place) = octets_of(proposal.update.leaf_node.encoded);
        return;
      case ProposalType::remove:
        ASSERT_TRUE(equal(leaves_.at(place), change.before));
        leaves_.at(place).clear();
        return;
      default:
        return;
    }
  }

  Scenario& scenario_;
  Seen& seen_;
  Leaves leaves_;
};

WireFormat format_of(std::uint64_t seed) {
  return seed % 2 == 0 ? WireFormat::private_message : WireFormat::public_message;
}

// Steps, with a check after each for a while, and then after some.
void play(Scenario& scenario, std::size_t steps) {
  scenario.create(scenario.live());
  while (scenario.steps() < steps) {
    scenario.step();
    if (scenario.steps() < steps / 4 || scenario.steps() % 16 == 0) scenario.check();
  }
  scenario.check();
}

TEST(History, ShowsAllThatHappensToMembers) {
  constexpr std::size_t enough = 10;
  Witness::Seen seen;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    Scenario scenario({.seed = seed,
                       .format = format_of(seed),
                       .clients = 12,
                       .past_epochs = 2,
                       .saves = seed % 2 != 0,
                       .all_kinds = true});
    const Witness witness(scenario, seen);
    ASSERT_NO_THROW(play(scenario, 300));
  }
  for (const ProposalType type : {ProposalType::add, ProposalType::remove, ProposalType::psk,
                                  ProposalType::group_context_extensions, registered_proposal}) {
    EXPECT_GT(seen.by_value[type], enough) << static_cast<int>(type);
    EXPECT_GT(seen.by_reference[type], enough) << static_cast<int>(type);
  }
  EXPECT_GT(seen.by_reference[ProposalType::update], enough);
  for (const Deed deed : {Deed::updates, Deed::drops, Deed::saves, Deed::restarts,
                          Deed::proposes_from_outside, Deed::succeeds, Deed::ends}) {
    EXPECT_GT(seen.deeds[deed], enough) << static_cast<int>(deed);
  }
  EXPECT_GT(seen.joins, enough);
  EXPECT_GT(seen.from_outside, enough);
  EXPECT_GT(seen.late, enough);
  EXPECT_GT(seen.removals, enough);
  EXPECT_GT(seen.own, enough);
  EXPECT_GT(seen.without_path, enough);
}

RC_GTEST_PROP(History, HasNoSeedThatPartsMembers, (std::uint64_t seed)) {
  Scenario scenario({.seed = seed,
                     .format = format_of(seed),
                     .clients = 8,
                     .past_epochs = static_cast<std::uint32_t>(seed / 2 % 3),
                     .saves = seed / 8 % 2 != 0,
                     .all_kinds = seed / 16 % 2 != 0});
  play(scenario, 40);
}

// A provider that gives one member the Commit that lost parts it from the others, who find out.
TEST(History, AForkIsFound) {
  Scenario scenario({1, WireFormat::private_message, 0, {}});
  for (int i = 0; i < 4; ++i) scenario.live();
  scenario.create(0);
  const Proposal adds[] = {scenario.add(1), scenario.add(2), scenario.add(3)};
  ASSERT_TRUE(scenario.commit(0, adds));
  scenario.check();
  ASSERT_TRUE(scenario.commit(1));
  ASSERT_FALSE(scenario.commit(2));
  scenario.provider.replay(scenario.provider.hand_over().back(), 3);
  scenario.deliver(0);
  try {
    scenario.deliver(3);
    FAIL() << "is not found";
  } catch (const std::logic_error& found) {
    EXPECT_STREQ(found.what(), "seed 1, step 0, client 3: has another epoch authenticator");
  }
}

TEST(History, IsTheSameForTheSameSeed) {
  const auto record_of = [](std::uint64_t seed) {
    Scenario scenario({seed, WireFormat::public_message, 8, {}});
    play(scenario, 100);
    std::vector<Octets> record;
    for (const Kept& kept : scenario.provider.hand_over()) record.push_back(kept.bytes);
    return record;
  };
  const std::vector<Octets> one = record_of(1);
  EXPECT_EQ(one, record_of(1));
  EXPECT_NE(one, record_of(2));
}

}  // namespace
}  // namespace tacet
