#pragma once

// A live group in which two members are traitors. The others have nothing but the public verbs; they hold
// every rule against what comes, and stay as they are when they refuse it.

#include "evidence.h"
#include "members.h"
#include "spec/adversary/committer.h"

namespace tacet {

using adversary::add_of;
using adversary::Builder;
using adversary::Change, adversary::Step;
using adversary::CommitPlan;
using adversary::encoded;
using adversary::Framed;
using adversary::OpenLeaf, adversary::OpenPath, adversary::OpenPathNode, adversary::OpenSecrets;
using adversary::remove_of;

// Leaf 0 is ann's, 1 new's, who was added without a path and is unmerged at node 3 and at the root, 2 the
// traitor's, 3 dan's, 4 eve's, 6 the accomplice's; 5 and 7 are blank, and so are the parents 1, 9 and 13.
class HostileGroup {
 public:
  static constexpr ExtensionType in_context{0xf00e}, required{0xf00d}, listed{0xf00c};
  static constexpr ProposalType a_proposal{0xf001}, of_most{0xf002};  // of all but the accomplice
  static constexpr CredentialType a_credential{0xf003};
  static constexpr LeafIndex unmerged{1}, nobodys{5};

  HostileGroup() {
    equip(traitor);
    equip(accomplice);
    equip(outsider);
    outsider.publish();
    accomplice.supported.proposals = CustomProposals(some_proposals).first(1);
    for (const char* name : {"ann", "bob", "new", "dan", "eve", "fay"}) {
      members[name] = std::make_unique<Member>(name, random);
      equip(at(name));
    }
    at("ann").create(model::octets("group"), group_extensions);
    commit("ann", {add_of(at("bob").publish()), add_of(traitor.publish()), add_of(at("dan").publish()),
                   add_of(at("eve").publish()), add_of(at("fay").publish()), add_of(accomplice.publish())});
    for (const char* name : {"dan", "eve"}) commit(name);
    commit("ann", {remove_of(unmerged), remove_of(nobodys)});
    commit("eve");
    commit("ann", {add_of(at("new").publish())}, false);
    members.erase("bob");
    members.erase("fay");
  }

  Member& at(const std::string& name) { return *members.at(name); }
  void equip(adversary::Device& device) {
    device.credentials = {CredentialType::basic, a_credential};
    device.supported = {device.suites, some_extensions, some_proposals, device.credentials};
    device.psks.known["agreed"] = model::octets("a psk of all");
  }

  // ---- what honest members do

  void commit(const std::string& by, const std::vector<Proposal>& list = {}, bool with_path = true) {
    CommitOptions wanted;
    wanted.proposals = list;
    wanted.with_path = with_path;
    const Octets message = at(by).commit(wanted), welcome = at(by).welcome();
    adversary::must(at(by).error);
    at(by).group.adopt_pending();
    EXPECT_TRUE(deliver(message, by));
    if (!welcome.empty()) invite(welcome);
  }
  void invite(const Octets& welcome) {
    for (auto& [name, each] : members) {
      if (!each->group.is_active() && !each->reference.empty()) adversary::must(each->join(welcome));
    }
    for (Endpoint* each : {&traitor, &accomplice}) {
      if (!each->epoch && !each->reference.empty()) adversary::must(each->join(welcome));
    }
  }
  // To all who are in the group but its sender: whether all members took it.
  bool deliver(const Octets& message, const std::string& from) {
    bool taken = true;
    for (auto& [name, each] : members) {
      if (name == from || !each->group.is_active()) continue;
      const Error error = each->receive(message);
      EXPECT_EQ(error, Error::none) << name;
      taken &= error == Error::none;
    }
    for (Endpoint* each : {&traitor, &accomplice}) {
      if (each->name == from || !each->epoch) continue;
      EXPECT_EQ(each->receive(message), Error::none) << each->name;
    }
    return taken;
  }
  bool agree() {
    bool equal = true;
    for (const auto& [name, each] : members) {
      if (each->group.is_active()) equal &= each->authenticator() == traitor.authenticator();
    }
    EXPECT_TRUE(equal);
    return equal;
  }

  // ---- what is proposed

