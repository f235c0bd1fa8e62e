#include "witness.h"

#include <algorithm>

#include "octets.h"

namespace tacet::adversary {

namespace {

using What = Happened::What;

Bytes bytes_of_object(const Group& group) {
  return {reinterpret_cast<const std::uint8_t*>(&group), sizeof group};
}

}  // namespace

void* OpenMemory::allocate(std::size_t bytes, std::size_t alignment) noexcept {
  void* const block = heap_.allocate(bytes, alignment);
  if (block == nullptr) return nullptr;
  std::memset(block, 0, bytes);  // what was there before is not the endpoint's
  blocks_[block] = bytes;
  return block;
}

void OpenMemory::release(void* block, std::size_t bytes) noexcept {
  blocks_.erase(block);
  heap_.release(block, bytes);
}

// ---- clients

Witness::Participant& Witness::enter(ClientId who, Random& random) {
  if (who >= participants_.size()) participants_.resize(who + 1);
  participants_[who].crypto = std::make_unique<Recorder>(log, random, static_cast<unsigned>(who));
  participants_[who].memory = std::make_unique<OpenMemory>();
  return participants_[who];
}

Witness::Witness(Setting setting)
    : format_(setting.format), scenario([&] {
        log.stream([this](const Call& call) { ledger.add(call, chronicle.epochs.size()); });
        setting.make = [this](std::string name, ClientId who, Random& random) {
          const Participant& made = enter(who, random);
          return std::unique_ptr<Member>(
              new Member(std::move(name), *made.crypto, *made.memory, *made.memory));
        };
        setting.make_passive = [this](std::string name, ClientId who, Random& random) {
          const Participant& made = enter(who, random);
          return std::make_unique<Device>(std::move(name), *made.crypto, *made.memory, *made.memory);
        };
        chronicle.past_epochs = setting.past_epochs;
        chronicle.resumption_psks = Limits().resumption_psks;
        return std::move(setting);
      }()) {
  for (std::size_t i = 0; i < scenario.psks().size(); ++i) {
    ledger.root(scenario.psks()[i], {Name::Role::psk, i});
  }
  scenario.tell_deed = [this](const Done& done) { see(done); };
  scenario.before_saying = [this](ClientId who, const std::string& text) {
    if (text.size() < 15) return;  // too short to be told from chance
    Place& speaker = place(who);
    const EpochNumber epoch = *speaker.epoch;
    const std::size_t ratchet = ratchet_of(scenario.member(who).group.own_leaf(), RatchetType::application);
    ledger.root(bytes_of(text),
                {Name::Role::message_key, epoch, ratchet, speaker.sent[{epoch, RatchetType::application}]});
  };
}

// ---- what happens

void Witness::see(const Done& done) {
  const auto& [who, deed, group, kept] = done;
  Happened event;
  event.who = who;
  event.group = group;
  switch (deed) {
    case Deed::publishes:
      if (scenario.is_live(who))
        ledger.root(scenario.member(who).storage_key, {Name::Role::storage_key, who});
      see_key_package(who);
      return look_into(who);
    case Deed::updates:
      see_updated(who, event);
      break;
    case Deed::proposes:
      see_sent(who, RatchetType::handshake, event);
      break;
    case Deed::proposes_from_outside:
      break;
    case Deed::says:
      see_sent(who, RatchetType::application, event);
      break;
    case Deed::takes:
      see_taken(who, *kept, event);
      break;
    case Deed::saves:
      see_saved(who);
      event.what = What::saves;
      break;
    case Deed::restarts:
      see_restarted(who, event);
      break;
    default:
      see_group(done, event);
  }
  chronicle.events.push_back(event);
  look_into(who);
}

// What somebody does by whom the group has another epoch, or would have.
void Witness::see_group(const Done& done, Happened& event) {
  const ClientId who = done.who;
  event.what = What::commits;
  switch (done.deed) {
    case Deed::creates:
      see_key_package(who);  // of the leaf
      return see_created(who, chronicle.events.back().key, event);
    case Deed::succeeds:
      see_succeeded(who, event);
      break;
    case Deed::commits:
      see_sent(who, RatchetType::handshake, event);
      see_commit(who, *place(who).epoch);
      break;
    case Deed::joins_from_outside:
      see_key_package(who);                                // which stays
      see_commit(who, *place(sent_before(1).from).epoch);  // whose GroupInfo it is
      break;
    case Deed::adopts:
      event.what = What::adopts;
      event.epoch = *place(who).pending;
      return begin(who, event.epoch);
    case Deed::drops:
      event.what = What::drops;
      place(who).pending.reset();
      return;
    default:
      event.what = What::leaves;
      participants_[who].places.erase(done.group);
      return;
  }
  event.epoch = *place(who).pending;
}

void Witness::see_created(ClientId who, KeyNumber leaf_key, Happened& event) {
  EpochBegun first;
  first.committer = who;
  first.leaf_key = leaf_key;
  event.what = What::creates;
  event.epoch = chronicle.epochs.size();
  chronicle.epochs.push_back(first);
  begin(who, event.epoch);
}

void Witness::see_succeeded(ClientId who, Happened& event) {
  Happened created = event;
  const TreeView& tree = scenario.member(who).group.state().tree();
  see_created(who, ledger.number_of(tree.encryption_key(LeafIndex{0})), created);
  chronicle.events.push_back(created);
  see_sent(who, RatchetType::handshake, event);
  see_commit(who, created.epoch);
}

void Witness::see_saved(ClientId who) {
  participants_[who].saved[scenario.group_of(who)] = place(who);
  const Save& saved = scenario.saved(who);
  saves.push_back(saved.epoch);
  saves.push_back(saved.ratchets);
}

void Witness::see_restarted(ClientId who, Happened& event) {
  Place& again = place(who);
  again = participants_[who].saved[scenario.group_of(who)];
  event.what = What::restarts;
  for (const RatchetType type : {RatchetType::handshake, RatchetType::application}) {
    std::uint32_t& sent = again.sent[{*again.epoch, type}];
    sent += scenario.member(who).limits.reserved_generations;
    event.reserved[static_cast<std::size_t>(type)] = sent;
  }
}

void Witness::see_updated(ClientId who, Happened& event) {
  const ProposalCache& waiting = scenario.member(who).group.state().proposals();
  Proposal update;
  must(decode(waiting.proposal(*(waiting.end() - 1)), update));
  event.what = What::updates;
  event.key = ledger.number_of(update.update.leaf_node.encryption_key);
  see_sent(who, RatchetType::handshake, event);
}

void Witness::see_taken(ClientId who, const Kept& kept, Happened& event) {
  Place& seen = place(who);
  if (kept.kind == Kind::welcome) {
    event.what = What::joins;
    event.epoch = epoch_of_welcome(kept);
    return begin(who, event.epoch);
  }
  const Event what = scenario.member(who).heard.event;
  if (what == Event::own_commit) {
    event.what = What::adopts;
    event.epoch = *seen.pending;
    return begin(who, event.epoch);
  }
  if (const auto found = sealed_.find(kept.number); found != sealed_.end()) event.message = found->second;
  if (what == Event::commit) {
    event.what = What::adopts;
    event.epoch = commits_.at(kept.number);
    begin(who, event.epoch);
  }
  if (what == Event::removed) {
    event.what = What::leaves;
    seen.epoch.reset();
    seen.pending.reset();
  }
}

void Witness::see_key_package(ClientId who) {
  KeyPackage published;
  must(decode(scenario.device(who).key_package, published));
  Happened event;
  event.who = who;
  event.what = What::publishes;
  event.init_key = ledger.number_of(published.init_key);
  event.key = ledger.number_of(published.leaf_node.encryption_key);
  chronicle.events.push_back(event);
}

// Counts the generations of who sends, as a PrivateMessage.
void Witness::see_sent(ClientId who, RatchetType type, Happened& event) {
  const bool is_private = type == RatchetType::application || format_ == WireFormat::private_message;
  if (!is_private) return;
  Place& sender = place(who);
  event.message = {*sender.epoch, scenario.member(who).group.own_leaf(), type,
                   sender.sent[{*sender.epoch, type}]++};
  sealed_[sent_before(0).number] = *event.message;
}

// ---- epochs

void Witness::see_commit(ClientId who, EpochNumber parent) {
  const Record& record = *scenario.member(who).group.pending_record();
  EpochBegun begun;
  begun.parent = parent;
  begun.committer = who;
  begun.leaf = record.committer_leaf();
  begun.is_external = record.committer().type == SenderType::new_member_commit;
  begun.has_path = !equal(record.leaf_before(), record.leaf_after());
  LeafNode leaf;
  must(decode(record.leaf_after(), leaf));
  begun.leaf_key = ledger.number_of(leaf.encryption_key);
  Octets told = encoded(static_cast<std::uint64_t>(parent)) + encoded(static_cast<std::uint64_t>(who));
  for (const CoveredProposal& change : record.changes()) {
    see_change(change, begun);
    told = told + Octets{change.by_reference} + octets_of(change.proposal);
  }
  // What says the same, and has no path, begins the same epoch: there is no chance in it.
  const EpochNumber next = chronicle.epochs.size();
  const EpochNumber same = begun.has_path ? next : pathless_.try_emplace(told, next).first->second;
  commits_[sent_before(0).number] = same;
  place(who).pending = same;
  if (same == next) chronicle.epochs.push_back(std::move(begun));
}

void Witness::see_change(const CoveredProposal& change, EpochBegun& begun) {
  Proposal proposal;
  must(decode(change.proposal, proposal));
  const PreSharedKeyId& psk = proposal.pre_shared_key.psk;
  TreeChange changed;
  changed.type = change.type;
  changed.leaf = change.leaf;
  if (change.type == ProposalType::psk) {
    const bool is_external = psk.type == PskType::external;
    const auto known = std::find_if(std::begin(shared_psks), std::end(shared_psks),
                                    [&](std::string_view id) { return equal(bytes_of(id), psk.psk_id); });
    begun.psks.push_back({psk.type, is_external ? static_cast<std::size_t>(known - std::begin(shared_psks))
                                                : resumed(begun.committer, *begun.parent, psk)});
  } else if (change.type == ProposalType::add) {
    const KeyPackage& added = proposal.add.key_package;
    const Bytes name = added.leaf_node.credential.body;
    changed.client = std::stoul(std::string(name.begin(), name.end()));
    changed.init_key = ledger.number_of(added.init_key);
    changed.leaf_key = ledger.number_of(added.leaf_node.encryption_key);
  } else if (change.type == ProposalType::update) {
    changed.leaf_key = ledger.number_of(proposal.update.leaf_node.encryption_key);
  } else if (change.type != ProposalType::remove) {
    return;
  }
  if (change.type != ProposalType::psk) begun.changes.push_back(changed);
}

// It is sent after the Commit, and nothing else is committed by its sender in between.
EpochNumber Witness::epoch_of_welcome(const Kept& kept) const {
  auto commit = commits_.lower_bound(kept.number);
  do --commit;
  while (scenario.provider.hand_over()[commit->first].from != kept.from);
  return commit->second;
}

// The epoch that a resumption PSK is of: of the group itself, or of the one that it succeeds.
EpochNumber Witness::resumed(ClientId who, EpochNumber parent, const PreSharedKeyId& psk) const {
  EpochNumber last = parent;
  if (!equal(psk.psk_group_id, scenario.members_of(who).back()->group.state().context().group_id)) {
    last = *participants_[who].places.at(scenario.former_group_of(who)).epoch;
  }
  std::vector<EpochNumber> line;
  for (std::optional<EpochNumber> each = last; each.has_value(); each = chronicle.epochs[*each].parent) {
    line.push_back(*each);
  }
  return line.at(line.size() - 1 - psk.psk_epoch);
}

void Witness::begin(ClientId who, EpochNumber epoch) {
  place(who).epoch = epoch;
  place(who).pending.reset();
  const TreeView& tree = scenario.member(who).group.state().tree();
  std::vector<Octets>& keys = trees[epoch];
  if (!keys.empty()) return;
  for (NodeIndex node; tree.size().contains(node); ++node.value) {
    keys.push_back(tree.is_blank(node) ? Octets() : octets_of(tree.encryption_key(node)));
  }
}

// ---- what an endpoint has

void Witness::look_into(ClientId who) {
  if (seizes && scenario.is_live(who)) seize(who);
}

// All of an endpoint's memory, the Group itself, and what the application keeps for it.
void Witness::seize(ClientId who) {
  std::set<ValueId> held;
  const auto look = [&](Bytes at) {
    const std::vector<ValueId> found = closure.secrets_in(at);
    held.insert(found.begin(), found.end());
  };
  for (const auto& [block, size] : participants_[who].memory->blocks()) {
    look({static_cast<const std::uint8_t*>(block), size});
  }
  for (const Member* const member : scenario.members_of(who)) {
    look(bytes_of_object(member->group));
    for (const Secret* key : {&member->signing_key, &member->keys.init_key, &member->keys.encryption_key}) {
      look(reveal(*key));
    }
    for (const auto& [id, psk] : member->psks.known) look(psk);
  }
  seizures.push_back({chronicle.events.size() - 1, who, {held.begin(), held.end()}});
}

}  // namespace tacet::adversary
