#pragma once

// An endpoint that has nothing but two regions, in a group with one that has the heap; the other members are
// keys and leaves that others add and remove.

#include <cstdio>
#include <list>

#include "members.h"
#include "protocol/adapters/heap_memory.h"
#include "protocol/memory_needed.h"

namespace tacet {

// What one takes, at most so far.
class MeteredMemory final : public Memory {
 public:
  explicit MeteredMemory(Memory& of) : of_(of) {}
  void* allocate(std::size_t bytes, std::size_t alignment) noexcept override {
    void* const block = of_.allocate(bytes, alignment);
    if (block != nullptr) live_ += bytes;
    most_ = std::max(most_, live_);
    return block;
  }
  void release(void* block, std::size_t bytes) noexcept override {
    live_ -= bytes;
    of_.release(block, bytes);
  }
  std::size_t live() const { return live_; }
  std::size_t most() const { return most_; }

 private:
  Memory& of_;
  std::size_t live_ = 0, most_ = 0;
};

struct Regions {
  explicit Regions(const MemoryNeeded& sizes)
      : room(static_cast<std::size_t>(sizes.memory)),
        secret_room(static_cast<std::size_t>(sizes.secrets)),
        region(room),
        secret_region(secret_room),
        memory(region),
        secret_memory(secret_region) {}

  Octets room, secret_room;
  RegionMemory region, secret_region;
  MeteredMemory memory, secret_memory;
};

class InRegions : public Regions, public adversary::Member {
 public:
  InRegions(const MemoryNeeded& sizes, Random& random)
      : Regions(sizes), adversary::Member("in regions", random, memory, secret_memory) {}
};

class RegionTest : public ::testing::Test {
 protected:
  using Member = adversary::Member;

  // A KeyPackage of somebody who never comes.
  Proposal add() {
    adversary::Device device(of_nobody + std::to_string(names++), random, heap_memory, heap_memory);
    key_packages.push_back(device.publish());
    if (key_packages.size() > most_key_packages) key_packages.pop_front();
    return adversary::add_of(key_packages.back());
  }

  // A group of `size` that the one on the heap creates; so many of the others are there.
  void begin(Member& us, std::uint32_t size, std::size_t there = 0) {
    most_key_packages = size + 100;
    other.policy.format = us.policy.format;
    other.create(model::octets("group"));
    std::vector<Proposal> adds = {adversary::add_of(us.publish())};
    for (std::size_t i = 0; i < there; ++i) {
      const std::string name = "another " + std::to_string(i);
      others.push_back(std::make_unique<Member>(name, random, heap_memory, heap_memory));
      others.back()->policy.format = us.policy.format;
      adds.push_back(adversary::add_of(others.back()->publish()));
    }
    while (adds.size() + 1 < size) adds.push_back(add());
    other.commit({.proposals = adds});
    adversary::must(other.error);
    const Octets welcome = other.welcome();
    other.group.adopt_pending();
    for (const auto& each : others) adversary::must(each->join(welcome));
    joined = us.join(welcome);
  }

  void talk(Member& from, Member& to) {
    const Octets said = from.say("from " + from.name);
    ASSERT_EQ(from.error, Error::none);
    ASSERT_EQ(to.receive(said), Error::none);
    ASSERT_EQ(to.text(), "from " + from.name);
  }
  void talk(Member& us) {
    ASSERT_NO_FATAL_FAILURE(talk(us, other));
    ASSERT_NO_FATAL_FAILURE(talk(other, us));
    for (const auto& each : others) ASSERT_NO_FATAL_FAILURE(talk(*each, us));
    ASSERT_EQ(us.authenticator(), other.authenticator());
  }
  void others_take(const Octets& message) {
    for (const auto& each : others) ASSERT_EQ(each->receive(message), Error::none);
  }
  // The one commits, and the other takes it.
  void commit(Member& by, Member& to, const std::vector<Proposal>& list, bool with_path = true) {
    const Octets message = by.commit({.proposals = list, .with_path = with_path});
    ASSERT_EQ(by.error, Error::none);
    by.group.adopt_pending();
    ASSERT_EQ(to.receive(message), Error::none);
    ASSERT_NO_FATAL_FAILURE(others_take(message));
  }
  // Removes of the last members who are not there.
  std::vector<Proposal> removes(Member& us, std::size_t count) {
    std::vector<Proposal> list;
    const RatchetTree& tree = us.group.state().tree();
    for (std::uint32_t i = tree.size().leaves(); i-- > 0 && list.size() < count;) {
      const LeafIndex leaf{i};
      const Bytes name = tree.leaf(leaf).credential.body;
      if (name.size() < of_nobody.size() || !equal(name.first(of_nobody.size()), bytes_of(of_nobody)))
        continue;
      list.push_back(adversary::remove_of(leaf));
    }
    return list;
  }

  adversary::SeededRandom random{8};
  HeapMemory heap_memory;
  Member other{"on the heap", random, heap_memory, heap_memory};
  std::vector<std::unique_ptr<Member>> others;
  Error joined = Error::none;  // whether the one in regions has
  const std::string of_nobody = "nobody ";
  std::list<Octets> key_packages;
  std::size_t names = 0, most_key_packages = 0;
};

}  // namespace tacet
