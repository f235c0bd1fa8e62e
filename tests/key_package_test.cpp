// KeyPackages in what a group asks of them, and how they are made: the second half of protocol/leaf_node.h.

#include <gtest/gtest.h>

#include <set>

#include "leaf_model.h"

namespace tacet {
namespace {

using evidence::refused;
using evidence::shows;

// What a GroupContext asks of the leaves of its members.
class GroupTest : public LeafNodeTest {
 protected:
  GroupTest() {
    key_package.leaf.extensions = {0xf001};
    key_package.leaf.proposals = {0xf002};
    key_package.leaf.credentials = {1, 0xf003};
  }

  static Octets required(const std::vector<std::uint16_t>& extensions,
                         const std::vector<std::uint16_t>& proposals,
                         const std::vector<std::uint16_t>& credentials) {
    return LeafModel::numbers(extensions) + LeafModel::numbers(proposals) + LeafModel::numbers(credentials);
  }
  // The GroupContext has these extensions.
  void group_has(const std::vector<std::pair<std::uint16_t, Octets>>& list) {
    ASSERT_EQ(judge_group_context(list), Error::none);
    group_extensions = LeafModel::extension_list(list);
  }
  Extensions extensions_of_group() const {
    Extensions extensions;
    EXPECT_EQ(decode(group_extensions, extensions), Error::none);
    return extensions;
  }

  // A leaf like that of the KeyPackage, from an Add, an Update or a Commit.
  Error judge_member(std::uint8_t source) {
    LeafModel made = key_package.leaf;
    made.source = source;
    TRY(judge(made, LeafNodeSource{source}));
    LeafNode decoded;
    TRY(decode(encoding, decoded));
    return check_group_extensions(decoded.capabilities, extensions_of_group());
  }
  Error judge_added(const KeyPackageModel& made) {
    encoding = made.encoding();
    KeyPackage decoded;
    TRY(decode(encoding, decoded));
    return check_added_key_package(crypto, decoded, extensions_of_group(), limits, work);
  }
  Error judge_to_add(const KeyPackageModel& made, std::uint64_t now) {
    encoding = made.encoding();
    KeyPackage decoded;
    TRY(decode(encoding, decoded));
    return check_key_package_to_add(crypto, decoded, extensions_of_group(), now, limits, work);
  }

