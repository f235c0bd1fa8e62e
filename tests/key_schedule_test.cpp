#include "protocol/key_schedule.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "evidence.h"
#include "protocol/sodium.h"
#include "secrets.h"
#include "spec/adversary/seeded_random.h"

namespace tacet {
namespace {

using evidence::refused;
using evidence::shows;
using model::Octets;
using model::operator+;

class KeyScheduleTest : public ::testing::Test {
 protected:
  adversary::SeededRandom random{3};
  Sodium crypto{random};
};

Octets arbitrary_secret() { return *rc::gen::container<Octets>(32, rc::gen::arbitrary<std::uint8_t>()); }

RC_GTEST_FIXTURE_PROP(KeyScheduleTest, GroupContextIsEncodedInTheOrderOfItsFields, ()) {
  const auto group_id = *rc::gen::arbitrary<Octets>();
  const auto epoch = *rc::gen::arbitrary<std::uint64_t>();
  const auto tree_hash = arbitrary_secret(), transcript = arbitrary_secret();
  const auto data = *rc::gen::arbitrary<Octets>();
  // Not sorted by type: the order is the sender's.
  const Octets extensions =
      model::number(0xf001, 2) + model::vector(data) + model::number(5, 2) + model::vector(data);
  const Octets expected = model::number(1, 2) + model::number(3, 2) + model::vector(group_id) +
                          model::number(epoch, 8) + model::vector(tree_hash) + model::vector(transcript) +
                          model::vector(extensions);
  GroupContext context;
  context.cipher_suite = CipherSuite::x25519_chacha20poly1305_sha256_ed25519;
  context.group_id = group_id;
  context.epoch = epoch;
  context.tree_hash = tree_hash;
  context.confirmed_transcript_hash = transcript;
  RC_ASSERT(Extensions::parse(extensions, context.extensions) == Error::none);
  Octets output(expected.size());
  RC_ASSERT(model::octets(encode(context, output).value()) == expected);
  GroupContext decoded;
  RC_ASSERT(decode(expected, decoded) == Error::none);
  RC_ASSERT(decoded.epoch == epoch);
  RC_ASSERT(encode(decoded, output).ok());
  RC_ASSERT(output == expected);
  shows("KEYSCHED-11");
}

RC_GTEST_FIXTURE_PROP(KeyScheduleTest, TranscriptHashesAreTheModels, ()) {
  const auto interim = *rc::gen::arbitrary<Octets>();
  const auto content = *rc::gen::arbitrary<Octets>();
  const auto tag = *rc::gen::arbitrary<Octets>();
  Digest confirmed, after;
  RC_ASSERT(confirmed_transcript_hash(crypto, interim, {Bytes(content), bytes_of("signature")}, confirmed) ==
            Error::none);
  RC_ASSERT(model::octets(confirmed) == model::hash(interim + content + model::octets("signature")));
  RC_ASSERT(interim_transcript_hash(crypto, confirmed, tag, after) == Error::none);
  RC_ASSERT(model::octets(after) == model::hash(model::octets(confirmed) + model::vector(tag)));
  shows("KEYSCHED-15, KEYSCHED-16");
}

// Section 8's figure, arrow by arrow.
RC_GTEST_FIXTURE_PROP(KeyScheduleTest, SecretsOfAnEpochAreTheModels, ()) {
  const auto init = arbitrary_secret(), commit = arbitrary_secret(), psk = arbitrary_secret();
  const auto context = *rc::gen::arbitrary<Octets>();
  const bool has_path = *rc::gen::arbitrary<bool>(), has_psk = *rc::gen::arbitrary<bool>();

  const Octets joiner = model::expand_with_label(model::extract(init, has_path ? commit : model::zeros(32)),
                                                 "joiner", context, 32);
  const Octets member = model::extract(joiner, has_psk ? psk : model::zeros(32));
  const Octets epoch = model::expand_with_label(member, "epoch", context, 32);

  Secret joiner_secret, welcome_secret;
  EpochSecrets secrets;
  const SecretView commit_view = has_path ? view(commit) : SecretView();
  const SecretView psk_view = has_psk ? view(psk) : SecretView();
  RC_ASSERT(derive_joiner_secret(crypto, view(init), commit_view, context, joiner_secret) == Error::none);
  RC_ASSERT(octets(joiner_secret) == joiner);
  RC_ASSERT(derive_welcome_secret(crypto, joiner_secret, psk_view, welcome_secret) == Error::none);
  RC_ASSERT(octets(welcome_secret) == model::derive_secret(member, "welcome"));
  RC_ASSERT(derive_epoch_secrets(crypto, joiner_secret, psk_view, context, secrets) == Error::none);
  RC_ASSERT(octets(secrets.init_secret) == model::derive_secret(epoch, "init"));
  RC_ASSERT(octets(secrets.sender_data_secret) == model::derive_secret(epoch, "sender data"));
  RC_ASSERT(octets(secrets.encryption_secret) == model::derive_secret(epoch, "encryption"));
  RC_ASSERT(octets(secrets.exporter_secret) == model::derive_secret(epoch, "exporter"));
  RC_ASSERT(octets(secrets.external_secret) == model::derive_secret(epoch, "external"));
  RC_ASSERT(octets(secrets.confirmation_key) == model::derive_secret(epoch, "confirm"));
  RC_ASSERT(octets(secrets.membership_key) == model::derive_secret(epoch, "membership"));
  RC_ASSERT(octets(secrets.resumption_psk) == model::derive_secret(epoch, "resumption"));
  RC_ASSERT(model::octets(secrets.epoch_authenticator) == model::derive_secret(epoch, "authentication"));
  shows("KEYSCHED-03, KEYSCHED-04, KEYSCHED-05, KEYSCHED-06, KEYSCHED-10");
}

// Two members that start from one joiner secret agree; a change of any field of the context parts them.
TEST_F(KeyScheduleTest, TheContextIsThatOfTheNewEpoch) {
  const Octets init(32, 1), commit(32, 2);
  const auto authenticator = [&](std::uint64_t epoch, const char* tree, const char* transcript) {
    GroupContext context;
    context.cipher_suite = crypto.suite().suite;
    context.group_id = bytes_of("group");
    context.epoch = epoch;
    context.tree_hash = bytes_of(tree);
    context.confirmed_transcript_hash = bytes_of(transcript);
    std::uint8_t encoded[64];
    const Bytes bytes = encode(context, encoded).value();
    Secret joiner;
    EpochSecrets secrets;
    EXPECT_EQ(derive_joiner_secret(crypto, view(init), view(commit), bytes, joiner), Error::none);
    EXPECT_EQ(derive_epoch_secrets(crypto, joiner, {}, bytes, secrets), Error::none);
    return model::hex(secrets.epoch_authenticator);
  };
  const std::string reference = authenticator(5, "tree", "transcript");
  EXPECT_EQ(authenticator(5, "tree", "transcript"), reference);
  EXPECT_NE(authenticator(4, "tree", "transcript"), reference);
  EXPECT_NE(authenticator(5, "eert", "transcript"), reference);
  EXPECT_NE(authenticator(5, "tree", "tpircsnart"), reference);
  shows("KEYSCHED-07, KEYSCHED-26");
}

TEST_F(KeyScheduleTest, ExternalKeyPairIsDerivedFromTheExternalSecret) {
  const Octets external_secret(32, 0x21);
  Secret priv, again;
  std::array<std::uint8_t, 32> pub{};
  ASSERT_EQ(derive_external_key_pair(crypto, view(external_secret), priv, pub), Error::none);
  // DeriveKeyPair of RFC 9180, 7.1.3.
  const Octets id = model::octets("KEM") + Octets{0x00, 0x20};
  const Octets prk =
      model::extract({}, model::octets("HPKE-v1") + id + model::octets("dkp_prk") + external_secret);
  EXPECT_EQ(
      octets(priv),
      model::expand(prk, model::number(32, 2) + model::octets("HPKE-v1") + id + model::octets("sk"), 32));
  std::array<std::uint8_t, 32> expected{};
  crypto_scalarmult_base(expected.data(), reveal(priv).data());
  EXPECT_EQ(pub, expected);
  shows("KEYSCHED-08");
}

TEST_F(KeyScheduleTest, ExternalInitIsAnHpkeExportWithEmptyInfo) {
  const Octets external_secret(32, 0x21), commit(32, 3), context(10, 4);
  Secret priv, joiners, members;
  std::array<std::uint8_t, 32> pub{}, kem_output{};
  ASSERT_EQ(derive_external_key_pair(crypto, view(external_secret), priv, pub), Error::none);
  ASSERT_EQ(create_external_init(crypto, pub, kem_output, joiners), Error::none);
  ASSERT_EQ(process_external_init(crypto, {priv, pub}, kem_output, members), Error::none);
  EXPECT_EQ(octets(joiners), octets(members));

  HpkeContext empty_info, some_info;
  Secret exported;
  ASSERT_EQ(HpkeContext::create(crypto, {}, empty_info), Error::none);
  ASSERT_EQ(hpke_receive_export(crypto, {priv, pub}, kem_output, empty_info,
                                bytes_of("MLS 1.0 external init secret"), 32, exported),
            Error::none);
  EXPECT_EQ(octets(exported), octets(members));
  ASSERT_EQ(encrypt_context(crypto, "", {}, some_info), Error::none);  // an EncryptContext of empty parts
  ASSERT_EQ(hpke_receive_export(crypto, {priv, pub}, kem_output, some_info,
                                bytes_of("MLS 1.0 external init secret"), 32, exported),
            Error::none);
  EXPECT_NE(octets(exported), octets(members));
  shows("CRYPTO-22, KEYSCHED-20, KEYSCHED-21");

  // It takes the place of init_secret[n-1].
  Secret joiner_secret;
  ASSERT_EQ(derive_joiner_secret(crypto, members, view(commit), context, joiner_secret), Error::none);
  EXPECT_EQ(octets(joiner_secret),
            model::expand_with_label(model::extract(octets(joiners), commit), "joiner", context, 32));
  shows("KEYSCHED-22");

  EXPECT_EQ(process_external_init(crypto, {priv, pub}, Bytes(kem_output).first(31), members),
            Error::kem_output_length);
  kem_output.fill(0);
  EXPECT_EQ(process_external_init(crypto, {priv, pub}, kem_output, members), Error::kem_low_order);
}

RC_GTEST_FIXTURE_PROP(KeyScheduleTest, ExporterIsTheModels, ()) {
  const auto secret = arbitrary_secret();
  const auto label = *rc::gen::arbitrary<std::string>();
  const auto context = *rc::gen::arbitrary<Octets>();
  const auto size = *rc::gen::inRange<std::size_t>(0, 200);
  Octets out(size);
  RC_ASSERT(export_secret(crypto, view(secret), label, context, out) == Error::none);
  RC_ASSERT(out == model::expand_with_label(model::derive_secret(secret, label), "exported",
                                            model::hash(context), size));
  shows("KEYSCHED-23");
}

TEST_F(KeyScheduleTest, ExporterRefusesLengthsThatTheKdfCannotProduce) {
  const Octets secret(32, 9);
  for (const std::size_t size : {255u * 32 + 1, 65535u, 65536u, 65536u + 32}) {
    Octets out(size, 0xee);
    refused("KEYSCHED-28", Error::expand_length, export_secret(crypto, view(secret), "label", {}, out));
    EXPECT_EQ(out, Octets(size, 0xee));
  }
  Octets longest(255 * 32);
  EXPECT_EQ(export_secret(crypto, view(secret), "label", {}, longest), Error::none);
  EXPECT_EQ(longest, model::expand_with_label(model::derive_secret(secret, "label"), "exported",
                                              model::hash({}), 255 * 32));
}

// ---- pre-shared keys

struct Psk {
  PreSharedKeyId id;
  Octets psk_id, group_id, nonce, value;

