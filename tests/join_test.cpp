#include "protocol/group.h"

#include "endpoints.h"
#include "messages.h"

namespace tacet {
namespace {

// An epoch that begins with a Commit by member 1, which adds us at leaf 2: with all its secrets in the open,
// so that any part of its Welcome can be another.
class JoinTest : public MessageTest, public KeyPackages {
 protected:
  JoinTest() {
    mine = new_leaf();
    Secret init_key, leaf_key;
    key_package.init_key.resize(32);
    EXPECT_EQ(crypto.generate_key_pair(init_key, key_package.init_key), Error::none);
    EXPECT_EQ(crypto.generate_key_pair(leaf_key, mine.encryption_key), Error::none);
    init_private_key = octets(init_key);
    leaf_private_key = octets(leaf_key);
    key_package.leaf = mine;
    own_encoding = key_package.encoding();
    reference = model::hash(model::vector("MLS 1.0 KeyPackage Reference") + model::vector(own_encoding));
    make_epoch(mine.encoding());
  }

  bool find(Bytes wanted, OwnKeyPackage& out) noexcept override {
    if (!equal(wanted, reference)) return false;
    out.key_package = own_encoding;
    out.init_key = secret_of(init_private_key);
    out.encryption_key = secret_of(leaf_private_key);
    return true;
  }
  void erase(Bytes used) noexcept override { erased.assign(used.begin(), used.end()); }
  Client client() { return {crypto, memory, secret_memory, policy, supported, limits}; }

  // The tree with `joined` at leaf 2 and a path of member 1, as a ratchet_tree extension.
  void make_epoch(const Octets& joined) {
    TreeDraft draft(crypto, tree, memory, limits);
    ASSERT_EQ(draft.start(), Error::none);
    LeafNode leaf_node;
    ASSERT_EQ(decode(joined, leaf_node), Error::none);
    ASSERT_TRUE(draft.add(leaf_node).ok());
    PathKeys keys(suite(), memory, secret_memory);
    ASSERT_EQ(keys.start({sender}, secret_of(random_octets(32))), Error::none);
    PathSecrets secrets;
    KeySigner signer(crypto, view(leaves.at(sender).private_key));
    ASSERT_EQ(create_update_path(crypto, signer, draft.leaf({sender}), {sender}, group_id, limits, draft,
                                 keys, secrets),
              Error::none);
    path_secret = octets(secrets.path_secrets[1]);  // of the root: leaf 0 is below the first node of the path
    tree_encoding.resize(draft.export_size().value());
    ASSERT_TRUE(draft.export_to(tree_encoding).ok());
    tree_hash = model::octets(draft.tree_hash());
    confirm_context();
  }
  // The key schedule and confirmation_tag over what the context says now.
  void confirm_context() {
    context.tree_hash = tree_hash;
    EpochSecrets secrets;
    const Octets psk_secret = combined_psks();
    ASSERT_EQ(derive_epoch_secrets(crypto, view(joiner_secret), view(psk_secret), encoded(context), secrets),
              Error::none);
    authenticator = model::octets(secrets.epoch_authenticator);
    tag = model::hmac(octets(secrets.confirmation_key), confirmed);
    welcome_secret = model::derive_secret(model::extract(joiner_secret, psk_secret), "welcome");
  }
  Octets combined_psks() {
    PskSecret combined;
    Secret out;
    List<PreSharedKeyId> ids;
    EXPECT_EQ(List<PreSharedKeyId>::parse(psks, ids), Error::none);
    EXPECT_EQ(PskSecret::start(crypto, ids.count(), combined), Error::none);
    for (const PreSharedKeyId& id : ids) EXPECT_EQ(combined.add(crypto, id, view(the_psk)), Error::none);
    EXPECT_EQ(combined.finish(out), Error::none);
    return octets(out);
  }

