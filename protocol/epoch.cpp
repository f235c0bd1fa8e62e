#include "epoch.h"

namespace tacet {

Error OwnedContext::set(Memory& memory, const GroupContext& fields) noexcept {
  Result<Buffer> encoded = encode(fields, memory);
  TRY(encoded.error());
  GroupContext decoded;
  TRY(decode(Bytes(encoded.value().bytes()), decoded));
  encoded_ = std::move(encoded.value());
  fields_ = decoded;
  return Error::none;
}

Error OwnedReInit::set(Memory& memory, const ReInit& fields) noexcept {
  Result<Buffer> encoded = encode(fields, memory);
  TRY(encoded.error());
  encoded_ = std::move(encoded.value());
  return decode(Bytes(encoded_.bytes()), fields_.emplace());
}

Error PublicState::start(const Client& client, const GroupContext& context, Bytes confirmation_tag) noexcept {
  TRY(tacet::interim_transcript_hash(client.crypto, context.confirmed_transcript_hash, confirmation_tag,
                                     interim_));  // [KEYSCHED-18, KEYSCHED-19]
  TRY(proposals_.start(client.crypto));
  TRY(context_.set(client.memory, context));
  confirmation_tag_.assign(confirmation_tag);
  return Error::none;
}

Error PublicState::keep(const Client& client, const AuthenticatedContent& proposal) noexcept {
  Digest reference;
  TRY(proposal_ref(client.crypto, proposal, reference));
  return proposals_.add(client.crypto, reference, proposal.content.sender, proposal.content.proposal.encoded,
                        client.limits);
}

// Each leaf's hash covers the one before it, so that nothing is gathered.
Error PublicState::membership_fingerprint(Crypto& crypto, Digest& out) const noexcept {
  using Entry = Gatherer<8, 32>;
  Entry begin;
  const Bytes label = bytes_of("Tacet 1.0 Membership");
  TRY(begin(label, context().group_id));
  Digest hash;
  TRY(crypto.hash(begin.pieces(), hash));
  const auto add = [&](LeafIndex index) noexcept -> Error {
    const LeafNode leaf = tree_.leaf(index);
    const Bytes before = hash;
    Entry entry;
    TRY(entry(before, index, leaf.credential, leaf.signature_key));
    Digest next;
    TRY(crypto.hash(entry.pieces(), next));
    hash = next;
    return Error::none;
  };
  TRY(tree_.for_each_leaf(add));
  out = hash;
  return Error::none;
}

// ---- the next epoch

Error NextPublicState::apply(const Client& client, const Commit& commit, const Sender& committer) noexcept {
  REFUSE_IF(state_.context().epoch == UINT64_MAX, Error::epoch_exhausted);
  REFUSE_IF(!client.policy.may_commit(committer), Error::committer_not_permitted);
  committer_ = committer;
  // What else was proposed need not be in it [COMMIT-04].
  TRY(list_.resolve(client.crypto, commit, committer, state_.proposals()));
  TRY(check_list(list_, committer, rules(client), client.crypto.hash_size(), client.memory));
  TRY(draft_.start());
  TRY(apply_list(client.crypto, list_, rules(client), draft_, extensions_, added_));
  if (committer.type == SenderType::member) {
    committer_leaf_ = committer.leaf_index;
    return Error::none;
  }
  const Result<LeafIndex> vacancy = draft_.make_vacancy();  // [EXTCOMMIT-16, EXTCOMMIT-20]
  TRY(vacancy.error());
  committer_leaf_ = vacancy.value();
  return Error::none;
}

// A member's new credential has to follow its old one, which may have expired [CRED-13]; so has that of
// somebody who joins by an external Commit, if it removes a former leaf of its own: a Remove of anybody else
// has no place there [EXTCOMMIT-14].
Error NextPublicState::check_path_credential(const Client& client, const LeafNode& leaf) const noexcept {
  REFUSE_IF(!client.policy.validates(leaf.credential, leaf.signature_key),
            Error::credential_refused);  // [CRED-10, EXTCOMMIT-24]
  const auto check_successor = [&](LeafIndex replaced) noexcept -> Error {
    const Credential before = state_.tree().leaf(replaced).credential;
    REFUSE_IF(!client.policy.may_succeed(before, leaf.credential), Error::successor_refused);  // [CRED-12]
    return Error::none;
  };
  if (committer_.type == SenderType::member) return check_successor(committer_leaf_);
  return list_.for_each(ProposalType::remove,
                        [&](const ProposalList::Item&, const Proposal& proposal) noexcept {
                          return check_successor(proposal.remove.removed);
                        });
}

// Of somebody who joins in the place of a former leaf of its own, as of a member's Update [EXTCOMMIT-15].
Error NextPublicState::check_key_is_new(const LeafNode& leaf) const noexcept {
  if (committer_.type == SenderType::member) return Error::none;
  return list_.for_each(
      ProposalType::remove, [&](const ProposalList::Item&, const Proposal& proposal) noexcept {
        REFUSE_IF(equal(state_.tree().encryption_key(proposal.remove.removed), leaf.encryption_key),
                  Error::encryption_key_unchanged);
        return Error::none;
      });
}

Error NextPublicState::merge(const Client& client, const Commit& commit) noexcept {
  TRY(check_path_present(list_, commit));
  if (commit.path.has_value()) {  // also where none is required [COMMIT-13]
    const UpdatePath& path = *commit.path;
    TRY(check_path_credential(client, path.leaf_node));
    TRY(check_key_is_new(path.leaf_node));
    TRY(check_update_path(client.crypto, path, committer_leaf_, state_.context().group_id, client.limits,
                          draft_));
    TRY(merge_update_path(client.crypto, path, committer_leaf_, draft_));
  } else {
    TRY(draft_.rehash());
  }
  return settle(client);
}

Error NextPublicState::settle(const Client& client) noexcept {
  TRY(check_result(list_, rules(client), draft_, extensions_));  // [COMMIT-31, EXTCOMMIT-17]
  return set_context(client, state_.context().confirmed_transcript_hash);
}

// Group and suite stay; so do the extensions, unless the list brings others [CRYPTO-01, KEYSCHED-12..14].
// [COMMIT-19, TREE-27]
Error NextPublicState::set_context(const Client& client, Bytes confirmed_transcript_hash) noexcept {
  GroupContext next = state_.context();
  next.epoch = state_.context().epoch + 1;
  next.tree_hash = draft_.tree_hash();
  next.confirmed_transcript_hash = confirmed_transcript_hash;
  next.extensions = extensions_;
  return context_.set(client.memory, next);
}

Error NextPublicState::enter_transcript(const Client& client, const AuthenticatedContent& commit) noexcept {
  Digest confirmed;
  TRY(tacet::confirmed_transcript_hash(client.crypto, state_.interim_transcript_hash(), commit, confirmed));
  return set_context(client, confirmed);
}

Error NextPublicState::keep_re_init(const Client& client) noexcept {
  return list_.for_each(ProposalType::reinit,
                        [&](const ProposalList::Item&, const Proposal& proposal) noexcept {
                          return re_init_.set(client.memory, proposal.re_init);
                        });
}

Error NextPublicState::confirm(const Client& client, Bytes confirmation_tag) noexcept {
  TRY(tacet::interim_transcript_hash(client.crypto, context().confirmed_transcript_hash, confirmation_tag,
                                     interim_));
  TRY(proposals_.start(client.crypto));
  TRY(keep_re_init(client));
  confirmation_tag_.assign(confirmation_tag);
  return draft_.reserve();
}

void NextPublicState::adopt(PublicState& state) noexcept {
  draft_.adopt(state.tree_);
  state.context_ = std::move(context_);
  state.interim_ = interim_;
  state.confirmation_tag_ = confirmation_tag_;  // [WELCOME-32]
  state.proposals_ = std::move(proposals_);     // [PROP-04, COMMIT-05]
  state.re_init_ = std::move(re_init_);
  state.begins_as_ = ResumptionPskUsage::application;
}

// ---- what only members have

Error EpochKeys::take(EpochSecrets& secrets) noexcept {
  TRY(slots_.reserve(count));
  Secret* const kept[count] = {&secrets.init_secret,      &secrets.sender_data_secret,
                               &secrets.exporter_secret,  &secrets.external_secret,
                               &secrets.confirmation_key, &secrets.membership_key,
                               &secrets.resumption_psk};
  for (std::size_t i = 0; i < count; ++i) slot_[i] = slots_.put(std::move(*kept[i]));
  return Error::none;
}

Error EpochKeys::save(SecretWriter& writer) const noexcept {
  for (const SecretSlots::Slot slot : slot_) TRY(writer.secret(slots_.copy(slot)));
  return Error::none;
}

Error EpochKeys::restore(SecretReader& reader) noexcept {
  TRY(slots_.reserve(count));
  for (SecretSlots::Slot& slot : slot_) {
    Secret secret;
    TRY(reader.secret(size_, secret));
    slot = slots_.put(std::move(secret));
  }
  return Error::none;
}

Error MemberState::save(SecretWriter& writer, const SecretTree::Reserved& reserved) const noexcept {
  const Bytes authenticator = epoch_authenticator_;
  TRY(writer(authenticator));
  TRY(keys_.save(writer));
  TRY(path_keys_.save(writer));
  return secret_tree_.save(writer, reserved);
}

Error MemberState::restore(Crypto& crypto, SecretReader& reader, TreeSize size) noexcept {
  Bytes authenticator;
  TRY(reader(authenticator));
  epoch_authenticator_.assign(authenticator);
  TRY(keys_.restore(reader));
  TRY(path_keys_.restore(reader));
  TRY(secret_tree_.restore(reader, size));
  return secret_tree_.pass_over_reserved(crypto, own());
}

Error MemberState::start(EpochSecrets&& secrets, TreeSize size) noexcept {
  TRY(secret_tree_.start(std::move(secrets.encryption_secret), size));
  epoch_authenticator_ = secrets.epoch_authenticator;
  return keys_.take(secrets);
}

// ---- what a member says

Result<Bytes> send_content(const Client& client, Epoch& epoch, const AuthenticatedContent& content,
                           const Padding& padding, MutableBytes room) noexcept {
  const EpochKeys& keys = epoch.member.keys();
  if (content.wire_format == WireFormat::public_message) {
    return protect(client.crypto, content, epoch.state.group_context(),
                   keys.copy(EpochKeys::Of::membership_key), room);
  }
  MessageKey key;
  const RatchetType ratchet = ratchet_of(content.content.content_type);
  const Error error = epoch.member.secret_tree().next(client.crypto, epoch.member.own(), ratchet, key);
  if (error != Error::none) return error;
  return seal(client.crypto, content, key, keys.copy(EpochKeys::Of::sender_data_secret), padding,
              client.limits, room);
}

Error make_update(const Client& client, Signer& signer, LeafNode fields, const LeafContext& context,
                  Buffer& room, Proposal& out, Secret& private_key) noexcept {
  std::array<std::uint8_t, Crypto::max_kem_public_key_size> key_room;
  const MutableBytes public_key = MutableBytes(key_room).first(client.crypto.suite().kem_public_key_size);
  TRY(client.crypto.generate_key_pair(private_key, public_key));
  fields.source = LeafNodeSource::update;
  fields.encryption_key = public_key;
  fields.signature = {};
  const Result<std::size_t> work_size = leaf_node_work_size(fields, context);
  TRY(work_size.error());
  const Result<std::size_t> leaf_size = encoded_size(fields);
  TRY(leaf_size.error());
  Result<Buffer> allocated =
      Buffer::allocate(client.memory, work_size.value() + leaf_size.value() + Crypto::max_signature_size);
  TRY(allocated.error());
  room = std::move(allocated.value());
  const Result<Bytes> signed_leaf =
      sign_leaf_node(signer, fields, context, room.bytes().first(work_size.value()),
                     room.bytes().subspan(work_size.value()));
  TRY(signed_leaf.error());
  out.type = ProposalType::update;
  return decode(signed_leaf.value(), out.update.leaf_node);
}

Error sign_proposal(const Client& client, Signer& signer, WireFormat format, FramedContent fields,
                    const Proposal& proposal, Bytes group_context, SignedProposal& out) noexcept {
  Proposal sent = proposal;
  Digest nonce;
  if (sent.type == ProposalType::psk) {
    TRY(client.crypto.random(nonce.resize(client.crypto.hash_size())));
    sent.pre_shared_key.psk.psk_nonce = nonce;  // [PROP-16, PSK-03]
  }
  Result<Buffer> encoded = encode(sent, client.memory);
  TRY(encoded.error());
  out.encoded = std::move(encoded.value());
  fields.content_type = ContentType::proposal;
  TRY(decode(Bytes(out.encoded.bytes()), fields.proposal));

  const Result<std::size_t> room_size = message_room(fields, group_context, client.policy.padding());
  TRY(room_size.error());
  Result<Buffer> room = Buffer::allocate(client.memory, room_size.value());
  TRY(room.error());
  out.room = std::move(room.value());
  return sign_content(signer, format, fields, group_context, client.limits, client.supported.proposals,
                      out.room.bytes(), out.content);
}

MessageEpoch message_epoch(const Client& client, const PublicState& state, SecretView membership_key,
                           SecretView sender_data_secret) noexcept {
  return {state.context(),    state.group_context(),      state.tree(), membership_key,
          sender_data_secret, client.supported.proposals, client.limits};
}

Error make_group_info(const Client& client, Signer& signer, const EpochDescription& epoch, std::size_t header,
                      Message& out) noexcept {
  Array<Extension> extensions(client.memory);
  TRY(extensions.reserve(epoch.extensions.size() + 2));
  extensions.append(epoch.extensions);
  std::array<std::uint8_t, 4 + Crypto::max_kem_public_key_size> external_pub;
  if (!epoch.external_pub.empty()) {
    const Result<Bytes> data = encode(ExternalPub{epoch.external_pub}, external_pub);
    TRY(data.error());
    extensions.push_back({ExtensionType::external_pub, data.value()});  // [EXTCOMMIT-01]
  }
  Buffer tree;
  if (epoch.tree_inline) {
    const Result<std::size_t> size = epoch.tree.export_size();
    TRY(size.error());
    Result<Buffer> allocated = Buffer::allocate(client.memory, size.value());
    TRY(allocated.error());
    tree = std::move(allocated.value());
    TRY(epoch.tree.export_to(tree.bytes()).error());
    extensions.push_back({ExtensionType::ratchet_tree, tree.bytes()});
  }
  const NewGroupInfo wanted = {
      epoch.context, {extensions.data(), extensions.size()}, epoch.confirmation_tag, epoch.signer};
  Result<Buffer> room = Buffer::allocate(client.memory, header + group_info_room(wanted));
  TRY(room.error());
  out.room = std::move(room.value());
  const Result<Bytes> made =
      create_group_info(client.crypto, signer, wanted, out.room.bytes().subspan(header));
  TRY(made.error());
  out.bytes = made.value();
  return Error::none;
}

}  // namespace tacet
