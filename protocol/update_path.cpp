#include "update_path.h"

namespace tacet {

namespace {

constexpr std::string_view encryption_label = "UpdatePathNode";

// The keys of a path, beside the steps that they are for.
using PathPublicKeys = std::array<Bytes, TreeSize::max_depth>;

// Blanks the sender's direct path and sets the keys of the filtered one, with parent hashes from the root
// down. What the leaf's parent_hash has to be comes out, empty for an empty path. The draft is hashed.
Error merge_keys(Crypto& crypto, LeafIndex sender, const FilteredPath& path, const PathPublicKeys& keys,
                 TreeDraft& draft, Digest& leaf_parent_hash) noexcept {
  TRY(draft.blank_path(sender));  // [TREE-17]
  Digest above;                   // empty at the top [TREE-40, TREE-69]
  for (std::size_t i = path.size; i-- > 0;) {
    const auto& [node, copath] = path.steps[i];
    TRY(draft.set_parent(node, keys[i], above));
    Digest hash;
    TRY(parent_hash(crypto, {keys[i], above, draft.hash(copath)}, hash));  // [TREE-43, TREE-44]
    above = hash;
  }
  leaf_parent_hash = above;
  return Error::none;
}

// How many recipients a path secret has at a step: the resolution without new leaves [TREE-22].
class Recipients {
 public:
  Recipients(const TreeDraft& draft, NodeIndex copath) noexcept : draft_(draft), resolution_(draft, copath) {}

  std::optional<NodeIndex> next() noexcept {
    for (;;) {
      const std::optional<NodeIndex> node = resolution_.next();
      if (!node || !is_leaf(*node) || !draft_.is_new(leaf_at(*node))) return node;
    }
  }

  static std::size_t count(const TreeDraft& draft, NodeIndex copath) noexcept {
    Recipients recipients(draft, copath);
    std::size_t count = 0;
    while (recipients.next()) ++count;
    return count;
  }