  Octets group_extensions = {0};
};

TEST_F(GroupTest, RequiredCapabilitiesAreThere) {
  for (const std::uint8_t source : {1, 2, 3}) {
    group_has({{3, required({0xf001}, {0xf002}, {1, 0xf003})}});
    EXPECT_EQ(judge_member(source), Error::none);
    group_has({{3, required({1, 2, 3, 4, 5}, {1, 2, 3, 4, 5, 6, 7}, {})}});
    EXPECT_EQ(judge_member(source), Error::none) << "default types need not be listed";
    shows("LEAF-21, REQCAP-01");
    group_has({{3, required({0xf001, 0xf004}, {}, {})}});
    refused("LEAF-20", Error::required_capability_missing, judge_member(source));
    group_has({{3, required({}, {0xf001}, {})}});
    refused("LEAF-20", Error::required_capability_missing, judge_member(source));
    group_has({{5, {0}}, {3, required({}, {}, {2})}});
    refused("LEAF-20", Error::required_capability_missing, judge_member(source));
  }
  group_has({{3, required({}, {}, {1})}});
  EXPECT_EQ(judge_member(1), Error::none);
  key_package.leaf.credential_type = 2;
  key_package.leaf.credential_body = model::vector("certificate");
  key_package.leaf.credentials = {2};
  EXPECT_EQ(judge_member(1), Error::required_capability_missing) << "basic has to be listed as well";
  shows("REQCAP-04");
  group_extensions = LeafModel::extension_list({{3, {2, 0xf0}}});
  refused("", Error::extension_malformed, judge_member(1));
}

TEST_F(GroupTest, ExtensionsAreSupported) {
  for (const std::uint8_t source : {1, 2, 3}) {
    group_has({{3, required({}, {}, {})}, {5, {0}}, {0xf001, {1}}});
    EXPECT_EQ(judge_member(source), Error::none);
    group_has({{3, required({}, {}, {})}, {0xf001, {1}}, {0xf002, {7}}});
    refused("EXT-14", Error::group_extension_unlisted, judge_member(source));
  }
}

TEST_F(GroupTest, AnAddedKeyPackageMeetsWhatTheGroupRequires) {
  const auto fails = [this](const std::vector<std::uint16_t>& extensions,
                            const std::vector<std::uint16_t>& proposals,
                            const std::vector<std::uint16_t>& credentials) {
    group_has({{3, required({0xf001}, {0xf002}, {0xf003})}});
    KeyPackageModel broken = key_package;
    broken.leaf.extensions = extensions;
    broken.leaf.proposals = proposals;
    broken.leaf.credentials = credentials;
    const Error seen = judge_added(broken);
    refused("REQCAP-02", Error::required_capability_missing, seen,
            {.genuine_accepted = judge_added(key_package) == Error::none});
    EXPECT_EQ(judge_to_add(broken, 1000), Error::required_capability_missing);
    group_has({});
    EXPECT_EQ(judge_added(broken), Error::none);
  };
  fails({}, {0xf002}, {1, 0xf003});
  fails({0xf001}, {0xf001}, {1, 0xf003});
  fails({0xf001}, {0xf002}, {1});

  group_has({{0xf001, {7}}});
  EXPECT_EQ(judge_to_add(key_package, 1000), Error::none);
  group_has({{0xf001, {7}}, {0xf004, {7}}});
  refused("EXT-04", Error::group_extension_unlisted, judge_to_add(key_package, 1000));
  EXPECT_EQ(judge_added(key_package), Error::group_extension_unlisted);
}

TEST_F(GroupTest, AKeyPackageIsAddedInItsLifetimeOnly) {
  const std::uint64_t begin = key_package.leaf.not_before, end = key_package.leaf.not_after;
  for (const std::uint64_t now : {begin, end}) EXPECT_EQ(judge_to_add(key_package, now), Error::none);
  for (const std::uint64_t now : {begin - 1, end + 1, std::uint64_t{0}, UINT64_MAX}) {
    refused("LEAF-24", Error::lifetime_not_current, judge_to_add(key_package, now),
            {.genuine_accepted = judge_to_add(key_package, begin) == Error::none});
    EXPECT_EQ(judge_added(key_package), Error::none) << "it may have expired on its way";
  }
}

// A table of defects, one for each rule.
TEST_F(GroupTest, ADefectiveKeyPackageIsNotAdded) {
  const auto fails = [this](Error error, const std::function<void(KeyPackageModel&)>& defect) {
    KeyPackageModel broken = key_package;
    defect(broken);
    const Error seen = judge_to_add(broken, 1500);
    refused("KP-18", error, seen, {.genuine_accepted = judge_to_add(key_package, 1500) == Error::none});
    EXPECT_EQ(judge_added(broken), error);
  };
  using Broken = KeyPackageModel&;
  group_has({{0xf001, {7}}});
  fails(Error::key_package_version, [](Broken broken) { broken.version = 2; });
  fails(Error::key_package_suite, [](Broken broken) { broken.suite = 1; });
  fails(Error::kem_public_key_length, [](Broken broken) { broken.init_key.pop_back(); });
  fails(Error::kem_public_key_length, [](Broken broken) { broken.leaf.encryption_key.push_back(0); });
  fails(Error::signature_key_length, [](Broken broken) { broken.leaf.signature_key.resize(65); });
  fails(Error::init_key_is_encryption_key,
        [](Broken broken) { broken.init_key = broken.leaf.encryption_key; });
  fails(Error::leaf_node_source_wrong, [](Broken broken) { broken.leaf.source = 2; });
  fails(Error::leaf_node_source_wrong, [](Broken broken) { broken.leaf.source = 3; });
  fails(Error::leaf_node_source_unknown, [](Broken broken) { broken.leaf.source = 4; });
  fails(Error::version_unlisted, [](Broken broken) { broken.leaf.versions = {}; });
  fails(Error::suite_unlisted, [](Broken broken) { broken.leaf.suites = {1}; });
  fails(Error::credential_unlisted, [](Broken broken) { broken.leaf.credentials = {0xf003}; });
  fails(Error::credential_malformed, [](Broken broken) {
    broken.leaf.credentials = {2};
    broken.leaf.credential_type = 2;
    broken.leaf.credential_body = {};
  });
  fails(Error::extension_unlisted, [](Broken broken) { broken.leaf.leaf_extensions = {{0xf002, {7}}}; });
  fails(Error::extension_unlisted, [](Broken broken) { broken.extensions = {{0xf002, {7}}}; });
  fails(Error::extension_repeated, [](Broken broken) { broken.extensions = {{0xf001, {7}}, {0xf001, {7}}}; });
  fails(Error::extension_misplaced, [](Broken broken) { broken.leaf.leaf_extensions = {{3, {0, 0, 0}}}; });
  fails(Error::extension_malformed, [](Broken broken) { broken.leaf.leaf_extensions = {{1, {}}}; });
  fails(Error::lifetime_reversed, [](Broken broken) { broken.leaf.not_after = 999; });
  fails(Error::lifetime_too_long, [](Broken broken) { broken.leaf.not_after = UINT64_MAX; });
  fails(Error::leaf_too_large, [](Broken broken) { broken.leaf.credential_body.resize(1 << 16); });
  fails(Error::group_extension_unlisted, [](Broken broken) { broken.leaf.extensions = {}; });
  fails(Error::signature_invalid, [](Broken broken) { broken.leaf.forged = true; });
  Octets forged = key_package.encoding();
  forged.back() ^= 1;
  KeyPackage decoded;
  ASSERT_EQ(decode(forged, decoded), Error::none);
  refused("KP-18", Error::signature_invalid,
          check_key_package_to_add(crypto, decoded, extensions_of_group(), 1500, limits, work));
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
  // Even if the GREASE drawn for the capabilities happens to be the same value.
  for (const std::uint16_t value : grease_values()) {
    wanted.credential.type = CredentialType{value};
    for (int i = 0; i < 50; ++i) refused("", Error::grease_supported, create().error());
  }
}

TEST_F(CreateTest, OnlyWhatIsSupportedIsAdvertised) {
  for (int i = 0; i < 200; ++i) {
    const KeyPackage made = created();
    const auto advertised = [](const auto& list) {
      std::set<unsigned> values = set_of(list);
      for (const unsigned value : grease_of(values)) values.erase(value);
      return values;
    };
    const Capabilities& capabilities = made.leaf_node.capabilities;
    EXPECT_EQ(set_of(capabilities.versions), std::set<unsigned>({1}));
    EXPECT_EQ(advertised(capabilities.cipher_suites), std::set<unsigned>({3}));
    EXPECT_EQ(advertised(capabilities.extensions), std::set<unsigned>({0xf001, 0xf002}));
    EXPECT_EQ(advertised(capabilities.proposals), std::set<unsigned>({0xf003}));
    EXPECT_EQ(advertised(capabilities.credentials), std::set<unsigned>({1, 2}));
  }
  shows("KP-19");
}

// As much of suite 0x0001 as a KeyPackage takes: it has the KEM and the signatures of 0x0003, and differs in
// the AEAD, which no KeyPackage uses.
class AesSuite final : public Crypto {
 public:
  explicit AesSuite(Crypto& other)
      : Crypto(*suite_parameters(CipherSuite::x25519_aes128gcm_sha256_ed25519)), other_(other) {}

