#pragma once

// The secret tree and the sender ratchets, RFC 9420, section 9, and the keys of sender data (6.3.2).
//
// Secrets are derived when a sender is first heard, and each is erased when what was derived from it has been
// used. So the tree holds the roots of the subtrees that nobody was heard from, and two ratchets for each
// sender heard: its memory grows with the senders, not with the group.

#include "crypto.h"
#include "limits.h"
#include "memory.h"
#include "tree_math.h"

namespace tacet {

enum class RatchetType : std::uint8_t { handshake = 0, application = 1 };

// The key and nonce of one message. The nonce is used after Crypto::guard_nonce.
struct MessageKey {
  Secret key;
  Secret nonce;
  std::uint32_t generation = 0;
};

// A key that was derived but not yet taken: the tree has not changed. Either the message opens and the key is
// adopted, or it is dropped and nothing has happened.
class PeekedKey {
 public:
  const MessageKey& message_key() const noexcept { return message_key_; }

 private:
  friend class SecretTree;
  enum class Origin { nothing, skipped, heard, unheard };

  // A node whose subtree nobody was heard from.
  struct Node {
    std::uint32_t index = 0;
    Secret secret;
  };

  void clear() noexcept;

  MessageKey message_key_;
  Origin origin_ = Origin::nothing;
  LeafIndex leaf_;
  RatchetType type_ = RatchetType::handshake;
  std::size_t place_ = 0;        // of the skipped key, or of the sender
  bool exhausted_ = false;       // it was the ratchet's last generation
  Secret ratchet_;               // the ratchet's secret after this generation
  Secret other_ratchet_;         // unheard: the first secret of the sender's other ratchet
  std::uint32_t ancestor_ = 0;   // unheard: the node that all was derived from
  std::size_t copath_size_ = 0;  // unheard: the nodes beside the path from it to the leaf
  std::array<Node, TreeSize::max_depth> copath_;
};

class SecretTree {
 public:
  // `plain` holds the bookkeeping, `secrets` the secrets.
  SecretTree(const SuiteParameters& suite, Memory& plain, Memory& secrets, const Limits& limits) noexcept;
  SecretTree(SecretTree&&) noexcept = default;
  SecretTree& operator=(SecretTree&&) noexcept = default;

  // Begins an epoch's tree at its root. Errors: out_of_memory, secret_length.
  Error start(Secret encryption_secret, TreeSize size) noexcept;

  // The key of the next message that the endpoint itself, at `own`, sends; its generation is spent whether
  // the message is sent or not. Errors: leaf_outside_tree, message_limit, save_first, generation_exhausted,
  // out_of_memory.
  Error next(Crypto& crypto, LeafIndex own, RatchetType type, MessageKey& out) noexcept;

  // The key of a received message. Allocates only for a sender not heard before.
  // Errors: leaf_outside_tree, generation_too_far, generation_gone, out_of_memory; those of `crypto`.
  Error peek(Crypto& crypto, LeafIndex sender, RatchetType type, std::uint32_t generation,
             PeekedKey& out) noexcept;

  // Takes the key that was peeked last: it and all that it was derived from are erased.
  void adopt(PeekedKey& peeked) noexcept;

  // Forgets the key that was peeked last.
  void drop(PeekedKey& peeked) noexcept;

  // ---- what lasts

  // Of each type, the first generation of the endpoint's own that is not reserved.
  using Reserved = std::array<std::uint32_t, 2>;
  static constexpr std::uint32_t max_reserved = 1u << 16;

  // What a save that is made now reserves, at most max_reserved of each; and that it has been made so that it
  // lasts. Until then no more is reserved than it says.
  Reserved reservation() const noexcept;
  void reserve(const Reserved& reserved) noexcept { reserved_ = reserved; }
  void reserve_at_most(const Reserved& reserved) noexcept {
    for (std::size_t type = 0; type < 2; ++type) {
      if (reserved_[type] > reserved[type]) reserved_[type] = reserved[type];
    }
  }

  // All but what is peeked. Errors: output_too_small.
  Error save(SecretWriter& writer, const Reserved& reserved) const noexcept;

  // Begins where a save left off, for a tree of that size; `limits` may have changed. Errors: out_of_memory,
  // secret_length, saved_state_malformed; those of a Reader.
  Error restore(SecretReader& reader, TreeSize size) noexcept;

  // Uses up what that save had reserved for the endpoint, at `own`: nothing more is, until the next save
  // [FRAME-39]. Errors: as for next().
  Error pass_over_reserved(Crypto& crypto, LeafIndex own) noexcept;

  std::size_t senders_heard() const noexcept { return senders_.size(); }
  std::size_t keys_skipped() const noexcept { return skipped_live_; }

 private:
  struct Sender {
    LeafIndex leaf;
    SecretSlots::Slot ratchet[2];  // SecretSlots::none once exhausted
    std::uint32_t next[2];         // generations
  };

  struct Skipped {
    enum class State : std::uint8_t { free, pending, live };
    State state = State::free;
    RatchetType type = RatchetType::handshake;
    LeafIndex leaf;
    std::uint32_t generation = 0;
    SecretSlots::Slot key = 0, nonce = 0;
    std::uint64_t age = 0;  // smaller is older
  };

  Error derive(Crypto& crypto, std::uint32_t generation, PeekedKey& out) noexcept;
  Error reserve_for_sender() noexcept;
  Error find_skipped(std::uint32_t generation, PeekedKey& out) noexcept;
  Error begin_sender(Crypto& crypto, PeekedKey& out) noexcept;
  Error step_to(Crypto& crypto, std::uint32_t from, std::uint32_t generation, PeekedKey& out) noexcept;
  Error derive_skipped(Crypto& crypto, std::uint32_t generation, const PeekedKey& peeked) noexcept;
  void adopt_sender(PeekedKey& peeked) noexcept;
  void adopt_skipped(const PeekedKey& peeked) noexcept;
  void free_skipped(Skipped& entry) noexcept;
  void free_pending() noexcept;
  Skipped& oldest() noexcept;
  Error reserve_skipped() noexcept;
  Error save_skipped(SecretWriter& writer) const noexcept;
  Error restore_nodes(SecretReader& reader) noexcept;
  Error restore_senders(SecretReader& reader) noexcept;
  Error restore_skipped(SecretReader& reader) noexcept;

  const SuiteParameters* suite_;
  Limits limits_;
  TreeSize size_;
  SecretSlots secrets_;     // of nodes and ratchets, Nh bytes each
  SecretSlots keys_;        // of skipped messages
  SecretSlots nonces_;      // of skipped messages
  IndexMap nodes_;          // from a node's index to its slot in secrets_
  IndexMap sender_places_;  // from a leaf's index to its place in senders_
  Array<Sender> senders_;
  Array<Skipped> skipped_;
  std::size_t skipped_live_ = 0;
  std::size_t skipped_pending_ = 0;
  std::uint64_t clock_ = 0;
  Reserved sent_ = {0, 0};
  Reserved reserved_ = {0, 0};
};

// The key and nonce of a message's sender data, from a sample of its ciphertext (RFC 9420, 6.3.2).
Error derive_sender_data_key(Crypto& crypto, SecretView sender_data_secret, Bytes ciphertext, Secret& key,
                             Secret& nonce) noexcept;

}  // namespace tacet
