#pragma once

// What a ratchet tree answers without looking at every member: whether a key or a client is in it, which
// types of credential are in use, which leaves are occupied.

#include "crypto.h"
#include "leaf_node.h"
#include "memory.h"
#include "tree_math.h"

namespace tacet {

// Who a credential stands for, as the application sees it (RFC 9420, 5.3.4): two leaves with equal identities
// are one client.
class ClientIdentity {
 public:
  // A part of the credential's body, or all of it.
  virtual Bytes identity(const Credential& credential) const noexcept = 0;

 protected:
  ~ClientIdentity() = default;
};

// The default: the whole body.
class WholeCredential final : public ClientIdentity {
 public:
  Bytes identity(const Credential& credential) const noexcept override { return credential.body; }
};

// From values that nodes hold to the nodes that hold them. Only hashes are kept, so whoever asks looks at the
// node that is found. Members choose the values: the hash has a key that they do not know, and equal values,
// such as one identity for many leaves, are chained, so that they cost only who asks for them or erases one.
class NodeIndexMap {
 public:
  enum class Of : std::uint8_t { encryption_key, signature_key, client };

  explicit NodeIndexMap(Memory& memory) noexcept : entries_(memory) {}

  // Draws the key of the hash. Error::random_failed.
  Error start(Crypto& crypto) noexcept { return crypto.random(key_); }

  // Uses the same key as `other`, with none of its entries.
  void start_beside(const NodeIndexMap& other) noexcept { key_ = other.key_; }

  // Becomes a copy of `other`, if it is empty, with room for `count` more. Error::out_of_memory.
  Error copy_with_room(const NodeIndexMap& other, std::size_t count) noexcept;

  // Makes sure that the next `count` calls of insert() have a place. Error::out_of_memory.
  Error reserve(std::size_t count) noexcept;
  bool has_room(std::size_t count) const noexcept { return used_ + count <= entries_.size(); }

  void insert(Crypto& crypto, Of what, Bytes value, NodeIndex node) noexcept {
    insert(hash(crypto, what, value), node);
  }

  // What was inserted.
  void erase(Crypto& crypto, Of what, Bytes value, NodeIndex node) noexcept;

  // A node inserted with such a value that `is_it` accepts.
  template <class Predicate>
  std::optional<NodeIndex> find(Crypto& crypto, Of what, Bytes value, Predicate is_it) const noexcept {
    if (entries_.empty()) return std::nullopt;
    const std::uint32_t hash = this->hash(crypto, what, value);
    for (std::uint32_t i = entries_[chain_of(hash)].first; i != none; i = entries_[i].next) {
      if (entries_[i].hash == hash && is_it(entries_[i].node)) return entries_[i].node;
    }
    return std::nullopt;
  }

  void swap(NodeIndexMap& other) noexcept {
    entries_.swap(other.entries_);
    std::swap(key_, other.key_);
    std::swap(used_, other.used_);
    std::swap(first_free_, other.first_free_);
  }

 private:
  static constexpr std::uint32_t none = 0xffffffff;
  struct Entry {
    std::uint32_t hash;
    NodeIndex node;
    std::uint32_t next;   // in its chain, or of those that are free
    std::uint32_t first;  // of the chain that has the number of this place
  };

  std::uint32_t hash(Crypto& crypto, Of what, Bytes value) const noexcept {
    ShortHashKey key = key_;
    key[0] = static_cast<std::uint8_t>(key[0] ^ static_cast<std::uint8_t>(what));
    return crypto.short_hash(key, value);
  }
  std::size_t chain_of(std::uint32_t hash) const noexcept {
    return static_cast<std::size_t>(std::uint64_t{hash} * entries_.size() >> 32);
  }
  void insert(std::uint32_t hash, NodeIndex node) noexcept;
  void insert_all(const NodeIndexMap& other) noexcept;

  ShortHashKey key_{};
  Array<Entry> entries_;  // used or free, and as many chains
  std::size_t used_ = 0;
  std::uint32_t first_free_ = none;
};

// Which types of credential the members use, and how many use each. Every member supports all of them: that
// is a rule (RFC 9420, 7.3), so who supports what need not be counted.
class CredentialsInUse {
 public:
  explicit CredentialsInUse(Memory& memory) noexcept : users_(memory) {}

  // Becomes a copy of `other`, if it is empty. Error::out_of_memory.
  Error copy(const CredentialsInUse& other) noexcept { return users_.copy(other.users_); }
  Error add(CredentialType type) noexcept;  // Error::out_of_memory
  // A type that was added.
  void remove(CredentialType type) noexcept;

  std::uint32_t users(CredentialType type) const noexcept;

  // Whether capabilities list every type in use.
  bool all_listed(const Capabilities& capabilities) const noexcept;

  void swap(CredentialsInUse& other) noexcept { users_.swap(other.users_); }

 private:
  IndexMap users_;  // from a type to how many use it
};

// A set of leaves, a bit for each.
class LeafSet {
 public:
  explicit LeafSet(Memory& memory) noexcept : words_(memory) {}

  // Becomes a copy of `other`. Error::out_of_memory.
  Error copy(const LeafSet& other) noexcept;
  // Makes room for all leaves of a tree of that size. Error::out_of_memory.
  Error reserve(TreeSize size) noexcept;

  // Of leaves that there is room for.
  void insert(LeafIndex leaf) noexcept;
  void erase(LeafIndex leaf) noexcept;

  bool contains(LeafIndex leaf) const noexcept;
  std::uint32_t count() const noexcept { return count_; }
  // Whether any leaf of the subtree is in the set.
  bool any_below(NodeIndex subtree) const noexcept;
  // The leftmost leaf that is not in the set; it may lie beyond the tree.
  LeafIndex first_absent() const noexcept;

  void swap(LeafSet& other) noexcept {
    words_.swap(other.words_);
    std::swap(count_, other.count_);
  }

 private:
  Array<std::uint64_t> words_;
  std::uint32_t count_ = 0;
};

}  // namespace tacet
