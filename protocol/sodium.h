#pragma once

// Crypto by libsodium: cipher suite 0x0003, DHKEM(X25519, HKDF-SHA256), ChaCha20-Poly1305, SHA-256, Ed25519.
//
// X25519 keys that give the all-zero secret are refused; so are Ed25519 signatures whose S is not reduced or
// whose points are of small order or not canonical.

#include "crypto.h"

namespace tacet {

// The operating system's randomness, through libsodium.
class SodiumRandom final : public Random {
 public:
  SodiumRandom() noexcept;
  Error fill(MutableBytes out) noexcept override;

 private:
  bool ready_;
};

// A class derived from it is compiled with -fno-rtti, as this one is.
class Sodium : public Crypto {
 public:
  // Draws from `random`, which must outlive it. No state: one object serves any number of threads if `random`
  // does.
  explicit Sodium(Random& random) noexcept;

 protected:
  // For a suite that shares primitives with this one; what it does not share must be overridden.
  Sodium(Random& random, const SuiteParameters& parameters) noexcept;

  Error do_hash(Pieces input, MutableBytes out) noexcept override;
  std::uint32_t do_short_hash(const ShortHashKey& key, Bytes input) noexcept override;
  Error do_mac(SecretView key, Pieces input, MutableBytes out) noexcept override;
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
  std::size_t signing_key_size() const noexcept override;
  std::size_t encoded_signing_key_size() const noexcept override;
  Error do_import_signature_key(SecretView encoded, MutableBytes private_key,
                                MutableBytes public_key) noexcept override;
  Result<Bytes> do_sign(SecretView private_key, Bytes message, MutableBytes signature) noexcept override;
  Error do_verify(Bytes public_key, Bytes message, Bytes signature) noexcept override;

  // The multiplications inside the KEM. Error::kem_low_order from the first.
  virtual Error do_x25519(SecretView scalar, Bytes point, MutableBytes out) noexcept;
  virtual Error do_x25519_base(SecretView scalar, MutableBytes out) noexcept;

 private:
  Error extract_and_expand(SecretView dh, Bytes kem_output, Bytes public_key, MutableBytes out) noexcept;

  Random& random_;
};

}  // namespace tacet
