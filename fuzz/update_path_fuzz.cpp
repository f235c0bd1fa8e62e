// Update paths in a small group with true keys: what parses encodes to the same bytes; what passes the checks
// makes a tree that is valid as a whole; and members that get through to a commit secret get the same.
//
// No mutation finds a signature, a parent hash or a ciphertext. So the first byte of the input says how the
// rest is to be taken: as an UpdatePath, or as patches to an honest one; and whether the leaf then gets the
// parent hash that follows from the path, and a member's signature.

#include <map>

#include "fuzz/oracle.h"
#include "protocol/adapters/heap_memory.h"
#include "protocol/update_path.h"
#include "spec/adversary/reveal.h"
#include "spec/adversary/seeded_random.h"

namespace tacet {
namespace {

using Octets = std::vector<std::uint8_t>;

// Eight leaves: all have committed but 2, which is unmerged, and 6, which is blank. The Commit to come adds a
// member there.
class Group {
 public:
  static constexpr LeafIndex sender{1}, newcomer{6};

  Group() {
    demand(tree_.start(crypto, join({0})));
    change([&](TreeDraft& draft) {
      for (std::uint32_t i = 1; i < 8; ++i) add(draft, {i});
    });
    for (std::uint32_t i = 0; i < 8; ++i) commit({i}, [](TreeDraft&) {});
    commit({0}, [&](TreeDraft& draft) {
      remove(draft, {2});
      remove(draft, newcomer);
    });
    commit({3}, [](TreeDraft&) {});
    change([&](TreeDraft& draft) { add(draft, {2}); });
    newcomer_ = join(newcomer);
    Made made;
    create(
        sender, [&](TreeDraft& draft) { prepare(draft); }, made);
    honest = made.encoding;
    exported_.resize(tree_.export_size().value());
    demand(tree_.export_to(exported_).error());
    members_.erase(newcomer.value);  // joins by this Commit
  }

  // The tree before the Commit, anew: the last one may have been changed.
  void restore(RatchetTree& tree) {
    Nodes nodes;
    demand(decode(exported_, nodes));
    demand(tree.import(crypto, nodes, limits));
  }
  // The proposals of the Commit.
  void prepare(TreeDraft& draft) { demand(draft.add(decoded(newcomer_)).value() == newcomer); }

  // By any member's key: a sender may have a new one.
  Octets signed_anew(const UpdatePath& path, const TreeDraft& draft, bool sets_parent_hash,
                     std::uint32_t by) {
    const auto found = members_.find(by);
    const Member& signer = found != members_.end() ? found->second : members_.at(sender.value);
    LeafNode leaf = path.leaf_node;
    leaf.signature_key = signer.signature_key;
    const Digest hash = parent_hash_of(path, draft);
    if (sets_parent_hash) {
      leaf.source = LeafNodeSource::commit;
      leaf.parent_hash = hash;
    }
    Octets out = signed_leaf(signer, leaf, sender);
    const VectorHeader header = vector_header(path.nodes.encoded().size()).value();
    out.insert(out.end(), header.octets.begin(), header.octets.begin() + header.size);
    out.insert(out.end(), path.nodes.encoded().begin(), path.nodes.encoded().end());
    return out;
  }

  // How many members get to the commit secret.
  std::size_t process(const UpdatePath& path, const TreeDraft& draft) {
    std::optional<Octets> agreed;
    std::size_t count = 0;
    for (auto& [index, member] : members_) {
      if (LeafIndex{index} == sender) continue;
      PathKeys keys(crypto.suite(), memory, memory);
      Secret commit_secret;
      if (open(path, sender, draft, member, keys, commit_secret) != Error::none) continue;
      demand(all_fit(keys, draft));
      ++count;
      const Bytes bytes = reveal(commit_secret);
      const Octets got(bytes.begin(), bytes.end());
      demand(!agreed || *agreed == got);
      agreed = got;
    }
    return count;
  }
  std::size_t receivers() const { return members_.size() - 1; }

  adversary::SeededRandom random{1};
  Sodium crypto{random};
  WholeCredential identity;
  HeapMemory memory;
  Limits limits;
  Bytes group_id = bytes_of("group");
  Octets honest;  // an UpdatePath

 private:
  struct Member {
    Secret signing_key;
    Octets signature_key;
    std::optional<PathKeys> keys;
  };
  struct Made {
    std::optional<TreeDraft> draft;
    std::optional<PathKeys> keys;
    Octets encoding;
  };

