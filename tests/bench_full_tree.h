#pragma once

// Trees for the benchmark, as they are after every member has committed, from the first leaf to the last.
// They are put together from the root down and from the left to the right, without any of the drafts that led
// to them, so that n members take n signatures.

#include <array>
#include <optional>
#include <vector>

#include "model.h"
#include "protocol/leaf_node.h"
#include "protocol/tree_math.h"

namespace tacet::bench {

using model::Octets;

inline constexpr std::size_t leaf_size = 185;  // in bytes, of every leaf

// A member's signature key, and what it signed last: LeafNodeTBS as SignContent.
struct Signed {
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> private_key;  // its second half is the public key
  Octets message;
  std::array<std::uint8_t, crypto_sign_BYTES> signature;

  Bytes public_key() const { return Bytes(private_key).last(crypto_sign_PUBLICKEYBYTES); }
};

Signed new_member();

// The encoding of a LeafNode from `source`, with that parent hash if it is commit. Without a group to be
// signed for, the signature is noise.
Octets make_leaf(Signed& member, LeafIndex index, LeafNodeSource source, Bytes encryption_key,
                 Bytes parent_hash, std::optional<Bytes> group_id);

struct FullTree {
  Octets encoding;  // the value of the ratchet_tree extension
  std::vector<Signed> members;
  Secret key_of_leaf_1;  // for its encryption_key; all others are noise
};

struct FullTreeOptions {
  std::uint32_t members;
  std::optional<Bytes> group_id = {};  // that leaves are signed for
  std::uint32_t unmerged_every = 0;    // each such leaf was added after all others had committed
};

FullTree make_full_tree(const FullTreeOptions& options);

Octets random_octets(std::size_t size);

}  // namespace tacet::bench
