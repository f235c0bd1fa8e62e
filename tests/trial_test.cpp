// What an attacker can derive of whole histories of groups, who has every byte that went over the wire:
// nothing; and with the memory of an endpoint, at whatever moment it is seized, exactly what RFC 9420 allows.
// What is planted is found, and nothing else with it.
//
// TACET_EXHAUSTIVE in the environment asks for more and longer histories.

#include "spec/adversary/trial.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "vectors/tool/inspect_show.h"
#include "vectors/tool/inspector.h"

namespace tacet::adversary {
namespace {

bool is_exhaustive() { return std::getenv("TACET_EXHAUSTIVE") != nullptr; }

std::string text_of(const std::vector<std::string>& complaints) {
  std::string text;
  for (const std::string& each : complaints) text += each + "\n";
  return text;
}

Setting setting_of(std::uint64_t seed, std::size_t clients) {
  Setting setting;
  setting.seed = seed;
  setting.clients = clients;
  setting.format = seed % 2 == 0 ? WireFormat::private_message : WireFormat::public_message;
  setting.past_epochs = static_cast<std::uint32_t>(seed / 2 % 3);
  setting.saves = seed % 5 < 3;
  setting.all_kinds = true;
  return setting;
}

// At most so many, evenly over the history.
std::vector<Seizure> some_of(const std::vector<Seizure>& all, std::size_t most) {
  std::vector<Seizure> some;
  const std::size_t count = std::min(all.size(), most);
  for (std::size_t i = 0; i < count; ++i) some.push_back(all[all.size() - 1 - i * all.size() / count]);
  std::reverse(some.begin(), some.end());
  return some;
}

// ---- honest histories

struct Tried {
  std::size_t histories = 0, members = 0, events = 0, secrets = 0, seizures = 0;
  std::size_t groups = 0, restarts = 0, from_outside = 0, late = 0;

  void count(const Chronicle& history);
};

void Tried::count(const Chronicle& history) {
  std::map<std::pair<ClientId, std::size_t>, EpochNumber> newest;  // that each was in, by group
  events += history.events.size();
  for (const Happened& event : history.events) {
    using What = Happened::What;
    const bool begins =
        event.what == What::creates || event.what == What::adopts || event.what == What::joins;
    EpochNumber& present = newest[{event.who, event.group}];
    if (event.message.has_value() && event.message->epoch < present) ++late;
    if (begins) present = event.epoch;
    if (event.what == What::restarts) ++restarts;
  }
  for (const EpochBegun& begun : history.epochs) {
    if (!begun.parent.has_value()) ++groups;
    if (begun.is_external) ++from_outside;
  }
}

// What does not hold, or nothing.
std::string complaints_of(Witness& witness, std::size_t most_seizures, Tried& tried) {
  Trial trial(witness);
  const std::vector<Seizure> seizures = some_of(witness.seizures, most_seizures);
  ++tried.histories;
  tried.members = std::max(tried.members, witness.scenario.clients());
  tried.count(witness.chronicle);
  tried.secrets += witness.ledger.names().size();
  tried.seizures += seizures.size();
  return text_of(trial.names()) + text_of(trial.without_seizure()) + text_of(trial.with(seizures));
}

// All are added at once; then whatever happens.
void play(Scenario& scenario, std::size_t members, std::size_t live, std::size_t steps) {
  for (ClientId who = 0; who < members; ++who) {
    static_cast<void>(who % (members / live) == 0 ? scenario.live() : scenario.passive());
  }
  scenario.create(0);
  std::vector<Proposal> adds;
  for (ClientId who = 1; who < members; ++who) adds.push_back(scenario.add(who));
  static_cast<void>(scenario.commit(0, adds));
  scenario.deliver();
  while (scenario.steps() < steps) scenario.step();
  scenario.check();
}

TEST(Trial, GivesExactlyWhatIsAllowedInRandomHistories) {
  Tried tried;
  const bool holds = rc::check("a seizure gives what RFC 9420 allows", [&tried] {
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    const auto members = *rc::gen::inRange<std::size_t>(2, is_exhaustive() ? 33 : 13);
    Witness witness(setting_of(seed, members + 6));
    play(witness.scenario, members, members, is_exhaustive() ? 150 : 60);
    RC_ASSERT(complaints_of(witness, is_exhaustive() ? 200 : SIZE_MAX, tried) == "");
  });
  EXPECT_TRUE(holds);
  EXPECT_GT(tried.groups, tried.histories);
  for (const std::size_t kind : {tried.restarts, tried.from_outside, tried.late}) EXPECT_GT(kind, 0u);
  std::printf("%zu histories, of up to %zu clients: %zu events, %zu secrets, %zu seizures\n", tried.histories,
              tried.members, tried.events, tried.secrets, tried.seizures);
  std::printf("%zu groups, %zu restarts, %zu joins from outside, %zu messages read after their epoch\n",
              tried.groups, tried.restarts, tried.from_outside, tried.late);
}

// Live endpoints judge every other's leaf; so of many members most are passive, whose keys are secrets like
// all others.
void try_large(std::size_t members, std::size_t live, std::size_t steps, std::size_t most_seizures) {
  Witness witness(setting_of(members, members + 6));
  play(witness.scenario, members, live, steps);
  Tried tried;
  EXPECT_EQ(complaints_of(witness, most_seizures, tried), "");
  const std::size_t active = witness.scenario.active().size();
  std::printf("%zu live endpoints, %zu passive clients: %zu epochs, %zu secrets, %zu seizures\n", active,
              witness.scenario.clients() - active, witness.chronicle.epochs.size(), tried.secrets,
              tried.seizures);
}

struct Size {
  std::size_t members, live, steps, most_seizures;
};

// That of 5,000 takes a minute: it is no test where it is not asked for.
std::vector<Size> sizes() {
  if (!is_exhaustive()) return {{64, 32, 30, 100}, {500, 8, 20, 50}};
  return {{64, 32, 300, 100}, {500, 8, 100, 50}, {5000, 8, 20, 40}};
}

class Large : public ::testing::TestWithParam<Size> {};

INSTANTIATE_TEST_SUITE_P(, Large, ::testing::ValuesIn(sizes()),
                         [](const auto& size) { return std::to_string(size.param.members) + "Members"; });

TEST_P(Large, GivesExactlyWhatIsAllowed) {
  try_large(GetParam().members, GetParam().live, GetParam().steps, GetParam().most_seizures);
}

// ---- what is planted

// One history, and what it is to plant something in it.
class Planted : public ::testing::Test {
 protected:
  Planted() {
    witness.scenario.create(witness.scenario.live());
    while (witness.scenario.steps() < 80) witness.scenario.step();
    witness.scenario.check();
    trial.emplace(witness);
  }

