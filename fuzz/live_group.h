#pragma once

// A group that lives, in one of four situations: two members who receive, as an application has them, one in
// each half of the tree; who follows it without secrets; an insider with its keys in the open, who attacks;
// and others, who made the group what it is. After each run it goes back to where it was.

#include <array>
#include <optional>

#include "fuzz/region.h"
#include "protocol/adapters/heap_memory.h"
#include "protocol/observer.h"
#include "spec/adversary/committer.h"
#include "spec/adversary/member.h"
#include "spec/adversary/seeded_random.h"
#include "tests/model.h"

namespace tacet {

using adversary::Device, adversary::Endpoint, adversary::must;
using model::Octets, model::number, model::vector, model::operator+;

enum class Situation : std::uint8_t {
  fresh,    // one Commit has made it
  full,     // all have committed
  blanks,   // two leaves and their paths blank, then one leaf taken and unmerged
  pending,  // proposals wait, and a receiver has a Commit of its own
};
inline constexpr std::size_t situations = 4;

// Draws the same in each run.
class RepeatedRandom final : public Random {
 public:
  void start(std::uint64_t seed) { random_.emplace(seed); }
  Error fill(MutableBytes out) noexcept override { return random_->fill(out); }

 private:
  std::optional<adversary::SeededRandom> random_;
};

struct TwoRegions {
  Region memory, secret_memory;
};

// What is read and written is exactly as large as it has to be.
class ExactRooms {
 public:
  template <class Receives>  // Group or Observer
  Error give(Receives& to, Bytes received, Received& heard) {
    message_ = std::make_unique<std::uint8_t[]>(received.size());
    std::copy(received.begin(), received.end(), message_.get());
    const Bytes message(message_.get(), received.size());
    const Result<std::size_t> size = to.process_size(message);
    if (!size.ok()) return size.error();
    room_ = std::make_unique<std::uint8_t[]>(size.value());
    return to.process(message, {room_.get(), size.value()}, heard);
  }

 private:
  std::unique_ptr<std::uint8_t[]> message_, room_;  // which `heard` views
};

// A member who receives. The KeyPackage that it has published last stays, and how often one was used up is
// counted.
class Receiver final : public TwoRegions, public adversary::Member {
 public:
  Receiver(std::string named, Crypto& crypto)
      : adversary::Member(std::move(named), crypto, memory, secret_memory) {
    limits.past_epochs = 1;
  }

  Error receive(Bytes received) { return rooms_.give(group, received, heard); }
  void erase(Bytes) noexcept override { ++used_up; }

  std::size_t used_up = 0;

  struct Kept {
    Region::Kept memory, secret_memory;
    Image<Group> group;
    Image<Received> heard;
    Octets authenticator;
    bool has_pending;
    std::size_t waiting;
  };
  Kept keep() const {
    return {memory.keep(),   secret_memory.keep(), Image(group), Image(heard),
            authenticator(), group.has_pending(),  waiting()};
  }
  void go_back(const Kept& kept) {
    memory.go_back(kept.memory);
    secret_memory.go_back(kept.secret_memory);
    kept.group.put_back(group);
    kept.heard.put_back(heard);
  }
  // In all that can be seen from outside; and to the last bit of its memory, but for what may be reserved for
  // senders of another epoch who have not been heard.
  bool is_as(const Kept& kept, bool may_reserve) const {
    const bool same_memory = memory.holds(kept.memory) && secret_memory.holds(kept.secret_memory);
    return (same_memory || may_reserve) && authenticator() == kept.authenticator &&
           group.has_pending() == kept.has_pending && waiting() == kept.waiting;
  }
  std::size_t waiting() const { return group.is_active() ? group.state().proposals().size() : 0; }

 private:
  ExactRooms rooms_;
};

// Who follows by what is public.
class Watcher final : public TwoRegions, public Device {
 public:
  Watcher(std::string named, Crypto& crypto) : Device(std::move(named), crypto, memory, secret_memory) {}

  Error receive(Bytes received) { return rooms_.give(observer, received, heard); }

  Observer observer{client()};
  Received heard{memory};

  struct Kept {
    Region::Kept memory;
    Image<Observer> observer;
    Image<Received> heard;
    Octets context;
    std::size_t waiting;
  };
  Kept keep() const {
    const PublicState& state = observer.state();
    return {memory.keep(), Image(observer), Image(heard), model::octets(state.group_context()),
            state.proposals().size()};
  }
  void go_back(const Kept& kept) {
    memory.go_back(kept.memory);
    kept.observer.put_back(observer);
    kept.heard.put_back(heard);
  }
  bool is_as(const Kept& kept) const {
    return memory.holds(kept.memory) && equal(observer.state().group_context(), kept.context) &&
           observer.state().proposals().size() == kept.waiting;
  }

 private:
  ExactRooms rooms_;
};

// Who attacks.
class Insider final : public TwoRegions, public Endpoint {
 public:
  Insider(std::string named, Crypto& crypto) : Endpoint(std::move(named), crypto, memory, secret_memory) {}