  static LeafNode decoded(const Octets& encoding) {
    LeafNode leaf;
    demand(decode(encoding, leaf));
    return leaf;
  }
  Octets signed_leaf(const Member& member, const LeafNode& leaf, LeafIndex index) {
    const LeafContext context = {group_id, index};
    KeySigner signer(crypto, member.signing_key);
    Octets work(leaf_node_work_size(leaf, context).value());
    Octets out(encoded_size(leaf).value() + Crypto::max_signature_size + 4);
    const Result<Bytes> made = sign_leaf_node(signer, leaf, context, work, out);
    demand(made.error());
    return {made.value().begin(), made.value().end()};
  }

  // A leaf for a new member, as from its KeyPackage.
  Octets join(LeafIndex index) {
    Member& member = members_[index.value];
    member.signature_key.resize(32);
    demand(crypto.generate_signature_key_pair(member.signing_key, member.signature_key));
    Secret private_key;
    Octets encryption_key(32);
    demand(crypto.generate_key_pair(private_key, encryption_key));
    member.keys.emplace(crypto.suite(), memory, memory);
    demand(member.keys->start(index, std::move(private_key)));
    static constexpr std::uint8_t versions[] = {0, 1}, suites[] = {0, 3}, credentials[] = {0, 1};
    LeafNode leaf;
    leaf.encryption_key = encryption_key;
    leaf.signature_key = member.signature_key;
    leaf.credential = {CredentialType::basic, bytes_of("somebody")};
    demand(List<ProtocolVersion>::parse(versions, leaf.capabilities.versions));
    demand(List<CipherSuite>::parse(suites, leaf.capabilities.cipher_suites));
    demand(List<CredentialType>::parse(credentials, leaf.capabilities.credentials));
    return signed_leaf(member, leaf, index);
  }
  void add(TreeDraft& draft, LeafIndex index) {
    const Octets leaf = join(index);
    demand(draft.add(decoded(leaf)).value() == index);
  }
  void remove(TreeDraft& draft, LeafIndex index) {
    demand(draft.remove(index));
    members_.erase(index.value);
  }

  template <class Changes>
  void change(Changes changes) {
    TreeDraft draft(crypto, tree_, memory, limits);
    demand(draft.start());
    changes(draft);
    adopt(draft);
  }
  void adopt(TreeDraft& draft) {
    demand(draft.rehash());
    demand(draft.reserve());
    draft.adopt(tree_);
  }

  template <class Changes>
  void create(LeafIndex by, Changes changes, Made& made) {
    made.draft.emplace(crypto, tree_, memory, limits);
    demand(made.draft->start());
    changes(*made.draft);
    made.keys.emplace(crypto.suite(), memory, memory);
    Member& member = members_.at(by.value);
    demand(made.keys->carry_over(crypto, *member.keys, *made.draft));
    KeySigner signer(crypto, member.signing_key);
    PathSecrets secrets;
    demand(create_update_path(crypto, signer, tree_.leaf(by), by, group_id, limits, *made.draft, *made.keys,
                              secrets));
    made.encoding.resize(update_path_size(crypto, *made.draft, by).value());
    demand(encrypt_update_path(crypto, *made.draft, by, secrets, context(), memory, made.encoding).error());
  }
  // What a Commit's context would be. It does not depend on the tree: a patched path may still be decrypted.
  static Bytes context() { return bytes_of("the provisional GroupContext"); }

  Error open(const UpdatePath& path, LeafIndex by, const TreeDraft& draft, const Member& member,
             PathKeys& keys, Secret& commit_secret) {
    TRY(keys.carry_over(crypto, *member.keys, draft));
    NodeIndex node;
    Secret path_secret;
    TRY(decrypt_path_secret(crypto, path, by, draft, keys, context(), node, path_secret));
    return derive_path_keys(crypto, draft, node, std::move(path_secret), keys, commit_secret);
  }

  // Every private key that is held is that of a public key in the tree.
  bool all_fit(const PathKeys& keys, const TreeDraft& draft) {
    for (unsigned height = 0; height <= draft.size().depth(); ++height) {
      const NodeIndex node = ancestor_at(keys.own(), height);
      if (!keys.holds(node)) continue;
      std::uint8_t public_key[32];
      demand(crypto.kem_public_key(keys.copy(node), public_key));
      if (!equal(public_key, draft.encryption_key(node))) return false;
    }
    return true;
  }

