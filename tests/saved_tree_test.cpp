// What lasts of a secret tree.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "evidence.h"
#include "secret_trees.h"

namespace tacet {
namespace {

using evidence::refused;
using evidence::shows;

class SavedTreeTest : public SecretTreeTest {};

RC_GTEST_FIXTURE_PROP(SavedTreeTest, GoesOnWhereASaveLeftOff, ()) {
  Limits limits;
  limits.out_of_order_window = 4;
  limits.skipped_keys = 9;
  SecretTree tree = make(3, limits);
  const auto turns = *rc::gen::container<std::vector<std::tuple<std::uint32_t, bool, std::uint32_t>>>(
      rc::gen::tuple(rc::gen::inRange(0u, 8u), rc::gen::arbitrary<bool>(), rc::gen::inRange(0u, 16u)));
  for (const auto& [leaf, is_application, generation] : turns) {
    static_cast<void>(receive(tree, leaf, both_types[is_application ? 1 : 0], generation));
  }
  SecretTree restored = saved_and_restored(tree, {}, limits);
  RC_ASSERT(restored.senders_heard() == tree.senders_heard());
  RC_ASSERT(restored.keys_skipped() == tree.keys_skipped());
  for (std::uint32_t leaf = 0; leaf < 8; ++leaf) {
    for (std::uint32_t i = 0; i < 6; ++i) {
      const RatchetType type = both_types[i % 2];
      const std::uint32_t generation = *rc::gen::inRange(0u, 20u);
      RC_ASSERT(receive(restored, leaf, type, generation) == receive(tree, leaf, type, generation));
      RC_ASSERT(restored.keys_skipped() == tree.keys_skipped());
    }
  }
}

TEST_F(SavedTreeTest, OfSkippedKeysTheNewestFitIntoALowerLimit) {
  SecretTree tree = make(2);
  ASSERT_EQ(receive(tree, 0, RatchetType::application, 4), Error::none);
  ASSERT_EQ(receive(tree, 1, RatchetType::application, 3), Error::none);
  ASSERT_EQ(receive(tree, 0, RatchetType::application, 0), Error::none);
  ASSERT_EQ(receive(tree, 0, RatchetType::application, 6), Error::none);  // in the place of an old one
  ASSERT_EQ(tree.keys_skipped(), 7u);
  for (const std::uint32_t limit : {0u, 1u, 3u, 6u, 7u}) {
    SCOPED_TRACE(limit);
    Limits limits;
    limits.skipped_keys = limit;
    SecretTree restored = saved_and_restored(tree, {}, limits);
    EXPECT_EQ(restored.keys_skipped(), limit);
    const std::pair<std::uint32_t, std::uint32_t> newest_first[] = {{0, 5}, {1, 2}, {1, 1}, {1, 0},
                                                                    {0, 3}, {0, 2}, {0, 1}};
    for (std::size_t i = 0; i < 7; ++i) {
      const auto& [leaf, generation] = newest_first[i];
      EXPECT_EQ(receive(restored, leaf, RatchetType::application, generation),
                i < limit ? Error::none : Error::generation_gone);
    }
  }
}

TEST_F(SavedTreeTest, WhatASaveReservesIsUsedOnceOrNever) {
  Limits limits;
  limits.reserved_generations = 3;
  constexpr LeafIndex own{5};
  constexpr RatchetType type = RatchetType::application;
  SecretTree tree = make(3, limits);
  MessageKey key;
  EXPECT_EQ(tree.next(crypto, own, type, key), Error::save_first) << "nothing is reserved yet";
  const SecretTree::Reserved reserved = tree.reservation();
  EXPECT_EQ(reserved, (SecretTree::Reserved{3, 3}));
  tree.reserve(reserved);
  for (std::uint32_t i = 0; i < 3; ++i) {
    ASSERT_EQ(tree.next(crypto, own, type, key), Error::none);
    EXPECT_EQ(key.generation, i);
  }
  const auto before = secrets.contents();
  const Error error = tree.next(crypto, own, type, key);
  refused("FRAME-39", Error::save_first, error, {.state_equal = secrets.contents() == before});
  EXPECT_EQ(tree.next(crypto, own, RatchetType::handshake, key), Error::none) << "each has its own";

  // What was saved when nothing had been sent goes on behind what that save has reserved.
  SecretTree start = make(3, limits);
  SecretTree restored = saved_and_restored(start, reserved, limits);
  ASSERT_EQ(restored.pass_over_reserved(crypto, own), Error::none);
  EXPECT_EQ(restored.next(crypto, own, type, key), Error::save_first);
  restored.reserve(restored.reservation());
  ASSERT_EQ(restored.next(crypto, own, type, key), Error::none);
  EXPECT_EQ(key.generation, 3u);
  EXPECT_EQ(octets(key.key), model.key(own.value, type, 3));
  shows("FRAME-39");
}

TEST_F(SavedTreeTest, AReservationDoesNotReachOverALimit) {
  Limits limits;
  limits.reserved_generations = 0xffffffff;
  limits.messages_per_epoch = 5;
  SecretTree tree = make(1, limits);
  const SecretTree::Reserved reserved = tree.reservation();
  EXPECT_EQ(reserved, (SecretTree::Reserved{SecretTree::max_reserved, SecretTree::max_reserved}));
  SecretTree restored = saved_and_restored(tree, reserved, limits);
  ASSERT_EQ(restored.pass_over_reserved(crypto, LeafIndex{0}), Error::none);
  restored.reserve(restored.reservation());
  MessageKey key;
  EXPECT_EQ(restored.next(crypto, LeafIndex{0}, RatchetType::application, key), Error::message_limit);
}

TEST_F(SavedTreeTest, WhatContradictsItselfIsNotRestored) {
  const Octets secret(32, 1), nonce(12, 1);
  const SavedTree good = {{}, {}, {{1, secret}}, {{0, {0, 0}, {secret, secret}}}, {}};
  const auto expect = [&](Error error, auto change) {
    SavedTree saved = good;
    change(saved);
    SecretTree tree = empty();
    EXPECT_EQ(saved.restore(tree, 2, secrets), error);
  };
  expect(Error::none, [](SavedTree&) {});
  for (const std::size_t type : {0u, 1u}) {
    expect(Error::none, [&](SavedTree& saved) { saved.reserved[type] = SecretTree::max_reserved; });
    expect(Error::saved_state_malformed,
           [&](SavedTree& saved) { saved.reserved[type] = SecretTree::max_reserved + 1; });
  }
  expect(Error::saved_state_malformed, [](SavedTree& saved) { saved.nodes[0].index = 7; });
  expect(Error::saved_state_malformed, [](SavedTree& saved) { saved.nodes.push_back(saved.nodes[0]); });
  expect(Error::saved_state_malformed, [](SavedTree& saved) { saved.senders[0].leaf = 4; });
  expect(Error::saved_state_malformed, [](SavedTree& saved) { saved.senders.push_back(saved.senders[0]); });
  expect(Error::secret_length, [](SavedTree& saved) { saved.nodes[0].secret.pop_back(); });
  expect(Error::secret_length, [](SavedTree& saved) { saved.senders[0].ratchet[1].pop_back(); });
  for (const bool is_key : {false, true}) {
    expect(Error::secret_length, [&](SavedTree& saved) {
      saved.skipped = {{RatchetType::application, 0, 0, 1, secret, nonce}};
      (is_key ? saved.skipped[0].key : saved.skipped[0].nonce).push_back(0);
    });
  }
}

}  // namespace
}  // namespace tacet
