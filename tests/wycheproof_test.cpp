// The primitives held to Project Wycheproof's vectors, from the folder in TACET_WYCHEPROOF.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "evidence.h"
#include "protocol/sodium.h"
#include "secrets.h"
#include "spec/adversary/recorder.h"

namespace tacet {
namespace {

using model::Octets;

Octets field(const nlohmann::json& test, const char* name) {
  return model::unhex(test.at(name).get<std::string>());
}

class Wycheproof : public ::testing::Test {
 protected:
  // Calls check(group, test) for each test of a file, and reports how many there were.
  template <class Check>
  void each(const char* name, Check check) {
    const char* folder = std::getenv("TACET_WYCHEPROOF");
    ASSERT_NE(folder, nullptr) << "TACET_WYCHEPROOF names the folder of the vectors";
    std::ifstream file(std::string(folder) + "/" + name);
    ASSERT_TRUE(file) << folder << "/" << name;
    const nlohmann::json json = nlohmann::json::parse(file);
    std::size_t run = 0;
    for (const auto& group : json.at("testGroups")) {
      for (const auto& test : group.at("tests")) {
        SCOPED_TRACE(testing::Message() << name << " tcId " << test.at("tcId") << " " << test.at("comment"));
        check(group, test);
        ++run;
      }
    }
    EXPECT_EQ(run, json.at("numberOfTests").get<std::size_t>());
    std::printf("%s: %zu tests\n", name, run);
  }

  SodiumRandom random;
  Sodium crypto{random};
};

TEST_F(Wycheproof, HmacSha256) {
  each("hmac_sha256_test.json", [this](const nlohmann::json& group, const nlohmann::json& test) {
    const Octets key = field(test, "key"), message = field(test, "msg"), expected = field(test, "tag");
    Digest tag;
    ASSERT_EQ(crypto.mac(view(key), {Bytes(message)}, tag), Error::none);
    const std::size_t size = group.at("tagSize").get<std::size_t>() / 8;  // some are truncated
    const bool matches = equal(tag.bytes().first(size), expected);
    EXPECT_EQ(matches, test.at("result") == "valid");
    const bool whole = size == 32 && matches;
    EXPECT_EQ(crypto.check_mac(view(key), {Bytes(message)}, expected),
              whole ? Error::none : Error::mac_mismatch);
  });
}

TEST_F(Wycheproof, HkdfSha256) {
  each("hkdf_sha256_test.json", [this](const nlohmann::json&, const nlohmann::json& test) {
    const Octets ikm = field(test, "ikm"), salt = field(test, "salt"), info = field(test, "info");
    const auto size = test.at("size").get<std::size_t>();
    Secret prk, okm;
    ASSERT_EQ(crypto.extract(Bytes(salt), {Bytes(ikm)}, prk), Error::none);
    EXPECT_EQ(model::octets(reveal(prk)), model::extract(salt, ikm));
    const Error error = crypto.expand(prk, {Bytes(info)}, size, okm);
    if (size > Secret::max_size) {  // more than one key holds, and far more for the invalid ones
      EXPECT_EQ(error, Error::secret_length);
      if (test.at("result") == "valid") {
        EXPECT_EQ(model::expand(model::octets(reveal(prk)), info, size), field(test, "okm"));
      }
      return;
    }
    ASSERT_EQ(error, Error::none);
    EXPECT_EQ(test.at("result"), "valid");
    EXPECT_EQ(model::octets(reveal(okm)), field(test, "okm"));
  });
}

TEST_F(Wycheproof, ChaCha20Poly1305) {
  each("chacha20_poly1305_test.json", [this](const nlohmann::json&, const nlohmann::json& test) {
    const Octets key = field(test, "key"), nonce = field(test, "iv"), aad = field(test, "aad");
    const Octets message = field(test, "msg");
    Octets sealed = field(test, "ct");
    for (const std::uint8_t byte : field(test, "tag")) sealed.push_back(byte);
    Octets opened(message.size());
    const Error error = crypto.open(view(key), view(nonce), aad, sealed, opened);
    if (nonce.size() != 12) {
      EXPECT_EQ(error, Error::secret_length);
      EXPECT_EQ(test.at("result"), "invalid");
      return;
    }
    if (test.at("result") != "valid") {
      EXPECT_EQ(error, Error::not_authentic);
      return;
    }
    EXPECT_EQ(error, Error::none);
    EXPECT_EQ(opened, message);
    Octets again(message.size() + 16);
    ASSERT_EQ(crypto.seal(view(key), view(nonce), aad, message, again), Error::none);
    EXPECT_EQ(again, sealed);
  });
}

// X25519 as the KEM uses it: the recorder sees the multiplication inside Decap.
TEST_F(Wycheproof, X25519) {
  adversary::Log log;
  adversary::Recorder recorder(log, random);
  each("x25519_test.json", [&](const nlohmann::json&, const nlohmann::json& test) {
    const Octets public_key = field(test, "public"), private_key = field(test, "private");
    const Octets expected = field(test, "shared");
    Secret shared_secret;
    log.clear();
    const Error error = recorder.decap(public_key, view(private_key), public_key, shared_secret);
    const adversary::Call& multiplication = log.calls().at(0);
    ASSERT_EQ(multiplication.operation, adversary::Operation::x25519);
    EXPECT_EQ(multiplication.outputs.at(0).bytes, expected);
    EXPECT_EQ(error, expected == model::zeros(32) ? Error::kem_low_order : Error::none);
    EXPECT_NE(test.at("result"), "invalid");
  });
}

TEST_F(Wycheproof, Ed25519) {
  each("ed25519_test.json", [this](const nlohmann::json& group, const nlohmann::json& test) {
    const auto& key = group.contains("publicKey") ? group.at("publicKey") : group.at("key");
    const Octets public_key = field(key, "pk"), message = field(test, "msg"), signature = field(test, "sig");
    EXPECT_EQ(crypto.verify(public_key, message, signature),
              test.at("result") == "valid" ? Error::none : Error::signature_invalid);
  });
}

}  // namespace
}  // namespace tacet
