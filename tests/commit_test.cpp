#include "protocol/commit.h"

#include <algorithm>
#include <set>

#include "flow.h"

namespace tacet {
namespace {

using evidence::shows;

// Everybody processes what one of them commits, and what is the same in every epoch is held.
class CommitTest : public FlowTest {
 protected:
  void found_group(const std::vector<std::string>& others) {
    at("a").create(model::octets("group"));
    Octets list;
    for (const std::string& name : others) list = list + by_value(add(name));
    commit("a", list, others);
  }
  Octets psk(const std::string& id) {
    Octets nonce(32);
    EXPECT_EQ(random.fill(nonce), Error::none);
    return model::number(4, 2) + Octets{1} + model::vector(id) + model::vector(nonce);
  }
  // Commits, delivers to all, and lets those who were added join; all agree.
  void commit(const std::string& by, const Octets& list, const std::vector<std::string>& joiners = {},
              NewCommit wanted = {}) {
    Endpoint& committer = at(by);
    ASSERT_EQ(committer.commit(list, wanted), Error::none);
    message = model::octets(committer.pending->message);
    welcome = model::octets(committer.pending->welcome);
    EXPECT_EQ(welcome.empty(), joiners.empty());
    for (auto& [name, other] : endpoints) {
      if (name == by || !other->epoch) continue;
      ASSERT_EQ(other->receive(message), Error::none) << name;
    }
    const Context before = context_of(committer);
    committer.adopt();
    follows(before, context_of(committer));
    for (const std::string& name : joiners) ASSERT_EQ(at(name).join(welcome), Error::none) << name;
    agree();
  }
  void agree() {
    const Endpoint* first = nullptr;
    for (const auto& [name, each] : endpoints) {
      if (!each->epoch) continue;
      if (first == nullptr) first = each.get();
      EXPECT_EQ(each->authenticator(), first->authenticator()) << name;
      EXPECT_TRUE(equal(each->epoch->state.group_context(), first->epoch->state.group_context()));
      EXPECT_TRUE(equal(each->epoch->state.confirmation_tag(), first->epoch->state.confirmation_tag()));
      EXPECT_TRUE(
          equal(each->epoch->state.interim_transcript_hash(), first->epoch->state.interim_transcript_hash()));
    }
  }

  struct Context {
    Octets group_id, extensions, confirmed, interim, tag;
    CipherSuite suite;
    std::uint64_t number;
  };
  static Context context_of(const Endpoint& of) {
    const PublicState& state = of.epoch->state;
    const GroupContext& context = state.context();
    EXPECT_TRUE(equal(context.tree_hash, state.tree().tree_hash()));
    return {model::octets(context.group_id),
            model::octets(context.extensions.encoded()),
            model::octets(context.confirmed_transcript_hash),
            model::octets(state.interim_transcript_hash()),
            model::octets(state.confirmation_tag()),
            context.cipher_suite,
            context.epoch};
  }
  // What is the same in every epoch, and how the transcript goes on.
  void follows(const Context& before, const Context& after) {
    EXPECT_EQ(after.group_id, before.group_id);
    EXPECT_EQ(after.suite, before.suite);
    EXPECT_EQ(after.number, before.number + 1);
    EXPECT_EQ(after.extensions, next_extensions.value_or(before.extensions));
    EXPECT_EQ(after.interim, model::hash(after.confirmed + model::vector(after.tag)));
    MlsMessage decoded;
    ASSERT_EQ(decode(message, decoded), Error::none);
    if (decoded.wire_format != WireFormat::public_message) return;
    const PublicMessage& sent = decoded.public_message;
    EXPECT_EQ(model::octets(sent.auth.confirmation_tag), after.tag);
    EXPECT_EQ(after.confirmed,
              model::hash(before.interim + Octets{0, 1} + model::octets(sent.content.encoded) +
                          model::vector(model::octets(sent.auth.signature))));
  }

