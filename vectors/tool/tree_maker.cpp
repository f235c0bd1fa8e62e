#include "tree_maker.h"

#include "spec/adversary/builder.h"
#include "spec/adversary/reveal.h"

namespace tacet::tool {

namespace {

constexpr std::size_t ed25519_seed = 32;  // RFC 8032: what the format has as the private key

template <class T>
T must_decode(Bytes bytes) {
  T value{};
  must(decode(bytes, value));
  return value;
}

// All clients support these, so that each may be in a group with each.
constexpr CredentialType unknown_type{0xf001};  // of those for private use
constexpr CredentialType credential_types[] = {CredentialType::basic, CredentialType::x509, unknown_type};

// The body of an X.509 credential, but for what stands in the certificates: that the application validates.
Octets certificates(Generator& generator) {
  const Octets data = generator.bytes(70);
  const Certificate list[] = {{data}, {Bytes(data).first(63)}};
  Octets encoded(256);
  return octets_of(must(encode_list(std::span<const Certificate>(list), encoded)).encoded());
}

// What a client puts into its KeyPackage, and the bytes under it.
struct Profile {
  Profile(Generator& generator, LeafKind kind)
      : name(generator.letters(3 + generator.below(6))), data(generator.bytes(100)) {
    if (kind == LeafKind::x509) certificate_chain = certificates(generator);
  }
  NewKeyPackage wanted(LeafKind kind, const SuiteParameters& suite);

