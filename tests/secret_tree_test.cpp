#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

#include "evidence.h"
#include "secret_trees.h"

namespace tacet {
namespace {

using evidence::refused;
using evidence::shows;

TEST_F(SecretTreeTest, EveryLeafOfEverySizeHasTheModelsKeys) {
  for (unsigned depth = 0; depth <= 5; ++depth) {
    SecretTree tree = make(depth);
    for (std::uint32_t i = 0; i < 1u << depth; ++i) {
      const std::uint32_t leaf = (i * 11 + 5) & ((1u << depth) - 1);  // not from the left
      for (const RatchetType type : both_types) {
        for (std::uint32_t generation = 0; generation < 3; ++generation) {
          ASSERT_EQ(receive(tree, leaf, type, generation), Error::none);
        }
      }
    }
  }
  shows("SECTREE-01, SECTREE-02, SECTREE-04");
}

TEST_F(SecretTreeTest, LeavesOutsideTheTreeAreRefused) {
  SecretTree tree = make(3);
  for (const std::uint32_t leaf : {8u, 1u << 29, 1u << 30, 1u << 31, 0xffffffffu}) {
    EXPECT_EQ(receive(tree, leaf, RatchetType::application, 0), Error::leaf_outside_tree);
  }
  EXPECT_EQ(tree.senders_heard(), 0u);
}

TEST_F(SecretTreeTest, MessagesComeInAnyOrderAndOnce) {
  SecretTree tree = make(2);
  for (const std::uint32_t generation : {3u, 1u, 2u, 0u}) {
    ASSERT_EQ(receive(tree, 1, RatchetType::application, generation), Error::none);
  }
  shows("SECTREE-07");
  const auto before = secrets.contents();
  for (std::uint32_t generation = 0; generation < 4; ++generation) {
    const Error error = receive(tree, 1, RatchetType::application, generation);
    const bool state_equal = secrets.contents() == before;
    EXPECT_TRUE(state_equal);
    refused("SECTREE-06", Error::generation_gone, error, {.state_equal = state_equal});
  }
  const Error genuine = receive(tree, 1, RatchetType::application, 4);
  EXPECT_EQ(genuine, Error::none);
  refused("SECTREE-06", Error::generation_gone, receive(tree, 1, RatchetType::application, 4),
          {.state_equal = true, .genuine_accepted = genuine == Error::none});
}

TEST_F(SecretTreeTest, ForgedMessagesSpendNothing) {
  SecretTree tree = make(4);
  ASSERT_EQ(receive(tree, 3, RatchetType::application, 2), Error::none);
  const auto before = secrets.contents(), bookkeeping = plain.contents();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(peek_and_drop(tree, 3, RatchetType::application, 0), Error::none);
    ASSERT_EQ(peek_and_drop(tree, 3, RatchetType::application, 9), Error::none);
    ASSERT_EQ(peek_and_drop(tree, 3, RatchetType::handshake, 0), Error::none);
  }
  EXPECT_EQ(secrets.contents(), before);
  EXPECT_EQ(plain.contents(), bookkeeping);
  ASSERT_EQ(peek_and_drop(tree, 12, RatchetType::application, 5), Error::none);  // not heard before
  EXPECT_EQ(tree.senders_heard(), 1u);
  EXPECT_EQ(tree.keys_skipped(), 2u);
  for (const std::uint32_t generation : {0u, 1u, 3u, 9u}) {
    EXPECT_EQ(receive(tree, 3, RatchetType::application, generation), Error::none);
  }
  EXPECT_EQ(receive(tree, 12, RatchetType::application, 5), Error::none);
}

TEST_F(SecretTreeTest, ForwardDistanceIsLimited) {
  const Limits limits{.forward_distance = 10};
  SecretTree tree = make(3, limits);
  for (const bool heard : {false, true}) {
    const std::uint32_t next = heard ? 11 : 0;
    const auto before = secrets.contents();
    for (const std::uint32_t generation : {next + 11, 0xffffffffu}) {
      refused("SECTREE-09", Error::generation_too_far, receive(tree, 2, RatchetType::application, generation),
              {.state_equal = secrets.contents() == before});
    }
    EXPECT_EQ(secrets.contents(), before);
    EXPECT_EQ(receive(tree, 2, RatchetType::application, next + 10), Error::none) << "at the limit";
  }
}

TEST_F(SecretTreeTest, SkippedKeysAreKeptWithinTheWindowAndThePool) {
  const Limits limits{.forward_distance = 100, .out_of_order_window = 4, .skipped_keys = 6};
  SecretTree tree = make(3, limits);
  ASSERT_EQ(receive(tree, 0, RatchetType::application, 10), Error::none);
  EXPECT_EQ(tree.keys_skipped(), 4u);
  EXPECT_EQ(receive(tree, 0, RatchetType::application, 5), Error::generation_gone) << "before the window";
  EXPECT_EQ(receive(tree, 0, RatchetType::application, 6), Error::none);
  ASSERT_EQ(receive(tree, 1, RatchetType::handshake, 4), Error::none);
  EXPECT_EQ(tree.keys_skipped(), 6u) << "the pool is full: 7 kept, the oldest dropped";
  EXPECT_EQ(receive(tree, 0, RatchetType::application, 7), Error::generation_gone) << "the oldest";
  EXPECT_EQ(receive(tree, 0, RatchetType::application, 8), Error::none);
  EXPECT_EQ(receive(tree, 0, RatchetType::application, 11), Error::none);
  EXPECT_EQ(receive(tree, 0, RatchetType::application, 12), Error::none);
  EXPECT_EQ(receive(tree, 0, RatchetType::application, 14), Error::none);
  EXPECT_EQ(receive(tree, 0, RatchetType::application, 9), Error::generation_gone) << "the window moved on";
  for (std::uint32_t generation = 0; generation < 4; ++generation) {
    EXPECT_EQ(receive(tree, 1, RatchetType::handshake, generation), Error::none);
  }
  shows("SECTREE-08");
}

TEST_F(SecretTreeTest, TheCounterDoesNotWrap) {
  const Octets secret(32, 0x31);
  SavedTree saved;
  model.depth = 1;
  saved.senders = {{0, {0, 0xfffffffe}, {model.ratchet_secret(0, RatchetType::handshake, 0), secret}}};
  SecretTree tree = empty();
  ASSERT_EQ(saved.restore(tree, 1, secrets), Error::none);
  MessageKey key;
  ASSERT_EQ(tree.next(crypto, LeafIndex{0}, RatchetType::application, key), Error::none);
  EXPECT_EQ(key.generation, 0xfffffffe);
  const Octets last = model::expand_with_label(secret, "secret", model::number(0xfffffffe, 4), 32);
  ASSERT_EQ(tree.next(crypto, LeafIndex{0}, RatchetType::application, key), Error::none);
  EXPECT_EQ(key.generation, 0xffffffff);
  EXPECT_EQ(octets(key.key), model::expand_with_label(last, "key", model::number(0xffffffff, 4), 32));
  const auto before = secrets.contents();
  const Error error = tree.next(crypto, LeafIndex{0}, RatchetType::application, key);
  refused("SECTREE-10", Error::generation_exhausted, error, {.state_equal = secrets.contents() == before});
  EXPECT_EQ(receive(tree, 0, RatchetType::application, 0), Error::generation_gone);
  EXPECT_EQ(receive(tree, 0, RatchetType::application, 0xffffffff), Error::generation_gone);
  EXPECT_FALSE(secrets.holds(last)) << "the last secret of the ratchet is erased too";
  EXPECT_EQ(receive(tree, 0, RatchetType::handshake, 0), Error::none) << "the other ratchet goes on";
}

TEST_F(SecretTreeTest, EveryMessageSentHasAKeyOfItsOwn) {
  SecretTree tree = make(4);
  std::map<std::string, int> keys;
  for (const RatchetType type : both_types) {
    for (std::uint32_t i = 0; i < 100; ++i) {
      MessageKey key;
      ASSERT_EQ(tree.next(crypto, LeafIndex{7}, type, key), Error::none);
      EXPECT_EQ(key.generation, i);
      EXPECT_EQ(++keys[model::hex(reveal(key.key))], 1);
    }
    EXPECT_EQ(receive(tree, 7, type, 99), Error::generation_gone) << "one's own messages cannot be opened";
  }
  shows("SECTREE-05");
  SecretTree next_epoch = make(4);
  MessageKey key;
  for (const RatchetType type : both_types) {
    ASSERT_EQ(next_epoch.next(crypto, LeafIndex{7}, type, key), Error::none);
    EXPECT_EQ(key.generation, 0u);
  }
  shows("SECTREE-11");
}

TEST_F(SecretTreeTest, MessagesOfAnEpochAreLimited) {
  SecretTree tree = make(2, {.messages_per_epoch = 3});
  MessageKey key;
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(tree.next(crypto, LeafIndex{0}, RatchetType::application, key), Error::none);
  EXPECT_EQ(tree.next(crypto, LeafIndex{0}, RatchetType::application, key), Error::message_limit);
  EXPECT_EQ(tree.next(crypto, LeafIndex{0}, RatchetType::handshake, key), Error::none)
      << "each type has its own";
  shows("SECTREE-14");
}

// The example of section 9.2: D's message of generation 1 is read before that of generation 0.
TEST_F(SecretTreeTest, WhatIsConsumedIsErased) {
  SecretTree tree = make(2);
  const std::uint32_t d = 3;
  const auto ratchet = [&](RatchetType type, std::uint32_t generation) {
    return model.ratchet_secret(d, type, generation);
  };
  ASSERT_TRUE(secrets.holds(model.root));
  ASSERT_EQ(receive(tree, d, RatchetType::application, 1), Error::none);

  EXPECT_FALSE(secrets.holds(model.key(d, RatchetType::application, 1))) << "K1";
  EXPECT_FALSE(secrets.holds(model.nonce(d, RatchetType::application, 1))) << "N1";
  EXPECT_FALSE(secrets.holds(ratchet(RatchetType::application, 0))) << "AR0";
  EXPECT_FALSE(secrets.holds(ratchet(RatchetType::application, 1))) << "AR1";
  EXPECT_FALSE(secrets.holds(model.node_secret(d, 0))) << "D";
  EXPECT_FALSE(secrets.holds(model.node_secret(d, 1))) << "F";
  EXPECT_FALSE(secrets.holds(model.root)) << "G";

  EXPECT_TRUE(secrets.holds(model.key(d, RatchetType::application, 0))) << "K0";
  EXPECT_TRUE(secrets.holds(model.nonce(d, RatchetType::application, 0))) << "N0";
  EXPECT_TRUE(secrets.holds(ratchet(RatchetType::application, 2))) << "AR2";
  EXPECT_TRUE(secrets.holds(ratchet(RatchetType::handshake, 0))) << "HR0";
  EXPECT_TRUE(secrets.holds(model.node_secret(0, 1))) << "E";
  EXPECT_TRUE(secrets.holds(model.node_secret(2, 0))) << "C";

  ASSERT_EQ(receive(tree, d, RatchetType::application, 0), Error::none);
  EXPECT_FALSE(secrets.holds(model.key(d, RatchetType::application, 0)));
  ASSERT_EQ(receive(tree, d, RatchetType::application, 5), Error::none);
  for (std::uint32_t generation = 0; generation <= 5; ++generation) {
    EXPECT_FALSE(secrets.holds(ratchet(RatchetType::application, generation))) << generation;
  }
  shows("SECTREE-15");
}

TEST_F(SecretTreeTest, WhatIsReleasedIsWiped) {
  {
    SecretTree tree = make(3);
    secrets.must_not_be_released(model.node_secret(0, 2));
    secrets.must_not_be_released(model.ratchet_secret(5, RatchetType::handshake, 1));
    secrets.must_not_be_released(model.key(5, RatchetType::handshake, 0));
    ASSERT_EQ(receive(tree, 5, RatchetType::handshake, 0), Error::none);
    ASSERT_EQ(receive(tree, 6, RatchetType::handshake, 2), Error::none);
  }
  EXPECT_EQ(secrets.released_secrets(), 0u);
  EXPECT_EQ(secrets.live(), 0u);
  EXPECT_EQ(plain.live(), 0u);
}

TEST_F(SecretTreeTest, FullMemoryChangesNothingAndTheRetrySucceeds) {
  for (TestMemory* memory : {&plain, &secrets}) {
    bool failed = true;
    for (std::size_t n = 0; failed; ++n) {
      failed = false;
      const auto retried = [&](auto step) {
        Error error = step();
        if (error == Error::out_of_memory) {
          failed = true;
          error = step();
        }
        return error;
      };
      memory->fail_at(memory->calls() + n);
      SecretTree tree(crypto.suite(), plain, secrets, {});
      model.depth = 6;
      ASSERT_EQ(retried([&] { return tree.start(secret_of(model.root), TreeSize::for_leaves(64)); }),
                Error::none);
      for (std::uint32_t leaf = 0; leaf < 64; leaf += 3) {
        ASSERT_EQ(retried([&] { return receive(tree, leaf, RatchetType::application, 1); }), Error::none);
        EXPECT_EQ(tree.senders_heard(), leaf / 3 + 1);
      }
    }
    memory->fail_at(SIZE_MAX);
  }
}

TEST_F(SecretTreeTest, OnlyANewSenderCostsMemory) {
  SecretTree tree = make(13);
  ASSERT_EQ(receive(tree, 77, RatchetType::application, 0), Error::none);
  const std::size_t calls = plain.calls() + secrets.calls();
  for (const std::uint32_t generation : {5u, 2u, 60u, 61u, 1u}) {
    static_cast<void>(receive(tree, 77, RatchetType::application, generation));
    ASSERT_EQ(peek_and_drop(tree, 77, RatchetType::handshake, generation), Error::none);
  }
  EXPECT_EQ(plain.calls() + secrets.calls(), calls);
}

// At most 160 bytes for each sender heard, and 64 KiB beside (spec/README.md), in a group of 5,000 whichever
// senders are heard: evenly spread ones leave the most subtrees between them.
TEST_F(SecretTreeTest, MemoryGrowsWithTheSendersHeard) {
  for (const std::uint32_t spread : {1u, 2u, 3u, 5u, 16u, 100u, 5000u}) {
    SecretTree tree = make(13);
    std::size_t heard = 0;
    for (std::uint32_t leaf = 0; leaf < 5000; leaf += spread) {
      PeekedKey peeked;
      ASSERT_EQ(tree.peek(crypto, LeafIndex{leaf}, RatchetType::application, 0, peeked), Error::none);
      tree.adopt(peeked);
      ++heard;
      ASSERT_LE(plain.live() + secrets.live(), 160 * heard + 65536) << heard << " heard, spread " << spread;
    }
  }
  SecretTree large = make(30);
  EXPECT_LT(plain.live() + secrets.live(), 4096u) << "a tree of 2^30 leaves, nobody heard";
  EXPECT_EQ(receive(large, (1u << 30) - 1, RatchetType::application, 0), Error::none);
}

TEST_F(SecretTreeTest, SenderDataKeyIsOfTheCiphertextsSample) {
  const Octets secret(32, 0x51);
  for (const std::size_t size : {0u, 1u, 20u, 31u, 32u, 33u, 1000u}) {
    Octets ciphertext(size);
    for (std::size_t i = 0; i < size; ++i) ciphertext[i] = static_cast<std::uint8_t>(i);
    const Octets sample(ciphertext.begin(),
                        ciphertext.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(size, 32)));
    Secret key, nonce;
    ASSERT_EQ(derive_sender_data_key(crypto, view(secret), ciphertext, key, nonce), Error::none);
    EXPECT_EQ(octets(key), model::expand_with_label(secret, "key", sample, 32));
    EXPECT_EQ(octets(nonce), model::expand_with_label(secret, "nonce", sample, 12));
  }
  shows("FRAME-43, FRAME-44");
}

