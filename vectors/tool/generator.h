#pragma once

// What a file of vectors draws on when its cases are chosen: the same for the same seed on every machine.

#include <cstdint>
#include <string>
#include <string_view>

#include "hex.h"
#include "protocol/sodium.h"
#include "spec/adversary/seeded_random.h"

namespace tacet::tool {

class Generator {
 public:
  // Each file has randomness of its own, so that a change to one leaves the others as they are.
  Generator(std::uint64_t seed, std::string_view file) : random_(seed_of(seed, file)) {}

  Sodium& crypto() { return crypto_; }
  Random& random() { return random_; }
  std::uint16_t suite_number() const { return static_cast<std::uint16_t>(crypto_.suite().suite); }

  Octets bytes(std::size_t size);
  // `size` random bytes, in hexadecimal.
  std::string hex(std::size_t size) { return to_hex(bytes(size)); }
  // As many as the suite's hash has: a secret, a hash or a nonce.
  std::string hash_sized() { return hex(crypto_.hash_size()); }
  // `size` random letters.
  std::string letters(std::size_t size);
  // A number below `bound`.
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_.below(bound)); }

 private:
  static std::uint64_t seed_of(std::uint64_t seed, std::string_view file);

  adversary::SeededRandom random_;
  Sodium crypto_{random_};
};

}  // namespace tacet::tool
