#pragma once

// A live group in which two members are traitors: one commits, the other proposes. The others have nothing
// but the public verbs; they hold every rule against what comes, and stay as they are when they refuse it.

#include "evidence.h"
#include "members.h"
#include "spec/adversary/committer.h"

namespace tacet {

using adversary::add_of;
using adversary::Builder;
using adversary::CommitPlan;
using adversary::encoded;
using adversary::Framed;
using adversary::remove_of;

// All that can be seen of a member, and all that it keeps.
struct Snapshot {
  explicit Snapshot(const Member& of)
      : memory(of.memory.contents()),
        secret_memory(of.secret_memory.contents()),
        tree(of.tree()),
        context(model::octets(of.group.state().group_context())),
        authenticator(of.authenticator()) {
    const ProposalCache& waiting = of.group.state().proposals();
    for (const auto& entry : waiting) proposals.push_back(model::octets(waiting.proposal(entry)));
  }
  friend bool operator==(const Snapshot&, const Snapshot&) = default;

  std::vector<Octets> memory, secret_memory, proposals;
  Octets tree, context, authenticator;
};

// Leaf 0 is ann's, 1 new's, who was added without a path and is unmerged at node 3 and at the root, 2 the
// traitor's who commits, 3 dan's, 4 eve's, 6 the traitor's who proposes; 5 and 7 are blank.
class HostileGroup {
 public:
  static constexpr ExtensionType an_extension = static_cast<ExtensionType>(0xf00e);
  static constexpr ProposalType a_proposal = static_cast<ProposalType>(0xf001);
  static constexpr LeafIndex unmerged{1}, nobodys{5};

  HostileGroup() {
    equip(traitor);
    equip(proposer);
    for (const char* name : {"ann", "bob", "new", "dan", "eve", "fay"}) {
      members[name] = std::make_unique<Member>(name, random);
      equip(at(name));
    }
    at("ann").create(model::octets("group"), group_extensions);
    commit("ann", {add_of(at("bob").publish()), add_of(traitor.publish()), add_of(at("dan").publish()),
                   add_of(at("eve").publish()), add_of(at("fay").publish()), add_of(proposer.publish())});
    for (const char* name : {"dan", "eve"}) commit(name);
    commit("ann", {remove_of(unmerged), remove_of(nobodys)});
    commit("eve");
    commit("ann", {add_of(at("new").publish())}, false);
    members.erase("bob");
    members.erase("fay");
  }

  Member& at(const std::string& name) { return *members.at(name); }
  void equip(adversary::Device& device) {
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
    for (Endpoint* each : {&traitor, &proposer}) {
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
    for (Endpoint* each : {&traitor, &proposer}) {
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
  Octets psk(std::string_view id, std::size_t nonce_size = 32) {
    Proposal proposal = adversary::external_psk_of(id);
    const Octets nonce = random_octets(nonce_size);
    proposal.pre_shared_key.psk.psk_nonce = nonce;
    return encoded(proposal);
  }
  // Of a device that is new to the group.
  Octets add(const std::string& name) {
    members[name] = std::make_unique<Member>(name, random);
    equip(at(name));
    return by_value(add_of(at(name).publish()));
  }
  static Proposal reinit() {
    Proposal proposal;
    proposal.type = ProposalType::reinit;
    proposal.re_init.group_id = bytes_of("the next group");
    proposal.re_init.cipher_suite = CipherSuite::x25519_chacha20poly1305_sha256_ed25519;
    return proposal;
  }
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

  // ---- what the traitor does

  // From then on nothing that comes from a traitor takes memory.
  void hear() {
    for (Endpoint* each : {&traitor, &proposer}) {
      const Framed said = framed_by(*each, ContentType::application, model::vector("hear me"));
      const Octets message = Builder(each->crypto, means_of(*each))
                                 .private_message(said, next_message_key(*each, RatchetType::application), 0);
      MessageKey spent;
      adversary::must(each->epoch->member.secret_tree().next(each->crypto, each->epoch->member.own(),
                                                             RatchetType::application, spent));
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
      refuse(ids, error, commit_of(traitor, plan).message, victims, [&] { return go_on(format); });
    }
  }
  // The same of any message; `genuine` sends the one that is accepted after it.
  void refuse(const char* ids, Error error, const Octets& bad, const Names& victims,
              const std::function<bool()>& genuine) {
    std::vector<std::pair<Error, bool>> seen;
    for (auto& [name, each] : members) {
      SCOPED_TRACE(name);
      if (std::find(victims.begin(), victims.end(), name) == victims.end()) {
        EXPECT_EQ(each->stage(bad), Error::none);
        each->group.drop();
        continue;
      }
      const Snapshot before(*each);
      const Error answer = each->receive(bad);
      seen.emplace_back(answer, Snapshot(*each) == before);
      EXPECT_TRUE(seen.back().second);
    }
    const bool accepted = genuine();
    for (const auto& [answer, equal] : seen) {
      evidence::refused(ids, error, answer, {.state_equal = equal, .genuine_accepted = accepted});
    }
  }
  // The traitor's honest Commit of that generation; it has no path, so that the tree stays as it is.
  bool go_on(WireFormat format) {
    NewCommit wanted;
    wanted.with_path = false;
    wanted.wire_format = format;
    const Octets list = by_value(psk("agreed"));
    adversary::must(traitor.commit(list, wanted));
    const bool taken = deliver(model::octets(traitor.pending->message), traitor.name);
    traitor.adopt();
    return agree() && taken;
  }

  static constexpr ExtensionType some_extensions[] = {an_extension};
  static constexpr ProposalType some_proposals[] = {a_proposal};
  static inline const Octets required = model::vector(model::number(0xf00e, 2)) +
                                        model::vector(model::number(0xf001, 2)) +
                                        model::vector(model::number(1, 2)),
                             data = model::octets("data");
  static inline const std::vector<Extension> group_extensions = {
      {ExtensionType::required_capabilities, required}, {an_extension, data}};
  adversary::SeededRandom random{21};
  std::map<std::string, std::unique_ptr<Member>> members;
  Endpoint traitor{"traitor", random}, proposer{"proposer", random};
};

class HostileTest : public ::testing::Test, public HostileGroup {};

}  // namespace tacet
