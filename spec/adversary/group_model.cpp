#include "group_model.h"

#include <algorithm>

namespace tacet::adversary {

namespace {

// Of a tree's leaves: a power of two (RFC 9420, 7.7).
void truncate(std::vector<std::optional<ModelLeaf>>& leaves) {
  const auto is_blank = [](const std::optional<ModelLeaf>& leaf) { return !leaf.has_value(); };
  while (leaves.size() > 1) {
    const auto middle = leaves.begin() + static_cast<std::ptrdiff_t>(leaves.size() / 2);
    if (!std::all_of(middle, leaves.end(), is_blank)) return;
    leaves.erase(middle, leaves.end());
  }
}

// Into the leftmost that is blank.
std::size_t put(std::vector<std::optional<ModelLeaf>>& leaves, const ModelLeaf& leaf) {
  std::size_t place = 0;
  while (place < leaves.size() && leaves[place].has_value()) ++place;
  if (place == leaves.size()) leaves.resize(leaves.size() * 2);
  leaves[place] = leaf;
  return place;
}

bool changes_leaf(const Proposed& what) { return what.topic == Topic::update || what.topic == Topic::remove; }

std::size_t count(const std::vector<CoveredByCommit>& list, Topic topic) {
  const auto is_it = [topic](const CoveredByCommit& each) { return each.what.topic == topic; };
  return static_cast<std::size_t>(std::count_if(list.begin(), list.end(), is_it));
}

// The order in which proposals are applied (RFC 9420, 12.3).
void apply(const std::vector<CoveredByCommit>& list, ModelEpoch& epoch) {
  const auto each_of = [&list](Topic topic, const auto& does) {
    for (const CoveredByCommit& covered : list) {
      if (covered.what.topic == topic) does(covered.what);
    }
  };
  each_of(Topic::extensions, [&](const Proposed& what) { epoch.extensions = what.number; });
  each_of(Topic::update, [&](const Proposed& what) { epoch.leaves[what.leaf]->key = what.key; });
  each_of(Topic::remove, [&](const Proposed& what) {
    epoch.leaves[what.leaf].reset();
    truncate(epoch.leaves);
  });
  each_of(Topic::add, [&](const Proposed& what) { put(epoch.leaves, {what.client, what.key}); });
  each_of(Topic::reinit, [&](const Proposed&) { epoch.is_closed = true; });
}

}  // namespace

std::string Verdict::text() const {
  if (is_good()) return "none";
  std::string text;
  for (const Error error : errors_) text += (text.empty() ? "" : " or ") + std::string(describe(error).name);
  return text;
}

std::optional<std::size_t> ModelEpoch::leaf_of(ClientId who) const {
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if (leaves[i].has_value() && leaves[i]->client == who) return i;
  }
  return std::nullopt;
}

// ---- keys of messages

MessageKeys::Ratchet MessageKeys::ratchet_of(const Sent& message) {
  return {message.leaf, message.kind == Kind::application};
}

std::uint32_t MessageKeys::next_of(const Ratchet& ratchet) const {
  const auto found = next_.find(ratchet);
  return found == next_.end() ? 0 : found->second;
}

Error MessageKeys::judge(const Sent& message) const {
  const std::uint32_t next = next_of(ratchet_of(message)), generation = message.generation;
  if (generation >= next) {
    return generation - next > limits_of_scripts().forward_distance ? Error::generation_too_far : Error::none;
  }
  const bool is_kept = std::any_of(skipped_.begin(), skipped_.end(), [&](const Skipped& each) {
    return each.ratchet == ratchet_of(message) && each.generation == generation;
  });
  return is_kept ? Error::none : Error::generation_gone;
}

