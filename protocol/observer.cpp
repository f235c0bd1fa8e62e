#include "observer.h"

namespace tacet {

Error Observer::start(Bytes group_info, Bytes ratchet_tree) noexcept {
  MlsMessage message;
  TRY(decode(group_info, message));
  REFUSE_IF(message.wire_format != WireFormat::group_info, Error::not_a_group_info);
  const GroupInfo& info = message.group_info;
  RatchetTree tree(client_.memory, client_.policy);
  TRY(take_group_info(client_, info, ratchet_tree, tree));
  PublicState begun(client_, std::move(tree));
  TRY(begun.start(client_, info.group_context, info.confirmation_tag));
  state_.emplace(std::move(begun));
  return Error::none;
}

Result<std::size_t> Observer::process_size(Bytes message) const noexcept {
  if (!has_begun()) return Error::group_inactive;
  MlsMessage decoded;
  TRY(decode(message, decoded));
  REFUSE_IF(decoded.wire_format != WireFormat::public_message, Error::not_a_public_message);
  return unprotect_room(decoded.public_message, message_epoch(client_, state()));
}

Error Observer::process(Bytes message, MutableBytes room, Received& out) noexcept {
  if (!has_begun()) return Error::group_inactive;
  REFUSE_IF(state().re_init() != nullptr, Error::group_closed);  // [REINIT-06]
  MlsMessage decoded;
  TRY(decode(message, decoded));
  REFUSE_IF(decoded.wire_format != WireFormat::public_message, Error::not_a_public_message);
  AuthenticatedContent content;
  TRY(verify_public_message(client_.crypto, message_epoch(client_, state()), decoded.public_message, room,
                            content));
  const bool is_proposal = content.content.content_type == ContentType::proposal;
  return is_proposal ? take_proposal(content, out) : take_commit(content, out);
}

Error Observer::take_proposal(const AuthenticatedContent& content, Received& out) noexcept {
  REFUSE_IF(!client_.policy.permits(content.content.sender, content.content.proposal),
            Error::proposal_not_permitted);
  Digest reference;
  TRY(proposal_ref(client_.crypto, content, reference));
  TRY(state_->keep(client_, content));
  out.take(Event::proposal, content.content, state_->tree());
  out.proposal_reference = reference;
  return Error::none;
}

Error Observer::take_commit(const AuthenticatedContent& content, Received& out) noexcept {
  NextPublicState next(client_, state());
  TRY(next.apply(client_, content.content.commit, content.content.sender));
  TRY(next.merge(client_, content.content.commit));
  TRY(next.enter_transcript(client_, content));
  TRY(next.confirm(client_, content.auth.confirmation_tag));
  Record record(client_.memory);
  TRY(record.take(next));
  next.adopt(*state_);
  out.take(Event::commit, content.content, state_->tree());
  out.record = std::move(record);
  return Error::none;
}

}  // namespace tacet
