#include "protocol/memory.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "evidence.h"
#include "memories.h"
#include "protocol/adapters/heap_memory.h"
#include "secrets.h"

namespace tacet {
namespace {

using model::Octets;

TEST(BufferTest, IsWipedBeforeItIsGivenBack) {
  TestMemory memory;
  const Octets content(32, 0x5c);
  memory.must_not_be_released(content);
  {
    Buffer buffer = std::move(Buffer::allocate(memory, content.size()).value());
    std::copy(content.begin(), content.end(), buffer.bytes().begin());
    Buffer moved = std::move(buffer);
    EXPECT_EQ(buffer.size(), 0u);
    EXPECT_EQ(model::octets(moved.bytes()), content);
  }
  EXPECT_EQ(memory.live(), 0u);
  EXPECT_EQ(memory.released_secrets(), 0u);
  memory.fail_at(memory.calls());
  EXPECT_EQ(Buffer::allocate(memory, 1).error(), Error::out_of_memory);
  EXPECT_EQ(Buffer::allocate(memory, 0).error(), Error::none) << "nothing costs nothing";
}

TEST(ArrayTest, KeepsWhatItHoldsAsItGrows) {
  TestMemory memory;
  {
    Array<std::uint32_t> array(memory);
    for (std::uint32_t i = 0; i < 1000; ++i) {
      ASSERT_EQ(array.reserve(array.size() + 1), Error::none);
      array.push_back(i);
    }
    for (std::uint32_t i = 0; i < 1000; ++i) ASSERT_EQ(array[i], i);
    EXPECT_LE(memory.live(), 1250 * sizeof(std::uint32_t)) << "at most a quarter more than is needed";
    memory.fail_at(memory.calls());
    EXPECT_EQ(array.reserve(5000), Error::out_of_memory);
    EXPECT_EQ(array.size(), 1000u);
    EXPECT_EQ(array[999], 999u);
    EXPECT_EQ(array.reserve(SIZE_MAX / 2), Error::out_of_memory) << "no overflow of sizes";
    Array<std::uint32_t> moved = std::move(array);
    EXPECT_EQ(moved.size(), 1000u);
  }
  EXPECT_EQ(memory.live(), 0u);
}

// Secrets in slots against a plain map.
RC_GTEST_PROP(SecretSlotsTest, AreTheModels, ()) {
  TestMemory plain, secrets;
  {
    const auto size = *rc::gen::inRange<std::size_t>(4, Secret::max_size + 1);
    SecretSlots slots(plain, secrets, size);
    std::map<SecretSlots::Slot, Octets> model;
    std::uint64_t drawn = 0;
    const auto draw = [size, &drawn] {  // no two alike in any part
      Octets secret;
      for (std::uint64_t i = 0; secret.size() < size; ++i) {
        using model::operator+;
        secret = secret + model::hash(model::number(drawn, 8) + model::number(i, 8));
      }
      ++drawn;
      secret.resize(size);
      return secret;
    };
    const auto steps = *rc::gen::inRange(1, 200);
    for (int i = 0; i < steps; ++i) {
      const auto some = [&model] {
        auto slot = model.begin();
        std::advance(slot, *rc::gen::inRange<std::size_t>(0, model.size()));
        return slot;
      };
      switch (model.empty() ? 0 : *rc::gen::inRange(0, 4)) {
        case 0:
        case 1: {
          RC_ASSERT(slots.reserve(1) == Error::none);
          const Octets secret = draw();
          RC_ASSERT(model.emplace(slots.put(secret_of(secret)), secret).second);
          break;
        }
        case 2: {
          const auto slot = some();
          slot->second = draw();
          slots.replace(slot->first, secret_of(slot->second));
          break;
        }
        case 3: {
          const auto slot = some();
          slots.erase(slot->first);
          if (size >= 16) RC_ASSERT(!secrets.holds(slot->second));  // no part of it
          model.erase(slot);
          break;
        }
      }
      for (const auto& [slot, secret] : model) RC_ASSERT(octets(slots.copy(slot)) == secret);
    }
    for (const auto& [slot, secret] : model) {
      if (size >= 16) secrets.must_not_be_released(secret);  // shorter ones may lie there by chance
    }
  }
  RC_ASSERT(secrets.released_secrets() == 0u);
  RC_ASSERT(secrets.live() == 0u);
  RC_ASSERT(plain.live() == 0u);
}

// The hash table against a plain map. Few keys, so that they collide and are erased in the middle of a run.
RC_GTEST_PROP(IndexMapTest, IsTheModels, ()) {
  TestMemory memory;
  IndexMap map(memory);
  std::map<std::uint32_t, std::uint32_t> model;
  const auto keys = *rc::gen::inRange<std::uint32_t>(1, 200);
  const auto steps = *rc::gen::inRange(1, 500);
  for (int i = 0; i < steps; ++i) {
    const auto key = *rc::gen::inRange<std::uint32_t>(0, keys);
    if (model.contains(key)) {
      map.erase(key);
      model.erase(key);
    } else {
      const auto value = *rc::gen::arbitrary<std::uint32_t>();
      RC_ASSERT(map.reserve(1) == Error::none);
      map.insert(key, value);
      model[key] = value;
    }
    RC_ASSERT(map.size() == model.size());
    for (std::uint32_t k = 0; k < keys; ++k) {
      RC_ASSERT(map.find(k) == (model.contains(k) ? model[k] : IndexMap::absent));
    }
  }
}

TEST(IndexMapTest, FullMemoryLeavesItAsItWas) {
  TestMemory memory;
  IndexMap map(memory);
  EXPECT_EQ(map.find(7), IndexMap::absent);
  ASSERT_EQ(map.reserve(1), Error::none);
  map.insert(7, 70);
  memory.fail_at(memory.calls());
  EXPECT_EQ(map.reserve(1000), Error::out_of_memory);
  EXPECT_EQ(map.find(7), 70u);
  EXPECT_EQ(map.reserve(1000), Error::none);
  EXPECT_EQ(map.find(7), 70u);
}

TEST(HeapMemoryTest, GivesAlignedBlocksAndSaysWhenItCannot) {
  HeapMemory memory;
  void* block = memory.allocate(100, alignof(std::max_align_t));
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t), 0u);
  memory.release(block, 100);
  EXPECT_EQ(memory.allocate(64, 4096), nullptr);
}

}  // namespace
}  // namespace tacet