  struct Kept {
    Region::Kept memory, secret_memory;
    Image<std::optional<Epoch>> epoch;
    std::map<std::string, Octets> psks;
  };
  Kept keep() const { return {memory.keep(), secret_memory.keep(), Image(epoch), psks.known}; }
  void go_back(const Kept& kept) {
    memory.go_back(kept.memory);
    secret_memory.go_back(kept.secret_memory);
    kept.epoch.put_back(epoch);
    psks.known = kept.psks;
  }
};

class LiveGroup {
 public:
  static constexpr std::uint32_t members = 8, insider_leaf = 3;
  static constexpr ProposalType custom_type{0xf001};
  static constexpr const char* elsewhere = "elsewhere";  // of another group everybody has a resumption PSK
  static constexpr std::uint64_t epoch_elsewhere = 1;

  LiveGroup(Crypto& crypto, RepeatedRandom& random, Situation situation);

  // Everybody is where they were.
  void go_back() {
    random_.start(2);
    for (std::size_t i = 0; i < receivers.size(); ++i) receivers[i]->go_back(kept[i]);
    insider.go_back(*insider_kept_);
    watcher->go_back(*watcher_kept);
  }

  // Who has the private key of a signature key, or the newcomer.
  Device& owner_of(Bytes signature_key) {
    for (Device* each : devices()) {
      if (equal(each->signature_key, signature_key)) return *each;
    }
    return newcomer;
  }
  // Who was at a leaf when the group was made, and who is there now as far as the insider knows.
  Device& at(std::uint32_t leaf) { return *devices()[leaf % members]; }
  Device& member_at(LeafIndex leaf) {
    const Bytes key = signature_key_at(leaf);
    return key.empty() ? at(leaf.value) : owner_of(key);
  }
  // Nothing if nobody is there.
  Bytes signature_key_at(LeafIndex leaf) const {
    const RatchetTree& tree = insider.epoch->state.tree();
    const bool is_there = tree.size().contains(leaf) && !tree.is_blank(leaf);
    return is_there ? tree.leaf(leaf).signature_key : Bytes();
  }
  // The newcomer is the first, then those of the leaves.
  Device& joiner(std::uint8_t which) {
    const unsigned place = which % (members + 1);
    return place == 0 ? newcomer : at(place - 1);
  }

  // Who can be in a group that succeeds this one: who was at the leaves, the newcomer, who comes late.
  static constexpr unsigned candidates = members + 2;
  Device& candidate(unsigned place) { return place <= members ? *devices()[place] : late_; }
  // Those of them who are members as the group was made, each a bit.
  std::uint16_t everybody() const { return everybody_; }
  // The insider again, with all its PSKs, in no group.
  Insider& new_founder() {
    founder_->go_back(*founder_kept_);
    founder_->psks.known = insider.psks.known;
    return *founder_;
  }

  Crypto& crypto;
  HeapMemory heap;  // of those who do not go back
  Receiver a{"a", crypto}, b{"b", crypto};
  std::array<Receiver*, 2> receivers = {&a, &b};
  Insider insider{"insider", crypto};
  std::array<Device, 2> outsiders = {Device("bot", crypto, heap, heap), Device("bot", crypto, heap, heap)};
  Device newcomer{"newcomer", crypto, heap, heap};
  // Of others, for everybody: application data, an Update, a Commit.
  std::vector<Octets> genuine;
  Octets first_extensions;           // of the GroupContext as the group was made
  std::vector<Receiver::Kept> kept;  // of each receiver
  std::optional<Watcher> watcher;    // made late: what was drawn before stays the same
  std::optional<Watcher::Kept> watcher_kept;

 private:
  using Other = adversary::Member;

  std::array<Device*, members + 3> devices() {
    return {&others_[0], &a,          &others_[1], &insider,      &others_[2],  &b,
            &others_[3], &others_[4], &newcomer,   &outsiders[0], &outsiders[1]};
  }
  template <class Visit>
  void for_each_member(Visit visit) {
    for (Other* each : std::initializer_list<Other*>{&others_[0], &a, &b, &others_[1], &others_[2],
                                                     &others_[3], &others_[4], &late_}) {
      if (each->group.is_active()) visit(*each);
    }
  }

  void equip(Device& device);
  void found();
  void deliver(const Octets& message, const Device& from);
  void adopt(Other& by, const Octets& commit);
  void commit(Other& by, std::span<const Proposal> proposals = {}, bool with_path = true);
  void commit_insider();
  void add_late();
  void make_blanks();
  void make_pending();
  void make_watcher();
  void prepare_successors();
  void hear_all();
  void make_genuine();

  RepeatedRandom& random_;
  std::array<Other, 5> others_ = {Other("founder", crypto, heap, heap), Other("d", crypto, heap, heap),
                                  Other("e", crypto, heap, heap), Other("f", crypto, heap, heap),
                                  Other("g", crypto, heap, heap)};
  Other late_{"late", crypto, heap, heap};
  std::optional<Insider::Kept> insider_kept_;
  std::uint16_t everybody_ = 0;
  std::optional<Insider> founder_;
  std::optional<Insider::Kept> founder_kept_;
};

}  // namespace tacet
