#include "saved_state.h"

namespace tacet {

namespace {

// What a record is sealed with: of each part its own key.
class RecordKeys {
 public:
  struct Part {
    Secret key, nonce;
  };

  Error derive(Crypto& crypto, SecretView key, const SavedHeader& header) noexcept {
    if (key.size() != crypto.hash_size()) return Error::secret_length;
    TRY(encode(header, header_).error());
    Secret prk;
    TRY(crypto.extract(Bytes(header.salt), {key}, prk));
    TRY(derive(crypto, prk, "public", public_part));
    return derive(crypto, prk, "secret", secret_part);
  }

  Bytes header() const noexcept { return header_; }

  Part public_part, secret_part;

 private:
  static Error derive(Crypto& crypto, const Secret& prk, std::string_view part, Part& out) noexcept {
    const SuiteParameters& suite = crypto.suite();
    TRY(crypto.expand(prk, {bytes_of("Tacet 1.0 saved key"), bytes_of(part)}, suite.key_size, out.key));
    return crypto.expand(prk, {bytes_of("Tacet 1.0 saved nonce"), bytes_of(part)}, suite.nonce_size,
                         out.nonce);
  }

  std::array<std::uint8_t, saved_header_size> header_;
};

// Without `secret` there is no such part. What write_public(room) lays out is sealed where it lies.
template <class WritePublic>
Error seal_record(const Client& client, SecretView key, const SavedHeader& header, std::size_t public_size,
                  WritePublic write_public, const SecretBuffer* secret, Buffer& out) noexcept {
  RecordKeys keys;
  TRY(keys.derive(client.crypto, key, header));
  const std::size_t tag_size = client.crypto.suite().tag_size;
  const std::size_t sealed_size = public_size + tag_size;
  const std::size_t secret_size = secret == nullptr ? 0 : secret->view().size() + tag_size;
  std::size_t size = saved_header_size;
  for (const std::size_t part : {sealed_size, secret_size}) {
    const Result<VectorHeader> before = vector_header(part);
    TRY(before.error());
    if (part != 0) size += before.value().size + part;
  }
  Result<Buffer> room = Buffer::allocate(client.memory, size);
  TRY(room.error());
  Writer writer(room.value().bytes());
  TRY(writer(header));
  MutableBytes part;
  TRY(writer.opaque_room(sealed_size, part));
  TRY(write_public(part.first(public_size)));
  TRY(client.crypto.seal(keys.public_part.key, keys.public_part.nonce, keys.header(), part.first(public_size),
                         part));
  if (secret != nullptr) {
    TRY(writer.opaque_room(secret_size, part));
    TRY(client.crypto.seal_pieces(keys.secret_part.key, keys.secret_part.nonce, keys.header(),
                                  {secret->view()}, client.secrets, part));
  }
  out = std::move(room.value());
  return Error::none;
}

// What has failed is the record, whatever it was sealed with.
Error of_record(Error error) noexcept {
  return error == Error::not_authentic ? Error::saved_state_not_authentic : error;
}

Error read_header(Reader& reader, SavedHeader& out) noexcept {
  TRY(reader(out));
  const SavedHeader known;
  REFUSE_IF(out.magic != known.magic || out.version != known.version, Error::saved_state_unknown);
  return Error::none;
}

// Who opens goes the other way.
Error open_record(const Client& client, SecretView key, SavedKind kind, Bytes record, SavedHeader& header,
                  Buffer& public_part, SecretBuffer* secret) noexcept {
  Reader reader(record);
  TRY(read_header(reader, header));
  REFUSE_IF(header.kind != kind || header.cipher_suite != client.crypto.suite().suite,
            Error::saved_state_mismatch);
  Bytes sealed, sealed_secret;
  TRY(reader(sealed));
  if (secret != nullptr) TRY(reader(sealed_secret));
  TRY(reader.finish());

  RecordKeys keys;
  TRY(keys.derive(client.crypto, key, header));
  const std::size_t tag_size = client.crypto.suite().tag_size;
  if (sealed.size() < tag_size) return Error::saved_state_not_authentic;
  Result<Buffer> room = Buffer::allocate(client.memory, sealed.size() - tag_size);
  TRY(room.error());
  TRY(of_record(client.crypto.open(keys.public_part.key, keys.public_part.nonce, keys.header(), sealed,
                                   room.value().bytes())));
  public_part = std::move(room.value());
  if (secret == nullptr) return Error::none;
  return of_record(client.crypto.open_pieces(keys.secret_part.key, keys.secret_part.nonce, keys.header(),
                                             sealed_secret, client.secrets, *secret));
}

Error new_header(Crypto& crypto, SavedKind kind, SavedHeader& out) noexcept {
  out.kind = kind;
  out.cipher_suite = crypto.suite().suite;
  return crypto.random(out.salt);
}

// What an epoch's record has before its past epochs and its tree.
struct EpochFields {
  Bytes group_context;
  Bytes confirmation_tag;
  ResumptionPskUsage begins_as = ResumptionPskUsage::application;
  std::optional<ReInit> re_init;
};

template <class Coder, Fields<EpochFields> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.group_context, e.confirmation_tag, e.begins_as, e.re_init);
}

