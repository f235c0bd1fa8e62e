#pragma once

// A Crypto for two runs in which only secrets differ. What depends on a secret and is public all the same, a
// public key, a KEM output, a ciphertext, a signature, a tag, would differ too, and lie all over the memory.
// So each such value is replaced, where the boundary gives it out, by an alias that is the same in both runs,
// and put back where it comes in again: every operation is made by libsodium on the real values, every
// signature and AEAD is really checked, and nothing outside the boundary can tell the runs apart but by a
// secret that has left it. It remembers both, and every secret that it saw, apart.

#include "protocol/crypto.h"

namespace tacet {

// A secret that an endpoint had: what it is, by the label that it was derived with.
struct LoggedSecret {
  char label[16];
  std::size_t size;
  std::uint8_t bytes[Secret::max_size];
  std::uint8_t public_key[32];  // of a private key: the alias
  bool is_kept;                 // may still be held
};

struct SecretLog {
  static constexpr std::size_t room = 1u << 16;
  std::size_t count = 0;
  LoggedSecret secrets[room];

  void add(std::string_view label, Bytes bytes, Bytes public_key = {});
};

// One that lies apart itself (apart.h). Secrets are drawn from a seed of their own.
Crypto& make_veil(std::uint64_t public_seed, std::uint64_t secret_seed, SecretLog& log);

}  // namespace tacet
