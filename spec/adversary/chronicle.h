#pragma once

// What happened in a group, and in those that succeed it, as somebody who has no key could write it down: who
// published, proposed, committed, adopted and read what, in which order. Key pairs, epochs and messages are
// numbers.

#include <optional>
#include <vector>

#include "protocol/leaf_node.h"
#include "protocol/proposal.h"
#include "protocol/secret_tree.h"
#include "provider.h"

namespace tacet::adversary {

using KeyNumber = std::size_t;    // of a key pair of the KEM
using EpochNumber = std::size_t;  // its place in Chronicle::epochs

// What a Commit changes in the tree.
struct TreeChange {
  ProposalType type{};  // an Add, an Update or a Remove
  LeafIndex leaf = {};  // of an Update or a Remove
  ClientId client = 0;  // of an Add, with the keys of its KeyPackage
  KeyNumber init_key = 0;
  KeyNumber leaf_key = 0;  // of an Add or an Update
};

// A PSK that a Commit asks for: an external one by its number, or the resumption PSK of an epoch.
struct PskAsked {
  PskType type{};
  std::size_t number = 0;
};

// An epoch that somebody has made, whether the group went there or not.
struct EpochBegun {
  std::optional<EpochNumber> parent = {};  // none: the group was created
  ClientId committer = 0;
  LeafIndex leaf = {};  // the committer's, in its tree
  bool is_external = false;
  bool has_path = false;
  std::vector<TreeChange> changes = {};
  std::vector<PskAsked> psks = {};
  KeyNumber leaf_key = 0;  // of the committer, if it has a path or is the first
};

// The key of the i-th parent node, from the lowest up, of the path that begins an epoch; smaller numbers are
// those of leaves and KeyPackages.
constexpr KeyNumber path_key(EpochNumber epoch, std::size_t i) { return ((epoch + 1) << 32) + i; }
constexpr bool is_path_key(KeyNumber key) { return key >> 32 != 0; }
constexpr EpochNumber epoch_of_path_key(KeyNumber key) { return (key >> 32) - 1; }
constexpr std::size_t place_of_path_key(KeyNumber key) { return key & 0xffffffff; }

// A PrivateMessage.
struct Sealed {
  EpochNumber epoch = 0;
  LeafIndex leaf = {};
  RatchetType type = RatchetType::application;
  std::uint32_t generation = 0;
};

struct Happened {
  enum class What : std::uint8_t {
    publishes,  // keys: those of its KeyPackage, in the place of the last one's
    creates,    // epoch
    updates,    // key: of the leaf that it proposes
    commits,    // epoch: which waits
    drops,      // its Commit that waits
    adopts,     // epoch: its own that waited, or another's
    joins,      // epoch: by a Welcome
    leaves,     // as a Commit removes it, or of itself
    saves,
    restarts,  // with what it has saved last, and has used up what that had reserved
    nothing,   // but that it seals or opens a message
  };
  ClientId who = 0;
  What what = What::nothing;
  std::size_t group = 0;  // a client may be in several
  EpochNumber epoch = 0;
  KeyNumber key = 0, init_key = 0;
  std::optional<Sealed> message = {};          // that it sealed or opened
  std::array<std::uint32_t, 2> reserved = {};  // of who restarts, by RatchetType: generations until there
};

struct Chronicle {
  std::size_t resumption_psks = 0, past_epochs = 0;  // that endpoints keep (Limits)
  std::vector<EpochBegun> epochs;
  std::vector<Happened> events;
};

// What a secret is, by the place that RFC 9420 gives it. What follows from one alone, and gives nothing else,
// has the same name: of a private key what its pair is derived from, and all that HPKE makes of what is
// sealed to it; of a key what is sealed under it.
struct Name {
  enum class Role : std::uint8_t {
    signature_key,  // first: whose
    storage_key,    // first: whose; under which its group is saved
    psk,            // first: an external PSK
    psk_secret,     // first: the epoch; second: of how many PSKs
    private_key,    // first: the key pair; second: 0, or 1 for what the pair is derived from
    path_secret,    // first: the epoch; second: its place in the path, the commit_secret the last
    extracted,      // first: the epoch: what its joiner_secret comes from
    joiner_secret,  // first: the epoch, and below
    member_secret,  // and the welcome_secret
    epoch_secret,
    of_epoch,        // second: EpochSecret
    tree_node,       // second: its place in a heap: the root's, and below it 2i and 2i + 1
    ratchet_secret,  // second: LeafIndex and RatchetType; third: generation
    message_key,     // likewise: key, nonce and plaintext
    never,           // what nobody keeps: an ephemeral private key
  };
  enum EpochSecret : std::size_t {
    init,
    sender_data,
    exporter,
    external,
    confirm,
    membership,
    resumption,
    authentication
  };
  Role role = Role::never;
  std::size_t first = 0, second = 0, third = 0;
  auto operator<=>(const Name&) const = default;
};

inline constexpr std::size_t root_of_heap = 1;

constexpr std::size_t ratchet_of(LeafIndex leaf, RatchetType type) {
  return std::size_t{leaf.value} * 2 + static_cast<std::size_t>(type);
}

}  // namespace tacet::adversary
