// Histories that are published: what does not hold is not written.

#include "vectors/tool/egress.h"

#include <gtest/gtest.h>

#include "spec/adversary/reveal.h"

namespace tacet::tool {
namespace {

using adversary::ClientId;
using adversary::Scenario;

// Two members, of whom the second is seized, each of whom commits once.
class EgressTest : public testing::Test {
 protected:
  EgressTest() {
    const Proposal add = scenario.add(other);
    scenario.create(first);
    scenario.commit(first, {&add, 1});
    scenario.deliver();
    history.seize({other});
    commits(first);
  }

  void commits(ClientId who) {
    scenario.commit(who);
    scenario.deliver();
  }

  // With that at its beginning.
  void does_not_hold(const std::string& what) {
    try {
      static_cast<void>(history.told());
      FAIL() << "nothing of: " << what;
    } catch (const std::logic_error& error) {
      EXPECT_EQ(std::string(error.what()).rfind("a history does not hold: " + what, 0), 0u) << error.what();
    }
  }

  Generator generator{1, "test"};
  EgressHistory history{generator, {}};
  Scenario& scenario = history.scenario();
  const ClientId first = scenario.live(), other = scenario.live();
};

TEST_F(EgressTest, WhatHoldsIsTold) {
  commits(other);
  const Json told = history.told();
  ASSERT_GE(told["seizures"].size(), 3u);
  for (const Json& seizure : told["seizures"]) EXPECT_EQ(seizure["client"], other);
  EXPECT_FALSE(told["secrets"].empty());
}

TEST_F(EgressTest, AKeyOnTheWireIsNotWritten) {
  scenario.provider.post(first, {}, octets_of(reveal(scenario.member(first).signing_key)));
  does_not_hold("signature key of client 0 is derived without a seizure");
}

TEST_F(EgressTest, AKeyThatShouldHaveBeenErasedIsNotWritten) {
  scenario.member(other).psks.known["kept"] = scenario.member(other).authenticator();
  commits(first);
  does_not_hold("client 1 seized after event ");
}

TEST_F(EgressTest, ASecretWithoutANameIsNotWritten) {
  Secret stray;
  adversary::must(scenario.member(first).crypto.random_secret(32, stray));
  does_not_hold("secret ");
}

}  // namespace
}  // namespace tacet::tool
