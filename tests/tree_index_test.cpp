#include "protocol/tree_index.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "memories.h"
#include "protocol/sodium.h"
#include "secrets.h"
#include "spec/adversary/seeded_random.h"

namespace tacet {
namespace {

using model::Octets;
using model::operator+;

RC_GTEST_PROP(LeafSetIs, ASet, (std::vector<std::uint16_t> inserted, std::vector<std::uint16_t> erased)) {
  TestMemory memory;
  LeafSet set(memory);
  RC_ASSERT(set.reserve(TreeSize::for_leaves(1 << 16)) == Error::none);
  std::set<std::uint32_t> model;
  for (const std::uint32_t leaf : inserted) set.insert({leaf}), model.insert(leaf);
  for (const std::uint32_t leaf : erased) set.erase({leaf}), model.erase(leaf);
  RC_ASSERT(set.count() == model.size());
  std::uint32_t first = 0;
  while (model.contains(first)) ++first;
  RC_ASSERT(set.first_absent().value == first);
  for (const std::uint32_t leaf : inserted) {
    RC_ASSERT(set.contains({leaf}) == model.contains(leaf));
    for (unsigned height = 0; height <= 16; ++height) {
      const NodeIndex node = ancestor_at({leaf}, height);
      const auto below = model.lower_bound(first_leaf(node).value);
      RC_ASSERT(set.any_below(node) == (below != model.end() && *below <= last_leaf(node).value));
    }
  }
}

TEST(LeafSetIs, GrownWithTheTree) {
  TestMemory memory;
  LeafSet set(memory);
  EXPECT_FALSE(set.contains({0}));
  EXPECT_FALSE(set.any_below(NodeIndex(0)));
  EXPECT_EQ(set.first_absent(), LeafIndex{0});
  for (std::uint32_t leaf = 0; leaf < 300; ++leaf) {
    ASSERT_EQ(set.first_absent(), LeafIndex{leaf});
    ASSERT_EQ(set.reserve(TreeSize::for_leaves(leaf + 1)), Error::none);
    set.insert({leaf});
    set.insert({leaf});
  }
  EXPECT_EQ(set.count(), 300u);
  LeafSet copy(memory);
  ASSERT_EQ(copy.copy(set), Error::none);
  copy.erase({17});
  EXPECT_EQ(copy.first_absent(), LeafIndex{17});
  EXPECT_TRUE(set.contains({17}));
}

// Values that collide stay apart by what the nodes hold; every entry is found until it is erased.
TEST(NodeIndexMapIs, AMapOfManyNodesToAValue) {
  TestMemory memory;
  adversary::SeededRandom random(1);
  Sodium crypto(random);
  NodeIndexMap map(memory);
  ASSERT_EQ(map.start(crypto), Error::none);
  using Of = NodeIndexMap::Of;
  std::multimap<std::uint8_t, std::uint32_t> model;  // one byte of value
  for (std::uint32_t step = 0; step < 4000; ++step) {
    const auto value = static_cast<std::uint8_t>(random.below(40));
    const auto range = model.equal_range(value);
    if (range.first != range.second && random.below(2) == 0) {
      map.erase(crypto, Of::client, {&value, 1}, NodeIndex(range.first->second));
      model.erase(range.first);
    } else {
      ASSERT_EQ(map.reserve(1), Error::none);
      map.insert(crypto, Of::client, {&value, 1}, NodeIndex(step));
      model.emplace(value, step);
    }
    for (std::uint8_t v = 0; v < 40; ++v) {
      std::set<std::uint32_t> expected, found;
      for (auto [i, end] = model.equal_range(v); i != end; ++i) expected.insert(i->second);
      while (const auto node = map.find(crypto, Of::client, {&v, 1},
                                        [&](NodeIndex n) { return !found.contains(n.value); })) {
        found.insert(node->value);
      }
      ASSERT_EQ(found, expected);
      ASSERT_EQ(map.find(crypto, Of::signature_key, {&v, 1}, [](NodeIndex) { return true; }), std::nullopt);
    }
  }
  NodeIndexMap copy(memory);
  ASSERT_EQ(copy.copy_with_room(map, 100), Error::none);
  EXPECT_TRUE(copy.has_room(100));
  for (const auto& [value, node] : model) {
    EXPECT_TRUE(
        copy.find(crypto, Of::client, {&value, 1}, [node = node](NodeIndex n) { return n.value == node; }));
  }
}

TEST(CredentialsInUseAre, Counted) {
  TestMemory memory;
  CredentialsInUse in_use(memory);
  ASSERT_EQ(in_use.add(CredentialType::basic), Error::none);
  ASSERT_EQ(in_use.add(CredentialType::x509), Error::none);
  ASSERT_EQ(in_use.add(CredentialType::basic), Error::none);
  EXPECT_EQ(in_use.users(CredentialType::basic), 2u);
  EXPECT_EQ(in_use.users(CredentialType{7}), 0u);
  const Octets basic = model::number(1, 2), both = model::number(2, 2) + model::number(1, 2);
  Capabilities capabilities;
  ASSERT_EQ(List<CredentialType>::parse(basic, capabilities.credentials), Error::none);
  EXPECT_FALSE(in_use.all_listed(capabilities));
  ASSERT_EQ(List<CredentialType>::parse(both, capabilities.credentials), Error::none);
  EXPECT_TRUE(in_use.all_listed(capabilities));
  in_use.remove(CredentialType::x509);
  ASSERT_EQ(List<CredentialType>::parse(basic, capabilities.credentials), Error::none);
  EXPECT_TRUE(in_use.all_listed(capabilities));
  in_use.remove(CredentialType::basic);
  EXPECT_EQ(in_use.users(CredentialType::basic), 1u);
  in_use.remove(CredentialType{9});
}

}  // namespace
}  // namespace tacet
