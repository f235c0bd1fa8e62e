#pragma once

// What process_fuzz and its twin share: the receivers of a live group are given what a fuzzer makes, and
// what they take and refuse is held against what has to be.

#include "fuzz/script_change.h"

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
  void deliver(const Octets& message, const Octets& leads_to);
  Error receive(std::size_t who, const Octets& message);
  void compare(const std::array<Error, 2>& errors);
  void genuine_is_taken(bool all);
  void go_on();

  Crypto& crypto_;
  RepeatedRandom& random_;
  Authentication authentication_;
  std::array<std::unique_ptr<LiveGroup>, situations> groups_;
  std::array<std::optional<Receiver::Kept>, 2> fresh_;  // of a receiver who has taken something in this run
  bool has_parted_ = false;                             // one has taken what the other has refused
  LiveGroup* present_ = nullptr;
  std::optional<ScriptChange> change_;
};

// The one of the target, which says what its primitives are.
Process& process();

}  // namespace tacet
