#include "egress.h"

namespace tacet::tool {

namespace {

using adversary::ClientId;
using adversary::Scenario;
using Proposals = std::vector<Proposal>;

// What happens, in few words.
class Story {
 public:
  Story(EgressHistory& history, Generator& generator)
      : scenario_(history.scenario()), generator_(generator) {}

  // All live, and in the group.
  std::vector<ClientId> begin(std::size_t members) {
    std::vector<ClientId> all = {scenario_.live()};
    Proposals adds;
    while (all.size() < members) {
      all.push_back(scenario_.live());
      adds.push_back(scenario_.add(all.back()));
    }
    scenario_.create(all.front());
    commit(all.front(), adds);
    return all;
  }

  void propose(ClientId by, const Proposal& proposal) {
    scenario_.propose(by, proposal);
    scenario_.deliver();
  }
  void update(ClientId by) {
    scenario_.update(by);
    scenario_.deliver();
  }
  void commit(ClientId by, const Proposals& by_value = {}, const CommitOptions& wanted = {}) {
    scenario_.commit(by, by_value, wanted);
    scenario_.deliver();
  }
  void join(ClientId who, ClientId by) {
    scenario_.join(who, by);
    scenario_.deliver();
  }
  void say(ClientId by) {
    std::string text(40 + generator_.below(40), ' ');
    for (char& each : text) each = static_cast<char>(' ' + generator_.below(95));
    scenario_.say(by, text, generator_.letters(generator_.below(20)));
  }
  void all_say() {
    for (const ClientId who : scenario_.active()) say(who);
    scenario_.deliver();
  }

 private:
  Scenario& scenario_;
  Generator& generator_;
};

constexpr CommitOptions without_path = {.with_path = false};
constexpr CommitOptions tree_apart = {.tree_inline = false};

// Nobody is seized.
void every_commit(EgressHistory& history, Generator& generator) {
  Story story(history, generator);
  Scenario& group = history.scenario();
  const Octets value = generator.bytes(16);
  const std::vector<ClientId> all = story.begin(2);
  const ClientId outside = group.live();
  story.all_say();
  story.join(outside, all[1]);
  story.all_say();
  story.update(all[1]);
  story.propose(outside, adversary::external_psk_of(adversary::shared_psks[0]));
  story.commit(all[0]);
  story.all_say();
  story.commit(all[1],
               {adversary::external_psk_of(adversary::shared_psks[1]),
                adversary::resumption_psk_of(group.group_id(), 3)},
               without_path);
  story.all_say();
  const Extension extension = {adversary::registered_extension, value};
  story.commit(outside, {group.extensions({&extension, 1}),
                         adversary::custom_of(adversary::registered_proposal, value)});
  story.propose(all[0], group.remove(outside, all[0]));
  story.commit(all[1]);
  story.all_say();
  story.commit(all[0], {group.add(outside)}, tree_apart);
  group.commit(all[1]);  // of two at a time one is taken
  story.commit(outside);
  story.all_say();
}

// Members 1 and 2 are seized after each of their steps. A Commit or an Update of one's own heals; neither
// another's Commit does, nor a PSK.
void healing(EgressHistory& history, Generator& generator) {
  Story story(history, generator);
  Scenario& group = history.scenario();
  const std::vector<ClientId> all = story.begin(4);
  history.seize({all[1], all[2]});
  story.all_say();
  story.commit(all[3]);
  story.all_say();
  story.commit(all[2]);
  story.all_say();
  story.update(all[1]);
  story.commit(all[0]);
  story.all_say();
  story.commit(all[3], {adversary::external_psk_of(adversary::shared_psks[2])}, without_path);
  story.all_say();
  story.commit(all[0], {group.remove(all[2], all[0])});
  story.all_say();
  story.join(all[2], all[1]);
  story.commit(all[1]);
  story.all_say();
}

// Member 1 is seized while keys wait for messages that come out of order, or after their epoch. Who is
// passive is added, and never does anything.
void late_messages(EgressHistory& history, Generator& generator) {
  Story story(history, generator);
  Scenario& group = history.scenario();
  const std::vector<ClientId> all = story.begin(3);
  const ClientId passive = group.passive();
  history.seize({all[1]});
  for (int i = 0; i < 4; ++i) story.say(all[0]);
  adversary::must(group.receive(all[1], 2));
  adversary::must(group.receive(all[1], 0));
  group.deliver(all[0]);
  group.commit(all[0], {}, tree_apart);
  adversary::must(group.receive(all[1], 2));  // while two messages wait
  story.say(all[0]);
  adversary::must(group.receive(all[1], 0));
  group.deliver();
  story.say(all[2]);
  adversary::must(group.receive(all[0]));
  story.commit(all[0], {group.add(passive)});
  story.all_say();
  story.commit(all[1]);
  story.all_say();
  story.commit(all[0], {group.remove(passive, all[0])});
  story.all_say();
}

// What nobody has thought of.
void by_chance(EgressHistory& history, Generator&) {
  Scenario& group = history.scenario();
  const ClientId first = group.live();
  group.create(first);
  history.seize({first, first + 1, first + 2});
  for (int i = 0; i < 120; ++i) group.step();
  group.deliver();
}

// Member 1 is seized: it restarts with what it has saved, and is in a branch, and in the group that succeeds
// the first. Others propose from outside.
void successors(EgressHistory& history, Generator& generator) {
  Story story(history, generator);
  Scenario& group = history.scenario();
  const std::vector<ClientId> all = story.begin(3);
  const ClientId outside = group.passive();
  history.seize({all[1]});
  story.all_say();
  story.say(all[0]);
  story.commit(all[2]);
  group.restart(all[1]);  // before it had heard of either
  story.all_say();
  const Octets& key = group.device(outside).signature_key;
  const ExternalSender sender = {key, {CredentialType::basic, bytes_of(group.device(outside).name)}};
  const Octets senders = adversary::vector_of(adversary::encoded(sender));
  const Extension extension = {ExtensionType::external_senders, senders};
  story.commit(all[0], {group.extensions({&extension, 1})});
  const ClientId asks = group.live();
  group.propose_from_outside(outside, adversary::external_psk_of(adversary::shared_psks[0]), all[0]);
  group.propose_from_outside(asks, group.add(asks), all[0]);
  group.deliver();
  story.commit(all[2]);
  story.all_say();
  group.branch(all[1], {all[0]});
  story.say(all[0]);
  story.commit(all[0]);
  story.say(all[1]);
  group.end_branch({all[0], all[1]});
  story.all_say();
  group.come_back(all[2], all[0]);
  story.all_say();
  group.reinit(all[2], all[0]);
  story.all_say();
  group.restart(all[1]);
  story.commit(all[1]);
  story.all_say();
}

constexpr EgressFile files[] = {
    {"every-commit",
     "three members, every kind of Commit, a client that joins from outside, a race; nobody is seized",
     WireFormat::private_message, 0, every_commit},
    {"healing", "four members, of whom two are seized again and again, removed, back, and heal",
     WireFormat::private_message, 0, healing},
    {"late-messages", "public handshakes, messages out of order and after their epoch, to one who is seized",
     WireFormat::public_message, 2, late_messages},
    {"by-chance", "up to six clients do what they can at random, and three of them are seized",
     WireFormat::private_message, 1, by_chance},
    {"successors",
     "restarts from what was saved, proposals from outside, a branch, a member"
     " that comes back without its state, and a group that succeeds the first",
     WireFormat::private_message, 0, successors},
};

}  // namespace

std::span<const EgressFile> egress_files() { return files; }

}  // namespace tacet::tool