void MessageKeys::take(const Sent& message) {
  const Ratchet ratchet = ratchet_of(message);
  const std::uint32_t next = next_of(ratchet), generation = message.generation;
  const std::uint32_t window = limits_of_scripts().out_of_order_window;
  if (generation < next) {
    skipped_.erase(std::find_if(skipped_.begin(), skipped_.end(), [&](const Skipped& each) {
      return each.ratchet == ratchet && each.generation == generation;
    }));
    return;
  }
  for (std::uint32_t each = next; each != generation; ++each) skipped_.push_back({ratchet, each});
  next_[ratchet] = generation + 1;
  const auto is_too_old = [&](const Skipped& each) {
    return each.ratchet == ratchet && generation - each.generation > window;
  };
  skipped_.erase(std::remove_if(skipped_.begin(), skipped_.end(), is_too_old), skipped_.end());
  while (skipped_.size() > limits_of_scripts().skipped_keys) skipped_.erase(skipped_.begin());
}

std::uint32_t MessageKeys::send(std::size_t leaf, bool is_application) {
  return next_[{leaf, is_application}]++;
}

// ---- epochs

void GroupModel::create(Knowledge& who) {
  ModelEpoch first;
  first.leaves = {ModelLeaf{who.client, *who.key_package}};
  who.leaf_keys.insert(*who.key_package);
  epochs_.push_back(first);
  enter(who, epochs_.size() - 1);
}

EpochId GroupModel::begin(EpochId from, const std::vector<CoveredByCommit>& list) {
  ModelEpoch next = epochs_[from];
  ++next.number;
  apply(list, next);
  epochs_.push_back(std::move(next));
  return epochs_.size() - 1;
}

void GroupModel::enter(Knowledge& who, EpochId epoch) {
  if (who.is_member) who.past.push_front(std::move(who.keys));
  if (who.past.size() > limits_of_scripts().past_epochs) who.past.resize(limits_of_scripts().past_epochs);
  who.is_member = true;
  who.epoch = epoch;
  who.keys = MessageKeys();
  who.keys.epoch = epoch;
  who.waiting.clear();
  who.pending.reset();
  who.has_committed = false;
  who.psk_epochs.push_back(epochs_[epoch].number);
  if (who.psk_epochs.size() > limits_of_scripts().resumption_psks + 1) {
    who.psk_epochs.erase(who.psk_epochs.begin());
  }
}

void GroupModel::leave(Knowledge& who) {
  who.is_member = false;
  who.pending.reset();
  who.waiting.clear();
  who.psk_epochs.clear();
  who.past.clear();
}

// ---- sending

Error GroupModel::check_open(const Knowledge& who) const {
  if (!who.is_member) return Error::group_inactive;
  return epochs_[who.epoch].is_closed ? Error::group_closed : Error::none;
}

Sent GroupModel::sent_by(Knowledge& by, Kind kind) const {
  Sent sent;
  sent.kind = kind;
  sent.client = by.client;
  sent.epoch = by.epoch;
  sent.leaf = own_leaf(by);
  sent.is_private = kind == Kind::application || sends_private(by.client);
  if (sent.is_private) sent.generation = by.keys.send(sent.leaf, kind == Kind::application);
  return sent;
}

Sent GroupModel::sent_by(SenderType as, ClientId by, EpochId epoch) const {
  Sent sent;
  sent.sender = as;
  sent.client = by;
  sent.epoch = epoch;
  sent.is_private = false;
  return sent;
}

MessageId GroupModel::post(Sent sent) {
  messages_.push_back(std::move(sent));
  return messages_.size() - 1;
}

// What says the same has the same signature, and so the same ProposalRef (RFC 9420, 5.2), also if it is
// sealed anew; but no two PSKs have one nonce, and no two Updates one key.
MessageId GroupModel::reference_of(const Sent& proposal) const {
  const Topic topic = proposal.proposal.topic;
  if (topic == Topic::psk || topic == Topic::resumption) return messages_.size();
  const auto place_of = [this](const Sent& sent) -> std::uint64_t {  // from outside no GroupContext is signed
    return sent.sender == SenderType::member ? sent.epoch : epochs_[sent.epoch].number;
  };
  for (MessageId id = 0; id < messages_.size(); ++id) {
    const Sent& other = messages_[id];
    const bool is_same = other.kind == Kind::proposal && other.sender == proposal.sender &&
                         other.client == proposal.client && other.proposal == proposal.proposal &&
                         place_of(other) == place_of(proposal);
    if (is_same) return other.reference;
  }
  return messages_.size();
}

