#pragma once

// Memory of a test's own, apart from all that it looks at: what it has to remember of secrets lies there.

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace tacet::apart {

constexpr std::size_t size = 64u << 20;

inline std::uint8_t* begin() {
  static auto* const region = static_cast<std::uint8_t*>(
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  return region;
}

// Where the next object goes; the count lies at the beginning. What is given back is not used again.
inline void* take(std::size_t bytes) {
  auto& used = *reinterpret_cast<std::size_t*>(begin());
  if (used == 0) used = 64;
  void* const place = begin() + used;
  used += (bytes + 63) / 64 * 64;
  if (used > size) std::abort();
  return place;
}

template <class T>
struct Allocator {
  using value_type = T;
  Allocator() = default;
  template <class Other>
  Allocator(const Allocator<Other>&) {}
  T* allocate(std::size_t count) { return static_cast<T*>(take(count * sizeof(T))); }
  void deallocate(T*, std::size_t) {}
  friend bool operator==(Allocator, Allocator) { return true; }
};

template <class T>
using Vector = std::vector<T, Allocator<T>>;

}  // namespace tacet::apart
