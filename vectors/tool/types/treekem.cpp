// TreeKEM: creating and processing UpdatePaths, RFC 9420, 7.4 to 7.6.

#include <map>

#include "protocol/key_schedule.h"
#include "protocol/tree_check.h"
#include "protocol/update_path.h"
#include "spec/adversary/builder.h"
#include "spec/adversary/reveal.h"
#include "vectors/tool/tree.h"
#include "vectors/tool/tree_maker.h"
#include "vectors/tool/type.h"

namespace tacet::tool {

namespace {

bool recognise(const Json& object) {
  return object.contains("leaves_private") || object.contains("update_paths");
}

// A member with its private keys.
struct Member {
  Secret signature_key;
  PathKeys keys;
};

// What a member gets from an UpdatePath, or why it gets nothing.
struct Received {
  LeafIndex leaf;
  Error error = Error::none;
  Secret path_secret, commit_secret;
};

// An UpdatePath that was just made.
struct Created {
  Octets encoded;
  Secret commit_secret;
  Octets tree_hash;  // of the tree that it is merged into
};

// The group of a case: a tree, and the private keys of all its members.
class TreeKem {
 public:
  TreeKem(const Field& object, Crypto& crypto, Outputs& outputs)
      : crypto_(crypto),
        outputs_(outputs),
        tree_(import_tree(object["ratchet_tree"], crypto, memory_, outputs)),
        group_id_(object["group_id"].bytes()),
        epoch_(object["epoch"].number<std::uint64_t>()),
        confirmed_transcript_hash_(object["confirmed_transcript_hash"].bytes()) {
    const LeafRules rules = {group_id_, {}, limits_};
    outputs.require(object, "ratchet_tree", check_leaves(crypto, tree_, rules, memory_));
    const Field leaves = object["leaves_private"];
    for (std::size_t i = 0; i < leaves.size(); ++i) read_member(leaves[i]);
    if (members_.size() != tree_.members()) {
      leaves.malformed(std::to_string(members_.size()) + " members where the tree has " +
                       std::to_string(tree_.members()));
    }
  }

  // An entry of update_paths: what it holds, and another path of the same sender.
  void run(const Field& entry) {
    const LeafIndex sender = member_of(tree_, entry["sender"]);
    const Octets encoded = entry["update_path"].bytes();
    const auto path = decoded<UpdatePath>(entry["update_path"], encoded);
    Digest tree_hash;
    const std::vector<Received> received = receive(entry["update_path"], path, sender, tree_hash);
    put_received(entry, received);
    outputs_.put(entry, "tree_hash_after", tree_hash);
    run_created(entry["update_path"], sender);
  }

  // `place` is where a failure is reported.
  Created create(const Field& place, LeafIndex sender) {
    const auto require = [&](Error error) { outputs_.require(place, error); };
    const Member& member = members_.at(sender);
    TreeDraft draft(crypto_, tree_, memory_, limits_);
    require(draft.start());
    PathKeys keys(crypto_.suite(), memory_, memory_);
    require(keys.carry_over(crypto_, member.keys, draft));
    KeySigner signer(crypto_, member.signature_key);
    PathSecrets secrets;
    require(create_update_path(crypto_, signer, tree_.leaf(sender), sender, group_id_, limits_, draft, keys,
                               secrets));
    check_keys(place, keys, draft);
    const Octets context = group_context(draft.tree_hash());
    const Result<std::size_t> size = update_path_size(crypto_, draft, sender);
    require(size.error());
    Created created;
    created.encoded.resize(size.value());
    require(encrypt_update_path(crypto_, draft, sender, secrets, context, memory_, created.encoded).error());
    created.commit_secret = std::move(secrets.commit_secret);
    created.tree_hash.assign(draft.tree_hash().begin(), draft.tree_hash().end());
    return created;
  }

