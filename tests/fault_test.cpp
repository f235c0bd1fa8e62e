// Every public verb, of a Group, of an Observer, and those that need no group: whatever an endpoint is lent
// fails at each of its calls in turn.

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "evidence.h"
#include "fault_trials.h"

namespace tacet {
namespace {

using adversary::extensions_of, adversary::remove_of;

constexpr Leaves nothing = Leaves::nothing, room_made = Leaves::room, ratchets = Leaves::ratchets;
constexpr ResumptionPskUsage reinit = ResumptionPskUsage::reinit, branch = ResumptionPskUsage::branch;
constexpr LeafIndex leaf_c{2}, leaf_d{3}, leaf_e{4};

const Case cases[] = {
    // ---- the beginning
    {"create", "", nobody, all_but_signer, nothing, [](VerbTest& t) { return t.tries_to_create(); }},
    {"join", "", four, all_but_signer, nothing, [](VerbTest& t) { return t.tries_to_join({}); }},
    {"join", "tree_apart", four, all_but_signer, nothing,
     [](VerbTest& t) { return t.tries_to_join({.tree_inline = false}); }},
    {"join", "psk", four, all_but_signer, nothing,
     [](VerbTest& t) { return t.tries_to_join({.with_psk = true}); }},
    {"join", "past_epochs", with_past, all_but_signer, nothing,
     [](VerbTest& t) { return t.tries_to_join({}); }},
    {"join", "successor", three, all_but_signer, nothing,
     [](VerbTest& t) { return t.tries_to_join_successor(); }},
    {"succeed", "reinit", three, all_lent, nothing, [](VerbTest& t) { return t.tries_to_succeed(reinit); }},
    {"succeed", "branch", three, all_lent, nothing, [](VerbTest& t) { return t.tries_to_succeed(branch); }},
    {"join_from_outside", "", four, all_lent, nothing, [](VerbTest& t) { return t.tries_from_outside({}); }},
    {"join_from_outside", "again", four, all_lent, nothing,
     [](VerbTest& t) { return t.tries_from_outside({.replaces = true}); }},
    {"join_from_outside", "psk", four, all_lent, nothing,
     [](VerbTest& t) { return t.tries_from_outside({.psks = t.new_psk()}); }},

    // ---- handshakes
    {"propose", "add", four, all_but_random, room_made,
     [](VerbTest& t) { return t.tries_to_propose(add_of(t.member("X").publish())); }},
    {"propose", "remove", four, all_but_random, room_made,
     [](VerbTest& t) { return t.tries_to_propose(remove_of(leaf_c)); }},
    {"propose", "psk", four, all_lent, room_made,
     [](VerbTest& t) { return t.tries_to_propose(t.new_psk()[0]); }},
    {"propose", "reinit", four, all_but_random, room_made,
     [](VerbTest& t) { return t.tries_to_propose(reinit_of(t.successor)); }},
    {"propose", "extensions", four, all_but_random, room_made,
     [](VerbTest& t) { return t.tries_to_propose(extensions_of({})); }},
    {"propose", "custom", four, all_but_random, room_made,
     [](VerbTest& t) { return t.tries_to_propose(custom_of(t.custom[0], bytes_of("body"))); }},
    {"propose", "where_room_is", four, all_but_random, nothing,
     [](VerbTest& t) {
       for (const char* body : {"1", "2", "3", "4"}) {
         t.send(t.at(1).propose(custom_of(t.custom[0], bytes_of(body))), t.at(1));
       }
       return t.tries_to_propose(remove_of(leaf_c));
     }},
    {"propose", "privately", privately, all_lent, ratchets,
     [](VerbTest& t) { return t.tries_to_propose(remove_of(leaf_c)); }},
    {"propose_update", "", four, all_lent, room_made, [](VerbTest& t) { return t.tries_to_update({}); }},
    {"propose_update", "privately", privately, all_lent, ratchets,
     [](VerbTest& t) { return t.tries_to_update({}); }},
    {"commit", "", four, all_lent, nothing, [](VerbTest& t) { return t.tries_to_commit({}); }},
    {"commit", "privately", privately, all_lent, ratchets,
     [](VerbTest& t) { return t.tries_to_commit({}); }},
    {"commit", "psk_without_path", four, all_lent, nothing,
     [](VerbTest& t) { return t.tries_to_commit({.proposals = t.new_psk(), .with_path = false}); }},
    {"commit", "add", four, all_lent, nothing, [](VerbTest& t) { return t.tries_to_commit_adding(true); }},
    {"commit", "add_tree_apart", three, all_lent, nothing,
     [](VerbTest& t) { return t.tries_to_commit_adding(false); }},
    {"commit", "remove", five, all_lent, nothing,
     [](VerbTest& t) { return t.tries_to_commit({.proposals = t.store({remove_of(leaf_e)})}); }},
    {"commit", "extensions", four, all_lent, nothing,
     [](VerbTest& t) { return t.tries_to_commit({.proposals = t.store({extensions_of({})})}); }},
    {"commit", "reinit", four, all_lent, nothing,
     [](VerbTest& t) {
       return t.tries_to_commit({.proposals = t.store({reinit_of(t.successor)}), .with_path = false});
     }},
    {"commit", "past_epochs", with_past, all_lent, nothing,
     [](VerbTest& t) { return t.tries_to_commit({}); }},
    {"commit", "what_waits", five, all_lent, nothing,
     [](VerbTest& t) {
       t.send(t.at(1).propose_update(), t.at(1));
       t.send(t.at(2).propose(remove_of(leaf_e)), t.at(2));
       t.send(t.at(3).propose(t.new_psk()[0]), t.at(3));
       return t.tries_to_commit({});
     }},
    {"commit", "what_is_valid", four, all_lent, nothing,
     [](VerbTest& t) {
       t.send(t.at(1).propose_update(), t.at(1));
       t.let_wait_what_is_not_believed();
       return t.tries_to_commit({});
     }},
    {"commit", "reinit_beside_what_is_not_valid", four, all_lent, nothing,
     [](VerbTest& t) {
       t.send(t.at(1).propose(reinit_of(t.successor)), t.at(1));
       t.let_wait_what_is_not_believed();
       return t.tries_to_commit({.with_path = false});
     }},
    {"adopt_pending", "", with_past, nothing_lent, nothing,
     [](VerbTest& t) {
       const Octets commit = t.at(0).commit({.proposals = t.store({remove_of(leaf_c)})});
       return t.does(
           t.at(0), [&t] { t.at(0).group.adopt_pending(); }, [&t, commit] { t.send(commit, t.at(0)); });
     }},
    {"adopt_pending", "from_outside", four, nothing_lent, nothing,
     [](VerbTest& t) {
       Member& x = t.member("X");
       const Octets commit = x.join_from_outside(t.at(0).group_info({.external_pub = true}));
       return t.does(x, [&x] { x.group.adopt_pending(); }, [&t, &x, commit] { t.send(commit, x); });
     }},
    {"drop_pending", "", four, nothing_lent, nothing,
     [](VerbTest& t) {
       t.at(0).commit();
       return t.does(t.at(0), [&t] { t.at(0).group.drop_pending(); });
     }},

    // ---- receiving
    {"process_size", "", four, nothing_lent, nothing,
     [](VerbTest& t) {
       const Octets said = t.at(0).say("hello");
       return t.does(t.at(3), [&t, said] { EXPECT_GT(t.at(3).group.process_size(said).value(), 0u); });
     }},
    {"stage", "commit", four, all_but_signer, nothing,
     [](VerbTest& t) {
       t.at(0).commit();
       return t.tries_to_take_pending();
     }},
    {"stage", "commit_private", privately, all_but_signer, ratchets,
     [](VerbTest& t) {
       t.at(0).commit();
       return t.tries_to_take_pending();
     }},
    {"stage", "commit_past_epochs", with_past, all_but_signer, nothing,
     [](VerbTest& t) {
       t.at(0).commit({.proposals = t.store({remove_of(leaf_c)})});
       return t.tries_to_take_pending();
     }},
    {"stage", "commit_adding", four, all_but_signer, nothing,
     [](VerbTest& t) {
       Member& x = t.member("X");
       t.at(0).commit({.proposals = t.store({add_of(x.publish()), external_psk_of("a")})});
       return t.tries_to_take_pending({&x});
     }},
    {"stage", "commit_truncating", five, all_but_signer, nothing,
     [](VerbTest& t) {
       t.at(0).commit({.proposals = t.store({remove_of(leaf_e)})});
       return t.tries_to_take_pending();
     }},
    {"stage", "commit_of_what_waits", four, all_but_signer, nothing,
     [](VerbTest& t) {
       t.send(t.at(3).propose_update(), t.at(3));
       t.send(t.at(1).propose(extensions_of({})), t.at(1));
       t.at(0).commit();
       return t.tries_to_take_pending();
     }},
    {"stage", "commit_reinit", four, all_but_signer, nothing,
     [](VerbTest& t) {
       t.at(0).commit({.proposals = t.store({reinit_of(t.successor)}), .with_path = false});
       return t.tries_to_take_pending();
     }},
    {"stage", "commit_beside_ones_own", four, all_but_signer, nothing,
     [](VerbTest& t) {
       t.at(3).commit();
       t.at(0).commit();
       return t.tries_to_take_pending();
     }},
    {"stage", "removal", four, memory_alone, nothing,
     [](VerbTest& t) {
       t.at(0).commit({.proposals = t.store({remove_of(leaf_d)})});
       return t.tries_to_take_pending();
     }},
    {"stage", "ones_own_commit", four, memory_alone, nothing,
     [](VerbTest& t) {
       const Octets commit = t.at(3).commit();
       Trial trial = t.tries_to_take(commit, false);
       trial.then = [&t, commit] {
         t.at(3).group.adopt();
         t.send(commit, t.at(3));
       };
       return trial;
     }},
    {"stage", "external_commit", four, all_but_signer, nothing,
     [](VerbTest& t) {
       Member& x = t.member("X");
       const Octets commit = x.join_from_outside(t.at(0).group_info({.external_pub = true}));
       Trial trial = t.tries_to_take(commit, false);
       trial.then = [&t, &x, commit] {
         for (const std::size_t i : {0u, 1u, 2u}) EXPECT_EQ(t.at(i).receive(commit), Error::none);
         x.group.adopt_pending();
         t.at(3).group.adopt();
       };
       return trial;
     }},
    {"adopt", "commit", with_past, nothing_lent, nothing,
     [](VerbTest& t) {
       const Octets commit = t.at(0).commit({.proposals = t.store({remove_of(leaf_c)})});
       EXPECT_EQ(t.at(3).stage(commit), Error::none);
       t.at(0).group.adopt_pending();
       for (const std::size_t i : {1u, 2u}) EXPECT_EQ(t.at(i).receive(commit), Error::none);
       return t.does(t.at(3), [&t] { t.at(3).group.adopt(); });
     }},
    {"adopt", "proposal", four, nothing_lent, nothing,
     [](VerbTest& t) {
       const Octets update = t.at(0).propose_update();
       EXPECT_EQ(t.at(3).stage(update), Error::none);
       return t.does(
           t.at(3), [&t] { t.at(3).group.adopt(); },
           [&t, update] {
             for (const std::size_t i : {1u, 2u}) EXPECT_EQ(t.at(i).receive(update), Error::none);
             t.commit_of(t.at(3), {});
           });
     }},
    {"adopt", "application_data", four, nothing_lent, nothing,
     [](VerbTest& t) {
       EXPECT_EQ(t.at(3).stage(t.at(0).say("hello")), Error::none);
       return t.does(t.at(3), [&t] { t.at(3).group.adopt(); });
     }},
    {"drop", "", four, nothing_lent, nothing,
     [](VerbTest& t) {
       EXPECT_EQ(t.at(3).stage(t.at(0).commit()), Error::none);
       t.at(0).group.drop_pending();
       return t.does(t.at(3), [&t] { t.at(3).group.drop(); });
     }},
    {"process", "application_data", four, memory_alone, ratchets,
     [](VerbTest& t) { return t.tries_to_take(t.at(1).say("hello")); }},
    {"process", "application_data_once_heard", four, nothing_lent, nothing,
     [](VerbTest& t) {
       t.let_d_hear(t.at(1));
       for (int i = 0; i < 5; ++i) t.at(1).say("not delivered");
       return t.tries_to_take(t.at(1).say("hello"));
     }},
    {"process", "late", with_past, memory_alone, ratchets,
     [](VerbTest& t) {
       const Octets late = t.at(1).say("late");
       t.commit_of(t.at(0), {});
       return t.tries_to_take(late);
     }},
    {"process", "late_once_heard", with_past, nothing_lent, nothing,
     [](VerbTest& t) {
       t.let_d_hear(t.at(1));
       const Octets late = t.at(1).say("late");
       t.commit_of(t.at(0), {.proposals = t.store({remove_of(leaf_c)})});
       return t.tries_to_take(late);
     }},
    {"process", "proposal", four, memory_alone, room_made,
     [](VerbTest& t) { return t.tries_to_take_proposal(t.at(1).propose_update()); }},
    {"process", "proposal_private", privately, memory_alone, ratchets,
     [](VerbTest& t) { return t.tries_to_take_proposal(t.at(1).propose_update()); }},
    {"process", "commit", four, all_but_signer, nothing,
     [](VerbTest& t) {
       t.at(0).commit();
       return t.tries_to_take_pending({}, true);
     }},

    // ---- application data
    {"seal_size", "", four, nothing_lent, nothing,
     [](VerbTest& t) {
       return t.does(t.at(3), [&t] { EXPECT_GT(t.at(3).group.seal_size(10, {}).value(), 10u); });
     }},
    {"seal", "", four, all_lent, ratchets, [](VerbTest& t) { return t.tries_to_say(); }},
    {"seal", "once_said", four, all_but_memory, ratchets,
     [](VerbTest& t) {
       t.at(1).say("hello");
       return t.tries_to_say();
     }},

    // ---- what a group tells
    {"group_info", "", four, all_lent, nothing, [](VerbTest& t) { return t.tries_to_tell(true); }},
    {"group_info", "tree_apart", four, all_lent, nothing,
     [](VerbTest& t) { return t.tries_to_tell(false); }},
    {"export_secret", "", four, nothing_lent, nothing,
     [](VerbTest& t) {
       return t.does(t.at(1), [&t] {
         Octets mine(32), others(32);
         EXPECT_EQ(t.at(1).group.export_secret("label", {}, mine), Error::none);
         EXPECT_EQ(t.at(2).group.export_secret("label", {}, others), Error::none);
         EXPECT_EQ(mine, others);
       });
     }},
    {"epoch_authenticator", "", four, nothing_lent, nothing,
     [](VerbTest& t) { return t.does(t.at(1), [&t] { EXPECT_FALSE(t.at(1).authenticator().empty()); }); }},
    {"membership_fingerprint", "", four, nothing_lent, nothing,
     [](VerbTest& t) {
       return t.does(t.at(1), [&t] {
         Digest mine, others;
         EXPECT_EQ(t.at(1).group.membership_fingerprint(mine), Error::none);
         EXPECT_EQ(t.at(2).group.membership_fingerprint(others), Error::none);
         EXPECT_TRUE(equal(mine, others));
       });
     }},
    {"resumption_psk", "", four, nothing_lent, nothing,
     [](VerbTest& t) {
       return t.does(t.at(1), [&t] {
         SecretView psk;
         EXPECT_EQ(t.at(1).group.resumption_psk(1, psk), Error::none);
       });
     }},

    // ---- what lasts
    {"save_epoch", "", saving, all_but_signer, nothing,
     [](VerbTest& t) { return t.tries_to_save(&Group::save_epoch); }},
    {"save_ratchets", "", saving, all_but_signer, nothing,
     [](VerbTest& t) { return t.tries_to_save(&Group::save_ratchets); }},
    {"saved", "", saving, nothing_lent, nothing,
     [](VerbTest& t) {
       must(t.at(3).save(t.save));
       return t.does(t.at(3), [&t] { t.at(3).group.saved(); });
     }},
    {"restore", "", saving, all_but_signer, nothing, [](VerbTest& t) { return t.tries_to_restore(); }},

    // ---- an observer
    {"Observer::start", "", three, all_but_signer, nothing,
     [](VerbTest& t) {
       Member& outside = t.member("O");
       t.observer.emplace(outside.client());
       const Octets info = t.at(0).group_info();
       return Trial{outside, [&t, info](Signer&) { return t.observer->start(info, {}); }, [] {}};
     }},
    {"Observer::process_size", "", three, nothing_lent, nothing,
     [](VerbTest& t) {
       Trial trial = t.watches_proposal();
       trial.attempt = [&t](Signer&) { return t.observer->process_size(t.received).error(); };
       return trial;
     }},
    {"Observer::process", "proposal", three, memory_alone, room_made,
     [](VerbTest& t) { return t.watches_proposal(); }},
    {"Observer::process", "commit", three, all_but_signer, nothing,
     [](VerbTest& t) {
       Member& x = t.member("X");
       const Octets commit = t.at(0).commit({.proposals = t.store({add_of(x.publish())})});
       Trial trial = t.watches(commit);
       trial.then = [&t, &x] {
         t.take_commit_of(t.at(0), {&x});
         t.expect_observer_to_agree();
       };
       return trial;
     }},

    // ---- without a group
    {"create_key_package", "", nobody, all_but_memory, nothing,
     [](VerbTest& t) { return t.tries_to_publish(); }},
    {"propose_from_outside", "", four, all_but_random, nothing,
     [](VerbTest& t) { return t.tries_to_ask(); }},
};

// Each fault by itself: whoever says that a verb uses what is lent shows that it does.
TEST_P(VerbTest, FailsAndGoesOn) {
  const auto& [verb, fault] = GetParam();
  Trial trial = verb.prepare(*this);
  const std::size_t failures = fail_at_each_call(trial, fault, verb.leaves);
  const bool is_used = is_of_memory(fault)      ? verb.uses.memory
                       : fault == Fault::signer ? verb.uses.signer
                                                : verb.uses.random;
  EXPECT_EQ(failures != 0, is_used) << failures;
  if (HasFailure()) return;
  trial.then();
  if (HasFailure()) return;
  agree();
  expect_no_weak_key(trial.who);
}

std::string name_of(const ::testing::TestParamInfo<VerbTest::ParamType>& info) {
  const auto& [verb, fault] = info.param;
  std::string name = verb.verb;
  if (*verb.kind != 0) name = name + '_' + verb.kind;
  name = name + "_without_" + ::testing::PrintToString(fault);
  return std::regex_replace(name, std::regex("::"), "_");
}
INSTANTIATE_TEST_SUITE_P(Faults, VerbTest,
                         ::testing::Combine(::testing::ValuesIn(cases), ::testing::ValuesIn(all_faults)),
                         name_of);

// ---- none is missing

// The names of the public functions of a class, as its header declares them.
std::set<std::string> public_functions(const char* header, const std::string& name) {
  const auto folder = std::filesystem::path(__FILE__).parent_path().parent_path() / "protocol";
  std::ifstream file(folder / header);
  std::stringstream text;
  text << file.rdbuf();
  std::string whole = std::regex_replace(text.str(), std::regex("//[^\n]*"), "");
  const std::size_t begin = whole.find("\nclass " + name + " "), end = whole.find("\n private:", begin);
  if (begin == std::string::npos || end == std::string::npos) return {};
  whole = whole.substr(begin, end - begin);
  const std::regex declared("\n  [\\w:<>*& ]+[ *&](\\w+)\\(");
  std::set<std::string> names;
  for (std::sregex_iterator each(whole.begin(), whole.end(), declared), none; each != none; ++each) {
    names.insert((*each)[1]);
  }
  names.erase(name);  // constructors
  return names;
}

// They look, and cannot fail.
constexpr const char* that_tell[] = {"has_pending",    "pending_commit", "pending_welcome",
                                     "pending_record", "is_active",      "is_closed",
                                     "state",          "own_leaf",       "epoch_is_saved"};
constexpr const char* that_tell_of_an_observer[] = {"has_begun", "state"};

TEST(VerbsTest, NoneIsMissing) {
  std::set<std::string> of_groups(std::begin(that_tell), std::end(that_tell)),
      of_observers(std::begin(that_tell_of_an_observer), std::end(that_tell_of_an_observer));
  for (const Case& each : cases) {
    const std::string verb = each.verb, observer = "Observer::";
    const bool is_observers = verb.rfind(observer, 0) == 0;
    if (is_observers) of_observers.insert(verb.substr(observer.size()));
    if (!is_observers && each.start.size != 0) of_groups.insert(verb);
  }
  of_groups.insert("create");
  of_groups.erase("propose_from_outside");
  EXPECT_EQ(public_functions("group.h", "Group"), of_groups);
  EXPECT_EQ(public_functions("observer.h", "Observer"), of_observers);
}

}  // namespace
}  // namespace tacet
