#pragma once

// The committer: makes a Commit of a member (RFC 9420, 12.4.1), or of a client that joins from outside
// (12.4.3.2), honest or with any of its steps changed, and judges nothing. What follows from the changed part
// is made to fit: it is merged, hashed, signed, encrypted, tagged and confirmed like the rest. So a Commit is
// perfect but for the one rule that the change breaks:
//
//     CommitPlan plan;
//     plan.keys = [](OpenPath& path) { path.nodes.pop_back(); };
//     const Octets message = commit_of(attacker, plan).message;
//
// Proposals are applied in the order of 12.3 as far as they can be, whatever the rules say.

#include "endpoint.h"

namespace tacet::adversary {

// A path secret and whom it is meant for: before it is sealed, and then as it is sent.
struct Envelope {
  Octets public_key, path_secret;
  Octets kem_output, ciphertext;
};

// A node of an UpdatePath. Its public key, the one that is sent, is the one that is merged.
struct OpenPathNode {
  PathStep step;
  Octets path_secret, encryption_key;
  std::vector<Envelope> envelopes;  // in the order of the resolution, without the leaves that are new
  Octets private_key = {};
};

struct OpenPath {
  std::vector<OpenPathNode> nodes;  // from the leaf upwards
  Octets commit_secret;
  Octets context;  // in which the path secrets are sealed: the provisional GroupContext
};

// The committer's next leaf before it is signed, and what it is signed with. What is viewed lives until the
// Commit is made.
struct OpenLeaf {
  LeafNode fields;
  Octets group_id;
  LeafIndex index;
  Octets signing_key;
};

struct OpenSecrets {
  Octets init_secret, commit_secret, psk_secret;
};

struct CommitPlan {
  Octets proposals;  // ProposalOrRefs, encoded, one after the other
  bool with_path = true;
  WireFormat format = WireFormat::public_message;  // the only one of an external Commit
  Octets authenticated_data;
  std::size_t padding = 0;  // of a PrivateMessage

  // What becomes of each step, in their order. What is handed over is honest, but for the steps before.
  Change external_pub;                              // of an external Commit: for which its init secret is
  Change external_init;                             // and its ExternalInit, an entry before `proposals`
  std::function<void(TreeDraft&)> tree;             // the proposals are applied
  std::function<void(OpenPath&)> keys;              // path secrets and public keys are there, and not merged
  std::function<void(OpenLeaf&)> leaf;              // the path is merged, and the leaf not signed
  Change signed_leaf;                               // a LeafNode, encoded
  std::function<void(GroupContext&)> context;       // the next: the provisional one, and the one of the epoch
  std::function<void(OpenPath&)> unsealed, sealed;  // the envelopes
  std::function<void(OpenSecrets&)> secrets;        // from which the key schedule starts
  Deviates deviates;                                // from the Commit's content on, as in any message
};

// A Commit, and what a Welcome to its epoch is made of.
struct MadeCommit {
  Octets message;
  Octets epoch_authenticator;
  Octets group_context, confirmation_tag, ratchet_tree;
  Octets joiner_secret, welcome_secret, psks;
  std::vector<NewMember> joiners;
  LeafIndex own;  // where the committer is, with the next two for follow()
  Octets psk_secret;
  std::vector<std::pair<NodeIndex, Octets>> private_keys;  // in the new tree
};

// `by` stays as it is: a PrivateMessage has the generation that its next one will have.
MadeCommit commit_of(Endpoint& by, const CommitPlan& plan);

// The Commit with which a client joins an epoch from outside, with the leaf of its KeyPackage, from what a
// GroupInfo tells of it. A former leaf goes by a Remove among the proposals.
MadeCommit external_commit_of(Device& by, const PublicState& state, const Octets& external_pub,
                              const CommitPlan& plan);

// What the GroupInfo of a member's epoch has for clients outside.
Octets external_pub_of(Endpoint& member);

// Takes the committer to the epoch that its Commit begins.
void follow(Endpoint& by, const MadeCommit& commit);

// The Welcome for those whom the Commit adds, with the tree inside.
Octets welcome_of(Endpoint& by, const MadeCommit& commit, const Deviates& deviates = {});

// The GroupInfo of the epoch that it begins, with the tree inside and that external_pub.
Octets group_info_of(Endpoint& by, const MadeCommit& commit, const Octets& external_pub,
                     const Deviates& deviates = {});

// The key of the member's next message, which is not spent.
OpenMessageKey next_message_key(Endpoint& of, RatchetType type);

// What it takes to make a member's other messages, and their frame.
Means means_of(Endpoint& member);
Framed framed_by(Endpoint& member, ContentType type, Octets content);

}  // namespace tacet::adversary
