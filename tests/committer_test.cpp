// The adversary's committer: what it makes without any change is accepted by all, so that what they refuse is
// the change and nothing else.

#include "spec/adversary/committer.h"

#include "hostile.h"
#include "protocol/observer.h"

namespace tacet {
namespace {

// All accept it, and come to the epoch that the committer has computed; so do those whom it adds.
void accepted(HostileGroup& group, Endpoint& by, const CommitPlan& plan) {
  const adversary::MadeCommit made = commit_of(by, plan);
  const Octets welcome = welcome_of(by, made);
  EXPECT_TRUE(group.deliver(made.message, by.name));
  if (!made.joiners.empty()) group.invite(welcome);
  for (const auto& [name, each] : group.members) {
    if (!each->group.is_active()) continue;
    EXPECT_EQ(each->authenticator(), made.epoch_authenticator) << name;
  }
}

// In both formats, with a path and, unless it is required, without; by either traitor, so that there are
// unmerged leaves on the committer's path and beside it.
void accepted(const std::function<void(HostileGroup&, CommitPlan&)>& plan_it, bool path_required = true) {
  for (const bool with_path : {true, false}) {
    if (!with_path && path_required) continue;
    for (const WireFormat format : {WireFormat::public_message, WireFormat::private_message}) {
      for (const bool accomplice_commits : {false, true}) {
        SCOPED_TRACE(static_cast<int>(format) + 10 * accomplice_commits + 100 * with_path);
        HostileGroup group;
        CommitPlan plan;
        plan.with_path = with_path;
        plan.format = format;
        plan_it(group, plan);
        accepted(group, accomplice_commits ? group.accomplice : group.traitor, plan);
      }
    }
  }
}

TEST(CommitterTest, HasItsHonestCommitsAccepted) {
  accepted([](HostileGroup&, CommitPlan&) {});
  accepted([](HostileGroup&, CommitPlan& plan) {
    plan.authenticated_data = model::octets("in the open");
    plan.padding = 300;
  });
}

TEST(CommitterTest, CoversEveryKindOfProposal) {
  accepted(
      [](HostileGroup& group, CommitPlan& plan) {
        plan.proposals = HostileGroup::joined({group.add("joe"), group.add("kim")});
      },
      false);
  accepted([](HostileGroup& group,
              CommitPlan& plan) { plan.proposals = HostileGroup::by_value(group.psk("agreed")); },
           false);
  accepted([](HostileGroup&, CommitPlan& plan) {
    plan.proposals = HostileGroup::by_value(remove_of({4}));  // eve
  });
  accepted([](HostileGroup& group, CommitPlan& plan) {
    plan.proposals = group.proposed("ann", group.at("ann").propose_update());
  });
  accepted([](HostileGroup&, CommitPlan& plan) {
    const Octets list = model::number(0xf00e, 2) + model::vector("other data");
    Extensions extensions;
    EXPECT_EQ(Extensions::parse(list, extensions), Error::none);
    plan.proposals = HostileGroup::by_value(adversary::extensions_of(extensions));
  });
  accepted([](HostileGroup&, CommitPlan& plan) {
    const Proposal custom = adversary::custom_of(HostileGroup::a_proposal, bytes_of("body"));
    plan.proposals = HostileGroup::by_value(custom);
  });
  accepted([](HostileGroup&,
              CommitPlan& plan) { plan.proposals = HostileGroup::by_value(HostileGroup::reinit()); },
           false);
}

TEST(CommitterTest, CoversManyProposalsAtOnce) {
  accepted([](HostileGroup& group, CommitPlan& plan) {
    const Octets removes = group.proposed("ann", group.at("ann").propose(remove_of({4})));
    const Octets update = group.proposed("dan", group.at("dan").propose_update());
    plan.proposals =
        HostileGroup::joined({group.add("joe"), removes, HostileGroup::by_value(group.psk("agreed")), update,
                              group.add("kim"), group.add("lou")});
  });
}

TEST(CommitterTest, TruncatesTheTree) {
  HostileGroup group;
  CommitPlan plan;
  plan.proposals = HostileGroup::by_value(remove_of({4})) + HostileGroup::by_value(remove_of({6}));
  accepted(group, group.traitor, plan);
  EXPECT_EQ(group.at("ann").group.state().tree().size().leaves(), 4u);
}

// ---- from outside

// All accept it, and so does who follows without secrets; the client is a member then, and goes on as one.
void accepted_from_outside(HostileGroup& group, Endpoint& joiner, const CommitPlan& plan) {
  Member watcher("watcher", group.random);
  group.equip(watcher);
  Observer observer(watcher.client());
  ASSERT_EQ(observer.start(group.at("ann").group_info(), {}), Error::none);
  const adversary::MadeCommit made =
      external_commit_of(joiner, group.traitor.epoch->state, external_pub_of(group.traitor), plan);
  ASSERT_TRUE(group.deliver(made.message, {}));
  Octets room(observer.process_size(made.message).value());
  EXPECT_EQ(observer.process(made.message, room, watcher.heard), Error::none);
  follow(joiner, made);
  EXPECT_EQ(joiner.authenticator(), made.epoch_authenticator);
  EXPECT_TRUE(equal(observer.state().group_context(), joiner.epoch->state.group_context()));
  for (const auto& [name, each] : group.members) {
    if (!each->group.is_active()) continue;
    EXPECT_EQ(each->authenticator(), made.epoch_authenticator) << name;
  }
  const Octets next = group.at("dan").commit();
  group.at("dan").group.adopt_pending();
  EXPECT_TRUE(group.deliver(next, "dan"));
  EXPECT_EQ(joiner.receive(next), Error::none);
  CommitPlan own;
  own.format = WireFormat::private_message;
  EXPECT_TRUE(group.deliver(commit_of(joiner, own).message, {}));
}

TEST(CommitterTest, HasItsExternalCommitsAccepted) {
  HostileGroup group;
  Endpoint joiner{"joe", group.random};
  group.equip(joiner);
  joiner.publish();
  CommitPlan plan;
  plan.authenticated_data = model::octets("from outside");
  plan.proposals = HostileGroup::by_value(group.psk("agreed"));
  accepted_from_outside(group, joiner, plan);
  EXPECT_EQ(joiner.epoch->member.own(), HostileGroup::nobodys);
}

// With its signature key, or with another.
TEST(CommitterTest, ComesBackFromOutside) {
  for (const bool same_key : {true, false}) {
    HostileGroup group;
    Endpoint joiner{"eve", group.random};
    group.equip(joiner);
    if (same_key) joiner.signing_key = adversary::copy_of(group.at("eve").signing_key);
    if (same_key) joiner.signature_key = group.at("eve").signature_key;
    joiner.publish();
    CommitPlan plan;
    plan.proposals = HostileGroup::by_value(remove_of({4}));
    accepted_from_outside(group, joiner, plan);
    EXPECT_EQ(joiner.epoch->member.own(), LeafIndex{4});
    EXPECT_FALSE(group.at("eve").group.is_active());
  }
}

// Each change of an external Commit shows, and nothing but it.
TEST(CommitterTest, BreaksOneThingOfAnExternalCommit) {
  HostileGroup group;
  Endpoint joiner{"joe", group.random};
  group.equip(joiner);
  joiner.publish();
  const auto is_refused = [&](Error error, const std::function<void(CommitPlan&)>& change) {
    CommitPlan plan;
    change(plan);
    const Octets bad =
        external_commit_of(joiner, group.traitor.epoch->state, external_pub_of(group.traitor), plan).message;
    EXPECT_EQ(group.at("dan").receive(bad), error);
  };
  const Octets another = group.new_key();
  is_refused(Error::confirmation_tag_invalid,
             [&](CommitPlan& plan) { plan.external_pub = adversary::replaced_by(another); });
  is_refused(Error::external_init_count,
             [](CommitPlan& plan) { plan.external_init = adversary::left_out(); });
  is_refused(Error::new_member_commit_without_path, [](CommitPlan& plan) { plan.with_path = false; });
  is_refused(Error::path_parent_hash,
             [](CommitPlan& plan) { plan.leaf = [](OpenLeaf& leaf) { leaf.fields.parent_hash = {}; }; });
  is_refused(Error::message_signature_invalid, [](CommitPlan& plan) {
    plan.deviates = {{Step::signature, adversary::inside(adversary::flipped())}};
  });
  accepted_from_outside(group, joiner, {});
}

// ---- in the next epoch

// It has the keys of all that it is above, with a path and without.
TEST(CommitterTest, FollowsItsOwnCommit) {
  HostileGroup group;
  Endpoint& traitor = group.traitor;
  for (const bool with_path : {true, false, true}) {
    CommitPlan plan;
    plan.with_path = with_path;
    if (!with_path) plan.proposals = HostileGroup::by_value(group.psk("agreed"));
    const adversary::MadeCommit made = commit_of(traitor, plan);
    EXPECT_TRUE(group.deliver(made.message, traitor.name));
    follow(traitor, made);
    EXPECT_TRUE(group.agree());
    for (const char* name : {"eve", "ann"}) group.commit(name);
    EXPECT_TRUE(group.agree());
  }
}

// What cannot be read or applied is sent all the same.
TEST(CommitterTest, MakesACommitOfAnything) {
  HostileGroup group;
  group.hear();
  const std::vector<Octets> entries = {HostileGroup::by_value(remove_of({2})),
                                       HostileGroup::by_value(remove_of({UINT32_MAX})),
                                       HostileGroup::by_value(remove_of({6})),
                                       HostileGroup::by_value(HostileGroup::reinit()),
                                       HostileGroup::by_value(group.psk("unknown")),
                                       HostileGroup::by_reference(group.random_octets(7)),
                                       group.add("joe"),
                                       group.random_octets(20)};
  for (std::size_t i = 0; i < 64; ++i) {
    CommitPlan plan;
    for (int k = 0; k < 3; ++k) plan.proposals = plan.proposals + entries[group.random.below(entries.size())];
    plan.proposals.resize(group.random.below(plan.proposals.size() + 1));
    plan.with_path = group.random.below(2) == 0;
    const Octets message = commit_of(group.traitor, plan).message;
    EXPECT_FALSE(message.empty());
    Member& ann = group.at("ann");
    const Snapshot before(ann);
    if (ann.stage(message) == Error::none) {
      ann.group.drop();
    } else {
      EXPECT_TRUE(Snapshot(ann) == before);
    }
  }
}

}  // namespace
}  // namespace tacet