// What a receiver must know, in plain containers: which generations it has keys for, under small limits.
class ReceiverModel {
 public:
  explicit ReceiverModel(const Limits& limits) : limits_(limits) {}

  struct Place {
    std::uint32_t leaf;
    RatchetType type;
    std::uint32_t generation;
    bool operator==(const Place&) const = default;
  };

  Error receive(const Place& place, bool opens) {
    std::uint32_t& next = next_[{place.leaf, place.type}];
    if (place.generation < next) {
      const auto found = std::find(skipped_.begin(), skipped_.end(), place);
      if (found == skipped_.end()) return Error::generation_gone;
      if (opens) skipped_.erase(found);
      return Error::none;
    }
    if (place.generation - next > limits_.forward_distance) return Error::generation_too_far;
    if (!opens) return Error::none;
    for (; next < place.generation; ++next) skipped_.push_back({place.leaf, place.type, next});
    ++next;
    std::erase_if(skipped_, [&](const Place& old) {
      return old.leaf == place.leaf && old.type == place.type &&
             place.generation - old.generation > limits_.out_of_order_window;
    });
    while (skipped_.size() > limits_.skipped_keys) skipped_.erase(skipped_.begin());
    return Error::none;
  }
  std::size_t keys_skipped() const { return skipped_.size(); }

