#include "member.h"

#include "octets.h"

namespace tacet::adversary {

void* Member::operator new(std::size_t size) {
  void* const block = ::operator new(size);
  wipe(block, size);
  return block;
}

void Member::operator delete(void* block) { ::operator delete(block); }

void Member::create(const Octets& group_id, std::span<const Extension> extensions) {
  KeyPackage own;
  must(decode(publish(), own));
  must(group.create(group_id, extensions, own.leaf_node.encoded, copy_of(keys.encryption_key)));
  erase(Octets(reference));
}

Octets Member::taken(Error made, const Message& message) {
  error = made;
  return made == Error::none ? octets_of(message.bytes) : Octets();
}

Octets Member::propose(const Proposal& proposal) {
  KeySigner by = signer();
  Message message;
  const Error made = group.propose(by, {proposal, while_leaves_are_current, {}}, message);
  return taken(made, message);
}

Octets Member::propose_update(const NewLeaf& leaf) {
  KeySigner by = signer();
  Message message;
  const Error made = group.propose_update(by, leaf, {}, message);
  return taken(made, message);
}

Octets Member::commit(CommitOptions wanted) {
  if (wanted.now == 0) wanted.now = while_leaves_are_current;
  KeySigner by = signer();
  error = group.commit(by, wanted);
  return octets_of(group.pending_commit());
}

Octets Member::say(std::string_view text, std::string_view authenticated_data) {
  KeySigner by = signer();
  const Result<std::size_t> size = group.seal_size(text.size(), bytes_of(authenticated_data));
  error = size.error();
  if (error != Error::none) return {};
  Octets room(size.value());
  const Result<Bytes> sealed = group.seal(by, bytes_of(text), bytes_of(authenticated_data), room);
  error = sealed.error();
  return error == Error::none ? octets_of(sealed.value()) : Octets();
}

Octets Member::group_info(const GroupInfoOptions& wanted) {
  KeySigner by = signer();
  Message message;
  const Error made = group.group_info(by, wanted, message);
  return taken(made, message);
}

Octets Member::join_from_outside(const Octets& group_info, ExternalOptions wanted, const Octets& tree) {
  KeyPackage own;
  if (wanted.leaf.empty()) {
    must(decode(publish(), own));
    wanted.leaf = own.leaf_node.encoded;
  }
  KeySigner by = signer();
  error = group.join_from_outside(by, group_info, tree, wanted);
  return octets_of(group.pending_commit());
}

Error Member::succeed(Group& successor, const Group& former, SuccessorOptions wanted) {
  wanted.now = while_leaves_are_current;
  KeyPackage own;
  must(decode(Bytes(key_package), own));
  KeySigner by = signer();
  return successor.succeed(by, former, own.leaf_node.encoded, copy_of(keys.encryption_key), wanted);
}

Error Member::lend_psk(std::uint64_t epoch, KnownPsks& to) {
  SecretView psk;
  TRY(group.resumption_psk(epoch, psk));
  to.known[KnownPsks::resumption(group.state().context().group_id, epoch)] = octets_of(reveal(psk));
  return Error::none;
}

Error Member::save(Save& save) {
  const SecretView key(storage_key.data(), storage_key.size());
  Buffer epoch, ratchets;
  if (!group.epoch_is_saved()) {
    TRY(group.save_epoch(key, epoch));
    save.epoch = octets_of(epoch.bytes());
  }
  TRY(group.save_ratchets(key, ratchets));
  save.ratchets = octets_of(ratchets.bytes());
  group.saved();
  return Error::none;
}

Error Member::restore(const Save& save) {
  return group.restore({storage_key.data(), storage_key.size()}, save.epoch, save.ratchets);
}

Octets Member::tree() const {
  const RatchetTree& tree = group.state().tree();
  const Result<std::size_t> size = tree.export_size();
  must(size.error());
  Octets out(size.value());
  must(tree.export_to(out).error());
  return out;
}

Error Member::take(const Octets& message, bool adopts) {
  message_ = message;
  const Result<std::size_t> size = group.process_size(message_);
  if (size.error() != Error::none) return size.error();
  room_.assign(size.value(), 0);
  return adopts ? group.process(message_, room_, heard) : group.stage(message_, room_, heard);
}

Error Member::receive(const Octets& message) { return take(message, true); }
Error Member::stage(const Octets& message) { return take(message, false); }

std::string Member::text() const { return {heard.application_data.begin(), heard.application_data.end()}; }
Octets Member::welcome() const { return octets_of(group.pending_welcome()); }
Octets Member::authenticator() const { return octets_of(group.epoch_authenticator()); }

Proposal add_of(const Octets& key_package) {
  Proposal proposal;
  proposal.type = ProposalType::add;
  must(decode(Bytes(key_package), proposal.add.key_package));
  return proposal;
}

Proposal remove_of(LeafIndex leaf) {
  Proposal proposal;
  proposal.type = ProposalType::remove;
  proposal.remove.removed = leaf;
  return proposal;
}

Proposal external_psk_of(std::string_view psk_id) {
  Proposal proposal;
  proposal.type = ProposalType::psk;
  proposal.pre_shared_key.psk.psk_id = bytes_of(psk_id);
  return proposal;
}

Proposal resumption_psk_of(Bytes group_id, std::uint64_t epoch) {
  Proposal proposal;
  proposal.type = ProposalType::psk;
  PreSharedKeyId& id = proposal.pre_shared_key.psk;
  id.type = PskType::resumption;
  id.psk_group_id = group_id;
  id.psk_epoch = epoch;
  return proposal;
}

Proposal reinit_of(Bytes group_id) {
  Proposal proposal;
  proposal.type = ProposalType::reinit;
  proposal.re_init.group_id = group_id;
  proposal.re_init.cipher_suite = CipherSuite::x25519_chacha20poly1305_sha256_ed25519;
  return proposal;
}

Proposal extensions_of(const Extensions& extensions) {
  Proposal proposal;
  proposal.type = ProposalType::group_context_extensions;
  proposal.group_context_extensions.extensions = extensions;
  return proposal;
}

Proposal custom_of(ProposalType type, Bytes body) {
  Proposal proposal;
  proposal.type = type;
  proposal.custom = body;
  return proposal;
}

}  // namespace tacet::adversary