  // Secrets from which nothing follows: a part of one on the wire gives that one, and no other.
  std::vector<ValueId> ends() const {
    std::vector<ValueId> ends;
    for (const auto& [secret, name] : witness.ledger.names()) {
      const bool is_end = name.role == Name::Role::of_epoch &&
                          (name.second == Name::exporter || name.second == Name::confirm ||
                           name.second == Name::membership || name.second == Name::authentication);
      if (is_end) ends.push_back(secret);
    }
    return ends;
  }

  std::vector<ValueId> derived_with(Bytes wire) {
    const std::size_t before = witness.closure.mark();
    witness.closure.read(wire);
    const std::vector<ValueId> derived = witness.closure.derived();
    witness.closure.undo(before);
    return derived;
  }

  // A message of the history, with something at an odd place in it.
  Octets message_with(Bytes planted) const {
    Octets message = witness.scenario.provider.hand_over()[7].bytes;
    message.insert(message.begin() + 41, planted.begin(), planted.end());
    return message;
  }

  Witness witness{setting_of(2, 6)};
  std::size_t found = 0;
  std::optional<Trial> trial;
};

TEST_F(Planted, SecretsAreFoundInEachForm) {
  const std::vector<ValueId> all = ends();
  ASSERT_GT(all.size(), 20u);
  for (const ValueId secret : all) {
    const Bytes key = witness.closure.bytes(secret);
    const Octets whole(key.begin(), key.end());
    const std::string hex = tool::to_hex(whole);
    const std::vector<ValueId> demanded = {secret};
    EXPECT_EQ(derived_with(message_with(key)), demanded);
    EXPECT_EQ(derived_with(message_with(key.subspan(7, 16))), demanded);
    EXPECT_EQ(derived_with(message_with(bytes_of(hex))), demanded);
    EXPECT_EQ(derived_with(message_with(key.first(7))), std::vector<ValueId>());
  }
}

TEST_F(Planted, WhatIsNotErasedIsNamed) {
  const Seizure last = witness.seizures.back();
  for (const ValueId secret : ends()) {
    const std::string name = adversary::text_of(witness.ledger.names().find(secret)->second);
    if (std::binary_search(last.held.begin(), last.held.end(), secret)) continue;
    Seizure more = last;
    more.held.push_back(secret);
    Trial again(witness);
    const std::vector<std::string> complaints = again.with({more});
    if (complaints.empty()) continue;  // it follows from what is held: a later epoch's
    ASSERT_EQ(complaints.size(), 1u);
    EXPECT_NE(complaints[0].find(": " + name + " is derived"), std::string::npos) << complaints[0];
    ++found;
  }
  EXPECT_GT(found, 10u);
}

TEST_F(Planted, WhatIsErasedTooSoonIsNamed) {
  const Seizure last = witness.seizures.back();
  for (const ValueId secret : ends()) {
    const auto held = std::lower_bound(last.held.begin(), last.held.end(), secret);
    if (held == last.held.end() || *held != secret) continue;
    Seizure less = last;
    less.held.erase(less.held.begin() + (held - last.held.begin()));
    Trial again(witness);
    const std::vector<std::string> complaints = again.with({less});
    ASSERT_EQ(complaints.size(), 1u);
    EXPECT_NE(complaints[0].find("should be derived"), std::string::npos) << complaints[0];
    ++found;
  }
  EXPECT_GT(found, 2u);
}

// ---- what is printed

// Of every message, as text and as JSON, of every error, and of what the trial itself says.
TEST_F(Planted, NothingThatIsPrintedHasASecretInIt) {
  static constexpr tool::FieldName top{"message"};
  std::ostringstream printed;
  for (const Kept& kept : witness.scenario.provider.hand_over()) {
    const tool::InspectInput input{kept.bytes, tool::Notation::binary, "the wire"};
    const tool::Inspection inspection = tool::Inspector::inspect<MlsMessage>(kept.bytes, top);
    tool::show_text(printed, input, inspection, true, tool::Paint(false));
    tool::show_json(printed, input, inspection);
  }
  for (int error = 0; error < 1000; ++error) {
    const Description description = describe(static_cast<Error>(error));
    printed << description.name << description.section << description.sentence;
  }
  Seizure none = witness.seizures.back();
  none.held.clear();
  for (const std::string& each : trial->with({none})) printed << each;
  EXPECT_EQ(witness.closure.secrets_in(bytes_of(printed.str())), std::vector<ValueId>());

  const Bytes key = witness.closure.bytes(ends().front());
  printed << "the key " << tool::to_hex({key.begin(), key.end()}) << " is wrong";
  EXPECT_EQ(witness.closure.secrets_in(bytes_of(printed.str())), std::vector<ValueId>{ends().front()});
}

}  // namespace
}  // namespace tacet::adversary