Verdict GroupModel::judge_proposal(const Knowledge& by, const Proposed& what) const {
  if (const Error error = check_open(by); error != Error::none) return error;
  Sent sent = sent_by(SenderType::member, by.client, by.epoch);
  sent.proposal = what;
  return judge_waiting(by, reference_of(sent));
}

Error GroupModel::judge_waiting(const Knowledge& who, MessageId reference) {
  const bool is_full = who.waiting.size() >= limits_of_scripts().cached_proposals;
  return is_full && !waits(who, reference) ? Error::too_many_proposals : Error::none;
}

bool GroupModel::waits(const Knowledge& who, MessageId reference) {
  return std::find(who.waiting.begin(), who.waiting.end(), reference) != who.waiting.end();
}

MessageId GroupModel::propose(Knowledge& by, const Proposed& what) {
  Sent sent = sent_by(by, Kind::proposal);
  sent.proposal = what;
  sent.reference = reference_of(sent);
  if (what.topic == Topic::update) by.leaf_keys.insert(what.key);
  if (!waits(by, sent.reference)) by.waiting.push_back(sent.reference);
  return post(std::move(sent));
}

MessageId GroupModel::propose_from_outside(SenderType as, ClientId by, EpochId epoch, const Proposed& what) {
  Sent sent = sent_by(as, by, epoch);
  sent.kind = Kind::proposal;
  sent.proposal = what;
  sent.reference = reference_of(sent);
  return post(std::move(sent));
}

Verdict GroupModel::judge_text(const Knowledge& by) const {
  if (const Error error = check_open(by); error != Error::none) return error;
  const bool has_to_commit = !by.waiting.empty() && !by.pending.has_value();
  return has_to_commit ? Error::proposals_wait : Error::none;
}

MessageId GroupModel::say(Knowledge& by) { return post(sent_by(by, Kind::application)); }

// ---- Commits

bool GroupModel::has(const Knowledge& who, const Proposed& psk) const {
  if (psk.topic == Topic::psk) return has_psk(who.client, psk.number);
  return std::find(who.psk_epochs.begin(), who.psk_epochs.end(), psk.number) != who.psk_epochs.end();
}

Error GroupModel::judge_psks(const Knowledge& who, const std::vector<CoveredByCommit>& list) const {
  for (const CoveredByCommit& each : list) {
    const bool is_psk = each.what.topic == Topic::psk || each.what.topic == Topic::resumption;
    if (is_psk && !has(who, each.what)) return Error::psk_unknown;
  }
  return Error::none;
}

// RFC 9420, 12.2. Of a member's Commit `committer` is its leaf.
Verdict GroupModel::judge_list(EpochId epoch, std::optional<std::size_t> committer,
                               const std::vector<CoveredByCommit>& list) const {
  Verdict verdict;
  std::set<std::size_t> changed;
  ModelEpoch after = epochs_[epoch];
  for (const CoveredByCommit& each : list) {
    if (!changes_leaf(each.what)) continue;
    const bool removes = each.what.topic == Topic::remove;
    if (each.what.leaf == committer)
      verdict.add(removes ? Error::committer_removed : Error::update_of_committer);
    if (!changed.insert(each.what.leaf).second) verdict.add(Error::leaf_proposed_twice);
    if (each.what.leaf >= after.leaves.size()) {
      verdict.add(Error::leaf_outside_tree);
    } else if (!after.leaves[each.what.leaf].has_value()) {
      verdict.add(Error::leaf_blank);
    }
  }
  if (count(list, Topic::extensions) > 1) verdict.add(Error::group_context_extensions_repeated);
  if (count(list, Topic::reinit) != 0 && list.size() != 1) verdict.add(Error::reinit_not_alone);
  if (!verdict.is_good()) return verdict;
  apply(list, after);
  std::set<ClientId> clients;
  std::set<KeyId> keys;
  for (const std::optional<ModelLeaf>& leaf : after.leaves) {
    if (!leaf.has_value()) continue;
    if (!clients.insert(leaf->client).second) {  // who has one signature key as well
      verdict.add(Error::client_repeated);
      verdict.add(Error::signature_key_repeated);
    }
    if (!keys.insert(leaf->key).second) verdict.add(Error::encryption_key_repeated);
  }
  return verdict;
}