 private:
  // An entry of leaves_private: each private key has to be that of its node in the tree.
  void read_member(const Field& entry) {
    const LeafIndex leaf = member_of(tree_, entry["index"]);
    if (members_.contains(leaf)) entry["index"].malformed("the index of an entry before");
    const Octets encryption_priv = entry["encryption_priv"].bytes(crypto_.suite().kem_private_key_size);
    const Octets signature_priv = entry["signature_priv"].bytes();
    Secret signature_key;
    Octets signature_pub(crypto_.suite().signature_public_key_size);
    outputs_.require(entry, "signature_priv",
                     crypto_.import_signature_key(secret_of(signature_priv), signature_key, signature_pub));
    outputs_.compare(entry["signature_priv"], tree_.signature_key(leaf), signature_pub);

    Octets encryption_pub(crypto_.suite().kem_public_key_size);
    outputs_.require(entry, "encryption_priv",
                     crypto_.kem_public_key(secret_of(encryption_priv), encryption_pub));
    outputs_.compare(entry["encryption_priv"], tree_.encryption_key(leaf), encryption_pub);

    PathKeys keys(crypto_.suite(), memory_, memory_);
    outputs_.require(entry, "encryption_priv",
                     keys.start(leaf, std::move(Secret::copy_of(encryption_priv).value())));
    const Field path_secrets = entry["path_secrets"];
    for (std::size_t i = 0; i < path_secrets.size(); ++i) read_path_secret(path_secrets[i], keys);
    members_.emplace(leaf, Member{std::move(signature_key), std::move(keys)});
  }

  void read_path_secret(const Field& entry, PathKeys& keys) {
    const Field node_field = entry["node"];
    const NodeIndex node(node_field.number<std::uint32_t>());
    const bool is_above = tree_.size().contains(node) && !is_leaf(node) && in_subtree(keys.own(), node);
    if (!is_above) node_field.malformed("not a node above leaf " + std::to_string(keys.own().value));
    if (keys.holds(node)) node_field.malformed("the node of an entry before");
    const Field secret_field = entry["path_secret"];
    const Octets path_secret = secret_field.bytes(crypto_.hash_size());
    Secret private_key;
    Octets public_key(crypto_.suite().kem_public_key_size);
    outputs_.require(secret_field,
                     derive_node_key_pair(crypto_, secret_of(path_secret), private_key, public_key));
    outputs_.compare(secret_field, tree_.encryption_key(node), public_key);  // which is empty if it is blank
    outputs_.require(secret_field, keys.put(node, std::move(private_key)));
  }

  Octets group_context(Bytes tree_hash) const {
    GroupContext context;
    context.cipher_suite = crypto_.suite().suite;
    context.group_id = group_id_;
    context.epoch = epoch_;
    context.tree_hash = tree_hash;
    context.confirmed_transcript_hash = confirmed_transcript_hash_;
    return adversary::encoded(context);
  }

  // The private keys of a sender are those of its new leaf and path.
  void check_keys(const Field& place, const PathKeys& keys, const TreeDraft& draft) {
    Octets public_key(crypto_.suite().kem_public_key_size);
    for (unsigned height = 0; height <= draft.size().depth(); ++height) {
      const NodeIndex node = ancestor_at(keys.own(), height);
      if (draft.is_blank(node)) continue;
      outputs_.require(place, crypto_.kem_public_key(keys.copy(node), public_key));
      outputs_.compare(place, draft.encryption_key(node), public_key);
    }
  }

  // All members but the sender process the path.
  std::vector<Received> receive(const Field& place, const UpdatePath& path, LeafIndex sender,
                                Digest& tree_hash) {
    TreeDraft draft(crypto_, tree_, memory_, limits_);
    outputs_.require(place, draft.start());
    outputs_.require(place, check_update_path(crypto_, path, sender, group_id_, limits_, draft));
    outputs_.require(place, merge_update_path(crypto_, path, sender, draft));
    outputs_.require(place, check_changed_leaves(draft, {}));
    const Octets context = group_context(draft.tree_hash());
    std::copy(draft.tree_hash().begin(), draft.tree_hash().end(),
              tree_hash.resize(draft.tree_hash().size()).begin());
    std::vector<Received> received;
    for (const auto& [leaf, member] : members_) {
      if (leaf == sender) continue;
      received.emplace_back();
      received.back().leaf = leaf;
      received.back().error = open(path, sender, draft, member.keys, context, received.back());
    }
    return received;
  }

