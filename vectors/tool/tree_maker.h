#pragma once

// Makes ratchet trees for vectors as groups make them, one Commit after the other, and keeps the private keys
// of all members in the open. What is asked for is valid, or it throws.

#include <map>
#include <vector>

#include "generator.h"
#include "protocol/tree_draft.h"
#include "tree.h"

namespace tacet::tool {

enum class LeafKind { plain, grease, extensions, x509, unknown_credential };

inline std::vector<LeafKind> plain(std::size_t count) {
  return std::vector<LeafKind>(count, LeafKind::plain);
}

// A member, or a client that is to become one.
struct Client {
  Octets signature_priv;
  Octets encryption_priv;
  std::map<NodeIndex, Octets> path_secrets;  // of the ancestors whose private keys it knows
};

// The proposals of a Commit.
struct Changes {
  std::vector<std::uint32_t> updates = {}, removes = {};  // leaf indexes
  std::vector<LeafKind> adds = {};
};

class TreeMaker {
 public:
  // A group of one.
  TreeMaker(Generator& generator, Octets group_id, LeafKind founder = LeafKind::plain);

  // A Commit with an UpdatePath.
  void commit(std::uint32_t sender, const Changes& changes = {});
  // A Commit of nothing but Adds may go without: its new leaves stay unmerged.
  void add_without_path(const std::vector<LeafKind>& adds);
  // Leaf 0 adds as many as make a group of `members`, and then each of them commits.
  void grow_full(std::uint32_t members);

  // What a proposal has in it: a KeyPackage, and a member's new leaf.
  Octets make_key_package(LeafKind kind, Client& client);
  Octets make_update(std::uint32_t member, Octets& encryption_priv);

  const RatchetTree& tree() const { return tree_; }
  const Octets& group_id() const { return group_id_; }
  const std::map<LeafIndex, Client>& members() const { return members_; }

 private:
  void add(const std::vector<LeafKind>& adds, TreeDraft& draft);
  void set_path(LeafIndex sender, TreeDraft& draft);
  void adopt(TreeDraft& draft);

  Generator& generator_;
  Crypto& crypto_;
  HeapMemory memory_;
  Limits limits_ = limits_of_vectors();
  Octets group_id_;
  RatchetTree tree_;
  std::map<LeafIndex, Client> members_;
};

}  // namespace tacet::tool