Verdict GroupModel::judge_commit(const Knowledge& by, const std::vector<CoveredByCommit>& by_value,
                                 bool with_waiting) const {
  if (const Error error = check_open(by); error != Error::none) return error;
  if (by.pending.has_value()) return Error::commit_pending;
  Verdict verdict = judge_list(by.epoch, own_leaf(by), by_value);
  verdict.add(judge_psks(by, by_value));
  // A Remove that waits may make room for an Add.
  for (const MessageId id : by.waiting) {
    if (with_waiting && messages_[id].proposal.topic == Topic::remove) verdict.allow_none();
  }
  return verdict;
}

std::string GroupModel::complaint(const Knowledge& by, const std::vector<CoveredByCommit>& list,
                                  bool with_waiting) const {
  Verdict verdict = judge_list(by.epoch, own_leaf(by), list);
  verdict.add(judge_psks(by, list));
  if (!verdict.is_good()) return "covers what is " + verdict.text();
  std::map<std::size_t, MessageId> newest;  // Update of a leaf
  for (const MessageId id : by.waiting) {
    if (messages_[id].proposal.topic == Topic::update) newest[messages_[id].proposal.leaf] = id;
  }
  std::set<MessageId> covered;
  for (const CoveredByCommit& each : list) {
    if (!each.reference.has_value()) continue;
    if (!with_waiting) return "covers what waits";
    if (!covered.insert(*each.reference).second) return "covers a proposal twice";
    if (each.what.topic == Topic::update && newest[each.what.leaf] != *each.reference) {
      return "covers an old Update of a leaf";
    }
  }
  for (const MessageId id : by.waiting) {
    const Proposed& what = messages_[id].proposal;
    if (!with_waiting || covered.count(id) != 0) continue;
    // An Add may be good only beside a Remove that was chosen after it.
    if (what.topic == Topic::add && epochs_[by.epoch].leaf_of(what.client).has_value()) continue;
    std::vector<CoveredByCommit> more = list;
    more.push_back({what, id});
    const bool could_be =
        judge_list(by.epoch, own_leaf(by), more).is_good() && judge_psks(by, more) == Error::none;
    if (could_be) return "leaves out a proposal that it could cover";
  }
  return {};
}

// RFC 9420, 12.4 and 17.4.
bool GroupModel::needs_path(const std::vector<CoveredByCommit>& list) {
  const auto needs_none = [](const CoveredByCommit& each) {
    return each.what.topic == Topic::add || each.what.topic == Topic::psk ||
           each.what.topic == Topic::resumption || each.what.topic == Topic::reinit;
  };
  return list.empty() || !std::all_of(list.begin(), list.end(), needs_none);
}

// What a Commit begins that says the same and has no chance in it: no path, and no nonce of a PSK. Its
// signature is the same, and so are the transcript and the secrets of its epoch.
std::optional<EpochId> GroupModel::epoch_of_same(const Sent& commit) const {
  const auto has_nonce = [](const CoveredByCommit& each) {
    const bool is_psk = each.what.topic == Topic::psk || each.what.topic == Topic::resumption;
    return is_psk && !each.reference.has_value();
  };
  if (commit.has_path || std::any_of(commit.list.begin(), commit.list.end(), has_nonce)) return std::nullopt;
  for (const Sent& other : messages_) {
    const bool is_same = other.kind == Kind::commit && other.client == commit.client &&
                         other.epoch == commit.epoch && !other.has_path && other.list == commit.list;
    if (is_same) return other.next;
  }
  return std::nullopt;
}

