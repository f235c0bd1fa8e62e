#pragma once

// What process_fuzz and its twin share: the receivers of a live group are given what a fuzzer makes, and
// what they take and refuse is held against what has to be.

#include "fuzz/script_change.h"
#include "fuzz/succession.h"

namespace tacet {

// Whether authentication is real: then nobody but the insider can make what is taken.
enum class Authentication : std::uint8_t { real, always_succeeds };

class Process {
 public:
  Process(Crypto& crypto, RepeatedRandom& random, Authentication authentication)
      : crypto_(crypto), random_(random), authentication_(authentication) {}

  void run(Bytes input);
  std::size_t mutate(MutableBytes room, std::size_t size, std::uint32_t seed, FieldChange::Mutate mutate);

 private:
  LiveGroup& group(std::uint8_t situation);
  bool deliver(const Octets& message, Attack& attack);
  Error receive(std::size_t who, const Octets& message, const Attack& attack);
  Error take(std::size_t who, const Octets& message);
  void is_once(std::size_t who, const Octets& message);
  void welcome(const Post& post);
  void join(std::size_t who, const Succession& succession, std::optional<Successor>& out);
  void compare(const std::array<Error, 2>& errors);
  void watch(const Octets& message, const std::array<Error, 2>& errors);
  void is_watched(const Receiver& receiver);
  void genuine_is_taken(bool all);
  void go_on();

  Crypto& crypto_;
  RepeatedRandom& random_;
  Authentication authentication_;
  std::array<std::unique_ptr<LiveGroup>, situations> groups_;
  std::array<std::optional<Receiver::Kept>, 2> fresh_;  // of a receiver who has taken something in this run
  std::array<bool, 2> may_have_reserved_ = {};          // for a sender of the epoch before
  bool has_parted_ = false;                             // one has taken what the other has refused
  bool is_watched_ = true;                              // all that they have taken was in the open
  std::optional<Watcher::Kept> watched_;                // of who watches, once something was taken
  LiveGroup* present_ = nullptr;
  std::optional<ScriptChange> change_;
};

// The one of the target, which says what its primitives are.
Process& process();

}  // namespace tacet
