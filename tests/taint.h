#pragma once

// Secrets that memcheck holds to be undefined: a Crypto below which whatever is fresh and secret is marked
// so, and what is derived from it is too, since memcheck follows each bit through the library and through
// libsodium. What the boundary gives out as public (the closed list in protocol/crypto.h) is marked as
// defined when it comes out, and nothing else: no hash is. So memcheck reports each branch, each index and
// each output that depends on a secret in any other way.

#include <unordered_map>

#include "protocol/sodium.h"
#include "spec/adversary/builder.h"

namespace tacet {

// All secrets that endpoints have had, so that they are known again in a plaintext, which as a whole is
// public.
class KnownSecrets {
 public:
  // Unless it was derived from public values alone.
  void add(Bytes secret);

  // What was opened becomes defined, but for the secrets in it.
  void mark_in(Bytes plaintext) const;

  // Before it is sealed: memcheck reports what is secret in it and would not be known when it is opened.
  void must_be_known_in(Bytes plaintext) const;

 private:
  std::unordered_multimap<std::uint64_t, adversary::Octets> known_;  // by how they begin
};

// One for all endpoints of a group: a secret of one is a secret in what another opens.
class Tainting final : public Sodium {
 public:
  // Draws from `random`, which must outlive it.
  explicit Tainting(Random& random) noexcept : Sodium(random) {}

  // A secret that comes from outside, such as a PSK or a storage key: undefined from now on.
  void taint(MutableBytes secret);

 private:
  Error do_mac(SecretView key, Pieces input, MutableBytes out) noexcept override;
  Error do_mac_to_compare(SecretView key, Pieces input, MutableBytes out) noexcept override;
  bool do_differ(Bytes right, Bytes received) noexcept override;
  Error do_extract(SecretView salt, SecretPieces ikm, MutableBytes out) noexcept override;
  Error do_expand(SecretView prk, Pieces info, MutableBytes out) noexcept override;
  Error do_seal(SecretView key, SecretView nonce, Bytes aad, SecretView plaintext,
                MutableBytes out) noexcept override;
  Error do_open(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext,
                MutableBytes out) noexcept override;
  Error do_random(MutableBytes out, bool is_secret) noexcept override;
  Error do_derive_key_pair(SecretView ikm, MutableBytes private_key,
                           MutableBytes public_key) noexcept override;
  Error do_kem_public_key(SecretView private_key, MutableBytes public_key) noexcept override;
  Error do_encap(Bytes public_key, MutableBytes kem_output, MutableBytes shared_secret) noexcept override;
  Error do_decap(Bytes kem_output, SecretView private_key, Bytes public_key,
                 MutableBytes shared_secret) noexcept override;
  Error do_import_signature_key(SecretView encoded, MutableBytes private_key,
                                MutableBytes public_key) noexcept override;
  Result<Bytes> do_sign(SecretView private_key, Bytes message, MutableBytes signature) noexcept override;
  Error do_x25519(SecretView scalar, Bytes point, MutableBytes out) noexcept override;

  Error derived(Error error, Bytes secret);

  KnownSecrets known_;
};

namespace taint {

// What leaves an endpoint: memcheck reports it unless every bit is defined.
void must_be_public(Bytes bytes);
inline void must_be_public(Error error) {
  must_be_public(Bytes(reinterpret_cast<const std::uint8_t*>(&error), sizeof error));
}

// What belongs to the application, which may do with it what it likes.
adversary::Octets released(adversary::Octets bytes);

// Reports of memcheck so far, those that taint.supp names left out.
unsigned long reports();
bool is_under_memcheck();

}  // namespace taint
}  // namespace tacet
