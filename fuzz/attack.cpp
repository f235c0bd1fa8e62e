#include "fuzz/attack.h"

#include "spec/adversary/reveal.h"

namespace tacet {

namespace {

using adversary::Builder, adversary::CommitPlan, adversary::encoded, adversary::OpenPath, adversary::Step;

Octets leaf_of(const LeafNode& fields, const Device& owner, const LeafContext& context) {
  KeySigner signer(owner.crypto, owner.signing_key);
  Octets work(leaf_node_work_size(fields, context).value());
  Octets room(encoded_size(fields).value() + Crypto::max_signature_size);
  const Result<Bytes> made = sign_leaf_node(signer, fields, context, work, room);
  must(made.error());
  return model::octets(made.value());
}

Octets key_package_of(KeyPackage fields, const Octets& leaf, const Device& owner) {
  must(decode(leaf, fields.leaf_node));
  KeySigner signer(owner.crypto, owner.signing_key);
  Octets work(key_package_work_size(fields).value() + leaf.size());
  Octets room(encoded_size(fields).value() + Crypto::max_signature_size);
  const Result<Bytes> made = sign_key_package(signer, fields, work, room);
  must(made.error());
  return model::octets(made.value());
}

// The one that is meant, of those that there are.
template <class T>
T* chosen(std::vector<T>& from, std::size_t index) {
  return from.empty() ? nullptr : &from[index % from.size()];
}

void change_nodes(OpenPath& path, const Patch& patch) {
  adversary::OpenPathNode* const node = chosen(path.nodes, patch.index);
  if (node == nullptr) return;
  if (patch.place == Place::node_key) node->encryption_key = patch(node->encryption_key);
  if (patch.place == Place::node_secret) node->path_secret = patch(node->path_secret);
  if (patch.place == Place::node_left_out) path.nodes.erase(path.nodes.begin() + (node - path.nodes.data()));
}

void change_envelopes(OpenPath& path, const Patch& patch) {
  std::vector<adversary::Envelope*> all;
  for (adversary::OpenPathNode& node : path.nodes) {
    for (adversary::Envelope& each : node.envelopes) all.push_back(&each);
  }
  adversary::Envelope** const found = chosen(all, patch.index);
  if (found == nullptr) return;
  adversary::Envelope& envelope = **found;
  if (patch.place == Place::envelope_key) envelope.public_key = patch(envelope.public_key);
  if (patch.place == Place::envelope_secret) envelope.path_secret = patch(envelope.path_secret);
  if (patch.place == Place::kem_output) envelope.kem_output = patch(envelope.kem_output);
  if (patch.place == Place::ciphertext) envelope.ciphertext = patch(envelope.ciphertext);
}

void change_secrets(adversary::OpenSecrets& secrets, const Patch& patch) {
  if (patch.place == Place::init_secret) secrets.init_secret = patch(secrets.init_secret);
  if (patch.place == Place::commit_secret) secrets.commit_secret = patch(secrets.commit_secret);
  if (patch.place == Place::psk_secret) secrets.psk_secret = patch(secrets.psk_secret);
}

// If what is changed can still be read.
template <class T>
void change_fields(T& fields, const Patch& patch, Octets& room) {
  room = patch(encoded(fields));
  T changed;
  if (decode(room, changed) == Error::none) fields = changed;
}

// While this lives, the insider is where it was; what it does there stays done.
class Earlier {
 public:
  Earlier(Insider& insider, Insider::Kept& then) : insider_(insider), then_(then), now_(insider.keep()) {
    insider_.go_back(then_);
  }
  ~Earlier() {
    then_ = insider_.keep();
    insider_.go_back(now_);
  }
  Earlier(const Earlier&) = delete;
  Earlier& operator=(const Earlier&) = delete;

 private:
  Insider& insider_;
  Insider::Kept& then_;
  Insider::Kept now_;
};

// A plan with all its patches, which it lives no longer than.
class Planned {
 public:
  Planned(LiveGroup& group, const std::vector<Patch>& patches) : group_(group), patches_(patches) {
    plan.keys = [this](OpenPath& path) { each(change_nodes, path); };
    plan.unsealed = [this](OpenPath& path) { each_at(Place::envelope_key, Place::envelope_secret, path); };
    plan.sealed = [this](OpenPath& path) { each_at(Place::kem_output, Place::ciphertext, path); };
    plan.secrets = [this](adversary::OpenSecrets& secrets) { each(change_secrets, secrets); };
    plan.leaf = [this](adversary::OpenLeaf& leaf) { change_leaf(leaf); };
    plan.signed_leaf = [this](Octets leaf) { return each_octets(Place::signed_leaf, std::move(leaf)); };
    plan.context = [this](GroupContext& context) {
      for (const Patch& patch : patches_) {
        if (patch.place == Place::group_context) change_fields(context, patch, rooms_.emplace_back());
      }
    };
    plan.external_pub = [this](Octets key) { return each_octets(Place::external_pub, std::move(key)); };
    plan.external_init = [this](Octets entry) { return each_octets(Place::external_init, std::move(entry)); };
    for (const Patch& patch : patches_) {
      if (patch.place != Place::step) continue;
      const auto last = static_cast<unsigned>(Step::message);
      plan.deviates = {static_cast<Step>(patch.index % (last + 1)), patch};
    }
  }
  Planned(const Planned&) = delete;
  Planned& operator=(const Planned&) = delete;