// What ratchets have that is public: the proposals that wait, then the Commit.
template <class Encoder>
Error save_waiting(const Lasting& lasting, Encoder& encoder) noexcept {
  const ProposalCache& waiting = lasting.epoch.state.proposals();
  const auto saved = [&](const ProposalCache::Entry& entry) noexcept {
    return SavedProposal{entry.reference, entry.sender, waiting.proposal(entry)};
  };
  Sizer sizer;
  for (const ProposalCache::Entry& entry : waiting) {
    const SavedProposal proposal = saved(entry);
    TRY(sizer(proposal));
  }
  TRY(encoder.header(sizer.size()));
  for (const ProposalCache::Entry& entry : waiting) {
    const SavedProposal proposal = saved(entry);
    TRY(encoder(proposal));
  }
  std::optional<SavedCommit> pending;
  if (lasting.pending != nullptr) {
    pending = {lasting.pending->message, lasting.pending->welcome, lasting.pending->content.bytes()};
  }
  return encoder(pending);
}

// Nothing was sent yet in the epoch that a Commit begins, so nothing is reserved in it.
Error save_secrets(const Lasting& lasting, const SecretTree::Reserved& reserved,
                   SecretWriter& writer) noexcept {
  TRY(lasting.past.save_secrets(writer));
  TRY(lasting.resumption.save(writer));
  TRY(lasting.epoch.member.save(writer, reserved));
  return lasting.pending == nullptr ? Error::none : lasting.pending->next.member().save(writer, {});
}

}  // namespace

Error saved_epoch_of(Bytes record, SavedSalt& out) noexcept {
  Reader reader(record);
  SavedHeader header;
  TRY(read_header(reader, header));
  out = header.epoch;
  return Error::none;
}

// ---- saving

Error save_epoch(const Client& client, SecretView key, const Lasting& lasting, SavedSalt& salt,
                 Buffer& out) noexcept {
  const PublicState& state = lasting.epoch.state;
  EpochFields fields = {state.group_context(), state.confirmation_tag(), state.begins_as(), {}};
  if (state.re_init() != nullptr) fields.re_init = *state.re_init();
  Sizer sizer;
  TRY(sizer(fields));
  TRY(lasting.past.save(sizer));
  const Result<std::size_t> tree_size = state.tree().export_size();
  TRY(tree_size.error());
  const auto write = [&](MutableBytes room) noexcept -> Error {
    Writer writer(room);
    TRY(writer(fields));
    TRY(lasting.past.save(writer));
    return state.tree().export_to(room.subspan(sizer.size())).error();
  };
  SavedHeader header;
  TRY(new_header(client.crypto, SavedKind::epoch, header));
  header.epoch = header.salt;
  TRY(seal_record(client, key, header, sizer.size() + tree_size.value(), write, nullptr, out));
  salt = header.salt;
  return Error::none;
}