 private:
  Error do_random(MutableBytes out, bool) noexcept override { return other_.random(out); }
  Error do_derive_key_pair(SecretView ikm, MutableBytes private_key,
                           MutableBytes public_key) noexcept override {
    Secret key;
    TRY(other_.derive_key_pair(ikm, key, public_key));
    const Octets revealed = octets(key);
    std::copy(revealed.begin(), revealed.end(), private_key.begin());
    return Error::none;
  }
  Error do_verify(Bytes public_key, Bytes message, Bytes signature) noexcept override {
    return other_.verify(public_key, message, signature);
  }

  static constexpr Error none_of_it = Error::suite_not_built;
  Error do_hash(Pieces, MutableBytes) noexcept override { return none_of_it; }
  std::uint32_t do_short_hash(const ShortHashKey&, Bytes) noexcept override { return 0; }
  Error do_mac(SecretView, Pieces, MutableBytes) noexcept override { return none_of_it; }
  Error do_extract(SecretView, SecretPieces, MutableBytes) noexcept override { return none_of_it; }
  Error do_expand(SecretView, Pieces, MutableBytes) noexcept override { return none_of_it; }
  Error do_seal(SecretView, SecretView, Bytes, SecretView, MutableBytes) noexcept override {
    return none_of_it;
  }
  Error do_open(SecretView, SecretView, Bytes, Bytes, MutableBytes) noexcept override { return none_of_it; }
  Error do_kem_public_key(SecretView, MutableBytes) noexcept override { return none_of_it; }
  Error do_encap(Bytes, MutableBytes, MutableBytes) noexcept override { return none_of_it; }
  Error do_decap(Bytes, SecretView, Bytes, MutableBytes) noexcept override { return none_of_it; }
  std::size_t signing_key_size() const noexcept override { return 64; }
  std::size_t encoded_signing_key_size() const noexcept override { return 32; }
  Error do_import_signature_key(SecretView, MutableBytes, MutableBytes) noexcept override {
    return none_of_it;
  }
  Result<Bytes> do_sign(SecretView, Bytes, MutableBytes) noexcept override { return none_of_it; }