MessageId GroupModel::commit(Knowledge& by, const std::vector<CoveredByCommit>& list, bool has_path) {
  Sent sent = sent_by(by, Kind::commit);
  sent.list = list;
  sent.has_path = has_path;
  const std::optional<EpochId> same = epoch_of_same(sent);
  sent.next = same.has_value() ? *same : begin(by.epoch, list);
  if (has_path) {
    const KeyId key = new_key();
    epochs_[sent.next].leaves[sent.leaf]->key = key;
    by.leaf_keys.insert(key);
  }
  by.has_committed = true;
  return by.pending.emplace(post(std::move(sent)));
}

MessageId GroupModel::welcome(MessageId commit) {
  Sent sent = messages_[commit];
  sent.kind = Kind::welcome;
  return post(std::move(sent));
}

// ---- joining from outside

Verdict GroupModel::judge_join(const Knowledge& who, EpochId epoch, bool replaces) const {
  if (who.is_member) return Error::group_active;
  if (who.pending.has_value()) return Error::commit_pending;
  const bool is_there = epochs_[epoch].leaf_of(who.client).has_value();
  if (replaces) return is_there ? Error::none : Error::former_leaf_absent;
  return is_there ? Error::signature_key_repeated : Error::none;
}

MessageId GroupModel::join_from_outside(Knowledge& who, EpochId epoch, bool replaces) {
  Sent sent = sent_by(SenderType::new_member_commit, who.client, epoch);
  sent.kind = Kind::commit;
  if (replaces) {
    Proposed remove;
    remove.topic = Topic::remove;
    remove.leaf = *epochs_[epoch].leaf_of(who.client);
    sent.list.push_back({remove, std::nullopt});
  }
  sent.next = begin(epoch, sent.list);
  epochs_[sent.next].is_closed = false;  // nobody outside knows
  const KeyId key = new_key();
  put(epochs_[sent.next].leaves, {who.client, key});
  who.leaf_keys.insert(key);
  who.psk_epochs.clear();
  return who.pending.emplace(post(std::move(sent)));
}

Verdict GroupModel::judge_successor(const Knowledge& by, bool branches) const {
  if (!by.is_member) return Error::group_inactive;
  return branches || epochs_[by.epoch].is_closed ? Verdict() : Error::reinit_absent;
}

// A client may have two leaves: it has joined from outside beside its former one.
std::vector<ClientId> GroupModel::clients_beside(const Knowledge& by) const {
  std::set<ClientId> clients;
  for (const std::optional<ModelLeaf>& leaf : epochs_[by.epoch].leaves) {
    if (leaf.has_value() && leaf->client != by.client) clients.insert(leaf->client);
  }
  return {clients.begin(), clients.end()};
}

void GroupModel::adopt(Knowledge& who) {
  if (who.pending.has_value()) enter(who, messages_[*who.pending].next);
}

void GroupModel::drop(Knowledge& who) {
  if (who.is_joining()) leave(who);
  who.pending.reset();
}

// ---- receiving

// Whether it is the Commit that waits, or the same bytes.
bool GroupModel::is_pending(const Knowledge& who, MessageId commit) const {
  if (!who.pending.has_value()) return false;
  const Sent &pending = messages_[*who.pending], &sent = messages_[commit];
  const bool is_same = sent.kind == Kind::commit && sent.next == pending.next && !pending.is_private;
  return who.pending == commit || is_same;
}

GroupModel::Outcome GroupModel::receive(Knowledge& to, MessageId id) {
  const Sent& message = messages_[id];
  if (message.kind == Kind::welcome) return join(to, message);
  if (is_pending(to, id)) {
    adopt(to);
    return {Error::none, Event::own_commit};
  }
  const std::uint64_t now = epochs_[to.epoch].number, then = epochs_[message.epoch].number;
  if (message.kind == Kind::application) {
    for (MessageKeys& keys : to.past) {
      if (epochs_[keys.epoch].number == then) return late(keys, message);
    }
  }
  if (const Error error = check_open(to); error != Error::none) return {error};
  if (then > now) return {Error::epoch_future};
  if (then < now) return {Error::epoch_past};
  if (const Error error = authenticate(to, message); error != Error::none) return {error};
  if (message.kind == Kind::proposal) return receive_proposal(to, message);
  if (message.kind == Kind::commit) return receive_commit(to, message);
  to.keys.take(message);
  return {Error::none, Event::application};
}

