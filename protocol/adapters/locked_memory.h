#pragma once

// A Memory for secrets, over pages that are locked into memory, so that they are not written to swap space,
// and left out of core dumps. It is compiled into the program that includes it, never into the library, and
// needs mmap, mlock and madvise.
//
// The system may refuse either: what may be locked is limited (RLIMIT_MEMLOCK), and not every kernel leaves
// pages out. That is not an error of the memory, which works the same; it says so, and whether that is good
// enough is for the application to decide. Neither helps against who reads the live process or the whole
// machine's memory, or where it sleeps on disk. In a fork the copy is left out of dumps, but not locked.

#include <sys/mman.h>
#include <unistd.h>

#include "region_memory.h"

namespace tacet {

class LockedMemory final : public Memory {
 public:
  // Of so many bytes, rounded up to whole pages: MemoryNeeded::secrets, for a group. If the system has none,
  // size() is 0 and every allocation fails.
  explicit LockedMemory(std::size_t bytes) noexcept : pages_(bytes), memory_(pages_.bytes) {}
  LockedMemory(const LockedMemory&) = delete;
  LockedMemory& operator=(const LockedMemory&) = delete;

  void* allocate(std::size_t bytes, std::size_t alignment) noexcept override {
    return memory_.allocate(bytes, alignment);
  }
  // Wiped, whoever had it.
  void release(void* block, std::size_t bytes) noexcept override {
    wipe(block, bytes);
    memory_.release(block, bytes);
  }

  bool is_locked() const noexcept { return pages_.are_locked; }
  bool is_left_out_of_dumps() const noexcept { return pages_.are_left_out_of_dumps; }

  std::size_t size() const noexcept { return pages_.bytes.size(); }  // in bytes
  std::size_t left() const noexcept { return memory_.left(); }       // in bytes, in all pieces together

 private:
  struct Pages {
    explicit Pages(std::size_t size) noexcept {
      const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
      if (size == 0 || size > SIZE_MAX - page) return;
      size = (size + page - 1) / page * page;
      void* const mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (mapped == MAP_FAILED) return;
      bytes = {static_cast<std::uint8_t*>(mapped), size};
#if defined(MADV_DONTDUMP)
      are_left_out_of_dumps = madvise(mapped, size, MADV_DONTDUMP) == 0;
#elif defined(MADV_NOCORE)
      are_left_out_of_dumps = madvise(mapped, size, MADV_NOCORE) == 0;
#endif
      are_locked = mlock(mapped, size) == 0;
    }
    ~Pages() {
      if (bytes.empty()) return;
      wipe(bytes.data(), bytes.size());
      munmap(bytes.data(), bytes.size());
    }
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;

    MutableBytes bytes;
    bool are_locked = false;
    bool are_left_out_of_dumps = false;
  };

  Pages pages_;
  RegionMemory memory_;
};

}  // namespace tacet