  static Octets by_value(const Octets& proposal) { return Octets{1} + proposal; }
  static Octets by_value(const Proposal& proposal) { return by_value(encoded(proposal)); }
  static Octets by_reference(Bytes reference) { return Octets{2} + adversary::vector_of(reference); }
  // A list whose parts are made in their order.
  static Octets joined(const std::vector<Octets>& parts) {
    Octets list;
    for (const Octets& part : parts) list = list + part;
    return list;
  }
  Octets psk(std::string_view id, std::size_t nonce_size = 32) {
    Proposal proposal = adversary::external_psk_of(id);
    const Octets nonce = random_octets(nonce_size);
    proposal.pre_shared_key.psk.psk_nonce = nonce;
    return encoded(proposal);
  }
  // Of this group and epoch.
  Octets resumption(ResumptionPskUsage usage) {
    const GroupContext& now = traitor.epoch->state.context();
    Proposal proposal = adversary::resumption_psk_of(now.group_id, now.epoch);
    const Octets nonce = random_octets(32);
    proposal.pre_shared_key.psk.usage = usage;
    proposal.pre_shared_key.psk.psk_nonce = nonce;
    return encoded(proposal);
  }
  // Of a device that is new to the group.
  Octets add(const std::string& name) {
    members[name] = std::make_unique<Member>(name, random);
    equip(at(name));
    return by_value(add_of(at(name).publish()));
  }
  static Proposal reinit() { return adversary::reinit_of(bytes_of("the next group")); }
  // Sent by an honest member, or by a traitor, and heard by all.
  Octets proposed(const std::string& by, const Octets& message) {
    adversary::must(at(by).error);
    EXPECT_TRUE(deliver(message, by));
    const Member& other = by == "ann" ? at("dan") : at("ann");
    return by_reference(other.heard.proposal_reference);
  }
  Octets proposed(Endpoint& by, const Octets& proposal) {
    const auto [message, reference] = by.propose(proposal);
    EXPECT_TRUE(deliver(message, by.name));
    return reference;
  }

  Octets random_octets(std::size_t size) {
    Octets out(size);
    EXPECT_EQ(random.fill(out), Error::none);
    return out;
  }

  Octets new_key() {
    Octets public_key(32);
    Secret unused;
    adversary::must(traitor.crypto.generate_key_pair(unused, public_key));
    return public_key;
  }

  // ---- what the traitor does

  // The next key of a ratchet, with which something was sent.
  static void spend(Endpoint& of, RatchetType type) {
    MessageKey spent;
    adversary::must(of.epoch->member.secret_tree().next(of.crypto, of.epoch->member.own(), type, spent));
  }
  // From then on nothing that comes from a traitor takes memory.
  void hear() {
    for (Endpoint* each : {&traitor, &accomplice}) {
      const Framed said = framed_by(*each, ContentType::application, model::vector("hear me"));
      const Octets message = Builder(each->crypto, means_of(*each))
                                 .private_message(said, next_message_key(*each, RatchetType::application), 0);
      spend(*each, RatchetType::application);
      EXPECT_TRUE(deliver(message, each->name));
    }
  }

  using Defect = std::function<void(CommitPlan&)>;
  using Names = std::vector<std::string>;
  static inline const Names all = {"ann", "new", "dan", "eve"};