Error save_ratchets(const Client& client, SecretView key, const Lasting& lasting, const SavedSalt& epoch,
                    const SecretTree::Reserved& reserved, Buffer& out) noexcept {
  SecretWriter measure, writer;
  SecretBuffer secret;
  TRY(save_secrets(lasting, reserved, measure));
  TRY(writer.start(client.secrets, measure.size(), secret));
  TRY(save_secrets(lasting, reserved, writer));
  Sizer sizer;
  TRY(save_waiting(lasting, sizer));
  const auto write = [&](MutableBytes room) noexcept {
    Writer waiting(room);
    return save_waiting(lasting, waiting);
  };
  SavedHeader header;
  TRY(new_header(client.crypto, SavedKind::ratchets, header));
  header.epoch = epoch;
  return seal_record(client, key, header, sizer.size(), write, &secret, out);
}

// ---- restoring

Error SavedState::open(const Client& client, SecretView key, Bytes epoch, Bytes ratchets) noexcept {
  SavedHeader of_epoch, of_ratchets;
  TRY(open_record(client, key, SavedKind::epoch, epoch, of_epoch, epoch_, nullptr));
  TRY(open_record(client, key, SavedKind::ratchets, ratchets, of_ratchets, waiting_, &secret_));
  REFUSE_IF(of_ratchets.epoch != of_epoch.salt, Error::saved_state_mismatch);
  secrets_.emplace(secret_);
  return Error::none;
}

Error SavedState::restore(const Client& client, std::optional<Epoch>& epoch, ResumptionPsks& resumption,
                          PastEpochs& past) noexcept {
  Reader reader(epoch_.bytes());
  EpochFields fields;
  Nodes nodes;
  TRY(reader(fields));
  TRY(past.restore(client, reader, *secrets_));
  TRY(reader(nodes));
  TRY(reader.finish());
  GroupContext context;
  TRY(decode(fields.group_context, context));
  RatchetTree tree(client.memory, client.policy);
  TRY(tree.import(client.crypto, nodes, client.limits));
  REFUSE_IF(!equal(tree.tree_hash(), context.tree_hash), Error::saved_state_malformed);

  const TreeSize size = tree.size();
  PublicState& state = epoch.emplace(client, std::move(tree)).state;
  TRY(state.start(client, context, fields.confirmation_tag));
  state.begin_as(fields.begins_as);
  if (fields.re_init.has_value()) TRY(state.close(client, *fields.re_init));
  TRY(resumption.restore(*secrets_));
  TRY(epoch->member.restore(client.crypto, *secrets_, size));
  REFUSE_IF(state.tree().is_blank(epoch->member.own()), Error::saved_state_malformed);
  return restore_waiting(client, state);
}

Error SavedState::restore_waiting(const Client& client, PublicState& state) noexcept {
  Reader reader(waiting_.bytes());
  List<SavedProposal> proposals;
  TRY(reader(proposals, pending_));
  TRY(reader.finish());
  for (const SavedProposal& each : proposals) {
    TRY(state.proposals().add(client.crypto, each.reference, each.sender, each.proposal, client.limits));
  }
  return Error::none;
}

Error SavedState::restore_pending(const Client& client, OwnCommit& out) noexcept {
  const auto keep = [&](Bytes bytes, Buffer& kept) noexcept -> Error {
    Result<Buffer> room = Buffer::allocate(client.memory, bytes.size());
    TRY(room.error());
    if (!bytes.empty()) std::memcpy(room.value().bytes().data(), bytes.data(), bytes.size());
    kept = std::move(room.value());
    return Error::none;
  };
  TRY(keep(pending_->message, out.message_room));
  TRY(keep(pending_->welcome, out.welcome_room));
  TRY(keep(pending_->content, out.content));
  out.message = out.message_room.bytes();
  out.welcome = out.welcome_room.bytes();
  return restore_commit(client, *secrets_, out);
}

}  // namespace tacet
