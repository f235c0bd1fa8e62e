#include "protocol/adapters/locked_memory.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "protocol/adapters/heap_memory.h"
#include "spec/adversary/member.h"
#include "spec/adversary/recorder.h"
#include "spec/adversary/reveal.h"
#include "spec/adversary/seeded_random.h"
#include "words.h"

namespace tacet {
namespace {

using adversary::Member;
using adversary::must;
using adversary::Octets;

constexpr std::size_t room = 256 * 1024;

// The number behind a name in /proc/self/status, in KiB.
std::size_t status(const std::string& name) {
  std::ifstream file("/proc/self/status");
  std::size_t number = 0;
  for (std::string word; file >> word;) {
    if (word == name + ":") file >> number;
  }
  return number;
}

// The flags of the mapping that begins there, as /proc/self/smaps has them: "rd wr mr mw me lo dd ac ".
std::string flags_of(const void* begin) {
  std::ostringstream wanted;
  wanted << std::hex << reinterpret_cast<std::uintptr_t>(begin) << "-";
  std::ifstream file("/proc/self/smaps");
  bool is_it = false;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(wanted.str(), 0) == 0) is_it = true;
    if (is_it && line.rfind("VmFlags: ", 0) == 0) return line.substr(9);
  }
  return {};
}

// Runs `body` in a fork; what becomes of it.
template <class Body>
int in_a_fork(const Body& body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(0);
  }
  int ended = 0;
  waitpid(child, &ended, 0);
  return ended;
}

TEST(LockedMemoryTest, IsLockedAndLeftOutAsFarAsItSays) {
  const std::size_t before = status("VmLck");
  {
    LockedMemory memory(room - 1);
    ASSERT_EQ(memory.size(), room);
    EXPECT_EQ(memory.left(), room);
    void* const whole = memory.allocate(room, 16);
    ASSERT_NE(whole, nullptr);
    EXPECT_EQ(memory.allocate(1, 1), nullptr);
    EXPECT_EQ(status("VmLck") - before, memory.is_locked() ? room / 1024 : 0);
    const std::string flags = flags_of(whole);
    EXPECT_EQ(flags.find("lo ") != std::string::npos, memory.is_locked()) << flags;
    EXPECT_EQ(flags.find("dd ") != std::string::npos, memory.is_left_out_of_dumps()) << flags;
    EXPECT_TRUE(memory.is_left_out_of_dumps()) << "every Linux since 3.4";
    std::printf("  locked: %s\n", memory.is_locked() ? "yes" : "no, which the system refuses here");
    memory.release(whole, room);
  }
  EXPECT_EQ(status("VmLck"), before);
}

TEST(LockedMemoryTest, WorksWhereNothingMayBeLocked) {
  const int ended = in_a_fork([] {
    const rlimit nothing = {0, 0};
    const bool may_not = setrlimit(RLIMIT_MEMLOCK, &nothing) == 0 && (getuid() != 0 || setuid(65534) == 0);
    LockedMemory memory(room);
    const bool works = memory.allocate(100, 8) != nullptr;
    _exit(may_not && works && !memory.is_locked() && memory.is_left_out_of_dumps() ? 0 : 1);
  });
  EXPECT_TRUE(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
}

TEST(LockedMemoryTest, WipesWhatIsGivenBack) {
  LockedMemory memory(room);
  void* const block = memory.allocate(160, 8);
  std::memset(block, 0x5a, 160);
  memory.release(block, 160);
  const auto* const bytes = static_cast<const std::uint8_t*>(block);
  EXPECT_EQ(std::count(bytes, bytes + room - 160, 0x5a), 0);
}

TEST(LockedMemoryTest, IsEmptyWhereThereIsNone) {
  for (const std::size_t size : {std::size_t{0}, SIZE_MAX, SIZE_MAX / 2}) {
    LockedMemory memory(size);
    EXPECT_EQ(memory.size(), 0u);
    EXPECT_FALSE(memory.is_locked());
    EXPECT_EQ(memory.allocate(1, 1), nullptr);
  }
}

// ---- what is in a core dump

// Two members, who have talked; from the same randomness, always the same.
struct Pair {
  Member a, b;
  Pair(Crypto& crypto, Memory& memory, Memory& secrets)
      : a("A", crypto, memory, secrets), b("B", crypto, memory, secrets) {
    a.create(Octets(8, 'g'));
    const Proposal add = adversary::add_of(b.publish());
    CommitOptions wanted;
    wanted.proposals = {&add, 1};
    a.commit(wanted);
    must(a.error);
    must(b.join(a.welcome()));
    a.group.adopt_pending();
    must(b.receive(a.say("hello")));
  }
};
constexpr std::uint64_t seed = 20260;

// Of all that the group derived; but what the application has of its own, and may show.
Words secrets_of_the_group() {
  adversary::Log log;
  adversary::SeededRandom random(seed);
  adversary::Recorder crypto(log, random);
  HeapMemory memory;
  const Pair pair(crypto, memory, memory);
  Words words;
  for (const adversary::Call& call : log.calls()) {
    const bool derives =
        call.operation == adversary::Operation::expand || call.operation == adversary::Operation::extract;
    if (!derives) continue;
    for (const adversary::Value& out : call.outputs) add(out.bytes, words);
  }
  for (const Member* each : {&pair.a, &pair.b}) {
    remove(reveal(each->keys.encryption_key), words);
    remove(reveal(each->keys.init_key), words);
    remove(each->group.epoch_authenticator(), words);
  }
  return words;
}

// How a fork of this process is left that dies with such a pair: its core, in a folder of its own.
template <class Secrets>
std::vector<std::uint8_t> core_with(Secrets&& secrets) {
  std::string folder = ::testing::TempDir() + "tacet_core_XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return {};
  in_a_fork([&] {
    rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
    prctl(PR_SET_DUMPABLE, 1);
    if (chdir(folder.c_str()) != 0) _exit(1);
    adversary::SeededRandom random(seed);
    Sodium crypto(random);
    HeapMemory memory;
    const Pair pair(crypto, memory, secrets);
    std::abort();
  });
  std::vector<std::uint8_t> core;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    core.assign(std::istreambuf_iterator<char>(file), {});
  }
  std::filesystem::remove_all(folder);
  return core;
}

std::size_t count(const Words& words, const std::vector<std::uint8_t>& in) {
  Words found;
  for_each_word(in, [&](Word word, std::size_t) {
    if (words.count(word) != 0) found.insert(word);
  });
  return found.size();
}

TEST(LockedMemoryTest, WhatAGroupKeepsSecretIsNotInACoreDump) {
  // In this order: a fork has a copy of what this process knows, and the other core is full of secrets.
  const std::vector<std::uint8_t> locked = core_with(LockedMemory(room));
  const std::vector<std::uint8_t> plain = core_with(HeapMemory());
  if (plain.empty() || locked.empty()) {
    std::string pattern;
    std::getline(std::ifstream("/proc/sys/kernel/core_pattern"), pattern);
    GTEST_SKIP() << "no core is left where this runs: core_pattern is '" << pattern << "'";
  }
  const Words secrets = secrets_of_the_group();
  EXPECT_EQ(count(secrets, locked), 0u);
  EXPECT_GE(count(secrets, plain), 100u) << "the control";
  std::printf("  of %zu words of secrets, %zu are in a core without it, %zu with it\n", secrets.size(),
              count(secrets, plain), count(secrets, locked));
}

}  // namespace
}  // namespace tacet
