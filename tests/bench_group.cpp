#include "bench_group.h"

#include "secrets.h"

namespace tacet::bench {

using model::number, model::vector, model::operator+;

namespace {

struct Believing final : Policy {
  Bytes identity(const Credential& credential) const noexcept override { return credential.body; }
  bool validates(const Credential&, Bytes) const noexcept override { return true; }
  bool is_in_group(Bytes) const noexcept override { return false; }
};

const Believing policy{};

}  // namespace

Client client(Crypto& crypto, Memory& memory) { return {crypto, memory, memory, policy, supported, limits}; }

adversary::KnownPsks& no_psks() {
  static adversary::KnownPsks none;
  return none;
}

Secret fresh_key() {
  Secret key;
  std::uint8_t public_key[32];
  must(plain_crypto().generate_key_pair(key, public_key));
  return key;
}

// ---- KeyPackages

Published::Published(std::uint32_t number_of_owner) {
  must(plain_crypto().generate_key_pair(init_private_key, init_key));
  must(plain_crypto().generate_key_pair(encryption_private_key, encryption_key));
  leaf = make_leaf(owner, {number_of_owner}, LeafNodeSource::key_package, encryption_key, {}, group_id);
  const Octets to_be_signed = number(1, 2) + number(3, 2) + vector(init_key) + leaf + vector("");
  const Octets message = vector("MLS 1.0 KeyPackageTBS") + vector(to_be_signed);
  Octets signature(crypto_sign_BYTES);
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), owner.private_key.data());
  key_package = to_be_signed + vector(signature);
  Digest digest;
  must(key_package_ref(plain_crypto(), decoded<KeyPackage>(key_package), digest));
  reference = model::octets(digest);
}

bool Published::find(Bytes wanted, OwnKeyPackage& out) noexcept {
  if (!equal(wanted, reference)) return false;
  out.key_package = key_package;
  out.init_key = secret_of(octets(init_private_key));
  out.encryption_key = secret_of(octets(encryption_private_key));
  return true;
}

// ---- epochs

PathKeys path_keys(LeafIndex own, Secret leaf_key, Memory& memory) {
  PathKeys made(plain_crypto().suite(), memory, memory);
  must(made.start(own, std::move(leaf_key)));
  return made;
}

RatchetTree imported(Bytes encoding, Memory& memory) {
  RatchetTree tree(memory, policy);
  must(tree.import(plain_crypto(), decoded<Nodes>(encoding), limits));
  return tree;
}

std::unique_ptr<Epoch> epoch_of(Bytes tree, PathKeys&& keys, Memory& memory) {
  const Client ours = client(plain_crypto(), memory);
  auto made = std::make_unique<Epoch>(ours, imported(tree, memory));
  GroupContext context;
  context.cipher_suite = plain_crypto().suite().suite;
  context.group_id = group_id;
  context.epoch = 7;
  context.tree_hash = made->state.tree().tree_hash();
  const Octets of_hash_size(32, 1);  // the same at all of them
  context.confirmed_transcript_hash = of_hash_size;
  must(made->state.start(ours, context, of_hash_size));
  made->member.path_keys() = std::move(keys);
  EpochSecrets secrets;
  must(derive_epoch_secrets(plain_crypto(), view(of_hash_size), {}, made->state.group_context(), secrets));
  must(made->member.start(std::move(secrets), made->state.tree().size()));
  return made;
}

void create_commit(const Client& ours, const Signed& committer, Epoch& epoch, const NewCommit& wanted,
                   OwnCommit& out) {
  KeySigner signer(ours.crypto, signing_key(committer));
  must(tacet::create_commit(ours, no_psks(), signer, epoch, wanted, out));
}

void process_commit(const Client& ours, Epoch& receiver, const Octets& message, Octets& room,
                    NextEpoch& next) {
  const auto received = decoded<MlsMessage>(message);
  const Secret membership_key = receiver.member.keys().copy(EpochKeys::Of::membership_key);
  const Secret sender_data_secret = receiver.member.keys().copy(EpochKeys::Of::sender_data_secret);
  const MessageEpoch lent = {receiver.state.context(),
                             receiver.state.group_context(),
                             receiver.state.tree(),
                             membership_key,
                             sender_data_secret,
                             {},
                             limits};
  AuthenticatedContent content;
  PeekedKey key;
  if (received.wire_format == WireFormat::public_message) {
    room.resize(unprotect_room(received.public_message, lent));
    must(unprotect(ours.crypto, lent, received.public_message, room, content));
  } else {
    room.resize(open_room(received.private_message, lent));
    must(
        open(ours.crypto, lent, receiver.member.secret_tree(), received.private_message, room, key, content));
  }
  must(tacet::process_commit(ours, no_psks(), receiver, content, next));
  receiver.member.secret_tree().drop(key);
}

}  // namespace tacet::bench
