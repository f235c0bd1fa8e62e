#include "scenario.h"

#include <algorithm>

#include "octets.h"

namespace tacet::adversary {

namespace {

constexpr ExtensionType supported_extensions[] = {registered_extension};
constexpr ProposalType supported_proposals[] = {registered_proposal};

constexpr std::uint32_t reserved_generations = 4;

std::string text_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

// The groups that a client is in.
class Former final : public FormerGroups {
 public:
  explicit Former(std::vector<const Member*> members) : members_(std::move(members)) {}
  const PublicState* find(Bytes group_id) noexcept override {
    for (const Member* each : members_) {
      const bool is_it = each->group.is_active() && equal(each->group.state().context().group_id, group_id);
      if (is_it) return &each->group.state();
    }
    return nullptr;
  }

 private:
  std::vector<const Member*> members_;
};

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
  std::unique_ptr<Member> member = setting_.make(std::to_string(clients()), clients(), random_);
  member->supported.extensions = supported_extensions;
  member->supported.proposals = supported_proposals;
  member->policy.format = setting_.format;
  member->limits.past_epochs = setting_.past_epochs;
  if (setting_.saves) {
    member->limits.reserved_generations = reserved_generations;
    must(random_.fill(member->storage_key));
  }
  for (std::size_t i = 0; i < std::size(shared_psks); ++i) {
    member->psks.known[std::string(shared_psks[i])] = psks_[i];
  }
  Participant made;
  made.seats.push_back({std::move(member), group_});
  return enter(std::move(made));
}

ClientId Scenario::passive() {
  Participant made;
  made.device = setting_.make_passive(std::to_string(clients()), clients(), random_);
  made.device->supported.extensions = supported_extensions;
  made.device->supported.proposals = supported_proposals;
  if (!external_sender_.has_value()) external_sender_ = clients();
  return enter(std::move(made));
}

ClientId Scenario::enter(Participant made) {
  participants_.push_back(std::move(made));
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

// A live client has one for all its groups.
void Scenario::erase_key_package(ClientId who, Bytes reference) {
  const Octets used = octets_of(reference);
  for (Seat& each : participants_[who].seats) each.member->erase(used);
}

std::vector<const Member*> Scenario::members_of(ClientId who) const {
  std::vector<const Member*> members;
  for (const Seat& each : participants_[who].seats) members.push_back(each.member.get());
  return members;
}

std::vector<ClientId> Scenario::active() const {
  std::vector<ClientId> active;
  for (ClientId who = 0; who < clients(); ++who) {
    if (is_live(who) && seat(who).member->group.is_active()) active.push_back(who);
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
  Seat& seat = this->seat(who);
  demand(who, "a save", Error::none, seat.member->save(seat.saved));
  seat.is_ahead = false;
  seat.since.clear();
  done(who, Deed::saves);
}

bool Scenario::propose(ClientId by, const Proposal& proposal) {
  save(by);
  seat(by).is_ahead = true;
  Octets message = member(by).propose(proposal);
  demand(by, "a proposal", Error::none, member(by).error);
  const bool is_taken = provider.send(by, std::move(message));
  done(by, Deed::proposes);
  return is_taken;
}

bool Scenario::update(ClientId by) {
  save(by);
  seat(by).is_ahead = true;
  Octets message = member(by).propose_update();
  demand(by, "an Update", Error::none, member(by).error);
  const bool is_taken = provider.send(by, std::move(message));
  done(by, Deed::updates);
  return is_taken;
}

bool Scenario::commit(ClientId by, std::span<const Proposal> by_value, CommitOptions wanted) {
  save(by);
  seat(by).is_ahead = true;
  Member& committer = member(by);
  wanted.proposals = by_value;
  Octets message = committer.commit(wanted);
  demand(by, "a Commit", Error::none, committer.error);
  const bool is_taken = provider.send(by, std::move(message));
  done(by, Deed::commits);
  if (is_taken) welcome(by, wanted.tree_inline);
  return is_taken;
}

// Whom the Commit adds that waits.
void Scenario::welcome(ClientId by, bool tree_inline) {
  const Member& committer = member(by);
  Octets welcome = committer.welcome();
  std::vector<ClientId> added;
  tell(*committer.group.pending_record(), committer.group.state().context().group_id, added);
  if (!tree_inline) {
    adopt(by);
    if (!added.empty()) provider.post(by, added, committer.tree());
  }
  if (!added.empty()) provider.post(by, added, std::move(welcome));
}

void Scenario::adopt(ClientId who) {
  seat(who).is_ahead = true;
  member(who).group.adopt_pending();
  done(who, Deed::adopts);
  hold(who);
}

void Scenario::drop(ClientId by) {
  seat(by).is_ahead = true;
  member(by).group.drop_pending();
  done(by, Deed::drops);
}

bool Scenario::join(ClientId who, ClientId by, bool replaces) {
  Octets info = member(by).group_info({.external_pub = true});
  demand(by, "a GroupInfo", Error::none, member(by).error);
  provider.post(by, {who}, std::move(info));
  KeyPackage published;  // stays as it is
  must(decode(Bytes(member(who).key_package), published));
  ExternalOptions wanted;
  wanted.leaf = published.leaf_node.encoded;
  wanted.replaces = replaces;
  Octets message = member(who).join_from_outside(provider.fetch(who).bytes, wanted);
  demand(who, "a Commit from outside", Error::none, member(who).error);
  const bool is_taken = provider.send(who, std::move(message));
  done(who, Deed::joins_from_outside);
  if (!is_taken) {
    drop(who);
    return false;
  }
  seat(who).joined = member(who).group.pending_record()->epoch();
  provider.enter(group_id_, who);
  adopt(who);
  return true;
}

// Tells the provider who is in the group from now on, and gives who is new.
void Scenario::tell(const Record& record, Bytes group_id, std::vector<ClientId>& added) {
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
    if (!is_live(gone)) publish(gone);
    provider.leave(group_id, gone);
  }
  for (const ClientId who : added) {
    if (!is_live(who)) continue;
    seat(who).joined = record.epoch();
    provider.enter(group_id, who);
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

// ---- beginning again, and from outside

void Scenario::restart(ClientId who) {
  Seat& seat = this->seat(who);
  if (seat.is_ahead) save(who);
  seat.member = std::make_unique<Member>(*seat.member);
  demand(who, "to restore what was saved", Error::none, seat.member->restore(seat.saved));
  for (auto kept = seat.since.rbegin(); kept != seat.since.rend(); ++kept) provider.replay(**kept, who);
  seat.since.clear();
  done(who, Deed::restarts);
  hold(who);
}

void Scenario::come_back(ClientId who, ClientId by) {
  deliver();
  seat(who).member = std::make_unique<Member>(member(who));
  provider.leave(group_id_, who);
  done(who, Deed::ends);
  publish(who);
  join(who, by, true);
}

bool Scenario::propose_from_outside(ClientId who, const Proposal& proposal, ClientId seen_by) {
  Device& outside = device(who);
  const GroupContext& now = member(seen_by).group.state().context();
  const bool is_own_add =
      proposal.type == ProposalType::add && client_of(proposal.add.key_package.leaf_node) == who;
  OutsideProposal wanted{{}, now.group_id, now.epoch, proposal};
  wanted.sender.type = is_own_add ? SenderType::new_member_proposal : SenderType::external;
  KeySigner by = outside.signer();
  Message message;
  demand(who, "a proposal from outside", Error::none,
         tacet::propose_from_outside(outside.client(), by, wanted, message));
  const bool is_taken = provider.send(who, octets_of(message.bytes));
  done(who, Deed::proposes_from_outside);
  return is_taken;
}

// ---- what they get

void Scenario::deliver(ClientId to) {
  while (provider.waiting(to) != 0) {
    const Kept& kept = provider.fetch(to);
    if (!is_live(to)) continue;
    const Error demanded = due(to, kept);
    demand(to, "what it receives", demanded, take(to, kept));
  }
}

// What was sent in an epoch that is over comes too late, unless it is application data of an epoch that it
// was in and whose keys are kept.
Error Scenario::due(ClientId who, const Kept& kept) {
  if (kept.group_id.empty()) return Error::none;
  if (!member(who).group.is_active()) return Error::group_inactive;
  const std::uint64_t now = epoch_of(who);
  if (kept.epoch >= now) return Error::none;
  const bool is_kept = kept.kind == Kind::application && kept.epoch >= seat(who).joined &&
                       now - kept.epoch <= setting_.past_epochs;
  return is_kept ? Error::none : Error::epoch_past;
}

void Scenario::deliver() {
  for (ClientId who = 0; who < clients(); ++who) deliver(who);
}

Error Scenario::receive(ClientId to, std::size_t place) { return take(to, provider.fetch(to, place)); }

Error Scenario::take(ClientId who, const Kept& kept) {
  Member& to = member(who);
  Octets& tree = seat(who).tree;
  if (kept.kind == Kind::ratchet_tree) {
    tree = kept.bytes;
    return Error::none;
  }
  if (before_receiving) before_receiving(who, kept);
  const Octets used = to.reference;
  Former former(members_of(who));
  const Error error =
      kept.kind == Kind::welcome ? to.join(kept.bytes, tree, &former) : to.receive(kept.bytes);
  if (error != Error::none) return error;
  if (kept.kind == Kind::welcome) erase_key_package(who, used);
  done(who, Deed::takes, &kept);
  took(who, kept);
  if (after_receiving) after_receiving(who, kept);
  return Error::none;
}

void Scenario::took(ClientId who, const Kept& kept) {
  Seat& seat = this->seat(who);
  if (kept.kind == Kind::welcome) {
    seat.tree.clear();
    seat.is_ahead = true;
    return hold(who);
  }
  seat.since.push_back(&kept);
  if (member(who).heard.event == Event::own_commit) seat.is_ahead = true;
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
  const Agreed& agreed = agreed_.try_emplace({group_of(who), state.context().epoch}, own).first->second;
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
    if (is_live(who)) live.push_back(who);
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

}  // namespace tacet::adversary