  std::string name;
  Octets data, certificate_chain;
  std::vector<Extension> extensions;
};

NewKeyPackage Profile::wanted(LeafKind kind, const SuiteParameters& suite) {
  NewKeyPackage wanted;
  wanted.credential = {CredentialType::basic, bytes_of(name)};
  if (kind == LeafKind::x509) wanted.credential = {CredentialType::x509, certificate_chain};
  if (kind == LeafKind::unknown_credential) wanted.credential = {unknown_type, data};
  wanted.supported.cipher_suites = {&suite.suite, 1};
  wanted.supported.extensions = unknown_extensions;
  wanted.supported.credentials = credential_types;
  wanted.lifetime = {0, std::numeric_limits<std::uint64_t>::max()};  // not to run out
  wanted.grease = kind == LeafKind::grease;
  if (kind == LeafKind::extensions) {
    static constexpr std::uint8_t application_id[] = {3, 'i', 'd', '1'};
    extensions = {{unknown_extensions[1], {}},
                  {ExtensionType::application_id, application_id},
                  {unknown_extensions[0], data}};
    wanted.leaf_extensions = extensions;
    wanted.key_package_extensions = {&extensions[2], 1};
  }
  return wanted;
}

const WholeCredential whole_credential;

}  // namespace

TreeMaker::TreeMaker(Generator& generator, Octets group_id, LeafKind founder)
    : generator_(generator),
      crypto_(generator.crypto()),
      group_id_(std::move(group_id)),
      tree_(memory_, whole_credential) {
  const Octets key_package = make_key_package(founder, members_[LeafIndex{0}]);
  must(tree_.start(crypto_, must_decode<KeyPackage>(key_package).leaf_node.encoded));
}

void TreeMaker::commit(std::uint32_t sender, const Changes& changes) {
  TreeDraft draft(crypto_, tree_, memory_, limits_);
  must(draft.start());
  for (const std::uint32_t leaf : changes.updates) {
    const Octets update = make_update(leaf, members_.at({leaf}).encryption_priv);
    must(draft.update({leaf}, must_decode<LeafNode>(update)));
  }
  for (const std::uint32_t leaf : changes.removes) {
    must(draft.remove({leaf}));
    members_.erase({leaf});
  }
  add(changes.adds, draft);
  set_path({sender}, draft);
  adopt(draft);
}

void TreeMaker::add_without_path(const std::vector<LeafKind>& adds) {
  TreeDraft draft(crypto_, tree_, memory_, limits_);
  must(draft.start());
  add(adds, draft);
  must(draft.rehash());
  adopt(draft);
}

void TreeMaker::grow_full(std::uint32_t members) {
  commit(0, {.adds = plain(members - members_.size())});
  for (std::uint32_t i = 1; i < members; ++i) commit(i);
}

Octets TreeMaker::make_key_package(LeafKind kind, Client& client) {
  client.signature_priv = generator_.bytes(ed25519_seed);
  SigningKey key(crypto_, client);
  Profile profile(generator_, kind);
  NewKeyPackage wanted = profile.wanted(kind, crypto_.suite());
  wanted.signature_key = key.public_key;
  const KeyPackageRoom room = key_package_room(wanted);
  Octets work(room.work), out(room.out);
  KeyPackageKeys keys;
  const Bytes encoded = must(create_key_package(crypto_, key.signer, wanted, limits_, work, out, keys));
  client.encryption_priv = octets_of(reveal(keys.encryption_key));
  client.init_priv = octets_of(reveal(keys.init_key));
  client.key_package = octets_of(encoded);
  return client.key_package;
}

Octets TreeMaker::make_update(std::uint32_t member, Octets& encryption_priv) {
  const LeafContext context = {group_id_, {member}};
  SigningKey key(crypto_, members_.at({member}));
  Octets encryption_pub(crypto_.suite().kem_public_key_size);
  Secret fresh;
  must(crypto_.generate_key_pair(fresh, encryption_pub));
  LeafNode leaf = tree_.leaf({member});
  leaf.encryption_key = encryption_pub;
  leaf.source = LeafNodeSource::update;
  Octets work(must(leaf_node_work_size(leaf, context)));
  Octets out(must(encoded_size(leaf)) + Crypto::max_signature_size);
  const Bytes encoded = must(sign_leaf_node(key.signer, leaf, context, work, out));
  encryption_priv = octets_of(reveal(fresh));
  return octets_of(encoded);
}

Octets TreeMaker::make_path(std::uint32_t member, const GroupContext& context) {
  TreeDraft draft(crypto_, tree_, memory_, limits_);
  must(draft.start());
  return encrypted_path(members_.at({member}), tree_.leaf({member}), {member}, draft, context);
}

Octets TreeMaker::make_external_path(LeafKind kind, const GroupContext& context, Client& client) {
  const Octets key_package = make_key_package(kind, client);
  TreeDraft draft(crypto_, tree_, memory_, limits_);
  must(draft.start());
  const LeafIndex leaf = must(draft.make_vacancy());
  return encrypted_path(client, must_decode<KeyPackage>(key_package).leaf_node, leaf, draft, context);
}

void TreeMaker::add(const std::vector<LeafKind>& adds, TreeDraft& draft) {
  for (const LeafKind kind : adds) {
    Client client;
    const Octets key_package = make_key_package(kind, client);
    members_[must(draft.add(must_decode<KeyPackage>(key_package).leaf_node))] = client;
  }
}

// The committer knows the path secrets, the others get them by the UpdatePath or, if they are new, a Welcome.
void TreeMaker::set_path(LeafIndex sender, TreeDraft& draft) {
  Client& committer = members_.at(sender);
  PathKeys keys(crypto_.suite(), memory_, memory_);
  PathSecrets secrets;
  const FilteredPath path = draft.filtered_path(sender);
  create_path(committer, tree_.leaf(sender), sender, draft, keys, secrets);
  committer.encryption_priv = octets_of(reveal(keys.copy(sender)));
  for (std::size_t i = 0; i < path.size; ++i) {
    for (auto& [leaf, member] : members_) {
      if (!in_subtree(leaf, path.steps[i].node)) continue;
      member.path_secrets[path.steps[i].node] = octets_of(reveal(secrets.path_secrets[i]));
    }
  }
}

void TreeMaker::create_path(const Client& committer, const LeafNode& fields, LeafIndex own, TreeDraft& draft,
                            PathKeys& keys, PathSecrets& secrets) {
  SigningKey key(crypto_, committer);
  must(keys.start(own, must(Secret::copy_of(committer.encryption_priv))));
  must(create_update_path(crypto_, key.signer, fields, own, group_id_, limits_, draft, keys, secrets));
}

Octets TreeMaker::encrypted_path(const Client& committer, const LeafNode& fields, LeafIndex own,
                                 TreeDraft& draft, GroupContext context) {
  PathKeys keys(crypto_.suite(), memory_, memory_);
  PathSecrets secrets;
  create_path(committer, fields, own, draft, keys, secrets);
  ++context.epoch;
  context.tree_hash = draft.tree_hash();
  Octets path(must(update_path_size(crypto_, draft, own)));
  const Octets encoded = adversary::encoded(context);
  must(encrypt_update_path(crypto_, draft, own, secrets, encoded, memory_, path).error());
  return path;
}

void TreeMaker::adopt(TreeDraft& draft) {
  must(draft.reserve());
  draft.adopt(tree_);
  for (auto& [leaf, member] : members_) {
    std::erase_if(member.path_secrets, [&](const auto& entry) { return tree_.is_blank(entry.first); });
  }
}

}  // namespace tacet::tool
