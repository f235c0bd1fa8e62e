#include "protocol/welcome.h"

#include <set>

#include "messages.h"

namespace tacet {
namespace {

// A Welcome into the epoch of MessageTest, for three joiners of which we are the second.
class WelcomeTest : public MessageTest {
 protected:
  static constexpr std::size_t ours = 1;

  struct Client {
    KeyPackageModel key_package;
    Octets encoding, reference, init_private_key;
  };

  WelcomeTest() {
    for (Client& client : clients) {
      client.key_package.leaf = new_leaf();
      client.key_package.init_key.resize(32);
      Secret init_key;
      EXPECT_EQ(crypto.generate_key_pair(init_key, client.key_package.init_key), Error::none);
      client.init_private_key = octets(init_key);
      client.encoding = client.key_package.encoding();
      client.reference =
          model::hash(model::vector("MLS 1.0 KeyPackage Reference") + model::vector(client.encoding));
    }
    const Octets member_secret = model::extract(joiner_secret, model::zeros(32));
    welcome_secret = model::derive_secret(member_secret, "welcome");
    extension_list = model::number(0xf00f, 2) + model::vector("unknown");
    fields.group_context = context;
    EXPECT_EQ(Extensions::parse(extension_list, fields.extensions), Error::none);
    fields.confirmation_tag = confirmed;  // any bytes will do here
    fields.signer = {sender};
  }

  adversary::Invitation invitation() const {
    adversary::Invitation made{fields, welcome_secret, joiner_secret, psks, {}};
    for (const Client& client : clients) {
      made.joiners.push_back({client.reference, client.key_package.init_key, {}});
    }
    made.joiners[ours].path_secret = path_secret;
    return made;
  }
  Octets honest() { return Builder(crypto, means(sender)).welcome(invitation()); }

  // All that a joiner does without a tree of its own: this one knows the members.
  Error receive(const Octets& input, const Client& client) {
    message = input;
    MlsMessage decoded;
    TRY(decode(message, decoded));
    if (decoded.wire_format != WireFormat::welcome) return Error::wire_format_unknown;
    KeyPackage own;
    TRY(decode(client.encoding, own));
    TRY(open_group_secrets(crypto, decoded.welcome, own, view(client.init_private_key), secret_memory,
                           secrets));
    Secret of_welcome;
    TRY(derive_welcome_secret(crypto, secrets.joiner_secret, {}, of_welcome));
    room.assign(open_group_info_room(decoded.welcome), 0xcc);
    TRY(open_group_info(crypto, decoded.welcome, of_welcome, room, group_info));
    return verify(group_info);
  }
  Error verify(const GroupInfo& info) {
    const Result<Bytes> key = group_info_signature_key(info, tree);
    TRY(key.error());
    return verify_group_info(crypto, info, key.value(), room);
  }

  // A Welcome that is perfect but for one step; the genuine one is accepted after it.
  void breaks(const char* ids, Error error, const adversary::Deviates& deviates) {
    refused(ids, error, Builder(crypto, means(sender)).welcome(invitation(), deviates));
  }
  void refused(const char* ids, Error error, const Octets& bad) {
    secrets = GroupSecrets();
    const auto before = secret_memory.contents();
    const Error seen = receive(bad, clients[ours]);
    secrets = GroupSecrets();
    const bool equal = secret_memory.contents() == before;
    EXPECT_TRUE(equal);
    const Error genuine = receive(honest(), clients[ours]);
    EXPECT_EQ(genuine, Error::none);
    evidence::refused(ids, error, seen, {.state_equal = equal, .genuine_accepted = genuine == Error::none});
  }

