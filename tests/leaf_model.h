#pragma once

// Leaves and KeyPackages for tests, perfect as they are made, and the fixture that judges them.

#include <gtest/gtest.h>

#include <functional>

#include "evidence.h"
#include "protocol/leaf_node.h"
#include "protocol/sodium.h"
#include "secrets.h"
#include "spec/adversary/seeded_random.h"

namespace tacet {

using model::Octets;
using model::operator+;

// A leaf and a KeyPackage in plain containers, encoded and signed as RFC 9420 says, field by field. Perfect
// as they are made; a test breaks one thing and has the rest signed again.
struct LeafModel {
  Octets encryption_key, signature_key, private_key;
  std::uint16_t credential_type = 1;
  Octets credential_body = model::octets("alice");
  std::vector<std::uint16_t> versions = {1}, suites = {3}, extensions, proposals, credentials = {1};
  std::uint8_t source = 1;
  std::uint64_t not_before = 1000, not_after = 1000 + 3600;
  Octets parent_hash;
  std::vector<std::pair<std::uint16_t, Octets>> leaf_extensions;
  Octets group_id = model::octets("group");
  std::uint32_t leaf_index = 5;
  bool forged = false;  // the leaf's own signature does not verify

  static Octets numbers(const std::vector<std::uint16_t>& values) {
    Octets out;
    for (const std::uint16_t value : values) out = out + model::number(value, 2);
    return model::vector(out);
  }
  static Octets extension_list(const std::vector<std::pair<std::uint16_t, Octets>>& list) {
    Octets out;
    for (const auto& [type, data] : list) out = out + model::number(type, 2) + model::vector(data);
    return model::vector(out);
  }
  Octets sign(const std::string& label, const Octets& content) const {
    const Octets message = model::vector("MLS 1.0 " + label) + model::vector(content);
    Octets signature(crypto_sign_BYTES);
    crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), private_key.data());
    return signature;
  }

  Octets signed_part() const {
    const Octets capabilities =
        numbers(versions) + numbers(suites) + numbers(extensions) + numbers(proposals) + numbers(credentials);
    const Octets by_source = source == 1   ? model::number(not_before, 8) + model::number(not_after, 8)
                             : source == 3 ? model::vector(parent_hash)
                                           : Octets();
    return model::vector(encryption_key) + model::vector(signature_key) + model::number(credential_type, 2) +
           model::vector(credential_body) + capabilities + Octets{source} + by_source +
           extension_list(leaf_extensions);
  }
  Octets context() const {
    return source == 2 || source == 3 ? model::vector(group_id) + model::number(leaf_index, 4) : Octets();
  }
  Octets encoding() const {
    Octets signature = sign("LeafNodeTBS", signed_part() + context());
    if (forged) signature.back() ^= 1;
    return signed_part() + model::vector(signature);
  }
};

struct KeyPackageModel {
  LeafModel leaf;
  std::uint16_t version = 1, suite = 3;
  Octets init_key;
  std::vector<std::pair<std::uint16_t, Octets>> extensions;

  Octets signed_part() const {
    return model::number(version, 2) + model::number(suite, 2) + model::vector(init_key) + leaf.encoding() +
           LeafModel::extension_list(extensions);
  }
  Octets encoding() const { return signed_part() + model::vector(leaf.sign("KeyPackageTBS", signed_part())); }
};

// The extensions of a GroupContext, by themselves.
inline Error judge_group_context(const std::vector<std::pair<std::uint16_t, Octets>>& list) {
  const Octets encoded = LeafModel::extension_list(list);
  Extensions extensions;
  TRY(decode(encoded, extensions));
  return check_group_context_extensions(extensions);
}

class LeafNodeTest : public ::testing::Test {
 protected:
  LeafNodeTest() {
    leaf.encryption_key = random_octets(32);
    leaf.signature_key.resize(32);
    leaf.private_key.resize(64);
    crypto_sign_seed_keypair(leaf.signature_key.data(), leaf.private_key.data(), random_octets(32).data());
    key_package.leaf = leaf;
    key_package.init_key = random_octets(32);
  }
  static std::vector<std::uint16_t> grease_values() {
    std::vector<std::uint16_t> values;
    for (unsigned i = 0; i < 15; ++i) values.push_back(static_cast<std::uint16_t>((0x0a + 0x10 * i) * 0x101));
    return values;
  }
  Octets random_octets(std::size_t size) {
    Octets out(size);
    EXPECT_EQ(random.fill(out), Error::none);
    return out;
  }

  const SuiteParameters& suite() const { return crypto.suite(); }
  LeafContext context_of(const LeafModel& made) const { return {made.group_id, LeafIndex{made.leaf_index}}; }

  // Decodes a leaf and judges it, in a place that demands `source`; then its signature.
  Error judge(const LeafModel& made, LeafNodeSource source) {
    encoding = made.encoding();
    LeafNode decoded;
    TRY(decode(encoding, decoded));
    TRY(check_leaf_node(decoded, source, suite(), limits));
    return verify_leaf_node(crypto, decoded, context_of(made), work);
  }
  Error judge(const KeyPackageModel& made) {
    encoding = made.encoding();
    KeyPackage decoded;
    TRY(decode(encoding, decoded));
    return check_key_package(crypto, decoded, limits, work);
  }

  // Breaks one rule of a perfect KeyPackage, in which everything else is signed again.
  void breaks(const char* ids, Error error, const std::function<void(KeyPackageModel&)>& defect) {
    ASSERT_EQ(judge(key_package), Error::none);
    KeyPackageModel broken = key_package;
    defect(broken);
    const Error seen = judge(broken);
    evidence::refused(ids, error, seen, {.genuine_accepted = judge(key_package) == Error::none});
  }

  adversary::SeededRandom random{8};
  Sodium crypto{random};
  Limits limits;
  LeafModel leaf;
  KeyPackageModel key_package;
  Octets encoding;
  Octets work = Octets(1 << 17);
};

}  // namespace tacet
