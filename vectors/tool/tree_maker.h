#pragma once

// Makes ratchet trees for vectors as groups make them, one Commit after the other, and keeps the private keys
// of all members in the open. What is asked for is valid, or it throws.

#include <map>
#include <vector>

#include "generator.h"
#include "protocol/key_schedule.h"
#include "protocol/update_path.h"
#include "tree.h"

namespace tacet::tool {

enum class LeafKind { plain, grease, extensions, x509, unknown_credential };

inline std::vector<LeafKind> plain(std::size_t count) {
  return std::vector<LeafKind>(count, LeafKind::plain);
}

// Unknown to all, and supported by all of these clients.
inline constexpr ExtensionType unknown_extensions[] = {ExtensionType{0xff01}, ExtensionType{0xff02}};

// A member, or a client that is to become one.
struct Client {
  Octets key_package, init_priv;  // that it was made with
  Octets signature_priv;
  Octets encryption_priv;
  std::map<NodeIndex, Octets> path_secrets;  // of the ancestors whose private keys it knows
};

// The key pair of a client, to sign with.
struct SigningKey {
  SigningKey(Crypto& crypto, const Client& client)
      : public_key(crypto.suite().signature_public_key_size),
        private_key(import(crypto, client, public_key)),
        signer(crypto, private_key) {}

  static Secret import(Crypto& crypto, const Client& client, MutableBytes public_key) {
    Secret private_key;
    must(crypto.import_signature_key(secret_of(client.signature_priv), private_key, public_key));
    return private_key;
  }

  Octets public_key;
  Secret private_key;
  KeySigner signer;
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

  // The UpdatePath of a Commit of nothing else, by a member or by a client that joins by it; its path secrets
  // are encrypted for the epoch after `context`. The group stays as it is.
  Octets make_path(std::uint32_t member, const GroupContext& context);
  Octets make_external_path(LeafKind kind, const GroupContext& context, Client& client);

  const RatchetTree& tree() const { return tree_; }
  const Octets& group_id() const { return group_id_; }
  const std::map<LeafIndex, Client>& members() const { return members_; }

 private:
  void add(const std::vector<LeafKind>& adds, TreeDraft& draft);
  void set_path(LeafIndex sender, TreeDraft& draft);
  void create_path(const Client& committer, const LeafNode& fields, LeafIndex own, TreeDraft& draft,
                   PathKeys& keys, PathSecrets& secrets);
  Octets encrypted_path(const Client& committer, const LeafNode& fields, LeafIndex own, TreeDraft& draft,
                        GroupContext context);
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