  Error open(const UpdatePath& path, LeafIndex sender, const TreeDraft& draft, const PathKeys& before,
             Bytes context, Received& out) {
    PathKeys keys(crypto_.suite(), memory_, memory_);
    TRY(keys.carry_over(crypto_, before, draft));
    NodeIndex node;
    TRY(decrypt_path_secret(crypto_, path, sender, draft, keys, context, node, out.path_secret));
    Result<Secret> path_secret = Secret::copy_of(reveal(out.path_secret));
    TRY(path_secret.error());
    return derive_path_keys(crypto_, draft, node, std::move(path_secret.value()), keys, out.commit_secret);
  }

  void put_received(const Field& entry, const std::vector<Received>& received) {
    const std::uint32_t leaves = tree_.size().leaves();
    const Field path_secrets = outputs_.elements(entry, "path_secrets", leaves);
    std::vector<std::optional<Bytes>> revealed(leaves);
    for (const Received& one : received) {
      outputs_.require(path_secrets[one.leaf.value], one.error);
      revealed[one.leaf.value] = reveal(one.path_secret);
    }
    for (std::uint32_t i = 0; i < leaves; ++i) outputs_.put_optional(path_secrets[i], revealed[i]);

    // Of a sole member nobody can tell its commit secret; it is in the file for the form alone.
    if (received.empty()) {
      static_cast<void>(entry["commit_secret"].bytes(crypto_.hash_size()));
      return;
    }
    outputs_.put(entry, "commit_secret", received[0].commit_secret);
    for (const Received& one : received) {
      outputs_.compare(entry["commit_secret"], reveal(received[0].commit_secret), reveal(one.commit_secret));
    }
  }

  void run_created(const Field& place, LeafIndex sender) {
    const Created created = create(place, sender);
    UpdatePath path;
    outputs_.require(place, decode(created.encoded, path));
    Digest tree_hash;
    const std::vector<Received> received = receive(place, path, sender, tree_hash);
    outputs_.compare(place, created.tree_hash, tree_hash);
    for (const Received& one : received) {
      outputs_.require(place, one.error);
      outputs_.compare(place, reveal(created.commit_secret), reveal(one.commit_secret));
    }
  }

