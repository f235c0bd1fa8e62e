#pragma once

// The witness: sees a scenario with its clients' calls recorded, writes the chronicle of it and names every
// secret in the ledger, and looks into an endpoint's memory whenever it has changed.

#include <deque>
#include <set>

#include "ledger.h"
#include "recorder.h"
#include "scenario.h"

namespace tacet::adversary {

// The heap, which can be looked into.
class OpenMemory final : public Memory {
 public:
  OpenMemory() = default;
  OpenMemory(const OpenMemory&) = delete;
  OpenMemory& operator=(const OpenMemory&) = delete;

  void* allocate(std::size_t bytes, std::size_t alignment) noexcept override;
  void release(void* block, std::size_t bytes) noexcept override;
  const std::map<void*, std::size_t>& blocks() const { return blocks_; }  // and their sizes

 private:
  HeapMemory heap_;
  std::map<void*, std::size_t> blocks_;
};

// What lay in the memory of a live client's endpoint after that event.
struct Seizure {
  std::size_t event = 0;
  ClientId who = 0;
  std::vector<ValueId> held;
};

class Witness {
 public:
  // `setting.make` is not used: the clients are the witness's. What it sees begins with the first client.
  explicit Witness(Setting setting);
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  Log log{true};  // streamed: it keeps no calls
  Closure closure;
  Ledger ledger{closure};
  Chronicle chronicle;
  std::vector<Seizure> seizures;  // one for each event of a live client, unless they are not wanted
  bool seizes = true;
  std::vector<Octets> saves;  // every record that anybody has saved: sealed, so that all may have them

  // Looks into a live client's endpoint now, whether it is wanted after each event or not.
  void seize(ClientId who);

  // Of each epoch that anybody was in, the public keys of its tree, by node; empty for a blank one.
  std::map<EpochNumber, std::vector<Octets>> trees;

 private:
  struct Place {  // in a group
    std::optional<EpochNumber> epoch, pending;
    std::map<std::pair<EpochNumber, RatchetType>, std::uint32_t> sent;  // generations
  };
  struct Participant {
    std::unique_ptr<Recorder> crypto;
    std::unique_ptr<OpenMemory> memory;
    std::map<std::size_t, Place> places, saved;  // by group
  };

  Participant& enter(ClientId who, Random& random);
  Place& place(ClientId who) { return participants_[who].places[scenario.group_of(who)]; }
  void see(const Done& done);
  void see_group(const Done& done, Happened& event);
  void see_created(ClientId who, KeyNumber leaf_key, Happened& event);
  void see_succeeded(ClientId who, Happened& event);
  void see_saved(ClientId who);
  void see_restarted(ClientId who, Happened& event);
  void see_updated(ClientId who, Happened& event);
  void see_taken(ClientId who, const Kept& kept, Happened& event);
  void see_key_package(ClientId who);
  void see_commit(ClientId who, EpochNumber parent);
  void see_change(const CoveredProposal& change, EpochBegun& begun);
  void see_sent(ClientId who, RatchetType type, Happened& event);
  EpochNumber epoch_of_welcome(const Kept& kept) const;
  EpochNumber resumed(ClientId who, EpochNumber parent, const PreSharedKeyId& psk) const;
  void begin(ClientId who, EpochNumber epoch);
  void look_into(ClientId who);
  const Kept& sent_before(std::size_t last) const {
    const auto& record = scenario.provider.hand_over();
    return record[record.size() - 1 - last];
  }

  WireFormat format_;
  std::deque<Participant> participants_;
  std::map<std::size_t, Sealed> sealed_;        // by the number of the message in the record
  std::map<std::size_t, EpochNumber> commits_;  // likewise: the epoch that it begins
  std::map<Octets, EpochNumber> pathless_;      // by what a Commit without a path says

 public:
  Scenario scenario;  // whose clients use all above
};

}  // namespace tacet::adversary
