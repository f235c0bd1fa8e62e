// A soak: many operations among 30 live endpoints. In the end all agree, and none holds more than it did when
// the group was young.

#include <algorithm>
#include <cstdio>

#include "members.h"
#include "spec/adversary/scenario.h"

namespace tacet {
namespace {

using adversary::ClientId;
using adversary::Scenario;

class Soak {
 public:
  static constexpr std::size_t endpoints = 30;

  Soak() {
    for (std::size_t i = 0; i < endpoints; ++i) scenario.live();
    scenario.create(0);
    gather();
  }

  // Brings everybody into the group, with a tree without gaps and with nothing that waits.
  void gather() {
    scenario.deliver();
    const ClientId first = scenario.active().front();
    commit(first, {});
    std::vector<Proposal> wanted = {scenario.extensions({})};
    const std::vector<ClientId> there = scenario.active();
    for (ClientId who = 0; who < endpoints; ++who) {
      if (std::find(there.begin(), there.end(), who) == there.end()) wanted.push_back(scenario.add(who));
    }
    commit(scenario.active().front(), wanted);
    for (ClientId who = 0; who < endpoints; ++who) commit(who, {});
    scenario.check();
  }

  void commit(ClientId by, std::span<const Proposal> by_value) {
    scenario.member(by).group.drop_pending();
    ASSERT_TRUE(scenario.commit(by, by_value));
    scenario.deliver();
  }

  // What each endpoint holds, in bytes.
  std::vector<std::size_t> held() {
    std::vector<std::size_t> held;
    for (ClientId who = 0; who < endpoints; ++who) {
      const auto& member = static_cast<const Member&>(scenario.member(who));
      held.push_back(member.memory.live() + member.secret_memory.live());
    }
    return held;
  }

  std::uint64_t epoch() { return scenario.member(0).group.state().context().epoch; }

  Scenario scenario{
      {1, WireFormat::private_message, endpoints, [](std::string name, ClientId, Random& random) {
         return std::make_unique<Member>(std::move(name), random);
       }}};
};

TEST(SoakTest, MemoryDoesNotGrowWithTheEpochs) {
  Soak soak;
  const std::vector<std::size_t> young = soak.held();
  const std::uint64_t begin = soak.epoch();
  while (soak.scenario.steps() < 2000) soak.scenario.step();
  soak.gather();
  EXPECT_GT(soak.epoch(), begin + 200);
  const std::vector<std::size_t> old = soak.held();
  std::printf("%zu operations, %llu epochs\n", soak.scenario.steps(),
              static_cast<unsigned long long>(soak.epoch() - begin));
  for (ClientId who = 0; who < Soak::endpoints; ++who) {
    EXPECT_LE(old[who], young[who] + young[who] / 50) << "endpoint " << who;
  }
}

}  // namespace
}  // namespace tacet
