#include "protocol/adapters/region_memory.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "evidence.h"
#include "region.h"

namespace tacet {
namespace {

constexpr std::size_t unit = RegionMemory::unit;

std::uintptr_t address(const void* block) { return reinterpret_cast<std::uintptr_t>(block); }

TEST(RegionMemoryTest, GivesAllThatItHasAndSaysWhenItIsFull) {
  alignas(unit) std::uint8_t room[4096];
  RegionMemory memory(room);
  EXPECT_EQ(memory.left(), 4096u);
  EXPECT_EQ(memory.allocate(4097, 1), nullptr);
  EXPECT_EQ(memory.allocate(SIZE_MAX, 1), nullptr) << "no overflow of sizes";
  EXPECT_EQ(memory.allocate(8, 2 * unit), nullptr) << "no such alignment";
  void* const whole = memory.allocate(4090, unit);
  ASSERT_EQ(whole, room);
  EXPECT_EQ(memory.left(), 0u);
  EXPECT_EQ(memory.allocate(1, 1), nullptr);
  memory.release(whole, 4090);
  EXPECT_EQ(memory.left(), 4096u);
  void* const small = memory.allocate(1, 1);
  void* const large = memory.allocate(100, 1);
  EXPECT_EQ(small, room) << "from the beginning";
  EXPECT_EQ(large, room + 4096 - 112) << "from the end";
}

TEST(RegionMemoryTest, IsEmptyWithoutARegion) {
  std::uint8_t room[unit];
  for (const MutableBytes region :
       {MutableBytes(), MutableBytes(room).first(1), MutableBytes(room).first(15)}) {
    RegionMemory memory(region);
    EXPECT_EQ(memory.allocate(1, 1), nullptr);
    EXPECT_EQ(memory.left(), 0u);
  }
}

// Blocks of any sizes, given back in any order: none lies on another, what is in one stays, and in the end
// all pieces have grown together.
RC_GTEST_PROP(RegionMemoryTest, IsTheModels, ()) {
  struct Block {
    std::uint8_t* begin;
    std::size_t size;
    std::uint8_t content;
  };
  const auto skipped = *rc::gen::inRange<std::size_t>(0, unit);
  Octets room(1 << 14);
  const MutableBytes region = MutableBytes(room).subspan(skipped);
  RegionMemory memory(region);
  const std::size_t all = memory.left();
  RC_ASSERT(all + 2 * unit > region.size());
  std::vector<Block> blocks;
  const auto give_back = [&](std::size_t i) {
    const Block block = blocks[i];
    for (std::size_t at = 0; at < block.size; ++at) RC_ASSERT(block.begin[at] == block.content);
    memory.release(block.begin, block.size);
    blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i));
  };
  const auto steps = *rc::gen::inRange(1, 300);
  for (int step = 0; step < steps; ++step) {
    if (!blocks.empty() && *rc::gen::inRange(0, 5) < 2) {
      give_back(*rc::gen::inRange<std::size_t>(0, blocks.size()));
      continue;
    }
    const auto size = *rc::gen::inRange<std::size_t>(1, *rc::gen::element<std::size_t>(40, 400, 4000));
    const std::size_t left = memory.left();
    void* const block = memory.allocate(size, unit);
    if (block == nullptr) {
      RC_ASSERT(memory.left() == left);
      continue;
    }
    auto* const begin = static_cast<std::uint8_t*>(block);
    RC_ASSERT(address(begin) % unit == 0u);
    RC_ASSERT(begin >= region.data() && begin + size <= region.data() + region.size());
    RC_ASSERT(left - memory.left() == (size + unit - 1) / unit * unit);
    blocks.push_back({begin, size, static_cast<std::uint8_t>(step)});
    std::fill(begin, begin + size, static_cast<std::uint8_t>(step));
  }
  while (!blocks.empty()) give_back(*rc::gen::inRange<std::size_t>(0, blocks.size()));
  RC_ASSERT(memory.left() == all);
  const bool is_whole = memory.allocate(all, unit) != nullptr;
  RC_ASSERT(is_whole);
}

// ---- epochs without end

#ifdef NDEBUG
constexpr int epochs = 10000;
#else  // under sanitizers, and where coverage is counted
constexpr int epochs = 2000;
#endif

using EpochsTest = RegionTest;

// Members go and come, PSKs, extensions and Updates, by value and from those that wait, with a path and
// without, by both, and they talk.
TEST_F(EpochsTest, NeverRunOutOfARegionByGaps) {
  Limits limits;
  limits.past_epochs = 1;
  const ExpectedLoad load = {.leaf_size = 180, .senders = 2, .proposals = 3, .proposal_size = 400};
  MemoryNeeded sizes = memory_needed(other.crypto.suite(), limits, 8, load);
  sizes.memory /= 2;  // a third more than they use, so that gaps would tell
  InRegions us(sizes, random);
  us.limits = limits;
  us.psks.known["a"] = other.psks.known["a"] = model::octets("a psk of both");
  ASSERT_NO_FATAL_FAILURE(begin(us, 6));
  ASSERT_EQ(joined, Error::none);
  for (int epoch = 0; epoch < epochs; ++epoch) {
    SCOPED_TRACE("epoch " + std::to_string(epoch));
    Member& by = random.below(2) == 0 ? us : other;
    Member& to = &by == &us ? other : us;
    const std::size_t members = us.group.state().tree().members();
    std::vector<Proposal> list;
    switch (random.below(5)) {
      case 0:
        while (list.size() < 2 && list.size() + members < 8) list.push_back(add());
        break;
      case 1:
        list = removes(us, 1 + random.below(2));
        break;
      case 2:
        list = {adversary::external_psk_of("a"), adversary::extensions_of({})};
        break;
      case 3:
        ASSERT_EQ(by.receive(to.propose_update()), Error::none);
        break;
      default:
        break;
    }
    const bool with_path = list.empty() || random.below(4) == 0;
    ASSERT_NO_FATAL_FAILURE(commit(by, to, list, with_path));
    if (epoch % 8 != 0) continue;
    ASSERT_NO_FATAL_FAILURE(talk(us));
  }
  std::printf("%d epochs, at most %zu of %zu bytes, of secrets %zu of %zu\n", epochs, us.memory.most(),
              us.room.size(), us.secret_memory.most(), us.secret_room.size());
  EXPECT_EQ(us.authenticator(), other.authenticator());
}

}  // namespace
}  // namespace tacet
