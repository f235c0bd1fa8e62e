#include "player.h"

#include <algorithm>

#include "octets.h"
#include "scenario.h"

namespace tacet::adversary {

namespace {

constexpr ExtensionType supported_extensions[] = {registered_extension};
constexpr ProposalType supported_proposals[] = {registered_proposal};

void equip(Device& device) {
  device.supported.extensions = supported_extensions;
  device.supported.proposals = supported_proposals;
  device.limits = limits_of_scripts();
}

Octets list_of(const std::vector<Extension>& extensions) {
  Octets list;
  for (const Extension& each : extensions) list = list + encoded(each);
  return list;
}

}  // namespace

// ---- clients

Player::Player(std::uint64_t seed, std::size_t clients)
    : seed_(seed),
      group_id_(octets_of(bytes_of("the group of a script"))),
      bot_draws_(~seed),
      bot_("bot", bot_draws_, memory_, memory_) {
  equip(bot_);
  const Octets sender =
      vector_of(bot_.signature_key) + encoded(Credential{CredentialType::basic, bytes_of("bot")});
  const Bytes senders = kept_.emplace_back(vector_of(sender));
  const Bytes types = kept_.emplace_back(vector_of(encoded(registered_extension)) +
                                         vector_of(encoded(registered_proposal)) + vector_of({}));
  const Extension bots = {ExtensionType::external_senders, senders};
  const Extension registered = {registered_extension, senders.first(1)};
  const Extension required = {ExtensionType::required_capabilities, types};
  for (const auto& list : {std::vector{bots}, std::vector{bots, registered}, std::vector{registered},
                           std::vector{bots, required}}) {
    must(Extensions::parse(kept_.emplace_back(list_of(list)), extensions_.emplace_back()));
  }
  published_.resize(clients);
  for (ClientId who = 0; who < clients; ++who) {
    start(actors_.emplace_back(), who);
    const Member& member = *actors_[who].member;
    identities_.push_back({copy_of(member.signing_key), member.signature_key});
    publish(who);
  }
  act(actors_[0], [this, bots](Member& member) {
    must(member.error);
    member.create(group_id_, {&bots, 1});
    return Octets();
  });
  actors_[0].knows.key_package = model_.new_key();  // create() has made one of its own
  model_.create(actors_[0].knows);
  publish(0);
  provider_.enter(group_id_, 0);
  hold(actors_[0]);
}

// A life of a client begins with nothing but its signature key.
void Player::start(Actor& actor, ClientId who) {
  actor.name = std::to_string(who);
  actor.knows = Knowledge();
  actor.knows.client = who;
  actor.done.clear();
  actor.member.reset();
  actor.seed = seed_ * 1000003 + ++lives_;
  actor.draws = std::make_unique<Draws>(actor.seed);
  actor.member = std::make_unique<Member>(actor.name, *actor.draws, memory_, memory_);
  act(actor, [this, who](Member& member) {
    equip(member);
    member.policy.format = sends_private(who) ? WireFormat::private_message : WireFormat::public_message;
    for (std::size_t i = 0; i < psks_of_scripts; ++i) {
      const std::string psk = "psk " + std::to_string(i);
      if (has_psk(who, i)) member.psks.known[psk] = octets_of(bytes_of(psk));
    }
    if (who < identities_.size()) {
      member.signing_key = copy_of(identities_[who].signing_key);
      member.signature_key = identities_[who].signature_key;
    }
    return Octets();
  });
}

Octets Player::act(Actor& actor, Call call) {
  if (!actor.knows.is_copy) actor.done.push_back(call);
  return call(*actor.member);
}

void Player::publish(ClientId who) {
  const KeyId key = model_.new_key();
  key_packages_[key] = act(actors_[who], [](Member& member) { return member.publish(); });
  published_[who] = key;
  actors_[who].knows.key_package = key;
}

// ---- what is sent

// Or nothing, if it makes no sense in that epoch.
std::optional<Proposed> Player::meant(const Wish& wish, ClientId by, EpochId epoch) {
  const ModelEpoch& now = model_.epoch(epoch);
  Proposed what;
  what.topic = wish.topic;
  what.number = wish.number;
  switch (wish.topic) {
    case Topic::add:
      if (wish.number >= actors_.size()) return std::nullopt;
      what.client = wish.number;
      what.key = published_[wish.number];
      break;
    case Topic::remove:
    case Topic::update: {
      const std::optional<std::size_t> leaf = now.leaf_of(wish.topic == Topic::update ? by : wish.number);
      if (!leaf.has_value()) return std::nullopt;
      what.leaf = *leaf;
      if (wish.topic == Topic::update) what.key = model_.new_key();
      break;
    }
    case Topic::resumption:
      if (wish.number > now.number) return std::nullopt;
      what.number = now.number - wish.number;
      break;
    case Topic::extensions:
      what.number = wish.number % extensions_of_scripts;
      break;
    default:
      break;
  }
  return what;
}

Proposal Player::made(const Proposed& what) {
  switch (what.topic) {
    case Topic::add:
      return add_of(key_packages_.at(what.key));
    case Topic::remove:
      return remove_of(LeafIndex{static_cast<std::uint32_t>(what.leaf)});
    case Topic::psk: {
      const Octets& name = kept_.emplace_back(octets_of(bytes_of("psk " + std::to_string(what.number))));
      Proposal psk = external_psk_of({});
      psk.pre_shared_key.psk.psk_id = name;
      return psk;
    }
    case Topic::resumption:
      return resumption_psk_of(group_id_, what.number);
    case Topic::extensions:
      return extensions_of(extensions_[what.number]);
    case Topic::reinit:
      return reinit_of(bytes_of("the next group"));
    default:
      return custom_of(registered_proposal, kept_.emplace_back(encoded(std::uint64_t{what.number})));
  }
}

// To the provider, and to who has seized somebody. Tells whether it was taken.
bool Player::send(MessageId id, Octets bytes) {
  const ClientId from =
      model_.message(id).sender == SenderType::external ? actors_.size() : model_.message(id).client;
  records_[id] = provider_.hand_over().size();
  ids_[records_[id]] = id;
  const bool is_taken = model_.message(id).kind == Kind::welcome || provider_.send(from, bytes);
  if (model_.message(id).kind == Kind::welcome) {
    std::vector<ClientId> invited;
    for (const CoveredByCommit& each : model_.message(id).list) {
      if (each.what.topic == Topic::add) invited.push_back(each.what.client);
    }
    provider_.post(from, invited, std::move(bytes));
  }
  for (Actor& copy : copies_) receive(copy, id);
  return is_taken;
}

std::string Player::propose(ClientId who, const Wish& wish) {
  if (who == bot) return propose_as_bot(wish);
  Actor* const by = actor(who);
  if (by == nullptr) return {};
  Proposed what;
  if (by->knows.is_member) {
    const std::optional<Proposed> found = meant(wish, who, by->knows.epoch);
    if (!found.has_value()) return {};
    what = *found;
  }
  const Verdict verdict = model_.judge_proposal(by->knows, what);
  Octets bytes;
  if (what.topic == Topic::update) {
    bytes = act(*by, [](Member& member) { return member.propose_update(); });
  } else {
    bytes = act(*by, [proposal = made(what)](Member& member) { return member.propose(proposal); });
  }
  const std::string seen = demand(*by, "a proposal", verdict, by->member->error);
  if (!verdict.is_good()) return unchanged(*by, seen);
  const MessageId id = model_.propose(by->knows, what);
  const ProposalCache& waiting = by->member->group.state().proposals();
  const MessageId reference = model_.message(id).reference;
  proposals_[id] =
      reference == id ? octets_of(waiting.proposal(*(waiting.end() - 1))) : proposals_[reference];
  hold(*by);
  return send(id, std::move(bytes)) ? "is sent" : "is not taken";
}

std::string Player::send_outside_proposal(Device& device, const Sender& sender, ClientId who,
                                          const Proposed& what) {
  KeySigner signer = device.signer();
  Message message;
  must(propose_from_outside(device.client(), signer,
                            {sender, group_id_, model_.epoch(present_).number, made(what)}, message));
  MlsMessage decoded;
  must(decode(message.bytes, decoded));
  const MessageId id = model_.propose_from_outside(sender.type, who, present_, what);
  proposals_[id] = octets_of(decoded.public_message.content.proposal.encoded);
  return send(id, octets_of(message.bytes)) ? "is sent" : "is not taken";
}

std::string Player::propose_as_bot(const Wish& wish) {
  const std::optional<Proposed> what = meant(wish, bot, present_);
  if (wish.topic == Topic::update || !what.has_value()) return {};
  return send_outside_proposal(bot_, {SenderType::external, {}, 0}, bot, *what);
}

std::string Player::ask(ClientId who) {
  Actor* const by = actor(who);
  if (by == nullptr) return {};
  const std::optional<Proposed> what = meant({Topic::add, who}, who, present_);
  return send_outside_proposal(*by->member, {SenderType::new_member_proposal, {}, 0}, who, *what);
}

std::string Player::say(ClientId who) {
  Actor* const by = actor(who);
  if (by == nullptr) return {};
  const std::string text = "message " + std::to_string(model_.messages());
  const Verdict verdict = model_.judge_text(by->knows);
  Octets bytes = act(*by, [text](Member& member) { return member.say(text, "to all"); });
  const std::string seen = demand(*by, "application data", verdict, by->member->error);
  if (!verdict.is_good()) return unchanged(*by, seen);
  const MessageId id = model_.say(by->knows);
  texts_[id] = text;
  send(id, std::move(bytes));
  return "is sent";
}

// ---- Commits

// What its Commit that waits covers: references, known by what is proposed and by whom, and then the values.
std::vector<CoveredByCommit> Player::covered_by(Actor& actor, const std::vector<CoveredByCommit>& by_value) {
  std::vector<MessageId> waiting = actor.knows.waiting;
  std::vector<CoveredByCommit> list;
  std::size_t values = 0;
  for (const CoveredProposal& each : actor.member->group.pending_record()->changes()) {
    if (!each.by_reference) {
      if (values == by_value.size()) fail(actor, "commits more by value than was wanted");
      list.push_back(by_value[values++]);
      continue;
    }
    const auto found = std::find_if(waiting.begin(), waiting.end(), [&](MessageId id) {
      const Sent& sent = model_.message(id);
      const bool is_by_member = sent.sender == SenderType::member;
      return equal(proposals_[id], each.proposal) && sent.sender == each.proposer.type &&
             (!is_by_member || sent.leaf == each.proposer.leaf_index.value);
    });
    if (found == waiting.end()) fail(actor, "commits what does not wait");
    list.push_back({model_.message(*found).proposal, *found});
    waiting.erase(found);
  }
  if (values != by_value.size()) fail(actor, "commits less by value than was wanted");
  return list;
}

std::string Player::commit(ClientId who, const Script::Operation& operation) {
  Actor* const by = actor(who);
  if (by == nullptr) return {};
  std::vector<CoveredByCommit> by_value;
  std::vector<Proposal> proposals;
  for (const Wish& wish : operation.wishes) {
    if (!by->knows.is_member || wish.topic == Topic::update) continue;
    const std::optional<Proposed> what = meant(wish, who, by->knows.epoch);
    if (!what.has_value()) continue;
    by_value.push_back({*what, std::nullopt});
    proposals.push_back(made(*what));
  }
  const Verdict verdict = model_.judge_commit(by->knows, by_value, operation.with_waiting);
  CommitOptions wanted;
  wanted.with_waiting = operation.with_waiting;
  wanted.with_path = operation.with_path;
  wanted.tree_inline = operation.tree_inline;
  Octets bytes = act(*by, [wanted, proposals](Member& member) {
    CommitOptions options = wanted;
    options.proposals = proposals;
    return member.commit(options);
  });
  const std::string seen = demand(*by, "a Commit", verdict, by->member->error);
  if (by->member->error != Error::none) return unchanged(*by, seen);
  const std::vector<CoveredByCommit> list = covered_by(*by, by_value);
  const std::string complaint = model_.complaint(by->knows, list, wanted.with_waiting);
  if (!complaint.empty()) fail(*by, complaint);
  const Record& record = *by->member->group.pending_record();
  const bool has_path = !equal(record.leaf_before(), record.leaf_after());
  if (has_path != (wanted.with_path || by->knows.has_committed || GroupModel::needs_path(list)))
    fail(*by, "commits with no path, or with one");
  const MessageId id = model_.commit(by->knows, list, has_path);
  return send_commit(*by, id, std::move(bytes), wanted.tree_inline);
}

std::string Player::send_commit(Actor& actor, MessageId id, Octets bytes, bool tree_inline) {
  hold(actor);
  const std::uint64_t number = model_.epoch(model_.message(id).next).number;
  if (!send(id, std::move(bytes))) return "is not taken";
  route(id);
  invite(actor, id, tree_inline);
  return "is taken: epoch " + std::to_string(number);
}

// Who gets what is sent from now on.
void Player::route(MessageId commit) {
  const auto clients_of = [this](EpochId epoch) {
    std::set<ClientId> clients;
    for (const std::optional<ModelLeaf>& leaf : model_.epoch(epoch).leaves) {
      if (leaf.has_value()) clients.insert(leaf->client);
    }
    return clients;
  };
  for (const ClientId who : clients_of(present_)) provider_.leave(group_id_, who);
  present_ = model_.message(commit).next;
  for (const ClientId who : clients_of(present_)) provider_.enter(group_id_, who);
}

// If the tree is apart the committer has to be in the new epoch to give it.
void Player::invite(Actor& actor, MessageId commit, bool tree_inline) {
  const std::vector<CoveredByCommit>& list = model_.message(commit).list;
  const bool adds = std::any_of(list.begin(), list.end(),
                                [](const CoveredByCommit& each) { return each.what.topic == Topic::add; });
  Octets welcome = actor.member->welcome();
  if (welcome.empty() == adds) fail(actor, "has a Welcome for nobody, or none for somebody");
  Octets tree;
  if (!tree_inline) {
    settle(actor.knows.client, true);
    tree = actor.member->tree();
  }
  if (!adds) return;
  const MessageId id = model_.welcome(commit);
  if (!tree_inline) trees_[id] = std::move(tree);
  send(id, std::move(welcome));
}

std::string Player::settle(ClientId who, bool adopts) {
  Actor* const by = actor(who);
  if (by == nullptr || !by->knows.pending.has_value()) return {};
  act(*by, [adopts](Member& member) {
    adopts ? member.group.adopt_pending() : member.group.drop_pending();
    return Octets();
  });
  adopts ? model_.adopt(by->knows) : model_.drop(by->knows);
  hold(*by);
  return adopts ? "is in epoch " + std::to_string(model_.epoch(by->knows.epoch).number) : "is dropped";
}

std::string Player::join(ClientId who, const Script::Operation& operation) {
  Actor *const by = actor(who), *const other = actor(operation.other);
  if (by == nullptr || other == nullptr || !other->knows.is_member) return {};
  const EpochId epoch = other->knows.epoch;
  const Verdict verdict = model_.judge_join(by->knows, epoch, operation.replaces);
  const Octets info = act(*other, [](Member& member) { return member.group_info({.external_pub = true}); });
  demand(*other, "a GroupInfo", {}, other->member->error);
  ExternalOptions wanted;
  wanted.replaces = operation.replaces;
  Octets bytes = act(*by, [info, wanted](Member& member) { return member.join_from_outside(info, wanted); });
  const std::string seen = demand(*by, "to join from outside", verdict, by->member->error);
  publish(who);  // the KeyPackage that its leaf was made as is none that anybody has
  if (!verdict.is_good()) return unchanged(*by, seen);
  const MessageId id = model_.join_from_outside(by->knows, epoch, operation.replaces);
  const std::string sent = send_commit(*by, id, std::move(bytes), true);
  if (present_ == model_.message(id).next) provider_.replay(provider_.hand_over()[records_[id]], who);
  return sent;
}

std::string Player::forget(ClientId who) {
  Actor* const by = actor(who);
  if (by == nullptr) return {};
  start(*by, who);
  publish(who);
  return "has lost its state";
}

// ---- all of it

std::string Player::play(const Script::Operation& operation) {
  const ClientId who = operation.who;
  switch (operation.verb) {
    case Verb::propose:
      return operation.wishes.empty() ? std::string() : propose(who, operation.wishes.front());
    case Verb::commit:
      return commit(who, operation);
    case Verb::adopt:
    case Verb::drop:
      return settle(who, operation.verb == Verb::adopt);
    case Verb::say:
      return say(who);
    case Verb::ask:
      return ask(who);
    case Verb::join:
      return join(who, operation);
    case Verb::succeed:
      return succeed(who, std::nullopt);
    case Verb::branch:
      return succeed(who, operation.other);
    case Verb::publish:
      if (actor(who) == nullptr) return {};
      publish(who);
      return "has a new KeyPackage";
    case Verb::forget:
      return forget(who);
    case Verb::deliver:
      return deliver(who, operation.place);
    case Verb::deliver_all:
      return deliver_all();
    case Verb::lose: {
      if (actor(who) == nullptr || provider_.waiting(who) == 0) return {};
      provider_.drop(who, std::min(operation.place, provider_.waiting(who) - 1));
      return "is lost";
    }
    case Verb::again:
      return again(who, operation.place);
    case Verb::seize:
      return seize(who);
  }
  return {};
}

void Player::finish() {
  deliver_all();
  for (ClientId who = 0; who < actors_.size(); ++who) say(who);
  deliver_all();
}

}  // namespace tacet::adversary
