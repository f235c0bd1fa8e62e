#include "join.h"

namespace tacet {

namespace {

// The epoch of a tree, a GroupContext and its secrets, in place in `out`; emptied again after an error
// [WELCOME-27, WELCOME-28].
Error settle(const Client& client, RatchetTree&& tree, const GroupContext& context, Bytes confirmation_tag,
             EpochSecrets&& secrets, PathKeys&& keys, std::optional<Epoch>& out) noexcept {
  Epoch& epoch = out.emplace(client, std::move(tree));
  const Error error = [&]() noexcept -> Error {
    epoch.member.path_keys() = std::move(keys);
    TRY(epoch.state.start(client, context, confirmation_tag));
    return epoch.member.start(std::move(secrets), epoch.state.tree().size());
  }();
  if (error != Error::none) out.reset();
  return error;
}

}  // namespace

// ---- creating a group

namespace {

// The GroupContext of epoch 0 [CREATE-01], whose extensions lie in `room`.
Error first_context(const Client& client, Bytes group_id, std::span<const Extension> extensions, Buffer& room,
                    GroupContext& out) noexcept {
  std::size_t size = 0;
  for (const Extension& extension : extensions) size += 2 + 4 + extension.data.size();
  Result<Buffer> allocated = Buffer::allocate(client.memory, size);
  TRY(allocated.error());
  room = std::move(allocated.value());
  const Result<Extensions> list = encode_list(extensions, room.bytes());
  TRY(list.error());
  TRY(check_group_context_extensions(list.value()));
  TRY(check_extensions_supported(list.value(), client.supported));  // [EXT-07]
  out.cipher_suite = client.crypto.suite().suite;
  out.group_id = group_id;
  out.extensions = list.value();
  return Error::none;
}

}  // namespace

Error create_group(const Client& client, Bytes group_id, std::span<const Extension> extensions, Bytes leaf,
                   Secret encryption_key, std::optional<Epoch>& out) noexcept {
  REFUSE_IF(client.policy.is_in_group(group_id), Error::group_known);
  Buffer room;
  GroupContext context;
  TRY(first_context(client, group_id, extensions, room, context));
  LeafNode decoded;
  TRY(decode(leaf, decoded));
  TRY(check_leaf_node(decoded, LeafNodeSource::key_package, client.crypto.suite(),
                      client.limits));  // [CREATE-09]
  TRY(check_group_extensions(decoded.capabilities, context.extensions));
  RatchetTree tree(client.memory, client.policy);
  TRY(tree.start(client.crypto, leaf));
  PathKeys keys(client.crypto.suite(), client.memory, client.secrets);
  TRY(keys.start(LeafIndex{0}, std::move(encryption_key)));

  Secret epoch_secret;
  TRY(client.crypto.random_secret(client.crypto.hash_size(), epoch_secret));  // [CREATE-02]
  EpochSecrets secrets;
  TRY(derive_from_epoch_secret(client.crypto, epoch_secret, secrets));
  Digest tag;
  TRY(confirmation_tag(client.crypto, secrets.confirmation_key, {}, tag));  // [CREATE-03]
  context.tree_hash = tree.tree_hash();
  return settle(client, std::move(tree), context, tag, std::move(secrets), std::move(keys), out);
}

// ---- joining by a Welcome

namespace {

// That which is given apart, or the one in the GroupInfo, whose signature is verified in `room`.
Error take_described_tree(const Client& client, const GroupInfo& group_info, Bytes ratchet_tree,
                          MutableBytes room, RatchetTree& tree) noexcept {
  // Unknown extensions of the GroupInfo are passed over [TREE-64, TREE-65, EXT-03, GREASE-04].
  const std::optional<Bytes> inside = find_extension(group_info.extensions, ExtensionType::ratchet_tree);
  const Bytes encoded = ratchet_tree.empty() ? inside.value_or(Bytes()) : ratchet_tree;
  REFUSE_IF(encoded.empty(), Error::tree_absent);  // [WELCOME-26]
  Nodes nodes;
  TRY(decode(encoded, nodes));
  TRY(tree.import(client.crypto, nodes, client.limits));
  const GroupContext& context = group_info.group_context;
  REFUSE_IF(!equal(tree.tree_hash(), context.tree_hash), Error::tree_hash_mismatch);  // [TREE-56, TREE-63]
  const Result<Bytes> signature_key = group_info_signature_key(group_info, tree);
  TRY(signature_key.error());
  TRY(verify_group_info(client.crypto, group_info, signature_key.value(), room));
  TRY(check_tree(client.crypto, tree, client.memory));
  TRY(check_leaves(client.crypto, tree, {context.group_id, context.extensions, client.limits}, client.memory,
                   client.threads));
  return tree.for_each_leaf([&](LeafIndex index) noexcept -> Error {
    const LeafNode leaf = tree.leaf(index);
    REFUSE_IF(!client.policy.validates(leaf.credential, leaf.signature_key),
              Error::credential_refused);  // [CRED-07]
    const bool has_lifetime = leaf.source == LeafNodeSource::key_package;
    REFUSE_IF(has_lifetime && !client.policy.is_current(leaf.lifetime), Error::lifetime_not_current);
    return Error::none;
  });
}

// What a GroupSecrets holds goes with it [PRIV-15].
class Join {
 public:
  Join(const Client& client, KeyPackages& key_packages, Psks& psks, FormerGroups* former_groups,
       const Welcome& welcome) noexcept
      : client_(client),
        key_packages_(key_packages),
        psks_(psks),
        former_groups_(former_groups),
        welcome_(welcome),
        tree_(client.memory, client.policy),
        keys_(client.crypto.suite(), client.memory, client.secrets) {}

