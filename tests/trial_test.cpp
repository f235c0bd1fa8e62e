// What an attacker can derive of groups' whole histories, with and without a seized endpoint, against what
// RFC 9420 allows.

#include "spec/adversary/trial.h"

#include <gtest/gtest.h>

namespace tacet::adversary {
namespace {

std::string text_of(const std::vector<std::string>& complaints) {
  std::string text;
  for (const std::string& each : complaints) text += each + "\n";
  return text;
}

TEST(Trial, First) {
  for (std::uint64_t seed = 1; seed < 8; ++seed) {
    Witness witness({seed, seed % 2 ? WireFormat::public_message : WireFormat::private_message, 2 + seed % 14, {}, std::uint32_t(seed % 3), {}});
    Scenario& scenario = witness.scenario;
    scenario.create(scenario.live());
    for (int i = 0; i < 200; ++i) scenario.step();
    scenario.check();
    Trial trial(witness);
    EXPECT_EQ(text_of(trial.names()), "");
    EXPECT_EQ(text_of(trial.without_seizure()), "");
    EXPECT_EQ(text_of(trial.with_each_seizure()), "") << "SEED " << seed;
    printf("%zu secrets, %zu values, %zu seizures\n", trial.secrets(), witness.closure.values(),
           witness.seizures.size());
  }
}

}  // namespace
}  // namespace tacet::adversary
