#include "scenario.h"

#include <algorithm>

#include "octets.h"

namespace tacet::adversary {

namespace {

constexpr ExtensionType supported_extensions[] = {registered_extension};
constexpr ProposalType supported_proposals[] = {registered_proposal};

constexpr std::uint32_t reserved_generations = 4;

std::string text_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

// Whether random steps use resumption PSKs in it. Then nobody is added, who would not have them.
bool has_resumption_psks(std::uint64_t epoch) { return epoch % 4 == 3; }

}  // namespace

Scenario::Scenario(Setting setting)
    : setting_(std::move(setting)),
      random_(setting_.seed),
      choices_(~setting_.seed),
      group_id_(octets_of(bytes_of("the group of a scenario"))) {
  for (Octets& psk : psks_) {
    psk.resize(32);
    must(random_.fill(psk));
  }
  if (!setting_.make) {
    setting_.make = [this](std::string name, ClientId, Random& random) {
      return std::make_unique<Member>(std::move(name), random, memory_, memory_);
    };
  }
  if (setting_.make_passive) return;
  setting_.make_passive = [this](std::string name, ClientId, Random& random) {
    return std::make_unique<Device>(std::move(name), random, memory_, memory_);
  };
}

void Scenario::fail(ClientId who, const std::string& what) const {
  throw std::logic_error("seed " + std::to_string(setting_.seed) + ", step " + std::to_string(steps_) +
                         ", client " + std::to_string(who) + ": " + what);
}

void Scenario::demand(ClientId who, const char* what, Error demanded, Error seen) const {
  if (seen == demanded) return;
  fail(who, std::string(what) + " is " + describe(seen).name + " and not " + describe(demanded).name);
}

// ---- clients

ClientId Scenario::live() {
  std::unique_ptr<Member> made = setting_.make(std::to_string(clients()), clients(), random_);
  Member* const member = made.get();
  member->policy.format = setting_.format;
  member->limits.past_epochs = setting_.past_epochs;
  if (setting_.saves) {
    member->limits.reserved_generations = reserved_generations;
    must(random_.fill(member->storage_key));
  }
  for (std::size_t i = 0; i < std::size(shared_psks); ++i) {
    member->psks.known[std::string(shared_psks[i])] = psks_[i];
  }
  return enter(std::move(made), member);
}

ClientId Scenario::passive() {
  return enter(setting_.make_passive(std::to_string(clients()), clients(), random_), nullptr);
}

ClientId Scenario::enter(std::unique_ptr<Device> device, Member* member) {
  device->supported.extensions = supported_extensions;
  device->supported.proposals = supported_proposals;
  participants_.push_back({std::move(device), member, 0, {}, {}});
  publish(clients() - 1);
  return clients() - 1;
}

void Scenario::publish(ClientId who) {
  MlsMessage message;
  message.wire_format = WireFormat::key_package;
  must(decode(Bytes(device(who).publish()), message.key_package));
  provider.publish(who, encoded(message));
  done(who, Deed::publishes);
}

std::vector<ClientId> Scenario::active() const {
  std::vector<ClientId> active;
  for (ClientId who = 0; who < clients(); ++who) {
    const Member* const member = participants_[who].member;
    if (member != nullptr && member->group.is_active()) active.push_back(who);
  }
  return active;
}

ClientId Scenario::client_of(const LeafNode& leaf) const { return std::stoul(text_of(leaf.credential.body)); }

LeafIndex Scenario::leaf_of(ClientId whom, ClientId seen_by) {
  const TreeView& tree = member(seen_by).group.state().tree();
  for (LeafIndex leaf{0}; tree.size().contains(leaf); ++leaf.value) {
    if (!tree.is_blank(leaf) && client_of(tree.leaf(leaf)) == whom) return leaf;
  }
  fail(seen_by, "client " + std::to_string(whom) + " is not in the group");
}

// ---- what they send

void Scenario::create(ClientId by, std::span<const Extension> extensions) {
  member(by).create(group_id_, extensions);
  provider.enter(group_id_, by);
  done(by, Deed::creates);
  hold(by);
}

Proposal Scenario::add(ClientId whom) const {
  MlsMessage published;
  must(decode(provider.key_package(whom), published));
  Proposal proposal;
  proposal.type = ProposalType::add;
  proposal.add.key_package = published.key_package;
  return proposal;
}

Proposal Scenario::remove(ClientId whom, ClientId seen_by) { return remove_of(leaf_of(whom, seen_by)); }

Bytes Scenario::keep(Octets octets) { return kept_.emplace_back(std::move(octets)); }

Proposal Scenario::extensions(std::span<const Extension> extensions) {
  Octets all;
  for (const Extension& extension : extensions) {
    const Octets one = encoded(extension);
    all.insert(all.end(), one.begin(), one.end());
  }
  Extensions list;
  must(Extensions::parse(keep(std::move(all)), list));
  return extensions_of(list);
}

// What is sent needs a generation that is reserved.
void Scenario::save(ClientId who) {
  if (!setting_.saves) return;
  demand(who, "a save", Error::none, member(who).save(participants_[who].saved));
  done(who, Deed::saves);
}

bool Scenario::propose(ClientId by, const Proposal& proposal) {
  save(by);
  Octets message = member(by).propose(proposal);
  demand(by, "a proposal", Error::none, member(by).error);
  const bool is_taken = provider.send(by, std::move(message));
  done(by, Deed::proposes);
  return is_taken;
}

bool Scenario::update(ClientId by) {
  save(by);
  Octets message = member(by).propose_update();
  demand(by, "an Update", Error::none, member(by).error);
  const bool is_taken = provider.send(by, std::move(message));
  done(by, Deed::updates);
  return is_taken;
}

bool Scenario::commit(ClientId by, std::span<const Proposal> by_value, CommitOptions wanted) {
  save(by);
  Member& committer = member(by);
  wanted.proposals = by_value;
  Octets message = committer.commit(wanted);
  demand(by, "a Commit", Error::none, committer.error);
  const bool is_taken = provider.send(by, std::move(message));
  done(by, Deed::commits);
  if (!is_taken) return false;
  Octets welcome = committer.welcome();
  std::vector<ClientId> added;
  tell(*committer.group.pending_record(), added);
  if (!wanted.tree_inline) {
    adopt(by);
    if (!added.empty()) provider.post(by, added, committer.tree());
  }
  if (!added.empty()) provider.post(by, added, std::move(welcome));
  return true;
}

void Scenario::adopt(ClientId who) {
  member(who).group.adopt_pending();
  done(who, Deed::adopts);
  hold(who);
}

void Scenario::drop(ClientId by) {
  member(by).group.drop_pending();
  done(by, Deed::drops);
}

bool Scenario::join(ClientId who, ClientId by) {
  Octets info = member(by).group_info({.external_pub = true});
  demand(by, "a GroupInfo", Error::none, member(by).error);
  provider.post(by, {who}, std::move(info));
  KeyPackage published;  // stays as it is
  must(decode(Bytes(member(who).key_package), published));
  ExternalOptions wanted;
  wanted.leaf = published.leaf_node.encoded;
  Octets message = member(who).join_from_outside(provider.fetch(who).bytes, wanted);
  demand(who, "a Commit from outside", Error::none, member(who).error);
  const bool is_taken = provider.send(who, std::move(message));
  done(who, Deed::joins_from_outside);
  if (!is_taken) {
    drop(who);
    return false;
  }
  participants_[who].joined = member(who).group.pending_record()->epoch();
  provider.enter(group_id_, who);
  adopt(who);
  return true;
}

// Tells the provider who is in the group from now on, and gives who is new.
void Scenario::tell(const Record& record, std::vector<ClientId>& added) {
  for (const CoveredProposal& change : record.changes()) {
    if (change.type == ProposalType::add) {
      Proposal proposal;
      must(decode(change.proposal, proposal));
      added.push_back(client_of(proposal.add.key_package.leaf_node));
    }
    if (change.type != ProposalType::remove) continue;
    LeafNode leaf;
    must(decode(change.before, leaf));
    const ClientId gone = client_of(leaf);
    if (participants_[gone].member == nullptr) publish(gone);
    provider.leave(group_id_, gone);
  }
  for (const ClientId who : added) {
    participants_[who].joined = record.epoch();
    if (participants_[who].member != nullptr) provider.enter(group_id_, who);
  }
}

bool Scenario::say(ClientId by, const std::string& text, const std::string& authenticated_data) {
  save(by);
  Member& speaker = member(by);
  const bool has_to_commit = speaker.group.state().proposals().size() != 0 && !speaker.group.has_pending();
  if (before_saying && !has_to_commit) before_saying(by, text);
  Octets message = speaker.say(text, authenticated_data);
  demand(by, "application data", has_to_commit ? Error::proposals_wait : Error::none, speaker.error);
  if (has_to_commit) return false;
  said_[provider.hand_over().size()] = {text, authenticated_data};
  const bool is_taken = provider.send(by, std::move(message));
  done(by, Deed::says);
  return is_taken;
}

// ---- what they get

void Scenario::deliver(ClientId to) {
  while (provider.waiting(to) != 0) {
    Participant& participant = participants_[to];
    const Kept& kept = provider.fetch(to);
    if (participant.member == nullptr) continue;
    const Error demanded = due(to, kept);
    demand(to, "what it receives", demanded, take(to, kept));
  }
}

// What was sent in an epoch that is over comes too late, unless it is application data of an epoch that it
// was in and whose keys are kept.
Error Scenario::due(ClientId who, const Kept& kept) {
  if (kept.group_id.empty() || !member(who).group.is_active()) return Error::none;
  const std::uint64_t now = epoch_of(who);
  if (kept.epoch >= now) return Error::none;
  const bool is_kept = kept.kind == Kind::application && kept.epoch >= participants_[who].joined &&
                       now - kept.epoch <= setting_.past_epochs;
  return is_kept ? Error::none : Error::epoch_past;
}

void Scenario::deliver() {
  for (ClientId who = 0; who < clients(); ++who) deliver(who);
}

Error Scenario::receive(ClientId to, std::size_t place) { return take(to, provider.fetch(to, place)); }

Error Scenario::take(ClientId who, const Kept& kept) {
  Member& to = member(who);
  Octets& tree = participants_[who].tree;
  if (kept.kind == Kind::ratchet_tree) {
    tree = kept.bytes;
    return Error::none;
  }
  if (before_receiving) before_receiving(who, kept);
  const Error error = kept.kind == Kind::welcome ? to.join(kept.bytes, tree) : to.receive(kept.bytes);
  if (error != Error::none) return error;
  done(who, Deed::takes, &kept);
  took(who, kept);
  if (after_receiving) after_receiving(who, kept);
  return Error::none;
}

void Scenario::took(ClientId who, const Kept& kept) {
  if (kept.kind == Kind::welcome) {
    participants_[who].tree.clear();
    return hold(who);
  }
  switch (member(who).heard.event) {
    case Event::application:
      return hold_text(who, kept);
    case Event::proposal:
      return;
    case Event::commit:
    case Event::own_commit:
      return hold(who);
    case Event::removed:
      return publish(who);
  }
}

// ---- what has to hold

// It has what all others have who are in its epoch.
void Scenario::hold(ClientId who) {
  const Member& member = this->member(who);
  Digest fingerprint;
  must(member.group.membership_fingerprint(fingerprint));
  const PublicState& state = member.group.state();
  Agreed own = {member.authenticator(), octets_of(fingerprint), octets_of(state.tree().tree_hash())};
  const Agreed& agreed = agreed_.try_emplace(state.context().epoch, own).first->second;
  if (own.authenticator != agreed.authenticator) fail(who, "has another epoch authenticator");
  if (own.fingerprint != agreed.fingerprint) fail(who, "has another membership fingerprint");
  if (own.tree_hash != agreed.tree_hash) fail(who, "has another tree hash");
}

// It has read what was said, and who said it.
void Scenario::hold_text(ClientId who, const Kept& kept) {
  const Received& heard = member(who).heard;
  const auto said = said_.find(kept.number);
  if (said == said_.end()) fail(who, "reads what nobody has said");
  if (heard.epoch != kept.epoch) fail(who, "reads it as of another epoch");
  if (client_of(heard.sender_leaf) != kept.from) fail(who, "reads it as said by somebody else");
  if (member(who).text() != said->second.text) fail(who, "reads something else than was said");
  if (text_of(heard.authenticated_data) != said->second.authenticated_data) {
    fail(who, "reads other authenticated data than was sent");
  }
}

// Who is in the group, from left to right.
std::vector<ClientId> Scenario::members(ClientId seen_by) {
  std::vector<ClientId> members;
  const TreeView& tree = member(seen_by).group.state().tree();
  must(tree.for_each_leaf([&](LeafIndex leaf) {
    members.push_back(client_of(tree.leaf(leaf)));
    return Error::none;
  }));
  return members;
}

std::vector<ClientId> Scenario::live_of(const std::vector<ClientId>& several) const {
  std::vector<ClientId> live;
  for (const ClientId who : several) {
    if (participants_[who].member != nullptr) live.push_back(who);
  }
  return live;
}

void Scenario::check() {
  deliver();
  const std::vector<ClientId> all = active();
  if (all.empty()) fail(0, "and all others are not in the group");
  std::vector<ClientId> live = live_of(members(all.front()));
  std::sort(live.begin(), live.end());
  if (live != all) fail(all.front(), "has other members in its tree");
  for (const ClientId who : all) {
    if (epoch_of(who) != epoch_of(all.front())) fail(who, "is in another epoch");
    const std::size_t waiting = member(who).group.state().proposals().size();
    if (waiting != member(all.front()).group.state().proposals().size()) fail(who, "knows other proposals");
    hold(who);
  }
  const std::size_t first = provider.hand_over().size();
  for (const ClientId who : all) {
    say(who, "said by " + std::to_string(who) + " in step " + std::to_string(steps_), "to all");
  }
  deliver();
  for (auto said = said_.lower_bound(first); said != said_.end(); ++said) {
    const Kept& kept = provider.hand_over()[said->first];
    if (kept.to.size() + 1 < all.size()) fail(kept.from, "is not heard by all");
  }
}

// ---- chance

// Who can be added: nobody who still has something to receive.
std::vector<ClientId> Scenario::joiners(ClientId seen_by) {
  const std::vector<ClientId> in_group = members(seen_by);
  std::vector<ClientId> joiners;
  for (ClientId who = 0; who < clients(); ++who) {
    if (std::find(in_group.begin(), in_group.end(), who) != in_group.end()) continue;
    const Member* const member = participants_[who].member;
    const bool is_busy = member != nullptr && (member->group.is_active() || provider.waiting(who) != 0);
    if (!is_busy) joiners.push_back(who);
  }
  return joiners;
}

// Who can be removed: all but two live ones, which are others in every epoch, so that the group goes on.
std::vector<ClientId> Scenario::removable(ClientId seen_by) {
  std::vector<ClientId> members = this->members(seen_by);
  const std::vector<ClientId> live = live_of(members);
  for (const std::uint64_t i : {epoch_of(seen_by), epoch_of(seen_by) + 1}) {
    members.erase(std::remove(members.begin(), members.end(), live[i % live.size()]), members.end());
  }
  return members;
}

Proposal Scenario::draw_extensions() {
  const Octets extension_type = encoded(registered_extension), proposal_type = encoded(registered_proposal);
  RequiredCapabilities required;
  must(List<ExtensionType>::parse(extension_type, required.extension_types));
  must(List<ProposalType>::parse(proposal_type, required.proposal_types));
  const Octets required_body = encoded(required);
  const Octets body = encoded(below(1000));
  std::vector<Extension> list;
  if (chance(2)) list.push_back({registered_extension, body});
  if (chance(2)) list.push_back({ExtensionType::required_capabilities, required_body});
  return extensions(list);
}

// All members have the resumption PSKs of the epoch in which the last of them came, and after it.
Proposal Scenario::draw_psk(ClientId by) {
  const std::uint64_t now = epoch_of(by);
  std::uint64_t first = now - std::min<std::uint64_t>(now, member(by).limits.resumption_psks);
  for (const ClientId who : live_of(members(by))) first = std::max(first, participants_[who].joined);
  if (!has_resumption_psks(now) || first > now)
    return external_psk_of(shared_psks[below(std::size(shared_psks))]);
  return resumption_psk_of(group_id_, first + below(now - first + 1));
}

// Something to propose, if it can be.
std::optional<Proposal> Scenario::draw(ClientId by) {
  switch (below(6)) {
    case 0:
    case 1: {
      if (has_resumption_psks(epoch_of(by))) return std::nullopt;
      if (clients() < setting_.clients && chance(2)) return add(chance(3) ? passive() : live());
      const std::vector<ClientId> whom = joiners(by);
      return whom.empty() ? std::nullopt : std::optional(add(one_of(whom)));
    }
    case 2: {
      const std::vector<ClientId> whom = removable(by);
      return whom.empty() ? std::nullopt : std::optional(remove(one_of(whom), by));
    }
    case 3:
      return draw_psk(by);
    case 4:
      return draw_extensions();
    default:
      return custom_of(registered_proposal, keep(encoded(below(1000))));
  }
}

void Scenario::commit_at_random(ClientId by) {
  if (member(by).group.has_pending()) return;
  std::vector<Proposal> by_value;
  for (std::uint64_t i = below(3); i > 0; --i) {
    const std::optional<Proposal> drawn = draw(by);
    if (!drawn.has_value()) continue;
    const bool is_own_remove =
        drawn->type == ProposalType::remove && drawn->remove.removed == member(by).group.own_leaf();
    const bool is_second = std::any_of(by_value.begin(), by_value.end(),
                                       [&](const Proposal& other) { return other.type == drawn->type; });
    if (!is_own_remove && !is_second) by_value.push_back(*drawn);
  }
  CommitOptions wanted;
  wanted.with_waiting = !chance(8);
  wanted.with_path = chance(2);
  wanted.tree_inline = !chance(3);
  const bool is_taken = commit(by, by_value, wanted);
  if (!is_taken && chance(2)) drop(by);
}

void Scenario::speak(ClientId by) {
  std::string text(below(200), 't');
  for (char& each : text) each = static_cast<char>(' ' + below(95));  // no two messages have a part in common
  const std::string authenticated_data(below(40), 'd');
  say(by, text, authenticated_data);
}

void Scenario::step() {
  ++steps_;
  const std::vector<ClientId> able = active();
  if (able.empty()) return deliver();
  const ClientId by = one_of(able);
  switch (below(10)) {
    case 0:
      update(by);
      return;
    case 9: {
      std::vector<ClientId> outside = live_of(joiners(by));
      if (!outside.empty() && !member(by).group.is_closed() && !has_resumption_psks(epoch_of(by))) {
        join(one_of(outside), by);
      }
      return;
    }
    case 1:
    case 2:
      if (const std::optional<Proposal> drawn = draw(by)) propose(by, *drawn);
      return;
    case 3:
      return commit_at_random(by);
    case 4:  // a race
      for (const ClientId who : able) {
        if (chance(2)) commit_at_random(who);
      }
      return;
    case 5:
      return speak(by);
    case 6:
      return deliver(by);
    case 7:
      return deliver(below(clients()));
    default:
      return deliver();
  }
}

}  // namespace tacet::adversary
