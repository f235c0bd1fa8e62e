#include <algorithm>

#include "octets.h"
#include "scenario.h"

namespace tacet::adversary {

// Where those who are live have a seat already; none of them has a KeyPackage afterwards.
void Scenario::found(ClientId by, const std::vector<ClientId>& with, SuccessorOptions wanted) {
  const std::size_t former = participants_[by].seats.size() - 1;
  const std::size_t number = groups_++;
  std::vector<ClientId> all = with;
  all.push_back(by);
  for (const ClientId who : all) {
    publish(who);
    if (!is_live(who)) continue;
    Seat next{std::make_unique<Member>(member(who)), number};
    must(member(who).lend_psk(epoch_of(who), next.member->psks));
    participants_[who].seats.push_back(std::move(next));
  }
  std::vector<Proposal> adds;
  for (const ClientId who : with) adds.push_back(add(who));
  wanted.proposals = adds;
  wanted.tree_inline = !chance(3);
  Member& founder = member(by);
  demand(by, "what succeeds the group", Error::none,
         founder.succeed(founder.group, participants_[by].seats[former].member->group, wanted));
  erase_key_package(by, founder.reference);
  provider.enter(founder.group.state().context().group_id, by);
  provider.send(by, octets_of(founder.group.pending_commit()));
  done(by, Deed::succeeds);
  hold(by);
  welcome(by, wanted.tree_inline);
  deliver();
  for (const ClientId who : live_of(all)) {
    const GroupContext& last = participants_[who].seats[former].member->group.state().context();
    member(who).psks.known.erase(KnownPsks::resumption(last.group_id, last.epoch));
  }
}

// A group that somebody gives up.
void Scenario::end(ClientId who, std::size_t place) {
  std::vector<Seat>& seats = participants_[who].seats;
  const auto ended = seats.begin() + static_cast<std::ptrdiff_t>(place);
  const std::size_t group = ended->group;
  seats.erase(ended);
  if (tell_deed) tell_deed({who, Deed::ends, group});
}

void Scenario::reinit(ClientId by, ClientId founder) {
  deliver();
  Octets next(group_id_.size());
  must(random_.fill(next));
  const Proposal close = reinit_of(keep(next));
  commit(by, {&close, 1}, {.with_waiting = false, .with_path = chance(2)});
  deliver();
  std::vector<ClientId> others = members(founder);
  others.erase(std::find(others.begin(), others.end(), founder));
  found(founder, others, {.usage = ResumptionPskUsage::reinit});
  group_id_ = next;
  group_ = group_of(founder);
  for (ClientId who = 0; who < clients(); ++who) {
    if (!is_live(who)) continue;
    if (participants_[who].seats.size() == 1) {
      seat(who).group = group_;  // where it may come one day
    } else {
      end(who, 0);
    }
  }
}

void Scenario::branch(ClientId by, const std::vector<ClientId>& with) {
  deliver();
  Octets group_id(group_id_.size());
  must(random_.fill(group_id));
  found(by, with, {.usage = ResumptionPskUsage::branch, .group_id = keep(group_id)});
}

void Scenario::end_branch(const std::vector<ClientId>& all) {
  deliver();
  for (const ClientId who : live_of(all)) end(who, participants_[who].seats.size() - 1);
}

}  // namespace tacet::adversary
