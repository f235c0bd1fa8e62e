#pragma once

// A plain model of a group: what each endpoint should know, and what each verb has to answer, from the rules
// of RFC 9420 and of the limits. It has no key and no bytes. An epoch is a list of leaves and what came
// before it; Commits of the same epoch begin different ones, even if their numbers are the same. A key is a
// number, which an endpoint has or has not.

#include <deque>
#include <map>
#include <optional>
#include <set>

#include "protocol/group.h"
#include "provider.h"
#include "script.h"

namespace tacet::adversary {

using EpochId = std::size_t;
using MessageId = std::size_t;
using KeyId = std::size_t;

// So small that scripts come to them.
constexpr Limits limits_of_scripts() {
  Limits limits;
  limits.forward_distance = 8;
  limits.out_of_order_window = 4;
  limits.skipped_keys = 6;
  limits.cached_proposals = 10;
  limits.resumption_psks = 2;
  limits.past_epochs = 2;
  return limits;
}

// The external PSKs, by their number, that a client has.
inline constexpr std::size_t psks_of_scripts = 3;
constexpr bool has_psk(ClientId who, std::size_t number) {
  return number < psks_of_scripts && (number != 1 || who % 5 != 4);
}

// The lists of extensions, by their number: whether the bot is among the external_senders.
inline constexpr std::size_t extensions_of_scripts = 4;
constexpr bool has_bot(std::size_t extensions) { return extensions != 2; }

// How a client sends handshakes.
constexpr bool sends_private(ClientId who) { return who % 2 == 0; }

// What a verb may answer: that nothing is wrong; or the rules that are broken, one of which has to be named,
// as RFC 9420 does not say which first.
class Verdict {
 public:
  Verdict() = default;
  Verdict(Error error) { add(error); }  // implicitly
  void add(Error error) {
    if (error != Error::none) errors_.insert(error);
  }
  void add(const Verdict& other) { errors_.insert(other.errors_.begin(), other.errors_.end()); }
  // Or nothing need be wrong, as it depends on what cannot be told.
  void allow_none() { may_be_good_ = true; }
  bool is_good() const { return errors_.empty(); }
  bool allows(Error seen) const {
    return seen == Error::none ? is_good() || may_be_good_ : errors_.count(seen) != 0;
  }
  std::string text() const;

 private:
  std::set<Error> errors_;
  bool may_be_good_ = false;
};

// A proposal as it is meant.
struct Proposed {
  Topic topic = Topic::custom;
  std::size_t number = 0;  // of a resumption PSK: its epoch
  std::size_t leaf = 0;    // of a Remove, and of an Update
  ClientId client = 0;     // of an Add, with its key
  KeyId key = 0;           // of an Add or an Update: of the leaf
  bool operator==(const Proposed&) const = default;
};

struct CoveredByCommit {
  Proposed what;
  std::optional<MessageId> reference;
  bool operator==(const CoveredByCommit&) const = default;
};

struct Sent {
  Kind kind = Kind::application;
  SenderType sender = SenderType::member;
  ClientId client = 0;
  EpochId epoch = 0;
  std::size_t leaf = 0;
  bool is_private = true;
  std::uint32_t generation = 0;       // of a PrivateMessage
  Proposed proposal;                  // of a proposal
  MessageId reference = 0;            // of a proposal: what it is known by
  std::vector<CoveredByCommit> list;  // of a Commit and of its Welcome; an ExternalInit is not in it
  bool has_path = true;               // of a Commit
  EpochId next = 0;                   // of a Commit and of its Welcome
};

struct ModelLeaf {
  ClientId client = 0;
  KeyId key = 0;
};

// One epoch of one history.
struct ModelEpoch {
  std::uint64_t number = 0;
  std::vector<std::optional<ModelLeaf>> leaves;
  std::size_t extensions = 0;
  bool is_closed = false;

  std::optional<std::size_t> leaf_of(ClientId who) const;
};

// The keys of messages that an endpoint has in an epoch (RFC 9420, 9.1, 15.3).
class MessageKeys {
 public:
  EpochId epoch = 0;

  Error judge(const Sent& message) const;
  void take(const Sent& message);  // which was judged good
  std::uint32_t send(std::size_t leaf, bool is_application);

 private:
  using Ratchet = std::pair<std::size_t, bool>;  // the leaf, and whether it is of application data
  struct Skipped {
    Ratchet ratchet;
    std::uint32_t generation;
  };
  static Ratchet ratchet_of(const Sent& message);
  std::uint32_t next_of(const Ratchet& ratchet) const;

