#include "endpoint.h"

#include "octets.h"

namespace tacet::adversary {

void Endpoint::create(const Octets& group_id, std::span<const Extension> extensions) {
  KeyPackage own;
  must(decode(publish(), own));
  must(create_group(client(), group_id, extensions, own.leaf_node.encoded, copy_of(keys.encryption_key),
                    epoch));
  remember_psk();
}

Error Endpoint::join(const Octets& welcome, const Octets& tree) {
  MlsMessage decoded;
  TRY(decode(welcome, decoded));
  TRY(join_by_welcome(client(), *this, psks, nullptr, decoded.welcome, tree, epoch));
  remember_psk();
  return Error::none;
}

void Endpoint::remember_psk() {
  const GroupContext& context = epoch->state.context();
  psks.known[KnownPsks::resumption(context.group_id, context.epoch)] =
      octets_of(epoch->member.keys().copy(EpochKeys::Of::resumption_psk));
}

Endpoint::Lent::Lent(Endpoint& of)
    : membership_key(of.epoch->member.keys().copy(EpochKeys::Of::membership_key)),
      sender_data_secret(of.epoch->member.keys().copy(EpochKeys::Of::sender_data_secret)),
      epoch(message_epoch(of.client(), of.epoch->state, membership_key, sender_data_secret)) {}

// As far as it authenticates.
Error Endpoint::authenticate(const Octets& message, AuthenticatedContent& out, PeekedKey& key) {
  message_ = message;
  MlsMessage decoded;
  TRY(decode(message_, decoded));
  const Lent lent(*this);
  if (decoded.wire_format == WireFormat::public_message) {
    room_.assign(unprotect_room(decoded.public_message, lent.epoch), 0);
    return unprotect(crypto, lent.epoch, decoded.public_message, room_, out);
  }
  room_.assign(open_room(decoded.private_message, lent.epoch), 0);
  return open(crypto, lent.epoch, epoch->member.secret_tree(), decoded.private_message, room_, key, out);
}

Error Endpoint::consider(const Octets& message) {
  AuthenticatedContent content;
  PeekedKey key;
  TRY(authenticate(message, content, key));
  const Client own = client();
  NextEpoch next(own, *epoch);
  const Error error = process_commit(own, psks, *epoch, content, next);
  epoch->member.secret_tree().drop(key);
  return error;
}

Error Endpoint::receive(const Octets& message) {
  AuthenticatedContent content;
  PeekedKey key;
  TRY(authenticate(message, content, key));
  if (content.content.content_type == ContentType::commit) {
    const Client own = client();
    NextEpoch next(own, *epoch);
    TRY(process_commit(own, psks, *epoch, content, next));
    if (next.removes_us()) {
      epoch.reset();
      return Error::none;
    }
    next.adopt(*epoch);
    remember_psk();
    return Error::none;
  }
  if (content.content.content_type == ContentType::proposal) TRY(epoch->state.keep(client(), content));
  epoch->member.secret_tree().adopt(key);
  return Error::none;
}

Endpoint::Proposed Endpoint::propose(const Octets& proposal, WireFormat format) {
  const PublicState& state = epoch->state;
  const Sender from = {SenderType::member, epoch->member.own(), 0};
  FramedContent fields;
  fields.group_id = state.context().group_id;
  fields.epoch = state.context().epoch;
  fields.sender = from;
  fields.content_type = ContentType::proposal;
  must(decode(proposal, fields.proposal));
  Octets room(message_room(fields, state.group_context(), {}).value());
  KeySigner by = signer();
  AuthenticatedContent content;
  must(sign_content(by, format, fields, state.group_context(), limits, supported.proposals, room, content));
  // As a receiver keeps it.
  const Octets encoded_content = octets_of(content.content.encoded);
  AuthenticatedContent kept = content;
  must(decode(encoded_content, kept.content));
  must(epoch->state.keep(client(), kept));
  Digest digest;
  must(proposal_ref(crypto, content, digest));
  const Lent lent(*this);
  Result<Bytes> sent = Error::none;
  if (format == WireFormat::public_message) {
    sent = protect(crypto, content, state.group_context(), lent.membership_key, room);
  } else {
    MessageKey key;
    must(epoch->member.secret_tree().next(crypto, from.leaf_index, RatchetType::handshake, key));
    sent = seal(crypto, content, key, lent.sender_data_secret, {}, limits, room);
  }
  must(sent.error());
  Octets entry = {2};
  const Octets header = vector_of(digest);
  entry.insert(entry.end(), header.begin(), header.end());
  return {octets_of(sent.value()), entry};
}

Error Endpoint::commit(const Octets& list, NewCommit wanted) {
  TRY(List<ProposalOrRef>::parse(list, wanted.proposals));
  const Client own = client();
  pending = std::make_unique<OwnCommit>(own, *epoch);
  KeySigner by = signer();
  const Error error = create_commit(own, psks, by, *epoch, wanted, *pending);
  if (error != Error::none) pending.reset();
  return error;
}

void Endpoint::adopt() {
  pending->next.adopt(*epoch);
  pending.reset();
  remember_psk();
}

Octets Endpoint::authenticator() const { return octets_of(epoch->member.epoch_authenticator()); }

}  // namespace tacet::adversary