 private:
  Limits limits_;
  std::map<std::pair<std::uint32_t, RatchetType>, std::uint32_t> next_;
  std::vector<Place> skipped_;  // the oldest first
};

RC_GTEST_FIXTURE_PROP(SecretTreeTest, AnyOrderOfMessagesIsReadAsTheModelSays, ()) {
  const Limits limits{.forward_distance = 12, .out_of_order_window = 5, .skipped_keys = 8};
  SecretTree tree = make(2, limits);
  ReceiverModel receiver(limits);
  const auto steps = *rc::gen::inRange(1, 60);
  for (int i = 0; i < steps; ++i) {
    const auto leaf = *rc::gen::inRange<std::uint32_t>(0, 4);
    const auto type = *rc::gen::element(RatchetType::handshake, RatchetType::application);
    const auto generation = *rc::gen::inRange<std::uint32_t>(0, 30);
    const auto opens = *rc::gen::arbitrary<bool>();
    const Error expected = receiver.receive({leaf, type, generation}, opens);
    RC_ASSERT((opens ? receive(tree, leaf, type, generation) : peek_and_drop(tree, leaf, type, generation)) ==
              expected);
    RC_ASSERT(tree.keys_skipped() == receiver.keys_skipped());
  }
}

}  // namespace
}  // namespace tacet
