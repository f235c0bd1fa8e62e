// Commits that are perfect but for one rule, in the test build: their committer does not keep the rule, and
// signs, encrypts and confirms what follows; everybody else refuses them for that rule, nothing has changed,
// and the genuine Commit is accepted after it.

#include "endpoints.h"
#include "evidence.h"
#include "lets_through.h"

namespace tacet {
namespace {

using evidence::shows;

class BadCommit : public ::testing::Test {
 protected:
  BadCommit() {
    for (const char* name : {"a", "b", "c", "d"}) {
      endpoints[name] = std::make_unique<Endpoint>(name, random);
      at(name).supported.extensions = extensions_of_members;
    }
    at("a").create(model::octets("group"));
    commit("a", by_value(add(at("b"))) + by_value(add(at("c"))) + by_value(add(at("d"))), {"b", "c", "d"});
    for (const char* name : {"b", "c", "d", "a"}) commit(name, {});
  }
  ~BadCommit() override { switch_all_on(); }

  Endpoint& at(const std::string& name) { return *endpoints.at(name); }
  static Octets by_value(const Octets& proposal) { return Octets{1} + proposal; }
  static Octets add(Endpoint& who) { return model::number(1, 2) + who.publish(); }
  static Octets remove(std::uint32_t index) { return model::number(3, 2) + model::number(index, 4); }
  Octets psk(const std::string& id, std::size_t nonce_size = 32) {
    Octets nonce(nonce_size);
    EXPECT_EQ(random.fill(nonce), Error::none);
    return model::number(4, 2) + Octets{1} + model::vector(id) + model::vector(nonce);
  }
  static Octets extensions(const Octets& list) { return model::number(7, 2) + model::vector(list); }
  Octets add_newcomer() {
    newcomers.push_back(std::make_unique<Endpoint>("newcomer", random));
    return add(*newcomers.back());
  }

  // A new leaf of a member; and an entry for one that all have received from its sender.
  Octets update_of(const std::string& name) {
    Endpoint& who = at(name);
    const LeafIndex own = who.epoch->member.own();
    LeafNode leaf = who.epoch->state.tree().leaf(own);
    Octets encryption_key(32), room(1 << 12), work(1 << 12);
    Secret unused;
    EXPECT_EQ(who.crypto.generate_key_pair(unused, encryption_key), Error::none);
    leaf.encryption_key = encryption_key;
    leaf.source = LeafNodeSource::update;
    KeySigner signer = who.signer();
    const Result<Bytes> made =
        sign_leaf_node(signer, leaf, {who.epoch->state.context().group_id, own}, work, room);
    EXPECT_TRUE(made.ok());
    return model::number(2, 2) + model::octets(made.value());
  }
  Octets sent_by(const std::string& name, const Octets& proposal) {
    const Octets encoding = model::vector("group") + model::number(at(name).epoch->state.context().epoch, 8) +
                            Octets{1} + model::number(at(name).epoch->member.own().value, 4) +
                            model::vector("") + Octets{2} + proposal;
    AuthenticatedContent content;
    EXPECT_EQ(decode(encoding, content.content), Error::none);
    Digest reference;
    EXPECT_EQ(proposal_ref(at(name).crypto, content, reference), Error::none);
    for (auto& [each, other] : endpoints)
      EXPECT_EQ(other->epoch->state.keep(other->client(), content), Error::none);
    return Octets{2} + model::vector(model::octets(reference));
  }

  void commit(const std::string& by, const Octets& list, const std::vector<std::string>& joiners = {}) {
    ASSERT_EQ(at(by).commit(list), Error::none);
    const Octets message = model::octets(at(by).pending->message),
                 welcome = model::octets(at(by).pending->welcome);
    for (auto& [name, other] : endpoints) {
      if (name == by || !other->epoch) continue;
      ASSERT_EQ(other->receive(message), Error::none);
    }
    at(by).adopt();
    for (const std::string& name : joiners) ASSERT_EQ(at(name).join(welcome), Error::none);
  }

  // Sent by `by`, received by all others.
  void breaks(const char* ids, Error error, const Octets& bad, const Octets& honest, bool with_path = true,
              const std::string& by = "a", NewCommit wanted = {}) {
    wanted.with_path = with_path;
    wanted.wire_format = WireFormat::public_message;
    EXPECT_EQ(at(by).commit(bad, wanted), error == Error::path_absent ? Error::none : error)
        << "the committer keeps the rule as well";
    switch_off(error);
    ASSERT_EQ(at(by).commit(bad, wanted), Error::none);
    switch_all_on();
    const Octets message = model::octets(at(by).pending->message);
    ASSERT_EQ(at(by).commit(honest), Error::none);
    const Octets genuine = model::octets(at(by).pending->message);
    for (auto& [name, other] : endpoints) {
      if (name == by || !other->epoch) continue;
      SCOPED_TRACE(name);
      const auto plain = other->memory.contents(), secrets = other->secret_memory.contents();
      const Error seen = other->consider(message);
      const bool equal = other->memory.contents() == plain && other->secret_memory.contents() == secrets;
      EXPECT_TRUE(equal);
      const Error after = other->consider(genuine);
      EXPECT_EQ(after, Error::none);
      evidence::refused(ids, error, seen, {.state_equal = equal, .genuine_accepted = after == Error::none});
    }
  }

