#pragma once

// Which cases run: libsodium gives one cipher suite whole, and parts of others that share primitives with it.

#include <string>

#include "protocol/sodium.h"

namespace tacet::tool {

// What the cases of a type use of their cipher suite; nothing at all if they have none.
struct Needs {
  bool kdf = false;  // with the hash and the MAC
  bool kem = false;
  bool aead = false;
  bool signature = false;

  bool any() const { return kdf || kem || aead || signature; }
};

// The parameters of the suite that is built whole.
const SuiteParameters& built_suite();

// Those primitives among the needed that the suite does not share with the built one, "SHA-512, X448"; empty
// if a case can run.
std::string missing_primitives(const SuiteParameters& suite, const Needs& needs);

// As much of a cipher suite as is built. The rest answers Error::suite_not_built.
class PartialSuite final : public Sodium {
 public:
  PartialSuite(Random& random, const SuiteParameters& parameters) noexcept;

 private:
  Error do_seal(SecretView key, SecretView nonce, Bytes aad, SecretView plaintext,
                MutableBytes out) noexcept override;
  Error do_open(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext,
                MutableBytes out) noexcept override;
  Error do_derive_key_pair(SecretView ikm, MutableBytes private_key,
                           MutableBytes public_key) noexcept override;
  Error do_kem_public_key(SecretView private_key, MutableBytes public_key) noexcept override;
  Error do_encap(Bytes public_key, MutableBytes kem_output, MutableBytes shared_secret) noexcept override;
  Error do_decap(Bytes kem_output, SecretView private_key, Bytes public_key,
                 MutableBytes shared_secret) noexcept override;
  Error do_import_signature_key(SecretView encoded, MutableBytes private_key,
                                MutableBytes public_key) noexcept override;
  Result<Bytes> do_sign(SecretView private_key, Bytes message, MutableBytes signature) noexcept override;
  Error do_verify(Bytes public_key, Bytes message, Bytes signature) noexcept override;

  Needs built_;
};

}  // namespace tacet::tool
