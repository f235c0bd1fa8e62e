// Commits of an insider whose list of proposals breaks one rule of RFC 9420, 12.2, and is applied and
// confirmed as if it did not.

#include "hostile.h"

namespace tacet {
namespace {

class BadListOfInsider : public HostileTest {
 protected:
  // A new leaf of a traitor.
  Octets update(Endpoint& of) {
    Octets encryption_key(32), work(1 << 12), room(1 << 12);
    Secret unused;
    adversary::must(of.crypto.generate_key_pair(unused, encryption_key));
    LeafNode leaf = of.epoch->state.tree().leaf(of.epoch->member.own());
    leaf.encryption_key = encryption_key;
    leaf.source = LeafNodeSource::update;
    KeySigner signer = of.signer();
    const Result<Bytes> made = sign_leaf_node(
        signer, leaf, {of.epoch->state.context().group_id, of.epoch->member.own()}, work, room);
    adversary::must(made.error());
    return encoded(ProposalType::update) + model::octets(made.value());
  }
  static Octets extensions(const Octets& list) {
    return encoded(ProposalType::group_context_extensions) + model::vector(list);
  }
  static Octets extension(unsigned type, const Octets& content) {
    return model::number(type, 2) + model::vector(content);
  }
  static Octets custom(ProposalType type) { return by_value(adversary::custom_of(type, bytes_of("body"))); }
};

// ---- one leaf

TEST_F(BadListOfInsider, WithAnUpdateOfItsCommitter) {
  breaks_with("PLIST-01, PLIST-02", Error::update_of_committer, [&] { return by_value(update(traitor)); });
  breaks_with("PLIST-02", Error::update_of_committer, [&] { return proposed(traitor, update(traitor)); });
}

TEST_F(BadListOfInsider, WithARemoveOfItsCommitter) {
  breaks_with("PLIST-03", Error::committer_removed, [&] { return by_value(remove_of({2})); });
  breaks_with("PLIST-03", Error::committer_removed,
              [&] { return proposed("ann", at("ann").propose(remove_of({2}))); });
}

TEST_F(BadListOfInsider, WithALeafTwice) {
  const Octets removal = by_value(remove_of({6}));
  const auto breaks_twice = [&](const char* ids, const NewList& list) {
    breaks_with(ids, Error::leaf_proposed_twice, list);
  };
  breaks_twice("PLIST-04", [&] { return removal + removal; });
  breaks_twice("PLIST-04", [&] {
    return joined({proposed("ann", at("ann").propose(remove_of({6}))), removal});
  });
  breaks_twice("PLIST-05", [&] { return joined({proposed(accomplice, update(accomplice)), removal}); });
  breaks_twice("PLIST-05", [&] { return joined({removal, proposed(accomplice, update(accomplice))}); });
  breaks_twice("PLIST-06", [&] {
    const Octets first = proposed(accomplice, update(accomplice));
    return joined({first, proposed(accomplice, update(accomplice))});
  });
  breaks_twice("COMMIT-17", [&] {
    const Octets reference = proposed("ann", at("ann").propose(remove_of({6})));
    return reference + reference;
  });
}

TEST_F(BadListOfInsider, WithALeafThatIsNotThere) {
  for (const std::uint32_t blank : {5, 7}) {
    breaks_with("PROP-13", Error::leaf_blank, [&] { return by_value(remove_of({blank})); });
  }
  for (const std::uint32_t outside : {8u, 1u << 30, 1u << 31, UINT32_MAX}) {
    breaks_with("PROP-13", Error::leaf_outside_tree, [&] { return by_value(remove_of({outside})); });
  }
  breaks_with("PROP-13", Error::leaf_blank,
              [&] { return proposed(accomplice, encoded(remove_of(nobodys))); });
}

// ---- members to be

TEST_F(BadListOfInsider, WithAClientTwice) {
  breaks_with("PLIST-08", Error::client_repeated, [&] { return joined({add("joe"), add("joe")}); });
  breaks_with("PLIST-08", Error::client_repeated, [&] {
    const Octets one = add("joe");
    return one + one;
  });
  Member double_of_dan("dan", random);
  equip(double_of_dan);
  breaks_with("PLIST-09", Error::client_repeated, [&] { return by_value(add_of(double_of_dan.publish())); });
  breaks_with("PLIST-09", Error::client_repeated,
              [&] { return proposed(accomplice, encoded(add_of(double_of_dan.publish()))); });
  // Once the former one is removed it may come.
  is_accepted([&] { return by_value(add_of(double_of_dan.publish())) + by_value(remove_of({3})); });
}

TEST_F(BadListOfInsider, WithASignatureKeyTwice) {
  const auto add_with_key_of = [&](const char* name, const adversary::Device& owner) {
    static_cast<void>(add(name));
    at(name).signing_key = adversary::copy_of(owner.signing_key);
    at(name).signature_key = owner.signature_key;
    return by_value(add_of(at(name).publish()));
  };
  breaks_with("PLIST-15", Error::signature_key_repeated, [&] {
    const Octets joe = add("joe");
    return joe + add_with_key_of("kim", at("joe"));
  });
  breaks_with("PLIST-15", Error::signature_key_repeated, [&] { return add_with_key_of("kim", at("dan")); });
}

// ---- PSKs

TEST_F(BadListOfInsider, WithAPskTwice) {
  breaks_with("PSK-13", Error::psk_repeated, [&] {
    const Octets one = psk("agreed");
    return by_value(one) + by_value(one);
  });
  breaks_with("PSK-13", Error::psk_repeated, [&] {
    const Octets one = psk("agreed");
    return proposed(accomplice, one) + by_value(one);
  });
  is_accepted([&] { return joined({by_value(psk("agreed")), by_value(psk("agreed"))}); });
}

TEST_F(BadListOfInsider, WithAPskNonceOfAnotherLength) {
  for (const std::size_t size : {0, 31, 33}) {
    breaks_with("PSK-04", Error::psk_nonce_length, [&] { return by_value(psk("agreed", size)); });
  }
}

TEST_F(BadListOfInsider, WithAPskOfAKindThatThereIsNot) {
  const auto breaks_at = [this](std::size_t offset, Error error, const Octets& list) {
    breaks("CODEC-18", error, [&](CommitPlan& plan) {
      plan.proposals = list;
      plan.deviates = {Step::content, adversary::replaced_at(offset, {9})};
    });
  };
  const std::size_t behind_the_type = 4;  // the list's length, by value, and the type
  breaks_at(behind_the_type, Error::psk_type_unknown, by_value(psk("agreed")));
  breaks_at(behind_the_type + 1, Error::psk_usage_unknown,
            by_value(resumption(ResumptionPskUsage::application)));
}

TEST_F(BadListOfInsider, WithAPskOfAnotherUse) {
  breaks_with("PSK-10, REINIT-19", Error::psk_usage_misplaced,
              [&] { return by_value(resumption(ResumptionPskUsage::reinit)); });
  breaks_with("PSK-11, BRANCH-06", Error::psk_usage_misplaced,
              [&] { return by_value(resumption(ResumptionPskUsage::branch)); });
  is_accepted([&] { return by_value(resumption(ResumptionPskUsage::application)); });
}

TEST_F(BadListOfInsider, WithAPskThatAMemberDoesNotHave) {
  const auto list = [&] { return by_value(psk("of some")); };
  traitor.psks.known["of some"] = model::octets("a psk of some");
  breaks_with("PSK-12", Error::psk_unknown, list);
  for (const char* name : {"ann", "new", "eve"}) at(name).psks.known = traitor.psks.known;
  breaks_with("PSK-12", Error::psk_unknown, list, {"dan"});
  at("dan").psks.known["of some"] = model::octets("another psk");
  breaks_with("FRAME-25", Error::confirmation_tag_invalid, list, {"dan"});
  at("dan").psks.known["of some"] = model::octets("a psk of some");
  is_accepted(list);
}

// ---- what stands once, alone, or not at all

TEST_F(BadListOfInsider, WithExtensionsTwice) {
  breaks_with("PLIST-11", Error::group_context_extensions_repeated,
              [&] { return by_value(extensions({})) + by_value(extensions({})); });
  breaks_with("PLIST-11", Error::group_context_extensions_repeated,
              [&] { return proposed(accomplice, extensions({})) + by_value(extensions({})); });
}

TEST_F(BadListOfInsider, WithAReInitBesideOthers) {
  const Octets alone = by_value(reinit());
  const auto breaks_beside = [&](const NewList& list) {
    breaks_with("REINIT-03", Error::reinit_not_alone, list);
  };
  breaks_beside([&] { return alone + by_value(psk("agreed")); });
  breaks_beside([&] { return by_value(remove_of({6})) + alone; });
  breaks_beside([&] { return alone + alone; });
  Proposal older = reinit();
  older.re_init.version = ProtocolVersion{0};
  breaks_with("REINIT-02", Error::reinit_version, [&] { return by_value(older); });
}

TEST_F(BadListOfInsider, WithAnExternalInit) {
  Octets kem_output = random_octets(32);
  const Octets proposal = encoded(ProposalType::external_init) + model::vector(kem_output);
  breaks_with("PLIST-12, PROP-17", Error::external_init_misplaced, [&] { return by_value(proposal); });
  breaks_with("PROP-17", Error::external_init_misplaced, [&] { return proposed(accomplice, proposal); });
}

TEST_F(BadListOfInsider, WithAProposalThatAMemberDoesNotSupport) {
  // All would process it but the accomplice, who does not list it, and may be removed.
  breaks_with("PLIST-13", Error::proposal_unsupported, [&] { return custom(of_most); });
  is_accepted([&] { return custom(of_most) + by_value(remove_of({6})); });
  // Nobody can read it who has not registered it.
  for (const unsigned type : {0x0000u, 0x0008u, 0x0a0au, 0xf00fu}) {
    breaks_with("CODEC-22", Error::proposal_type_unknown,
                [&] { return custom(static_cast<ProposalType>(type)); });
  }
}

// ---- the extensions that the group is to have

TEST_F(BadListOfInsider, WithExtensionsThatAMemberDoesNotSupport) {
  const Octets unlisted = extension(0xf00a, model::octets("data"));
  breaks_with("PROP-20", Error::extension_unsupported, [&] { return by_value(extensions(unlisted)); });
  breaks_with("GREASE-09", Error::extension_unsupported,
              [&] { return by_value(extensions(extension(0x3a3a, {}))); });
  // The receivers have learnt it since they came, but do not list it.
  const ExtensionType learnt[] = {in_context, required, listed, ExtensionType{0xf00a}};
  for (auto& [name, each] : members) each->supported.extensions = learnt;
  breaks_with("PROP-20", Error::group_extension_unlisted, [&] { return by_value(extensions(unlisted)); });

  const auto demand = [](const Octets& types, const Octets& proposals, const Octets& credentials) {
    return extensions(
        extension(3, model::vector(types) + model::vector(proposals) + model::vector(credentials)));
  };
  for (const Octets& more : {demand(model::number(0xf00a, 2), {}, {}), demand({}, encoded(of_most), {}),
                             demand({}, {}, model::number(0xf00b, 2))}) {
    breaks_with("PROP-19, REQCAP-03", Error::required_capability_missing, [&] { return by_value(more); });
    breaks_with("PROP-19, REQCAP-03", Error::required_capability_missing,
                [&] { return proposed(accomplice, more); });
  }
  is_accepted([&] { return by_value(demand({}, encoded(of_most), {})) + by_value(remove_of({6})); });
}

TEST_F(BadListOfInsider, WithExtensionsThatMayNotBeThere) {
  const Octets twice = extension(0xf00e, {}) + extension(0xf00e, {});
  const Octets misplaced = extension(2, {}), malformed = extension(3, {1, 2, 3});
  breaks_with("EXT-01", Error::extension_repeated, [&] { return by_value(extensions(twice)); });
  breaks_with("EXT-08", Error::extension_misplaced, [&] { return by_value(extensions(misplaced)); });
  breaks_with("EXT-09", Error::extension_malformed, [&] { return by_value(extensions(malformed)); });
}

TEST_F(BadListOfInsider, WithAnExternalSenderWhomNobodyBelieves) {
  const Octets key = random_octets(32);
  const Octets sender = model::vector(key) + model::number(1, 2) + model::vector("a bot");
  const Octets list = extensions(extension(5, model::vector(sender)));
  is_accepted([&] { return by_value(list); });
  for (auto& [name, each] : members) each->policy.disbelieved = key;
  breaks_with("CRED-11", Error::credential_refused, [&] { return by_value(list); });
}

// ---- references

TEST_F(BadListOfInsider, WithAReferenceToNothing) {
  const auto breaks_unknown = [&](const char* ids, const NewList& list) {
    breaks_with(ids, Error::proposal_unknown, list);
  };
  breaks_unknown("COMMIT-14", [&] { return by_reference(random_octets(32)); });
  breaks_unknown("COMMIT-15", [&] {
    const Octets entry = proposed(accomplice, encoded(remove_of({4})));
    return by_reference(Bytes(entry).subspan(2, 31));
  });
  // The hash of a proposal that all have, but not with the message around it.
  breaks_unknown("COMMIT-14", [&] {
    const Octets proposal = encoded(remove_of({4}));
    static_cast<void>(proposed(accomplice, proposal));
    return by_reference(model::hash(model::vector("MLS 1.0 Proposal Reference") + model::vector(proposal)));
  });
  // Of the epoch before.
  const Octets past = proposed(accomplice, encoded(remove_of({4})));
  EXPECT_TRUE(go_on(WireFormat::public_message));
  breaks_unknown("COMMIT-14", [&] { return past; });
}

TEST_F(BadListOfInsider, WithAReferenceToWhatWasNotAuthentic) {
  breaks_with("PROP-01", Error::proposal_unknown, [&] {
    const Framed framed = framed_by(accomplice, ContentType::proposal, encoded(remove_of({4})));
    const Octets forged =
        Builder(accomplice.crypto, means_of(accomplice))
            .public_message(framed, {{Step::signature, adversary::inside(adversary::flipped())}});
    for (auto& [name, each] : members) {
      evidence::refused("PROP-01", Error::message_signature_invalid, each->receive(forged));
    }
    // The content is to the traitor what it would be if the signature were right.
    MlsMessage message;
    adversary::must(decode(forged, message));
    AuthenticatedContent content;
    content.content = message.public_message.content;
    content.auth = message.public_message.auth;
    Digest reference;
    adversary::must(proposal_ref(traitor.crypto, content, reference));
    adversary::must(traitor.epoch->state.keep(traitor.client(), content));
    return by_reference(reference);
  });
}

}  // namespace
}  // namespace tacet