  Octets encoding() const {
    if (id.type == PskType::external) return Octets{1} + model::vector(psk_id) + model::vector(nonce);
    return Octets{2, static_cast<std::uint8_t>(id.usage)} + model::vector(group_id) +
           model::number(id.psk_epoch, 8) + model::vector(nonce);
  }
  void point_views() {
    id.psk_nonce = nonce;
    if (id.type == PskType::external) {
      id.psk_id = psk_id;
    } else {
      id.psk_group_id = group_id;
    }
  }
};

std::vector<Psk> arbitrary_psks() {
  std::vector<Psk> psks(*rc::gen::inRange<std::size_t>(0, 8));
  for (Psk& psk : psks) {
    psk.id.type = *rc::gen::element(PskType::external, PskType::resumption);
    psk.id.usage = *rc::gen::element(ResumptionPskUsage::application, ResumptionPskUsage::reinit,
                                     ResumptionPskUsage::branch);
    psk.id.psk_epoch = *rc::gen::arbitrary<std::uint64_t>();
    psk.psk_id = *rc::gen::arbitrary<Octets>();
    psk.group_id = *rc::gen::arbitrary<Octets>();
    psk.nonce = arbitrary_secret();
    psk.value = *rc::gen::arbitrary<Octets>();
    psk.point_views();
  }
  return psks;
}

RC_GTEST_FIXTURE_PROP(KeyScheduleTest, PskSecretIsTheModels, ()) {
  const std::vector<Psk> psks = arbitrary_psks();
  Octets expected = model::zeros(32);
  PskSecret psk_secret;
  RC_ASSERT(PskSecret::start(crypto, psks.size(), psk_secret) == Error::none);
  for (std::size_t i = 0; i < psks.size(); ++i) {
    const Octets label = psks[i].encoding() + model::number(i, 2) + model::number(psks.size(), 2);
    const Octets input =
        model::expand_with_label(model::extract(model::zeros(32), psks[i].value), "derived psk", label, 32);
    expected = model::extract(input, expected);
    RC_ASSERT(psk_secret.add(crypto, psks[i].id, view(psks[i].value)) == Error::none);
  }
  Secret out;
  RC_ASSERT(psk_secret.finish(out) == Error::none);
  RC_ASSERT(octets(out) == expected);
  shows("PSK-05, PSK-06, PSK-08");
}

TEST_F(KeyScheduleTest, PskSecretOfNoneIsZero) {
  PskSecret psk_secret;
  Secret out;
  ASSERT_EQ(PskSecret::start(crypto, 0, psk_secret), Error::none);
  ASSERT_EQ(psk_secret.finish(out), Error::none);
  EXPECT_EQ(octets(out), model::zeros(32));
  shows("PSK-07");
}

TEST_F(KeyScheduleTest, PskCountsDoNotWrap) {
  PskSecret psk_secret;
  EXPECT_EQ(PskSecret::start(crypto, 65535, psk_secret), Error::none);
  refused("PSK-19", Error::psk_count, PskSecret::start(crypto, 65536, psk_secret));
  ASSERT_EQ(PskSecret::start(crypto, 1, psk_secret), Error::none);
  Secret out;
  EXPECT_EQ(psk_secret.finish(out), Error::psk_count);
  ASSERT_EQ(psk_secret.add(crypto, PreSharedKeyId(), {}), Error::none);
  EXPECT_EQ(psk_secret.add(crypto, PreSharedKeyId(), {}), Error::psk_count);
  EXPECT_EQ(psk_secret.finish(out), Error::none);
}

RC_GTEST_FIXTURE_PROP(KeyScheduleTest, PreSharedKeyIdIsTheModels, ()) {
  for (const Psk& psk : arbitrary_psks()) {
    const Octets expected = psk.encoding();
    Octets output(expected.size());
    RC_ASSERT(model::octets(encode(psk.id, output).value()) == expected);
    PreSharedKeyId decoded;
    RC_ASSERT(decode(expected, decoded) == Error::none);
    RC_ASSERT(decoded.type == psk.id.type);
    RC_ASSERT(model::octets(encode(decoded, output).value()) == expected);
  }
  shows("PSK-02");
}

TEST_F(KeyScheduleTest, UnknownPskTypesAndUsagesAreRefused) {
  for (unsigned value = 0; value < 256; ++value) {
    const auto octet = static_cast<std::uint8_t>(value);
    PreSharedKeyId id;
    if (value != 1 && value != 2) {
      const Octets input = Octets{octet} + model::vector("id") + model::vector(Octets(32));
      refused("CODEC-18", Error::psk_type_unknown, decode(input, id));
    }
    if (value < 1 || value > 3) {
      const Octets input =
          Octets{2, octet} + model::vector("group") + model::number(7, 8) + model::vector(Octets(32));
      refused("CODEC-18", Error::psk_usage_unknown, decode(input, id));
    }
  }
}

}  // namespace
}  // namespace tacet
