#include "protocol/hpke.h"

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

// Randomness that a test chose.
class FixedRandom final : public Random {
 public:
  explicit FixedRandom(Octets bytes) : bytes_(std::move(bytes)) {}
  Error fill(MutableBytes out) noexcept override {
    if (out.size() != bytes_.size()) return Error::random_failed;
    std::copy(bytes_.begin(), bytes_.end(), out.begin());
    return Error::none;
  }

 private:
  Octets bytes_;
};

// RFC 9180, A.2.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, base mode.
class Rfc9180A2 : public ::testing::Test {
 protected:
  Rfc9180A2() {
    EXPECT_EQ(crypto.derive_key_pair(view(ikm_r), private_key, public_key), Error::none);
    EXPECT_EQ(HpkeContext::create(crypto, {Bytes(info)}, context), Error::none);
  }
  HpkeKeyPair key_pair() const { return {private_key, public_key}; }

  const Octets info = model::unhex("4f6465206f6e2061204772656369616e2055726e");
  const Octets ikm_r = model::unhex("1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df");
  const Octets sk_e = model::unhex("f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600");
  const Octets enc = model::unhex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a");
  const Octets plaintext = model::unhex("4265617574792069732074727574682c20747275746820626561757479");
  const Octets aad = model::octets("Count-0");
  const Octets ciphertext = model::unhex(
      "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28");
  FixedRandom random{sk_e};
  Sodium crypto{random};
  TestMemory memory;
  Secret private_key;
  std::array<std::uint8_t, 32> public_key{};
  HpkeContext context;
};

