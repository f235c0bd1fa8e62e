#include "histories.h"

#include <algorithm>
#include <optional>

#include "history.h"

namespace tacet::tool {

namespace {

constexpr WireFormat in_public = WireFormat::public_message, in_private = WireFormat::private_message;
constexpr WireFormat formats[] = {in_public, in_private};
constexpr CipherSuite own_suite = CipherSuite::x25519_chacha20poly1305_sha256_ed25519;
constexpr Sender new_member = {SenderType::new_member_proposal, {}, 0};

Sender external(std::uint32_t index) { return {SenderType::external, {}, index}; }

// A group of some live members, before the client is in it.
struct Circle {
  Circle(Generator& generator, WireFormat format, std::size_t size) : history(generator, format) {
    members = history.active();
    Proposals adds;
    while (members.size() < size) {
      members.push_back(&history.live());
      adds.push_back(history.add(*members.back()));
    }
    if (!adds.empty()) history.commit(*members[0], adds);
  }
  Member& operator[](std::size_t place) { return *members[place]; }

  History history;
  std::vector<Member*> members;
};

// ---- from outside

// New clients: at the end of the tree, in its gaps, into a tree that grows, with and without PSKs; what waits
// is lost.
Json clients_join(Generator& generator, WireFormat format, std::size_t size) {
  Circle group(generator, format, size);
  History& history = group.history;
  history.begin(group[0]);
  Member& first = history.live();
  history.join(first, group[0]);
  history.commit(first);
  Member& second = history.live();
  const Proposals psks = {history.psk(0), history.psk(1)};
  history.join(second, first, {.psks = psks});
  history.propose(first, history.psk(0));
  history.update(group[0]);
  Member& third = history.live();
  history.join(third, second);
  history.commit(group[0], {history.remove(first)});
  Member& fourth = history.live();
  history.join(fourth, third);
  history.commit(fourth, {history.add(history.idle())}, false);
  return history.told();
}

// Clients that have lost their state, at each place of the tree.
Json members_come_back(Generator& generator, WireFormat format, std::size_t size) {
  Circle group(generator, format, size);
  History& history = group.history;
  history.begin(group[size - 1], {}, false);
  for (std::size_t i = 0; i < size; ++i) {
    Member& by = group[(i + 1) % size];
    if (i % 2 == 1) history.commit(by, {history.add(history.idle())}, false);  // which leaves unmerged leaves
    Member& back = history.again(group[i]);
    Proposals psks;
    if (i % 3 == 1) psks = {history.psk()};
    if (i % 3 == 2) psks = {history.resumption_psk(history.epoch() - 1), history.psk(1)};
    history.join(back, by, {.psks = psks, .replaces = true});
    group.members[i] = &back;
    history.commit(back);
  }
  return history.told();
}

// ---- external proposals

Json outsiders_propose(Generator& generator, WireFormat format) {
  Circle group(generator, format, 3);
  History& history = group.history;
  Device &first = history.idle(), &second = history.idle(), &added = history.idle();
  const Proposal senders = history.external_senders({&first, &second});
  history.commit(group[0], {senders});
  history.begin(group[1], {}, format == in_public);
  history.propose_from_outside(second, external(1), history.add(added));
  history.commit(group[2], {}, false);
  history.propose_from_outside(first, external(0), history.psk());
  history.propose(group[1], history.psk(1));
  history.commit(group[0]);
  Device& asks = history.idle();
  history.propose_from_outside(asks, new_member, history.add(asks));
  history.commit(group[1]);
  Member& joiner = history.live();
  history.propose_from_outside(joiner, new_member, history.add(joiner));
  history.propose_from_outside(first, external(0), history.remove(asks));
  history.propose_from_outside(second, external(1), history.remove(added));
  history.commit(group[2], {history.psk()});
  history.commit(joiner);
  history.propose_from_outside(second, external(1), history.external_senders({&second}));
  history.commit(group[0]);
  history.propose_from_outside(second, external(0), history.remove(group[2]));
  history.update(joiner);
  history.commit(group[1]);
  return history.told();
}

// ---- resumption PSKs of the group's own epochs

Json members_resume(Generator& generator, WireFormat format) {
  Circle group(generator, format, 3);
  History& history = group.history;
  history.begin(group[0]);
  const std::uint64_t first = history.epoch();
  history.commit(group[1], {history.resumption_psk(first)});         // of the present epoch
  history.commit(group[2], {history.resumption_psk(first)}, false);  // of the one before
  history.propose(group[0], history.resumption_psk(first + 1));
  history.commit(group[1], {history.psk(), history.resumption_psk(first + 2)});
  history.commit(group[0], {history.add(history.idle())}, false);
  history.propose(group[2], history.psk(1));
  history.propose(group[2], history.resumption_psk(first + 4));
  history.commit(group[0], {}, false);
  history.update(group[1]);
  history.commit(group[2]);
  Proposals all;  // of every epoch so far
  for (std::uint64_t epoch = first; epoch <= history.epoch(); ++epoch) {
    all.push_back(history.resumption_psk(epoch));
  }
  history.commit(group[1], all);
  return history.told();
}

// ---- ReInit

enum class Proposed { by_value, by_member, from_outside };

// It is the last that happens in a group.
Json group_closes(Generator& generator, WireFormat format, CipherSuite suite, Proposed how) {
  Circle group(generator, format, 3);
  History& history = group.history;
  Device& outside = history.idle();
  history.commit(group[0], {history.external_senders({&outside})});
  history.begin(group[0]);
  history.commit(group[1]);
  const Proposal re_init = history.re_init(suite, how == Proposed::from_outside);
  if (how == Proposed::from_outside) history.propose_from_outside(outside, external(0), re_init);
  if (how == Proposed::by_member) history.propose(group[1], re_init);
  const bool by_value = how == Proposed::by_value;
  history.commit(group[2], by_value ? Proposals{re_init} : Proposals(), by_value);
  return history.told();
}

// The members begin anew; by another than the one who has closed the group.
Json members_begin_anew(Generator& generator, WireFormat format, bool with_extensions, bool tree_inline) {
  Circle group(generator, format, 4);
  History& history = group.history;
  history.begin(group[0]);
  history.commit(group[3], {history.re_init(own_suite, with_extensions)}, with_extensions);
  Proposals psks;
  if (with_extensions) psks = {history.psk()};
  History next(history, group[1], {&group[3], &group[0], &group[2]},
               {.proposals = psks, .tree_inline = tree_inline});
  const std::vector<Member*> members = next.active();
  next.commit(*members[3]);
  next.update(*members[0]);
  next.commit(*members[1], {next.resumption_psk(1), next.psk(1)});
  return history.told({next.told()});
}

// Some members meet apart, and again some of these; both groups go on.
Json groups_branch(Generator& generator, WireFormat format) {
  Circle group(generator, format, 4);
  History& history = group.history;
  history.begin(group[0]);
  const auto usage = [](const Octets& group_id) {
    SuccessorOptions wanted;
    wanted.usage = ResumptionPskUsage::branch;
    wanted.group_id = group_id;
    return wanted;
  };
  const Octets first_id = generator.bytes(32), second_id = generator.bytes(16),
               third_id = generator.bytes(32);
  History first(history, group[2], {&group[1], &group[0]}, usage(first_id));
  history.commit(group[3]);  // so that the first branches from an epoch that is over when the client joins it
  history.commit(group[1], {history.psk()});
  History second(history, group[3], {}, usage(second_id));
  const std::vector<Member*> members = first.active();
  first.commit(*members[2]);
  SuccessorOptions apart = usage(third_id);
  apart.tree_inline = false;
  History third(first, *members[1], {members[0]}, apart);
  third.commit(*third.active().back());
  first.commit(*members[0]);
  return history.told({first.told({third.told()}), second.told()});
}

// ---- application messages

// Of several senders, in the order in which they were sent.
Json members_speak(Generator& generator, WireFormat format) {
  Circle group(generator, format, 3);
  History& history = group.history;
  history.begin(group[0]);
  for (const std::size_t size : {0u, 1u, 40u, 300u})
    history.hear(history.say(group[size % 3], size, size / 2));
  history.commit(group[1]);
  for (const std::size_t i : {0u, 1u, 2u, 1u, 0u}) history.hear(history.say(group[i], 20, 5 * i));
  Member& joiner = history.live();
  history.join(joiner, group[2]);
  history.hear(history.say(joiner, 3000, 300));
  history.update(group[0]);
  history.commit(joiner, {history.remove(group[2])});
  history.hear(history.say(group[0], 16385));
  return history.told();
}

// In another order than they were sent, and some not at all.
Json messages_overtake(Generator& generator, WireFormat format) {
  Circle group(generator, format, 3);
  History& history = group.history;
  history.begin(group[2]);
  const auto out_of_order = [&](std::size_t sent, const std::vector<std::size_t>& heard) {
    std::vector<Octets> messages;
    for (std::size_t i = 0; i < sent; ++i) {
      messages.push_back(history.say(group[i % 2], 8 + i, i % 3));
    }
    for (const std::size_t each : heard) history.hear(messages[each]);
  };
  out_of_order(8, {6, 2, 7, 0, 1, 4, 5, 3});  // generations 0 to 3 of both
  history.commit(group[1]);
  out_of_order(60, {58, 0, 59, 1, 30, 31, 57});  // up to 29 generations back
  history.propose(group[0], history.psk());
  history.commit(group[0]);
  out_of_order(4, {3, 1});
  return history.told();
}

// Up to that many epochs after their own. One who has sent some is gone by then, and another has the leaf.
Json messages_are_late(Generator& generator, WireFormat format, std::size_t epochs) {
  Circle group(generator, format, 4);
  History& history = group.history;
  history.begin(group[0]);
  std::vector<Octets> late;
  for (std::size_t i = 0; i < epochs; ++i) {
    late.push_back(history.say(group[2], 10 + i, i));
    late.push_back(history.say(group[3], 20 + i));
    history.hear(history.say(group[2], 30));
    Member& joiner = history.live();
    history.commit(group[1], {history.remove(group[2]), history.add(joiner)});
    group.members[2] = &joiner;
  }
  history.hear(history.say(group[2], 40));
  for (std::size_t i = late.size(); i > 0; --i) history.hear(late[i - 1]);
  return history.told();
}

}  // namespace

Json external_joins(Generator& generator) {
  Json cases = Json::array();
  for (const WireFormat format : formats) {
    for (const std::size_t size : {1u, 3u}) cases.push_back(clients_join(generator, format, size));
    for (const std::size_t size : {2u, 5u}) cases.push_back(members_come_back(generator, format, size));
  }
  return cases;
}

Json external_proposals(Generator& generator) {
  Json cases = Json::array();
  for (const WireFormat format : formats) cases.push_back(outsiders_propose(generator, format));
  return cases;
}

Json resumption_psks(Generator& generator) {
  Json cases = Json::array();
  for (const WireFormat format : formats) cases.push_back(members_resume(generator, format));
  return cases;
}

Json closing_re_inits(Generator& generator) {
  Json cases = Json::array();
  for (const WireFormat format : formats) {
    cases.push_back(group_closes(generator, format, own_suite, Proposed::by_value));
    cases.push_back(group_closes(generator, format, CipherSuite{1}, Proposed::by_member));
    cases.push_back(group_closes(generator, format, own_suite, Proposed::from_outside));
  }
  return cases;
}

Json application_messages(Generator& generator) {
  Json cases = Json::array();
  for (const WireFormat format : formats) {
    cases.push_back(members_speak(generator, format));
    cases.push_back(messages_overtake(generator, format));
    for (std::size_t epochs = 1; epochs <= past_epochs; ++epochs) {
      cases.push_back(messages_are_late(generator, format, epochs));
    }
  }
  return cases;
}

Json successor_groups(Generator& generator) {
  Json cases = Json::array();
  for (const WireFormat format : formats) {
    const bool is_public = format == in_public;
    cases.push_back(members_begin_anew(generator, format, false, is_public));
    cases.push_back(members_begin_anew(generator, format, true, !is_public));
    cases.push_back(groups_branch(generator, format));
  }
  return cases;
}

// ---- long histories

namespace {

// A group in which by chance somebody does something.
class Chance {
 public:
  Chance(Generator& generator, WireFormat format)
      : generator_(generator),
        group_(generator, format, 3),
        history_(group_.history),
        outside_(history_.idle()) {
    history_.commit(group_[0], {history_.external_senders({&outside_})});
    history_.begin(group_[0]);
    since_ = history_.epoch();
  }

