// Groups through a provider that attacks: whatever it forges, replays, reorders or drops, nothing is taken
// that was not sent, nothing changes by what is refused, and what was sent is still taken. And what it holds
// in the end tells no secret.

#include <cstring>
#include <set>
#include <unordered_set>

#include "members.h"
#include "protocol/observer.h"
#include "spec/adversary/scenario.h"

#include "evidence.h"

namespace tacet {
namespace {

using adversary::ClientId;
using adversary::Kept;
using adversary::Kind;
using adversary::Scenario;
using evidence::refused;
using evidence::shows;

Octets octets_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

using Secrets = std::set<std::string>;

// What a member has of secrets, in pieces that are too long to be the same by chance; so none with zeros,
// which may not be of a secret.
Secrets secrets_of(const Member& member) {
  constexpr std::size_t size = 8;
  Secrets secrets;
  for (const Octets& block : member.secret_memory.contents()) {
    for (std::size_t i = 0; i + size <= block.size(); i += size) {
      const auto from = block.begin() + static_cast<std::ptrdiff_t>(i), to = from + size;
      if (std::find(from, to, 0) == to) secrets.emplace(from, to);
    }
  }
  return secrets;
}

class HostileDelivery : public ::testing::TestWithParam<WireFormat> {
 protected:
  static std::unique_ptr<adversary::Member> make(std::string name, ClientId, Random& random) {
    return std::make_unique<Member>(std::move(name), random);
  }

  // A group of live members, all added by the first.
  void found(std::size_t size) {
    for (ClientId who = 0; who < size; ++who) scenario.live();
    scenario.create(0);
    std::vector<Proposal> adds;
    for (ClientId who = 1; who < size; ++who) adds.push_back(scenario.add(who));
    ASSERT_TRUE(scenario.commit(0, adds));
    scenario.check();
  }

  Member& member(ClientId who) { return static_cast<Member&>(scenario.member(who)); }
  Group& group(ClientId who) { return member(who).group; }
  std::uint64_t epoch(ClientId who) { return group(who).state().context().epoch; }

  // What a member has, wherever it lies.
  struct State {
    Octets authenticator, group_context, pending;
    std::size_t proposals = 0;
    Secrets secrets;
    bool operator==(const State&) const = default;
  };
  State state(ClientId who) {
    State state{member(who).authenticator(), {}, {}, 0, secrets_of(member(who))};
    if (!group(who).is_active()) return state;
    state.group_context = octets_of(group(who).state().group_context());
    state.pending = octets_of(group(who).pending_commit());
    state.proposals = group(who).state().proposals().size();
    return state;
  }

  // What becomes of it if somebody is given that, which changes nothing.
  Error forge(ClientId as, ClientId to, Octets bytes) {
    const State before = state(to);
    provider.forge(as, to, std::move(bytes));
    const Error error = scenario.receive(to);
    EXPECT_TRUE(state(to) == before);
    return error;
  }

  Scenario scenario{{1, GetParam(), 8, make}};
  adversary::Provider& provider = scenario.provider;
};

INSTANTIATE_TEST_SUITE_P(, HostileDelivery,
                         ::testing::Values(WireFormat::private_message, WireFormat::public_message));

// Before everything that anybody receives it is given changed, and after it once more.
class Attack {
 public:
  using Forge = std::function<Error(ClientId as, ClientId to, Octets bytes)>;

  Attack(Scenario& scenario, Forge forge) : scenario_(scenario), forge_(std::move(forge)) {
    scenario.before_receiving = [this](ClientId to, const Kept& kept) { run(&Attack::change, to, kept); };
    scenario.after_receiving = [this](ClientId to, const Kept& kept) { run(&Attack::replay, to, kept); };
  }
  Attack(const Attack&) = delete;

  std::size_t changed = 0, replayed = 0;

 private:
  // Not upon what it does itself.
  void run(void (Attack::*does)(ClientId, const Kept&), ClientId to, const Kept& kept) {
    if (is_attacking_) return;
    is_attacking_ = true;
    (this->*does)(to, kept);
    is_attacking_ = false;
  }

  static MlsMessage decoded(const Kept& kept) {
    MlsMessage message;
    adversary::must(decode(Bytes(kept.bytes), message));
    return message;
  }
  static bool is_public(const Kept& kept) { return decoded(kept).wire_format == WireFormat::public_message; }
  static bool is_from_outside(const Kept& kept) {
    return is_public(kept) &&
           decoded(kept).public_message.content.sender.type == SenderType::new_member_commit;
  }

