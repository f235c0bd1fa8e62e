#pragma once

// An epoch of a small group with all its keys in the open, for tests of messages: members 0, 1 and 3, a blank
// leaf 2, and two external senders.

#include <map>

#include "leaf_model.h"
#include "memories.h"
#include "protocol/tree_draft.h"
#include "spec/adversary/builder.h"

namespace tacet {

using adversary::Builder;
using adversary::Change;
using adversary::Deviates;
using adversary::encoded, adversary::extended, adversary::flipped, adversary::inside, adversary::left_out;
using adversary::Framed;
using adversary::Means;
using adversary::replaced_at, adversary::replaced_by, adversary::shortened;
using adversary::Step;
using evidence::shows;

class MessageTest : public LeafNodeTest {
 protected:
  static constexpr std::uint32_t us = 0, sender = 1, blank = 2;

  // What makes the members' leaves other than they are, by their indexes.
  using Shape = std::function<void(std::uint32_t index, LeafModel& made)>;

  explicit MessageTest(const Shape& shape = [](std::uint32_t, LeafModel&) {}) {
    for (const std::uint32_t index : {0u, 1u, 3u}) {
      leaves[index] = new_leaf();
      shape(index, leaves[index]);
    }
    for (LeafModel& outsider : external) outsider = new_leaf();
    make_tree();
    Octets senders;
    for (const LeafModel& outsider : external) {
      senders = senders + model::vector(outsider.signature_key) + model::number(1, 2) + model::vector("bot");
    }
    group_extensions = model::number(5, 2) + model::vector(model::vector(senders));
    context.cipher_suite = suite().suite;
    context.group_id = group_id;
    context.epoch = 7;
    context.tree_hash = tree.tree_hash();
    context.confirmed_transcript_hash = confirmed;
    EXPECT_EQ(Extensions::parse(group_extensions, context.extensions), Error::none);
    group_context = adversary::encoded(context);
    start(receiving);
    start(sending);
  }

  LeafModel new_leaf() {
    LeafModel made = leaf;
    made.encryption_key = random_octets(32);
    crypto_sign_seed_keypair(made.signature_key.data(), made.private_key.data(), random_octets(32).data());
    return made;
  }
  void start(SecretTree& secret_tree) {
    ASSERT_EQ(secret_tree.start(secret_of(encryption_secret), tree.size()), Error::none);
  }

  // ---- what is sent

  Means means(std::uint32_t leaf_index) const { return means(leaves.at(leaf_index)); }
  Means means(const LeafModel& who) const {
    return {group_context, who.private_key, membership_key, sender_data_secret, [this](Bytes input) {
              const Octets hash = model::hash(interim + model::octets(input));
              return model::hmac(confirmation_key, hash);
            }};
  }
  Framed framed(ContentType type, const Octets& content, Sender from = {SenderType::member, {sender}, 0}) {
    return {group_id, context.epoch, from, authenticated_data, type, content};
  }
  static Sender from(SenderType type, std::uint32_t sender_index = 0) { return {type, {}, sender_index}; }

  Octets application(const std::string& text = "hello") { return model::vector(text); }
  Octets add() { return model::number(1, 2) + key_package.encoding(); }
  Octets remove(std::uint32_t index = 3) { return model::number(3, 2) + model::number(index, 4); }
  Octets by_value(const Octets& proposal) { return Octets{1} + proposal; }
  // A Commit of such a list, with or without a path whose leaf this is.
  Octets commit(const Octets& list, const std::optional<LeafModel>& path = std::nullopt) {
    if (!path) return model::vector(list) + Octets{0};
    LeafModel made = *path;
    made.source = 3;
    const Octets node = model::vector(random_octets(32)) +
                        model::vector(model::vector(random_octets(32)) + model::vector(random_octets(48)));
    return model::vector(list) + Octets{1} + made.encoding() + model::vector(node);
  }

  // The key of a message from a ratchet, by the model.
  adversary::OpenMessageKey message_key(std::uint32_t leaf_index, RatchetType type,
                                        std::uint32_t generation = 0) {
    SecretTree from_start(suite(), memory, secret_memory, limits);
    start(from_start);
    PeekedKey peeked;
    EXPECT_EQ(from_start.peek(crypto, {leaf_index}, type, generation, peeked), Error::none);
    const MessageKey& key = peeked.message_key();
    return {octets(key.key), octets(key.nonce), generation};
  }

  // The next key of the sender's ratchet.
  adversary::OpenMessageKey next_key(const Framed& content) {
    const std::uint32_t index = content.sender.leaf_index.value;
    const RatchetType type = ratchet_of(content.content_type);
    return message_key(index, type, generations[{index, type}]++);
  }

