#pragma once

// A Memory over the heap: the plain choice for a server or a desktop. It is compiled into the program that
// includes it, never into the library.

#include <cstddef>
#include <new>

#include "../memory.h"

namespace tacet {

class HeapMemory final : public Memory {
 public:
  void* allocate(std::size_t bytes, std::size_t alignment) noexcept override {
    if (alignment > alignof(std::max_align_t)) return nullptr;
    return ::operator new(bytes, std::nothrow);
  }
  void release(void* block, std::size_t) noexcept override { ::operator delete(block); }
};

}  // namespace tacet
