#include "protocol/memory_needed.h"

#include "evidence.h"
#include "region.h"

namespace tacet {
namespace {

struct Setting {
  std::uint32_t members;
  Limits limits = {};
  ExpectedLoad load = {.leaf_size = 180, .senders = 2, .proposal_size = 400};
  WireFormat format = WireFormat::private_message;
  std::size_t others = 0;  // who are there, and talk
};

Limits small_limits() {
  Limits limits;
  limits.leaf_size = 256;
  limits.skipped_keys = 16;
  limits.out_of_order_window = 8;
  limits.cached_proposals = 6;
  limits.resumption_psks = 0;
  return limits;
}
Limits with_past_epochs() {
  Limits limits;
  limits.past_epochs = 3;
  return limits;
}

class MemoryNeededTest : public RegionTest {
 protected:
  MemoryNeeded needed(const Setting& setting, std::uint32_t parts = 16) const {
    const MemoryNeeded all =
        memory_needed(other.crypto.suite(), setting.limits, setting.members, setting.load);
    return {all.memory * parts / 16, all.secrets};
  }

  // All that takes memory, as much of it as the load has: Commits that meet, proposals that wait, members who
  // go and come, Welcomes with the tree in them.
  void live(Member& us, const Setting& setting) {
    const std::size_t most =
        std::min<std::size_t>(setting.load.proposals, setting.members - 2 - setting.others);
    ASSERT_NO_FATAL_FAILURE(fill(us));
    const int rounds = setting.members < 100 ? 4 : setting.members < 1000 ? 2 : 1;
    ASSERT_NO_FATAL_FAILURE(talk(us));
    for (int round = 0; round < rounds; ++round) {
      SCOPED_TRACE("round " + std::to_string(round));
      ASSERT_NO_FATAL_FAILURE(meet(us));
      ASSERT_NO_FATAL_FAILURE(commit(us, other, removes(us, most)));
      ASSERT_NO_FATAL_FAILURE(invite(us, most));
      ASSERT_NO_FATAL_FAILURE(commit(other, us, removes(us, most)));
      std::vector<Proposal> adds;
      for (std::size_t i = 0; i < most; ++i) adds.push_back(add());
      ASSERT_NO_FATAL_FAILURE(commit(other, us, adds, round % 2 == 0));
      ASSERT_NO_FATAL_FAILURE(let_wait(us, setting));
      ASSERT_NO_FATAL_FAILURE(talk(us));
    }
  }
  // All who are there commit once.
  void fill(Member& us) {
    for (const auto& by : others) {
      const Octets message = by->commit();
      by->group.adopt_pending();
      for (Member* each : {&us, &other}) ASSERT_EQ(each->receive(message), Error::none);
      for (const auto& each : others) {
        if (each != by) adversary::must(each->receive(message));
      }
    }
  }
  // One's own waits while another's is staged, which wins.
  void meet(Member& us) {
    us.commit();
    ASSERT_EQ(us.error, Error::none);
    const Octets won = other.commit();
    ASSERT_EQ(us.stage(won), Error::none);
    us.group.adopt();
    other.group.adopt_pending();
    ASSERT_NO_FATAL_FAILURE(others_take(won));
    ASSERT_NO_FATAL_FAILURE(talk(us));
  }
  // The Welcome has the tree in it, a GroupInfo is told while it waits, and another's Commit comes.
  void invite(Member& us, std::size_t count) {
    std::vector<Proposal> adds;
    for (std::size_t i = 0; i < count; ++i) adds.push_back(add());
    const Octets message = us.commit({.proposals = adds});
    ASSERT_EQ(us.error, Error::none);
    us.group_info({.external_pub = true});
    ASSERT_EQ(us.error, Error::none);
    ASSERT_EQ(us.stage(other.commit()), Error::none);
    us.group.drop();
    other.group.drop_pending();
    us.group.adopt_pending();
    ASSERT_EQ(other.receive(message), Error::none);
    ASSERT_NO_FATAL_FAILURE(others_take(message));
  }
  void let_wait(Member& us, const Setting& setting) {
    const std::uint32_t most = std::min(setting.load.proposals, setting.limits.cached_proposals);
    for (std::uint32_t i = 0; i < most; ++i) {
      Member& from = i % 2 == 0 ? us : other;
      const Octets sent = from.propose_update();
      ASSERT_EQ(from.error, Error::none);
      ASSERT_EQ((i % 2 == 0 ? other : us).receive(sent), Error::none);
      ASSERT_NO_FATAL_FAILURE(others_take(sent));
    }
    ASSERT_NO_FATAL_FAILURE(commit(us, other, {}));
  }
};

class EachSetting : public MemoryNeededTest, public ::testing::WithParamInterface<Setting> {};

void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.members << " members"; }

TEST_P(EachSetting, IsEnoughAndNotMuchMore) {
  const Setting& setting = GetParam();
  InRegions us(needed(setting), random);
  us.limits = setting.limits;
  us.policy.format = setting.format;
  ASSERT_NO_FATAL_FAILURE(begin(us, setting.members, setting.others));
  ASSERT_EQ(joined, Error::none);
  ASSERT_NO_FATAL_FAILURE(live(us, setting));
  std::printf("%u members: %zu of %zu bytes, of secrets %zu of %zu\n", setting.members, us.memory.most(),
              us.room.size(), us.secret_memory.most(), us.secret_room.size());
  EXPECT_LE(us.secret_room.size(), us.secret_memory.most() * 5 / 4 + 2048);
  if (setting.members < 200) return;  // what a few members may do at once is much beside what they are
  EXPECT_LE(us.room.size(), 2 * us.memory.most());
}

constexpr ExpectedLoad few = {.leaf_size = 180, .senders = 2, .proposals = 2, .proposal_size = 400};
const Setting settings[] = {
    {2},
    {3, small_limits()},
    {17,
     with_past_epochs(),
     {.leaf_size = 180, .proposals = 2, .proposal_size = 400},
     WireFormat::private_message,
     15},
    {33, {}, few},
    {64, small_limits(), {.leaf_size = 180, .senders = 2, .proposal_size = 400}, WireFormat::public_message},
    {129, with_past_epochs()},
    {256, small_limits()},
    {500},
    {1000, {}, few}};
INSTANTIATE_TEST_SUITE_P(Of, EachSetting, ::testing::ValuesIn(settings));

// With all that can be saved at once: skipped keys, proposals, a Commit with its Welcome; and restored.
TEST_F(MemoryNeededTest, WhoSavesHasRoomForIt) {
  Setting setting{200};
  setting.limits.reserved_generations = 100;
  InRegions us(needed(setting), random);
  us.limits = setting.limits;
  ASSERT_NO_FATAL_FAILURE(begin(us, setting.members));
  ASSERT_EQ(joined, Error::none);
  adversary::Save save;
  ASSERT_EQ(us.save(save), Error::none);
  ASSERT_NO_FATAL_FAILURE(talk(us));
  for (int i = 0; i < 65; ++i) other.say("skipped");
  for (int round = 0; round < 2; ++round) {
    ASSERT_NO_FATAL_FAILURE(talk(us));
    for (std::uint32_t i = 0; i + 1 < setting.load.proposals; ++i) {
      ASSERT_EQ(us.receive(other.propose_update()), Error::none);
    }
    const Octets message = us.commit({.proposals = std::vector{add()}});
    ASSERT_EQ(us.error, Error::none);
    ASSERT_EQ(us.stage(other.commit()), Error::none);
    ASSERT_EQ(us.save(save), Error::none);
    InRegions again(needed(setting), random);
    again.start_again_as(us);
    ASSERT_EQ(again.restore(save), Error::none);
    ASSERT_EQ(again.save(save), Error::none);
    EXPECT_EQ(again.receive(message), Error::none);
    us.group.adopt_pending();
    other.group.drop_pending();
    ASSERT_EQ(other.receive(message), Error::none);
    EXPECT_EQ(again.authenticator(), other.authenticator());
    ASSERT_EQ(us.save(save), Error::none);
  }
}

// What is too much for a part of it is not done, and the group goes on.
TEST_F(MemoryNeededTest, APartOfItIsEnoughForAPart) {
  const Setting setting{100};
  InRegions us(needed(setting, 5), random);
  ASSERT_NO_FATAL_FAILURE(begin(us, setting.members));
  ASSERT_EQ(joined, Error::none);
  for (int round = 0; round < 10; ++round) {
    SCOPED_TRACE(round);
    const std::vector<Proposal> adds = {add(), add(), add()};
    us.commit({.proposals = adds});
    ASSERT_EQ(us.error, Error::out_of_memory);
    ASSERT_NO_FATAL_FAILURE(talk(us));
    ASSERT_NO_FATAL_FAILURE(commit(other, us, round % 2 == 0 ? adds : removes(us, 3)));
    ASSERT_NO_FATAL_FAILURE(talk(us));
  }
}

TEST_F(MemoryNeededTest, ATenthOfItIsNotEnoughToJoin) {
  const Setting setting{100};
  InRegions us(needed(setting, 1), random);
  ASSERT_NO_FATAL_FAILURE(begin(us, setting.members));
  EXPECT_EQ(joined, Error::out_of_memory);
  EXPECT_FALSE(us.group.is_active());
  EXPECT_EQ(us.memory.live() + us.secret_memory.live(), 0u);
  EXPECT_FALSE(us.reference.empty()) << "its KeyPackage serves again";
}

// Limits and loads bound what is counted: more of anything is never less, and nothing overflows.
TEST_F(MemoryNeededTest, GrowsWithAllThatItCounts) {
  const auto all = [&](std::uint32_t members, const Limits& limits, const ExpectedLoad& load) {
    const MemoryNeeded sizes = memory_needed(other.crypto.suite(), limits, members, load);
    return sizes.memory + sizes.secrets;
  };
  std::uint64_t before = 0;
  for (std::uint32_t members = 0; members < 3000; ++members) {
    const std::uint64_t now = all(members, {}, {});
    EXPECT_GE(now, before) << members;
    before = now;
  }
  const std::uint64_t plain = all(100, {}, {});
  EXPECT_LT(plain, all(100, with_past_epochs(), {}));
  EXPECT_LT(plain, all(100, {}, {.leaf_size = 300}));
  Limits saving;
  saving.reserved_generations = 1;
  EXPECT_LT(plain, all(100, saving, {}));
  EXPECT_LT(plain, all(100, {}, {.proposals = 16}));
  EXPECT_LT(plain, all(100, {}, {.proposal_size = 5000}));
  EXPECT_GT(plain, all(100, {}, {.senders = 3}));
  EXPECT_GT(plain, all(100, small_limits(), {}));
  EXPECT_GT(all(1u << 16, {}, {.leaf_size = 1u << 16}), std::uint64_t{1} << 32);
}

}  // namespace
}  // namespace tacet