  Crypto& crypto_;
  Outputs& outputs_;
  HeapMemory memory_;
  Limits limits_ = limits_of_vectors();
  RatchetTree tree_;
  Octets group_id_;
  std::uint64_t epoch_;
  Octets confirmed_transcript_hash_;
  std::map<LeafIndex, Member> members_;
};

void run(const Field& object, Crypto& crypto, Outputs& outputs) {
  TreeKem group(object, crypto, outputs);
  const Field update_paths = object["update_paths"];
  for (std::size_t i = 0; i < update_paths.size(); ++i) group.run(update_paths[i]);
}

// ---- choosing

using Kind = LeafKind;

// A group, and the members of which it has UpdatePaths.
struct Recipe {
  void (*make)(TreeMaker& group);
  std::vector<std::uint32_t> senders;
};

template <std::uint32_t members>
void make_full(TreeMaker& group) {
  group.grow_full(members);
}

// Leaves unmerged at three levels, not the same ones at each.
void make_unmerged(TreeMaker& group) {
  group.grow_full(9);
  group.commit(4, {.removes = {3, 5, 6}});
  group.add_without_path(plain(2));
  group.commit(8);
  group.add_without_path(plain(1));
}

// A group of 20, with something of all.
void make_large(TreeMaker& group) {
  group.commit(0, {.adds = plain(20)});
  for (const std::uint32_t leaf : {1u, 7u, 12u, 18u}) group.commit(leaf);
  group.commit(9, {.updates = {20}, .removes = {2, 3, 10}});
  group.add_without_path(plain(1));
  group.commit(15);
  group.add_without_path(plain(1));
}

std::vector<Recipe> recipes() {
  return {// A path without nodes.
          {[](TreeMaker&) {}, {0}},
          {make_full<2>, {0, 1}},
          {make_full<3>, {0, 1, 2}},
          {make_full<8>, {0, 3, 6}},
          // Made by one Commit: most parents are blank.
          {[](TreeMaker& group) { group.commit(0, {.adds = plain(5)}); }, {0, 1, 4, 5}},
          // Blank leaves within; and one more, whose Update was committed.
          {[](TreeMaker& group) {
             group.grow_full(8);
             group.commit(7, {.updates = {0}, .removes = {2, 5}});
           },
           {0, 3, 4, 6}},
          {make_unmerged, {0, 2, 4, 5, 6, 8}},
          // No leaf is left of the root, so it is in no filtered direct path.
          {[](TreeMaker& group) {
             group.grow_full(8);
             group.commit(5, {.removes = {0, 1, 2, 3}});
           },
           {4, 5, 7}},
          // Two members at the ends of a tree: the root is all of their filtered direct paths.
          {[](TreeMaker& group) {
             group.grow_full(8);
             group.commit(0, {.removes = {1, 2, 3, 4, 5, 6}});
           },
           {0, 7}},
          // What is not known in a leaf stays in that of the path.
          {[](TreeMaker& group) {
             group.commit(0, {.adds = {Kind::grease, Kind::extensions, Kind::x509}});
           },
           {1, 2, 3}},
          {make_large, {0, 2, 8, 20}}};
}

Json leaves_private(const TreeMaker& group) {
  Json leaves = Json::array();
  for (const auto& [leaf, member] : group.members()) {
    Json path_secrets = Json::array();
    for (const auto& [node, path_secret] : member.path_secrets) {
      path_secrets.push_back({{"node", node.value}, {"path_secret", to_hex(path_secret)}});
    }
    leaves.push_back({{"index", leaf.value},
                      {"encryption_priv", to_hex(member.encryption_priv)},
                      {"signature_priv", to_hex(member.signature_priv)},
                      {"path_secrets", path_secrets}});
  }
  return leaves;
}

Json choose_case(Generator& generator, const Recipe& recipe, std::size_t group_id_size, std::uint64_t epoch) {
  TreeMaker maker(generator, generator.bytes(group_id_size));
  recipe.make(maker);
  Json object = {{"cipher_suite", generator.suite_number()},
                 {"group_id", to_hex(maker.group_id())},
                 {"epoch", epoch},
                 {"confirmed_transcript_hash", generator.hash_sized()},
                 {"ratchet_tree", to_hex(exported(maker.tree()))},
                 {"leaves_private", leaves_private(maker)}};
  Outputs outputs(Outputs::Use::write);
  const Field field(object, "");
  TreeKem group(field, generator.crypto(), outputs);
  Json update_paths = Json::array();
  for (const std::uint32_t sender : recipe.senders) {
    const Created created = group.create(field, {sender});
    update_paths.push_back({{"sender", sender}, {"update_path", to_hex(created.encoded)}});
    if (maker.members().size() == 1) update_paths.back()["commit_secret"] = generator.hash_sized();
  }
  object["update_paths"] = update_paths;
  return object;
}

Json choose(Generator& generator) {
  constexpr std::size_t id_sizes[] = {32, 0, 1, 63, 64, 300};
  constexpr std::uint64_t epochs[] = {0, 1, 0xffff, 0xffffffff, 0x100000000};
  Json cases = Json::array();
  for (const Recipe& recipe : recipes()) {
    const std::size_t i = cases.size();
    cases.push_back(
        choose_case(generator, recipe, id_sizes[i % std::size(id_sizes)], epochs[i % std::size(epochs)]));
  }
  return cases;
}

}  // namespace

const VectorType treekem = {
    "treekem", {.kdf = true, .kem = true, .aead = true, .signature = true}, recognise, run, choose};

}  // namespace tacet::tool