  // ---- what is received

  MessageEpoch epoch() {
    return {context, group_context, tree, view(membership_key), view(sender_data_secret), custom, limits};
  }

  // As a member does; the key of a message that was accepted is used.
  Error receive(const Octets& input) {
    message = input;  // what is accepted views it
    MlsMessage decoded;
    TRY(decode(message, decoded));
    if (decoded.wire_format == WireFormat::public_message) {
      room.assign(unprotect_room(decoded.public_message, epoch()), 0xaa);
      return unprotect(crypto, epoch(), decoded.public_message, room, accepted);
    }
    room.assign(open_room(decoded.private_message, epoch()), 0xaa);
    PeekedKey key;
    TRY(open(crypto, epoch(), receiving, decoded.private_message, room, key, accepted));
    receiving.adopt(key);
    return Error::none;
  }

  // Refused for exactly that reason; nothing has changed, and the genuine message is accepted after it.
  void refused(const char* ids, Error error, const Octets& bad, const Octets& genuine) {
    const auto plain = memory.contents(), secrets = secret_memory.contents();
    const Error seen = receive(bad);
    const bool equal = memory.contents() == plain && secret_memory.contents() == secrets;
    EXPECT_TRUE(equal);
    const Error after = receive(genuine);
    EXPECT_EQ(after, Error::none);
    evidence::refused(ids, error, seen, {.state_equal = equal, .genuine_accepted = after == Error::none});
  }
  // A message that is perfect but for one step.
  void breaks_public(const char* ids, Error error, const Framed& content, const Deviates& deviates,
                     const LeafModel* signer = nullptr) {
    Builder builder(crypto, signer != nullptr ? means(*signer) : means(content.sender.leaf_index.value));
    refused(ids, error, builder.public_message(content, deviates), builder.public_message(content));
  }
  void breaks_private(const char* ids, Error error, const Framed& content, const Deviates& deviates,
                      std::size_t padding = 0) {
    hear();
    Builder builder(crypto, means(content.sender.leaf_index.value));
    const auto key = next_key(content);
    refused(ids, error, builder.private_message(content, key, padding, deviates),
            builder.private_message(content, key, padding));
  }

  // Each sender is heard once, in both ratchets: after that no message allocates.
  void hear() {
    if (!generations.empty()) return;
    for (const auto& [index, made] : leaves) {
      Builder builder(crypto, means(index));
      const Sender from = {SenderType::member, {index}, 0};
      for (const ContentType type : {ContentType::application, ContentType::proposal}) {
        const Octets content = type == ContentType::application ? application() : remove();
        const Framed said = framed(type, content, from);
        ASSERT_EQ(receive(builder.private_message(said, next_key(said), 0)), Error::none);
      }
    }
  }

  std::map<std::uint32_t, LeafModel> leaves;
  std::array<LeafModel, 2> external;
  TestMemory memory, secret_memory;
  WholeCredential identity;
  RatchetTree tree{memory, identity};
  Octets group_id = model::octets("group"), confirmed = random_octets(32), interim = random_octets(32);
  Octets membership_key = random_octets(32), sender_data_secret = random_octets(32),
         encryption_secret = random_octets(32), confirmation_key = random_octets(32);
  Octets group_extensions, group_context, authenticated_data = model::octets("said in the open");
  GroupContext context;
  std::vector<ProposalType> custom;
  SecretTree receiving{suite(), memory, secret_memory, limits},
      sending{suite(), memory, secret_memory, limits};
  std::map<std::pair<std::uint32_t, RatchetType>, std::uint32_t> generations;  // the next, once heard
  Octets message, room;
  AuthenticatedContent accepted;

 private:
  void make_tree() {
    ASSERT_EQ(tree.start(crypto, leaves.at(0).encoding()), Error::none);
    TreeDraft draft(crypto, tree, memory, limits);
    ASSERT_EQ(draft.start(), Error::none);
    for (const LeafModel& next : {leaves.at(1), new_leaf(), leaves.at(3)}) {
      const Octets encoded = next.encoding();
      LeafNode added;
      ASSERT_EQ(decode(encoded, added), Error::none);
      ASSERT_TRUE(draft.add(added).ok());
    }
    ASSERT_EQ(draft.remove({blank}), Error::none);
    ASSERT_EQ(draft.rehash(), Error::none);
    ASSERT_EQ(draft.reserve(), Error::none);
    draft.adopt(tree);
  }
};

}  // namespace tacet