  // A Commit that the victims refuse, and nobody else.
  void breaks(const char* ids, Error error, const Defect& defect, const Names& victims = all) {
    for (const WireFormat format : {WireFormat::public_message, WireFormat::private_message}) {
      SCOPED_TRACE(static_cast<int>(format));
      hear();
      CommitPlan plan;
      plan.format = format;
      defect(plan);
      refuse(ids, error, commit_of(*committer, plan).message, victims, [&] { return go_on(format); });
    }
  }
  // With a list of proposals that is made anew for each format: what was proposed is there for one epoch.
  using NewList = std::function<Octets()>;
  void breaks_with(const char* ids, Error error, const NewList& list, const Names& victims = all) {
    breaks(
        ids, error, [&](CommitPlan& plan) { plan.proposals = list(); }, victims);
  }
  // What looks alike and has to be accepted.
  void is_accepted(const NewList& list) {
    CommitPlan plan;
    plan.proposals = list();
    EXPECT_TRUE(would_take(commit_of(*committer, plan).message));
  }
  // Whether all members would, who stay where they are.
  bool would_take(const Octets& message) {
    bool taken = true;
    for (auto& [name, each] : members) {
      if (!each->group.is_active()) continue;
      const Error error = each->stage(message);
      EXPECT_EQ(error, Error::none) << name;
      each->group.drop();
      taken &= error == Error::none;
    }
    return taken;
  }
  // Any message; `genuine` sends the one that is accepted after it.
  void refuse(const char* ids, Error error, const Octets& bad, const Names& victims,
              const std::function<bool()>& genuine) {
    struct Answer {
      std::string name;
      Error error;
      bool state_equal;
    };
    std::vector<Answer> answers;
    for (auto& [name, each] : members) {
      SCOPED_TRACE(name);
      if (!each->group.is_active()) continue;
      if (std::find(victims.begin(), victims.end(), name) == victims.end()) {
        EXPECT_EQ(each->stage(bad), Error::none);
        each->group.drop();
        continue;
      }
      const Snapshot before(*each);
      const Error answer = each->receive(bad);
      answers.push_back({name, answer, Snapshot(*each) == before});
      EXPECT_TRUE(answers.back().state_equal);
    }
    const bool accepted = genuine();
    for (const auto& [name, answer, equal] : answers) {
      SCOPED_TRACE(name);
      evidence::refused(ids, error, answer, {.state_equal = equal, .genuine_accepted = accepted});
    }
  }
  // The committer's honest Commit of that generation; it has no path, so that the tree stays as it is.
  bool go_on(WireFormat format) {
    NewCommit wanted;
    wanted.with_path = false;
    wanted.wire_format = format;
    const Octets list = by_value(psk("agreed"));
    adversary::must(committer->commit(list, wanted));
    const bool taken = deliver(model::octets(committer->pending->message), committer->name);
    committer->adopt();
    return agree() && taken;
  }

  // ---- what a client does outside

  Octets external_commit(const Defect& defect) {
    CommitPlan plan;
    plan.proposals = former_goes;
    defect(plan);
    return external_commit_of(outsider, traitor.epoch->state, external_pub_of(traitor), plan).message;
  }
  // An external Commit that the victims refuse, and nobody else; its honest twin they would take.
  void breaks_outside(const char* ids, Error error, const Defect& defect, const Names& victims = all) {
    refuse(ids, error, external_commit(defect), victims,
           [&] { return would_take(external_commit([](CommitPlan&) {})); });
  }

  static constexpr ExtensionType some_extensions[] = {in_context, required, listed};
  static constexpr ProposalType some_proposals[] = {a_proposal, of_most};
  // What the group demands: each of its three kinds, and support of an extension that it has.
  static inline const Octets demands = model::vector(encoded(required)) + model::vector(encoded(a_proposal)) +
                                       model::vector(encoded(a_credential)),
                             data = model::octets("data");
  static inline const std::vector<Extension> group_extensions = {
      {ExtensionType::required_capabilities, demands}, {in_context, data}};
  adversary::SeededRandom random{21};
  std::map<std::string, std::unique_ptr<Member>> members;
  Endpoint traitor{"traitor", random}, accomplice{"accomplice", random};
  Endpoint outsider{"an outsider", random};
  Octets former_goes;  // what an honest Commit of the outsider covers: a Remove, if it was there before
  Endpoint* committer = &traitor;
};

// Where a Commit is broken.
inline HostileGroup::Defect keys(const std::function<void(OpenPath&)>& change) {
  return [=](CommitPlan& plan) { plan.keys = change; };
}
inline HostileGroup::Defect leaf(const std::function<void(OpenLeaf&)>& change) {
  return [=](CommitPlan& plan) { plan.leaf = change; };
}
inline HostileGroup::Defect unsealed(const std::function<void(OpenPath&)>& change) {
  return [=](CommitPlan& plan) { plan.unsealed = change; };
}
inline HostileGroup::Defect sealed(const std::function<void(OpenPath&)>& change) {
  return [=](CommitPlan& plan) { plan.sealed = change; };
}
inline HostileGroup::Defect secrets(const std::function<void(OpenSecrets&)>& change) {
  return [=](CommitPlan& plan) { plan.secrets = change; };
}

class HostileTest : public ::testing::Test, public HostileGroup {};

}  // namespace tacet