  std::optional<Octets> next_extensions;  // nothing: they stay
};

TEST_F(CommitTest, AGroupGrowsChangesAndShrinks) {
  found_group({"b", "c"});
  for (const WireFormat format : {WireFormat::private_message, WireFormat::public_message}) {
    NewCommit wanted;
    wanted.wire_format = format;
    for (const char* name : {"b", "c", "a"}) commit(name, {}, {}, wanted);
  }
  NewCommit without_path;
  without_path.with_path = false;
  commit("b", by_value(add("d")) + by_value(add("e")), {"d", "e"}, without_path);
  commit("d", by_value(remove("a")), {}, in_public());
  EXPECT_FALSE(at("a").epoch.has_value()) << "it learns that it was removed";
  commit("e", by_value(add("a")), {"a"});
  for (const char* name : {"a", "b", "c", "d", "e"}) commit(name, {}, {}, in_public());
  shows(
      "CRYPTO-01, KEYSCHED-12, KEYSCHED-13, COMMIT-12, COMMIT-13, COMMIT-34, COMMIT-35, COMMIT-20, "
      "COMMIT-33");
}

TEST_F(CommitTest, TheFirstCommitFollowsOnTheTagOfEpochZero) {
  at("a").create(model::octets("group"));
  const Context zero = context_of(at("a"));
  EXPECT_EQ(zero.interim, model::hash(model::vector(zero.tag)));
  commit("a", by_value(add("b")), {"b"}, in_public());
  commit("b", {}, {}, in_public());
  shows("KEYSCHED-19, KEYSCHED-18");
}

// A Commit without a path, whose commit secret is zeros, by the model; with a PSK of an epoch that has
// passed.
TEST_F(CommitTest, AnEpochFollowsFromTheInitSecretAndThePskOfAnotherEpoch) {
  found_group({"b"});
  const Octets resumption_psk = octets(at("a").epoch->member.keys().copy(EpochKeys::Of::resumption_psk));
  const std::uint64_t of_epoch = at("a").epoch->state.context().epoch;
  commit("b", {});
  commit("a", {});
  const Octets init_secret = octets(at("a").epoch->member.keys().copy(EpochKeys::Of::init_secret));
  const Octets id =
      Octets{2, 1} + model::vector("group") + model::number(of_epoch, 8) + model::vector(Octets(32, 7));
  NewCommit without_path;
  without_path.with_path = false;
  commit("a", by_value(model::number(4, 2) + id), {}, without_path);
  const Octets context = model::octets(at("b").epoch->state.group_context());
  const Octets psk_input =
      model::expand_with_label(model::extract(model::zeros(32), resumption_psk), "derived psk",
                               id + model::number(0, 2) + model::number(1, 2), 32);
  const Octets psk_secret = model::extract(psk_input, model::zeros(32));
  const Octets joiner_secret =
      model::expand_with_label(model::extract(init_secret, model::zeros(32)), "joiner", context, 32);
  const Octets epoch_secret =
      model::expand_with_label(model::extract(joiner_secret, psk_secret), "epoch", context, 32);
  EXPECT_EQ(at("b").authenticator(), model::derive_secret(epoch_secret, "authentication"));
  shows("PSK-09");
}

TEST_F(CommitTest, WhatAnEpochKeptIsGoneOnceTheNextIsAdopted) {
  found_group({"b"});
  Endpoint& a = at("a");
  const Octets init_secret = octets(a.epoch->member.keys().copy(EpochKeys::Of::init_secret));
  ASSERT_EQ(a.commit({}, in_public()), Error::none);
  ASSERT_TRUE(a.secret_memory.holds(init_secret));
  a.pending->next.adopt(*a.epoch);  // which is still there
  EXPECT_FALSE(a.secret_memory.holds(init_secret));
}

TEST_F(CommitTest, PsksEnterInTheOrderOfTheirProposals) {
  found_group({"b"});
  for (const char* id : {"one", "two"}) {
    for (auto& [name, each] : endpoints) each->psks.known[id] = model::octets("the psk ") + model::octets(id);
  }
  at("c").psks.known = at("a").psks.known;
  commit("a", by_value(psk("two")) + by_value(add("c")) + by_value(psk("one")) + by_value(psk("two")), {"c"});
  shows("PSK-01");

  // One that the receiver does not hold: it stays where it is, and goes on when it has it.
  at("a").psks.known["three"] = model::octets("known to a alone");
  ASSERT_EQ(at("a").commit(by_value(psk("three"))), Error::none);
  message = model::octets(at("a").pending->message);
  for (const char* name : {"b", "c"}) {
    Endpoint& other = at(name);
    const Error seen = other.consider(message);
    other.psks.known["three"] = model::octets("known to a alone");
    const Error genuine = other.receive(message);
    evidence::refused("PSK-12", Error::psk_unknown, seen, {.genuine_accepted = genuine == Error::none});
  }
  at("a").adopt();
  agree();
}

TEST_F(CommitTest, ExtensionsChangeByTheirProposalAlone) {
  const Octets unsorted = model::number(5, 2) + model::vector(model::vector("")) + model::number(3, 2) +
                          model::vector(Octets{0, 0, 2, 0, 1});
  found_group({"b"});
  next_extensions = unsorted;
  commit("a", by_value(model::number(7, 2) + model::vector(unsorted)), {}, in_public());
  next_extensions.reset();
  commit("b", by_value(add("c")), {"c"});
  shows("KEYSCHED-14, COMMIT-19");
}

TEST_F(CommitTest, APathIsEncryptedInTheProvisionalContext) {
  found_group({"b"});
  Endpoint& b = at("b");
  const PathReceiver before(b);
  commit("a", {}, {}, in_public());
  EXPECT_FALSE(before.path_secret(message).empty());
  shows("TREE-27");
}

TEST_F(CommitTest, ProposalsAreReferredToInTheirEpoch) {
  found_group({"b", "c"});
  at("d");
  const Octets body = add("d");
  const auto [sent, reference] = at("b").propose(body);
  // Of one whose signature is wrong nothing is kept.
  MlsMessage decoded;
  ASSERT_EQ(decode(sent, decoded), Error::none);
  Octets forged = sent;
  forged[static_cast<std::size_t>(decoded.public_message.auth.signature.data() - sent.data())] ^= 1;
  EXPECT_NE(at("a").receive(forged), Error::none);
  EXPECT_EQ(at("a").commit(reference), Error::proposal_unknown);
  evidence::refused("PROP-01", Error::proposal_unknown, at("a").commit(reference));
  for (const char* name : {"a", "c"}) ASSERT_EQ(at(name).receive(sent), Error::none);
  const auto [own, own_reference] = at("a").propose(body);
  ASSERT_EQ(at("a").commit(own_reference), Error::none) << "one's own";
  commit("a", reference, {"d"});
  shows("PROP-02, PROP-08, COMMIT-24, COMMIT-43");
  // In the next epoch it is not known any more.
  EXPECT_EQ(at("a").commit(reference), Error::proposal_unknown);
  EXPECT_EQ(at("c").commit(reference), Error::proposal_unknown);
  shows("PROP-04");
}

TEST_F(CommitTest, AnUpdateIsOfWhoeverProposedIt) {
  found_group({"b", "c", "d"});
  for (const char* name : {"a", "b", "c", "d"}) commit(name, {});
  Endpoint& b = at("b");
  const LeafIndex own = b.epoch->member.own();
  const Octets before = model::octets(b.epoch->state.tree().encryption_key(own));
  for (const bool is_committed : {false, true}) {
    Octets encryption_key(32), work(1 << 12), out(1 << 12);
    Secret leaf_key;
    ASSERT_EQ(b.crypto.generate_key_pair(leaf_key, encryption_key), Error::none);
    LeafNode leaf = b.epoch->state.tree().leaf(own);
    leaf.encryption_key = encryption_key;
    leaf.source = LeafNodeSource::update;
    KeySigner signer = b.signer();
    const Result<Bytes> made =
        sign_leaf_node(signer, leaf, {b.epoch->state.context().group_id, own}, work, out);
    ASSERT_TRUE(made.ok());
    ASSERT_EQ(b.epoch->member.path_keys().add_update(b.crypto, encryption_key, std::move(leaf_key)),
              Error::none);
    const auto [sent, reference] = b.propose(model::number(2, 2) + model::octets(made.value()));
    for (const char* name : {"a", "c", "d"}) ASSERT_EQ(at(name).receive(sent), Error::none);
    commit("d", is_committed ? reference : Octets(), {}, in_public());
    const RatchetTree& tree = at("a").epoch->state.tree();
    EXPECT_EQ(model::octets(tree.encryption_key(own)), is_committed ? encryption_key : before);
    EXPECT_EQ(tree.is_blank(*tree.size().parent(own)), is_committed);
    EXPECT_EQ(b.epoch->member.path_keys().updates(), 0u) << "forgotten, whether it was committed or not";
  }
  commit("b", {});
  commit("a", {});
  shows("PROP-10, PROP-11");
}

// Whoever joins by an external Commit may remove a former leaf of its own, and nobody else's.
TEST_F(CommitTest, AnExternalCommitRemovesNobodyElse) {
  found_group({"b", "c"});
  Endpoint& a = at("a");
  const Octets list = by_value(model::number(6, 2) + model::vector(Octets(32))) + by_value(remove("c"));
  Commit made;
  ASSERT_EQ(List<ProposalOrRef>::parse(list, made.proposals), Error::none);
  const LeafNode of_b = a.epoch->state.tree().leaf(at("b").epoch->member.own());
  const LeafNode of_c = a.epoch->state.tree().leaf(at("c").epoch->member.own());
  const Client ours = a.client();
  NextPublicState next(ours, a.epoch->state);
  ASSERT_EQ(next.apply(ours, made, {SenderType::new_member_commit, {}, 0}), Error::none);
  EXPECT_EQ(next.check_path_credential(ours, of_b), Error::successor_refused);
  EXPECT_EQ(next.check_path_credential(ours, of_c), Error::none);
}

TEST_F(CommitTest, ARemoveShrinksTheTree) {
  found_group({"b", "c", "d", "e"});
  EXPECT_EQ(at("a").epoch->state.tree().size().leaves(), 8u);
  commit("a", by_value(remove("e")));
  EXPECT_EQ(at("a").epoch->state.tree().size().leaves(), 4u);
  shows("PROP-14");
}

TEST_F(CommitTest, AFounderIsReachedByTheKeyOfItsLeaf) {
  NewCommit without_path;
  without_path.with_path = false;
  at("a").create(model::octets("group"));
  commit("a", by_value(add("b")), {"b"}, without_path);
  commit("b", {});
}

// Signed and tagged anew around a path whose leaf is forged.
TEST_F(CommitTest, ThePathIsHeldToItsRules) {
  found_group({"b", "c"});
  Endpoint& a = at("a");
  Endpoint& b = at("b");
  ASSERT_EQ(a.commit({}, in_public()), Error::none);
  const Octets genuine = model::octets(a.pending->message);
  MlsMessage decoded;
  ASSERT_EQ(decode(genuine, decoded), Error::none);
  const FramedContent& sent = decoded.public_message.content;
  Octets content(encoded_size(sent.commit).value());
  ASSERT_TRUE(encode(sent.commit, content).ok());
  const Octets signature = model::octets(sent.commit.path->leaf_node.signature);
  const auto place = std::search(content.begin(), content.end(), signature.begin(), signature.end());
  ASSERT_NE(place, content.end());
  *place ^= 1;
  const Endpoint::Lent lent(b);
  const Octets tag = model::octets(decoded.public_message.auth.confirmation_tag);
  adversary::Builder builder(
      a.crypto, {model::octets(a.epoch->state.group_context()), octets(a.signing_key),
                 octets(lent.membership_key), octets(lent.sender_data_secret), [&](Bytes) { return tag; }});
  const Octets forged = builder.public_message(
      {model::octets(sent.group_id), sent.epoch, sent.sender, {}, ContentType::commit, content});
  EXPECT_EQ(b.consider(forged), Error::signature_invalid);
  EXPECT_EQ(b.consider(genuine), Error::none);
}

TEST_F(CommitTest, ACommitterIsBelievedAnew) {
  found_group({"b", "c"});
  ASSERT_EQ(at("a").commit({}, in_public()), Error::none);
  const Octets sent = model::octets(at("a").pending->message);
  Endpoint& b = at("b");
  b.policy.disbelieved = at("a").signature_key;
  const Error seen = b.consider(sent);
  b.policy.disbelieved = {};
  evidence::refused("CRED-10", Error::credential_refused, seen,
                    {.genuine_accepted = b.consider(sent) == Error::none});
}

TEST_F(CommitTest, TheWelcomeIsForThoseWhoAreAdded) {
  found_group({"b", "c", "d"});
  for (const bool with_path : {true, false}) {
    NewCommit wanted;
    wanted.with_path = with_path;
    const std::string first = with_path ? "e" : "g", second = with_path ? "f" : "h";
    commit("b", by_value(add(first)) + by_value(add(second)), {first, second}, wanted);
    MlsMessage decoded;
    ASSERT_EQ(decode(welcome, decoded), Error::none);
    EXPECT_EQ(decoded.welcome.secrets.count(), 2u);
    for (const std::string& name : {first, second}) {
      const MemberState& member = at(name).epoch->member;
      const NodeIndex root = at(name).epoch->state.tree().size().root();
      EXPECT_EQ(member.path_keys().holds(root), with_path) << "its lowest common ancestor with b";
      EXPECT_EQ(member.path_keys().size(), with_path ? 2u : 1u);
    }
  }
  commit("a", {});
  EXPECT_TRUE(welcome.empty());
  shows("COMMIT-22, COMMIT-23, COMMIT-24, COMMIT-25");
}

TEST_F(CommitTest, ANewSignatureKeyIsUsedFromTheNextEpochOn) {
  found_group({"b", "c"});
  Endpoint& b = at("b");
  const Octets old_key = b.signature_key;
  Secret next_key;
  Octets next_public(32);
  ASSERT_EQ(b.crypto.generate_signature_key_pair(next_key, next_public), Error::none);
  KeySigner next_signer(b.crypto, next_key);
  LeafNode leaf = b.epoch->state.tree().leaf(b.epoch->member.own());
  leaf.signature_key = next_public;
  NewCommit wanted = in_public();
  wanted.leaf = &leaf;
  wanted.leaf_signer = &next_signer;
  commit("b", by_value(add("d")), {"d"},
         wanted);  // the message is signed with the old key, the GroupInfo with the new
  for (const char* name : {"a", "c", "d"}) {
    Endpoint& other = at(name);
    EXPECT_EQ(model::octets(other.epoch->state.tree().signature_key(b.epoch->member.own())), next_public);
  }
  EXPECT_NE(next_public, old_key);
  b.signing_key = std::move(next_key);
  b.signature_key = next_public;
  commit("b", {}, {}, in_public());
  commit("b", {});
  shows("COMMIT-18, COMMIT-21, LEAF-39");
}

TEST_F(CommitTest, ACommitThatIsNotAdoptedHasChangedNothingButAGeneration) {
  found_group({"b", "c"});
  Endpoint& a = at("a");
  ASSERT_EQ(a.commit({}, in_public()), Error::none);
  a.pending.reset();
  const auto plain = a.memory.contents(), secrets = a.secret_memory.contents();
  ASSERT_EQ(a.commit(by_value(remove("c")), in_public()), Error::none);
  a.pending.reset();
  EXPECT_TRUE(a.memory.contents() == plain && a.secret_memory.contents() == secrets);
  commit("b", {});  // another's wins
  shows("COMMIT-36");

  std::set<std::uint32_t> generations;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(a.commit({}), Error::none);
    MlsMessage decoded;
    ASSERT_EQ(decode(a.pending->message, decoded), Error::none);
    const PrivateMessage& sent = decoded.private_message;
    const Endpoint::Lent lent(at("c"));
    Secret key, nonce;
    ASSERT_EQ(derive_sender_data_key(a.crypto, lent.sender_data_secret, sent.ciphertext, key, nonce),
              Error::none);
    Octets octets(sender_data_size);
    ASSERT_EQ(a.crypto.open(key, nonce, sent.sender_data_aad, sent.encrypted_sender_data, octets),
              Error::none);
    SenderData sender_data;
    ASSERT_EQ(decode(octets, sender_data), Error::none);
    generations.insert(sender_data.generation);
    a.pending.reset();
  }
  EXPECT_EQ(generations.size(), 3u);
  commit("a", {});
  shows("COMMIT-37");
}

TEST_F(CommitTest, AConfirmationTagIsThatOfTheNewEpoch) {
  found_group({"b", "c"});
  ASSERT_EQ(at("a").commit({}, in_public()), Error::none);
  const Octets genuine = model::octets(at("a").pending->message);
  MlsMessage decoded;
  ASSERT_EQ(decode(genuine, decoded), Error::none);
  const PublicMessage& sent = decoded.public_message;
  const Octets tag = model::octets(sent.auth.confirmation_tag),
               signature = model::octets(sent.auth.signature);
  Octets flipped = tag, shorter = tag, longer = tag + Octets{0};
  flipped[0] ^= 1;
  shorter.pop_back();
  for (Endpoint* const other : {&at("b"), &at("c")}) {
    const Endpoint::Lent lent(*other);
    for (const Octets& bad : {flipped, shorter, longer, Octets()}) {
      const Octets auth = model::vector(signature) + model::vector(bad);
      const Octets head = Octets{0, 1, 0, 1} + model::octets(sent.content.encoded);
      const Octets tagged = head + model::octets(other->epoch->state.group_context()) + auth;
      const Octets forged = head + auth + model::vector(model::hmac(octets(lent.membership_key), tagged));
      const auto plain = other->memory.contents(), secrets = other->secret_memory.contents();
      const Error seen = other->consider(forged);
      const bool equal = other->memory.contents() == plain && other->secret_memory.contents() == secrets;
      EXPECT_TRUE(equal);
      evidence::refused("FRAME-25, FRAME-55", Error::confirmation_tag_invalid, seen,
                        {.state_equal = equal, .genuine_accepted = other->consider(genuine) == Error::none});
    }
  }
}

TEST_F(CommitTest, AFullMemoryChangesNothing) {
  found_group({"b", "c"});
  Endpoint& a = at("a");
  Endpoint& b = at("b");
  const Octets list = by_value(add("d")) + by_value(remove("c"));
  ASSERT_EQ(a.commit(list, in_public()), Error::none);
  const Octets sent = model::octets(a.pending->message);
  a.pending.reset();
  for (const bool of_secrets : {false, true}) {
    const auto fill = [&](Endpoint& who, const std::function<Error()>& attempt) {
      TestMemory& full = of_secrets ? who.secret_memory : who.memory;
      bool done = false;
      for (std::size_t call = 0; !done; ++call) {
        const auto plain = who.memory.contents(), secrets = who.secret_memory.contents();
        full.fail_at(full.calls() + call);
        const Error error = attempt();
        full.fail_at(SIZE_MAX);
        who.pending.reset();
        done = error == Error::none;
        EXPECT_TRUE(done || error == Error::out_of_memory);
        EXPECT_TRUE(who.memory.contents() == plain && who.secret_memory.contents() == secrets);
      }
    };
    fill(a, [&] { return a.commit(list, in_public()); });
    fill(b, [&] { return b.consider(sent); });
  }
  shows("COMMIT-33");
}

}  // namespace
}  // namespace tacet
