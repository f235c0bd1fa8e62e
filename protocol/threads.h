#pragma once

// Threads that the caller lends, for the one thing that takes long and falls into parts: the signatures of
// all leaves of a tree (tree_check.h). protocol/ starts none.

#include <cstddef>

namespace tacet {

class Threads {
 public:
  using Work = void (*)(void* context, std::size_t part) noexcept;

  // How many parts are best made of a work: as many as there are threads, the calling one among them. More
  // than max_parts, or than there is work for, count as that many; 0 as 1.
  virtual std::size_t parts() const noexcept = 0;

  // Calls work(context, part) once for each part from 0 to parts - 1, in any order and on any threads, and
  // returns when all calls have returned; what they wrote is then seen here. The calls share no memory that
  // they write to, and ask the caller's Crypto to verify, at the same time, and for nothing else.
  virtual void run(std::size_t parts, Work work, void* context) noexcept = 0;

  static constexpr std::size_t max_parts = 64;

 protected:
  ~Threads() = default;
};

}  // namespace tacet
