// What clients of a Player receive, and what then has to hold.

#include <algorithm>

#include "octets.h"
#include "player.h"
#include "seized.h"

namespace tacet::adversary {

namespace {

std::string name_of(Event event) {
  switch (event) {
    case Event::application:
      return "application data";
    case Event::proposal:
      return "a proposal";
    case Event::commit:
      return "a Commit";
    case Event::own_commit:
      return "its own Commit";
    case Event::removed:
      return "a Commit that removes it";
  }
  return {};
}

constexpr MessageId judged_twice_one_in = 4;

enum class Manner { join, attack, judge_twice, process };

// What is judged twice is dropped in between, and nothing has happened.
Error take(Member& by, const Octets& message, const Octets& tree, Manner manner) {
  if (manner == Manner::join) return by.join(message, tree);
  if (manner == Manner::attack) return take_as_attacker(by, message);
  if (manner == Manner::process) return by.receive(message);
  const Error judged = by.stage(message);
  by.group.drop();
  const Error taken = by.receive(message);
  if (judged != taken) throw Mismatch("client " + by.name + ": judges what it has dropped otherwise");
  return taken;
}

}  // namespace

// ---- what they get

std::string Player::deliver(ClientId who, std::size_t place) {
  if (actor(who) == nullptr || provider_.waiting(who) == 0) return {};
  const std::size_t last = provider_.waiting(who) - 1;
  return receive(actors_[who], ids_.at(provider_.fetch(who, std::min(place, last)).number));
}

std::string Player::deliver_all() {
  std::size_t received = 0;
  for (ClientId who = 0; who < actors_.size(); ++who) {
    for (; provider_.waiting(who) != 0; ++received) deliver(who, 0);
  }
  return received == 0 ? std::string() : std::to_string(received) + " are received";
}

std::string Player::again(ClientId who, std::size_t place) {
  if (actor(who) == nullptr || place >= model_.messages()) return {};
  provider_.replay(provider_.hand_over()[records_.at(model_.messages() - 1 - place)], who);
  return deliver(who, 0);
}

// The same done once more with the same randomness makes the same endpoint. From then on it draws its own.
std::string Player::seize(ClientId who) {
  Actor* const of = actor(who);
  if (of == nullptr || copies_.size() == most_copies) return {};
  Actor& copy = copies_.emplace_back();
  copy.name = of->name + " (seized)";
  copy.knows = of->knows;
  copy.knows.is_copy = true;
  copy.draws = std::make_unique<Draws>(of->seed);
  copy.member = std::make_unique<Member>(of->name, *copy.draws, memory_, memory_);
  for (const Call& call : of->done) call(*copy.member);
  copy.draws->start(~of->seed);
  hold(copy);
  for (MessageId id = 0; id < model_.messages(); ++id) receive(copy, id);
  return "is seized";
}

std::string Player::describe_sent(MessageId id) const {
  static const std::map<Kind, const char*> names = {{Kind::proposal, "proposal"},
                                                    {Kind::commit, "Commit"},
                                                    {Kind::welcome, "Welcome"},
                                                    {Kind::application, "application data"}};
  const Sent& sent = model_.message(id);
  const std::string from = sent.client == bot ? "bot" : std::to_string(sent.client);
  return std::string(names.at(sent.kind)) + " of " + from + ", epoch " +
         std::to_string(model_.epoch(sent.epoch).number);
}

std::string Player::receive(Actor& actor, MessageId id) {
  const bool is_welcome = model_.message(id).kind == Kind::welcome;
  const bool is_copy = actor.knows.is_copy;
  const GroupModel::Outcome expected = model_.receive(actor.knows, id);
  const Manner manner = is_welcome                      ? Manner::join
                        : is_copy                       ? Manner::attack
                        : id % judged_twice_one_in == 0 ? Manner::judge_twice
                                                        : Manner::process;
  act(actor, [bytes = bytes_of_message(id), tree = trees_[id], manner](Member& member) {
    member.error = take(member, bytes, tree, manner);
    return Octets();
  });
  const std::string what = describe_sent(id);
  std::string seen = demand(actor, "what it receives (" + what + ")", expected.verdict, actor.member->error);
  if (expected.verdict.is_good()) {
    hold_heard(actor, id, expected.event);
    seen = is_welcome ? "a Welcome" : name_of(*expected.event);
    ++outcomes_[(is_copy ? "seized: " : "") + seen];
    if (is_welcome && !is_copy) publish(actor.knows.client);
  }
  hold(actor);
  if (tell) tell(actor.name + " gets " + what + ": " + seen);
  return what + ": " + seen;
}

// ---- what has to hold

void Player::fail(const Actor& actor, const std::string& what) {
  throw Mismatch("client " + actor.name + ": " + what);
}

std::string Player::demand(const Actor& actor, const std::string& what, const Verdict& demanded, Error seen) {
  const std::string name = describe(seen).name;
  if (!demanded.allows(seen)) fail(actor, what + " is " + name + " and should be " + demanded.text());
  if (seen != Error::none) ++outcomes_[(actor.knows.is_copy ? "seized: " : "") + name];
  return name;
}

// After a refusal.
std::string Player::unchanged(const Actor& actor, std::string refused) {
  hold(actor);
  return refused;
}

// What was received is what was sent, as far as a receiver can tell.
void Player::hold_heard(const Actor& actor, MessageId id, std::optional<Event> demanded) {
  if (!demanded.has_value()) return;  // it has joined
  const Sent& sent = model_.message(id);
  const Received& heard = actor.member->heard;
  const bool is_bypassed =
      actor.knows.is_copy && *demanded == Event::commit && sent.client == actor.knows.client;
  if (is_bypassed) return;
  if (heard.event != *demanded) fail(actor, "takes it for " + name_of(heard.event));
  if (heard.epoch != model_.epoch(sent.epoch).number) fail(actor, "takes it for one of another epoch");
  if (heard.sender.type != sent.sender) fail(actor, "takes it for one of another kind of sender");
  if (sent.sender == SenderType::member && heard.sender.leaf_index.value != sent.leaf) {
    fail(actor, "takes it for another member's");
  }
  if (*demanded == Event::proposal && !equal(heard.proposal, proposals_[id]))
    fail(actor, "reads another proposal");
  const bool is_from_leaf =
      sent.sender == SenderType::member && (*demanded == Event::application || *demanded == Event::proposal);
  const std::string client = is_from_leaf ? std::to_string(sent.client) : std::string();
  if (!equal(heard.sender_leaf.credential.body, bytes_of(client)))
    fail(actor, "takes it for another client's");
  if (*demanded != Event::application) return;
  if (actor.member->text() != texts_[id]) fail(actor, "reads something else than was said");
  if (!equal(heard.authenticated_data, bytes_of("to all"))) fail(actor, "reads other authenticated data");
}

// It knows what it should, and nothing else.
void Player::hold(const Actor& actor) {
  const Group& group = actor.member->group;
  const Knowledge& knows = actor.knows;
  if (group.is_active() != knows.is_member) fail(actor, "is in the group, or is not");
  if (group.has_pending() != knows.pending.has_value()) fail(actor, "has a Commit that waits, or has none");
  if (!knows.is_member) return;
  const ModelEpoch& epoch = model_.epoch(knows.epoch);
  const PublicState& state = group.state();
  if (state.context().epoch != epoch.number)
    fail(actor, "is in epoch " + std::to_string(state.context().epoch));
  if (group.is_closed() != epoch.is_closed) fail(actor, "takes the group for closed, or for open");
  if (state.proposals().size() != knows.waiting.size()) fail(actor, "knows other proposals that wait");
  if (group.own_leaf().value != model_.own_leaf(knows)) fail(actor, "is at another leaf");
  const TreeView& tree = state.tree();
  if (tree.size().leaves() != epoch.leaves.size()) fail(actor, "has another size of the tree");
  for (std::uint32_t i = 0; i < epoch.leaves.size(); ++i) {
    const LeafIndex leaf{i};
    const std::string name = epoch.leaves[i].has_value() ? std::to_string(epoch.leaves[i]->client) : "";
    const bool is_same =
        tree.is_blank(leaf) ? name.empty() : equal(tree.leaf(leaf).credential.body, bytes_of(name));
    if (!is_same) fail(actor, "has another member at leaf " + std::to_string(i));
  }
  if (!equal(state.context().extensions.encoded(), extensions_[epoch.extensions].encoded()))
    fail(actor, "has other extensions");
  // The same as all others in its epoch, and another than anybody elsewhere.
  const Octets authenticator = actor.member->authenticator();
  authenticators_.try_emplace(knows.epoch, authenticator);
  for (const auto& [each, of_each] : authenticators_) {
    if ((each == knows.epoch) != equal(of_each, authenticator))
      fail(actor, "has another epoch authenticator");
  }
}

}  // namespace tacet::adversary