  // Everybody else processes it.
  template <class Changes>
  void commit(LeafIndex by, Changes changes) {
    Made made;
    create(by, changes, made);
    UpdatePath path;
    demand(decode(made.encoding, path));
    for (auto& [index, member] : members_) {
      std::optional<PathKeys> keys(std::move(made.keys));
      if (LeafIndex{index} != by) {
        made.keys = std::move(keys);
        keys.emplace(crypto.suite(), memory, memory);
        Secret commit_secret;
        demand(open(path, by, *made.draft, member, *keys, commit_secret));
      }
      member.keys = std::move(keys);
    }
    adopt(*made.draft);
  }

  Digest parent_hash_of(const UpdatePath& path, const TreeDraft& draft) {
    const FilteredPath steps = draft.filtered_path(sender);
    std::vector<Bytes> keys;
    for (const UpdatePathNode& node : path.nodes) keys.push_back(node.encryption_key);
    keys.resize(steps.size);
    Digest above;
    for (std::size_t i = steps.size; i-- > 0;) {
      Digest hash;
      demand(parent_hash(crypto, {keys[i], above, draft.hash(steps.steps[i].copath)}, hash));
      above = hash;
    }
    return above;
  }

  RatchetTree tree_{memory, identity};
  std::map<std::uint32_t, Member> members_;
  Octets exported_, newcomer_;
};

Group& group() {
  static Group the_group;
  return the_group;
}

// In the first byte; from bit 4 on, the number of the member that signs, or 0 for the sender.
enum Flag : std::uint8_t { patches_honest = 1, signs_anew = 2, sets_parent_hash = 4 };

// Each patch: an offset of two bytes, a number of bytes, and these.
Octets patched(Octets octets, Bytes patches) {
  Reader reader(patches);
  std::uint16_t offset = 0;
  std::uint8_t size = 0;
  Bytes bytes;
  while (reader(offset, size) == Error::none && reader.take(size, bytes) == Error::none) {
    for (std::size_t i = 0; i < bytes.size(); ++i) octets[(offset + i) % octets.size()] = bytes[i];
  }
  return octets;
}

// One ciphertext for each node of the copath's resolution, but none for the new member.
void check_counts(const UpdatePath& path, const TreeDraft& draft) {
  const FilteredPath steps = draft.filtered_path(Group::sender);
  demand(path.nodes.count() == steps.size);
  const PathStep* step = steps.begin();
  for (const UpdatePathNode& node : path.nodes) {
    std::size_t recipients = 0;
    Resolution resolution(draft, (step++)->copath);
    while (const std::optional<NodeIndex> recipient = resolution.next()) {
      if (*recipient != NodeIndex(Group::newcomer)) ++recipients;
    }
    demand(node.encrypted_path_secret.count() == recipients);
  }
}

void judge(const UpdatePath& path, TreeDraft& draft, RatchetTree& tree, bool is_honest) {
  Group& g = group();
  const Error checked = check_update_path(g.crypto, path, Group::sender, g.group_id, g.limits, draft);
  if (checked != Error::none) return demand(!is_honest);
  check_counts(path, draft);
  const Error merged = merge_update_path(g.crypto, path, Group::sender, draft);
  if (merged != Error::none) return demand(!is_honest && merged == Error::path_parent_hash);
  const bool fits = check_changed_leaves(draft, {}) == Error::none;
  const std::size_t received = g.process(path, draft);
  if (is_honest) demand(fits && received == g.receivers());

  demand(draft.reserve());
  draft.adopt(tree);
  if (!fits) return;
  demand(check_tree(g.crypto, tree, g.memory));
  demand(check_leaves(g.crypto, tree, {g.group_id, {}, g.limits}, g.memory));
}

}  // namespace
}  // namespace tacet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tacet;
  if (size == 0) return 0;
  Group& g = group();
  const std::uint8_t flags = data[0];
  const Bytes rest(data + 1, size - 1);
  Octets encoding =
      (flags & patches_honest) != 0 ? patched(g.honest, rest) : Octets(rest.begin(), rest.end());
  round_trip<UpdatePath>(encoding);
  UpdatePath path;
  if (decode(encoding, path) != Error::none) return 0;

  RatchetTree tree(g.memory, g.identity);
  g.restore(tree);
  TreeDraft draft(g.crypto, tree, g.memory, g.limits);
  demand(draft.start());
  g.prepare(draft);
  demand(draft.rehash());
  Octets signed_encoding;
  if ((flags & (signs_anew | sets_parent_hash)) != 0) {
    const std::uint32_t signer = flags >> 4 != 0 ? flags >> 4 : Group::sender.value;
    signed_encoding = g.signed_anew(path, draft, (flags & sets_parent_hash) != 0, signer);
    demand(decode(signed_encoding, path));
    encoding = signed_encoding;
  }
  judge(path, draft, tree, encoding == g.honest);
  return 0;
}