  std::map<Ratchet, std::uint32_t> next_;
  std::vector<Skipped> skipped_;  // the oldest first
};

// What an endpoint has, or an attacker who has copied it.
struct Knowledge {
  ClientId client = 0;
  bool is_copy = false;
  bool is_member = false;
  EpochId epoch = 0;               // of a member
  MessageKeys keys;                // of a member
  std::deque<MessageKeys> past;    // the newest first
  std::vector<MessageId> waiting;  // proposals, in the order in which they came
  std::optional<MessageId> pending;
  bool has_committed = false;  // in this epoch
  std::set<KeyId> leaf_keys;
  std::optional<KeyId> key_package;  // the one that it can be added by
  std::vector<std::uint64_t> psk_epochs;

  bool is_joining() const { return pending.has_value() && !is_member; }
};

class GroupModel {
 public:
  struct Outcome {
    Verdict verdict;
    std::optional<Event> event = std::nullopt;  // of a message in a group that was taken
  };

  KeyId new_key() { return ++keys_; }
  const ModelEpoch& epoch(EpochId id) const { return epochs_[id]; }
  const Sent& message(MessageId id) const { return messages_[id]; }
  std::size_t messages() const { return messages_.size(); }
  std::size_t own_leaf(const Knowledge& who) const { return *epochs_[who.epoch].leaf_of(who.client); }

  void create(Knowledge& who);

  // ---- what an endpoint sends: whether it may, and once it has, what everybody then can know

  Verdict judge_proposal(const Knowledge& by, const Proposed& what) const;
  MessageId propose(Knowledge& by, const Proposed& what);
  // Of one who is not in the group, in an epoch.
  MessageId propose_from_outside(SenderType as, ClientId by, EpochId epoch, const Proposed& what);

  Verdict judge_commit(const Knowledge& by, const std::vector<CoveredByCommit>& by_value,
                       bool with_waiting) const;
  // What is wrong with what a Commit covers, or nothing: it has to be valid, and as much as can be.
  std::string complaint(const Knowledge& by, const std::vector<CoveredByCommit>& list,
                        bool with_waiting) const;
  static bool needs_path(const std::vector<CoveredByCommit>& list);
  MessageId commit(Knowledge& by, const std::vector<CoveredByCommit>& list, bool has_path);
  MessageId welcome(MessageId commit);

  // Whether it can create a group that succeeds this one, or branches from it.
  Verdict judge_successor(const Knowledge& by, bool branches) const;
  // Who of the clients in its epoch is there to join it.
  std::vector<ClientId> clients_beside(const Knowledge& by) const;

  Verdict judge_join(const Knowledge& who, EpochId epoch, bool replaces) const;
  MessageId join_from_outside(Knowledge& who, EpochId epoch, bool replaces);

  Verdict judge_text(const Knowledge& by) const;
  MessageId say(Knowledge& by);

  void adopt(Knowledge& who);
  void drop(Knowledge& who);

  // ---- what it receives: after a good verdict it knows what it then should

  Outcome receive(Knowledge& to, MessageId id);

 private:
  Sent sent_by(Knowledge& by, Kind kind) const;
  Sent sent_by(SenderType as, ClientId by, EpochId epoch) const;
  MessageId reference_of(const Sent& proposal) const;
  MessageId post(Sent sent);
  static bool waits(const Knowledge& who, MessageId reference);
  bool is_pending(const Knowledge& who, MessageId commit) const;
  std::optional<EpochId> epoch_of_same(const Sent& commit) const;
  static Error judge_waiting(const Knowledge& who, MessageId reference);
  Error check_open(const Knowledge& who) const;
  Verdict judge_list(EpochId epoch, std::optional<std::size_t> committer,
                     const std::vector<CoveredByCommit>& list) const;
  Error judge_psks(const Knowledge& who, const std::vector<CoveredByCommit>& list) const;
  bool has(const Knowledge& who, const Proposed& psk) const;
  EpochId begin(EpochId from, const std::vector<CoveredByCommit>& list);
  void enter(Knowledge& who, EpochId epoch);
  static void leave(Knowledge& who);
  Outcome join(Knowledge& to, const Sent& welcome);
  static Outcome late(MessageKeys& keys, const Sent& message);
  Error authenticate(const Knowledge& to, const Sent& message) const;
  static Outcome receive_proposal(Knowledge& to, const Sent& proposal);
  Outcome receive_commit(Knowledge& to, const Sent& commit);

  std::vector<ModelEpoch> epochs_;
  std::vector<Sent> messages_;
  KeyId keys_ = 0;
};

}  // namespace tacet::adversary
