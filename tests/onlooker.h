#pragma once

// Looks at all that some forks of this process can write, while they wait. Forks of one process have the same
// addresses and the same stack canary, whatever the machine makes of address randomisation; what they do has
// to differ in nothing but what is apart.

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "apart.h"

namespace tacet {

// A part of the memory that a process can write; without its bytes if the kernel does not let us read them.
struct Mapping {
  std::uintptr_t address;
  std::string name;  // [heap], [stack], a file's, or nothing
  std::vector<std::uint8_t> bytes;
};

using Snapshot = std::vector<Mapping>;

inline bool are_alike(const Snapshot& a, const Snapshot& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Mapping& one, const Mapping& other) {
    return one.address == other.address && one.bytes.size() == other.bytes.size();
  });
}

// It lies apart itself, as it is not the same when the second fork is made.
class Onlooker {
 public:
  // The child runs `life`, which calls wait(), and ends.
  template <class Life>
  explicit Onlooker(const Life& life) {
    child_ = fork();
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      stay_on_one_processor();
      life();
      _exit(0);
    }
  }
  ~Onlooker() {
    if (!ended_) kill(child_, SIGKILL), waitpid(child_, &status_, 0);
  }
  Onlooker(const Onlooker&) = delete;
  Onlooker& operator=(const Onlooker&) = delete;

  // In the child: it stays as it is until it is told to go on. Nothing is put on the stack.
  [[gnu::always_inline]] static inline void wait() {
    long process, answer;
    __asm__ __volatile__("syscall" : "=a"(process) : "0"(long{SYS_getpid}) : "rcx", "r11", "memory");
    __asm__ __volatile__("syscall"
                         : "=a"(answer)
                         : "0"(long{SYS_kill}), "D"(process), "S"(long{SIGSTOP})
                         : "rcx", "r11", "memory");
  }

  // Whether it waits; false once it has ended.
  bool arrives() {
    waitpid(child_, &status_, WUNTRACED);
    ended_ = !WIFSTOPPED(status_);
    return !ended_;
  }
  bool has_ended_well() const { return WIFEXITED(status_) && WEXITSTATUS(status_) == 0; }
  void goes_on() const { kill(child_, SIGCONT); }

  // All that it can write and that is not apart.
  Snapshot writable() const {
    Snapshot all;
    std::ifstream maps("/proc/" + std::to_string(child_) + "/maps");
    for (std::string line; std::getline(maps, line);) {
      unsigned long begin = 0, end = 0;
      char rights[5] = {};
      int name = 0;
      if (std::sscanf(line.c_str(), "%lx-%lx %4s %*s %*s %*s %n", &begin, &end, rights, &name) < 3) continue;
      if (rights[1] != 'w') continue;
      add(begin, end, name > 0 ? line.substr(static_cast<std::size_t>(name)) : "", all);
    }
    return all;
  }

  // The child's object of that address. False if the kernel does not let us read it.
  bool read(const void* address, void* out, std::size_t size) const {
    iovec here = {out, size};
    iovec there = {const_cast<void*>(address), size};
    return process_vm_readv(child_, &here, 1, &there, 1, 0) == static_cast<ssize_t>(size);
  }

 private:
  // The C library has the number of the processor in memory.
  static void stay_on_one_processor() {
    cpu_set_t all;
    CPU_ZERO(&all);
    sched_getaffinity(0, sizeof all, &all);
    int first = 0;
    while (!CPU_ISSET(first, &all)) ++first;
    CPU_ZERO(&all);
    CPU_SET(first, &all);
    sched_setaffinity(0, sizeof all, &all);
  }
  // Of a mapping, what is not apart: the kernel joins neighbours.
  void add(std::uintptr_t begin, std::uintptr_t end, const std::string& name, Snapshot& all) const {
    const auto hidden = reinterpret_cast<std::uintptr_t>(apart::begin());
    if (begin < hidden + apart::size && hidden < end) {
      add(begin, std::min(end, std::max(begin, hidden)), name, all);
      begin = std::max(begin, std::min(end, hidden + apart::size));
    }
    if (begin >= end) return;
    Mapping part{begin, name, std::vector<std::uint8_t>(end - begin)};
    if (!read(reinterpret_cast<const void*>(begin), part.bytes.data(), part.bytes.size())) part.bytes.clear();
    all.push_back(std::move(part));
  }

  pid_t child_ = 0;
  int status_ = 0;
  bool ended_ = false;
};

}  // namespace tacet
