#include "commit.h"

namespace tacet {

// Until here nothing of the epoch has changed [COMMIT-33, COMMIT-36].
void NextEpoch::adopt(Epoch& epoch) noexcept {
  state_.adopt(epoch.state);
  const MemberState before(std::move(epoch.member));  // goes at once, however long this object stays
  epoch.member = std::move(member_);
}

namespace {

// psk_secret of the PSKs of a list, in its order (RFC 9420, 8.4).
Error combine_psks(Crypto& crypto, Psks& psks, const ProposalList& list, Secret& psk_secret) noexcept {
  PskSecret combined;
  TRY(PskSecret::start(crypto, list.count(ProposalType::psk), combined));
  const auto add = [&](const ProposalList::Item&, const Proposal& proposal) noexcept -> Error {
    SecretView psk;
    TRY(psks.find(proposal.pre_shared_key.psk, psk));  // [PSK-09, PSK-12]
    return combined.add(crypto, proposal.pre_shared_key.psk, psk);
  };
  TRY(list.for_each(ProposalType::psk, add));
  return combined.finish(psk_secret);
}

// The init secret that the next epoch starts from: this epoch's, or what an external Commit brings.
Error init_secret_of(Crypto& crypto, const Epoch& epoch, const ProposalList& list, Secret& out) noexcept {
  if (list.count(ProposalType::external_init) == 0) {
    out = epoch.member.keys().copy(EpochKeys::Of::init_secret);
    return Error::none;
  }
  std::array<std::uint8_t, Crypto::max_kem_public_key_size> public_room;
  const MutableBytes external_pub = MutableBytes(public_room).first(crypto.suite().kem_public_key_size);
  Secret external_priv;
  TRY(derive_external_key_pair(crypto, epoch.member.keys().copy(EpochKeys::Of::external_secret),
                               external_priv, external_pub));
  return list.for_each(ProposalType::external_init,
                       [&](const ProposalList::Item&, const Proposal& proposal) noexcept {
                         return process_external_init(crypto, {external_priv, external_pub},
                                                      proposal.external_init.kem_output, out);
                       });
}

// Everything from the commit secret to the epoch's secrets; what is not among these goes with it [PRIV-04].
struct KeyScheduleStep {
  Secret psk_secret, joiner_secret;
  EpochSecrets secrets;

  Error run(const Client& client, Psks& psks, const NextPublicState& next, const Secret& init_secret,
            const Secret& commit_secret) noexcept {
    TRY(combine_psks(client.crypto, psks, next.list(), psk_secret));
    TRY(derive_joiner_secret(client.crypto, init_secret, commit_secret, next.group_context(), joiner_secret));
    return derive_epoch_secrets(client.crypto, joiner_secret, psk_secret, next.group_context(), secrets);
  }
};

}  // namespace

// ---- processing

class CommitProcess {
 public:
  CommitProcess(const Client& client, Psks& psks, const Epoch& epoch, NextEpoch& next) noexcept
      : client_(client), psks_(psks), epoch_(epoch), next_(next) {}

  Error run(const AuthenticatedContent& commit) noexcept {
    NextPublicState& state = next_.state_;
    TRY(state.apply(client_, commit.content.commit, commit.content.sender));
    TRY(state.merge(client_, commit.content.commit));
    if (is_removed()) {  // nothing more can be known [COMMIT-34]
      next_.removes_us_ = true;
      return Error::none;
    }
    TRY(take_path(commit.content.commit));
    TRY(state.enter_transcript(client_, commit));
    Secret init_secret;
    TRY(init_secret_of(client_.crypto, epoch_, state.list(), init_secret));
    KeyScheduleStep step;
    TRY(step.run(client_, psks_, state, init_secret, commit_secret_));
    TRY(check_confirmation_tag(client_.crypto, step.secrets.confirmation_key,
                               state.confirmed_transcript_hash(),
                               commit.auth.confirmation_tag));  // [FRAME-25, EXTCOMMIT-25]
    TRY(state.confirm(client_, commit.auth.confirmation_tag));
    return next_.member_.start(std::move(step.secrets), state.draft().size());
  }

