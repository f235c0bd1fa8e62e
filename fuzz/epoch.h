#pragma once

// An epoch of a small group with all its keys in the open, for targets whose input becomes messages into it:
// members 0, 1 and 3, a blank leaf 2, two external senders, and a client outside the group.

#include <array>

#include "fuzz/oracle.h"
#include "spec/adversary/builder.h"
#include "spec/adversary/reveal.h"
#include "spec/adversary/seeded_random.h"
#include "tests/memories.h"
#include "tests/noise.h"

namespace tacet {

using adversary::Builder;
using adversary::Framed;
using adversary::Means;
using adversary::Step;
using model::Octets, model::number, model::vector, model::zeros, model::operator+;

// What parses of a copy of exactly its size.
inline std::unique_ptr<std::uint8_t[]> exact_copy(Bytes input) {
  auto copy = std::make_unique<std::uint8_t[]>(input.size());
  if (!input.empty()) std::memcpy(copy.get(), input.data(), input.size());
  return copy;
}

inline SecretView view(const Octets& octets) { return {octets.data(), octets.size()}; }

inline Octets framed_encoding(const Framed& framed) {
  return vector(framed.group_id) + adversary::encoded(framed.epoch, framed.sender) +
         vector(framed.authenticated_data) + adversary::encoded(framed.content_type) + framed.content;
}

struct Client {
  Octets signature_key = Octets(32), private_key;
};

class Epoch {
 public:
  static constexpr std::uint32_t leaves = 4, blank = 2;

  Epoch() {
    for (Client& client : members) make(client);  // the blank leaf's too, which is in no tree
    for (Client& client : outsiders) make(client);
    make(newcomer);
    Octets senders, nodes;
    for (const Client& client : outsiders) {
      senders = senders + vector(client.signature_key) + number(1, 2) + vector("bot");
    }
    for (std::uint32_t i = 0; i < leaves; ++i) {
      if (i != 0) nodes.push_back(0);  // a parent
      nodes = nodes + (i == blank ? Octets{0} : Octets{1, 1} + leaf(members[i]));
    }
    Nodes tree_nodes;
    demand(Nodes::parse(nodes, tree_nodes));
    demand(tree.import(crypto, tree_nodes, limits));
    group_extensions = number(5, 2) + vector(vector(senders));
    context.cipher_suite = crypto.suite().suite;
    context.group_id = group_id;
    context.epoch = 7;
    context.tree_hash = tree.tree_hash();
    context.confirmed_transcript_hash = confirmed;
    demand(Extensions::parse(group_extensions, context.extensions));
    group_context = adversary::encoded(context);
  }

  // From a KeyPackage, with noise for a signature.
  Octets leaf(const Client& client) {
    const Octets capabilities =
        vector(number(1, 2)) + vector(number(3, 2)) + vector("") + vector("") + vector(number(1, 2));
    return vector(noise(random, 32)) + vector(client.signature_key) + number(1, 2) + vector("client") +
           capabilities + Octets{1} + zeros(16) + vector("") + vector(noise(random, 64));
  }
  Octets key_package(const Client& client, const Octets& init_key) {
    return number(1, 2) + number(3, 2) + vector(init_key) + leaf(client) + vector("") +
           vector(noise(random, 64));
  }

  Means means(const Client& client) const {
    // Whatever follows from the content: nobody here has the key of the next epoch.
    const auto confirm = [](Bytes input) { return model::hash(model::octets(input)); };
    return {group_context, client.private_key, membership_key, sender_data_secret, confirm};
  }
  MessageEpoch lent() const {
    return {context, group_context, tree, view(membership_key), view(sender_data_secret), custom, limits};
  }
  void start(SecretTree& secret_tree) const {
    demand(secret_tree.start(std::move(Secret::copy_of(encryption_secret).value()), tree.size()));
  }

  adversary::SeededRandom random{1};
  Sodium crypto{random};
  WholeCredential identity;
  TestMemory memory;
  Limits limits;
  RatchetTree tree{memory, identity};
  std::array<Client, leaves> members;
  std::array<Client, 2> outsiders;
  Client newcomer;
  Octets group_id = model::octets("group"), confirmed = noise(random, 32), membership_key = noise(random, 32),
         sender_data_secret = noise(random, 32), encryption_secret = noise(random, 32), group_extensions,
         group_context;
  GroupContext context;
  std::array<ProposalType, 1> custom = {static_cast<ProposalType>(0xf001)};

 private:
  void make(Client& client) {
    Secret key;
    demand(crypto.generate_signature_key_pair(key, client.signature_key));
    client.private_key = model::octets(reveal(key));
  }
};

}  // namespace tacet
