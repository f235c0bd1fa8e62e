#pragma once

// What RFC 9420 lets an attacker derive who has all that was ever sent, and all that one endpoint had at one
// moment: from the chronicle alone. It reads neither keys nor the log.

#include <map>
#include <set>

#include "key_tree.h"

namespace tacet::adversary {

// What an endpoint has of a group: nothing that RFC 9420 wants deleted.
struct Holding {
  struct Messages {                                           // keys of an epoch (9.2)
    std::set<std::uint32_t> heard;                            // leaves
    std::map<std::size_t, std::uint32_t> next;                // generation, by ratchet
    std::set<std::pair<std::size_t, std::uint32_t>> skipped;  // by ratchet and generation

    bool has(std::size_t ratchet, std::uint32_t generation, bool as_key) const;
    void use(const Sealed& message);
    void pass_over(std::size_t ratchet, std::uint32_t until);
  };

  std::optional<EpochNumber> epoch, pending;
  LeafIndex leaf;
  std::set<KeyNumber> updates;
  std::vector<EpochNumber> epochs;  // that it was in, the newest last
  std::map<EpochNumber, Messages> messages;

  void apply(const Happened& event, const Chronicle& history, const std::vector<KeyTree>& trees);
  // What is left of it of an epoch's secrets, as far as they are no EpochSecret.
  bool has(const Name& name, const KeyTree& tree) const;

 private:
  void enter(EpochNumber next, LeafIndex at, const Chronicle& history);
};

// Goes through a chronicle event by event.
class Allowed {
 public:
  explicit Allowed(const Chronicle& history);

  const KeyTree& tree(EpochNumber epoch) const { return trees_[epoch]; }
  void take_next();
  std::size_t taken() const { return taken_; }  // events

  // Who seizes an endpoint after as many events as were taken can derive this.
  class Derived {
   public:
    bool operator()(const Name& name) const;

   private:
    friend class Allowed;
    struct Epoch {                  // what is known of it
      std::size_t path = SIZE_MAX;  // path secrets from that place on
      bool extracted = false, joiner = false, psks = false;
      bool all() const { return joiner && psks; }
    };
    void begin(EpochNumber epoch);
    bool has_psk(const PskAsked& psk) const;
    bool has(EpochNumber epoch, Name::EpochSecret secret) const;

    Derived(const Allowed& all, ClientId who);

    const Allowed& all_;
    ClientId who_;
    std::vector<const Holding*> held_;  // of each of its groups
    std::set<KeyNumber> keys_;
    std::vector<Epoch> epochs_;
  };
  Derived seized(ClientId who) const { return Derived(*this, who); }

 private:
  const Chronicle& history_;
  std::vector<KeyTree> trees_;
  std::map<ClientId, std::map<std::size_t, Holding>> holdings_, saved_;  // by group
  std::map<ClientId, std::set<KeyNumber>> published_;
  std::size_t taken_ = 0;
};

}  // namespace tacet::adversary