// Application data of an epoch that is over and of the same number, also if the group has been closed since.
GroupModel::Outcome GroupModel::late(MessageKeys& keys, const Sent& message) {
  if (keys.epoch != message.epoch) return {Error::sender_data_not_authentic};
  if (const Error error = keys.judge(message); error != Error::none) return {error};
  keys.take(message);
  return {Error::none, Event::application};
}

// In an epoch of the same number, which may be of another history.
Error GroupModel::authenticate(const Knowledge& to, const Sent& message) const {
  const bool is_parted = message.epoch != to.epoch;
  if (message.is_private) return is_parted ? Error::sender_data_not_authentic : to.keys.judge(message);
  const ModelEpoch& now = epochs_[to.epoch];
  switch (message.sender) {
    case SenderType::member:
      if (message.leaf >= now.leaves.size() || !now.leaves[message.leaf].has_value())
        return Error::sender_not_member;
      return is_parted ? Error::membership_tag_invalid : Error::none;
    case SenderType::external:  // signs no GroupContext
      return has_bot(now.extensions) ? Error::none : Error::external_sender_absent;
    case SenderType::new_member_proposal:  // likewise
      return Error::none;
    case SenderType::new_member_commit:
      return is_parted ? Error::message_signature_invalid : Error::none;
  }
  return Error::none;
}

GroupModel::Outcome GroupModel::receive_proposal(Knowledge& to, const Sent& proposal) {
  if (const Error error = judge_waiting(to, proposal.reference); error != Error::none) return {error};
  if (!waits(to, proposal.reference)) to.waiting.push_back(proposal.reference);
  if (proposal.is_private) to.keys.take(proposal);
  return {Error::none, Event::proposal};
}

// An attacker does not mind that a Commit seems to be its own.
GroupModel::Outcome GroupModel::receive_commit(Knowledge& to, const Sent& commit) {
  const std::size_t own = own_leaf(to);
  const bool is_own = commit.sender == SenderType::member && commit.leaf == own;
  if (is_own && !to.is_copy) return {Error::own_commit_unknown};
  for (const CoveredByCommit& each : commit.list) {
    const bool is_known = !each.reference.has_value() || waits(to, *each.reference);
    if (!is_known) return {Error::proposal_unknown};
  }
  for (const CoveredByCommit& each : commit.list) {
    if (each.what.topic != Topic::remove || each.what.leaf != own) continue;
    leave(to);
    return {Error::none, Event::removed};
  }
  Verdict verdict = judge_psks(to, commit.list);
  // A path is encrypted to all others' keys, as the proposals have left them.
  const bool reads_path = !is_own && to.leaf_keys.count(epochs_[commit.next].leaves[own]->key) != 0;
  if (commit.has_path && !reads_path) verdict.add(Error::path_key_absent);
  if (!verdict.is_good()) return {verdict};
  enter(to, commit.next);
  return {Error::none, Event::commit};
}

GroupModel::Outcome GroupModel::join(Knowledge& to, const Sent& welcome) {
  if (to.is_member) return {Error::group_active};
  if (to.pending.has_value()) return {Error::commit_pending};
  for (const CoveredByCommit& each : welcome.list) {
    const bool is_invited =
        each.what.topic == Topic::add && each.what.client == to.client && each.what.key == to.key_package;
    if (!is_invited) continue;
    if (const Error error = judge_psks(to, welcome.list); error != Error::none) return {error};
    to.leaf_keys.insert(each.what.key);
    to.key_package.reset();
    enter(to, welcome.next);
    return {Error::none};
  }
  return {Error::group_secrets_absent};
}

}  // namespace tacet::adversary
