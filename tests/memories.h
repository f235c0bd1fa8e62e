#pragma once

// Memories for tests: over the heap, with a count, a failure at the n-th call, and a look at what is in them.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "protocol/adapters/region_memory.h"

namespace tacet {

// Counts calls, of which the one with that number, from 0, fails; or all from it on.
struct Countdown {
  bool fails() noexcept { return stays ? calls++ >= fails_at : calls++ == fails_at; }

  std::size_t calls = 0;
  std::size_t fails_at = SIZE_MAX;
  bool stays = false;
};

class TestMemory final : public Memory {
 public:
  TestMemory() = default;
  TestMemory(const TestMemory&) = delete;
  TestMemory& operator=(const TestMemory&) = delete;
  ~TestMemory() {
    leaked_ += live_;
    for (const auto& [block, size] : blocks_) std::free(block);
  }

  void* allocate(std::size_t bytes, std::size_t) noexcept override {
    if (countdown_->fails()) return nullptr;
    void* block = std::malloc(bytes);
    std::memset(block, 0xa5, bytes);  // what was there before is not the endpoint's
    blocks_[block] = bytes;
    live_ += bytes;
    return block;
  }

  void release(void* block, std::size_t bytes) noexcept override {
    const auto found = blocks_.find(block);
    if (found == blocks_.end() || found->second != bytes) std::abort();  // not ours, or another size
    const auto* octets = static_cast<const std::uint8_t*>(block);
    for (const auto& secret : must_not_be_released_) {
      if (std::search(octets, octets + bytes, secret.begin(), secret.end()) != octets + bytes)
        ++released_secrets_;
    }
    live_ -= bytes;
    blocks_.erase(found);
    std::free(block);
  }

  // The call with this number, from 0, fails.
  void fail_at(std::size_t call) { countdown_->fails_at = call; }
  std::size_t calls() const { return countdown_->calls; }
  // From now on its calls count among those, which outlive it.
  void count_with(Countdown& countdown) { countdown_ = &countdown; }
  std::size_t live() const { return live_; }       // in bytes
  static std::size_t leaked() { return leaked_; }  // bytes that were live when any of them ended

  // Whether 8 bytes in a row of these, or all if they are fewer, lie in a block that is held: part of a
  // secret counts.
  bool holds(Bytes bytes) const {
    for (const auto& [block, size] : blocks_) {
      if (holds_part({static_cast<const std::uint8_t*>(block), size}, bytes)) return true;
    }
    return false;
  }

  // All that is held, in a form that can be compared.
  std::vector<std::vector<std::uint8_t>> contents() const {
    std::vector<std::vector<std::uint8_t>> all;
    for (const auto& [block, size] : blocks_) {
      const auto* octets = static_cast<const std::uint8_t*>(block);
      all.emplace_back(octets, octets + size);
    }
    return all;
  }

  // Counts blocks given back with part of these bytes still in them.
  void must_not_be_released(Bytes secret) {
    must_not_be_released_.emplace_back(secret.begin(), secret.end());
  }
  std::size_t released_secrets() const { return released_secrets_; }

 private:
  static bool holds_part(Bytes block, Bytes bytes) {
    const std::size_t window = std::min<std::size_t>(bytes.size(), 8);
    for (std::size_t i = 0; i + window <= bytes.size(); ++i) {
      const Bytes part = bytes.subspan(i, window);
      if (std::search(block.begin(), block.end(), part.begin(), part.end()) != block.end()) return true;
    }
    return false;
  }

  std::map<void*, std::size_t> blocks_;
  std::vector<std::vector<std::uint8_t>> must_not_be_released_;
  Countdown own_countdown_;
  Countdown* countdown_ = &own_countdown_;
  std::size_t live_ = 0;
  static inline std::size_t leaked_ = 0;
  std::size_t released_secrets_ = 0;
};

// A RegionMemory with a region of its own: no heap, and the same addresses every time.
class OwnRegion final : public Memory {
 public:
  void* allocate(std::size_t bytes, std::size_t alignment) noexcept override {
    return memory_.allocate(bytes, alignment);
  }
  void release(void* block, std::size_t bytes) noexcept override { memory_.release(block, bytes); }

 private:
  alignas(RegionMemory::unit) std::uint8_t region_[1 << 20];
  RegionMemory memory_{region_};
};

}  // namespace tacet