 private:
  const TreeDraft& draft_;
  Resolution resolution_;
};

// An empty path_secret stands for none: a fresh one is drawn.
Error next_path_secret(Crypto& crypto, SecretView path_secret, Secret& out) noexcept {  // [TREE-14]
  if (path_secret.empty()) return crypto.random_secret(crypto.hash_size(), out);
  return crypto.derive_secret(path_secret, "path", out);
}

}  // namespace

Error derive_node_key_pair(Crypto& crypto, SecretView path_secret, Secret& private_key,
                           MutableBytes public_key) noexcept {  // [TREE-15]
  Secret node_secret;
  TRY(crypto.derive_secret(path_secret, "node", node_secret));
  return crypto.derive_key_pair(node_secret, private_key, public_key);
}

// ---- creating

namespace {

// The secrets and key pairs of a new path; the public keys go into `room`.
Error make_keys(Crypto& crypto, const FilteredPath& path, MutableBytes room, PathKeys& keys,
                PathSecrets& secrets, PathPublicKeys& public_keys) noexcept {
  const std::size_t key_size = crypto.suite().kem_public_key_size;
  SecretView last;
  for (std::size_t i = 0; i < path.size; ++i) {
    const MutableBytes public_key = room.subspan(i * key_size, key_size);
    Secret private_key;
    TRY(next_path_secret(crypto, last, secrets.path_secrets[i]));
    last = secrets.path_secrets[i];
    TRY(derive_node_key_pair(crypto, last, private_key, public_key));
    TRY(keys.put(path.steps[i].node, std::move(private_key)));
    public_keys[i] = public_key;
  }
  return next_path_secret(crypto, last, secrets.commit_secret);  // [KEYSCHED-09]
}

// The fields may be those of a leaf in the draft, which moves when the path is merged.
Error copy_fields(const LeafNode& fields, Memory& memory, Buffer& room, LeafNode& out) noexcept {
  Result<Buffer> encoded = encode(fields, memory);
  TRY(encoded.error());
  room = std::move(encoded.value());
  return decode(Bytes(room.bytes()), out);
}

// The committer's new leaf: signed, judged, and put into the draft.
Error make_leaf(Crypto& crypto, Signer& signer, const LeafNode& leaf, const LeafContext& context,
                const Limits& limits, TreeDraft& draft) noexcept {
  const Result<std::size_t> size = encoded_size(leaf);
  TRY(size.error());
  const Result<std::size_t> work_size = leaf_node_work_size(leaf, context);
  TRY(work_size.error());
  Result<Buffer> work = Buffer::allocate(draft.memory(), work_size.value());
  TRY(work.error());
  Result<Buffer> room = Buffer::allocate(draft.memory(), size.value() + Crypto::max_signature_size + 4);
  TRY(room.error());
  const Result<Bytes> signed_leaf =
      sign_leaf_node(signer, leaf, context, work.value().bytes(), room.value().bytes());
  TRY(signed_leaf.error());
  LeafNode decoded;
  TRY(decode(signed_leaf.value(), decoded));
  TRY(check_leaf_node(decoded, LeafNodeSource::commit, crypto.suite(), limits));  // [TREE-20]
  return draft.set_leaf(context.leaf_index, decoded);
}

}  // namespace

Error create_update_path(Crypto& crypto, Signer& signer, const LeafNode& fields, LeafIndex own,
                         Bytes group_id, const Limits& limits, TreeDraft& draft, PathKeys& keys,
                         PathSecrets& out) noexcept {
  LeafNode leaf;  // [TREE-19, TREE-21]
  Buffer leaf_room;
  TRY(copy_fields(fields, draft.memory(), leaf_room, leaf));
  const FilteredPath path = draft.filtered_path(own);
  const std::size_t key_size = crypto.suite().kem_public_key_size;
  Result<Buffer> room = Buffer::allocate(draft.memory(), (path.size + 1) * key_size);
  TRY(room.error());
  const MutableBytes leaf_key = room.value().bytes().first(key_size);
  PathPublicKeys public_keys;
  TRY(make_keys(crypto, path, room.value().bytes().subspan(key_size), keys, out, public_keys));
  Secret leaf_private_key;
  TRY(crypto.generate_key_pair(leaf_private_key, leaf_key));  // [TREE-16]
  TRY(keys.put(own, std::move(leaf_private_key)));

  TRY(draft.rehash());
  Digest leaf_parent_hash;
  TRY(merge_keys(crypto, own, path, public_keys, draft, leaf_parent_hash));
  leaf.encryption_key = leaf_key;
  leaf.source = LeafNodeSource::commit;
  leaf.parent_hash = leaf_parent_hash;
  leaf.signature = {};
  TRY(make_leaf(crypto, signer, leaf, {group_id, own}, limits, draft));
  return draft.rehash();
}

namespace {

// The sizes of an UpdatePath's parts, for the headers that stand before them.
struct PathSizes {
  std::size_t ciphertexts[TreeSize::max_depth];  // of each node's encrypted_path_secret, without header
  std::size_t nodes = 0;                         // of the vector of nodes, without header
};

Result<std::size_t> with_header(std::size_t size) noexcept {
  const Result<VectorHeader> header = vector_header(size);
  TRY(header.error());
  return header.value().size + size;
}

Error measure(const Crypto& crypto, const TreeDraft& draft, const FilteredPath& path,
              PathSizes& out) noexcept {
  const SuiteParameters& suite = crypto.suite();
  const Result<std::size_t> kem_output = with_header(suite.kem_output_size);
  TRY(kem_output.error());
  const Result<std::size_t> ciphertext = with_header(suite.hash_size + suite.tag_size);
  TRY(ciphertext.error());
  const Result<std::size_t> key = with_header(suite.kem_public_key_size);
  TRY(key.error());
  for (std::size_t i = 0; i < path.size; ++i) {
    const std::size_t count = Recipients::count(draft, path.steps[i].copath);
    out.ciphertexts[i] = count * (kem_output.value() + ciphertext.value());
    const Result<std::size_t> ciphertexts = with_header(out.ciphertexts[i]);
    TRY(ciphertexts.error());
    out.nodes += key.value() + ciphertexts.value();
  }
  return Error::none;
}

// Encrypts one path secret to the recipients of a step [TREE-26, TREE-28].
Error encrypt_path_secret(Crypto& crypto, const TreeDraft& draft, NodeIndex copath,
                          const HpkeContext& context, const Secret& path_secret, Memory& secret_memory,
                          Writer& writer) noexcept {
  const SuiteParameters& suite = crypto.suite();
  std::array<std::uint8_t, Crypto::max_kem_public_key_size> kem_output_room;
  std::array<std::uint8_t, Secret::max_size + Digest::max_size> ciphertext_room;
  const MutableBytes kem_output = MutableBytes(kem_output_room).first(suite.kem_output_size);
  const MutableBytes ciphertext = MutableBytes(ciphertext_room).first(path_secret.size() + suite.tag_size);
  Recipients recipients(draft, copath);
  while (const std::optional<NodeIndex> recipient = recipients.next()) {
    TRY(hpke_seal(crypto, draft.encryption_key(*recipient), context, {}, {path_secret}, secret_memory,
                  kem_output, ciphertext));
    const HpkeCiphertext sealed = {kem_output, ciphertext};
    TRY(writer(sealed));
  }
  return Error::none;
}

}  // namespace

Result<std::size_t> update_path_size(const Crypto& crypto, const TreeDraft& draft, LeafIndex own) noexcept {
  PathSizes sizes;
  TRY(measure(crypto, draft, draft.filtered_path(own), sizes));
  const Result<std::size_t> nodes = with_header(sizes.nodes);
  TRY(nodes.error());
  return draft.encoded(own).size() + nodes.value();
}

Result<Bytes> encrypt_update_path(Crypto& crypto, const TreeDraft& draft, LeafIndex own,
                                  const PathSecrets& secrets, Bytes group_context, Memory& secret_memory,
                                  MutableBytes out) noexcept {
  const FilteredPath path = draft.filtered_path(own);
  PathSizes sizes;
  TRY(measure(crypto, draft, path, sizes));
  HpkeContext context;
  TRY(encrypt_context(crypto, encryption_label, group_context, context));
  Writer writer(out);
  const Error error = [&]() noexcept -> Error {
    TRY(writer.put(draft.encoded(own), Storage::lasting));
    TRY(writer.header(sizes.nodes));
    for (std::size_t i = 0; i < path.size; ++i) {
      TRY(writer.opaque(draft.encryption_key(path.steps[i].node)));
      TRY(writer.header(sizes.ciphertexts[i]));
      TRY(encrypt_path_secret(crypto, draft, path.steps[i].copath, context, secrets.path_secrets[i],
                              secret_memory, writer));
    }
    return Error::none;
  }();
  if (error != Error::none) {
    wipe(out.data(), writer.written().size());
    return error;
  }
  return writer.written();
}

// ---- processing

namespace {

PathPublicKeys keys_of(const UpdatePath& path) noexcept {
  PathPublicKeys keys;
  std::size_t i = 0;
  for (const UpdatePathNode& node : path.nodes) {
    if (i < keys.size()) keys[i++] = node.encryption_key;
  }
  return keys;
}

// The public keys are new to the tree, as it is before they are merged, and to each other.
Error check_path_keys(const UpdatePath& path, const FilteredPath& steps, const TreeDraft& draft) noexcept {
  const PathPublicKeys keys = keys_of(path);
  const auto is_in_tree = [&](Bytes key) noexcept {
    return draft.other_with(NodeIndexMap::Of::encryption_key, key, std::nullopt).has_value();
  };
  REFUSE_IF(is_in_tree(path.leaf_node.encryption_key), Error::path_key_in_tree);  // [COMMIT-29]
  for (std::size_t i = 0; i < steps.size; ++i) {
    REFUSE_IF(is_in_tree(keys[i]), Error::path_key_in_tree);                             // [COMMIT-29]
    REFUSE_IF(equal(keys[i], path.leaf_node.encryption_key), Error::path_key_repeated);  // [COMMIT-30]
    for (std::size_t j = 0; j < i; ++j) {
      REFUSE_IF(equal(keys[i], keys[j]), Error::path_key_repeated);  // [COMMIT-30]
    }
  }
  return Error::none;
}

Error check_path_nodes(const Crypto& crypto, const UpdatePath& path, const FilteredPath& steps,
                       const TreeDraft& draft) noexcept {
  REFUSE_IF(path.nodes.count() != steps.size, Error::path_length);  // [TREE-24]
  std::size_t i = 0;
  for (const UpdatePathNode& node : path.nodes) {
    if (i == steps.size) break;  // only with that refusal switched off
    REFUSE_IF(node.encryption_key.size() != crypto.suite().kem_public_key_size, Error::kem_public_key_length);
    const std::size_t recipients = Recipients::count(draft, steps.steps[i++].copath);
    REFUSE_IF(node.encrypted_path_secret.count() != recipients, Error::path_ciphertext_count);  // [TREE-23]
  }
  return Error::none;
}

}  // namespace

Error check_update_path(Crypto& crypto, const UpdatePath& path, LeafIndex sender, Bytes group_id,
                        const Limits& limits, const TreeDraft& draft) noexcept {
  if (!draft.size().contains(sender)) return Error::leaf_outside_tree;
  const LeafNode& leaf = path.leaf_node;
  TRY(check_leaf_node(leaf, LeafNodeSource::commit, crypto.suite(), limits));  // [LEAF-32, COMMIT-27]
  REFUSE_IF(equal(leaf.encryption_key, draft.encryption_key(sender)),
            Error::encryption_key_unchanged);  // [COMMIT-28]
  const FilteredPath steps = draft.filtered_path(sender);
  TRY(check_path_nodes(crypto, path, steps, draft));
  TRY(check_path_keys(path, steps, draft));

  const LeafContext context = {group_id, sender};  // [EXTCOMMIT-21]
  const Result<std::size_t> size = leaf_node_work_size(leaf, context);
  TRY(size.error());
  Result<Buffer> work = Buffer::allocate(draft.memory(), size.value());
  TRY(work.error());
  return verify_leaf_node(crypto, leaf, context, work.value().bytes());
}

Error merge_update_path(Crypto& crypto, const UpdatePath& path, LeafIndex sender, TreeDraft& draft) noexcept {
  TRY(draft.rehash());
  const FilteredPath steps = draft.filtered_path(sender);
  Digest leaf_parent_hash;
  TRY(merge_keys(crypto, sender, steps, keys_of(path), draft, leaf_parent_hash));
  REFUSE_IF(!equal(path.leaf_node.parent_hash, leaf_parent_hash),
            Error::path_parent_hash);  // [TREE-29, TREE-50]
  TRY(draft.set_leaf(sender, path.leaf_node));
  return draft.rehash();
}

namespace {

// The step whose copath the owner of the keys is under.
const PathStep* step_for(const FilteredPath& path, LeafIndex own, std::size_t& place) noexcept {
  for (place = 0; place < path.size; ++place) {
    if (in_subtree(own, path.steps[place].copath)) return &path.steps[place];
  }
  return nullptr;
}

// The ciphertext at `place` of the node at `step`.
HpkeCiphertext ciphertext_at(const UpdatePath& path, std::size_t step, std::size_t place) noexcept {
  for (const UpdatePathNode& node : path.nodes) {
    if (step-- != 0) continue;
    for (const HpkeCiphertext& ciphertext : node.encrypted_path_secret) {
      if (place-- == 0) return ciphertext;
    }
  }
  return {};
}

}  // namespace

Error decrypt_path_secret(Crypto& crypto, const UpdatePath& path, LeafIndex sender, const TreeDraft& draft,
                          const PathKeys& keys, Bytes group_context, NodeIndex& node,
                          Secret& path_secret) noexcept {
  const FilteredPath steps = draft.filtered_path(sender);
  std::size_t step_place = 0;
  const PathStep* const step = step_for(steps, keys.own(), step_place);
  if (step == nullptr) return Error::path_key_absent;
  Recipients recipients(draft, step->copath);
  for (std::size_t place = 0;; ++place) {  // by position, never by trial [TREE-26, TREE-31, COMMIT-32]
    const std::optional<NodeIndex> recipient = recipients.next();
    if (!recipient) return Error::path_key_absent;
    if (!keys.holds(*recipient)) continue;
    const HpkeCiphertext sealed = ciphertext_at(path, step_place, place);
    const Secret private_key = keys.copy(*recipient);
    TRY(decrypt_with_label(crypto, {private_key, draft.encryption_key(*recipient)}, encryption_label,
                           group_context, sealed.kem_output, sealed.ciphertext, path_secret));
    node = step->node;
    return Error::none;
  }
}

Error derive_path_keys(Crypto& crypto, const TreeView& tree, NodeIndex node, Secret path_secret,
                       PathKeys& keys, Secret& commit_secret) noexcept {
  std::array<std::uint8_t, Crypto::max_kem_public_key_size> room;
  const MutableBytes public_key = MutableBytes(room).first(crypto.suite().kem_public_key_size);
  const LeafIndex below = first_leaf(node);
  for (unsigned height = level(node); height <= tree.size().depth(); ++height) {
    const NodeIndex ancestor = ancestor_at(below, height);
    if (tree.is_blank(ancestor)) continue;
    Secret private_key;
    TRY(derive_node_key_pair(crypto, path_secret, private_key, public_key));
    REFUSE_IF(!equal(public_key, tree.encryption_key(ancestor)), Error::path_key_mismatch);  // [TREE-30]
    TRY(keys.put(ancestor, std::move(private_key)));
    TRY(crypto.derive_secret(path_secret, "path", path_secret));  // [TREE-32]: what was there is wiped
  }
  commit_secret = std::move(path_secret);  // [KEYSCHED-09]
  return Error::none;
}

}  // namespace tacet
