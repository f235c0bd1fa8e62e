#include "protocol/crypto.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "evidence.h"
#include "memories.h"
#include "protocol/sodium.h"
#include "secrets.h"
#include "spec/adversary/seeded_random.h"

namespace tacet {
namespace {

using evidence::refused;
using evidence::shows;
using model::Octets;
using model::operator+;

class CryptoTest : public ::testing::Test {
 protected:
  adversary::SeededRandom random{1};
  Sodium crypto{random};
  TestMemory memory;
  const Octets key = model::unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const Octets nonce = model::unhex("202122232425262728292a2b");
};

TEST_F(CryptoTest, SuitesAreThoseOfTheRegistry) {
  struct Row {
    std::uint16_t suite, kem, kdf, aead, signature;
    std::size_t nh, nk, kem_public_key, signature_key;
  };
  const Row rows[] = {// RFC 9420, 17.1, with the code points of RFC 9180, 7, and of TLS
                      {1, 0x20, 1, 1, 0x0807, 32, 16, 32, 32},   {2, 0x10, 1, 1, 0x0403, 32, 16, 65, 65},
                      {3, 0x20, 1, 3, 0x0807, 32, 32, 32, 32},   {4, 0x21, 3, 2, 0x0808, 64, 32, 56, 57},
                      {5, 0x12, 3, 2, 0x0603, 64, 32, 133, 133}, {6, 0x21, 3, 3, 0x0808, 64, 32, 56, 57},
                      {7, 0x11, 2, 2, 0x0503, 48, 32, 97, 97}};
  for (const Row& row : rows) {
    const SuiteParameters* suite = suite_parameters(CipherSuite{row.suite});
    ASSERT_NE(suite, nullptr);
    EXPECT_EQ(suite->kem_id, row.kem);
    EXPECT_EQ(suite->kdf_id, row.kdf);
    EXPECT_EQ(suite->aead_id, row.aead);
    EXPECT_EQ(suite->signature_scheme, row.signature);
    EXPECT_EQ(suite->hash_size, row.nh);
    EXPECT_EQ(suite->key_size, row.nk);
    EXPECT_EQ(suite->nonce_size, 12u);
    EXPECT_EQ(suite->tag_size, 16u);
    EXPECT_EQ(suite->kem_public_key_size, row.kem_public_key);
    EXPECT_EQ(suite->signature_public_key_size, row.signature_key);
  }
  EXPECT_EQ(suite_parameters(CipherSuite{0}), nullptr);
  EXPECT_EQ(suite_parameters(CipherSuite{8}), nullptr);
  EXPECT_EQ(crypto.suite().suite, CipherSuite::x25519_chacha20poly1305_sha256_ed25519);
  shows("CRYPTO-18");
}

RC_GTEST_FIXTURE_PROP(CryptoTest, HashMacExtractAndExpandAreTheModels, ()) {
  const auto a = *rc::gen::arbitrary<Octets>();
  const auto b = *rc::gen::arbitrary<Octets>();
  Digest digest;
  RC_ASSERT(crypto.hash({Bytes(a), Bytes(b)}, digest) == Error::none);
  RC_ASSERT(model::octets(digest) == model::hash(a + b));
  RC_ASSERT(crypto.mac(view(a), {Bytes(b), Bytes(a)}, digest) == Error::none);
  RC_ASSERT(model::octets(digest) == model::hmac(a, b + a));
  Secret secret;
  RC_ASSERT(crypto.extract(Bytes(a), {Bytes(b), Bytes(a)}, secret) == Error::none);
  RC_ASSERT(octets(secret) == model::extract(a, b + a));
  const auto size = *rc::gen::inRange<std::size_t>(0, Secret::max_size + 1);
  RC_ASSERT(crypto.expand(view(a), {Bytes(b)}, size, secret) == Error::none);
  RC_ASSERT(octets(secret) == model::expand(a, b, size));
  shows("CRYPTO-19");
}

RC_GTEST_FIXTURE_PROP(CryptoTest, LabelledDerivationsAreTheModels, ()) {
  const auto secret = *rc::gen::container<Octets>(32, rc::gen::arbitrary<std::uint8_t>());
  const auto label = *rc::gen::arbitrary<std::string>();
  const auto context = *rc::gen::arbitrary<Octets>();
  const auto generation = *rc::gen::arbitrary<std::uint32_t>();
  const SecretView view(secret.data(), secret.size());
  Secret out;
  RC_ASSERT(crypto.expand_with_label(view, label, {Bytes(context)}, 48, out) == Error::none);
  RC_ASSERT(octets(out) == model::expand_with_label(secret, label, context, 48));
  RC_ASSERT(crypto.derive_secret(view, label, out) == Error::none);
  RC_ASSERT(octets(out) == model::expand_with_label(secret, label, {}, 32));
  RC_ASSERT(crypto.derive_tree_secret(view, label, generation, 12, out) == Error::none);
  RC_ASSERT(octets(out) == model::expand_with_label(secret, label, model::number(generation, 4), 12));
  Octets exported(70);
  RC_ASSERT(crypto.expand_for_application(view, label, {Bytes(context)}, exported) == Error::none);
  RC_ASSERT(exported == model::expand_with_label(secret, label, context, 70));
  Digest reference;
  RC_ASSERT(crypto.ref_hash(label, {Bytes(context)}, reference) == Error::none);
  RC_ASSERT(model::octets(reference) == model::hash(model::vector(label) + model::vector(context)));
  shows("KEYSCHED-01, KEYSCHED-02, SECTREE-03, CRYPTO-14");
}

TEST_F(CryptoTest, ExpandRefusesWhatItCannotProduce) {
  Secret out;
  EXPECT_EQ(crypto.expand(view(key), {}, Secret::max_size + 1, out), Error::secret_length);
  EXPECT_TRUE(out.empty());
  Octets longest(255 * 32 + 1);
  const SecretView secret(key.data(), key.size());
  EXPECT_EQ(crypto.expand_for_application(secret, "label", {}, MutableBytes(longest).first(255 * 32)),
            Error::none);
  EXPECT_EQ(Octets(longest.begin(), longest.end() - 1), model::expand_with_label(key, "label", {}, 255 * 32));
  refused("KEYSCHED-28", Error::expand_length, crypto.expand_for_application(secret, "label", {}, longest));
}

TEST_F(CryptoTest, MacIsComparedWithItsLength) {
  const SecretView mac_key(key.data(), key.size());
  const Octets message = model::octets("message");
  Digest tag;
  ASSERT_EQ(crypto.mac(mac_key, {Bytes(message)}, tag), Error::none);
  EXPECT_EQ(crypto.check_mac(mac_key, {Bytes(message)}, tag), Error::none);
  for (std::size_t size = 0; size < tag.bytes().size(); ++size) {
    EXPECT_EQ(crypto.check_mac(mac_key, {Bytes(message)}, tag.bytes().first(size)), Error::mac_mismatch);
  }
  Octets longer = model::octets(tag) + Octets{0};
  EXPECT_EQ(crypto.check_mac(mac_key, {Bytes(message)}, longer), Error::mac_mismatch);
  for (std::size_t bit = 0; bit < 256; ++bit) {
    Octets wrong = model::octets(tag);
    wrong[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    EXPECT_EQ(crypto.check_mac(mac_key, {Bytes(message)}, wrong), Error::mac_mismatch);
  }
}

// RFC 8439, 2.8.2, with the nonce of the IETF construction.
TEST_F(CryptoTest, AeadIsThatOfRfc8439) {
  const Octets aead_key = model::unhex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
  const Octets aead_nonce = model::unhex("070000004041424344454647");
  const Octets aad = model::unhex("50515253c0c1c2c3c4c5c6c7");
  const std::string text =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen "
      "would "
      "be it.";
  const std::string expected =
      "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de"
      "0a9e06"
      "0b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de5"
      "76d265"
      "86cec64b61161ae10b594f09e26a7e902ecbd0600691";
  const SecretView k(aead_key.data(), aead_key.size()), n(aead_nonce.data(), aead_nonce.size());
  Octets out(text.size() + 16);
  ASSERT_EQ(crypto.seal(k, n, aad, bytes_of(text), out), Error::none);
  EXPECT_EQ(model::hex(out), expected);
  ASSERT_EQ(crypto.open(k, n, aad, out, MutableBytes(out).first(text.size())), Error::none);  // in place
  out.resize(text.size());
  EXPECT_EQ(out, model::octets(text));
}

TEST_F(CryptoTest, WhatDoesNotAuthenticateIsZeroed) {
  const SecretView k = view(key), n = view(nonce);
  const Octets plaintext = model::octets("a plaintext");
  Octets sealed(plaintext.size() + 16);
  ASSERT_EQ(crypto.seal(k, n, {}, plaintext, sealed), Error::none);
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    Octets wrong = sealed;
    wrong[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    Octets out(plaintext.size(), 0xee);
    EXPECT_EQ(crypto.open(k, n, {}, wrong, out), Error::not_authentic);
    EXPECT_EQ(out, model::zeros(out.size()));
    Secret secret;
    EXPECT_EQ(crypto.open_secret(k, n, {}, wrong, secret), Error::not_authentic);
    EXPECT_TRUE(secret.empty());
  }
  Octets out(100);
  for (std::size_t size = 0; size < 16; ++size) {
    EXPECT_EQ(crypto.open(k, n, {}, Bytes(sealed).first(size), out), Error::not_authentic);
  }
}

TEST_F(CryptoTest, SizesOfKeysNoncesAndOutputsAreChecked) {
  const SecretView k = view(key), n = view(nonce);
  Octets out(8 + 16);
  const Octets plaintext(8);
  EXPECT_EQ(crypto.seal({key.data(), 31}, n, {}, plaintext, out), Error::secret_length);
  EXPECT_EQ(crypto.seal(k, {nonce.data(), 11}, {}, plaintext, out), Error::secret_length);
  EXPECT_EQ(crypto.seal(k, n, {}, plaintext, MutableBytes(out).first(23)), Error::output_too_small);
  EXPECT_EQ(crypto.open(k, n, {}, out, MutableBytes(out).first(7)), Error::output_too_small);
  EXPECT_EQ(out, model::zeros(out.size()));
  Secret guarded;
  EXPECT_EQ(crypto.guard_nonce({nonce.data(), 11}, {}, guarded), Error::secret_length);
  const Octets too_long(Secret::max_size + 1);
  EXPECT_EQ(Secret::copy_of(too_long).error(), Error::secret_length);
  EXPECT_EQ(Secret::zeros(Secret::max_size + 1).error(), Error::secret_length);
  EXPECT_EQ(crypto.random_secret(Secret::max_size + 1, guarded), Error::secret_length);
}

TEST_F(CryptoTest, ReuseGuardTouchesTheFirstFourBytes) {
  Secret guarded;
  ASSERT_EQ(crypto.guard_nonce(view(nonce), {0xff, 0x0f, 0xf0, 0x01}, guarded), Error::none);
  EXPECT_EQ(model::hex(reveal(guarded)), "df2ed2222425262728292a2b");
  shows("FRAME-38");
}

TEST_F(CryptoTest, AStructWithSecretsIsSealedFromPiecesAndReadFieldByField) {
  const SecretView k = view(key), n = view(nonce);
  const Secret joiner = secret_of(Octets(32, 0x5a));
  const Octets header = {32}, rest = model::unhex("01") + model::vector("public");
  Octets sealed(1 + 32 + rest.size() + 16);
  memory.must_not_be_released(Octets(32, 0x5a));
  ASSERT_EQ(crypto.seal_pieces(k, n, {}, {Bytes(header), joiner, Bytes(rest)}, memory, sealed), Error::none);
  EXPECT_EQ(memory.live(), 0u);
  {
    SecretBuffer opened;
    ASSERT_EQ(crypto.open_pieces(k, n, {}, sealed, memory, opened), Error::none);
    SecretReader reader(opened);
    Secret field;
    bool present = false;
    Bytes text;
    ASSERT_EQ(reader.secret(field), Error::none);
    EXPECT_EQ(octets(field), Octets(32, 0x5a));
    ASSERT_EQ(reader.present(present), Error::none);
    EXPECT_TRUE(present);
    EXPECT_EQ(reader.finish(), Error::trailing_bytes);
    ASSERT_EQ(reader(text), Error::none);
    EXPECT_EQ(model::octets(text), model::octets("public"));
    EXPECT_EQ(reader.finish(), Error::none);
    EXPECT_EQ(reader.secret(field), Error::truncated);
  }
  EXPECT_EQ(memory.live(), 0u);
  EXPECT_EQ(memory.released_secrets(), 0u) << "buffers are wiped before they are given back";
  memory.fail_at(memory.calls());
  Octets untouched(sealed.size(), 0xee);
  EXPECT_EQ(crypto.seal_pieces(k, n, {}, {Bytes(header), joiner}, memory, untouched), Error::out_of_memory);
  EXPECT_EQ(untouched, Octets(sealed.size(), 0xee));
  SecretBuffer opened;
  memory.fail_at(memory.calls());
  EXPECT_EQ(crypto.open_pieces(k, n, {}, sealed, memory, opened), Error::out_of_memory);
}

TEST_F(CryptoTest, SignaturesAreLabelled) {
  Secret private_key;
  std::uint8_t public_key[32];
  ASSERT_EQ(crypto.generate_signature_key_pair(private_key, public_key), Error::none);
  KeySigner signer(crypto, private_key);
  const Octets content = model::octets("the content");
  std::uint8_t work[256], signature[Crypto::max_signature_size];
  const Result<Bytes> made = sign_with_label(signer, "KeyPackageTBS", {Bytes(content)}, work, signature);
  ASSERT_TRUE(made.ok());

  // What was signed is SignContent { label<V>, content<V> }, for any Ed25519.
  const Octets sign_content = model::vector("MLS 1.0 KeyPackageTBS") + model::vector(content);
  EXPECT_EQ(
      crypto_sign_verify_detached(made.value().data(), sign_content.data(), sign_content.size(), public_key),
      0);
  EXPECT_EQ(made.value().size(), 64u);
  shows("CRYPTO-04, CRYPTO-08, CRYPTO-10");

  EXPECT_EQ(verify_with_label(crypto, public_key, "KeyPackageTBS", {Bytes(content)}, made.value(), work),
            Error::none);
  refused("CRYPTO-11", Error::signature_invalid,
          verify_with_label(crypto, public_key, "LeafNodeTBS", {Bytes(content)}, made.value(), work));
  EXPECT_EQ(crypto.verify(public_key, content, made.value()), Error::signature_invalid) << "the bare content";
  EXPECT_EQ(
      verify_with_label(crypto, public_key, "KeyPackageTBS", {Bytes(content)}, made.value().first(63), work),
      Error::signature_invalid);
  refused("CRYPTO-04", Error::signature_key_length,
          verify_with_label(crypto, Bytes(public_key).first(31), "KeyPackageTBS", {Bytes(content)},
                            made.value(), work));
}

TEST_F(CryptoTest, ContentThatLiesInItsPlaceIsSignedThere) {
  Secret private_key;
  std::uint8_t public_key[32];
  ASSERT_EQ(crypto.generate_signature_key_pair(private_key, public_key), Error::none);
  KeySigner signer(crypto, private_key);
  const Octets content(1000, 0x33);
  const SignContentLayout layout = sign_content_layout("FramedContentTBS", content.size()).value();
  Octets work(layout.size), signature(Crypto::max_signature_size);
  std::copy(content.begin(), content.end(),
            work.begin() + static_cast<std::ptrdiff_t>(layout.content_offset));
  const Bytes in_place = Bytes(work).subspan(layout.content_offset);
  const Result<Bytes> made = sign_with_label(signer, "FramedContentTBS", {in_place}, work, signature);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(work, model::vector("MLS 1.0 FramedContentTBS") + model::vector(content));
  EXPECT_EQ(verify_with_label(crypto, public_key, "FramedContentTBS",
                              {in_place.first(400), in_place.subspan(400)}, made.value(), work),
            Error::none);
  EXPECT_EQ(sign_with_label(signer, "FramedContentTBS", {Bytes(content)},
                            MutableBytes(work).first(layout.size - 1), signature)
                .error(),
            Error::output_too_small);
}

// RFC 8032, 7.1, test 2: R || S, and the key in its 32 bytes.
TEST_F(CryptoTest, Ed25519IsThatOfRfc8032) {
  const Octets seed = model::unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  Secret private_key;
  std::uint8_t public_key[32], signature[Crypto::max_signature_size];
  ASSERT_EQ(crypto.import_signature_key(view(seed), private_key, public_key), Error::none);
  EXPECT_EQ(model::hex(public_key), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const std::uint8_t message[] = {0x72};
  EXPECT_EQ(model::hex(crypto.sign(private_key, message, signature).value()),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  shows("CRYPTO-04, CRYPTO-08");
}

TEST_F(CryptoTest, EncapsulatesToRawKeysOfTheRightLength) {
  Secret private_key, sent, received;
  std::uint8_t public_key[32], kem_output[32];
  ASSERT_EQ(crypto.derive_key_pair(view(key), private_key, public_key), Error::none);
  std::uint8_t again[32];
  ASSERT_EQ(crypto.kem_public_key(private_key, again), Error::none);
  EXPECT_TRUE(equal(public_key, again));
  ASSERT_EQ(crypto.encap(public_key, kem_output, sent), Error::none);
  ASSERT_EQ(crypto.decap(kem_output, private_key, public_key, received), Error::none);
  EXPECT_EQ(octets(sent), octets(received));
  shows("CRYPTO-02");

  for (const std::size_t size : {0u, 31u, 33u, 64u}) {
    const Octets wrong(size, 9);
    refused("CRYPTO-03", Error::kem_public_key_length, crypto.encap(wrong, kem_output, sent));
    refused("CRYPTO-03", Error::kem_output_length, crypto.decap(wrong, private_key, public_key, received));
    refused("CRYPTO-03", Error::kem_public_key_length,
            crypto.decap(kem_output, private_key, wrong, received));
  }
  EXPECT_EQ(crypto.decap(kem_output, {key.data(), 31}, public_key, received), Error::secret_length);
}

// The points of small order of Curve25519, with and without the bit that X25519 ignores.
TEST_F(CryptoTest, PointsOfSmallOrderAreRefused) {
  Secret private_key, shared;
  std::uint8_t public_key[32];
  ASSERT_EQ(crypto.derive_key_pair(view(key), private_key, public_key), Error::none);
  for (const char* point : {"0000000000000000000000000000000000000000000000000000000000000000",
                            "0100000000000000000000000000000000000000000000000000000000000000",
                            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    for (const std::uint8_t bit : {0x00, 0x80}) {
      Octets low = model::unhex(point);
      low[31] |= bit;
      std::uint8_t kem_output[32] = {};
      refused("CRYPTO-24", Error::kem_low_order, crypto.encap(low, kem_output, shared));
      refused("CRYPTO-24", Error::kem_low_order, crypto.decap(low, private_key, public_key, shared));
      EXPECT_TRUE(shared.empty());
    }
  }
}

class FailingRandom final : public Random {
 public:
  Error fill(MutableBytes) noexcept override { return Error::random_failed; }
};

TEST(CryptoRandom, AFailureMakesNoWeakKey) {
  FailingRandom random;
  Sodium crypto(random);
  Secret secret;
  std::uint8_t public_key[32] = {}, kem_output[32] = {}, bytes[4];
  EXPECT_EQ(crypto.random(bytes), Error::random_failed);
  EXPECT_EQ(crypto.random_secret(32, secret), Error::random_failed);
  EXPECT_EQ(crypto.generate_signature_key_pair(secret, public_key), Error::random_failed);
  public_key[0] = 9;
  EXPECT_EQ(crypto.encap(public_key, kem_output, secret), Error::random_failed);
  EXPECT_TRUE(secret.empty());
  EXPECT_EQ(model::octets(kem_output), model::zeros(32));
}

TEST(CryptoRandom, TheOperatingSystemsIsUsedByDefault) {
  SodiumRandom random;
  std::uint8_t a[32] = {}, b[32] = {};
  ASSERT_EQ(random.fill(a), Error::none);
  ASSERT_EQ(random.fill(b), Error::none);
  EXPECT_FALSE(equal(a, b));
}

}  // namespace
}  // namespace tacet
