#include <algorithm>

#include "heir.h"
#include "octets.h"
#include "player.h"

namespace tacet::adversary {

std::string Player::succeed(ClientId who, std::optional<ClientId> branches_with) {
  Actor* const by = actor(who);
  if (by == nullptr || !by->knows.is_member) return {};
  const bool branches = branches_with.has_value();
  std::vector<ClientId> others = model_.clients_beside(by->knows);
  if (branches) {
    if (std::find(others.begin(), others.end(), *branches_with) == others.end()) return {};
    others = {*branches_with};
  }
  const Verdict verdict = model_.judge_successor(by->knows, branches);
  for (const ClientId each : others) publish(each);
  publish(who);
  Octets welcome;
  const Octets authenticator = found(*by, others, branches, welcome);
  const std::string seen = demand(*by, "to succeed the group", verdict, by->member->error);
  publish(who);  // for the leaf of the other group has that key
  if (!verdict.is_good()) return unchanged(*by, seen);
  hold(*by);
  std::size_t joined = 1;
  for (const ClientId each : others) {
    Actor& heir = actors_[each];
    if (!heir.knows.is_member || heir.knows.epoch != by->knows.epoch) continue;
    follow(heir, welcome, authenticator);
    publish(each);
    ++joined;
  }
  ++outcomes_[branches ? "branched" : "succeeded"];
  return "is founded by " + std::to_string(joined);
}

// Gives the epoch authenticator of the new group's first epoch of all.
Octets Player::found(Actor& founder, const std::vector<ClientId>& others, bool branches, Octets& welcome) {
  std::vector<Octets> key_packages;
  for (const ClientId each : others) key_packages.push_back(key_packages_.at(published_[each]));
  const Octets both = act(founder, [key_packages, branches](Member& member) -> Octets {
    std::vector<Proposal> adds;
    for (const Octets& each : key_packages) adds.push_back(add_of(each));
    Heir heir(member);
    SuccessorOptions wanted;
    wanted.usage = branches ? ResumptionPskUsage::branch : ResumptionPskUsage::reinit;
    wanted.proposals = adds;
    const Octets welcome_made = heir.succeed(wanted);
    if (member.error != Error::none) return {};
    heir.group.adopt_pending();
    return octets_of(heir.group.epoch_authenticator()) + welcome_made;
  });
  if (both.empty()) return {};
  const auto middle = both.begin() + static_cast<std::ptrdiff_t>(founder.member->crypto.hash_size());
  welcome.assign(middle, both.end());
  return {both.begin(), middle};
}

// Who is where the founder is joins, and has the same.
void Player::follow(Actor& heir, const Octets& welcome, const Octets& authenticator) {
  const Octets own = act(heir, [welcome](Member& member) -> Octets {
    Heir joins(member);
    member.error = joins.join(welcome);
    return octets_of(joins.group.epoch_authenticator());
  });
  demand(heir, "to join what succeeds the group", {}, heir.member->error);
  if (own != authenticator) fail(heir, "has another successor");
  hold(heir);
}

}  // namespace tacet::adversary
