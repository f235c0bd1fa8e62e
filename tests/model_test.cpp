// Whole groups against a plain model of what each member should know: histories drawn by chance, in which
// messages are reordered, lost and repeated, Commits race, members fork, lose their state and come back, and
// an attacker copies endpoints. One that fails is made shorter, and printed as a script that `tacet replay`
// plays.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "spec/adversary/player.h"

namespace tacet::adversary {

// What RapidCheck prints of a script that fails.
void showValue(const Script& script, std::ostream& out) { out << '\n' << text_of(script); }

namespace {

using Operation = Script::Operation;

// ---- chance

// What happens, more often what lets the group go on.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}

  Script script(std::size_t operations) {
    Script script;
    script.seed = below(1000);
    clients_ = script.clients;
    operations_ = parse_script("0 commits add 1 add 2 add 3\ndeliver all\n").operations;
    while (operations_.size() < operations) go_on();
    if (below(5) == 0) close();
    operations_.resize(operations);
    script.operations = std::move(operations_);
    return script;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

  Operation& put(Verb verb) {
    Operation drawn;
    drawn.verb = verb;
    drawn.who = verb == Verb::deliver_all ? 0 : below(clients_);
    return operations_.emplace_back(drawn);
  }

  void go_on() {
    const std::uint64_t kind = below(100);
    if (kind < 24) {
      put(Verb::deliver_all);
    } else if (kind < 38) {
      put(Verb::deliver).place = below(3) * below(3);
    } else if (kind < 54) {
      commit();
    } else if (kind < 66) {
      propose();
    } else if (kind < 76) {
      put(Verb::say);
    } else if (kind < 80) {
      burst();
    } else {
      put_rare();
    }
  }

  Wish wish(bool by_value) {
    static constexpr Topic topics[] = {Topic::add,    Topic::add,        Topic::add,    Topic::remove,
                                       Topic::psk,    Topic::resumption, Topic::custom, Topic::extensions,
                                       Topic::update, Topic::update,     Topic::update};
    if (below(150) == 0) return {Topic::reinit, 0};
    const Topic topic = topics[below(std::size(topics) - (by_value ? 3 : 0))];
    if (topic == Topic::update) return {topic, 0};
    const bool is_client = topic == Topic::add || topic == Topic::remove;
    return {topic, below(is_client ? clients_ : 4)};
  }

  void propose() {
    Operation& drawn = put(Verb::propose);
    if (below(8) == 0) drawn.who = bot;
    drawn.wishes = {wish(false)};
  }

  // In the place of what was drawn last, so that a script stays as long as it is.
  void close() {
    operations_.resize(operations_.size() - std::min<std::size_t>(operations_.size() / 4, 12));
    put(Verb::deliver_all);
    for (int i = 0; i < 2; ++i) {
      Operation& drawn = put(Verb::commit);
      drawn.wishes = {{Topic::reinit, 0}};
      drawn.with_waiting = false;
    }
    put(Verb::deliver_all);
    for (int i = 0; i < 8; ++i) put(i % 2 == 0 ? Verb::succeed : Verb::say);
  }

  void commit() {
    Operation& drawn = put(Verb::commit);
    for (std::uint64_t i = below(4); i > 1; --i) drawn.wishes.push_back(wish(true));
    drawn.with_waiting = below(8) != 0;
    drawn.with_path = below(2) == 0;
    drawn.tree_inline = below(4) != 0;
  }

  // One sends a lot, which comes in another order, so that ratchets come to their limits; or proposals fill
  // an epoch.
  void burst() {
    const bool says = below(4) != 0;
    const ClientId from = below(clients_), to = below(clients_);
    if (from == to) return;
    if (says) {
      commit();
      put(Verb::deliver_all);
    }
    for (std::uint64_t i = 3 + below(14); i > 0; --i) {
      if (says) {
        put(Verb::say).who = from;
      } else {
        propose();
        operations_.back().who = from;
      }
    }
    for (std::uint64_t i = below(8); i > 0; --i) {
      Operation& deliver = put(Verb::deliver);
      deliver.who = to;
      deliver.place = below(12);
    }
    for (std::uint64_t i = below(8); i > 0; --i) {
      Operation& again = put(Verb::again);
      again.who = to;
      again.place = below(12);
    }
  }

  void put_rare() {
    static constexpr Verb verbs[] = {Verb::adopt,  Verb::adopt,  Verb::drop,   Verb::drop,  Verb::ask,
                                     Verb::join,   Verb::join,   Verb::join,   Verb::lose,  Verb::lose,
                                     Verb::again,  Verb::again,  Verb::again,  Verb::again, Verb::again,
                                     Verb::again,  Verb::again,  Verb::forget, Verb::seize, Verb::publish,
                                     Verb::branch, Verb::succeed};
    Operation& drawn = put(verbs[below(std::size(verbs))]);
    if (drawn.verb == Verb::branch) drawn.other = below(clients_);
    if (drawn.verb == Verb::join) {
      drawn.other = below(clients_);
      drawn.replaces = below(2) == 0;
    }
    if (drawn.verb == Verb::lose) drawn.place = below(2);
    if (drawn.verb == Verb::again) drawn.place = below(4) == 0 ? below(40) : below(6);
  }

  SeededRandom random_;
  std::size_t clients_ = 0;
  std::vector<Operation> operations_;
};

// ---- what is simpler

rc::Seq<Operation> simpler_operations(const Operation& operation) {
  std::vector<Operation> simpler;
  const auto with = [&](const auto& change) {
    Operation other = operation;
    change(other);
    if (!(other == operation)) simpler.push_back(std::move(other));
  };
  for (std::size_t i = 0; operation.verb == Verb::commit && i < operation.wishes.size(); ++i) {
    with(
        [i](Operation& other) { other.wishes.erase(other.wishes.begin() + static_cast<std::ptrdiff_t>(i)); });
  }
  with([](Operation& other) { other.place = 0; });
  with([](Operation& other) { other.with_waiting = true; });
  with([](Operation& other) { other.with_path = true; });
  with([](Operation& other) { other.tree_inline = true; });
  return rc::seq::fromContainer(std::move(simpler));
}

rc::Seq<Script> simpler_scripts(const Script& script) {
  using Operations = std::vector<Operation>;
  return rc::seq::map(rc::seq::concat(rc::shrink::removeChunks(script.operations),
                                      rc::shrink::eachElement(script.operations, simpler_operations)),
                      [script](Operations&& operations) {
                        Script other = script;
                        other.operations = std::move(operations);
                        return other;
                      });
}

rc::Gen<Script> scripts(std::size_t operations) {
  return [operations](const rc::Random& random, int) {
    rc::Random next = random;
    return rc::shrinkable::shrinkRecur(Chance(next.next()).script(operations),
                                       [](const Script& script) { return simpler_scripts(script); });
  };
}

// ---- what has to hold

// Plays it to its end. One that fails is left in a file, of which the last is the shortest.
void play(const Script& script, std::map<std::string, std::size_t>& outcomes) {
  Player player(script);
  try {
    for (const Operation& operation : script.operations) player.play(operation);
    player.finish();
  } catch (const Mismatch& difference) {
    const std::filesystem::path path = std::filesystem::absolute("model_test.script");
    std::ofstream(path) << text_of(script);
    throw Mismatch(difference.what() + std::string("\nReplay it: tacet replay ") + path.string());
  }
  for (const auto& [name, count] : player.outcomes()) outcomes[name] += count;
}

TEST(Model, TellsWhatEachMemberKnows) {
  constexpr std::size_t each = 120, at_least = 10000;
  std::size_t operations = 0;
  std::map<std::string, std::size_t> outcomes;
  while (operations < at_least && !::testing::Test::HasFailure()) {
    EXPECT_TRUE(rc::check("every endpoint knows what the model says", [&] {
      const Script script = *scripts(each);
      play(script, outcomes);
      operations += script.operations.size();
    }));
  }
  if (::testing::Test::HasFailure()) return;
  for (const char* const name : {"a Commit",
                                 "a Commit that removes it",
                                 "a Welcome",
                                 "a proposal",
                                 "application data",
                                 "branched",
                                 "client_repeated",
                                 "commit_pending",
                                 "epoch_future",
                                 "epoch_past",
                                 "generation_gone",
                                 "group_active",
                                 "group_closed",
                                 "group_inactive",
                                 "group_secrets_absent",
                                 "its own Commit",
                                 "proposals_wait",
                                 "psk_unknown",
                                 "reinit_absent",
                                 "succeeded",
                                 "too_many_proposals",
                                 "seized: a Commit",
                                 "seized: a proposal",
                                 "seized: application data",
                                 "seized: epoch_past",
                                 "seized: generation_gone",
                                 "seized: path_key_absent"}) {
    EXPECT_GT(outcomes[name], 0u) << name;
  }
  std::printf("%zu operations\n", operations);
  for (const auto& [name, count] : outcomes) std::printf("  %6zu %s\n", count, name.c_str());
}

// ---- scripts as text

RC_GTEST_PROP(Script, IsReadAsItIsWritten, (std::uint64_t seed)) {
  const Script script = Chance(seed).script(100);
  RC_ASSERT(parse_script(text_of(script)) == script);
}

std::string error_of(std::string_view text) {
  try {
    parse_script(text);
  } catch (const ScriptError& error) {
    return error.what();
  }
  return "none";
}

TEST(Script, WhatCannotBeReadIsTold) {
  EXPECT_EQ(error_of(""), "none");
  EXPECT_EQ(error_of("\n  # a comment\r\n\tdeliver  all # another"), "none");
  EXPECT_EQ(error_of("deliver all\nfly"), "line 2: no operation begins so in the place of 'fly'");
  EXPECT_EQ(error_of("1 flies"), "line 1: a client does no such thing in the place of 'flies'");
  EXPECT_EQ(error_of("1"), "line 1: a client does no such thing at the end of the line");
  EXPECT_EQ(error_of("1 proposes"), "line 1: there should be what is proposed at the end of the line");
  EXPECT_EQ(error_of("1 proposes add"), "line 1: there should be a number at the end of the line");
  EXPECT_EQ(error_of("1 proposes add -2"), "line 1: there should be a number in the place of '-2'");
  EXPECT_EQ(error_of("1 commits update"), "line 1: no Update can be in its sender's own Commit");
  EXPECT_EQ(error_of("1 commits without hope"), "line 1: there should be 'path' in the place of 'hope'");
  EXPECT_EQ(error_of("1 commits add 2 twice"),
            "line 1: a Commit knows no such thing in the place of 'twice'");
  EXPECT_EQ(error_of("1 branches"), "line 1: there should be 'with' at the end of the line");
  EXPECT_EQ(error_of("1 joins 2"), "line 1: there should be 'by' in the place of '2'");
  EXPECT_EQ(error_of("deliver to"), "line 1: there should be a number at the end of the line");
  EXPECT_EQ(error_of("deliver all twice"), "line 1: nothing should follow in the place of 'twice'");
  EXPECT_EQ(error_of("again to 3"), "line 1: there should be a number in the place of 'to'");
  EXPECT_EQ(error_of("clients 65"), "line 1: there are 1 to 64 clients");
  EXPECT_EQ(error_of("clients 0"), "line 1: there are 1 to 64 clients");
  EXPECT_EQ(error_of("seed 18446744073709551616"),
            "line 1: there should be a number in the place of '18446744073709551616'");
}

// ---- what single scripts come to

std::string last_outcome(std::string_view text) {
  const Script script = parse_script(text);
  Player player(script);
  std::string last;
  for (const Operation& operation : script.operations) last = player.play(operation);
  player.finish();
  return last;
}

TEST(Player, DoesNothingWhereItMakesNoSense) {
  for (const char* const text : {"9 says",
                                 "9 asks",
                                 "9 proposes custom 1",
                                 "9 commits",
                                 "9 joins by 0",
                                 "1 joins by 2",
                                 "9 forgets",
                                 "9 publishes",
                                 "9 succeeds",
                                 "0 branches with 0",
                                 "0 branches with 9",
                                 "seize 9",
                                 "deliver to 0",
                                 "deliver to 9",
                                 "lose at 0",
                                 "again 0 to 1",
                                 "deliver all",
                                 "0 adopts",
                                 "0 drops",
                                 "0 proposes remove 3",
                                 "0 proposes resumption 1",
                                 "bot proposes update"}) {
    EXPECT_EQ(last_outcome(text), "") << text;
  }
}

TEST(Player, AllWhoAreThereGoOnInAnotherGroup) {
  const std::string three = "0 commits add 1 add 2\ndeliver all\n";
  EXPECT_EQ(last_outcome(three + "1 succeeds"), "reinit_absent");
  EXPECT_EQ(last_outcome(three + "1 branches with 2"), "is founded by 2");
  EXPECT_EQ(last_outcome(three + "2 commits reinit\ndeliver all\n1 succeeds"), "is founded by 3");
  EXPECT_EQ(last_outcome(three + "2 commits reinit\ndeliver to 1\ndeliver to 2\n1 succeeds"),
            "is founded by 2");
}

TEST(Player, AMemberThatWasSeizedHeals) {
  const std::string seized = "0 commits add 1 add 2\ndeliver all\nseize 1\n";
  const std::string text_of_two = "deliver all\n2 says\n";
  const auto copy_gets = [&](const std::string& heals) {
    const Script script = parse_script(seized + heals + text_of_two);
    Player player(script);
    std::string last;
    player.tell = [&last](const std::string& what) {
      if (what.find("1 (seized)") == 0) last = what.substr(what.rfind(": ") + 2);
    };
    for (const Operation& operation : script.operations) player.play(operation);
    return last;
  };
  EXPECT_EQ(copy_gets(""), "application data");
  EXPECT_EQ(copy_gets("0 commits\n"), "application data");
  EXPECT_EQ(copy_gets("1 commits psk 0 without path\n"), "application data");
  EXPECT_EQ(copy_gets("1 commits\n"), "epoch_future");
  EXPECT_EQ(copy_gets("1 proposes update\ndeliver all\n0 commits\n"), "epoch_future");
  EXPECT_EQ(copy_gets("0 commits remove 1\n"), "group_inactive");
}

}  // namespace
}  // namespace tacet::adversary
