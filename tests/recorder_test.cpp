#include "spec/adversary/recorder.h"

#include <gtest/gtest.h>

#include "evidence.h"
#include "memories.h"
#include "model.h"
#include "protocol/tacet.h"
#include "spec/adversary/reveal.h"
#include "spec/adversary/seeded_random.h"

namespace tacet::adversary {
namespace {

class RecorderTest : public ::testing::Test {
 protected:
  RecorderTest() {
    EXPECT_EQ(crypto.random_secret(32, secret), Error::none);
    EXPECT_EQ(crypto.derive_key_pair(secret, private_key, public_key), Error::none);
    log.clear();
  }

  // The operations in their order, those inside a KEM operation in brackets.
  std::string story() const {
    std::string text;
    for (const Call& call : log.calls()) {
      const std::string name = name_of(call.operation);
      text += (text.empty() ? "" : " ") + (call.depth > 0 ? "[" + name + "]" : name);
    }
    return text;
  }

  SeededRandom random{7};
  Log log;
  Recorder crypto{log, random, 42};
  TestMemory memory;
  Secret secret, private_key;
  std::array<std::uint8_t, 32> public_key{}, kem_output{};
  std::array<std::uint8_t, 48> sealed{};
};

TEST_F(RecorderTest, SeesWhatAnHpkeSealIsMadeOf) {
  ASSERT_EQ(encrypt_with_label(crypto, public_key, "Welcome", {}, {secret}, memory, kem_output, sealed),
            Error::none);
  EXPECT_EQ(
      story(),
      "mac mac [random_secret] [x25519] [x25519_base] [extract] [expand] encap extract expand expand seal");
  log.clear();
  Secret opened;
  ASSERT_EQ(decrypt_with_label(crypto, {private_key, public_key}, "Welcome", {}, kem_output, sealed, opened),
            Error::none);
  EXPECT_EQ(story(), "mac mac [x25519] [extract] [expand] decap extract expand expand open");
}

TEST_F(RecorderTest, KeepsTheBytesAndWhatTheyAre) {
  Secret out;
  ASSERT_EQ(crypto.expand_with_label(secret, "label", {bytes_of("context")}, 32, out), Error::none);
  ASSERT_EQ(log.calls().size(), 1u);
  const Call& call = log.calls()[0];
  EXPECT_EQ(call.endpoint, 42u);
  EXPECT_EQ(call.operation, Operation::expand);
  EXPECT_EQ(call.result, Error::none);
  ASSERT_EQ(call.inputs.size(), 2u);
  EXPECT_STREQ(call.inputs[0].role, "prk");
  EXPECT_EQ(call.inputs[0].nature, Nature::secret);
  EXPECT_EQ(call.inputs[0].bytes, model::octets(reveal(secret)));
  EXPECT_EQ(call.inputs[1].nature, Nature::open);
  using model::operator+;
  EXPECT_EQ(call.inputs[1].bytes,
            model::number(32, 2) + model::vector("MLS 1.0 label") + model::vector("context"));
  ASSERT_EQ(call.outputs.size(), 1u);
  EXPECT_EQ(call.outputs[0].nature, Nature::secret);
  EXPECT_EQ(call.outputs[0].bytes, model::octets(reveal(out)));
}

TEST_F(RecorderTest, KeepsThePiecesOfAnExtractApart) {
  Secret out;
  ASSERT_EQ(crypto.extract(secret, {bytes_of("label"), Bytes{}, private_key}, out), Error::none);
  const Call& call = log.calls().at(0);
  ASSERT_EQ(call.inputs.size(), 4u);
  EXPECT_STREQ(call.inputs[0].role, "salt");
  EXPECT_EQ(call.inputs[0].bytes, model::octets(reveal(secret)));
  for (std::size_t piece = 1; piece < 4; ++piece) EXPECT_STREQ(call.inputs[piece].role, "ikm");
  EXPECT_EQ(call.inputs[1].bytes, model::octets("label"));
  EXPECT_TRUE(call.inputs[2].bytes.empty());
  EXPECT_EQ(call.inputs[3].bytes, model::octets(reveal(private_key)));
}

TEST_F(RecorderTest, StreamsWhatItDoesNotKeep) {
  Log streamed(true);
  std::vector<Call> seen;
  streamed.stream([&](const Call& call) { seen.push_back(call); });
  Recorder streaming(streamed, random, 3);
  Secret out;
  ASSERT_EQ(streaming.derive_secret(secret, "label", out), Error::none);
  EXPECT_TRUE(streamed.calls().empty());
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].endpoint, 3u);
  EXPECT_EQ(seen[0].operation, Operation::expand);
  EXPECT_EQ(seen[0].outputs.at(0).bytes, model::octets(reveal(out)));
}