  // In the order of RFC 9420, 12.4.3.1.
  Error run(Bytes ratchet_tree, std::optional<Epoch>& out) noexcept {
    TRY(open_secrets());
    TRY(combine_psks());
    TRY(open_info());
    TRY(take_described_tree(client_, info_, ratchet_tree, info_room_.bytes(), tree_));
    TRY(find_leaf());
    TRY(check_succession());
    TRY(take_path_secret());
    EpochSecrets secrets;
    TRY(derive_epoch_secrets(client_.crypto, secrets_.joiner_secret, psk_secret_, info_.group_context.encoded,
                             secrets));  // [WELCOME-24]
    TRY(check_confirmation_tag(client_.crypto, secrets.confirmation_key,
                               info_.group_context.confirmed_transcript_hash,
                               info_.confirmation_tag));  // [WELCOME-23]
    TRY(settle(client_, std::move(tree_), info_.group_context, info_.confirmation_tag, std::move(secrets),
               std::move(keys_), out));
    if (!own_.last_resort) key_packages_.erase(reference_);
    return Error::none;
  }

 private:
  // With the first KeyPackage of ours that the Welcome is for, whoever else has this one or another
  // [WELCOME-07].
  Error open_secrets() noexcept {
    for (const EncryptedGroupSecrets& entry : welcome_.secrets) {
      if (!key_packages_.find(entry.new_member, own_)) continue;
      reference_ = entry.new_member;
      TRY(decode(own_.key_package, key_package_));
      return open_group_secrets(client_.crypto, welcome_, key_package_, own_.init_key, client_.secrets,
                                secrets_);
    }
    return Error::group_secrets_absent;  // [WELCOME-08]
  }

  Error combine_psks() noexcept {
    PskSecret combined;
    TRY(PskSecret::start(client_.crypto, secrets_.psks.count(), combined));
    bool has_successor = false;
    for (const PreSharedKeyId& id : secrets_.psks) {
      REFUSE_IF(succeeds(id) && has_successor, Error::psk_successors);  // [PSK-16, PSK-17]
      has_successor |= succeeds(id);
      REFUSE_IF(id.psk_nonce.size() != client_.crypto.hash_size(), Error::psk_nonce_length);  // [PSK-18]
      SecretView psk;
      TRY(psks_.find(id, psk));  // [PSK-15]
      TRY(combined.add(client_.crypto, id, psk));
    }
    return combined.finish(psk_secret_);
  }

