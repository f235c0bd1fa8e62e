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
// node that is found. Members choose the values, so the hash has a key.
class NodeIndexMap {
 public:
  enum class Of : std::uint8_t { encryption_key, signature_key, client };

  explicit NodeIndexMap(Memory& memory) noexcept : map_(memory) {}

  // Draws the key of the hash. Error::random_failed.
  Error start(Crypto& crypto) noexcept { return crypto.random(key_); }

  // Uses the same key as `other`, with none of its entries.
  void start_beside(const NodeIndexMap& other) noexcept { key_ = other.key_; }

  // Becomes a copy of `other` with room for `count` more. Error::out_of_memory.
  Error copy_with_room(const NodeIndexMap& other, std::size_t count) noexcept {
    key_ = other.key_;
    return map_.copy_with_room(other.map_, count);
  }

  Error reserve(std::size_t count) noexcept { return map_.reserve(count); }
  bool has_room(std::size_t count) const noexcept { return map_.has_room(count); }

  void insert(Crypto& crypto, Of what, Bytes value, NodeIndex node) noexcept {
    map_.insert(hash(crypto, what, value), node.value);
  }

  // What was inserted.
  void erase(Crypto& crypto, Of what, Bytes value, NodeIndex node) noexcept {
    map_.erase(hash(crypto, what, value), node.value);
  }

  // The first node inserted with such a value that `is_it` accepts.
  template <class Predicate>
  std::optional<NodeIndex> find(Crypto& crypto, Of what, Bytes value, Predicate is_it) const noexcept {
    const std::uint32_t found = map_.find_if(
        hash(crypto, what, value), [&](std::uint32_t node) noexcept { return is_it(NodeIndex(node)); });
    if (found == IndexMap::absent) return std::nullopt;
    return NodeIndex(found);
  }

  void swap(NodeIndexMap& other) noexcept {
    map_.swap(other.map_);
    std::swap(key_, other.key_);
  }

 private:
  std::uint32_t hash(Crypto& crypto, Of what, Bytes value) const noexcept {
    ShortHashKey key = key_;
    key[0] = static_cast<std::uint8_t>(key[0] ^ static_cast<std::uint8_t>(what));
    const std::uint32_t hash = crypto.short_hash(key, value);
    return hash == IndexMap::empty_key ? 0 : hash;
  }

  ShortHashKey key_{};
  IndexMap map_;
};

// Which types of credential the members use, and how many use each. Every member supports all of them: that
// is a rule (RFC 9420, 7.3), so who supports what need not be counted.
class CredentialsInUse {
 public:
  explicit CredentialsInUse(Memory& memory) noexcept : entries_(memory) {}

  // Error::out_of_memory.
  Error copy(const CredentialsInUse& other) noexcept;
  Error add(CredentialType type) noexcept;
  // A type that was added.
  void remove(CredentialType type) noexcept;

  std::uint32_t users(CredentialType type) const noexcept;

  // Whether capabilities list every type in use.
  bool all_listed(const Capabilities& capabilities) const noexcept;

  void swap(CredentialsInUse& other) noexcept { entries_.swap(other.entries_); }

 private:
  struct Entry {
    CredentialType type;
    std::uint32_t users;
  };
  Entry* find(CredentialType type) noexcept;

  Array<Entry> entries_;
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
