#include "committer.h"

#include "octets.h"
#include "protocol/adapters/heap_memory.h"

namespace tacet::adversary {

namespace {

Octets derived(Crypto& crypto, const Octets& secret, std::string_view label) {
  Secret out;
  must(crypto.derive_secret(secret_of(secret), label, out));
  return octets_of(out);
}

// A proposal that a Commit covers, and who sent it.
struct Covered {
  Sender sender;
  Proposal proposal;
};

// One Commit on its way.
class Making {
 public:
  Making(Endpoint& by, const CommitPlan& plan) : Making(by, by.epoch->state, plan) {
    member_ = &by;
    sender_ = {SenderType::member, by.epoch->member.own(), 0};
    own_ = sender_.leaf_index;
  }
  Making(Device& by, const PublicState& state, const CommitPlan& plan)
      : by_(by),
        plan_(plan),
        state_(state),
        signing_key_(octets_of(by.signing_key)),
        draft_(by.crypto, state_.tree(), memory_, by.limits),
        context_(state_.context()) {}

  MadeCommit run() {
    init_secret_ = octets_of(member_->epoch->member.keys().copy(EpochKeys::Of::init_secret));
    return run(plan_.proposals);
  }
  MadeCommit run_from_outside(const Octets& external_pub) {
    sender_.type = SenderType::new_member_commit;
    return run(external_init(external_pub) + plan_.proposals);
  }

 private:
  MadeCommit run(const Octets& proposals) {
    must(draft_.start());
    resolve(proposals);
    apply();
    if (member_ == nullptr) enter();
    if (plan_.tree) plan_.tree(draft_);
    must(draft_.rehash());
    Octets path = {0};
    if (plan_.with_path) {
      path = Octets{1} + make_path();
    } else {
      keep_keys();
    }
    send(vector_of(proposals) + path);
    describe();
    return std::move(made_);
  }

  Octets external_init(const Octets& external_pub);
  void resolve(const Octets& proposals);
  void apply();
  void replace(LeafIndex leaf, const LeafNode& by);
  void add(const KeyPackage& key_package);
  void enter();
  void keep_keys();
  Octets leaf_before() const;
  Octets make_path();
  void derive_keys();
  Octets merge();
  Octets sign_leaf(const Octets& parent_hash);
  void seal_path();
  void seal(Envelope& envelope);
  Octets encoded_context(Bytes confirmed_transcript_hash);
  OpenSecrets secrets();
  Octets psk_secret();
  Octets confirm(Bytes input);
  void send(const Octets& content);
  void describe();

  template <class Visit>
  void for_each(ProposalType type, Visit visit) {
    for (const Covered& each : list_) {
      if (each.proposal.type == type) visit(each);
    }
  }

