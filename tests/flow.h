#pragma once

// A group that lives, for tests of rules that show only where epochs follow on each other: live endpoints,
// nothing forged.

#include "endpoints.h"
#include "evidence.h"

namespace tacet {

// What a member of two knows before a Commit of the other: enough to open the path secret that is meant for
// it.
struct PathReceiver {
  explicit PathReceiver(Endpoint& of)
      : who(of),
        leaf_key(of.epoch->member.path_keys().copy(of.epoch->member.own())),
        public_key(model::octets(of.epoch->state.tree().encryption_key(of.epoch->member.own()))),
        confirmed(model::octets(of.epoch->state.context().confirmed_transcript_hash)) {}

  // From a Commit in a PublicMessage that was adopted; empty if it does not open in the provisional
  // GroupContext.
  Secret path_secret(const Octets& commit) const {
    GroupContext provisional = who.epoch->state.context();
    provisional.confirmed_transcript_hash = confirmed;
    Octets context(encoded_size(provisional).value());
    EXPECT_TRUE(encode(provisional, context).ok());
    MlsMessage decoded;
    EXPECT_EQ(decode(commit, decoded), Error::none);
    const UpdatePathNode node = *decoded.public_message.content.commit.path->nodes.begin();
    const HpkeCiphertext sealed = *node.encrypted_path_secret.begin();
    Secret path_secret;
    EXPECT_EQ(decrypt_with_label(who.crypto, {leaf_key, public_key}, "UpdatePathNode", context,
                                 sealed.kem_output, sealed.ciphertext, path_secret),
              Error::none);
    return path_secret;
  }

  Endpoint& who;
  Secret leaf_key;
  Octets public_key, confirmed;
};

// A member's next leaf with another signature key, and a Commit that brings it.
struct NewSignatureKey {
  explicit NewSignatureKey(Endpoint& of) : key(32) {
    EXPECT_EQ(of.crypto.generate_signature_key_pair(signing_key, key), Error::none);
    leaf = of.epoch->state.tree().leaf(of.epoch->member.own());
    leaf.signature_key = key;
    signer.emplace(of.crypto, signing_key);
  }
  NewCommit commit(NewCommit wanted) {
    wanted.leaf = &leaf;
    wanted.leaf_signer = &*signer;
    return wanted;
  }

  Octets key;
  Secret signing_key;
  LeafNode leaf;
  std::optional<KeySigner> signer;
};

class FlowTest : public ::testing::Test {
 protected:
  Endpoint& at(const std::string& name) {
    auto& found = endpoints[name];
    if (!found) found = std::make_unique<Endpoint>(name, random);
    return *found;
  }
  void found(const std::vector<std::string>& others) {
    at("a").create(model::octets("group"));
    Octets list;
    for (const std::string& name : others) list = list + by_value(add(name));
    commit("a", list, others);
  }
  Octets random_octets(std::size_t size) {
    Octets out(size);
    EXPECT_EQ(random.fill(out), Error::none);
    return out;
  }

  // ---- proposals

  static Octets by_value(const Octets& proposal) { return Octets{1} + proposal; }
  Octets add(const std::string& name) { return model::number(1, 2) + at(name).publish(); }
  Octets remove(const std::string& name) {
    return model::number(3, 2) + model::number(at(name).epoch->member.own().value, 4);
  }
  static Octets extensions(const Octets& list) { return model::number(7, 2) + model::vector(list); }
  // One that everybody knows.
  Octets psk() {
    for (auto& [name, each] : endpoints) each->psks.known["x"] = model::octets("a psk of all");
    return model::number(4, 2) + psk_id;
  }
  // A member's new leaf, in which the encryption key and the signature key are others.
  Octets update(Endpoint& who, Bytes signature_key, const Secret& signing_key) {
    Octets encryption_key(32), room(1 << 12), work(1 << 12);
    Secret leaf_key;
    EXPECT_EQ(who.crypto.generate_key_pair(leaf_key, encryption_key), Error::none);
    LeafNode leaf = who.epoch->state.tree().leaf(who.epoch->member.own());
    leaf.encryption_key = encryption_key;
    leaf.signature_key = signature_key;
    leaf.source = LeafNodeSource::update;
    KeySigner signer(who.crypto, signing_key);
    const Result<Bytes> made = sign_leaf_node(
        signer, leaf, {who.epoch->state.context().group_id, who.epoch->member.own()}, work, room);
    EXPECT_EQ(made.error(), Error::none);
    EXPECT_EQ(who.epoch->member.path_keys().add_update(who.crypto, encryption_key, std::move(leaf_key)),
              Error::none);
    return model::number(2, 2) + model::octets(made.value());
  }
  // Its sender's, and heard by all; what a list says to refer to it.
  Octets propose(const std::string& by, const Octets& proposal) {
    const auto [sent, reference] = at(by).propose(proposal);
    deliver(by, sent);
    return reference;
  }

  // ---- messages

  static NewCommit in_public(bool with_path = true) {
    NewCommit wanted;
    wanted.wire_format = WireFormat::public_message;
    wanted.with_path = with_path;
    return wanted;
  }
  // Without it nothing can go on.
  static void needs(Error error, const std::string& who) {
    EXPECT_EQ(error, Error::none) << who;
    adversary::must(error);
  }
  void deliver(const std::string& from, const Octets& sent) {
    for (auto& [name, other] : endpoints) {
      if (name != from && other->epoch) needs(other->receive(sent), name);
    }
  }
  // Commits, delivers to all, and lets those who were added join; all agree.
  void commit(const std::string& by, const Octets& list, const std::vector<std::string>& joiners = {},
              const NewCommit& wanted = in_public()) {
    needs(at(by).commit(list, wanted), by);
    message = model::octets(at(by).pending->message);
    welcome = model::octets(at(by).pending->welcome);
    deliver(by, message);
    at(by).adopt();
    for (const std::string& name : joiners) needs(at(name).join(welcome), name);
    agree();
  }
  void agree() {
    for (const auto& [name, each] : endpoints) {
      if (!each->epoch) continue;
      EXPECT_EQ(each->authenticator(), at("a").authenticator()) << name;
    }
  }
  // Application data in a PrivateMessage.
  Octets say(const std::string& name) {
    Endpoint& by = at(name);
    const Endpoint::Lent lent(by);
    FramedContent fields;
    fields.group_id = lent.epoch.context.group_id;
    fields.epoch = lent.epoch.context.epoch;
    fields.sender = {SenderType::member, by.epoch->member.own(), 0};
    fields.application_data = bytes_of("hello");
    Octets room(message_room(fields, lent.epoch.group_context, {}).value());
    KeySigner signer = by.signer();
    AuthenticatedContent content;
    EXPECT_EQ(sign_content(signer, WireFormat::private_message, fields, lent.epoch.group_context, by.limits,
                           {}, room, content),
              Error::none);
    MessageKey key;
    EXPECT_EQ(
        by.epoch->member.secret_tree().next(by.crypto, by.epoch->member.own(), RatchetType::application, key),
        Error::none);
    const Result<Bytes> sent = seal(by.crypto, content, key, lent.sender_data_secret, {}, by.limits, room);
    EXPECT_EQ(sent.error(), Error::none);
    return model::octets(sent.value());
  }

  adversary::SeededRandom random{14};
  std::map<std::string, std::unique_ptr<Endpoint>> endpoints;
  Octets message, welcome;
  static inline const Octets psk_id = Octets{1} + model::vector("x") + model::vector(Octets(32, 9));
};

}  // namespace tacet