 private:
  bool is_removed() const noexcept {
    const LeafIndex own = epoch_.member.own();
    bool removed = false;
    for (const ProposalList::Item& item : next_.state_.list()) {
      removed |= item.type == ProposalType::remove && item.proposal().remove.removed == own;
    }
    return removed;
  }

  // The keys that the endpoint has in the new tree, and the commit secret.
  Error take_path(const Commit& commit) noexcept {
    const NextPublicState& state = next_.state_;
    PathKeys& keys = next_.member_.path_keys();
    TRY(keys.carry_over(client_.crypto, epoch_.member.path_keys(), state.draft()));
    if (!commit.path.has_value()) return Error::none;
    NodeIndex node;
    Secret path_secret;
    TRY(decrypt_path_secret(client_.crypto, *commit.path, state.committer(), state.draft(), keys,
                            state.group_context(), node, path_secret));
    return derive_path_keys(client_.crypto, state.draft(), node, std::move(path_secret), keys,
                            commit_secret_);
  }

  const Client& client_;
  Psks& psks_;
  const Epoch& epoch_;
  NextEpoch& next_;
  Secret commit_secret_;  // empty: no path
};

Error process_commit(const Client& client, Psks& psks, const Epoch& epoch, const AuthenticatedContent& commit,
                     NextEpoch& next) noexcept {
  return CommitProcess(client, psks, epoch, next).run(commit);
}

// ---- creating

// Of a member, from the init secret of its epoch; or of a client that joins, which brings an init secret.
class CommitCreation {
 public:
  CommitCreation(const Client& client, Psks& psks, Signer& signer, Epoch& epoch, const NewCommit& wanted,
                 OwnCommit& out) noexcept
      : client_(client), psks_(psks), signer_(signer), epoch_(epoch), wanted_(wanted), out_(out) {}

  Error run_as_member() noexcept {
    sender_ = {SenderType::member, epoch_.member.own(), 0};
    return run(epoch_.member.keys().copy(EpochKeys::Of::init_secret));
  }
  Error run_as_joiner(Secret init_secret) noexcept {
    sender_.type = SenderType::new_member_commit;
    return run(std::move(init_secret));
  }

 private:
  Error run(Secret init_secret) noexcept {
    commit_.proposals = wanted_.proposals;
    TRY(state().apply(client_, commit_, sender_));
    TRY(make_path());
    TRY(sign());
    TRY(state().enter_transcript(client_, content_));
    TRY(step_.run(client_, psks_, state(), init_secret, path_secrets_.commit_secret));
    TRY(confirmation_tag(client_.crypto, step_.secrets.confirmation_key, state().confirmed_transcript_hash(),
                         confirmation_tag_));
    TRY(state().confirm(client_, confirmation_tag_));
    TRY(send());
    TRY(make_welcome());
    return out_.next.member_.start(std::move(step_.secrets), state().draft().size());
  }

  NextPublicState& state() noexcept { return out_.next.state_; }
  bool joins() const noexcept { return sender_.type == SenderType::new_member_commit; }
  LeafIndex own() const noexcept { return out_.next.state_.committer(); }
  // Of what belongs to the next epoch.
  Signer& next_signer() const noexcept {
    return has_path_ && wanted_.leaf_signer != nullptr ? *wanted_.leaf_signer : signer_;
  }

  // New keys for the committer's leaf and filtered direct path, encrypted in the provisional GroupContext.
  Error make_path() noexcept {
    PathKeys& keys = out_.next.member_.path_keys();
    TreeDraft& draft = state().draft();
    if (joins()) {
      keys.start(own());
    } else {
      TRY(keys.carry_over(client_.crypto, epoch_.member.path_keys(), draft));
    }
    if (!wanted_.with_path && check_path_present(state().list(), commit_) == Error::none) {
      TRY(draft.rehash());
      return state().settle(client_);
    }
    has_path_ = true;
    const LeafNode fields = wanted_.leaf != nullptr ? *wanted_.leaf : draft.leaf(own());
    TRY(state().check_path_credential(client_, fields));
    TRY(create_update_path(client_.crypto, next_signer(), fields, own(), epoch_.state.context().group_id,
                           client_.limits, draft, keys, path_secrets_));
    TRY(state().settle(client_));
    const Result<std::size_t> size = update_path_size(client_.crypto, draft, own());
    TRY(size.error());
    Result<Buffer> room = Buffer::allocate(client_.memory, size.value());
    TRY(room.error());
    path_room_ = std::move(room.value());
    const Result<Bytes> encoded =
        encrypt_update_path(client_.crypto, draft, own(), path_secrets_, state().group_context(),
                            client_.secrets, path_room_.bytes());
    TRY(encoded.error());
    return decode(encoded.value(), commit_.path.emplace());
  }

