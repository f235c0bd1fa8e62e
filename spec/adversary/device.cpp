#include "device.h"

#include "octets.h"

namespace tacet::adversary {

Secret copy_of(const Secret& secret) {
  Result<Secret> copy = Secret::copy_of(reveal(secret));
  must(copy.error());
  return std::move(copy.value());
}

Device::Device(std::string named, Random& random, Memory& memory, Memory& secret_memory)
    : own_crypto_(std::make_shared<std::optional<Sodium>>(std::in_place, random)),
      name(std::move(named)),
      crypto(**own_crypto_),
      memory_(memory),
      secret_memory_(secret_memory) {
  draw_signature_key();
}

Device::Device(std::string named, Crypto& from_outside, Memory& memory, Memory& secret_memory)
    : name(std::move(named)), crypto(from_outside), memory_(memory), secret_memory_(secret_memory) {
  draw_signature_key();
}

Device::Device(const Device& same)
    : own_crypto_(same.own_crypto_),
      crypto(same.crypto),
      memory_(same.memory_),
      secret_memory_(same.secret_memory_) {
  supported.extensions = same.supported.extensions;
  supported.proposals = same.supported.proposals;
  start_again_as(same);
}

void Device::draw_signature_key() {
  signature_key.resize(crypto.suite().signature_public_key_size);
  must(crypto.generate_signature_key_pair(signing_key, signature_key));
}

void Device::start_again_as(const Device& before) {
  name = before.name;
  policy = before.policy;
  psks = before.psks;
  limits = before.limits;
  signing_key = copy_of(before.signing_key);
  signature_key = before.signature_key;
  key_package = before.key_package;
  reference = before.reference;
  keys = {copy_of(before.keys.init_key), copy_of(before.keys.encryption_key)};
  lifetime = before.lifetime;
  last_resort = before.last_resort;
}

const Octets& Device::publish() {
  NewKeyPackage wanted;
  wanted.signature_key = signature_key;
  wanted.credential = {CredentialType::basic, bytes_of(name)};
  wanted.supported = supported;
  wanted.lifetime = lifetime;
  const KeyPackageRoom room = key_package_room(wanted);
  Octets work(room.work), out(room.out);
  KeySigner by = signer();
  const Result<Bytes> made = create_key_package(crypto, by, wanted, limits, work, out, keys);
  must(made.error());
  key_package = octets_of(made.value());
  KeyPackage decoded;
  Digest digest;
  must(decode(key_package, decoded));
  must(key_package_ref(crypto, decoded, digest));
  reference = octets_of(digest);
  return key_package;
}

bool Device::find(Bytes wanted, OwnKeyPackage& out) noexcept {
  if (!equal(wanted, reference)) return false;
  out.key_package = key_package;
  out.init_key = copy_of(keys.init_key);
  out.encryption_key = copy_of(keys.encryption_key);
  out.last_resort = last_resort;
  return true;
}

void Device::erase(Bytes used) noexcept {
  if (!equal(used, reference)) return;
  reference.clear();
  keys = {};
}

}  // namespace tacet::adversary
