#pragma once

// An endpoint's own private keys in the ratchet tree (RFC 9420, 4.2, 7.4): of its leaf, and of the ancestors
// to which it is not unmerged; and those of the Updates that it has proposed and that wait for a Commit. They
// lie in the secret Memory.
//
// The keys of the next epoch are an object of their own, made beside those of this one: carry_over() takes
// what stays, update_path.h adds what is new, and adopting them is one move.

#include "memory.h"
#include "ratchet_tree.h"
#include "tree_draft.h"

namespace tacet {

class PathKeys {
 public:
  // `plain` holds the bookkeeping, `secrets` the keys.
  PathKeys(const SuiteParameters& suite, Memory& plain, Memory& secrets) noexcept;
  PathKeys(PathKeys&&) noexcept = default;
  PathKeys& operator=(PathKeys&&) noexcept = default;

  // Holds nothing but the key of the endpoint's own leaf. Errors: secret_length, out_of_memory.
  Error start(LeafIndex own, Secret leaf_key) noexcept;

  // Holds nothing: the key of the leaf is to come, in a path.
  void start(LeafIndex own) noexcept { own_ = own; }

  // The keys that hold in the draft's tree as well: of nodes whose public key is the same. If the endpoint's
  // leaf was replaced by one of its Updates, the Update's key takes its place; all other Updates are
  // forgotten. Errors: out_of_memory, those of `crypto`.
  Error carry_over(Crypto& crypto, const PathKeys& before, const TreeDraft& draft) noexcept;

  // Of a node on the endpoint's direct path, or of its leaf; one that was held is wiped.
  // Errors: secret_length, out_of_memory.
  Error put(NodeIndex node, Secret private_key) noexcept;

  // Of a leaf that the endpoint has proposed in an Update. Errors: secret_length, out_of_memory, those of
  // `crypto`.
  Error add_update(Crypto& crypto, Bytes encryption_key, Secret private_key) noexcept;

  // Forgets the Update that was added last, which was not sent.
  void drop_update() noexcept;

  // What lasts: all of it. Errors: output_too_small; and of one that holds nothing yet out_of_memory,
  // secret_length, those of a Reader.
  Error save(SecretWriter& writer) const noexcept;
  Error restore(SecretReader& reader) noexcept;

  LeafIndex own() const noexcept { return own_; }
  bool holds(NodeIndex node) const noexcept { return find(node) != nullptr; }
  Secret copy(NodeIndex node) const noexcept;  // empty if it is not held
  std::size_t size() const noexcept { return held_.size(); }
  std::size_t updates() const noexcept { return updates_.size(); }

 private:
  struct Held {
    NodeIndex node;
    SecretSlots::Slot slot;
  };
  struct Update {
    Digest encryption_key;  // its hash: a public key may be long
    SecretSlots::Slot slot;
  };

  const Held* find(NodeIndex node) const noexcept;

  std::size_t key_size_;
  LeafIndex own_;
  SecretSlots keys_;
  Array<Held> held_;
  Array<Update> updates_;
};

}  // namespace tacet
