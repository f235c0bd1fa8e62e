#pragma once

// Members of groups whose memories tests look into.

#include <memory>

#include "endpoints.h"
#include "spec/adversary/member.h"

namespace tacet {

class Member final : public TwoMemories, public adversary::Member {
 public:
  Member(std::string name, Random& random)
      : adversary::Member(std::move(name), random, memory, secret_memory) {}
};

// What can be seen of a member: all that it tells of its group, and what waits.
struct View {
  explicit View(const Member& of)
      : is_active(of.group.is_active()),
        authenticator(of.authenticator()),
        commit(model::octets(of.group.pending_commit())),
        welcome(of.welcome()) {
    if (!is_active) return;
    const PublicState& state = of.group.state();
    tree = of.tree();
    context = model::octets(state.group_context());
    for (const auto& entry : state.proposals()) {
      proposals.push_back(model::octets(state.proposals().proposal(entry)));
    }
  }
  friend bool operator==(const View&, const View&) = default;

  bool is_active;
  Octets authenticator, commit, welcome, tree, context;
  std::vector<Octets> proposals;
};

// That, and all that it keeps.
struct Snapshot {
  explicit Snapshot(const Member& of)
      : seen(of), memory(of.memory.contents()), secret_memory(of.secret_memory.contents()) {}
  friend bool operator==(const Snapshot&, const Snapshot&) = default;

  View seen;
  std::vector<Octets> memory, secret_memory;
};

// A group of some members, named by letters, who have all the first one's Commits.
class GroupTest : public ::testing::Test {
 protected:
  Member& member(std::string name) {
    members.push_back(std::make_unique<Member>(std::move(name), *source));
    members.back()->policy.format = format;
    equip(*members.back());
    return *members.back();
  }

  // What each has beside that.
  virtual void equip(Member&) {}

  // The first creates the group and adds the others in one Commit.
  void make_group(std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) member(std::string(1, static_cast<char>('A' + i)));
    members[0]->create(group_id);
    std::vector<Proposal> adds;
    for (std::size_t i = 1; i < size; ++i) adds.push_back(adversary::add_of(members[i]->publish()));
    CommitOptions wanted;
    wanted.proposals = adds;
    if (adds.empty()) return;
    members[0]->commit(wanted);
    ASSERT_EQ(members[0]->error, Error::none);
    const Octets welcome = members[0]->welcome();
    members[0]->group.adopt_pending();
    for (std::size_t i = 1; i < size; ++i) ASSERT_EQ(members[i]->join(welcome), Error::none);
  }

  // To all but its sender.
  void send(const Octets& message, const Member& from) {
    for (const auto& each : members) {
      if (each.get() == &from || !each->group.is_active()) continue;
      EXPECT_EQ(each->receive(message), Error::none);
    }
  }

  // All who are in the group are in the same epoch, and hear each other.
  void expect_agreement() {
    for (const auto& each : members) {
      if (!each->group.is_active()) continue;
      const Octets message = each->say("from " + each->name, "aad");
      ASSERT_EQ(each->error, Error::none);
      for (const auto& other : members) {
        if (other == each || !other->group.is_active()) continue;
        EXPECT_EQ(other->authenticator(), each->authenticator());
        ASSERT_EQ(other->receive(message), Error::none);
        EXPECT_EQ(other->text(), "from " + each->name);
      }
    }
  }

  void commit_by(Member& committer) {
    const Octets commit = committer.commit();
    ASSERT_EQ(committer.error, Error::none);
    committer.group.adopt_pending();
    send(commit, committer);
  }

  // Options of a Commit that covers one proposal by value; the proposal lives as long as the fixture.
  CommitOptions with(const Proposal& proposal) {
    proposals.push_back(std::make_unique<Proposal>(proposal));
    CommitOptions wanted;
    wanted.proposals = {proposals.back().get(), 1};
    return wanted;
  }

  const Octets group_id = model::octets("a group");
  adversary::SeededRandom random{1};
  Random* source = &random;  // of all members
  WireFormat format = WireFormat::private_message;
  std::vector<std::unique_ptr<Proposal>> proposals;
  std::vector<std::unique_ptr<Member>> members;
};

}  // namespace tacet