  adversary::Invitation invitation() {
    extensions_encoding = model::number(2, 2) + model::vector(tree_encoding) + more_extensions;
    GroupInfo info;
    info.group_context = context;
    EXPECT_EQ(Extensions::parse(tree_inline ? extensions_encoding : more_extensions, info.extensions),
              Error::none);
    info.confirmation_tag = tag;
    info.signer = {sender};
    return {info, welcome_secret, joiner_secret, psks, {{reference, key_package.init_key, path_secret}}};
  }
  Octets welcome(const Deviates& deviates = {}) {
    return Builder(crypto, means(sender)).welcome(invitation(), deviates);
  }
  Error join(const Octets& input, const Octets& apart = {}) {
    MlsMessage decoded;
    TRY(decode(input, decoded));
    return join_by_welcome(client(), *this, known_psks, nullptr, decoded.welcome, apart, epoch);
  }

  void breaks(const char* ids, Error error, const Deviates& deviates) {
    refused(ids, error, welcome(deviates));
  }
  // Refused by the public verb; there is no group, and the KeyPackage still serves for the genuine Welcome.
  void refused(const char* ids, Error error, const Octets& bad, const Octets& apart = {}) {
    Group group(client(), known_psks);
    const auto plain = memory.contents(), secrets = secret_memory.contents();
    const Error seen = group.join(bad, apart, *this);
    EXPECT_FALSE(group.is_active());
    const bool equal = memory.contents() == plain && secret_memory.contents() == secrets;
    EXPECT_TRUE(equal);
    genuine_after(ids, error, seen, equal, group);
  }
  void genuine_after(const char* ids, Error error, Error seen, bool equal, Group& group) {
    const bool was_inline = std::exchange(tree_inline, true);
    const Error genuine = group.join(welcome(), {}, *this);
    tree_inline = was_inline;
    EXPECT_EQ(genuine, Error::none);
    EXPECT_EQ(model::octets(group.epoch_authenticator()), authenticator);
    evidence::refused(ids, error, seen, {.state_equal = equal, .genuine_accepted = genuine == Error::none});
  }
  // The same of a genuine Welcome, at a time when it is refused.
  void refused_while(const char* ids, Error error, const std::function<void(bool)>& changes) {
    const Octets made = welcome();
    Group group(client(), known_psks);
    changes(true);
    const auto plain = memory.contents(), secrets = secret_memory.contents();
    const Error seen = group.join(made, {}, *this);
    const bool equal = memory.contents() == plain && secret_memory.contents() == secrets;
    EXPECT_TRUE(equal);
    changes(false);
    genuine_after(ids, error, seen, equal, group);
  }