  // Under the GroupContext and the leaf of this epoch [COMMIT-18].
  Error sign() noexcept {
    FramedContent fields;
    fields.group_id = epoch_.state.context().group_id;
    fields.epoch = epoch_.state.context().epoch;
    fields.sender = sender_;
    fields.authenticated_data = wanted_.authenticated_data;
    fields.content_type = ContentType::commit;
    fields.commit = commit_;
    const Result<std::size_t> size = message_room(fields, epoch_.state.group_context(), wanted_.padding);
    TRY(size.error());
    Result<Buffer> room = Buffer::allocate(client_.memory, size.value());
    TRY(room.error());
    out_.message_room = std::move(room.value());
    const WireFormat format = joins() ? WireFormat::public_message : wanted_.wire_format;
    return sign_content(signer_, format, fields, epoch_.state.group_context(), client_.limits,
                        client_.supported.proposals, out_.message_room.bytes(), content_);
  }

  // With the keys of this epoch [COMMIT-20]; a generation is spent, whatever becomes of the Commit
  // [COMMIT-37].
  Error send() noexcept {
    content_.auth.confirmation_tag = confirmation_tag_;
    TRY(keep_content());
    const MutableBytes room = out_.message_room.bytes();
    const Result<Bytes> message =
        joins() ? protect(client_.crypto, content_, epoch_.state.group_context(), {}, room)
                : send_content(client_, epoch_, content_, wanted_.padding, room);
    TRY(message.error());
    out_.message = message.value();
    return Error::none;
  }

  Error keep_content() noexcept {
    if (client_.limits.reserved_generations == 0) return Error::none;
    Result<Buffer> encoded = encode(content_, client_.memory);
    TRY(encoded.error());
    out_.content = std::move(encoded.value());
    return Error::none;
  }

  Error make_welcome() noexcept;

  const Client& client_;
  Psks& psks_;
  Signer& signer_;
  Epoch& epoch_;
  const NewCommit& wanted_;
  OwnCommit& out_;
  Sender sender_;
  Commit commit_;
  bool has_path_ = false;
  Buffer path_room_;
  PathSecrets path_secrets_;
  AuthenticatedContent content_;
  KeyScheduleStep step_;
  Digest confirmation_tag_;
};

namespace {

// Of a new member, the path secret of its lowest common ancestor with the committer, if there is a path
// [COMMIT-22, COMMIT-23].
SecretView path_secret_for(LeafIndex joiner, const FilteredPath& path, const PathSecrets& secrets) noexcept {
  if (secrets.commit_secret.empty()) return {};
  for (std::size_t i = 0; i < path.size; ++i) {
    if (in_subtree(joiner, path.steps[i].node)) return secrets.path_secrets[i];
  }
  return {};
}

// The PreSharedKeyIDs of a list, in its order [PSK-01].
Error psk_ids_of(const ProposalList& list, Memory& memory, Buffer& room, List<PreSharedKeyId>& out) noexcept {
  Sizer sizer;
  const auto measure = [&](const ProposalList::Item&, const Proposal& proposal) noexcept {
    return sizer(proposal.pre_shared_key.psk);
  };
  TRY(list.for_each(ProposalType::psk, measure));
  Result<Buffer> allocated = Buffer::allocate(memory, sizer.size());
  TRY(allocated.error());
  room = std::move(allocated.value());
  Writer writer(room.bytes());
  const auto write = [&](const ProposalList::Item&, const Proposal& proposal) noexcept {
    return writer(proposal.pre_shared_key.psk);
  };
  TRY(list.for_each(ProposalType::psk, write));
  return List<PreSharedKeyId>::parse(writer.written(), out);
}

// For the members that the Commit adds [COMMIT-24, COMMIT-25].
class Invitations {
 public:
  explicit Invitations(Memory& memory) noexcept : references_(memory), joiners_(memory) {}

