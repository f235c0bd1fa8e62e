#pragma once

// A scenario: the history of a group through a provider, told verb by verb or drawn from a seed. Live clients
// are members with all that a member does; passive ones have keys, KeyPackages and leaves and never process
// anything, as n live members cost n^2 verifications.
//
// The group may be succeeded by another, which takes its place; and a branch of it lives until it ends.
//
// Honest clients agree and read each other: where they do not, and where any does something else than it
// should, what is thrown is std::logic_error with the seed, the step, the client and the error.

#include <array>
#include <functional>
#include <map>
#include <memory>

#include "member.h"
#include "protocol/adapters/heap_memory.h"
#include "provider.h"
#include "seeded_random.h"

namespace tacet::adversary {

// What the application of all clients has registered, and the ids of the external PSKs that they share.
inline constexpr ExtensionType registered_extension{0xF0A1};
inline constexpr ProposalType registered_proposal{0xF0A2};
inline constexpr std::string_view shared_psks[] = {"first psk", "second psk", "third psk"};

// Makes a live client's member, which draws from `random`: with memories and a Crypto of one's own choice.
using MakeMember = std::function<std::unique_ptr<Member>(std::string name, ClientId number, Random& random)>;
using MakeDevice = std::function<std::unique_ptr<Device>(std::string name, ClientId number, Random& random)>;

// What a client does, and what changes what it has.
enum class Deed : std::uint8_t {
  publishes,  // a KeyPackage, in the place of the last one
  creates,
  proposes,
  updates,
  commits,
  joins_from_outside,  // by a Commit, which waits
  adopts,              // its Commit that waits
  drops,
  says,
  saves,
  restarts,               // from what it has saved
  proposes_from_outside,  // as an external sender, or for itself
  succeeds,               // creates a group that succeeds another, with its first Commit, which waits
  ends,                   // gives a group up
  takes,                  // what it receives
};

// What somebody has just done. Groups are numbered from 0, the first; then those that succeed another.
struct Done {
  ClientId who = 0;
  Deed deed{};
  std::size_t group = 0;
  const Kept* kept = nullptr;  // what is taken
};

struct Setting {
  std::uint64_t seed = 1;
  WireFormat format = WireFormat::private_message;  // of handshakes
  std::size_t clients = 12;                         // that random steps make, at most
  MakeMember make = {};                             // or nothing: over the heap
  std::uint32_t past_epochs = 0;                    // whose application data live ones still read
  bool saves = false;                               // whether live ones do, before they send
  MakeDevice make_passive = {};                     // a passive client; or nothing: over the heap
  // Whether random steps are of all kinds: messages out of order, proposals from outside, ReInits and
  // branches; and restarts, if it saves.
  bool all_kinds = false;
};

class Scenario {
 public:
  explicit Scenario(Setting setting);

  // ---- clients, each with a KeyPackage at the provider; its number is its identity

  ClientId live();
  ClientId passive();
  // Of a live one, in the group in which it acts: the branch, while it is in one.
  Member& member(ClientId who) { return *seat(who).member; }
  std::size_t group_of(ClientId who) const { return seat(who).group; }
  std::size_t former_group_of(ClientId who) const { return participants_[who].seats.front().group; }
  std::vector<const Member*> members_of(ClientId who) const;  // all
  Device& device(ClientId who) { return is_live(who) ? member(who) : *participants_[who].device; }
  bool is_live(ClientId who) const { return participants_[who].device == nullptr; }
  std::size_t clients() const { return participants_.size(); }
  std::vector<ClientId> active() const;  // the live ones that are in the group, as far as they know

  // ---- the group

  void create(ClientId by, std::span<const Extension> extensions = {});
  Bytes group_id() const { return group_id_; }
  std::span<const Octets> psks() const { return psks_; }  // beside shared_psks

  // Proposals to be made, beside those of member.h; what they view lives as long as the scenario.
  Proposal add(ClientId whom) const;
  Proposal remove(ClientId whom, ClientId seen_by);
  Proposal extensions(std::span<const Extension> extensions);
  LeafIndex leaf_of(ClientId whom, ClientId seen_by);

  // They send, and nothing is delivered yet. Each tells whether the provider took it.
  bool propose(ClientId by, const Proposal& proposal);
  bool update(ClientId by);
  // Then the provider is told who is in the group, and has the Welcome and the tree that it needs. The Commit
  // waits to come back, if the tree is apart it is adopted at once. One that was not taken waits for
  // another's.
  bool commit(ClientId by, std::span<const Proposal> by_value = {}, CommitOptions wanted = {});
  void drop(ClientId by);  // its Commit that waits
  // From outside, by a GroupInfo of a member's, which goes through the provider. If the Commit is not taken
  // it is dropped.
  bool join(ClientId who, ClientId by, bool replaces = false);
  // A member loses its group, when all that waits is delivered, and joins in the place of its former leaf.
  void come_back(ClientId who, ClientId by);
  // While proposals wait that are in no Commit of one's own, nothing is sent.
  bool say(ClientId by, const std::string& text, const std::string& authenticated_data = {});

  // What a live client has saved last, under its storage_key.
  const Save& saved(ClientId who) const { return seat(who).saved; }
  // It begins again with what it has saved, and the provider with what it has taken since then. First it
  // saves if it has done more than that.
  void restart(ClientId who);