  // The end of every message authenticates all of it, or at least what is before it.
  Error demanded_of_last_byte(ClientId to, const Kept& kept) const {
    if (kept.kind == Kind::welcome) return Error::group_secrets_not_authentic;
    if (kept.epoch < scenario_.member(to).group.state().context().epoch) return Error::epoch_past;
    if (is_from_outside(kept)) return Error::confirmation_tag_invalid;
    if (is_public(kept)) return Error::membership_tag_invalid;
    return kept.from == to ? Error::generation_gone : Error::content_not_authentic;
  }

  void change(ClientId to, const Kept& kept) {
    const Octets genuine = kept.bytes;
    EXPECT_EQ(forge_(kept.from, to, adversary::flipped()(genuine)), demanded_of_last_byte(to, kept));
    if (kept.kind == Kind::welcome) return;  // elsewhere it may be meant for others who join
    EXPECT_EQ(forge_(kept.from, to, adversary::shortened()(genuine)), Error::truncated);
    EXPECT_EQ(forge_(kept.from, to, adversary::extended()(genuine)), Error::trailing_bytes);
    for (int i = 0; i < 3; ++i) {
      const std::size_t bit = where_.below(genuine.size() * 8);
      EXPECT_NE(forge_(kept.from, to, adversary::flipped(bit)(genuine)), Error::none) << bit;
      ++changed;
    }
  }

  // A PublicMessage with a proposal is the same proposal each time; all else is over.
  void replay(ClientId to, const Kept& kept) {
    const Group& group = scenario_.member(to).group;
    Error demanded = Error::generation_gone;
    if (kept.kind == Kind::proposal && is_public(kept)) demanded = Error::none;
    if (kept.kind == Kind::commit) demanded = Error::epoch_past;
    if (kept.kind == Kind::welcome) demanded = Error::group_active;
    if (!group.is_active()) demanded = Error::group_inactive;
    EXPECT_EQ(forge_(kept.from, to, kept.bytes), demanded);
    ++replayed;
    // And something older, whomever it was for; but no Commit that lost, which would be a fork.
    const Kept old = scenario_.provider.hand_over()[where_.below(kept.number)];
    if (old.kind != Kind::proposal && old.kind != Kind::application) return;
    EXPECT_TRUE(forge_(old.from, to, old.bytes) != Error::none || is_public(old));
  }