  Crypto& other_;
};

TEST_F(CreateTest, AClientHasAKeyPackageForEachOfItsSuites) {
  AesSuite aes(crypto);
  const CipherSuite both[] = {aes.suite().suite, crypto.suite().suite};
  wanted.supported.cipher_suites = both;
  std::set<std::string> keys_made;
  for (Crypto* const of_suite : {static_cast<Crypto*>(&crypto), static_cast<Crypto*>(&aes)}) {
    Crypto& other = of_suite == &aes ? static_cast<Crypto&>(crypto) : aes;
    for (int i = 0; i < 2; ++i) {
      KeySigner signer(crypto, private_key);
      const KeyPackageRoom room = key_package_room(wanted);
      create_work.assign(room.work, 0);
      create_out.assign(room.out, 0);
      const Result<Bytes> encoded =
          create_key_package(*of_suite, signer, wanted, limits, create_work, create_out, keys);
      ASSERT_EQ(encoded.error(), Error::none);
      KeyPackage made;
      ASSERT_EQ(decode(encoded.value(), made), Error::none);
      EXPECT_EQ(made.cipher_suite, of_suite->suite().suite);
      EXPECT_EQ(check_key_package(*of_suite, made, limits, work), Error::none);
      EXPECT_EQ(check_key_package(other, made, limits, work), Error::key_package_suite);
      keys_made.insert(model::hex(made.init_key));
      keys_made.insert(model::hex(made.leaf_node.encryption_key));
    }
  }
  EXPECT_EQ(keys_made.size(), 8u);
  shows("KP-03");
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
  EXPECT_EQ(create().error(), Error::none);
}

}  // namespace
}  // namespace tacet