  // From outside, as the only external sender; or an Add of one's own, as a new member. `seen_by` knows the
  // epoch.
  bool propose_from_outside(ClientId who, const Proposal& proposal, ClientId seen_by);

  // All that waits is delivered; then a Commit of `by` closes the group, and what the founder creates takes
  // its place, with all members.
  void reinit(ClientId by, ClientId founder);
  // All that waits is delivered; then these have a group of their own beside it, and act in it until it ends.
  void branch(ClientId by, const std::vector<ClientId>& with);
  void end_branch(const std::vector<ClientId>& all);

  // ---- delivery, which is where what comes of it is held against what should

  void deliver(ClientId to);  // all that waits for it
  void deliver();             // all

  // What waits for a client at that place, whatever it is: what comes of it is told.
  Error receive(ClientId to, std::size_t place = 0);

  // Called with who receives something but a tree, before it, and after it if it is taken.
  using Watch = std::function<void(ClientId, const Kept&)>;
  Watch before_receiving, after_receiving;

  // Called with what is about to be said.
  std::function<void(ClientId, const std::string&)> before_saying;

  // Called with what somebody has just done: nothing else has happened since the last call.
  std::function<void(const Done&)> tell_deed;

  // ---- what has to hold

  // Delivers all. Then all live ones that are in the tree are in the same epoch, everybody speaks, and all
  // others read it; or, while proposals wait, nobody may speak.
  void check();

  // ---- chance

  // Something that somebody does or gets, the same for the same seed.
  void step();
  std::size_t steps() const { return steps_; }

  Provider provider;

 private:
  // A live client in a group.
  struct Seat {
    std::unique_ptr<Member> member;
    std::size_t group = 0;
    std::uint64_t joined = 0;  // the epoch in which it was created, or added last
    Octets tree = {};          // that came apart, until a Welcome does
    Save saved = {};
    bool is_ahead = true;                 // of what was saved, by more than what can be taken again
    std::vector<const Kept*> since = {};  // what it has taken since then
  };
  struct Participant {
    std::unique_ptr<Device> device;  // of a passive client
    std::vector<Seat> seats;         // of a live one, which acts in the last
  };
  // What all members of an epoch have to have the same.
  struct Agreed {
    Octets authenticator, fingerprint, tree_hash;
  };
  struct Said {
    std::string text, authenticated_data;
  };

  Seat& seat(ClientId who) { return participants_[who].seats.back(); }
  const Seat& seat(ClientId who) const { return participants_[who].seats.back(); }
  ClientId enter(Participant made);
  void publish(ClientId who);
  void erase_key_package(ClientId who, Bytes reference);
  void adopt(ClientId who);
  void save(ClientId who);
  void done(ClientId who, Deed deed, const Kept* kept = nullptr) const {
    if (tell_deed) tell_deed({who, deed, is_live(who) ? group_of(who) : 0, kept});
  }
  ClientId client_of(const LeafNode& leaf) const;
  void welcome(ClientId by, bool tree_inline);
  void tell(const Record& record, Bytes group_id, std::vector<ClientId>& added);
  void found(ClientId by, const std::vector<ClientId>& with, SuccessorOptions wanted);
  void end(ClientId who, std::size_t place);
  Error due(ClientId who, const Kept& kept);
  Error take(ClientId who, const Kept& kept);
  void took(ClientId who, const Kept& kept);
  std::vector<ClientId> members(ClientId seen_by);
  std::vector<ClientId> live_of(const std::vector<ClientId>& several) const;
  void hold(ClientId who);
  void hold_text(ClientId who, const Kept& kept);
  void demand(ClientId who, const char* what, Error demanded, Error seen) const;
  [[noreturn]] void fail(ClientId who, const std::string& what) const;

  // Of random steps.
  std::uint64_t below(std::uint64_t bound) { return choices_.below(bound); }
  bool chance(std::uint64_t one_in) { return below(one_in) == 0; }
  template <class T>
  const T& one_of(const std::vector<T>& several) {
    return several[below(several.size())];
  }
  std::uint64_t epoch_of(ClientId who) { return member(who).group.state().context().epoch; }
  std::vector<ClientId> joiners(ClientId seen_by);
  std::vector<ClientId> removable(ClientId seen_by);
  std::optional<Proposal> draw(ClientId by);
  Proposal draw_extensions();
  Proposal draw_psk(ClientId by);
  void commit_at_random(ClientId by);
  void speak(ClientId by);
  void rare_step(ClientId by);
  std::vector<std::size_t> early(ClientId to);
  void deliver_in_any_order(ClientId to);
  void draw_from_outside(ClientId seen_by);
  void draw_branch(ClientId by);
  Bytes keep(Octets octets);

  Setting setting_;
  SeededRandom random_, choices_;
  HeapMemory memory_;
  Octets group_id_;
  std::array<Octets, std::size(shared_psks)> psks_;
  std::vector<Participant> participants_;
  std::deque<Octets> kept_;             // what proposals view
  std::size_t group_ = 0, groups_ = 1;  // the number of the group that is no branch, and how many there were
  std::optional<ClientId> external_sender_;                         // the first passive client
  std::map<std::pair<std::size_t, std::uint64_t>, Agreed> agreed_;  // by group and epoch
  std::map<std::size_t, Said> said_;  // by the number of the message in the record
  std::size_t steps_ = 0;
};

}  // namespace tacet::adversary
