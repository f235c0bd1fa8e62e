#include "group.h"

namespace tacet {

void Received::take(Event what, const FramedContent& content, const TreeView& tree) noexcept {
  event = what;
  sender = content.sender;
  epoch = content.epoch;
  authenticated_data = content.authenticated_data;
  application_data = content.application_data;
  proposal = content.proposal.encoded;
  const bool has_leaf = sender.type == SenderType::member && content.content_type != ContentType::commit;
  sender_leaf = has_leaf ? tree.leaf(sender.leaf_index) : LeafNode();
}

// ---- the beginning

Error Group::Past::start(const Client& client) noexcept {
  TRY(resumption.start());
  return epochs.start(client);
}

Error Group::create(Bytes group_id, std::span<const Extension> extensions, Bytes leaf,
                    Secret encryption_key) noexcept {
  REFUSE_IF(is_active(), Error::group_active);
  REFUSE_IF(has_pending(), Error::commit_pending);
  Digest drawn;
  if (group_id.empty()) {
    TRY(client_.crypto.random(drawn.resize(client_.crypto.hash_size())));
    group_id = drawn;
  }
  Past past(client_);
  TRY(past.start(client_));
  TRY(create_group(client_, group_id, extensions, leaf, std::move(encryption_key), epoch_));
  past_ = std::move(past);
  begin_epoch();
  // Before it is saved for the first time, no restore can repeat anything in it.
  epoch_->member.secret_tree().reserve({UINT32_MAX, UINT32_MAX});
  return Error::none;
}

Error Group::join(Bytes welcome, Bytes ratchet_tree, KeyPackages& key_packages,
                  FormerGroups* former_groups) noexcept {
  REFUSE_IF(is_active(), Error::group_active);
  REFUSE_IF(has_pending(), Error::commit_pending);
  MlsMessage decoded;
  TRY(decode(welcome, decoded));
  REFUSE_IF(decoded.wire_format != WireFormat::welcome, Error::not_a_welcome);
  Past past(client_);  // room first: once the KeyPackage is erased nothing may fail
  TRY(past.start(client_));
  TRY(join_by_welcome(client_, key_packages, psks_, former_groups, decoded.welcome, ratchet_tree, epoch_));
  past_ = std::move(past);
  begin_epoch();
  return Error::none;
}

Error Group::succeed(Signer& signer, const Group& former, Bytes leaf, Secret encryption_key,
                     const SuccessorOptions& wanted) noexcept {
  if (!former.is_active()) return Error::group_inactive;
  REFUSE_IF(wanted.usage == ResumptionPskUsage::application, Error::psk_usage_misplaced);
  TRY(create_successor(former, leaf, std::move(encryption_key), wanted));
  const Error error = commit_as_successor(signer, former, wanted);
  if (error != Error::none) leave();
  return error;
}

Error Group::create_successor(const Group& former, Bytes leaf, Secret encryption_key,
                              const SuccessorOptions& wanted) noexcept {
  if (wanted.usage == ResumptionPskUsage::branch) {
    return create(wanted.group_id, wanted.extensions, leaf, std::move(encryption_key));
  }
  const ReInit* const re_init = former.state().re_init();
  if (re_init == nullptr) return Error::reinit_absent;
  Array<Extension> extensions(client_.memory);
  TRY(extensions.reserve(re_init->extensions.count()));
  for (const Extension& extension : re_init->extensions) extensions.push_back(extension);
  return create(re_init->group_id, {extensions.data(), extensions.size()}, leaf, std::move(encryption_key));
}

// All members in one Commit, with the PSK of the former group [REINIT-10, REINIT-11, BRANCH-01, BRANCH-02].
Error Group::commit_as_successor(Signer& signer, const Group& former,
                                 const SuccessorOptions& wanted) noexcept {
  Proposal psk;
  psk.type = ProposalType::psk;
  PreSharedKeyId& id = psk.pre_shared_key.psk;
  id.type = PskType::resumption;
  id.usage = wanted.usage;
  id.psk_group_id = former.state().context().group_id;
  id.psk_epoch = former.state().context().epoch;
  Array<Proposal> proposals(client_.memory);
  TRY(proposals.reserve(wanted.proposals.size() + 1));
  proposals.append(wanted.proposals);
  proposals.push_back(psk);
  epoch_->state.begin_as(wanted.usage);
  CommitOptions first;
  first.proposals = {proposals.data(), proposals.size()};
  first.now = wanted.now;
  first.tree_inline = wanted.tree_inline;
  TRY(commit(signer, first));
  const NextPublicState& next = pending_->commit.next.state();
  TRY(check_successor(former.state(), id, next.context()));
  return check_successor_members(client_, former.state(), id, next.draft(), [&](Bytes identity) noexcept {
    return next.draft().other_with(NodeIndexMap::Of::client, identity, std::nullopt).has_value();
  });
}

Error Group::join_from_outside(Signer& signer, Bytes group_info, Bytes ratchet_tree,
                               const ExternalOptions& wanted) noexcept {
  REFUSE_IF(is_active(), Error::group_active);
  REFUSE_IF(has_pending(), Error::commit_pending);
  MlsMessage decoded;
  TRY(decode(group_info, decoded));
  REFUSE_IF(decoded.wire_format != WireFormat::group_info, Error::not_a_group_info);
  Past past(client_);
  TRY(past.start(client_));
  TRY(stand_outside(client_, decoded.group_info, ratchet_tree, wanted.replaces, epoch_));
  pending_.emplace(client_, *epoch_, true);
  const Error error = commit_from_outside(signer, decoded.group_info, wanted);
  lent_psk_.clear();
  past_ = std::move(past);
  if (error != Error::none) leave();
  return error;
}

// The list is an ExternalInit, the Remove of a former leaf, and PSKs [EXTCOMMIT-06, EXTCOMMIT-22].
Error Group::commit_from_outside(Signer& signer, const GroupInfo& group_info,
                                 const ExternalOptions& wanted) noexcept {
  LeafNode leaf;
  TRY(decode(wanted.leaf, leaf));
  Array<Proposal> proposals(client_.memory);
  TRY(proposals.reserve(2 + wanted.psks.size()));
  std::array<std::uint8_t, Crypto::max_kem_output_size> kem_output;
  Secret init_secret;
  Proposal init, remove;
  TRY(make_external_init(client_.crypto, group_info, kem_output, init, init_secret));
  proposals.push_back(init);
  if (wanted.replaces) {
    TRY(make_remove_of_former(client_, leaf.credential, state().tree(), remove));
    proposals.push_back(remove);
  }
  proposals.append(wanted.psks);
  Selection list(client_, *this, state(), LeafIndex{});
  TRY(list.start({proposals.data(), proposals.size()}, 0));
  NewCommit commit;
  TRY(list.list(pending_->list, commit.proposals));
  commit.leaf = &leaf;
  commit.authenticated_data = wanted.authenticated_data;
  TRY(create_external_commit(client_, *this, signer, *epoch_, commit, std::move(init_secret),
                             pending_->commit));
  return pending_->record.take(pending_->commit.next.state());
}

// What is kept beyond an epoch.
void Group::begin_epoch() noexcept {
  saved_epoch_.reset();
  saved_reservation_ = {};
  has_committed_ = false;
  past_.resumption.keep(state().context().epoch, epoch_->member.keys().copy(EpochKeys::Of::resumption_psk));
}

// The next epoch begins. Of this one it keeps what can come late.
void Group::advance(NextEpoch& next, ReplacedLeaves&& replaced) noexcept {
  if (!is_joining()) past_.epochs.keep(client_, *epoch_, std::move(replaced));
  next.adopt(*epoch_);
  begin_epoch();
}

// Of the group's own epochs it has them itself; all others are the application's, also those from which
// somebody comes back.
Error Group::find(const PreSharedKeyId& id, SecretView& psk) noexcept {
  const bool is_own =
      is_active() && id.type == PskType::resumption && equal(id.psk_group_id, state().context().group_id);
  return is_own ? resumption_psk(id.psk_epoch, psk) : psks_.find(id, psk);
}

Error Group::resumption_psk(std::uint64_t epoch, SecretView& psk) noexcept {
  std::optional<Secret> kept = past_.resumption.copy(epoch);
  if (!kept.has_value()) return Error::psk_unknown;
  lent_psk_ = std::move(*kept);
  psk = lent_psk_;
  return Error::none;
}

// ---- handshakes

// Fields of a message of this epoch.
FramedContent Group::content_of(ContentType type, Bytes authenticated_data) const noexcept {
  FramedContent content;
  content.group_id = state().context().group_id;
  content.epoch = state().context().epoch;
  content.sender = {SenderType::member, own_leaf(), 0};
  content.content_type = type;
  content.authenticated_data = authenticated_data;
  return content;
}

ListRules Group::rules() const noexcept {
  return {state().context(), client_.supported, client_.policy, client_.limits};
}

// Whether anything may still be said [REINIT-06].
Error Group::check_open() const noexcept {
  if (!is_active()) return Error::group_inactive;
  REFUSE_IF(is_closed(), Error::group_closed);
  return Error::none;
}

Error Group::propose(Signer& signer, const NewProposal& wanted, Message& out) noexcept {
  TRY(check_open());
  drop();
  TRY(check_own_proposal(client_.crypto, wanted.proposal, own_leaf(), rules(), state().tree(), wanted.now,
                         client_.memory));
  return send_proposal(signer, wanted.proposal, wanted.authenticated_data, out);
}

// Signed and sent; kept when nothing can fail any more.
Error Group::send_proposal(Signer& signer, const Proposal& proposal, Bytes authenticated_data,
                           Message& out) noexcept {
  const FramedContent fields = content_of(ContentType::proposal, authenticated_data);
  SignedProposal made;
  TRY(sign_proposal(client_, signer, client_.policy.handshake_format(), fields, proposal,
                    state().group_context(), made));
  Digest reference;
  TRY(proposal_ref(client_.crypto, made.content, reference));
  ProposalCache& waiting = epoch_->state.proposals();
  TRY(waiting.reserve(client_.crypto, reference, made.encoded.size(), client_.limits));
  const Result<Bytes> sent =
      send_content(client_, *epoch_, made.content, client_.policy.padding(), made.room.bytes());
  TRY(sent.error());
  waiting.put(client_.crypto, reference, fields.sender, made.encoded.bytes());  // [PROP-01]
  out.room = std::move(made.room);
  out.bytes = sent.value();
  return Error::none;
}

Error Group::propose_update(Signer& signer, const NewLeaf& leaf, Bytes authenticated_data,
                            Message& out) noexcept {
  TRY(check_open());
  drop();
  const LeafNode fields = leaf.fields != nullptr ? *leaf.fields : state().tree().leaf(own_leaf());
  Buffer room;
  Proposal proposal;
  Secret private_key;
  TRY(make_update(client_, leaf.signer != nullptr ? *leaf.signer : signer, fields,
                  {state().context().group_id, own_leaf()}, room, proposal, private_key));
  TRY(check_own_proposal(client_.crypto, proposal, own_leaf(), rules(), state().tree(), 0, client_.memory));
  TRY(epoch_->member.path_keys().add_update(client_.crypto, proposal.update.leaf_node.encryption_key,
                                            std::move(private_key)));
  const Error error = send_proposal(signer, proposal, authenticated_data, out);
  if (error != Error::none) epoch_->member.path_keys().drop_update();
  return error;
}

Error Group::commit(Signer& signer, const CommitOptions& wanted) noexcept {
  TRY(check_open());
  drop();
  REFUSE_IF(has_pending(), Error::commit_pending);
  Selection selection(client_, *this, state(), own_leaf());
  TRY(selection.start(wanted.proposals, wanted.now));
  if (wanted.with_waiting) TRY(selection.choose());
  const Error error = commit(signer, wanted, selection);
  const bool is_of_what_waits = error != Error::none && error != Error::out_of_memory;
  if (!is_of_what_waits || selection.size() == 0) return error;
  const Result<bool> is_narrower = selection.narrow();
  TRY(is_narrower.error());
  return is_narrower.value() ? commit(signer, wanted, selection) : error;
}

Error Group::commit(Signer& signer, const CommitOptions& wanted, const Selection& selection) noexcept {
  Pending& pending = pending_.emplace(client_, *epoch_, false);
  const Error error = [&]() noexcept -> Error {
    NewCommit commit;
    TRY(selection.list(pending.list, commit.proposals));
    commit.with_path = wanted.with_path || has_committed_;
    commit.leaf = wanted.leaf.fields;
    commit.leaf_signer = wanted.leaf.signer;
    commit.wire_format = client_.policy.handshake_format();
    commit.authenticated_data = wanted.authenticated_data;
    commit.padding = client_.policy.padding();
    commit.group_info_extensions = wanted.group_info_extensions;
    commit.tree_inline = wanted.tree_inline;
    TRY(create_commit(client_, *this, signer, *epoch_, commit, pending.commit));
    TRY(past_.epochs.prepare(pending.commit.next.state().draft(), pending.replaced));
    return pending.record.take(pending.commit.next.state());
  }();
  lent_psk_.clear();
  has_committed_ = has_committed_ || error == Error::none;
  if (error != Error::none) pending_.reset();
  return error;
}

void Group::adopt_pending() noexcept {
  drop();
  if (!has_pending()) return;
  advance(pending_->commit.next, std::move(pending_->replaced));
  pending_.reset();  // [PRIV-11]
}

void Group::drop_pending() noexcept {
  drop();
  if (is_joining()) return leave();
  pending_.reset();  // [PRIV-11]
}

// ---- receiving

Result<std::size_t> Group::process_size(Bytes message) const noexcept {
  if (!epoch_.has_value()) return Error::group_inactive;
  MlsMessage decoded;
  TRY(decode(message, decoded));
  MessageEpoch epoch = message_epoch(client_, state());
  if (decoded.wire_format == WireFormat::public_message) return unprotect_room(decoded.public_message, epoch);
  if (decoded.wire_format != WireFormat::private_message) return Error::not_a_group_message;
  const PastEpoch* const late = past_.epochs.find(decoded.private_message.epoch);
  if (late != nullptr) epoch.group_context = late->context.encoded();
  return open_room(decoded.private_message, epoch);
}

// Who sent it and what it says, if it authenticates.
Error Group::authenticate(const MlsMessage& message, MutableBytes room, AuthenticatedContent& out) noexcept {
  const Secret membership_key = epoch_->member.keys().copy(EpochKeys::Of::membership_key);
  const Secret sender_data_secret = epoch_->member.keys().copy(EpochKeys::Of::sender_data_secret);
  const MessageEpoch epoch = message_epoch(client_, state(), membership_key, sender_data_secret);
  if (message.wire_format == WireFormat::public_message) {
    return unprotect(client_.crypto, epoch, message.public_message, room, out);
  }
  staged_.secret_tree = &epoch_->member.secret_tree();
  return open(client_.crypto, epoch, *staged_.secret_tree, message.private_message, room, staged_.key, out);
}

// Application data of an epoch that is over, from a member as it was then [SECTREE-12, FRAME-56].
Error Group::read_late(PastEpoch& late, const PrivateMessage& message, MutableBytes room,
                       Received& out) noexcept {
  const PastLeaves leaves(past_.epochs, late, state().tree(), client_.memory);
  const Secret sender_data_secret = past_.epochs.sender_data_secret(late);
  const MessageEpoch epoch = {late.context.fields(), late.context.encoded(),      leaves,        {},
                              sender_data_secret,    client_.supported.proposals, client_.limits};
  AuthenticatedContent content;
  staged_.secret_tree = &late.secret_tree;
  TRY(open(client_.crypto, epoch, late.secret_tree, message, room, staged_.key, content));
  staged_.event = Event::application;
  staged_.is_there = true;
  out.take(staged_.event, content.content, leaves);
  return Error::none;
}

Error Group::stage(Bytes message, MutableBytes room, Received& out) noexcept {
  if (!epoch_.has_value()) return Error::group_inactive;
  drop();
  const Error error = judge(message, room, out);
  lent_psk_.clear();
  if (error != Error::none) drop();
  return error;
}

Error Group::judge(Bytes message, MutableBytes room, Received& out) noexcept {
  if (has_pending() && equal(message, pending_commit())) return stage_pending(out);  // [COMMIT-26]
  if (!is_active()) return Error::group_inactive;
  MlsMessage decoded;
  TRY(decode(message, decoded));
  const bool is_public = decoded.wire_format == WireFormat::public_message;
  REFUSE_IF(!is_public && decoded.wire_format != WireFormat::private_message, Error::not_a_group_message);
  const ContentType type =
      is_public ? decoded.public_message.content.content_type : decoded.private_message.content_type;
  if (type == ContentType::application && !is_public) {
    PastEpoch* const late = past_.epochs.find(decoded.private_message.epoch);
    if (late != nullptr) return read_late(*late, decoded.private_message, room, out);  // [APP-07]
  }
  TRY(check_open());
  // From outside nothing can come but PublicMessages.
  const bool has_choice = type != ContentType::application &&
                          (!is_public || decoded.public_message.content.sender.type == SenderType::member);
  REFUSE_IF(has_choice && !client_.policy.accepts(decoded.wire_format), Error::wire_format_not_accepted);
  AuthenticatedContent content;
  TRY(authenticate(decoded, room, content));
  staged_.event = Event::application;
  if (type == ContentType::proposal) TRY(stage_proposal(content, out));
  if (type == ContentType::commit) TRY(stage_commit(content, out));
  staged_.is_there = true;
  out.take(staged_.event, content.content, state().tree());
  return Error::none;
}

Error Group::stage_proposal(const AuthenticatedContent& content, Received& out) noexcept {
  const Proposal& proposal = content.content.proposal;
  REFUSE_IF(!client_.policy.permits(content.content.sender, proposal),
            Error::proposal_not_permitted);  // [EXTPROP-06, EXTPROP-11]
  TRY(proposal_ref(client_.crypto, content, staged_.reference));
  TRY(epoch_->state.proposals().reserve(client_.crypto, staged_.reference, proposal.encoded.size(),
                                        client_.limits));
  staged_.event = Event::proposal;
  staged_.sender = content.content.sender;
  staged_.proposal = proposal.encoded;
  out.proposal_reference = staged_.reference;
  return Error::none;
}

Error Group::stage_commit(const AuthenticatedContent& content, Received& out) noexcept {
  const Sender& sender = content.content.sender;
  const bool is_own = sender.type == SenderType::member && sender.leaf_index == own_leaf();
  REFUSE_IF(is_own, Error::own_commit_unknown);  // [COMMIT-26]
  NextEpoch& next = staged_.next.emplace(client_, *epoch_);
  TRY(process_commit(client_, *this, *epoch_, content, next));
  TRY(past_.epochs.prepare(next.state().draft(), staged_.replaced.emplace(client_.memory)));
  Record record(client_.memory);
  TRY(record.take(next.state()));
  staged_.event = next.removes_us() ? Event::removed : Event::commit;
  out.record = std::move(record);
  return Error::none;
}

Error Group::stage_pending(Received& out) noexcept {
  MlsMessage message;
  TRY(decode(pending_commit(), message));
  Record record(client_.memory);
  TRY(record.copy(pending_->record));  // the proposals that it was made of may have moved since
  staged_.event = Event::own_commit;
  staged_.is_there = true;
  out.event = Event::own_commit;
  out.sender = pending_->commit.next.state().sender();
  out.epoch = state().context().epoch;
  out.authenticated_data = message.wire_format == WireFormat::public_message
                               ? message.public_message.content.authenticated_data
                               : message.private_message.authenticated_data;
  out.application_data = out.proposal = {};
  out.sender_leaf = {};
  out.record = std::move(record);
  return Error::none;
}

void Group::adopt() noexcept {
  if (!staged_.is_there) return;
  if (staged_.secret_tree != nullptr) staged_.secret_tree->adopt(staged_.key);
  staged_.secret_tree = nullptr;
  switch (staged_.event) {
    case Event::application:
      break;
    case Event::proposal:
      epoch_->state.proposals().put(client_.crypto, staged_.reference, staged_.sender, staged_.proposal);
      break;
    case Event::commit:
      pending_.reset();  // [PRIV-11]
      advance(*staged_.next, std::move(*staged_.replaced));
      break;
    case Event::own_commit:
      adopt_pending();
      break;
    case Event::removed:
      leave();
      break;
  }
  drop();
}

void Group::drop() noexcept {
  staged_.is_there = false;
  staged_.next.reset();
  staged_.replaced.reset();
  lent_psk_.clear();
  if (staged_.secret_tree != nullptr) staged_.secret_tree->drop(staged_.key);
  staged_.secret_tree = nullptr;
}

// Nothing of the group stays [PRIV-10].
void Group::leave() noexcept {
  drop();
  pending_.reset();
  epoch_.reset();
  past_ = Past(client_);
}

Error Group::process(Bytes message, MutableBytes room, Received& out) noexcept {
  TRY(stage(message, room, out));
  adopt();
  return Error::none;
}

// ---- application data

Result<std::size_t> Group::seal_size(std::size_t data, Bytes authenticated_data) const noexcept {
  if (!is_active()) return Error::group_inactive;
  FramedContent content = content_of(ContentType::application, authenticated_data);
  content.application_data = {static_cast<const std::uint8_t*>(nullptr), data};  // only its size is asked for
  return message_room(content, state().group_context(), client_.policy.padding());
}

Result<Bytes> Group::seal(Signer& signer, Bytes application_data, Bytes authenticated_data,
                          MutableBytes room) noexcept {
  if (const Error error = check_open(); error != Error::none) return error;
  drop();
  REFUSE_IF(state().proposals().size() != 0 && !has_pending(), Error::proposals_wait);  // [COMMIT-02]
  FramedContent fields = content_of(ContentType::application, authenticated_data);
  fields.application_data = application_data;
  AuthenticatedContent content;
  TRY(sign_content(signer, WireFormat::private_message, fields, state().group_context(), client_.limits,
                   client_.supported.proposals, room, content));
  return send_content(client_, *epoch_, content, client_.policy.padding(), room);  // [SECTREE-13, APP-01]
}

// ---- what a group tells

Error Group::group_info(Signer& signer, const GroupInfoOptions& wanted, Message& out) noexcept {
  if (!is_active()) return Error::group_inactive;
  EpochDescription epoch = {state().context(), state().tree(),    state().confirmation_tag(),
                            own_leaf(),        wanted.extensions, wanted.tree_inline};
  std::array<std::uint8_t, Crypto::max_kem_public_key_size> room_for_key;
  if (wanted.external_pub) {
    const MutableBytes key = MutableBytes(room_for_key).first(client_.crypto.suite().kem_public_key_size);
    Secret private_key;
    TRY(derive_external_key_pair(client_.crypto, epoch_->member.keys().copy(EpochKeys::Of::external_secret),
                                 private_key, key));
    epoch.external_pub = key;
  }
  Message made;
  TRY(make_group_info(client_, signer, epoch, message_header_size, made));
  const auto header = message_header(WireFormat::group_info);
  const MutableBytes room = made.room.bytes();
  const std::size_t begin = static_cast<std::size_t>(made.bytes.data() - room.data()) - header.size();
  std::memcpy(room.data() + begin, header.data(), header.size());
  made.bytes = room.subspan(begin, header.size() + made.bytes.size());
  out = std::move(made);
  return Error::none;
}

Error Group::export_secret(std::string_view label, Bytes context, MutableBytes out) const noexcept {
  if (!is_active()) return Error::group_inactive;
  return tacet::export_secret(client_.crypto, epoch_->member.keys().copy(EpochKeys::Of::exporter_secret),
                              label, context, out);
}

Bytes Group::epoch_authenticator() const noexcept {
  return is_active() ? epoch_->member.epoch_authenticator() : Bytes();
}

Error Group::membership_fingerprint(Digest& out) const noexcept {
  if (!is_active()) return Error::group_inactive;
  return state().membership_fingerprint(client_.crypto, out);
}

// ---- what lasts

Lasting Group::lasting() const noexcept {
  return {*epoch_, past_.resumption, past_.epochs, has_pending() ? &pending_->commit : nullptr};
}

Error Group::save_epoch(SecretView key, Buffer& out) noexcept {
  if (!is_active()) return Error::group_inactive;
  REFUSE_IF(client_.limits.reserved_generations == 0, Error::saving_is_off);
  SavedSalt salt;
  TRY(tacet::save_epoch(client_, key, lasting(), salt, out));
  saved_epoch_ = salt;
  return Error::none;
}

Error Group::save_ratchets(SecretView key, Buffer& out) noexcept {
  if (!is_active()) return Error::group_inactive;
  if (!epoch_is_saved()) return Error::epoch_not_saved;
  SecretTree& tree = epoch_->member.secret_tree();
  const SecretTree::Reserved reserved = tree.reservation();
  TRY(tacet::save_ratchets(client_, key, lasting(), *saved_epoch_, reserved, out));
  tree.reserve_at_most(reserved);
  saved_reservation_ = reserved;
  return Error::none;
}

void Group::saved() noexcept {
  if (is_active() && epoch_is_saved()) epoch_->member.secret_tree().reserve(saved_reservation_);
}

Error Group::restore(SecretView key, Bytes epoch, Bytes ratchets) noexcept {
  REFUSE_IF(is_active(), Error::group_active);
  REFUSE_IF(has_pending(), Error::commit_pending);
  REFUSE_IF(client_.limits.reserved_generations == 0, Error::saving_is_off);
  SavedState saved;
  TRY(saved.open(client_, key, epoch, ratchets));
  const Error error = restore(saved);
  if (error != Error::none) leave();
  return error;
}

Error Group::restore(SavedState& saved) noexcept {
  past_ = Past(client_);
  TRY(past_.start(client_));
  TRY(saved.restore(client_, epoch_, past_.resumption, past_.epochs));
  if (saved.has_pending()) {
    Pending& pending = pending_.emplace(client_, *epoch_, false);
    TRY(saved.restore_pending(client_, pending.commit));
    TRY(past_.epochs.prepare(pending.commit.next.state().draft(), pending.replaced));
    TRY(pending.record.take(pending.commit.next.state()));
  }
  TRY(saved.finish());
  saved_epoch_.reset();  // under other limits it would not be the same
  saved_reservation_ = {};
  has_committed_ = true;  // or may have
  return Error::none;
}

}  // namespace tacet
