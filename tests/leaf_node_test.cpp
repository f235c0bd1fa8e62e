#include "protocol/leaf_node.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <set>

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
    return signed_part() + model::vector(sign("LeafNodeTBS", signed_part() + context()));
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
    refused(ids, error, seen, {.genuine_accepted = judge(key_package) == Error::none});
  }

  adversary::SeededRandom random{8};
  Sodium crypto{random};
  Limits limits;
  LeafModel leaf;
  KeyPackageModel key_package;
  Octets encoding;
  Octets work = Octets(1 << 17);
};

TEST_F(LeafNodeTest, OfEverySourceDecodesAndVerifies) {
  for (const std::uint8_t source : {1, 2, 3}) {
    LeafModel made = leaf;
    made.source = source;
    made.parent_hash = random_octets(32);
    made.leaf_extensions = {{1, model::vector("application id")}};
    EXPECT_EQ(judge(made, LeafNodeSource{source}), Error::none);
    LeafNode decoded;
    ASSERT_EQ(decode(encoding, decoded), Error::none);
    EXPECT_EQ(model::octets(decoded.encryption_key), made.encryption_key);
    EXPECT_EQ(model::octets(decoded.signature_key), made.signature_key);
    EXPECT_EQ(decoded.credential.type, CredentialType::basic);
    EXPECT_EQ(model::octets(decoded.credential.body), made.credential_body);
    EXPECT_EQ(decoded.lifetime.not_after, source == 1 ? made.not_after : 0);
    EXPECT_EQ(model::octets(decoded.parent_hash), source == 3 ? made.parent_hash : Octets());
    EXPECT_EQ(model::octets(decoded.encoded), encoding);
    EXPECT_EQ(model::octets(decoded.signed_part), made.signed_part());
    Octets again(encoding.size());
    EXPECT_EQ(model::octets(encode(decoded, again).value()), encoding);
    EXPECT_EQ(check_tree_leaf(decoded, suite(), limits), Error::none) << "a tree holds all three";
  }
  shows("LEAF-01, LEAF-02, LEAF-03, LEAF-13, LEAF-28, CRED-01, CRED-20");
}

TEST_F(LeafNodeTest, OtherSourcesAreRefused) {
  for (const std::uint8_t source : {0, 4, 255}) {
    LeafModel made = leaf;
    made.source = source;
    LeafNode decoded;
    refused("CODEC-16", Error::leaf_node_source_unknown, decode(made.encoding(), decoded));
    KeyPackageModel outer = key_package;
    outer.leaf.source = source;
    KeyPackage decoded_outer;
    refused("CODEC-16", Error::leaf_node_source_unknown, decode(outer.encoding(), decoded_outer));
  }
}

TEST_F(LeafNodeTest, StandsWhereItsSourceSays) {
  struct Place {
    const char* id;
    LeafNodeSource demanded;
  };
  for (const Place& place : {Place{"LEAF-29", LeafNodeSource::key_package}, Place{"", LeafNodeSource::update},
                             Place{"", LeafNodeSource::commit}}) {
    for (const std::uint8_t source : {1, 2, 3}) {
      LeafModel made = leaf;
      made.source = source;
      if (LeafNodeSource{source} == place.demanded) {
        EXPECT_EQ(judge(made, place.demanded), Error::none);
      } else {
        refused(place.id, Error::leaf_node_source_wrong, judge(made, place.demanded));
      }
    }
  }
  breaks("LEAF-29", Error::leaf_node_source_wrong, [](KeyPackageModel& broken) { broken.leaf.source = 3; });
}

