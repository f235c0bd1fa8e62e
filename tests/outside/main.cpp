// Makes a KeyPackage, which a client publishes so that others can add it to their groups, and looks at it as
// one of them will. Keys stay inside a Secret, memory comes from where the program says, and every call
// returns an Error.

#include <cstdio>
#include <ctime>

#include <tacet/adapters/heap_memory.h>
#include <tacet/tacet.h>

namespace {

using namespace tacet;

std::uint64_t now() { return static_cast<std::uint64_t>(std::time(nullptr)); }

// Alice's KeyPackage for the cipher suite of `crypto`; `out` takes the encoding, `keys` what it is joined
// with.
Error make_key_package(Crypto& crypto, Memory& memory, Buffer& storage, Bytes& out, KeyPackageKeys& keys) {
  Secret signing_key;
  std::uint8_t signature_key[32];
  TRY(crypto.generate_signature_key_pair(signing_key, signature_key));
  KeySigner signer(crypto, signing_key);

  const CipherSuite suites[] = {crypto.suite().suite};
  const CredentialType credentials[] = {CredentialType::basic};
  NewKeyPackage wanted;
  wanted.signature_key = signature_key;
  wanted.credential = {CredentialType::basic, bytes_of("alice")};
  wanted.supported = {suites, {}, {}, credentials};
  wanted.lifetime = {now() - 3600, now() + 30 * 24 * 3600};

  const KeyPackageRoom room = key_package_room(wanted);
  Result<Buffer> work = Buffer::allocate(memory, room.work);
  TRY(work.error());
  Result<Buffer> place = Buffer::allocate(memory, room.out);
  TRY(place.error());
  storage = std::move(place.value());
  const Result<Bytes> made =
      create_key_package(crypto, signer, wanted, Limits(), work.value().bytes(), storage.bytes(), keys);
  TRY(made.error());
  out = made.value();
  return Error::none;
}

// What Bob asks of it before he adds Alice to a group without extensions. `out` views the encoding.
Error read_key_package(Crypto& crypto, Memory& memory, Bytes encoding, KeyPackage& out) {
  TRY(decode(encoding, out));
  const Result<std::size_t> size = key_package_work_size(out);
  TRY(size.error());
  Result<Buffer> work = Buffer::allocate(memory, size.value());
  TRY(work.error());
  return check_key_package_to_add(crypto, out, Extensions(), now(), Limits(), work.value().bytes());
}

Error run() {
  SodiumRandom random;
  Sodium crypto(random);
  HeapMemory memory;

  Buffer storage;
  Bytes encoding;
  KeyPackageKeys keys;
  TRY(make_key_package(crypto, memory, storage, encoding, keys));

  KeyPackage key_package;
  TRY(read_key_package(crypto, memory, encoding, key_package));
  const Bytes name = key_package.leaf_node.credential.body;
  std::printf("a KeyPackage of %.*s in %zu bytes, for %s\n", static_cast<int>(name.size()),
              reinterpret_cast<const char*>(name.data()), encoding.size(), crypto.suite().name);
  return Error::none;
}

}  // namespace

int main() {
  const Error error = run();
  if (error != Error::none) std::fprintf(stderr, "%s: %s\n", describe(error).name, describe(error).sentence);
  return error == Error::none ? 0 : 1;
}
