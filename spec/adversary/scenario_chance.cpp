#include <algorithm>

#include "octets.h"
#include "scenario.h"

namespace tacet::adversary {

namespace {

// Whether random steps use resumption PSKs in it. Then nobody is added, who would not have them.
bool has_resumption_psks(std::uint64_t epoch) { return epoch % 4 == 3; }

}  // namespace

// Who can be added: nobody who still has something to receive.
std::vector<ClientId> Scenario::joiners(ClientId seen_by) {
  const std::vector<ClientId> in_group = members(seen_by);
  std::vector<ClientId> joiners;
  for (ClientId who = 0; who < clients(); ++who) {
    if (std::find(in_group.begin(), in_group.end(), who) != in_group.end()) continue;
    const bool is_busy = is_live(who) && (member(who).group.is_active() || provider.waiting(who) != 0);
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
  Octets senders;
  if (setting_.all_kinds && external_sender_.has_value() && !chance(4)) {
    Device& outside = device(*external_sender_);
    const ExternalSender sender = {outside.signature_key, {CredentialType::basic, bytes_of(outside.name)}};
    senders = vector_of(encoded(sender));
    list.push_back({ExtensionType::external_senders, senders});
  }
  return extensions(list);
}

// All members have the resumption PSKs of the epoch in which the last of them came, and after it.
Proposal Scenario::draw_psk(ClientId by) {
  const std::uint64_t now = epoch_of(by);
  std::uint64_t first = now - std::min<std::uint64_t>(now, member(by).limits.resumption_psks);
  for (const ClientId who : live_of(members(by))) first = std::max(first, seat(who).joined);
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
  if (setting_.all_kinds && chance(4)) return rare_step(by);
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

// ---- what not all scenarios have

// What may come next if application data need not come in its order.
std::vector<std::size_t> Scenario::early(ClientId to) {
  std::vector<std::size_t> places;
  bool is_next = true;
  for (std::size_t place = 0; place < provider.waiting(to); ++place) {
    const Kept& kept = provider.waits(to, place);
    const bool is_said = kept.kind == Kind::application;
    if (is_said ? kept.epoch <= epoch_of(to) : is_next) places.push_back(place);
    is_next = is_next && is_said;
  }
  return places;
}

void Scenario::deliver_in_any_order(ClientId to) {
  while (member(to).group.is_active() && !chance(6)) {
    const std::vector<std::size_t> places = early(to);
    if (places.empty()) return;
    const Kept& kept = provider.fetch(to, one_of(places));
    const Error demanded = due(to, kept);
    demand(to, "what comes in any order", demanded, take(to, kept));
  }
}

void Scenario::draw_from_outside(ClientId seen_by) {
  const std::vector<ClientId> joiners = this->joiners(seen_by);
  const bool may_add = !has_resumption_psks(epoch_of(seen_by));
  if (may_add && !joiners.empty() && chance(2)) {
    const ClientId who = one_of(joiners);
    propose_from_outside(who, add(who), seen_by);
    return;
  }
  const GroupContext& now = member(seen_by).group.state().context();
  if (!find_extension(now.extensions, ExtensionType::external_senders).has_value()) return;
  const std::optional<Proposal> drawn = draw(seen_by);
  if (!drawn.has_value() || drawn->type == registered_proposal) return;
  propose_from_outside(*external_sender_, *drawn, seen_by);
}

// It does not live long.
void Scenario::draw_branch(ClientId by) {
  std::vector<ClientId> with;
  for (const ClientId who : members(by)) {
    if (who != by && !chance(3)) with.push_back(who);
  }
  if (with.empty()) return;
  branch(by, with);
  with.push_back(by);
  const std::vector<ClientId> live = live_of(with);
  for (std::uint64_t i = 4 + below(8); i > 0; --i) {
    const ClientId who = one_of(live);
    switch (below(5)) {
      case 0:
        update(who);
        break;
      case 1:
        if (!member(who).group.has_pending()) commit(who, {}, {.with_path = chance(2)});
        break;
      case 2:
        deliver(who);
        break;
      default:
        speak(who);
    }
  }
  end_branch(with);
}

void Scenario::rare_step(ClientId by) {
  switch (below(9)) {
    case 0:
    case 1:
      if (setting_.saves) restart(by);
      return;
    case 2:
    case 3:
      for (std::uint64_t i = below(4); i > 0; --i) speak(by);
      return deliver_in_any_order(one_of(active()));
    case 4:
    case 5:
      return draw_from_outside(by);
    default:
      break;
  }
  deliver();
  const std::vector<ClientId> all = active();
  const ClientId who = one_of(all), other = one_of(all);
  switch (below(3)) {
    case 0:
      return draw_branch(who);
    case 1:
      if (who != other) come_back(who, other);
      return;
    default:
      if (chance(3)) reinit(who, other);
  }
}

}  // namespace tacet::adversary