  Trusting policy;
  LeafModel mine;
  Octets init_private_key, leaf_private_key, own_encoding, reference, erased, tree_encoding, tree_hash,
      path_secret, psks;
  Octets joiner_secret = random_octets(32), the_psk = model::octets("a psk"), welcome_secret, tag,
         authenticator;
  Octets extensions_encoding, more_extensions;
  std::vector<CipherSuite> suites = {CipherSuite::x25519_chacha20poly1305_sha256_ed25519};
  std::vector<CredentialType> credentials = {CredentialType::basic};
  Supported supported{suites, {}, {}, credentials};
  KnownPsks known_psks;
  bool tree_inline = true;
  std::optional<Epoch> epoch;
};

TEST_F(JoinTest, TheJoinerHasTheEpochOfTheOthers) {
  ASSERT_EQ(join(welcome()), Error::none);
  EXPECT_EQ(epoch->member.own(), LeafIndex{blank});
  EXPECT_EQ(model::octets(epoch->member.epoch_authenticator()), authenticator);
  EXPECT_EQ(model::octets(epoch->state.group_context()), encoded(context));
  EXPECT_EQ(model::octets(epoch->state.interim_transcript_hash()),
            model::hash(confirmed + model::vector(tag)));
  // The keys of its leaf and of the root, where its way meets the committer's; not of the node between, to
  // which it is new.
  EXPECT_TRUE(epoch->member.path_keys().holds(LeafIndex{blank}));
  EXPECT_TRUE(epoch->member.path_keys().holds(epoch->state.tree().size().root()));
  EXPECT_FALSE(epoch->member.path_keys().holds(NodeIndex(5)));
  shows("WELCOME-19, WELCOME-20, WELCOME-24, WELCOME-28, KEYSCHED-18, TREE-64");
}

TEST_F(JoinTest, WithoutAPathSecretItHasTheKeyOfItsLeafAlone) {
  path_secret.clear();
  adversary::Invitation made = invitation();
  made.joiners[0].path_secret.reset();
  ASSERT_EQ(join(Builder(crypto, means(sender)).welcome(made)), Error::none);
  EXPECT_EQ(epoch->member.path_keys().size(), 1u);
  shows("WELCOME-30");
}

TEST_F(JoinTest, TheTreeMayComeApart) {
  tree_inline = false;
  ASSERT_EQ(join(welcome(), tree_encoding), Error::none);
  epoch.reset();
  refused("WELCOME-26", Error::tree_absent, welcome());
  Octets other = tree_encoding;
  other.back() ^= 1;  // a signature
  refused("TREE-63", Error::tree_hash_mismatch, welcome(), other);
  shows("TREE-65");
}

TEST_F(JoinTest, TheTreeHasTheHashOfTheContext) {
  Octets other = tree_hash;
  other.back() ^= 1;
  const Octets right = std::exchange(tree_hash, other);
  confirm_context();
  const Octets bad = welcome();
  tree_hash = right;
  confirm_context();
  refused("TREE-56, TREE-63", Error::tree_hash_mismatch, bad);
}

TEST_F(JoinTest, OneLeafIsThatOfTheKeyPackage) {
  LeafModel variant = mine;
  variant.not_after += 1;
  make_epoch(variant.encoding());
  const Octets another = welcome();
  make_epoch(new_leaf().encoding());
  const Octets absent = welcome();
  make_epoch(mine.encoding());
  refused("WELCOME-18", Error::own_leaf_absent, another);
  refused("WELCOME-18", Error::own_leaf_absent, absent);
}

TEST_F(JoinTest, ThePathSecretIsThatOfTheTree) {
  breaks("WELCOME-21", Error::path_key_mismatch,
         {{Step::path_secret, replaced_by(Octets{1} + model::vector(random_octets(32)))}});
  // A tree in which the root is blank, for nobody has committed with a path.
  TreeDraft draft(crypto, tree, memory, limits);
  ASSERT_EQ(draft.start(), Error::none);
  LeafNode leaf_node;
  const Octets joined = mine.encoding();
  ASSERT_EQ(decode(joined, leaf_node), Error::none);
  ASSERT_TRUE(draft.add(leaf_node).ok());
  ASSERT_EQ(draft.rehash(), Error::none);
  const Octets tree_before = tree_encoding, hash_before = tree_hash;
  tree_encoding.resize(draft.export_size().value());
  ASSERT_TRUE(draft.export_to(tree_encoding).ok());
  tree_hash = model::octets(draft.tree_hash());
  confirm_context();
  const Octets bad = welcome();
  tree_encoding = tree_before;
  tree_hash = hash_before;
  confirm_context();
  refused("WELCOME-22", Error::path_secret_misplaced, bad);
}

TEST_F(JoinTest, TheGroupInfoIsSignedByAMember) {
  breaks("WELCOME-12", Error::group_info_signer_not_member,
         {{Step::signer, replaced_by(model::number(9, 4))}});
  breaks("WELCOME-11", Error::group_info_signature_invalid, {{Step::signature, inside(flipped())}});
}

// What is refused before there is a tree; welcome_test has all of it.
TEST_F(JoinTest, TheWelcomeIsForAKeyPackageThatIsThere) {
  breaks("WELCOME-08", Error::group_secrets_absent, {{Step::new_member, inside(flipped())}});
  breaks("WELCOME-09", Error::welcome_suite, {{Step::welcome_suite, replaced_by({0, 1})}});
  const Error error = Error::group_secrets_not_authentic;
  breaks("WELCOME-10", error, {{Step::encrypted_group_secrets, flipped()}});
  breaks("WELCOME-10", error, {{Step::welcome_context, flipped()}});
  breaks("WELCOME-25", error, {{Step::init_key, replaced_by(mine.encryption_key)}});
  breaks("", Error::secret_length, {{Step::joiner_secret, inside(shortened())}});
  const Octets unknown = Octets{3} + model::vector("a psk") + model::vector(Octets(32));
  breaks("WELCOME-31", Error::psk_type_unknown, {{Step::psks, replaced_by(model::vector(unknown))}});
  breaks("WELCOME-29", Error::group_info_not_authentic, {{Step::welcome_secret, replaced_by(Octets(32))}});
  breaks("WELCOME-17", Error::group_info_version, {{Step::group_context, replaced_at(0, {0, 2})}});
  breaks("WELCOME-16", Error::group_info_suite, {{Step::group_context, replaced_at(2, {0, 1})}});
  breaks("WELCOME-13", Error::group_info_signature_invalid,
         {{Step::signing_key, replaced_by(leaves.at(3).private_key)}});
}

TEST_F(JoinTest, TheConfirmationTagIsThatOfTheEpoch) {
  const Error error = Error::confirmation_tag_invalid;
  breaks("WELCOME-23", error, {{Step::group_info_confirmation_tag, inside(flipped())}});
  breaks("WELCOME-23, FRAME-55", error, {{Step::group_info_confirmation_tag, inside(left_out())}});
  breaks("WELCOME-23, FRAME-55", error, {{Step::group_info_confirmation_tag, inside(extended())}});
}

TEST_F(JoinTest, PsksAreKnownFreshAndOfOneSuccessionAtMost) {
  const auto with = [&](const Octets& list) {
    psks = list;
    confirm_context();
    const Octets made = welcome();
    psks = {};
    confirm_context();
    return made;
  };
  const auto external = [&](const std::string& id, std::size_t nonce = 32) {
    return Octets{1} + model::vector(id) + model::vector(random_octets(nonce));
  };
  const auto resumption = [&](std::uint8_t usage) {
    return Octets{2, usage} + model::vector("old") + model::number(3, 8) + model::vector(random_octets(32));
  };
  refused("PSK-15", Error::psk_unknown, with(external("x")));
  known_psks.known["x"] = the_psk;
  EXPECT_EQ(join(with(external("x"))), Error::none);
  refused("PSK-18", Error::psk_nonce_length, with(external("x", 31)));
  refused("PSK-18", Error::psk_nonce_length, with(external("x", 33)));
  known_psks.known["old:3"] = the_psk;
  EXPECT_EQ(join(with(external("x") + resumption(1))), Error::none);
  refused("BRANCH-08", Error::former_group_unknown, with(resumption(3)));
  refused("PSK-16", Error::psk_successors, with(resumption(2) + resumption(3)));
  refused("PSK-16", Error::psk_successors, with(resumption(2) + external("x") + resumption(2)));
}

TEST_F(JoinTest, WhatTheGroupUsesIsSupported) {
  const auto with = [&](unsigned type) {
    const Octets list = group_extensions + model::number(type, 2) + model::vector("data");
    GroupContext other = context;
    EXPECT_EQ(Extensions::parse(list, other.extensions), Error::none);
    return Deviates({Step::group_context, replaced_by(encoded(other))});
  };
  breaks("EXT-06", Error::extension_unsupported, with(0xf001));
  breaks("GREASE-08", Error::extension_unsupported, with(0x2a2a));
}

TEST_F(JoinTest, UnknownExtensionsOfAGroupInfoAreIgnored) {
  for (const unsigned type : {0x1a1au, 0xf00fu, 0x0abcu}) {
    for (const std::size_t size : {0, 10000}) {
      more_extensions = model::number(type, 2) + model::vector(random_octets(size));
      EXPECT_EQ(join(welcome()), Error::none);
    }
  }
  shows("EXT-03, GREASE-04");
}

TEST_F(JoinTest, AGroupIsJoinedOnce) {
  refused_while("WELCOME-15", Error::group_known,
                [&](bool is_in_it) { policy.in_group = is_in_it ? group_id : Octets(); });
}

TEST_F(JoinTest, EveryMemberIsBelieved) {
  for (const auto& [index, member] : leaves) {
    refused_while("CRED-07", Error::credential_refused, [&, key = member.signature_key](bool is_disbelieved) {
      policy.disbelieved = is_disbelieved ? key : Octets();
    });
  }
}

TEST_F(JoinTest, AFullMemoryLeavesNoGroupAndTheKeyPackageServesAgain) {
  const Octets made = welcome();
  for (TestMemory* full : {&memory, &secret_memory}) {
    bool joined = false;
    for (std::size_t call = 0; !joined; ++call) {
      full->fail_at(full->calls() + call);
      const Error error = join(made);
      full->fail_at(SIZE_MAX);
      joined = error == Error::none;
      EXPECT_TRUE(joined || error == Error::out_of_memory);
      EXPECT_EQ(epoch.has_value(), joined);
    }
    epoch.reset();
  }
  shows("WELCOME-27");
}

TEST_F(JoinTest, LeavesAreCurrentIfThePolicyWantsThat) {
  const Octets made = welcome();
  policy.now = mine.not_after;
  EXPECT_EQ(join(made), Error::none);
  epoch.reset();
  refused_while("", Error::lifetime_not_current,
                [&](bool is_late) { policy.now = is_late ? mine.not_after + 1 : 0; });
}

TEST_F(JoinTest, TheLastEpochHasNoNext) {
  for (const std::uint64_t number : {UINT64_MAX - 1, UINT64_MAX}) {
    context.epoch = number;
    confirm_context();
    ASSERT_EQ(join(welcome()), Error::none);
    const Client own = client();
    NextPublicState next(own, epoch->state);
    EXPECT_EQ(next.apply(own, Commit(), {SenderType::member, {sender}, 0}),
              number == UINT64_MAX ? Error::epoch_exhausted : Error::none);
  }
}

// ---- creating

TEST_F(JoinTest, ANewGroupHasOneMember) {
  const Octets own = mine.encoding();
  const Extension extension = {ExtensionType::required_capabilities,
                               bytes_of(std::string_view("\0\0\2\0\1", 5))};
  std::vector<Octets> authenticators;
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(create_group(client(), group_id, {&extension, 1}, own, secret_of(leaf_private_key), epoch),
              Error::none);
    const GroupContext& made = epoch->state.context();
    EXPECT_EQ(made.epoch, 0u);
    EXPECT_EQ(model::octets(made.group_id), group_id);
    EXPECT_EQ(made.cipher_suite, suite().suite);
    EXPECT_TRUE(made.confirmed_transcript_hash.empty());
    EXPECT_EQ(epoch->state.tree().members(), 1u);
    EXPECT_EQ(model::octets(made.tree_hash), model::octets(epoch->state.tree().tree_hash()));
    EXPECT_EQ(made.extensions.count(), 1u);
    const Octets key = octets(epoch->member.keys().copy(EpochKeys::Of::confirmation_key));
    EXPECT_EQ(model::octets(epoch->state.confirmation_tag()), model::hmac(key, {}));
    EXPECT_EQ(model::octets(epoch->state.interim_transcript_hash()),
              model::hash(model::vector(model::hmac(key, {}))));
    authenticators.push_back(model::octets(epoch->member.epoch_authenticator()));
  }
  EXPECT_NE(authenticators[0], authenticators[1]);
  shows("CREATE-01, CREATE-02, CREATE-03, KEYSCHED-19");
}

TEST_F(JoinTest, ANewGroupHasAnIdOfItsOwn) {
  const Octets own = mine.encoding();
  const auto create = [&] {
    return create_group(client(), group_id, {}, own, secret_of(leaf_private_key), epoch);
  };
  policy.in_group = group_id;
  EXPECT_EQ(create(), Error::group_known);
  EXPECT_FALSE(epoch.has_value());
  policy.in_group = {};
  EXPECT_EQ(create(), Error::none);
}

TEST_F(JoinTest, ANewGroupIsOneThatItsMemberSupports) {
  const Octets own = mine.encoding();
  const auto create = [&](const Extension& extension, const Octets& with) {
    return create_group(client(), group_id, {&extension, 1}, with, secret_of(leaf_private_key), epoch);
  };
  EXPECT_EQ(create({static_cast<ExtensionType>(0xf001), {}}, own), Error::extension_unsupported);
  EXPECT_EQ(create({ExtensionType::ratchet_tree, {}}, own), Error::extension_misplaced);
  EXPECT_EQ(
      create({ExtensionType::required_capabilities, bytes_of(std::string_view("\2\xf0\1\0\0", 5))}, own),
      Error::required_capability_missing);
  shows("EXT-07");
  LeafModel update = mine;
  update.source = 2;
  EXPECT_EQ(create({ExtensionType::required_capabilities, bytes_of(std::string_view("\0\0\0", 3))},
                   update.encoding()),
            Error::leaf_node_source_wrong);
  shows("CREATE-09");
}

}  // namespace
}  // namespace tacet
