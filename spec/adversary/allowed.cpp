#include "allowed.h"

#include <algorithm>

namespace tacet::adversary {

// ---- what an endpoint has

bool Holding::Messages::has(std::size_t ratchet, std::uint32_t generation, bool as_key) const {  // 9.2
  if (heard.count(static_cast<std::uint32_t>(ratchet / 2)) == 0) return true;
  const auto found = next.find(ratchet);
  return found == next.end() || generation >= found->second ||
         (as_key && skipped.count({ratchet, generation}) != 0);
}

void Holding::Messages::use(const Sealed& message) {
  const std::size_t ratchet = ratchet_of(message.leaf, message.type);
  heard.insert(message.leaf.value);
  std::uint32_t& next_one = next[ratchet];
  if (message.generation < next_one) skipped.erase({ratchet, message.generation});
  for (; next_one < message.generation; ++next_one) skipped.insert({ratchet, next_one});
  next_one = std::max(next_one, message.generation + 1);
}

void Holding::Messages::pass_over(std::size_t ratchet, std::uint32_t until) {  // and keep nothing of them
  heard.insert(static_cast<std::uint32_t>(ratchet / 2));
  next[ratchet] = std::max(next[ratchet], until);
}

void Holding::enter(EpochNumber next, LeafIndex at, const Chronicle& history) {
  if (epoch.has_value() && history.past_epochs == 0) messages.clear();
  epoch = next;
  leaf = at;
  pending.reset();
  updates.clear();
  messages[next] = {};
  while (messages.size() > history.past_epochs + 1) messages.erase(messages.begin());
  epochs.push_back(next);
  if (epochs.size() > history.resumption_psks + 1) epochs.erase(epochs.begin());
}

void Holding::apply(const Happened& event, const Chronicle& history, const std::vector<KeyTree>& trees) {
  using What = Happened::What;
  if (event.message.has_value()) messages[event.message->epoch].use(*event.message);
  const EpochBegun& begun = history.epochs[event.epoch];
  if (event.what == What::updates) updates.insert(event.key);
  if (event.what == What::commits) pending = event.epoch;
  if (event.what == What::drops) pending.reset();
  if (event.what == What::leaves) *this = Holding();
  if (event.what == What::adopts) enter(event.epoch, pending == event.epoch ? begun.leaf : leaf, history);
  if (event.what == What::creates) enter(event.epoch, begun.leaf, history);
  if (event.what == What::joins) {
    const auto own = std::find_if(begun.changes.begin(), begun.changes.end(), [&](const TreeChange& change) {
      return change.type == ProposalType::add && change.client == event.who;
    });
    enter(event.epoch, trees[event.epoch].leaf_with(own->leaf_key), history);
  }
  if (event.what == What::restarts) {
    for (const RatchetType type : {RatchetType::handshake, RatchetType::application}) {
      messages[*epoch].pass_over(ratchet_of(leaf, type), event.reserved[static_cast<std::size_t>(type)]);
    }
  }
}

bool Holding::has(const Name& name, const KeyTree& tree) const {
  if (name.role < Name::Role::tree_node) return false;
  if (name.first == pending) return true;
  const auto kept = messages.find(name.first);
  if (kept == messages.end()) return false;
  if (name.role == Name::Role::tree_node) {
    const std::size_t leaves = tree.size().leaves();
    const auto is_below = [&](std::size_t at) {
      return (leaves + at) >> (std::bit_width(leaves) - std::bit_width(name.second)) == name.second;
    };
    return std::none_of(kept->second.heard.begin(), kept->second.heard.end(), is_below);
  }
  return kept->second.has(name.second, static_cast<std::uint32_t>(name.third),
                          name.role == Name::Role::message_key);
}

// ---- what can be derived of it

Allowed::Allowed(const Chronicle& history) : history_(history) {
  for (const EpochBegun& begun : history.epochs) {
    trees_.emplace_back(begun.parent.has_value() ? trees_[*begun.parent] : KeyTree(), trees_.size(), begun);
  }
}

void Allowed::take_next() {
  using What = Happened::What;
  const Happened& event = history_.events[taken_++];
  if (event.what == What::publishes) published_[event.who] = {event.key, event.init_key};
  if (event.what == What::creates || event.what == What::joins) published_[event.who].clear();  // 10, 16.8
  Holding& held = holdings_[event.who][event.group];
  Holding& saved = saved_[event.who][event.group];
  if (event.what == What::restarts) held = saved;
  held.apply(event, history_, trees_);
  if (event.what == What::saves) saved = held;
}

Allowed::Derived::Derived(const Allowed& all, ClientId who)
    : all_(all), who_(who), keys_(all.published_.at(who)) {
  for (const auto& [group, held] : all.holdings_.at(who)) {
    held_.push_back(&held);
    keys_.insert(held.updates.begin(), held.updates.end());
    if (held.epoch.has_value()) all.tree(*held.epoch).keys_of(held.leaf, keys_);
    if (held.pending.has_value()) {
      all.tree(*held.pending).keys_of(all.history_.epochs[*held.pending].leaf, keys_);
    }
  }
  for (EpochNumber epoch = 0; epoch < all.history_.epochs.size(); ++epoch) begin(epoch);
}

// A path secret opens those above it (7.4) and its own private key; it is known by a key that it is sealed
// to (7.5), or by a Welcome (12.4.3.1), which has the joiner_secret as well.
void Allowed::Derived::begin(EpochNumber epoch) {
  const EpochBegun& begun = all_.history_.epochs[epoch];
  const KeyTree& tree = all_.tree(epoch);
  Epoch& now = epochs_.emplace_back();
  const auto knows = [this](KeyNumber key) { return keys_.count(key) != 0; };
  for (std::size_t i = tree.path().size(); i-- > 0;) {
    const std::vector<KeyNumber>& to = tree.path()[i].recipients;
    if (std::any_of(to.begin(), to.end(), knows)) now.path = i;
  }
  for (const TreeChange& change : begun.changes) {
    if (change.type != ProposalType::add || !knows(change.init_key)) continue;
    now.joiner = true;
    const LeafIndex leaf = tree.leaf_with(change.leaf_key);
    for (std::size_t i = tree.path().size(); i-- > 0 && in_subtree(leaf, tree.path()[i].node);) {
      now.path = std::min(now.path, i);
    }
  }
  for (std::size_t i = now.path; i < tree.path().size(); ++i) keys_.insert(tree.path()[i].key);
  if (!begun.parent.has_value()) return;
  const bool has_commit_secret = !begun.has_path || now.path != SIZE_MAX;  // 8, 12.4.2
  now.extracted =
      has_commit_secret && has(*begun.parent, begun.is_external ? Name::external : Name::init);  // 8.3
  now.joiner = now.joiner || now.extracted;
  now.psks =
      std::all_of(begun.psks.begin(), begun.psks.end(), [this](auto& psk) { return has_psk(psk); });  // 8.4
}

bool Allowed::Derived::has_psk(const PskAsked& psk) const {
  return psk.type == PskType::external || has(psk.number, Name::resumption);  // all endpoints have those
}

bool Allowed::Derived::has(EpochNumber epoch, Name::EpochSecret secret) const {
  if (epoch < epochs_.size() && epochs_[epoch].all()) return true;
  return std::any_of(held_.begin(), held_.end(), [&](const Holding* held) {
    if (epoch == held->epoch || epoch == held->pending) return true;
    if (secret == Name::sender_data) return held->messages.count(epoch) != 0;
    const auto& kept = held->epochs;  // 8.6
    return secret == Name::resumption && std::find(kept.begin(), kept.end(), epoch) != kept.end();
  });
}

bool Allowed::Derived::operator()(const Name& name) const {
  using Role = Name::Role;
  if (name.role == Role::never || name.role == Role::storage_key) return false;  // it is kept elsewhere
  if (name.role == Role::signature_key) return name.first == who_;
  if (name.role == Role::psk) return true;
  if (name.role == Role::private_key && name.second == 0) return keys_.count(name.first) != 0;
  if (name.role == Role::private_key) {  // 7.4: of a node's the path secret is its origin
    return is_path_key(name.first) &&
           epochs_[epoch_of_path_key(name.first)].path <= place_of_path_key(name.first);
  }
  const Epoch& of = epochs_[name.first];
  if (name.role == Role::path_secret) return name.second >= of.path;
  if (name.role == Role::extracted) return of.extracted;
  if (of.all()) return true;
  switch (name.role) {
    case Role::joiner_secret:
      return of.joiner;
    case Role::psk_secret: {
      const auto& psks = all_.history_.epochs[name.first].psks;
      if (name.second > psks.size()) return false;  // it has no right name
      return std::all_of(psks.begin(), psks.begin() + static_cast<std::ptrdiff_t>(name.second),
                         [this](auto& psk) { return has_psk(psk); });
    }
    case Role::of_epoch:
      return has(name.first, static_cast<Name::EpochSecret>(name.second));
    default:
      return std::any_of(held_.begin(), held_.end(),
                         [&](const Holding* held) { return held->has(name, all_.tree(name.first)); });
  }
}

}  // namespace tacet::adversary