  CommitPlan plan;

 private:
  template <class Changes, class Subject>
  void each(Changes change, Subject& subject) {
    for (const Patch& patch : patches_) change(subject, patch);
  }
  Octets each_octets(Place place, Octets octets) {
    for (const Patch& patch : patches_) octets = patch.place == place ? patch(octets) : octets;
    return octets;
  }
  void each_at(Place first, Place last, OpenPath& path) {
    for (const Patch& patch : patches_) {
      if (patch.place >= first && patch.place <= last) change_envelopes(path, patch);
    }
  }
  void change_leaf(adversary::OpenLeaf& leaf) {
    for (const Patch& patch : patches_) {
      if (patch.place == Place::leaf) change_fields(leaf.fields, patch, rooms_.emplace_back());
      if (patch.place == Place::leaf_context) leaf.group_id = patch(leaf.group_id);
      if (patch.place == Place::leaf_context) leaf.index.value ^= patch.index;
      if (patch.place != Place::leaf_signing_key) continue;
      leaf.signing_key = model::octets(reveal(group_.at(patch.index).signing_key));
      leaf.fields.signature_key = group_.at(patch.index).signature_key;
    }
  }

  LiveGroup& group_;
  const std::vector<Patch>& patches_;
  std::deque<Octets> rooms_;  // which changed fields view
};

}  // namespace

// ---- what is inside is signed anew, by the owner of its key

Octets Attack::signed_inside(const Proposal& proposal, const Sender& sender) const {
  if (proposal.type == ProposalType::add) {
    const KeyPackage& fields = proposal.add.key_package;
    const Device& owner = group_.owner_of(fields.leaf_node.signature_key);
    return encoded(proposal.type) + key_package_of(fields, leaf_of(fields.leaf_node, owner, {}), owner);
  }
  if (proposal.type == ProposalType::update) {
    const LeafNode& fields = proposal.update.leaf_node;
    const Bytes group_id = group_.insider.epoch->state.context().group_id;
    return encoded(proposal.type) +
           leaf_of(fields, group_.owner_of(fields.signature_key), {group_id, sender.leaf_index});
  }
  return model::octets(proposal.encoded);
}

Octets Attack::content_of(const Post& post) const {
  if (!post.signs_inside()) return post.payload;
  if (post.content_type() == ContentType::application) return vector(post.payload);
  Proposal proposal;
  if (post.content_type() != ContentType::proposal) return post.payload;
  return decode(post.payload, proposal) == Error::none ? signed_inside(proposal, post.sender())
                                                       : post.payload;
}

Octets Attack::signed_list(Bytes list) const {
  List<ProposalOrRef> entries;
  if (List<ProposalOrRef>::parse(list, entries) != Error::none) return model::octets(list);
  const Sender sender = {SenderType::member, group_.insider.epoch->member.own(), 0};
  Octets out;
  for (const ProposalOrRef& each : entries) {
    const bool is_reference = each.type == ProposalOrRefType::reference;
    out = out + encoded(each.type) +
          (is_reference ? adversary::vector_of(each.reference) : signed_inside(each.proposal, sender));
  }
  return out;
}

// References to all that the insider has heard.
Octets Attack::waiting() const {
  Octets out;
  for (const ProposalCache::Entry& entry : group_.insider.epoch->state.proposals()) {
    out = out + encoded(ProposalOrRefType::reference) + adversary::vector_of(entry.reference);
  }
  return out;
}

// ---- messages

// By what the insider has of the epoch.
adversary::OpenMessageKey Attack::key(LeafIndex leaf, ContentType type, std::uint32_t generation) {
  SecretTree& tree = group_.insider.epoch->member.secret_tree();
  PeekedKey peeked;
  must(tree.peek(group_.crypto, leaf, ratchet_of(type), generation, peeked));
  const MessageKey& found = peeked.message_key();
  const adversary::OpenMessageKey key = {model::octets(reveal(found.key)), model::octets(reveal(found.nonce)),
                                         generation};
  tree.drop(peeked);
  return key;
}

Octets Attack::frame(const Post& post) {
  const Sender sender = post.sender();
  adversary::Means means = means_of(group_.insider);
  const Device* by = &group_.newcomer;
  if (sender.type == SenderType::member) by = &group_.member_at(sender.leaf_index);
  if (sender.type == SenderType::external) by = &group_.outsiders[sender.sender_index % 2];
  means.signing_key = model::octets(reveal(by->signing_key));
  means.confirm = [this](Bytes) { return model::zeros(group_.crypto.hash_size()); };  // nobody knows it
  adversary::Framed framed = framed_by(group_.insider, post.content_type(), content_of(post));
  framed.sender = sender;
  framed.authenticated_data = model::octets("in the open");
  Builder builder(group_.crypto, means);
  if (post.format() == WireFormat::public_message) return builder.public_message(framed);
  is_said_ = post.content_type() == ContentType::application && post.signs_inside() &&
             sender.type == SenderType::member &&
             equal(group_.signature_key_at(sender.leaf_index), by->signature_key);
  return builder.private_message(framed, key(sender.leaf_index, post.content_type(), post.which),
                                 post.padding());
}

Octets Attack::frame_late(const Post& post) {
  const Earlier earlier(group_.insider, past_.at(post.epochs_back() - 1));
  epochs_back_ = post.epochs_back();
  return frame(post);
}

Octets Attack::commit(const Post& post) {
  const Committed said = read_committed(post.payload);
  Planned planned(group_, said.patches);
  planned.plan.proposals = post.signs_inside() ? signed_list(said.list) : said.list;
  if (post.covers_waiting()) planned.plan.proposals = waiting() + planned.plan.proposals;
  planned.plan.with_path = post.has_path();
  planned.plan.format = post.format();
  planned.plan.padding = post.padding();
  made_ = commit_of(group_.insider, planned.plan);
  is_own_ = true;
  return made_.message;
}

// Nothing if it has no leaf.
Octets Attack::removal_of(const Device& who) const {
  Octets out;
  const RatchetTree& tree = group_.insider.epoch->state.tree();
  must(tree.for_each_leaf([&](LeafIndex index) noexcept {
    const bool is_its = equal(tree.leaf(index).signature_key, who.signature_key);
    if (is_its) out = encoded(ProposalOrRefType::proposal, ProposalType::remove, index);
    return Error::none;
  }));
  return out;
}

// The insider knows the group, and so who joins does.
Octets Attack::join(const Post& post) {
  const Committed said = read_committed(post.payload);
  Planned planned(group_, said.patches);
  Device& joiner = group_.joiner(post.which);
  if (post.replaces_former()) planned.plan.proposals = removal_of(joiner);
  if (post.covers_waiting()) planned.plan.proposals = planned.plan.proposals + waiting();
  planned.plan.proposals = planned.plan.proposals + said.list;
  planned.plan.with_path = post.has_path();
  made_ =
      external_commit_of(joiner, group_.insider.epoch->state, external_pub_of(group_.insider), planned.plan);
  is_own_ = &joiner == &group_.insider;
  return made_.message;
}

void Attack::is_taken(const Octets& message) {
  Insider& insider = group_.insider;
  if (epochs_back_ > 0) {
    const Earlier earlier(insider, past_[epochs_back_ - 1]);
    static_cast<void>(insider.receive(message));
    return;
  }
  if (!insider.epoch) return;
  const Octets before = insider.authenticator();
  Insider::Kept kept = insider.keep();
  advance(message);
  if (!insider.epoch || insider.authenticator() != before) past_.push_front(std::move(kept));
}

void Attack::advance(const Octets& message) {
  Insider& insider = group_.insider;
  if (!is_own_) {
    static_cast<void>(insider.receive(message));
    return;
  }
  try {
    follow(insider, made_);
  } catch (const std::logic_error&) {
    insider.epoch.reset();  // it cannot be where others can
  }
}

std::optional<Octets> Attack::message(const Post& post) {
  made_ = {};
  is_own_ = false;
  is_said_ = false;
  epochs_back_ = 0;
  if (post.kind == Kind::whole) return post.payload;
  if (post.kind == Kind::genuine) return group_.genuine[post.which % group_.genuine.size()];
  try {
    if (post.epochs_back() > 0) return frame_late(post);
    if (!group_.insider.epoch || post.kind == Kind::founded) return std::nullopt;
    if (post.kind == Kind::framed) return frame(post);
    return post.kind == Kind::committed ? commit(post) : join(post);
  } catch (const std::logic_error&) {
    return std::nullopt;  // no key, no epoch that is over, or a change that changes nothing
  }
}

}  // namespace tacet