  Scenario& scenario_;
  Forge forge_;
  adversary::SeededRandom where_{7};
  bool is_attacking_ = false;
};

TEST_P(HostileDelivery, BytesThatNobodySentChangeNothing) {
  Attack attack(scenario,
                [this](ClientId as, ClientId to, Octets bytes) { return forge(as, to, std::move(bytes)); });
  scenario.create(scenario.live());
  while (scenario.steps() < 300) {
    scenario.step();
    if (scenario.steps() % 8 == 0) scenario.check();
  }
  scenario.check();
  EXPECT_GT(attack.changed, 1000u);
  EXPECT_GT(attack.replayed, 300u);
}

TEST_P(HostileDelivery, WhatIsOfAnotherEpochOrGroupIsNamedSo) {
  found(3);
  ASSERT_TRUE(scenario.commit(0));
  scenario.deliver(0);
  ASSERT_TRUE(scenario.say(0, "in the next epoch"));
  const Kept& ahead = provider.hand_over().back();
  const State before = state(2);
  const Error too_early = scenario.receive(2, 1);
  EXPECT_TRUE(state(2) == before);
  provider.replay(ahead, 2);
  EXPECT_EQ(scenario.receive(2, 1), Error::none);  // the Commit, which is late
  EXPECT_EQ(scenario.receive(2), Error::none);
  EXPECT_EQ(member(2).text(), "in the next epoch");
  refused("APP-03", Error::epoch_future, too_early, {true, true});
  scenario.check();

  const Octets genuine = member(0).say("in this group");
  const std::size_t group_id_at = 5;  // behind version, wire format and a length
  const Error other_group = forge(0, 1, adversary::flipped(group_id_at * 8)(genuine));
  EXPECT_EQ(member(1).receive(genuine), Error::none);
  refused("APP-03", Error::group_id_mismatch, other_group, {true, true});
}

// All but trees, which have no version of their own.
TEST_P(HostileDelivery, WhatIsSentSaysItsVersion) {
  found(2);
  provider.post(0, {1}, member(0).group_info());
  ASSERT_TRUE(scenario.propose(0, adversary::external_psk_of(adversary::shared_psks[0])));
  std::set<Kind> kinds;
  for (const Kept& kept : provider.hand_over()) {
    kinds.insert(kept.kind);
    ASSERT_GT(kept.bytes.size(), 4u);
    EXPECT_EQ(Octets(kept.bytes.begin(), kept.bytes.begin() + 2), (Octets{0, 1}));
  }
  EXPECT_EQ(kinds, (std::set<Kind>{Kind::key_package, Kind::welcome, Kind::group_info, Kind::proposal,
                                   Kind::commit, Kind::application}));
  const std::size_t version_ends = 15;
  const Error other = forge(0, 1, adversary::flipped(version_ends)(provider.hand_over().back().bytes));
  provider.drop(1);  // the GroupInfo, which is for others
  scenario.deliver();
  refused("APP-06", Error::message_version, other, {true, true});
}

TEST_P(HostileDelivery, MessagesOfAnEpochComeInAnyOrderOrNotAtAll) {
  found(4);
  adversary::SeededRandom order(3);
  std::vector<const Kept*> taken;
  for (int i = 0; i < 20; ++i) {
    for (const ClientId by : {1u, 2u, 3u}) ASSERT_TRUE(scenario.say(by, std::to_string(i), "aad"));
  }
  for (int dropped = 0; dropped < 15; ++dropped) provider.drop(0, order.below(provider.waiting(0)));
  while (provider.waiting(0) != 0) {
    const std::size_t place = order.below(provider.waiting(0));
    EXPECT_EQ(scenario.receive(0, place), Error::none);
  }
  for (const Kept& kept : provider.hand_over()) {
    const bool was_taken = std::count(kept.to.begin(), kept.to.end(), 0) != 0;
    if (kept.kind != Kind::application || kept.epoch != epoch(0) || !was_taken || kept.from == 0) continue;
    taken.push_back(&kept);
  }
  for (const Kept* kept : taken) EXPECT_EQ(forge(kept->from, 0, kept->bytes), Error::generation_gone);
  EXPECT_GE(taken.size(), 45u);
  scenario.check();
}

TEST_P(HostileDelivery, AWelcomeWaitsForItsTree) {
  found(2);
  const ClientId joiner = scenario.live();
  const Proposal add = scenario.add(joiner);
  CommitOptions apart;
  apart.tree_inline = false;
  ASSERT_TRUE(scenario.commit(0, {&add, 1}, apart));
  EXPECT_EQ(scenario.receive(joiner, 1), Error::tree_absent);
  provider.forge(0, joiner, member(1).tree());  // that of the epoch before
  EXPECT_EQ(scenario.receive(joiner), Error::none);
  const Kept& welcome = provider.hand_over()[provider.hand_over().size() - 2];
  ASSERT_EQ(welcome.kind, Kind::welcome);
  provider.replay(welcome, joiner);
  EXPECT_EQ(scenario.receive(joiner), Error::tree_hash_mismatch);
  EXPECT_EQ(scenario.receive(joiner), Error::none);  // the tree itself
  provider.replay(welcome, joiner);
  EXPECT_EQ(scenario.receive(joiner), Error::none);
  scenario.check();
}

// What all who follow a Commit have to be told of it.
Octets described(const Record& record) {
  Octets all = adversary::encoded(record.epoch(), record.committer(), record.committer_leaf(),
                                  record.leaf_before(), record.leaf_after());
  for (const CoveredProposal& change : record.changes()) {
    const Octets one = adversary::encoded(change.proposer, std::uint8_t{change.by_reference}, change.type,
                                          change.leaf, change.proposal, change.before);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

TEST(Eavesdropping, AnObserverSeesWhatMembersSee) {
  Scenario scenario({5, WireFormat::public_message, 10, {}});
  constexpr ClientId observing = 100;
  SodiumRandom random;
  Member outside("outside", random);
  outside.supported.extensions = {&adversary::registered_extension, 1};
  outside.supported.proposals = {&adversary::registered_proposal, 1};
  std::map<std::size_t, Octets> told;  // by the Commit's number
  scenario.after_receiving = [&](ClientId who, const Kept& kept) {
    if (kept.kind != Kind::commit) return;
    const Octets own = described(scenario.member(who).heard.record);
    EXPECT_TRUE(told.try_emplace(kept.number, own).first->second == own);
  };
  scenario.create(scenario.live());
  scenario.provider.enter(scenario.group_id(), observing);
  Observer observer(outside.client());
  ASSERT_EQ(observer.start(scenario.member(0).group_info(), {}), Error::none);
  Received seen(outside.memory);
  std::size_t commits = 0;
  while (scenario.steps() < 300) {
    scenario.step();
    if (scenario.steps() % 10 != 0) continue;
    scenario.check();
    while (scenario.provider.waiting(observing) != 0) {
      const Kept& kept = scenario.provider.fetch(observing);
      if (kept.kind == Kind::application) continue;
      Octets room(observer.process_size(kept.bytes).value());
      ASSERT_EQ(observer.process(kept.bytes, room, seen), Error::none);
      if (kept.kind != Kind::commit || told.find(kept.number) == told.end()) continue;
      EXPECT_TRUE(described(seen.record) == told[kept.number]);
      ++commits;
    }
    adversary::Member& member = scenario.member(scenario.active().front());
    Digest of_member, of_observer;
    ASSERT_EQ(member.group.membership_fingerprint(of_member), Error::none);
    ASSERT_EQ(observer.state().membership_fingerprint(outside.crypto, of_observer), Error::none);
    EXPECT_TRUE(equal(of_member, of_observer));
    EXPECT_TRUE(equal(member.group.state().tree().tree_hash(), observer.state().tree().tree_hash()));
  }
  EXPECT_GT(commits, 20u);
}

// ---- secrets

Secrets without(const Secrets& all, const Secrets& some) {
  Secrets rest;
  std::set_difference(all.begin(), all.end(), some.begin(), some.end(), std::inserter(rest, rest.end()));
  return rest;
}

// A Commit of one's own is a fork of the group, which is kept only until it is known whose was taken.
TEST_P(HostileDelivery, NothingStaysOfAStateThatIsOver) {
  found(3);
  const auto none_kept = [](Member& who, const Secrets& secrets) {
    for (const std::string& secret : secrets) {
      EXPECT_FALSE(who.secret_memory.holds(bytes_of(secret)));
      EXPECT_FALSE(who.memory.holds(bytes_of(secret)));
    }
  };
  enum class End { dropped, lost, taken };
  for (const End end : {End::dropped, End::lost, End::taken}) {
    Member& one = member(1);
    one.policy.format = WireFormat::public_message;  // whose keys stay
    const Secrets present = secrets_of(one);
    if (end != End::taken) {
      EXPECT_TRUE(scenario.commit(0));
    }
    EXPECT_EQ(scenario.commit(1), end == End::taken);
    const Secrets forked = without(secrets_of(one), present);
    const Octets sent = octets_of(one.group.pending_commit());
    EXPECT_GE(forked.size(), 8u);
    EXPECT_TRUE(one.memory.holds(sent));
    end == End::dropped ? one.group.drop_pending() : scenario.deliver(1);
    EXPECT_FALSE(one.group.has_pending());
    none_kept(one, end == End::taken ? Secrets() : forked);
    EXPECT_EQ(without(forked, secrets_of(one)).empty(), end == End::taken);
    // Of the state before there are the PSK of its epoch, and private keys of nodes that are the same.
    const Secrets gone = without(present, secrets_of(one));
    EXPECT_EQ(gone.empty(), end == End::dropped);
    none_kept(one, gone);
    scenario.check();
  }
  shows("PRIV-11");
}

// Finds pieces of secrets, wherever they begin.
class Pieces {
 public:
  void add(const std::string& piece) { pieces_.insert(number(bytes_of(piece))); }
  std::size_t count_in(Bytes bytes) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i + sizeof(std::uint64_t) <= bytes.size(); ++i) {
      count += pieces_.count(number(bytes.subspan(i)));
    }
    return count;
  }
  std::size_t size() const { return pieces_.size(); }

 private:
  static std::uint64_t number(Bytes bytes) {
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data(), sizeof number);
    return number;
  }
  std::unordered_set<std::uint64_t> pieces_;
};

// Neither in what it sends nor in what it keeps as public.
TEST_P(HostileDelivery, NothingSecretIsInWhatAMemberShows) {
  Pieces secrets;
  scenario.create(scenario.live());
  while (scenario.steps() < 150) {
    scenario.step();
    if (scenario.steps() % 10 == 0) scenario.check();
    for (const ClientId who : scenario.active()) {
      for (const std::string& piece : secrets_of(member(who))) secrets.add(piece);
    }
  }
  EXPECT_GT(secrets.size(), 1000u);
  for (const Kept& kept : provider.hand_over()) EXPECT_EQ(secrets.count_in(kept.bytes), 0u);
  for (const ClientId who : scenario.active()) {
    for (const Octets& block : member(who).memory.contents()) EXPECT_EQ(secrets.count_in(block), 0u);
  }
  const std::string piece = *secrets_of(member(scenario.active().front())).begin();
  EXPECT_EQ(secrets.count_in(bytes_of("before" + piece + "behind")), 1u);
  shows("PRIV-09");
}

}  // namespace
}  // namespace tacet
