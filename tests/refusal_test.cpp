// The switchboard of refusals, in the test build: each refusal that is switched off lets through exactly what
// it refuses, and nothing else stands in for it.

#include "protocol/refuse.h"

#include <gtest/gtest.h>

#include "evidence.h"
#include "lets_through.h"
#include "model.h"
#include "protocol/adapters/heap_memory.h"
#include "protocol/tacet.h"
#include "spec/adversary/seeded_random.h"
#include "spoiled.h"

namespace tacet {
namespace {

using model::Octets;
using model::operator+;

class RefusalTest : public ::testing::Test {
 protected:
  ~RefusalTest() override { switch_all_on(); }

  adversary::SeededRandom random{5};
  Sodium crypto{random};
};

TEST_F(RefusalTest, TheLibrarySaysWhatItIs) { EXPECT_TRUE(is_test_build()); }

TEST_F(RefusalTest, Codec) {
  const auto size_of = [](const char* hex) {
    return [hex] {
      const Octets input = model::unhex(hex);
      std::size_t size = 0;
      return Reader(input).vector_size(size);
    };
  };
  lets_through(Error::varint_not_minimal, size_of("4005"));
  lets_through(Error::varint_prefix, size_of("c000000000000005"));
  lets_through(Error::vector_too_long, [] { return vector_header(max_vector_size + 1).error(); });
  lets_through(Error::trailing_bytes, [] {
    std::uint8_t value = 0;
    return decode(Octets{1, 2}, value);
  });
  lets_through(Error::list_not_whole, [] {
    List<std::uint16_t> list;
    return decode(Octets{3, 0, 1, 0}, list);
  });
  lets_through(Error::optional_presence, [] {
    std::optional<std::uint8_t> value;
    return decode(Octets{2, 1}, value);
  });
}

TEST_F(RefusalTest, ExtensionsAndKeySchedule) {
  lets_through(Error::extension_repeated, [] {
    const Octets input = {6, 0, 1, 0, 0, 1, 0};
    Extensions extensions;
    TRY(decode(input, extensions));
    return check_no_repeats(extensions);
  });
  lets_through(Error::psk_type_unknown, [] {
    PreSharedKeyId id;
    return decode(Octets{3, 0, 0}, id);
  });
  lets_through(Error::psk_usage_unknown, [] {
    PreSharedKeyId id;
    return decode(Octets{2, 4, 0} + model::number(0, 8) + Octets{0}, id);
  });
  lets_through(Error::psk_count, [this] {
    PskSecret secret;
    return PskSecret::start(crypto, 65536, secret);
  });
}

TEST_F(RefusalTest, SecretTree) {
  HeapMemory memory;
  const Limits limits{.forward_distance = 2, .messages_per_epoch = 1};
  lets_through(Error::generation_too_far, [&] {
    SecretTree tree(crypto.suite(), memory, memory, limits);
    TRY(tree.start(std::move(Secret::zeros(32).value()), TreeSize::for_leaves(4)));
    PeekedKey peeked;
    return tree.peek(crypto, LeafIndex{0}, RatchetType::handshake, 3, peeked);
  });
  lets_through(Error::generation_too_far, [&] {  // of a sender that has been heard
    SecretTree tree(crypto.suite(), memory, memory, limits);
    TRY(tree.start(std::move(Secret::zeros(32).value()), TreeSize::for_leaves(4)));
    MessageKey key;
    TRY(tree.next(crypto, LeafIndex{0}, RatchetType::handshake, key));
    PeekedKey peeked;
    return tree.peek(crypto, LeafIndex{0}, RatchetType::handshake, 4, peeked);
  });
  lets_through(Error::message_limit, [&] {
    SecretTree tree(crypto.suite(), memory, memory, limits);
    TRY(tree.start(std::move(Secret::zeros(32).value()), TreeSize::for_leaves(4)));
    MessageKey key;
    TRY(tree.next(crypto, LeafIndex{0}, RatchetType::handshake, key));
    return tree.next(crypto, LeafIndex{0}, RatchetType::handshake, key);
  });
}

TEST_F(RefusalTest, Trees) {
  CircleAfter circle(7, {{4, {}}, {0, {}}, {0, {}, 1, false}});
  const auto spoiled = [&](Error error, const std::function<void(Spoiled&)>& defect) {
    Spoiled tree(circle);
    defect(tree);
    lets_through(error, [&, encoding = tree.encoding()] { return tree.answer(encoding); });
  };
  spoiled(Error::unmerged_not_between, [](Spoiled& tree) {
    tree.parent(11).unmerged_leaves = {};
    tree.refit(4, 11);
    tree.refit(0, 7);
  });
  spoiled(Error::parent_hash_invalid, [](Spoiled& tree) { tree.parent(7).encryption_key[0] ^= 1; });
  spoiled(Error::encryption_key_repeated, [&](Spoiled& tree) {
    tree.leaf(6, [&](LeafNode& leaf) { leaf.encryption_key = circle.tree.encryption_key(LeafIndex{3}); });
    tree.refit(4, 11);
    tree.refit(0, 7);
  });
  spoiled(Error::parent_key_repeated, [&](Spoiled& tree) {
    tree.parent(9).encryption_key = tree.parent(3).encryption_key;
    tree.refit(4, 11);
    tree.refit(0, 7);
  });
  CircleAfter with_blank(6, {{0, {}}});
  Spoiled blank(with_blank);
  blank.parent(7).unmerged_leaves = {7};
  lets_through(Error::unmerged_blank, [&] { return blank.answer(); });
}

TEST_F(RefusalTest, DraftsAndPaths) {
  CircleAfter circle(4, {{0, {}}, {2, {}}, {1, {}}, {3, {}}});
  const Circle::NewMember made = circle.new_member();
  lets_through(Error::too_many_leaves, [&] {
    const Limits limits{.leaves = 4};
    TreeDraft draft(circle.crypto, circle.tree, circle.memory, limits);
    TRY(draft.start());
    return draft.add(decoded_leaf(made.leaf)).error();
  });
  lets_through(Error::encryption_key_unchanged, [&] {
    TreeDraft draft = circle.begin();
    return draft.update({1}, circle.tree.leaf({1}));
  });
  lets_through(Error::leaf_blank, [&] {
    TreeDraft draft = circle.begin();
    TRY(draft.remove({1}));
    return draft.remove({1});
  });
  const auto path = [&](Error error, const std::function<void(PathModel&)>& defect) {
    PathModel broken(circle, LeafIndex{2});
    defect(broken);
    lets_through(error, [&, encoding = broken.encoding()]() -> Error {
      UpdatePath decoded;
      TRY(decode(encoding, decoded));
      TreeDraft draft = circle.begin();
      TRY(circle.receive(decoded, LeafIndex{2}, draft));
      PathKeys keys = circle.carried_over(circle.members.at(0), draft);
      Secret commit_secret;
      return circle.process(decoded, LeafIndex{2}, draft, keys, commit_secret);
    });
  };
  path(Error::path_ciphertext_count,
       [](PathModel& broken) { broken.nodes[0].ciphertexts.push_back(broken.nodes[0].ciphertexts[0]); });
  path(Error::path_key_in_tree, [&](PathModel& broken) {
    broken.nodes[0].key = model::octets(circle.tree.encryption_key(NodeIndex(1)));
  });
  path(Error::path_key_repeated, [](PathModel& broken) { broken.leaf.encryption_key = broken.nodes[0].key; });
  path(Error::path_key_mismatch, [&](PathModel& broken) { broken.nodes[1].key = noise(random, 32); });
  path(Error::path_length, [&](PathModel& broken) { broken.nodes.push_back({noise(random, 32), {}}); });
  path(Error::path_parent_hash, [](PathModel& broken) {
    broken.leaf.parent_hash = {};
    broken.keep_parent_hash = true;
  });
}

// Some refusals guard an operation that cannot go on without them: then another error shows that they were
// off.
TEST_F(RefusalTest, WhatGuardsAnOperationFailsOtherwise) {
  HeapMemory memory;
  SecretTree tree(crypto.suite(), memory, memory, {});
  ASSERT_EQ(tree.start(std::move(Secret::zeros(32).value()), TreeSize::for_leaves(4)), Error::none);
  PeekedKey peeked;
  switch_off(Error::leaf_outside_tree);
  EXPECT_EQ(tree.peek(crypto, LeafIndex{4}, RatchetType::handshake, 0, peeked), Error::generation_gone);

  CircleAfter unsorted(6, {{4, {}}, {0, {}}, {0, {}, 2, false}});
  Spoiled out_of_order(unsorted);
  out_of_order.parent(7).unmerged_leaves = {7, 6};
  EXPECT_EQ(out_of_order.answer(), Error::unmerged_not_sorted);
  switch_off(Error::unmerged_not_sorted);
  EXPECT_EQ(out_of_order.answer(), Error::parent_hash_invalid) << "the search for an entry needs the order";
}

TEST_F(RefusalTest, OnlyTheNamedOneIsOff) {
  switch_off(Error::trailing_bytes);
  EXPECT_TRUE(switched_off(Error::trailing_bytes));
  EXPECT_FALSE(switched_off(Error::truncated));
  List<std::uint16_t> list;
  EXPECT_EQ(decode(Octets{3, 0, 1, 0}, list), Error::list_not_whole);
  std::uint16_t value = 0;
  EXPECT_EQ(decode(Octets{1}, value), Error::truncated) << "bounds checks cannot be switched off";
  switch_off(Error::truncated);
  EXPECT_EQ(decode(Octets{1}, value), Error::truncated);
}

}  // namespace
}  // namespace tacet