TEST_F(RecorderTest, SealsAndOpensInPlaceWithoutLosingTheInput) {
  std::uint8_t message[4 + 16] = {1, 2, 3, 4};
  Secret nonce;
  ASSERT_EQ(crypto.random_secret(12, nonce), Error::none);
  log.clear();
  ASSERT_EQ(crypto.seal(secret, nonce, {}, Bytes(message, 4), message), Error::none);
  EXPECT_EQ(log.calls()[0].inputs.back().bytes, (model::Octets{1, 2, 3, 4}));
  const model::Octets ciphertext(message, message + sizeof message);
  ASSERT_EQ(crypto.open(secret, nonce, {}, message, message), Error::none);
  EXPECT_EQ(log.calls()[1].inputs.back().bytes, ciphertext);
  EXPECT_EQ(log.calls()[1].outputs[0].bytes, (model::Octets{1, 2, 3, 4}));
}

TEST_F(RecorderTest, LogsFailuresToo) {
  std::array<std::uint8_t, 32> low{};
  ASSERT_EQ(crypto.encap(low, kem_output, secret), Error::kem_low_order);
  EXPECT_EQ(story(), "[random_secret] [x25519] encap");
  EXPECT_EQ(log.calls().back().result, Error::kem_low_order);
}

// The key schedule's calls are counted against the RFC: 13 HMACs, which are 2 extracts and 11 expands.
TEST_F(RecorderTest, CountsTheKeySchedule) {
  Log counts(true);
  Recorder counted(counts, random);
  Secret joiner;
  EpochSecrets secrets;
  ASSERT_EQ(derive_joiner_secret(counted, secret, {}, {}, joiner), Error::none);
  ASSERT_EQ(derive_epoch_secrets(counted, joiner, {}, {}, secrets), Error::none);
  EXPECT_EQ(counts.count(Operation::extract), 2u);
  EXPECT_EQ(counts.count(Operation::expand), 11u);
  EXPECT_EQ(counts.count(Operation::hash) + counts.count(Operation::mac), 0u);
  EXPECT_TRUE(counts.calls().empty());
}

// A message of a sender heard costs 3 expands; the first one of a sender 2d + 2 more (RFC 9420, 9).
TEST_F(RecorderTest, CountsTheSecretTree) {
  Log counts(true);
  Recorder counted(counts, random);
  SecretTree tree(counted.suite(), memory, memory, {});
  ASSERT_EQ(tree.start(std::move(Secret::zeros(32).value()), TreeSize::for_leaves(8192)), Error::none);
  PeekedKey peeked;
  ASSERT_EQ(tree.peek(counted, LeafIndex{4000}, RatchetType::application, 0, peeked), Error::none);
  tree.adopt(peeked);
  EXPECT_EQ(counts.count(Operation::expand), 2 * 13 + 2 + 3u);
  counts.clear();
  ASSERT_EQ(tree.peek(counted, LeafIndex{4000}, RatchetType::application, 1, peeked), Error::none);
  tree.adopt(peeked);
  EXPECT_EQ(counts.count(Operation::expand), 3u);
  counts.clear();
  ASSERT_EQ(tree.peek(counted, LeafIndex{4001}, RatchetType::application, 0, peeked), Error::none);
  tree.adopt(peeked);
  EXPECT_EQ(counts.count(Operation::expand), 2 + 3u) << "a neighbour's path is already there";
}

TEST(SeededRandomTest, IsTheSameForTheSameSeed) {
  SeededRandom a(1), b(1), c(2);
  std::uint8_t from_a[100], from_b[100], from_c[100];
  ASSERT_EQ(a.fill(from_a), Error::none);
  ASSERT_EQ(b.fill(from_b), Error::none);
  ASSERT_EQ(c.fill(from_c), Error::none);
  EXPECT_TRUE(equal(from_a, from_b));
  EXPECT_FALSE(equal(from_a, from_c));
  ASSERT_EQ(b.fill(from_b), Error::none);
  EXPECT_FALSE(equal(from_a, from_b)) << "it goes on";
  // SHA-256(seed || counter), little-endian: fixed for ever, as published vectors depend on it.
  const model::Octets input = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(model::octets(Bytes(from_a, 32)), model::hash(input));
}

}  // namespace
}  // namespace tacet::adversary
