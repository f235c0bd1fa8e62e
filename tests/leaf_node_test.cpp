#include "protocol/leaf_node.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "leaf_model.h"

namespace tacet {
namespace {

using evidence::refused;
using evidence::shows;

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
  LeafModel other = leaf;  // by itself: what verifies the signature would refuse it as well
  other.signature_key.resize(65, 4);
  const Octets encoding = other.encoding();
  LeafNode decoded;
  ASSERT_EQ(decode(encoding, decoded), Error::none);
  refused("KP-06, CRYPTO-07", Error::signature_key_length, check_tree_leaf(decoded, suite(), limits));
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

  breaks("LEAF-17", Error::signature_invalid, [](KeyPackageModel& broken) { broken.leaf.forged = true; });
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
    broken.leaf.leaf_extensions = {{0xf002, {7}}};
  });
  breaks("KP-12", Error::extension_unlisted, [](KeyPackageModel& broken) {
    broken.extensions = {{0xf123, {7}}};
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

TEST_F(LeafNodeTest, AnApplicationIdNeedsNoCapability) {
  for (const Octets& id : {Octets(), model::octets("device 7"), random_octets(1000)}) {
    LeafModel made = leaf;
    made.leaf_extensions = {{1, model::vector(id)}};
    ASSERT_TRUE(made.extensions.empty());
    EXPECT_EQ(judge(made, LeafNodeSource::key_package), Error::none);
    LeafNode decoded;
    ASSERT_EQ(decode(encoding, decoded), Error::none);
    const std::optional<Bytes> data = find_extension(decoded.extensions, ExtensionType::application_id);
    ASSERT_TRUE(data.has_value());
    ApplicationId found;
    ASSERT_EQ(decode(*data, found), Error::none);
    EXPECT_EQ(model::octets(found.application_id), id);
    Octets again(encoding.size());
    EXPECT_EQ(model::octets(encode(decoded, again).value()), encoding);
  }
  shows("CRED-16");
}

// What stands in external_senders: a basic and an X.509 credential, each behind a signature key.
Octets external_senders(const Octets& certificates) {
  return model::vector(model::vector("key 0") + model::number(1, 2) + model::vector("server") +
                       model::vector("key 1") + model::number(2, 2) + model::vector(certificates));
}

TEST(ExternalSenders, AreKeysWithCredentials) {
  const Octets data = external_senders(model::vector("certificate"));
  ExternalSenders senders;
  ASSERT_EQ(decode(data, senders), Error::none);
  ASSERT_EQ(senders.count(), 2u);
  auto sender = senders.begin();
  EXPECT_EQ(model::octets(sender->signature_key), model::octets("key 0"));
  EXPECT_EQ(sender->credential.type, CredentialType::basic);
  EXPECT_EQ(model::octets(sender->credential.body), model::octets("server"));
  ++sender;
  EXPECT_EQ(model::octets(sender->signature_key), model::octets("key 1"));
  EXPECT_EQ(sender->credential.type, CredentialType::x509);
  EXPECT_EQ(model::octets(sender->credential.body), model::vector("certificate"));
  Octets again(data.size());
  EXPECT_EQ(model::octets(encode(senders, again).value()), data);
  shows("EXTPROP-07");
  EXPECT_EQ(decode(data + Octets{0}, senders), Error::trailing_bytes);
  EXPECT_EQ(decode(model::vector(model::vector("key") + model::number(1, 2)), senders),
            Error::list_not_whole);
}

TEST(GroupContextExtensions, StandOnceAndBelongThere) {
  const Octets required(3, 0), senders = external_senders(model::vector("certificate"));
  EXPECT_EQ(judge_group_context({}), Error::none);
  EXPECT_EQ(judge_group_context({{3, required}, {5, senders}, {0xf001, {7}}, {0x0abc, {9}}}), Error::none);
  EXPECT_EQ(judge_group_context({{5, {0}}}), Error::none) << "nobody outside may send";
  for (const std::uint16_t type : {1, 2, 4}) {
    refused("", Error::extension_misplaced, judge_group_context({{3, required}, {type, {0}}}));
  }
  refused("", Error::extension_repeated, judge_group_context({{3, required}, {5, senders}, {3, required}}));
  refused("", Error::extension_repeated, judge_group_context({{0xf001, {1}}, {0xf001, {2}}}));
}

TEST(GroupContextExtensions, OfKnownTypesAreWellFormed) {
  const Octets senders = external_senders(model::vector("certificate"));
  const auto malformed = [](std::uint16_t type, const Octets& data) {
    refused("", Error::extension_malformed, judge_group_context({{0xf001, {7}}, {type, data}}));
  };
  for (const Octets& data : {Octets(), Octets{0, 0}, Octets{0, 0, 0, 0}, Octets{1, 0, 0, 0},
                             Octets{2, 0, 1, 0}, Octets{0x40, 0, 0, 0}}) {
    malformed(3, data);
  }
  for (std::size_t size = 0; size < senders.size(); ++size) {
    malformed(5, Octets(senders.begin(), senders.begin() + static_cast<std::ptrdiff_t>(size)));
  }
  malformed(5, senders + Octets{0});
  malformed(5, external_senders({}));
  malformed(5, external_senders({5, 1, 2}));
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
  KeyPackageModel shortened = key_package;
  shortened.leaf.credential_body = model::vector("certificate 0");
  EXPECT_EQ(judge(shortened), Error::none);
  shows("CRED-04");
  breaks("CRED-21", Error::credential_malformed,
         [](KeyPackageModel& broken) { broken.leaf.credential_body = {}; });
  breaks("CRED-21", Error::credential_malformed, [](KeyPackageModel& broken) {
    broken.leaf.credential_body = {5, 1, 2};
  });
}

// Unknown values and GREASE alike: tolerated where they may be ignored, byte for byte, and no support for
// anything.
TEST_F(LeafNodeTest, UnknownValuesAreIgnored) {
  std::vector<std::uint16_t> unknown = grease_values();
  unknown.insert(unknown.end(), {0x0abc, 0xf00f, 0x00ff});
  for (const std::uint16_t value : unknown) {
    KeyPackageModel made = key_package;
    made.leaf.versions = {value, 1};
    made.leaf.suites = {3, value};
    made.leaf.extensions = {value};
    made.leaf.proposals = {value};
    made.leaf.credentials = {value, 1};
    made.leaf.leaf_extensions = {{value, random_octets(0)}};
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

// In each field, whether it may be ignored or not, the verdict on GREASE is that on a value which nobody has
// assigned.
TEST_F(LeafNodeTest, GreaseIsUnknownLikeAnyOtherValue) {
  const std::vector<std::function<void(KeyPackageModel&, std::uint16_t)>> fields = {
      [](KeyPackageModel& made, std::uint16_t value) { made.version = value; },
      [](KeyPackageModel& made, std::uint16_t value) { made.suite = value; },
      [](KeyPackageModel& made, std::uint16_t value) { made.leaf.versions = {value}; },
      [](KeyPackageModel& made, std::uint16_t value) { made.leaf.suites = {value}; },
      [](KeyPackageModel& made, std::uint16_t value) { made.leaf.credentials = {value}; },
      [](KeyPackageModel& made, std::uint16_t value) { made.leaf.credential_type = value; },
      [](KeyPackageModel& made, std::uint16_t value) {
        made.leaf.credential_type = value;
        made.leaf.credentials = {value};
      },
      [](KeyPackageModel& made, std::uint16_t value) {
        made.leaf.leaf_extensions = {{value, {7}}};
      },
      [](KeyPackageModel& made, std::uint16_t value) {
        made.extensions = {{value, {7}}};
      },
      [](KeyPackageModel& made, std::uint16_t value) {
        made.leaf.extensions = {value};
        made.extensions = {{value, {7}}, {value, {7}}};
      },
  };
  for (const auto& set_field : fields) {
    KeyPackageModel unassigned = key_package;
    set_field(unassigned, 0x0abc);
    const Error expected = judge(unassigned);
    for (const std::uint16_t grease : grease_values()) {
      KeyPackageModel made = key_package;
      set_field(made, grease);
      EXPECT_EQ(judge(made), expected) << grease;
    }
  }
  for (const std::uint16_t value : grease_values()) {
    EXPECT_EQ(judge_group_context({{value, {1, 2, 3}}}), Error::none);
  }
}

}  // namespace
}  // namespace tacet