  std::array<Client, 3> clients;
  Octets joiner_secret = random_octets(32), path_secret = random_octets(32), welcome_secret, psks,
         extension_list;
  GroupInfo fields, group_info;
  GroupSecrets secrets;
};

// ---- both directions

TEST_F(WelcomeTest, EachJoinerOpensItsOwnEntry) {
  psks = Octets{1} + model::vector("a psk") + model::vector(random_octets(32)) + Octets{2, 3} +
         model::vector("a group") + model::number(9, 8) + model::vector(random_octets(32));
  const Octets sent = honest();
  for (const Client& client : clients) {
    ASSERT_EQ(receive(sent, client), Error::none);
    EXPECT_EQ(octets(secrets.joiner_secret), joiner_secret);
    EXPECT_EQ(secrets.path_secret.has_value(), &client == &clients[ours]);
    EXPECT_TRUE(!secrets.path_secret || octets(*secrets.path_secret) == path_secret);
    EXPECT_EQ(model::octets(secrets.psks.encoded()), psks);
    EXPECT_EQ(encoded(group_info.group_context), group_context);
    EXPECT_EQ(model::octets(group_info.extensions.encoded()), extension_list);
    EXPECT_EQ(model::octets(group_info.confirmation_tag), confirmed);
    EXPECT_EQ(group_info.signer, LeafIndex{sender});
  }
  shows("WELCOME-01, WELCOME-02, WELCOME-03, WELCOME-04, WELCOME-06, WELCOME-14, CRYPTO-23");
}

TEST_F(WelcomeTest, IsTheOneOfTheBuilder) {
  psks = Octets{1} + model::vector("a psk") + model::vector(random_octets(32));
  KeySigner signer(crypto, view(leaves.at(sender).private_key));
  const Extension unknown = {static_cast<ExtensionType>(0xf00f), bytes_of("unknown")};
  NewGroupInfo wanted{context, {&unknown, 1}, confirmed, {sender}, false};
  Octets made(group_info_room(wanted));
  const Result<Bytes> info = create_group_info(crypto, signer, wanted, made);
  ASSERT_TRUE(info.ok());
  const Octets expected = Builder(crypto, means(sender)).group_info(fields);
  EXPECT_EQ(model::octets(message_header(WireFormat::group_info)) + model::octets(info.value()), expected);

  List<PreSharedKeyId> ids;
  ASSERT_EQ(List<PreSharedKeyId>::parse(psks, ids), Error::none);
  std::vector<Joiner> joiners;
  for (const Client& client : clients) joiners.push_back({client.reference, client.key_package.init_key, {}});
  joiners[ours].path_secret = view(path_secret);
  adversary::SeededRandom first{5}, second{5};
  Sodium one(first), other(second);
  Octets out(welcome_size(one, joiners, ids, info.value().size()).value());
  const Result<Bytes> sealed = seal_welcome(one, view(joiner_secret), view(welcome_secret), ids, joiners,
                                            info.value(), secret_memory, out);
  ASSERT_TRUE(sealed.ok());
  EXPECT_EQ(sealed.value().size(), out.size());
  EXPECT_EQ(model::octets(message_header(WireFormat::welcome)) + out,
            Builder(other, means(sender)).welcome(invitation()));
}

TEST_F(WelcomeTest, AGroupInfoHasGreaseUnlessItIsNotWanted) {
  KeySigner signer(crypto, view(leaves.at(sender).private_key));
  const Extension others[] = {{ExtensionType::external_pub, {}}, {static_cast<ExtensionType>(0xf00f), {}}};
  const Octets external_pub = model::vector(random_octets(32));
  Extension extensions[] = {others[0], others[1]};
  extensions[0].data = external_pub;
  std::set<std::uint16_t> drawn;
  std::set<std::size_t> places;
  for (int i = 0; i < 200; ++i) {
    NewGroupInfo wanted{context, extensions, confirmed, {sender}, i % 2 == 0};
    Octets made(group_info_room(wanted));
    const Result<Bytes> info = create_group_info(crypto, signer, wanted, made);
    ASSERT_TRUE(info.ok());
    GroupInfo decoded;
    ASSERT_EQ(decode(info.value(), decoded), Error::none);
    room.assign(verify_group_info_room(decoded), 0);
    EXPECT_EQ(verify(decoded), Error::none);
    EXPECT_EQ(decoded.extensions.count(), wanted.grease ? 3u : 2u);
    std::size_t place = 0;
    for (const Extension& extension : decoded.extensions) {
      const auto type = static_cast<std::uint16_t>(extension.type);
      if (is_grease(type)) drawn.insert(type), places.insert(place);
      ++place;
    }
  }
  EXPECT_EQ(drawn.size(), 15u);
  EXPECT_EQ(places.size(), 3u);
  shows("GREASE-02, GREASE-15");
}

TEST_F(WelcomeTest, AJoinerWithoutThePskDoesNotOpenTheGroupInfo) {
  const Octets psk_secret = random_octets(32);
  welcome_secret = model::derive_secret(model::extract(joiner_secret, psk_secret), "welcome");
  EXPECT_EQ(receive(honest(), clients[ours]), Error::group_info_not_authentic);
  MlsMessage decoded;
  ASSERT_EQ(decode(message, decoded), Error::none);
  Secret of_welcome;
  ASSERT_EQ(derive_welcome_secret(crypto, secrets.joiner_secret, view(psk_secret), of_welcome), Error::none);
  EXPECT_EQ(open_group_info(crypto, decoded.welcome, of_welcome, room, group_info), Error::none);
  shows("WELCOME-05");
}

TEST_F(WelcomeTest, OfTwoEntriesForOneKeyPackageTheFirstCounts) {
  adversary::Invitation twice = invitation();
  twice.joiners.push_back(twice.joiners[ours]);
  twice.joiners.back().path_secret.reset();
  ASSERT_EQ(receive(Builder(crypto, means(sender)).welcome(twice), clients[ours]), Error::none);
  EXPECT_TRUE(secrets.path_secret.has_value());
  // They are not combined: if the first does not open, the other is not tried.
  twice.joiners[ours].init_key = clients[0].key_package.init_key;
  refused("WELCOME-33", Error::group_secrets_not_authentic, Builder(crypto, means(sender)).welcome(twice));
}

// ---- what is refused

TEST_F(WelcomeTest, OneForAnotherClientIsRefused) {
  breaks("WELCOME-08", Error::group_secrets_absent, {{Step::new_member, inside(flipped())}});
  breaks("WELCOME-08", Error::group_secrets_absent, {{Step::new_member, inside(shortened())}});
  breaks("WELCOME-08", Error::group_secrets_absent, {{Step::secrets, replaced_by({0})}});
}

TEST_F(WelcomeTest, OneOfAnotherSuiteThanTheKeyPackageIsRefused) {
  for (const unsigned suite : {0u, 1u, 2u, 4u, 0xffffu}) {
    breaks("WELCOME-09", Error::welcome_suite, {{Step::welcome_suite, replaced_by(model::number(suite, 2))}});
  }
}

TEST_F(WelcomeTest, SecretsThatDoNotOpenAreRefused) {
  const Error error = Error::group_secrets_not_authentic;
  breaks("WELCOME-10", error, {{Step::encrypted_group_secrets, flipped()}});
  breaks("WELCOME-10", error, {{Step::welcome_context, flipped()}});
  breaks("WELCOME-10", error, {{Step::message, flipped()}});  // the last byte of encrypted_group_info
  breaks("WELCOME-25", error, {{Step::init_key, replaced_by(clients[ours].key_package.leaf.encryption_key)}});
  breaks("", Error::kem_output_length,
         {{Step::encrypted_group_secrets,
           replaced_by(model::vector(random_octets(31)) + model::vector(random_octets(60)))}});
}

TEST_F(WelcomeTest, SecretsOfAnotherFormAreRefused) {
  const auto breaks = [&](const char* ids, Error error, Step step, const Change& change) {
    WelcomeTest::breaks(ids, error, {{step, change}});
  };
  breaks("CODEC-01", Error::optional_presence, Step::path_secret, replaced_at(0, {2}));
  breaks("CODEC-12", Error::trailing_bytes, Step::group_secrets, extended());
  breaks("CODEC-10", Error::truncated, Step::group_secrets, shortened());
  breaks("", Error::secret_length, Step::joiner_secret, inside(shortened()));
  breaks("", Error::secret_length, Step::joiner_secret, inside(extended()));
  breaks("", Error::secret_length, Step::joiner_secret, replaced_by(model::vector(Octets(81))));
  breaks("", Error::secret_length, Step::path_secret, replaced_by(Octets{1} + model::vector(Octets(31))));
  breaks("", Error::secret_length, Step::path_secret, replaced_by(Octets{1, 0}));
  const Octets psk = model::vector("a psk") + model::vector("nonce");
  breaks("WELCOME-31", Error::psk_type_unknown, Step::psks, replaced_by(model::vector(Octets{0} + psk)));
  breaks("WELCOME-31", Error::psk_type_unknown, Step::psks, replaced_by(model::vector(Octets{3} + psk)));
}

TEST_F(WelcomeTest, AGroupInfoThatDoesNotOpenIsRefused) {
  const Error error = Error::group_info_not_authentic;
  breaks("", error, {{Step::encrypted_group_info, flipped()}});
  breaks("", error, {{Step::encrypted_group_info, flipped(0)}});
  breaks("", error, {{Step::encrypted_group_info, replaced_by(Octets(15))}});
  breaks("WELCOME-29", error, {{Step::welcome_secret, replaced_by(random_octets(32))}});
}

TEST_F(WelcomeTest, AGroupInfoIsSignedByTheMemberThatItNames) {
  const Error error = Error::group_info_signature_invalid;
  breaks("WELCOME-11", error, {{Step::signature, inside(flipped())}});
  breaks("WELCOME-11", error, {{Step::signature, inside(left_out())}});
  breaks("WELCOME-11", error, {{Step::signed_group_info, flipped()}});
  breaks("WELCOME-13", error, {{Step::signing_key, replaced_by(leaves.at(3).private_key)}});
  breaks("WELCOME-13", error, {{Step::signer, replaced_by(model::number(0, 4))}});
  for (const std::uint32_t index : {blank, 4u, 1u << 30, 1u << 31, 0xffffffffu}) {
    breaks("WELCOME-12", Error::group_info_signer_not_member,
           {{Step::signer, replaced_by(model::number(index, 4))}});
  }
}

TEST_F(WelcomeTest, AGroupInfoIsOfTheVersionAndSuiteOfTheWelcome) {
  const auto context_with = [&](unsigned version, unsigned suite) {
    return replaced_at(0, model::number(version, 2) + model::number(suite, 2));
  };
  for (const unsigned version : {0u, 2u, 0xffffu}) {
    breaks("WELCOME-17", Error::group_info_version, {{Step::group_context, context_with(version, 3)}});
  }
  for (const unsigned suite : {0u, 1u, 2u, 0xffffu}) {
    breaks("WELCOME-16", Error::group_info_suite, {{Step::group_context, context_with(1, suite)}});
  }
}

TEST_F(WelcomeTest, AGroupInfoThatIsRefusedIsWiped) {
  const Octets other_version =
      Builder(crypto, means(sender))
          .welcome(invitation(), {{Step::group_context, replaced_at(0, model::number(2, 2))}});
  EXPECT_EQ(receive(other_version, clients[ours]), Error::group_info_version);
  EXPECT_EQ(std::search(room.begin(), room.end(), confirmed.begin(), confirmed.end()), room.end());
  EXPECT_TRUE(group_info.encoded.empty());
}

TEST_F(WelcomeTest, TheExtensionsOfAGroupInfoBelongThere) {
  const auto one = [](unsigned type, const Octets& data) {
    return model::number(type, 2) + model::vector(data);
  };
  const auto with = [&](const Octets& list) {
    return adversary::Deviates({Step::group_info_extensions, replaced_by(model::vector(list))});
  };
  breaks("EXT-01", Error::extension_repeated, with(one(0xf00f, {}) + one(0xf00f, {1})));
  for (const unsigned type : {1u, 3u, 5u}) {
    breaks("EXT-08", Error::extension_misplaced, with(one(type, {0})));
  }
  breaks("EXT-09", Error::extension_malformed, with(one(4, {9})));
  EXPECT_EQ(receive(Builder(crypto, means(sender))
                        .welcome(invitation(), with(one(2, {0}) + one(4, model::vector(random_octets(32))))),
                    clients[ours]),
            Error::none);
  // Those of the GroupContext in it.
  const auto context_with = [&](const Octets& list) {
    GroupContext other = context;
    EXPECT_EQ(Extensions::parse(list, other.extensions), Error::none);
    return adversary::Deviates({Step::group_context, replaced_by(encoded(other))});
  };
  const Octets twice = one(0xf00f, {}) + one(0xf00f, {});
  breaks("EXT-01", Error::extension_repeated, context_with(twice));
  const Octets misplaced = one(2, {});
  breaks("EXT-08", Error::extension_misplaced, context_with(misplaced));
}

TEST_F(WelcomeTest, WhatOthersWouldRefuseIsNotMade) {
  KeySigner signer(crypto, view(leaves.at(sender).private_key));
  const auto create = [&](std::span<const Extension> extensions, const GroupContext& of) {
    NewGroupInfo wanted{of, extensions, confirmed, {sender}, false};
    Octets made(group_info_room(wanted));
    return create_group_info(crypto, signer, wanted, made).error();
  };
  const Extension twice[] = {{static_cast<ExtensionType>(0xf00f), {}},
                             {static_cast<ExtensionType>(0xf00f), {}}};
  const Extension misplaced[] = {{ExtensionType::external_senders, {}}};
  EXPECT_EQ(create({}, context), Error::none);
  EXPECT_EQ(create(twice, context), Error::extension_repeated);
  EXPECT_EQ(create(misplaced, context), Error::extension_misplaced);
  GroupContext other = context;
  other.cipher_suite = CipherSuite::p256_aes128gcm_sha256_p256;
  EXPECT_EQ(create({}, other), Error::group_info_suite);
}

// ---- rooms

TEST_F(WelcomeTest, RoomsThatAreTooSmallAreRefused) {
  const Octets sent = honest();
  MlsMessage decoded;
  ASSERT_EQ(decode(sent, decoded), Error::none);
  Octets small(open_group_info_room(decoded.welcome) - 1);
  EXPECT_EQ(open_group_info(crypto, decoded.welcome, view(welcome_secret), small, group_info),
            Error::output_too_small);
  KeySigner signer(crypto, view(leaves.at(sender).private_key));
  NewGroupInfo wanted{context, {}, confirmed, {sender}, true};
  small.resize(group_info_room(wanted) - 1);
  EXPECT_EQ(create_group_info(crypto, signer, wanted, small).error(), Error::output_too_small);
  const Joiner joiner{clients[0].reference, clients[0].key_package.init_key, {}};
  small.resize(welcome_size(crypto, {&joiner, 1}, {}, 100).value() - 1);
  EXPECT_EQ(seal_welcome(crypto, view(joiner_secret), view(welcome_secret), {}, {&joiner, 1}, Octets(100),
                         secret_memory, small)
                .error(),
            Error::output_too_small);
}

TEST_F(WelcomeTest, SecretsOfAnotherLengthAreNotSealed) {
  const Joiner joiner{clients[0].reference, clients[0].key_package.init_key, {}};
  Octets out(1 << 12);
  for (const std::size_t size : {0, 31, 33}) {
    const Octets other(size);
    EXPECT_EQ(seal_welcome(crypto, view(other), view(welcome_secret), {}, {&joiner, 1}, Octets(100),
                           secret_memory, out)
                  .error(),
              Error::secret_length);
  }
}

TEST_F(WelcomeTest, AFullSecretMemoryChangesNothing) {
  const Octets sent = honest();
  secret_memory.fail_at(secret_memory.calls());
  EXPECT_EQ(receive(sent, clients[ours]), Error::out_of_memory);
  secret_memory.fail_at(SIZE_MAX);
  EXPECT_EQ(receive(sent, clients[ours]), Error::none);
  Octets out(1 << 12);
  const Joiner joiner{clients[0].reference, clients[0].key_package.init_key, {}};
  secret_memory.fail_at(secret_memory.calls());
  const Result<Bytes> sealed = seal_welcome(crypto, view(joiner_secret), view(welcome_secret), {},
                                            {&joiner, 1}, Octets(100), secret_memory, out);
  EXPECT_EQ(sealed.error(), Error::out_of_memory);
  EXPECT_EQ(out, Octets(1 << 12));
}

}  // namespace
}  // namespace tacet