TEST_F(LeafNodeTest, IsBoundToItsGroupAndItsPlace) {
  for (const std::uint8_t source : {2, 3}) {
    LeafModel made = leaf;
    made.source = source;
    const Octets signed_encoding = made.encoding();
    LeafNode decoded;
    ASSERT_EQ(decode(signed_encoding, decoded), Error::none);
    ASSERT_EQ(verify_leaf_node(crypto, decoded, context_of(made), work), Error::none);
    LeafContext context = context_of(made);
    context.group_id = bytes_of("other");
    refused("LEAF-18", Error::signature_invalid, verify_leaf_node(crypto, decoded, context, work));
    context = context_of(made);
    ++context.leaf_index.value;
    refused("LEAF-19", Error::signature_invalid, verify_leaf_node(crypto, decoded, context, work));
  }
  ASSERT_EQ(judge(leaf, LeafNodeSource::key_package), Error::none);
  LeafNode decoded;
  ASSERT_EQ(decode(encoding, decoded), Error::none);
  EXPECT_EQ(verify_leaf_node(crypto, decoded, {bytes_of("any"), LeafIndex{9}}, work), Error::none)
      << "a leaf from a KeyPackage is signed without context";
}

TEST_F(LeafNodeTest, EveryBitIsSigned) {
  const Octets genuine = leaf.encoding();
  LeafNode decoded;
  ASSERT_EQ(decode(genuine, decoded), Error::none);
  for (std::size_t bit = 0; bit < 8 * genuine.size(); ++bit) {
    Octets changed = genuine;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    const Octets exact = changed;  // of exactly its size, for the sanitizer
    LeafNode other;
    if (decode(exact, other) != Error::none) continue;
    const Error error = verify_leaf_node(crypto, other, {}, work);
    EXPECT_TRUE(error == Error::signature_invalid || error == Error::signature_key_length) << bit;
  }
  for (std::size_t size = 0; size < genuine.size(); ++size) {
    const Octets cut(genuine.begin(), genuine.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(decode(cut, decoded), Error::none);
  }
  LeafModel made = leaf;
  Octets changed = made.encoding();
  changed.back() ^= 1;
  ASSERT_EQ(decode(changed, decoded), Error::none);
  refused("LEAF-17", Error::signature_invalid, verify_leaf_node(crypto, decoded, {}, work));
}

TEST_F(LeafNodeTest, IsSignedAsTheModelSigns) {
  Secret private_key;
  ASSERT_EQ(Secret::copy_of(leaf.private_key).error(), Error::none);
  private_key = secret_of(leaf.private_key);
  KeySigner signer(crypto, private_key);
  for (const std::uint8_t source : {1, 2, 3}) {
    LeafModel made = leaf;
    made.source = source;
    made.parent_hash = random_octets(32);
    const Octets expected = made.encoding();
    LeafNode fields;
    ASSERT_EQ(decode(expected, fields), Error::none);
    fields.signature = {};
    Octets out(expected.size() + Crypto::max_signature_size);
    const std::size_t room = leaf_node_work_size(fields, context_of(made)).value();
    const Result<Bytes> signed_leaf =
        sign_leaf_node(signer, fields, context_of(made), MutableBytes(work).first(room), out);
    ASSERT_TRUE(signed_leaf.ok());
    EXPECT_EQ(model::octets(signed_leaf.value()), expected);
    EXPECT_EQ(
        sign_leaf_node(signer, fields, context_of(made), MutableBytes(work).first(room - 1), out).error(),
        Error::output_too_small);
    Octets short_out(expected.size() - 1, 0xee);
    EXPECT_EQ(sign_leaf_node(signer, fields, context_of(made), work, short_out).error(),
              Error::output_too_small);
  }
  shows("LEAF-16");

  const Octets expected = key_package.encoding();
  KeyPackage fields;
  ASSERT_EQ(decode(expected, fields), Error::none);
  fields.signature = {};
  Octets out(expected.size() + Crypto::max_signature_size);
  const std::size_t room = key_package_work_size(fields).value();
  EXPECT_EQ(model::octets(sign_key_package(signer, fields, MutableBytes(work).first(room), out).value()),
            expected);
  shows("KP-01");
}

TEST_F(LeafNodeTest, KeyPackageRefIsTheModels) {
  const Octets encoded = key_package.encoding();
  KeyPackage decoded;
  ASSERT_EQ(decode(encoded, decoded), Error::none);
  Digest reference;
  ASSERT_EQ(key_package_ref(crypto, decoded, reference), Error::none);
  EXPECT_EQ(model::octets(reference),
            model::hash(model::vector("MLS 1.0 KeyPackage Reference") + model::vector(encoded)));
  shows("CRYPTO-15");
}

TEST_F(LeafNodeTest, KeysAreOfTheSuite) {
  for (const std::size_t size : {0u, 31u, 33u, 65u}) {
    breaks("KP-06", Error::kem_public_key_length,
           [size](KeyPackageModel& broken) { broken.leaf.encryption_key.resize(size, 4); });
    breaks("KP-06", Error::kem_public_key_length,
           [size](KeyPackageModel& broken) { broken.init_key.resize(size, 4); });
  }
  // A P-256 key, as a KeyPackage of another suite has it.
  breaks("KP-06, CRYPTO-07", Error::signature_key_length,
         [](KeyPackageModel& broken) { broken.leaf.signature_key.resize(65, 4); });
}

TEST_F(LeafNodeTest, KeyPackagesAreOfTheGroupsVersionAndSuite) {
  breaks("KP-14", Error::key_package_version, [](KeyPackageModel& broken) { broken.version = 2; });
  breaks("KP-13", Error::key_package_suite, [](KeyPackageModel& broken) {
    broken.suite = 1;
    broken.leaf.suites = {1, 3};
  });
}

TEST_F(LeafNodeTest, KeyPackagesAreSignedByTheirLeafsKey) {
  Octets other_public(32), other_private(64);
  crypto_sign_seed_keypair(other_public.data(), other_private.data(), random_octets(32).data());
  const Octets signed_part = key_package.signed_part();
  LeafModel other;
  other.private_key = other_private;
  const Octets encoded = signed_part + model::vector(other.sign("KeyPackageTBS", signed_part));
  KeyPackage decoded;
  ASSERT_EQ(decode(encoded, decoded), Error::none);
  refused("KP-16", Error::signature_invalid, check_key_package(crypto, decoded, limits, work));

  Octets flipped = key_package.encoding();
  flipped.back() ^= 0x80;
  ASSERT_EQ(decode(flipped, decoded), Error::none);
  refused("KP-07", Error::signature_invalid, check_key_package(crypto, decoded, limits, work));

  // The leaf's own signature is wrong, the KeyPackage's is right.
  KeyPackageModel forged = key_package;
  const Octets leaf_encoding = forged.leaf.encoding();
  Octets bad_leaf = leaf_encoding;
  bad_leaf.back() ^= 1;
  const Octets around = model::number(1, 2) + model::number(3, 2) + model::vector(forged.init_key) +
                        bad_leaf + LeafModel::extension_list({});
  const Octets outer = around + model::vector(forged.leaf.sign("KeyPackageTBS", around));
  ASSERT_EQ(decode(outer, decoded), Error::none);
  refused("LEAF-17", Error::signature_invalid, check_key_package(crypto, decoded, limits, work));
}

TEST_F(LeafNodeTest, InitKeyAndEncryptionKeyDiffer) {
  breaks("KP-17", Error::init_key_is_encryption_key,
         [](KeyPackageModel& broken) { broken.init_key = broken.leaf.encryption_key; });
}

TEST_F(LeafNodeTest, CapabilitiesHoldWhatTheLeafItselfUses) {
  breaks("LEAF-09", Error::credential_unlisted,
         [](KeyPackageModel& broken) { broken.leaf.credentials = {2}; });
  breaks("LEAF-37", Error::version_unlisted, [](KeyPackageModel& broken) { broken.leaf.versions = {2}; });
  breaks("LEAF-37", Error::suite_unlisted, [](KeyPackageModel& broken) { broken.leaf.suites = {1, 2}; });
  breaks("LEAF-27", Error::extension_unlisted, [](KeyPackageModel& broken) {
    broken.leaf.leaf_extensions = {{0xf002, {}}};
  });
  breaks("KP-12", Error::extension_unlisted, [](KeyPackageModel& broken) {
    broken.extensions = {{0xf123, {}}};
  });
}

TEST_F(LeafNodeTest, ExtensionsStandOnceAndWhereTheyBelong) {
  breaks("", Error::extension_repeated, [](KeyPackageModel& broken) {
    broken.leaf.leaf_extensions = {{1, {0}}, {1, {0}}};
  });
  breaks("", Error::extension_repeated, [](KeyPackageModel& broken) {
    broken.leaf.extensions = {0xf001};
    broken.extensions = {{0xf001, {1}}, {0xf001, {2}}};
  });
  for (const std::uint16_t type : {2, 3, 4, 5}) {
    breaks("", Error::extension_misplaced, [type](KeyPackageModel& broken) {
      broken.leaf.leaf_extensions = {{type, {0}}};
    });
    breaks("", Error::extension_misplaced, [type](KeyPackageModel& broken) {
      broken.extensions = {{type, {0}}};
    });
  }
  breaks("", Error::extension_misplaced, [](KeyPackageModel& broken) { broken.extensions = {{1, {0}}}; });
  for (const Octets& data : {Octets(), Octets{2, 1}, Octets{0, 0}}) {
    breaks("", Error::extension_malformed, [&data](KeyPackageModel& broken) {
      broken.leaf.leaf_extensions = {{1, data}};
    });
  }
}

TEST_F(LeafNodeTest, LifetimesAreBounded) {
  limits.leaf_lifetime = 1000;
  key_package.leaf.not_after = key_package.leaf.not_before + 1000;
  breaks("LEAF-12", Error::lifetime_too_long, [](KeyPackageModel& broken) { ++broken.leaf.not_after; });
  breaks("LEAF-12", Error::lifetime_too_long, [](KeyPackageModel& broken) {
    broken.leaf.not_before = 0;
    broken.leaf.not_after = UINT64_MAX;
  });
  KeyPackageModel of_one_second = key_package;
  of_one_second.leaf.not_after = of_one_second.leaf.not_before;
  EXPECT_EQ(judge(of_one_second), Error::none) << "both bounds are included";
  breaks("LEAF-14", Error::lifetime_reversed,
         [](KeyPackageModel& broken) { std::swap(broken.leaf.not_before, broken.leaf.not_after); });

  ASSERT_EQ(judge(key_package), Error::none);
  KeyPackage decoded;
  ASSERT_EQ(decode(encoding, decoded), Error::none);
  const LeafNode& packaged = decoded.leaf_node;
  EXPECT_EQ(check_lifetime_now(packaged, 1000), Error::none);
  EXPECT_EQ(check_lifetime_now(packaged, 2000), Error::none);
  refused("", Error::lifetime_not_current, check_lifetime_now(packaged, 999));
  refused("", Error::lifetime_not_current, check_lifetime_now(packaged, 2001));
  LeafModel update = leaf;
  update.source = 2;
  ASSERT_EQ(judge(update, LeafNodeSource::update), Error::none);
  LeafNode without_lifetime;
  ASSERT_EQ(decode(encoding, without_lifetime), Error::none);
  EXPECT_EQ(check_lifetime_now(without_lifetime, 0), Error::none);
}

TEST_F(LeafNodeTest, LeavesAreOfLimitedSize) {
  limits.leaf_size = static_cast<std::uint32_t>(leaf.encoding().size());
  EXPECT_EQ(judge(leaf, LeafNodeSource::key_package), Error::none);
  leaf.credential_body.push_back('!');
  EXPECT_EQ(judge(leaf, LeafNodeSource::key_package), Error::leaf_too_large);
}

TEST_F(LeafNodeTest, X509CredentialsHaveACertificate) {
  key_package.leaf.credential_type = 2;
  key_package.leaf.credentials = {1, 2};
  key_package.leaf.credential_body = model::vector("certificate 0") + model::vector("certificate 1");
  EXPECT_EQ(judge(key_package), Error::none);
  breaks("CRED-21", Error::credential_malformed,
         [](KeyPackageModel& broken) { broken.leaf.credential_body = {}; });
  breaks("CRED-21", Error::credential_malformed, [](KeyPackageModel& broken) {
    broken.leaf.credential_body = {5, 1, 2};
  });
}

// Unknown values and GREASE alike: tolerated where they may be ignored, byte for byte, and no support for
// anything.
TEST_F(LeafNodeTest, UnknownValuesAreIgnored) {
  std::vector<std::uint16_t> unknown = {0x0abc, 0xf00f, 0x00ff};
  for (unsigned i = 0; i < 15; ++i) unknown.push_back(static_cast<std::uint16_t>((0x0a + 0x10 * i) * 0x101));
  for (const std::uint16_t value : unknown) {
    KeyPackageModel made = key_package;
    made.leaf.versions = {value, 1};
    made.leaf.suites = {3, value};
    made.leaf.extensions = {value};
    made.leaf.proposals = {value};
    made.leaf.credentials = {value, 1};
    made.leaf.leaf_extensions = {{value, {}}};
    made.extensions = {{value, random_octets(10000)}};
    EXPECT_EQ(judge(made), Error::none) << value;
    KeyPackage decoded;
    ASSERT_EQ(decode(encoding, decoded), Error::none);
    Octets again(encoding.size());
    EXPECT_EQ(model::octets(encode(decoded, again).value()), encoding);
  }
  shows("LEAF-10, EXT-02, KP-11");
  key_package.leaf.extensions = {1, 2, 3, 4, 5};
  key_package.leaf.proposals = {1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(judge(key_package), Error::none) << "default types are listed, which is wrong to send";
  shows("LEAF-11");
}

TEST_F(LeafNodeTest, RequiredCapabilitiesAreThere) {
  leaf.extensions = {0xf001};
  leaf.proposals = {0xf002};
  leaf.credentials = {1, 0xf003};
  ASSERT_EQ(judge(leaf, LeafNodeSource::key_package), Error::none);
  LeafNode decoded;
  ASSERT_EQ(decode(encoding, decoded), Error::none);
  const auto check = [&](std::vector<std::uint16_t> extensions, std::vector<std::uint16_t> proposals,
                         std::vector<std::uint16_t> credentials) {
    const Octets data =
        LeafModel::numbers(extensions) + LeafModel::numbers(proposals) + LeafModel::numbers(credentials);
    RequiredCapabilities required;
    TRY(decode(data, required));
    return check_required_capabilities(decoded.capabilities, required);
  };
  EXPECT_EQ(check({0xf001}, {0xf002}, {1, 0xf003}), Error::none);
  EXPECT_EQ(check({1, 2, 3, 4, 5}, {1, 2, 3, 4, 5, 6, 7}, {}), Error::none)
      << "default types need not be listed";
  shows("LEAF-21, REQCAP-01");
  refused("", Error::required_capability_missing, check({0xf004}, {}, {}));
  refused("", Error::required_capability_missing, check({}, {0xf001}, {}));
  refused("", Error::required_capability_missing, check({}, {}, {2}));
  decoded.capabilities.credentials = {};
  EXPECT_EQ(check({}, {}, {1}), Error::required_capability_missing) << "basic has to be listed as well";
}

TEST_F(LeafNodeTest, ExtensionsOfTheGroupAreSupported) {
  leaf.extensions = {0xf001};
  ASSERT_EQ(judge(leaf, LeafNodeSource::key_package), Error::none);
  LeafNode decoded;
  ASSERT_EQ(decode(encoding, decoded), Error::none);
  const auto check = [&](std::uint16_t type) {
    const Octets list = LeafModel::extension_list({{3, {}}, {type, {}}});
    Extensions extensions;
    TRY(decode(list, extensions));
    return check_group_extensions(decoded.capabilities, extensions);
  };
  EXPECT_EQ(check(0xf001), Error::none);
  refused("", Error::group_extension_unlisted, check(0xf002));
}

TEST_F(LeafNodeTest, NoBitOfAKeyPackageIsFree) {
  const Octets genuine = key_package.encoding();
  ASSERT_EQ(judge(key_package), Error::none);
  for (std::size_t bit = 0; bit < 8 * genuine.size(); ++bit) {
    Octets changed = genuine;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    KeyPackage decoded;
    if (decode(changed, decoded) != Error::none) continue;
    EXPECT_NE(check_key_package(crypto, decoded, limits, work), Error::none) << bit;
  }
}

// ---- making one's own

class CreateTest : public LeafNodeTest {
 protected:
  CreateTest() {
    private_key = secret_of(leaf.private_key);
    wanted.signature_key = leaf.signature_key;
    wanted.credential = {CredentialType::basic, bytes_of("alice")};
    wanted.supported = {suites, extensions, proposals, credentials};
    wanted.lifetime = {1000, 2000};
    wanted.leaf_extensions = leaf_extensions;
    wanted.key_package_extensions = key_package_extensions;
  }

  Result<Bytes> create() {
    KeySigner signer(crypto, private_key);
    const KeyPackageRoom room = key_package_room(wanted);
    create_work.assign(room.work, 0);
    create_out.assign(room.out, 0);
    return create_key_package(crypto, signer, wanted, limits, create_work, create_out, keys);
  }
  KeyPackage created() {
    const Result<Bytes> encoded = create();
    EXPECT_EQ(encoded.error(), Error::none);
    KeyPackage decoded;
    EXPECT_EQ(decode(encoded.value(), decoded), Error::none);
    return decoded;
  }

  template <class T>
  static std::set<unsigned> set_of(const List<T>& list) {
    std::set<unsigned> values;
    for (const T value : list) values.insert(static_cast<unsigned>(value));
    return values;
  }
  static std::set<unsigned> types_of(const Extensions& list) {
    std::set<unsigned> types;
    for (const Extension& extension : list) types.insert(static_cast<unsigned>(extension.type));
    return types;
  }
  static std::set<unsigned> grease_of(const std::set<unsigned>& values) {
    std::set<unsigned> grease;
    for (const unsigned value : values) {
      if (is_grease(static_cast<std::uint16_t>(value))) grease.insert(value);
    }
    return grease;
  }

  const CipherSuite suites[1] = {CipherSuite::x25519_chacha20poly1305_sha256_ed25519};
  const ExtensionType extensions[2] = {ExtensionType{0xf001}, ExtensionType{0xf002}};
  const ProposalType proposals[1] = {ProposalType{0xf003}};
  const CredentialType credentials[2] = {CredentialType::basic, CredentialType::x509};
  const Octets application_id = model::vector("id");
  const Extension leaf_extensions[1] = {{ExtensionType::application_id, application_id}};
  const Extension key_package_extensions[1] = {{ExtensionType{0xf001}, bytes_of("data")}};
  NewKeyPackage wanted;
  Secret private_key;
  KeyPackageKeys keys;
  Octets create_work, create_out;
};

TEST_F(CreateTest, WithoutGreaseItIsWhatWasWanted) {
  wanted.grease = false;
  const KeyPackage made = created();
  EXPECT_EQ(check_key_package(crypto, made, limits, work), Error::none);
  EXPECT_EQ(made.cipher_suite, suite().suite);
  EXPECT_EQ(made.leaf_node.source, LeafNodeSource::key_package);
  shows("KP-09");
  const Capabilities& capabilities = made.leaf_node.capabilities;
  EXPECT_EQ(set_of(capabilities.versions), std::set<unsigned>({1}));
  EXPECT_EQ(set_of(capabilities.cipher_suites), std::set<unsigned>({3}));
  EXPECT_EQ(set_of(capabilities.extensions), std::set<unsigned>({0xf001, 0xf002}));
  EXPECT_EQ(set_of(capabilities.proposals), std::set<unsigned>({0xf003}));
  EXPECT_EQ(set_of(capabilities.credentials), std::set<unsigned>({1, 2}));
  shows("LEAF-06");
  EXPECT_EQ(types_of(made.leaf_node.extensions), std::set<unsigned>({1}));
  EXPECT_EQ(types_of(made.extensions), std::set<unsigned>({0xf001}));
  // The private keys are those of the public ones.
  std::array<std::uint8_t, 32> init_key{}, encryption_key{};
  ASSERT_EQ(crypto.kem_public_key(keys.init_key, init_key), Error::none);
  ASSERT_EQ(crypto.kem_public_key(keys.encryption_key, encryption_key), Error::none);
  EXPECT_TRUE(equal(made.init_key, init_key));
  EXPECT_TRUE(equal(made.leaf_node.encryption_key, encryption_key));
  shows("KP-04");
}

TEST_F(CreateTest, GreaseIsRandomAndStandsWhereItMay) {
  std::set<std::string> places_and_values, init_keys;
  std::set<unsigned> seen;
  for (int i = 0; i < 1000; ++i) {
    const KeyPackage made = created();
    const Capabilities& capabilities = made.leaf_node.capabilities;
    init_keys.insert(model::hex(made.init_key));
    init_keys.insert(model::hex(made.leaf_node.encryption_key));
    const std::set<unsigned> listed = grease_of(set_of(capabilities.extensions));
    EXPECT_EQ(listed.size(), 1u);
    EXPECT_EQ(grease_of(set_of(capabilities.cipher_suites)).size(), 1u);
    EXPECT_EQ(grease_of(set_of(capabilities.proposals)).size(), 1u);
    EXPECT_EQ(grease_of(set_of(capabilities.credentials)).size(), 1u);
    EXPECT_EQ(grease_of(types_of(made.leaf_node.extensions)), listed);
    EXPECT_EQ(grease_of(types_of(made.extensions)), listed);
    EXPECT_EQ(set_of(capabilities.versions), std::set<unsigned>({1})) << "not a list for GREASE";
    EXPECT_EQ(made.leaf_node.credential.type, CredentialType::basic);
    seen.insert(*listed.begin());
    places_and_values.insert(model::hex(capabilities.extensions.encoded()));
    ASSERT_EQ(check_key_package(crypto, made, limits, work), Error::none);
  }
  EXPECT_EQ(seen.size(), 15u) << "every value comes";
  EXPECT_EQ(places_and_values.size(), 45u) << "and at every place";
  EXPECT_EQ(init_keys.size(), 2000u);
  shows("GREASE-01, GREASE-03, GREASE-06, GREASE-13, GREASE-14, KP-05");
}

TEST_F(CreateTest, DefaultTypesAndGreaseAreNotSupportedTypes) {
  const ExtensionType default_extension[] = {ExtensionType::ratchet_tree};
  wanted.supported.extensions = default_extension;
  refused("", Error::default_type_supported, create().error());
  wanted.supported.extensions = extensions;
  const ProposalType default_proposal[] = {ProposalType::add};
  wanted.supported.proposals = default_proposal;
  refused("", Error::default_type_supported, create().error());
  wanted.supported.proposals = proposals;
  shows("LEAF-04, LEAF-05");
  const CredentialType grease[] = {CredentialType::basic, CredentialType{0x2a2a}};
  wanted.supported.credentials = grease;
  EXPECT_EQ(create().error(), Error::grease_supported);
  wanted.supported.credentials = credentials;
  EXPECT_EQ(create().error(), Error::none);
  shows("GREASE-12");
}

TEST_F(CreateTest, WhatAReceiverWouldRefuseIsNotMade) {
  const auto fails = [this](const char* ids, Error error) {
    keys = KeyPackageKeys();
    refused(ids, error, create().error());
    EXPECT_TRUE(keys.init_key.empty() && keys.encryption_key.empty());
    EXPECT_EQ(create_out, model::zeros(create_out.size()));
  };
  const Extension unlisted[] = {{ExtensionType{0xf009}, {}}};
  wanted.leaf_extensions = unlisted;
  fails("LEAF-07, KP-10", Error::extension_unlisted);
  wanted.leaf_extensions = leaf_extensions;
  wanted.key_package_extensions = unlisted;
  fails("KP-10", Error::extension_unlisted);
  wanted.key_package_extensions = key_package_extensions;
  wanted.credential.type = CredentialType{0xf001};
  fails("LEAF-08", Error::credential_unlisted);
  wanted.credential.type = CredentialType::basic;
  wanted.lifetime = {2000, 1000};
  fails("", Error::lifetime_reversed);
  wanted.lifetime = {1000, 2000};
  const Octets other_key = random_octets(32);
  wanted.signature_key = other_key;
  fails("", Error::signature_invalid);
  wanted.signature_key = leaf.signature_key;
  EXPECT_EQ(create().error(), Error::none);
}

}  // namespace
}  // namespace tacet
