#pragma once

// Threads of the standard library, started for a work and gone after it: against the signatures of a tree for
// which it pays to lend any, starting them is nothing. It is compiled into the program that includes it, with
// exceptions, never into the library. Where the C library keeps threads apart, the program links with them.

#include <array>
#include <cstddef>
#include <thread>

#include "../threads.h"

namespace tacet {

class StdThreads final : public Threads {
 public:
  // As many as the machine runs at the same time, unless it is told.
  explicit StdThreads(std::size_t count = std::thread::hardware_concurrency()) noexcept : count_(count) {}

  std::size_t parts() const noexcept override { return count_; }

  void run(std::size_t parts, Work work, void* context) noexcept override {
    std::array<std::thread, max_parts> others;
    for (std::size_t part = 1; part < parts; ++part) {
      try {
        others[part] = std::thread(work, context, part);
      } catch (...) {  // no more threads, or no memory for one: then this one does it
        work(context, part);
      }
    }
    work(context, 0);
    for (std::thread& other : others) {
      if (other.joinable()) other.join();
    }
  }

 private:
  std::size_t count_;
};

}  // namespace tacet
