#pragma once

// A Memory that goes back to what it held before, at the same addresses: so a Group, which cannot be copied,
// goes back to an earlier state at the cost of copying some bytes.

#include <sanitizer/asan_interface.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "fuzz/oracle.h"
#include "protocol/memory.h"

namespace tacet {

// Nothing that is given back is handed out again before it goes back, and there is a margin between blocks:
// under AddressSanitizer every use of what is not held shows.
class Region final : public Memory {
 public:
  static constexpr std::size_t size = std::size_t{1} << 22;

  Region() { ASAN_POISON_MEMORY_REGION(begin(), size); }
  ~Region() { ASAN_UNPOISON_MEMORY_REGION(begin(), size); }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  void* allocate(std::size_t bytes, std::size_t) noexcept override {
    const std::size_t taken = (bytes + 15) / 16 * 16 + margin;
    if (bytes > size || taken > size - used_) return nullptr;
    std::uint8_t* const block = begin() + used_;
    used_ += taken;
    live_.push_back({block, bytes});
    ASAN_UNPOISON_MEMORY_REGION(block, bytes);
    return block;
  }

  void release(void* block, std::size_t bytes) noexcept override {
    const auto found = std::lower_bound(live_.begin(), live_.end(), block,
                                        [](const Block& each, void* at) { return each.at < at; });
    demand(found != live_.end() && found->at == block && found->size == bytes);
    ASAN_POISON_MEMORY_REGION(block, bytes);
    live_.erase(found);
  }

  // How many bytes were asked for in all, since what it last went back to.
  std::size_t used() const { return used_; }

  // All that is held.
  struct Kept {
    std::size_t used = 0;
    std::vector<Bytes> live;
    std::vector<std::uint8_t> octets;  // of one block behind the other
  };
  Kept keep() const {
    Kept kept{used_, {}, {}};
    for (const Block& block : live_) {
      kept.live.push_back({block.at, block.size});
      kept.octets.insert(kept.octets.end(), block.at, block.at + block.size);
    }
    return kept;
  }
  bool holds(const Kept& kept) const {
    const std::uint8_t* octets = kept.octets.data();
    const auto is_same = [&](const Block& block, Bytes before) {
      const bool same = block.at == before.data() && block.size == before.size() &&
                        std::memcmp(block.at, octets, block.size) == 0;
      octets += before.size();
      return same;
    };
    return std::equal(live_.begin(), live_.end(), kept.live.begin(), kept.live.end(), is_same);
  }
  void go_back(const Kept& kept) {
    ASAN_POISON_MEMORY_REGION(begin(), used_);
    used_ = kept.used;
    live_.clear();
    const std::uint8_t* octets = kept.octets.data();
    for (const Bytes before : kept.live) {
      std::uint8_t* const block = begin() + (before.data() - begin());
      ASAN_UNPOISON_MEMORY_REGION(block, before.size());
      std::memcpy(block, octets, before.size());
      octets += before.size();
      live_.push_back({block, before.size()});
    }
  }

 private:
  static constexpr std::size_t margin = 32;
  struct Block {
    std::uint8_t* at;
    std::size_t size;
  };

  std::uint8_t* begin() const { return octets_.get(); }

  std::unique_ptr<std::uint8_t[]> octets_{new std::uint8_t[size]};
  std::vector<Block> live_;  // by address: they are handed out in that order
  std::size_t used_ = 0;
};

// An object that keeps all it has in regions, byte for byte. It has to be gone back to where it lies.
template <class T>
class Image {
 public:
  explicit Image(const T& object) : octets_(sizeof(T)) {
    std::memcpy(octets_.data(), static_cast<const void*>(&object), sizeof(T));
  }
  void put_back(T& object) const { std::memcpy(static_cast<void*>(&object), octets_.data(), sizeof(T)); }

 private:
  std::vector<std::uint8_t> octets_;
};

}  // namespace tacet