  Error make(Crypto& crypto, const NextPublicState& state, const PathSecrets& secrets) noexcept {
    const std::size_t count = state.added().size();
    TRY(references_.reserve(count));
    TRY(joiners_.reserve(count));
    const FilteredPath path = state.draft().filtered_path(state.committer());
    const LeafIndex* leaf = state.added().data();
    const auto invite = [&](const ProposalList::Item&, const Proposal& proposal) noexcept -> Error {
      const KeyPackage& key_package = proposal.add.key_package;
      Digest reference;
      TRY(key_package_ref(crypto, key_package, reference));
      references_.push_back(reference);
      const Bytes kept = references_[references_.size() - 1];
      joiners_.push_back({kept, key_package.init_key, path_secret_for(*leaf++, path, secrets)});
      return Error::none;
    };
    return state.list().for_each(ProposalType::add, invite);
  }

  std::span<const Joiner> joiners() const noexcept { return {joiners_.data(), joiners_.size()}; }

 private:
  Array<Digest> references_;
  Array<Joiner> joiners_;
};

}  // namespace

Error CommitCreation::make_welcome() noexcept {
  if (state().added().empty()) return Error::none;
  Message group_info;  // signed by the committer's new leaf [COMMIT-21]
  const EpochDescription next = {
      state().context(),  state().draft(), confirmation_tag_, own(), wanted_.group_info_extensions,
      wanted_.tree_inline};
  TRY(make_group_info(client_, next_signer(), next, 0, group_info));
  Buffer psk_room;
  List<PreSharedKeyId> psks;
  TRY(psk_ids_of(state().list(), client_.memory, psk_room, psks));
  Invitations invitations(client_.memory);
  TRY(invitations.make(client_.crypto, state(), path_secrets_));
  const Result<std::size_t> size =
      welcome_size(client_.crypto, invitations.joiners(), psks, group_info.bytes.size());
  TRY(size.error());
  Result<Buffer> room = Buffer::allocate(client_.memory, message_header_size + size.value());
  TRY(room.error());
  out_.welcome_room = std::move(room.value());
  const auto header = message_header(WireFormat::welcome);
  std::memcpy(out_.welcome_room.bytes().data(), header.data(), header.size());
  Secret welcome_secret;
  TRY(derive_welcome_secret(client_.crypto, step_.joiner_secret, step_.psk_secret, welcome_secret));
  const Result<Bytes> sealed =
      seal_welcome(client_.crypto, step_.joiner_secret, welcome_secret, psks, invitations.joiners(),
                   group_info.bytes, client_.secrets, out_.welcome_room.bytes().subspan(message_header_size));
  TRY(sealed.error());
  out_.welcome = out_.welcome_room.bytes();
  return Error::none;
}

Error create_commit(const Client& client, Psks& psks, Signer& signer, Epoch& epoch, const NewCommit& wanted,
                    OwnCommit& out) noexcept {
  return CommitCreation(client, psks, signer, epoch, wanted, out).run_as_member();
}

Error create_external_commit(const Client& client, Psks& psks, Signer& signer, Epoch& epoch,
                             const NewCommit& wanted, Secret init_secret, OwnCommit& out) noexcept {
  return CommitCreation(client, psks, signer, epoch, wanted, out).run_as_joiner(std::move(init_secret));
}

// As who processes it goes through it, but that nothing has to be derived.
Error restore_commit(const Client& client, SecretReader& member, OwnCommit& out) noexcept {
  AuthenticatedContent commit;
  TRY(decode(Bytes(out.content.bytes()), commit));
  NextPublicState& state = out.next.state_;
  TRY(state.apply(client, commit.content.commit, commit.content.sender));
  TRY(state.merge(client, commit.content.commit));
  TRY(state.enter_transcript(client, commit));
  TRY(state.confirm(client, commit.auth.confirmation_tag));
  return out.next.member_.restore(client.crypto, member, state.draft().size());
}

}  // namespace tacet