  Device& by_;
  const CommitPlan& plan_;
  const PublicState& state_;
  Endpoint* member_ = nullptr;  // `by_`, unless it is outside
  Sender sender_;
  LeafIndex own_;
  Octets init_secret_, signing_key_;  // which the Commit is signed with
  HeapMemory memory_;
  TreeDraft draft_;
  GroupContext context_;  // the next, but for what is computed from it
  std::vector<Covered> list_;
  std::vector<std::pair<LeafIndex, NewMember>> added_;
  OpenPath path_;
  MadeCommit made_;
};

// RFC 9420, 8.3.
Octets Making::external_init(const Octets& external_pub) {
  Octets kem_output(by_.crypto.suite().kem_output_size);
  Secret init_secret;
  must(create_external_init(by_.crypto, plan_.external_pub ? plan_.external_pub(external_pub) : external_pub,
                            kem_output, init_secret));
  init_secret_ = octets_of(init_secret);
  const Octets entry =
      encoded(ProposalOrRefType::proposal, ProposalType::external_init) + vector_of(kem_output);
  return plan_.external_init ? plan_.external_init(entry) : entry;
}

// What cannot be read or found is not applied.
void Making::resolve(const Octets& proposals) {
  List<ProposalOrRef> list;
  static_cast<void>(List<ProposalOrRef>::parse(proposals, list));
  for (const ProposalOrRef& entry : list) {
    if (entry.type == ProposalOrRefType::proposal) {
      list_.push_back({sender_, entry.proposal});
      continue;
    }
    const ProposalCache& cache = state_.proposals();
    const ProposalCache::Entry* const found = cache.find(by_.crypto, entry.reference);
    if (found == nullptr) continue;
    list_.push_back({found->sender, {}});
    must(decode(cache.proposal(*found), list_.back().proposal));
  }
}

void Making::apply() {
  for_each(ProposalType::group_context_extensions, [this](const Covered& each) {
    context_.extensions = each.proposal.group_context_extensions.extensions;
  });
  for_each(ProposalType::update, [this](const Covered& each) {
    if (each.sender.type == SenderType::member) {
      replace(each.sender.leaf_index, each.proposal.update.leaf_node);
    }
  });
  for_each(ProposalType::remove, [this](const Covered& each) {
    // Where the committer has gone, nobody knows what would follow.
    const LeafIndex removed = each.proposal.remove.removed;
    if (member_ == nullptr || removed != own_) static_cast<void>(draft_.remove(removed));
  });
  for_each(ProposalType::add, [this](const Covered& each) { add(each.proposal.add.key_package); });
}

// Also with the same encryption key.
void Making::replace(LeafIndex leaf, const LeafNode& by) {
  if (!draft_.size().contains(leaf) || draft_.is_blank(leaf)) return;
  must(draft_.blank_path(leaf));
  must(draft_.set_leaf(leaf, by));
}

void Making::add(const KeyPackage& key_package) {
  const Result<LeafIndex> leaf = draft_.add(key_package.leaf_node);
  if (!leaf.ok()) return;
  Digest reference;
  must(key_package_ref(by_.crypto, key_package, reference));
  added_.push_back({leaf.value(), {octets_of(reference), octets_of(key_package.init_key), {}}});
}

// At the leftmost blank leaf.
void Making::enter() {
  const Result<LeafIndex> vacancy = draft_.make_vacancy();
  must(vacancy.error());
  own_ = vacancy.value();
}

// ---- the path

// Where there is none, those of nodes that stay.
void Making::keep_keys() {
  if (member_ == nullptr) return;
  const PathKeys& keys = member_->epoch->member.path_keys();
  for (unsigned height = 0; height <= draft_.size().depth(); ++height) {
    const NodeIndex node = ancestor_at(own_, height);
    const bool stays = keys.holds(node) && draft_.size().contains(node) &&
                       equal(draft_.encryption_key(node), state_.tree().encryption_key(node));
    if (stays) made_.private_keys.push_back({node, octets_of(keys.copy(node))});
  }
}

Octets Making::make_path() {
  derive_keys();
  if (plan_.keys) plan_.keys(path_);
  const Octets leaf = sign_leaf(merge());
  LeafNode decoded;
  // One that cannot be read cannot stand in the tree either.
  if (decode(leaf, decoded) == Error::none) must(draft_.set_leaf(own_, decoded));
  must(draft_.rehash());
  seal_path();
  Octets nodes;
  for (const OpenPathNode& node : path_.nodes) {
    Octets envelopes;
    for (const Envelope& each : node.envelopes) {
      envelopes = envelopes + vector_of(each.kem_output) + vector_of(each.ciphertext);
    }
    nodes = nodes + vector_of(node.encryption_key) + vector_of(envelopes);
  }
  return leaf + vector_of(nodes);
}

// RFC 9420, 7.4.
void Making::derive_keys() {
  Octets path_secret(by_.crypto.hash_size());
  must(by_.crypto.random(path_secret));
  for (const PathStep& step : draft_.filtered_path(own_)) {
    Octets public_key(by_.crypto.suite().kem_public_key_size);
    Secret private_key;
    must(derive_node_key_pair(by_.crypto, secret_of(path_secret), private_key, public_key));
    path_.nodes.push_back({step, path_secret, public_key, {}, octets_of(private_key)});
    path_secret = derived(by_.crypto, path_secret, "path");
  }
  path_.commit_secret = path_secret;
}

// As many nodes as there are places for; gives the parent_hash of the leaf.
Octets Making::merge() {
  const FilteredPath steps = draft_.filtered_path(own_);
  must(draft_.blank_path(own_));
  Octets above;
  for (std::size_t i = std::min(steps.size, path_.nodes.size()); i-- > 0;) {
    const auto& [node, copath] = steps.steps[i];
    const Octets& key = path_.nodes[i].encryption_key;
    must(draft_.set_parent(node, key, above));
    made_.private_keys.push_back({node, path_.nodes[i].private_key});
    Digest hash;
    must(parent_hash(by_.crypto, {key, above, draft_.hash(copath)}, hash));
    above = octets_of(hash);
  }
  return above;
}

// A copy, as the one in the tree moves when it is replaced.
Octets Making::leaf_before() const {
  if (member_ != nullptr) return encoded(draft_.leaf(own_));
  KeyPackage published;
  must(decode(by_.key_package, published));
  return encoded(published.leaf_node);
}

Octets Making::sign_leaf(const Octets& parent_hash) {
  const Octets before = leaf_before();
  Octets encryption_key(by_.crypto.suite().kem_public_key_size);
  Secret private_key;
  must(by_.crypto.generate_key_pair(private_key, encryption_key));
  made_.private_keys.push_back({own_, octets_of(private_key)});
  OpenLeaf leaf = {{}, octets_of(context_.group_id), own_, octets_of(by_.signing_key)};
  must(decode(before, leaf.fields));
  leaf.fields.encryption_key = encryption_key;
  leaf.fields.source = LeafNodeSource::commit;
  leaf.fields.parent_hash = parent_hash;
  if (plan_.leaf) plan_.leaf(leaf);
  if (member_ == nullptr) signing_key_ = leaf.signing_key;
  KeySigner signer(by_.crypto, secret_of(leaf.signing_key));
  const LeafContext context = {leaf.group_id, leaf.index};
  Octets work(leaf_node_work_size(leaf.fields, context).value());
  Octets room(encoded_size(leaf.fields).value() + Crypto::max_signature_size);
  const Result<Bytes> made = sign_leaf_node(signer, leaf.fields, context, work, room);
  must(made.error());
  return plan_.signed_leaf ? plan_.signed_leaf(octets_of(made.value())) : octets_of(made.value());
}

// RFC 9420, 7.6.
void Making::seal_path() {
  path_.context = encoded_context(context_.confirmed_transcript_hash);
  for (OpenPathNode& node : path_.nodes) {
    Resolution resolution(draft_, node.step.copath);
    while (const std::optional<NodeIndex> to = resolution.next()) {
      if (is_leaf(*to) && draft_.is_new(leaf_at(*to))) continue;
      node.envelopes.push_back({octets_of(draft_.encryption_key(*to)), node.path_secret, {}, {}});
    }
  }
  if (plan_.unsealed) plan_.unsealed(path_);
  for (OpenPathNode& node : path_.nodes) {
    for (Envelope& envelope : node.envelopes) seal(envelope);
  }
  if (plan_.sealed) plan_.sealed(path_);
}

// For what is no public key the ciphertext is noise.
void Making::seal(Envelope& envelope) {
  const SuiteParameters& suite = by_.crypto.suite();
  envelope.kem_output.assign(suite.kem_output_size, 0);
  envelope.ciphertext.assign(envelope.path_secret.size() + suite.tag_size, 0);
  const Error error = encrypt_with_label(by_.crypto, envelope.public_key, "UpdatePathNode", path_.context,
                                         {secret_of(envelope.path_secret)}, memory_, envelope.kem_output,
                                         envelope.ciphertext);
  if (error != Error::none) must(by_.crypto.random(envelope.ciphertext));
}

// ---- the next epoch

Octets Making::encoded_context(Bytes confirmed_transcript_hash) {
  GroupContext next = context_;
  const Octets tree_hash = octets_of(draft_.tree_hash());
  next.epoch = context_.epoch + 1;
  next.tree_hash = tree_hash;
  next.confirmed_transcript_hash = confirmed_transcript_hash;
  if (plan_.context) plan_.context(next);
  return encoded(next);
}

// RFC 9420, 8.4. A PSK that the committer does not know is empty.
Octets Making::psk_secret() {
  std::size_t count = 0;
  for_each(ProposalType::psk, [&](const Covered&) { ++count; });
  PskSecret combined;
  must(PskSecret::start(by_.crypto, count, combined));
  for_each(ProposalType::psk, [&](const Covered& each) {
    const PreSharedKeyId& id = each.proposal.pre_shared_key.psk;
    SecretView psk;
    static_cast<void>(by_.psks.find(id, psk));
    must(combined.add(by_.crypto, id, psk));
    made_.psks = made_.psks + encoded(id);
  });
  Secret secret;
  must(combined.finish(secret));
  return octets_of(secret);
}

OpenSecrets Making::secrets() {
  OpenSecrets made = {init_secret_, path_.commit_secret, psk_secret()};
  if (plan_.secrets) plan_.secrets(made);
  return made;
}

// From a Commit's wire format, FramedContent and signature, the confirmation_tag: RFC 9420, 8, 8.2, 6.1.
Octets Making::confirm(Bytes input) {
  Crypto& crypto = by_.crypto;
  Digest confirmed, tag;
  must(confirmed_transcript_hash(crypto, state_.interim_transcript_hash(), {input}, confirmed));
  made_.group_context = encoded_context(confirmed);
  const OpenSecrets start = secrets();
  Secret joiner, welcome;
  must(derive_joiner_secret(crypto, secret_of(start.init_secret), secret_of(start.commit_secret),
                            made_.group_context, joiner));
  must(derive_welcome_secret(crypto, joiner, secret_of(start.psk_secret), welcome));
  EpochSecrets epoch;
  must(derive_epoch_secrets(crypto, joiner, secret_of(start.psk_secret), made_.group_context, epoch));
  must(confirmation_tag(crypto, epoch.confirmation_key, confirmed, tag));
  made_.psk_secret = start.psk_secret;
  made_.joiner_secret = octets_of(joiner);
  made_.welcome_secret = octets_of(welcome);
  made_.epoch_authenticator = octets_of(epoch.epoch_authenticator);
  made_.confirmation_tag = octets_of(tag);
  return made_.confirmation_tag;
}

void Making::send(const Octets& content) {
  Means means;
  if (member_ != nullptr) means = means_of(*member_);
  means.group_context = octets_of(state_.group_context());
  means.signing_key = signing_key_;
  means.confirm = [this](Bytes input) { return confirm(input); };
  const GroupContext& context = state_.context();
  const Framed framed = {octets_of(context.group_id), context.epoch,       sender_,
                         plan_.authenticated_data,    ContentType::commit, content};
  Builder builder(by_.crypto, means);
  if (member_ == nullptr || plan_.format == WireFormat::public_message) {
    made_.message = builder.public_message(framed, plan_.deviates);
    return;
  }
  made_.message = builder.private_message(framed, next_message_key(*member_, RatchetType::handshake),
                                          plan_.padding, plan_.deviates);
}

// What a Welcome says beside the secrets.
void Making::describe() {
  made_.own = own_;
  made_.ratchet_tree.resize(draft_.export_size().value());
  must(draft_.export_to(made_.ratchet_tree).error());
  for (auto& [leaf, joiner] : added_) {
    for (std::size_t i = path_.nodes.size(); i-- > 0;) {  // the lowest counts
      if (in_subtree(leaf, path_.nodes[i].step.node)) joiner.path_secret = path_.nodes[i].path_secret;
    }
    made_.joiners.push_back(joiner);
  }
}

}  // namespace

MadeCommit commit_of(Endpoint& by, const CommitPlan& plan) { return Making(by, plan).run(); }

MadeCommit external_commit_of(Device& by, const PublicState& state, const Octets& external_pub,
                              const CommitPlan& plan) {
  return Making(by, state, plan).run_from_outside(external_pub);
}

Octets external_pub_of(Endpoint& member) {
  Octets external_pub(member.crypto.suite().kem_public_key_size);
  Secret unused;
  must(derive_external_key_pair(
      member.crypto, member.epoch->member.keys().copy(EpochKeys::Of::external_secret), unused, external_pub));
  return external_pub;
}

// As a joiner comes to its first epoch, but with the keys of the path.
void follow(Endpoint& by, const MadeCommit& commit) {
  const Client client = by.client();
  Nodes nodes;
  must(decode(commit.ratchet_tree, nodes));
  RatchetTree tree(client.memory, client.policy);
  must(tree.import(client.crypto, nodes, client.limits));
  GroupContext context;
  must(decode(commit.group_context, context));
  EpochSecrets secrets;
  must(derive_epoch_secrets(client.crypto, secret_of(commit.joiner_secret), secret_of(commit.psk_secret),
                            commit.group_context, secrets));
  Epoch& next = by.epoch.emplace(client, std::move(tree));
  must(next.state.start(client, context, commit.confirmation_tag));
  next.member.path_keys().start(commit.own);
  for (const auto& [node, private_key] : commit.private_keys) {
    Result<Secret> copy = Secret::copy_of(private_key);
    must(copy.error());
    must(next.member.path_keys().put(node, std::move(copy.value())));
  }
  must(next.member.start(std::move(secrets), next.state.tree().size()));
  by.remember_psk();
}

namespace {

Octets tree_of(const MadeCommit& commit) {
  return encoded(ExtensionType::ratchet_tree) + vector_of(commit.ratchet_tree);
}

// With views of both.
GroupInfo describe(const MadeCommit& commit, const Octets& extensions) {
  GroupInfo info;
  must(decode(commit.group_context, info.group_context));
  must(Extensions::parse(extensions, info.extensions));
  info.confirmation_tag = commit.confirmation_tag;
  info.signer = commit.own;
  return info;
}

}  // namespace

Octets welcome_of(Endpoint& by, const MadeCommit& commit, const Deviates& deviates) {
  const Octets extensions = tree_of(commit);
  return Builder(by.crypto, means_of(by))
      .welcome({describe(commit, extensions), commit.welcome_secret, commit.joiner_secret, commit.psks,
                commit.joiners},
               deviates);
}

Octets group_info_of(Endpoint& by, const MadeCommit& commit, const Octets& external_pub,
                     const Deviates& deviates) {
  const Octets extensions =
      tree_of(commit) + encoded(ExtensionType::external_pub) + vector_of(vector_of(external_pub));
  return Builder(by.crypto, means_of(by)).group_info(describe(commit, extensions), deviates);
}

OpenMessageKey next_message_key(Endpoint& of, RatchetType type) {
  SecretTree& tree = of.epoch->member.secret_tree();
  PeekedKey peeked;
  std::uint32_t generation = 0;
  const auto peek = [&] { return tree.peek(of.crypto, of.epoch->member.own(), type, generation, peeked); };
  Error error = peek();
  for (; error == Error::generation_gone; error = peek()) ++generation;  // was sent
  must(error);
  const OpenMessageKey key = {octets_of(peeked.message_key().key), octets_of(peeked.message_key().nonce),
                              generation};
  tree.drop(peeked);
  return key;
}

Means means_of(Endpoint& member) {
  const EpochKeys& keys = member.epoch->member.keys();
  return {octets_of(member.epoch->state.group_context()),
          octets_of(member.signing_key),
          octets_of(keys.copy(EpochKeys::Of::membership_key)),
          octets_of(keys.copy(EpochKeys::Of::sender_data_secret)),
          {}};
}

Framed framed_by(Endpoint& member, ContentType type, Octets content) {
  const GroupContext& context = member.epoch->state.context();
  const Sender sender = {SenderType::member, member.epoch->member.own(), 0};
  return {octets_of(context.group_id), context.epoch, sender, {}, type, std::move(content)};
}

}  // namespace tacet::adversary
