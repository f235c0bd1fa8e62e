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
  Making(Endpoint& by, const CommitPlan& plan)
      : by_(by),
        plan_(plan),
        state_(by.epoch->state),
        own_(by.epoch->member.own()),
        draft_(by.crypto, state_.tree(), memory_, by.limits),
        context_(state_.context()) {}

  MadeCommit run() {
    must(draft_.start());
    resolve();
    apply();
    if (plan_.tree) plan_.tree(draft_);
    must(draft_.rehash());
    Octets path = {0};
    if (plan_.with_path) path = Octets{1} + make_path();
    send(vector_of(plan_.proposals) + path);
    describe();
    return std::move(made_);
  }

 private:
  void resolve();
  void apply();
  void replace(LeafIndex leaf, const LeafNode& by);
  void add(const KeyPackage& key_package);
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

  Endpoint& by_;
  const CommitPlan& plan_;
  const PublicState& state_;
  const LeafIndex own_;
  HeapMemory memory_;
  TreeDraft draft_;
  GroupContext context_;  // the next, but for what is computed from it
  std::vector<Covered> list_;
  std::vector<std::pair<LeafIndex, NewMember>> added_;
  OpenPath path_;
  MadeCommit made_;
};

// What cannot be read or found is not applied.
void Making::resolve() {
  List<ProposalOrRef> list;
  static_cast<void>(List<ProposalOrRef>::parse(plan_.proposals, list));
  for (const ProposalOrRef& entry : list) {
    if (entry.type == ProposalOrRefType::proposal) {
      list_.push_back({{SenderType::member, own_, 0}, entry.proposal});
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
    if (each.proposal.remove.removed != own_) static_cast<void>(draft_.remove(each.proposal.remove.removed));
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

// ---- the path

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
    Secret unused;
    must(derive_node_key_pair(by_.crypto, secret_of(path_secret), unused, public_key));
    path_.nodes.push_back({step, path_secret, public_key, {}});
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
    Digest hash;
    must(parent_hash(by_.crypto, {key, above, draft_.hash(copath)}, hash));
    above = octets_of(hash);
  }
  return above;
}

Octets Making::sign_leaf(const Octets& parent_hash) {
  const Octets before = encoded(draft_.leaf(own_));  // which moves when it is replaced
  Octets encryption_key(by_.crypto.suite().kem_public_key_size);
  Secret unused;
  must(by_.crypto.generate_key_pair(unused, encryption_key));
  OpenLeaf leaf = {{}, octets_of(context_.group_id), own_, octets_of(by_.signing_key)};
  must(decode(before, leaf.fields));
  leaf.fields.encryption_key = encryption_key;
  leaf.fields.source = LeafNodeSource::commit;
  leaf.fields.parent_hash = parent_hash;
  if (plan_.leaf) plan_.leaf(leaf);
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
  OpenSecrets made = {octets_of(by_.epoch->member.keys().copy(EpochKeys::Of::init_secret)),
                      path_.commit_secret, psk_secret()};
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
  made_.joiner_secret = octets_of(joiner);
  made_.welcome_secret = octets_of(welcome);
  made_.epoch_authenticator = octets_of(epoch.epoch_authenticator);
  made_.confirmation_tag = octets_of(tag);
  return made_.confirmation_tag;
}

void Making::send(const Octets& content) {
  Means means = means_of(by_);
  means.confirm = [this](Bytes input) { return confirm(input); };
  Framed framed = framed_by(by_, ContentType::commit, content);
  framed.authenticated_data = plan_.authenticated_data;
  Builder builder(by_.crypto, means);
  if (plan_.format == WireFormat::public_message) {
    made_.message = builder.public_message(framed, plan_.deviates);
    return;
  }
  made_.message = builder.private_message(framed, next_message_key(by_, RatchetType::handshake),
                                          plan_.padding, plan_.deviates);
}

// What a Welcome says beside the secrets.
void Making::describe() {
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

Octets welcome_of(Endpoint& by, const MadeCommit& commit, const Deviates& deviates) {
  const Octets extensions = encoded(ExtensionType::ratchet_tree) + vector_of(commit.ratchet_tree);
  GroupInfo info;
  must(decode(commit.group_context, info.group_context));
  must(Extensions::parse(extensions, info.extensions));
  info.confirmation_tag = commit.confirmation_tag;
  info.signer = by.epoch->member.own();
  return Builder(by.crypto, means_of(by))
      .welcome({info, commit.welcome_secret, commit.joiner_secret, commit.psks, commit.joiners}, deviates);
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