  Json tell(std::size_t commits) {
    for (std::size_t i = 0; i < commits; ++i) {
      const std::vector<Member*> before = history_.active();
      drawn_.clear();
      Member& by = one_of(before);
      if (chance(8)) {
        come_from_outside(by);
      } else {
        commit(by);
      }
      for (Member* const each : history_.active()) {
        if (std::find(before.begin(), before.end(), each) == before.end()) since_ = history_.epoch();
      }
    }
    return history_.told();
  }

 private:
  static constexpr std::size_t most_live = 4, most_members = 24;

  bool chance(std::uint32_t one_in) { return generator_.below(one_in) == 0; }
  template <class T>
  T& one_of(const std::vector<T*>& several) {
    return *several[generator_.below(static_cast<std::uint32_t>(several.size()))];
  }

  void come_from_outside(Member& by) {
    Member& other = one_of(history_.active());
    const bool replaces = &other != &by && (chance(2) || history_.active().size() >= most_live);
    Member& joiner = replaces ? history_.again(other) : history_.live();
    Proposals psks;
    if (chance(2)) psks.push_back(history_.psk());
    history_.join(joiner, by, {.psks = psks, .replaces = replaces});
  }

  void commit(Member& by) {
    for (std::uint32_t i = generator_.below(3); i > 0; --i) {
      Member& other = one_of(history_.active());
      if (&other != &by && chance(3)) {
        history_.update(other);
      } else if (const std::optional<Proposal> drawn = draw(other, by)) {
        const bool may_be_external = drawn->type != ProposalType::psk;
        if (may_be_external && chance(4)) {
          history_.propose_from_outside(outside_, external(0), *drawn);
        } else {
          history_.propose(other, *drawn);
        }
      }
    }
    Proposals by_value;
    if (const std::optional<Proposal> drawn = draw(by, by)) by_value.push_back(*drawn);
    history_.commit(by, by_value, chance(2));
  }