  static constexpr ExtensionType extensions_of_members[] = {static_cast<ExtensionType>(0xf00e)};
  adversary::SeededRandom random{12};
  std::map<std::string, std::unique_ptr<Endpoint>> endpoints;
  std::vector<std::unique_ptr<Endpoint>> newcomers;
};

TEST_F(BadCommit, WithoutThePathThatItsProposalsRequire) {
  const Octets honest = by_value(add_newcomer());
  breaks("COMMIT-08", Error::path_absent, {}, honest, false);
  breaks("COMMIT-10", Error::path_absent, by_value(remove(3)), honest, false);
  breaks("COMMIT-11", Error::path_absent, by_value(extensions({})), honest, false);
}

TEST_F(BadCommit, WithALeafProposedTwice) {
  const Octets honest = by_value(remove(3));
  const Octets update = sent_by("b", update_of("b")), another = sent_by("b", update_of("b"));
  breaks("PLIST-01, PLIST-02", Error::update_of_committer, by_value(update_of("a")), honest);
  breaks("PLIST-05", Error::leaf_proposed_twice, update + by_value(remove(1)), honest);
  breaks("PLIST-06", Error::leaf_proposed_twice, update + another, honest);
  breaks("COMMIT-09", Error::path_absent, update, honest, false);
}

TEST_F(BadCommit, WithWhatStandsOnceOrAlone) {
  const Octets honest = by_value(remove(3)), one = by_value(extensions({})), init = model::number(6, 2);
  const Octets successor = model::number(5, 2) + model::vector("next") + model::number(1, 2) +
                           model::number(3, 2) + model::vector("");
  Octets kem_output(32);
  Secret unused;
  ASSERT_EQ(at("a").crypto.generate_key_pair(unused, kem_output), Error::none);
  breaks("PLIST-11", Error::group_context_extensions_repeated, one + one, honest);
  breaks("PLIST-12, PROP-17", Error::external_init_misplaced, by_value(init + model::vector(kem_output)),
         honest);
  breaks("REINIT-03", Error::reinit_not_alone, by_value(successor) + one, honest);
}

TEST_F(BadCommit, WithPsksThatMayNotBeUsed) {
  const Octets honest = by_value(remove(3));
  for (auto& [name, each] : endpoints) {
    for (const char* id : {"x", "old:3"}) each->psks.known[id] = model::octets("a psk");
  }
  const Octets twice = by_value(psk("x"));
  const auto resumption = [](std::uint8_t usage) {
    return by_value(model::number(4, 2) + Octets{2, usage} + model::vector("old") + model::number(3, 8) +
                    model::vector(Octets(32)));
  };
  breaks("PSK-04", Error::psk_nonce_length, by_value(psk("x", 31)), honest);
  breaks("PSK-10, REINIT-19", Error::psk_usage_misplaced, resumption(2), honest);
  breaks("PSK-11, BRANCH-06", Error::psk_usage_misplaced, resumption(3), honest);
  breaks("PSK-13", Error::psk_repeated, twice + twice, honest);
}

TEST_F(BadCommit, WithMembersThatMayNotBeAdded) {
  const Octets honest = by_value(remove(3));
  Endpoint again("b", random);
  breaks("PLIST-08", Error::client_repeated, by_value(add_newcomer()) + by_value(add_newcomer()), honest);
  breaks("PLIST-09", Error::client_repeated, by_value(add(again)), honest);
  // A key of another member.
  Endpoint thief("thief", random);
  thief.signing_key = secret_of(octets(at("b").signing_key));
  thief.signature_key = at("b").signature_key;
  breaks("PLIST-15", Error::signature_key_repeated, by_value(add(thief)), honest);
  // A leaf that lacks what the group demands.
  const Octets demands = extensions(model::number(3, 2) + model::vector(Octets{0, 2, 0xf0, 1, 0}));
  breaks("PROP-19, REQCAP-03", Error::required_capability_missing, by_value(demands), honest);
}

TEST_F(BadCommit, WithAMemberThatLacksAnExtensionOfTheGroup) {
  commit("a", by_value(extensions(model::number(0xf00e, 2) + model::vector("data"))));
  breaks("EXT-05", Error::group_extension_unlisted, by_value(add_newcomer()), by_value(remove(3)));
}

TEST_F(BadCommit, WithALeafThatCollidesOrLacks) {
  const Octets honest = by_value(remove(3));
  Endpoint& a = at("a");
  LeafNode leaf = a.epoch->state.tree().leaf(a.epoch->member.own());
  const LeafNode own = leaf;
  NewCommit wanted;
  wanted.leaf = &leaf;
  // The key of another, who lends it.
  KeySigner of_b = at("b").signer();
  leaf.signature_key = at("b").signature_key;
  wanted.leaf_signer = &of_b;
  breaks("COMMIT-31", Error::signature_key_repeated, {}, honest, true, "a", wanted);
  // Another identity.
  leaf = own;
  leaf.credential = {CredentialType::basic, bytes_of("somebody else")};
  wanted.leaf_signer = nullptr;
  breaks("COMMIT-31, CRED-12", Error::successor_refused, {}, honest, true, "a", wanted);
}

}  // namespace
}  // namespace tacet
