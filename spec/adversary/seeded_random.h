#pragma once

#include <cstring>
#include <span>

#include "protocol/sodium.h"

namespace tacet::adversary {

// Randomness that is the same for the same seed on every machine: SHA-256(seed || counter) in blocks. For
// published vectors and repeatable tests, and for nothing else.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) noexcept { put(seed, 0); }

  Error fill(MutableBytes out) noexcept override {
    while (!out.empty()) {
      Digest block;
      put(counter_++, sizeof(std::uint64_t));
      TRY(hasher_.hash({Bytes(input_)}, block));
      const std::size_t size = out.size() < block.bytes().size() ? out.size() : block.bytes().size();
      std::memcpy(out.data(), block.bytes().data(), size);
      out = out.subspan(size);
    }
    return Error::none;
  }

  // A number below `bound`, which is not 0. Not quite uniform, which does not matter here.
  std::uint64_t below(std::uint64_t bound) noexcept {
    std::array<std::uint8_t, 8> octets{};
    static_cast<void>(fill(octets));
    std::uint64_t value = 0;
    for (const std::uint8_t octet : octets) value = value << 8 | octet;
    return value % bound;
  }

 private:
  void put(std::uint64_t value, std::size_t offset) noexcept {
    for (std::size_t i = 0; i < sizeof value; ++i)
      input_[offset + i] = static_cast<std::uint8_t>(value >> 8 * i);
  }

  Sodium hasher_{*this};  // only its hash is used, which draws nothing
  std::array<std::uint8_t, 16> input_{};
  std::uint64_t counter_ = 0;
};

}  // namespace tacet::adversary
