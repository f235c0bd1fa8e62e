#pragma once

// The resumption PSKs of a group (RFC 9420, 8.6): of the present epoch, and of as many past ones as the limit
// says.

#include "commit.h"

namespace tacet {

class ResumptionPsks {
 public:
  explicit ResumptionPsks(const Client& client) noexcept
      : kept_(client.memory),
        secrets_(client.memory, client.secrets, client.crypto.suite().hash_size),
        most_(std::size_t{client.limits.resumption_psks} + 1) {}

  // Makes room for all that will ever be kept. Error::out_of_memory.
  Error start() noexcept;

  // Keeps that of an epoch that begins; the oldest one is erased if there are too many [KEYSCHED-27].
  void keep(std::uint64_t epoch, Secret resumption_psk) noexcept;

  // What lasts. Errors: output_too_small; and, once there is room, secret_length, those of a Reader.
  Error save(SecretWriter& writer) const noexcept;
  Error restore(SecretReader& reader) noexcept;

  // Nothing if it is not kept.
  std::optional<Secret> copy(std::uint64_t epoch) const noexcept;

 private:
  struct Kept {
    std::uint64_t epoch;
    SecretSlots::Slot slot;
  };

  Array<Kept> kept_;  // the oldest first
  SecretSlots secrets_;
  std::size_t most_;
};

}  // namespace tacet