TEST_F(Rfc9180A2, DerivesTheKeyPairs) {
  EXPECT_EQ(model::hex(reveal(private_key)),
            "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
  EXPECT_EQ(model::hex(public_key), "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
  const Octets ikm_e = model::unhex("909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b");
  Secret ephemeral;
  std::array<std::uint8_t, 32> ephemeral_public{};
  ASSERT_EQ(crypto.derive_key_pair(view(ikm_e), ephemeral, ephemeral_public), Error::none);
  EXPECT_EQ(octets(ephemeral), sk_e);
  EXPECT_EQ(model::octets(ephemeral_public), enc);
}

TEST_F(Rfc9180A2, HasTheKeyScheduleContext) {
  EXPECT_EQ(model::hex(context.bytes()),
            "00431df6cd95e11ff49d7013563baf7f11588c75a6611ee2a4404a49306ae4cfc5b69c5718a60cc5876c358d3f7fc31d"
            "db598503f6"
            "7be58ea1e798c0bb19eb9796");
}

TEST_F(Rfc9180A2, SharesTheSecret) {
  Secret sent, received;
  std::array<std::uint8_t, 32> kem_output{};
  ASSERT_EQ(crypto.encap(public_key, kem_output, sent), Error::none);
  EXPECT_EQ(model::octets(kem_output), enc);
  EXPECT_EQ(model::hex(reveal(sent)), "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7");
  ASSERT_EQ(crypto.decap(enc, private_key, public_key, received), Error::none);
  EXPECT_EQ(octets(received), octets(sent));
}

TEST_F(Rfc9180A2, SealsAndOpens) {
  std::array<std::uint8_t, 32> kem_output{};
  Octets sealed(ciphertext.size());
  ASSERT_EQ(hpke_seal(crypto, public_key, context, aad, {Bytes(plaintext)}, memory, kem_output, sealed),
            Error::none);
  EXPECT_EQ(model::octets(kem_output), enc);
  EXPECT_EQ(sealed, ciphertext);
  Secret opened;
  ASSERT_EQ(hpke_open_secret(crypto, key_pair(), enc, context, aad, ciphertext, opened), Error::none);
  EXPECT_EQ(octets(opened), plaintext);
  SecretBuffer buffer;
  ASSERT_EQ(hpke_open(crypto, key_pair(), enc, context, aad, ciphertext, memory, buffer), Error::none);
  EXPECT_EQ(model::octets(reveal(buffer.view())), plaintext);
}

TEST_F(Rfc9180A2, Exports) {
  const std::pair<const char*, const char*> exports[] = {
      {"", "4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e"},
      {"00", "8c1df14732580e5501b00f82b10a1647b40713191b7c1240ac80e2b68808ba69"},
      {"54657374436f6e74657874", "5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53"}};
  for (const auto& [exporter_context, expected] : exports) {
    Secret sent, received;
    std::array<std::uint8_t, 32> kem_output{};
    const Octets c = model::unhex(exporter_context);
    ASSERT_EQ(hpke_send_export(crypto, public_key, context, c, 32, kem_output, sent), Error::none);
    EXPECT_EQ(model::hex(reveal(sent)), expected);
    ASSERT_EQ(hpke_receive_export(crypto, key_pair(), kem_output, context, c, 32, received), Error::none);
    EXPECT_EQ(model::hex(reveal(received)), expected);
  }
}

class HpkeTest : public ::testing::Test {
 protected:
  HpkeTest() {
    Secret ikm;
    EXPECT_EQ(crypto.random_secret(32, ikm), Error::none);
    EXPECT_EQ(crypto.derive_key_pair(ikm, private_key, public_key), Error::none);
  }
  HpkeKeyPair key_pair() const { return {private_key, public_key}; }

  adversary::SeededRandom random{2};
  Sodium crypto{random};
  TestMemory memory;
  Secret private_key;
  std::array<std::uint8_t, 32> public_key{};
  const Octets secret = Octets(32, 0x42);
  const Octets group_context = model::octets("a group context");
};

TEST_F(HpkeTest, EncryptWithLabelBindsLabelAndContext) {
  std::array<std::uint8_t, 32> kem_output{};
  Octets sealed(32 + 16);
  ASSERT_EQ(encrypt_with_label(crypto, public_key, "UpdatePathNode", group_context, {Bytes(secret)}, memory,
                               kem_output, sealed),
            Error::none);
  Secret opened;
  ASSERT_EQ(
      decrypt_with_label(crypto, key_pair(), "UpdatePathNode", group_context, kem_output, sealed, opened),
      Error::none);
  EXPECT_EQ(octets(opened), secret);

  // info is EncryptContext { label<V>, context<V> }, and the AAD is empty.
  const Octets info = model::vector("MLS 1.0 UpdatePathNode") + model::vector(group_context);
  HpkeContext context;
  ASSERT_EQ(HpkeContext::create(crypto, {Bytes(info)}, context), Error::none);
  EXPECT_EQ(hpke_open_secret(crypto, key_pair(), kem_output, context, {}, sealed, opened), Error::none);
  shows("CRYPTO-12");

  Octets other_context = group_context;
  other_context[3] ^= 1;
  opened = Secret();
  refused("CRYPTO-13", Error::not_authentic,
          decrypt_with_label(crypto, key_pair(), "Welcome", group_context, kem_output, sealed, opened));
  refused(
      "CRYPTO-13", Error::not_authentic,
      decrypt_with_label(crypto, key_pair(), "UpdatePathNode", other_context, kem_output, sealed, opened));
  refused("CRYPTO-13", Error::not_authentic,
          hpke_open_secret(crypto, key_pair(), kem_output, context, bytes_of("aad"), sealed, opened));
  EXPECT_TRUE(opened.empty());
}

TEST_F(HpkeTest, SmallOrderPointsAreRefusedAndNothingIsLeftInTheOutput) {
  const Octets zero(32);
  std::array<std::uint8_t, 32> kem_output;
  kem_output.fill(0xee);
  Octets sealed(32 + 16, 0xee);
  refused("CRYPTO-24", Error::kem_low_order,
          encrypt_with_label(crypto, zero, "Welcome", group_context, {Bytes(secret)}, memory, kem_output,
                             sealed));
  EXPECT_EQ(model::octets(kem_output), zero);
  EXPECT_EQ(sealed, Octets(48, 0xee));
  Secret opened;
  refused("CRYPTO-24", Error::kem_low_order,
          decrypt_with_label(crypto, key_pair(), "Welcome", group_context, zero, sealed, opened));
}

TEST_F(HpkeTest, EveryFailureOfMemoryIsReported) {
  HpkeContext context;
  ASSERT_EQ(encrypt_context(crypto, "Welcome", {}, context), Error::none);
  std::array<std::uint8_t, 32> kem_output{};
  Octets sealed(64 + 16);
  const auto seal = [&] {
    return hpke_seal(crypto, public_key, context, {}, {Bytes(secret), Bytes(secret)}, memory, kem_output,
                     sealed);
  };
  memory.fail_at(0);
  EXPECT_EQ(seal(), Error::out_of_memory);
  EXPECT_EQ(model::octets(kem_output), model::zeros(32));
  EXPECT_EQ(seal(), Error::none);
  SecretBuffer opened;
  memory.fail_at(memory.calls());
  EXPECT_EQ(hpke_open(crypto, key_pair(), kem_output, context, {}, sealed, memory, opened),
            Error::out_of_memory);
  EXPECT_EQ(hpke_open(crypto, key_pair(), kem_output, context, {}, sealed, memory, opened), Error::none);
  sealed.resize(79);
  EXPECT_EQ(seal(), Error::output_too_small);
}

// HPKE by the model's HKDF and libsodium's X25519, RFC 9180, sections 4 to 6.
Octets labeled_extract(const Octets& id, const Octets& salt, const std::string& label, const Octets& ikm) {
  return model::extract(salt, model::octets("HPKE-v1") + id + model::octets(label) + ikm);
}
Octets labeled_expand(const Octets& id, const Octets& prk, const std::string& label, const Octets& info,
                      std::size_t size) {
  return model::expand(
      prk, model::number(size, 2) + model::octets("HPKE-v1") + id + model::octets(label) + info, size);
}

RC_GTEST_FIXTURE_PROP(HpkeTest, ExportIsTheModels, ()) {
  const auto info = *rc::gen::arbitrary<Octets>();
  const auto exporter_context = *rc::gen::arbitrary<Octets>();
  HpkeContext context;
  RC_ASSERT(HpkeContext::create(crypto, {Bytes(info)}, context) == Error::none);
  std::array<std::uint8_t, 32> kem_output{};
  Secret exported;
  RC_ASSERT(hpke_send_export(crypto, public_key, context, exporter_context, 32, kem_output, exported) ==
            Error::none);

  const Octets kem_id = model::octets("KEM") + Octets{0x00, 0x20};
  const Octets id = model::octets("HPKE") + Octets{0x00, 0x20, 0x00, 0x01, 0x00, 0x03};
  Octets dh(32);
  RC_ASSERT(crypto_scalarmult(dh.data(), reveal(private_key).data(), kem_output.data()) == 0);
  const Octets shared = labeled_expand(kem_id, labeled_extract(kem_id, {}, "eae_prk", dh), "shared_secret",
                                       model::octets(kem_output) + model::octets(public_key), 32);
  const Octets key_schedule_context =
      Octets{0} + labeled_extract(id, {}, "psk_id_hash", {}) + labeled_extract(id, {}, "info_hash", info);
  const Octets secret_of_schedule = labeled_extract(id, shared, "secret", {});
  const Octets exporter_secret = labeled_expand(id, secret_of_schedule, "exp", key_schedule_context, 32);
  RC_ASSERT(octets(exported) == labeled_expand(id, exporter_secret, "sec", exporter_context, 32));
}

}  // namespace
}  // namespace tacet