  Error open_info() noexcept {
    Secret welcome_secret;
    TRY(derive_welcome_secret(client_.crypto, secrets_.joiner_secret, psk_secret_, welcome_secret));
    Result<Buffer> room = Buffer::allocate(client_.memory, open_group_info_room(welcome_));
    TRY(room.error());
    info_room_ = std::move(room.value());
    TRY(open_group_info(client_.crypto, welcome_, welcome_secret, info_room_.bytes(), info_));
    REFUSE_IF(client_.policy.is_in_group(info_.group_context.group_id), Error::group_known);  // [WELCOME-15]
    return check_extensions_supported(info_.group_context.extensions, client_.supported);
  }

  // The leaf that is byte for byte that of the KeyPackage [WELCOME-18, WELCOME-19].
  Error find_leaf() noexcept {
    const LeafNode& own = key_package_.leaf_node;
    const std::optional<NodeIndex> node =
        tree_.other_with(client_.crypto, NodeIndexMap::Of::encryption_key, own.encryption_key, std::nullopt);
    const bool is_ours = node.has_value() && is_leaf(*node) && equal(tree_.encoded(*node), own.encoded);
    REFUSE_IF(!is_ours, Error::own_leaf_absent);
    return keys_.start(node.has_value() ? leaf_at(*node) : LeafIndex{}, std::move(own_.encryption_key));
  }

  // What the group says that it comes from.
  Error check_succession() noexcept {
    for (const PreSharedKeyId& id : secrets_.psks) {
      if (!succeeds(id)) continue;
      const PublicState* const former =
          former_groups_ == nullptr ? nullptr : former_groups_->find(id.psk_group_id);
      if (former == nullptr) return Error::former_group_unknown;  // [BRANCH-08]
      TRY(check_successor(*former, id, info_.group_context));
      TRY(check_successor_members(client_, *former, id, tree_, [&](Bytes identity) noexcept {
        return tree_.other_with(client_.crypto, NodeIndexMap::Of::client, identity, std::nullopt).has_value();
      }));
    }
    return Error::none;
  }

  // The private keys of the lowest common ancestor with the committer, and above it [WELCOME-20].
  Error take_path_secret() noexcept {
    if (!secrets_.path_secret.has_value()) return Error::none;  // [WELCOME-30]
    NodeIndex ancestor = keys_.own();
    for (unsigned height = 1; !in_subtree(info_.signer, ancestor); ++height) {
      ancestor = ancestor_at(keys_.own(), height);
    }
    REFUSE_IF(is_leaf(ancestor) || tree_.is_blank(ancestor), Error::path_secret_misplaced);  // [WELCOME-22]
    Secret commit_secret;
    return derive_path_keys(client_.crypto, tree_, ancestor, std::move(*secrets_.path_secret), keys_,
                            commit_secret);  // [WELCOME-21]
  }

  const Client& client_;
  KeyPackages& key_packages_;
  Psks& psks_;
  FormerGroups* former_groups_;
  const Welcome& welcome_;
  OwnKeyPackage own_;
  Bytes reference_;
  KeyPackage key_package_;
  GroupSecrets secrets_;
  Secret psk_secret_;
  Buffer info_room_;
  GroupInfo info_;
  RatchetTree tree_;
  PathKeys keys_;
};

}  // namespace

Error join_by_welcome(const Client& client, KeyPackages& key_packages, Psks& psks,
                      FormerGroups* former_groups, const Welcome& welcome, Bytes ratchet_tree,
                      std::optional<Epoch>& out) noexcept {
  return Join(client, key_packages, psks, former_groups, welcome).run(ratchet_tree, out);
}

// ---- as somebody outside sees a group

Error take_group_info(const Client& client, const GroupInfo& group_info, Bytes ratchet_tree,
                      RatchetTree& tree) noexcept {
  TRY(check_group_info(group_info, client.crypto.suite()));
  TRY(check_extensions_supported(group_info.group_context.extensions,
                                 client.supported));  // [EXTCOMMIT-27]
  Result<Buffer> room = Buffer::allocate(client.memory, verify_group_info_room(group_info));
  TRY(room.error());
  return take_described_tree(client, group_info, ratchet_tree, room.value().bytes(),
                             tree);  // [EXTCOMMIT-03, EXTCOMMIT-05]
}

}  // namespace tacet