  // Something to propose, if there is anything. Who is new has no resumption PSKs: nobody comes where they
  // are.
  std::optional<Proposal> draw(const Member& proposer, const Member& committer) {
    const bool resumes = history_.epoch() % 4 == 3;
    const std::uint32_t what = generator_.below(6);
    if (what == 0) return history_.external_senders({&outside_});
    if (what == 1 && resumes) {
      const std::uint64_t now = history_.epoch(),
                          first = std::max(since_, now - std::min<std::uint64_t>(now, 8));
      return once(
          history_.resumption_psk(first + generator_.below(static_cast<std::uint32_t>(now - first + 1))));
    }
    if (what <= 2) return once(history_.psk(generator_.below(2)));
    const bool is_full = history_.state().tree().members() >= most_members;
    if (what == 3 || is_full) return draw_remove(proposer, committer);
    if (resumes) return std::nullopt;
    const bool is_live = history_.active().size() < most_live && chance(3);
    return history_.add(is_live ? history_.live() : history_.idle());
  }

  // No PSK twice in one Commit.
  std::optional<Proposal> once(const Proposal& psk) {
    const PreSharedKeyId& id = psk.pre_shared_key.psk;
    const auto key = std::make_pair(octets_of(id.psk_id), id.psk_epoch);
    if (std::find(drawn_.begin(), drawn_.end(), key) != drawn_.end()) return std::nullopt;
    drawn_.push_back(key);
    return psk;
  }

  std::optional<Proposal> draw_remove(const Member& proposer, const Member& committer) {
    std::vector<const Device*> whom = history_.others();
    const std::vector<Member*> live = history_.active();
    if (live.size() > 3) whom.insert(whom.end(), live.begin(), live.end());
    std::erase(whom, &proposer);
    std::erase(whom, &committer);
    if (whom.empty()) return std::nullopt;
    return history_.remove(one_of(whom));
  }

  Generator& generator_;
  Circle group_;
  History& history_;
  Device& outside_;
  std::uint64_t since_ = 0;  // the epoch since which nobody who is live has come
  std::vector<std::pair<Octets, std::uint64_t>> drawn_;
};

}  // namespace

Json long_histories(Generator& generator) {
  Json cases = Json::array();
  for (const WireFormat format : formats) cases.push_back(Chance(generator, format).tell(200));
  return cases;
}

}  // namespace tacet::tool
