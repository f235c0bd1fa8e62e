#pragma once

// Primitives with which authentication always succeeds: what is behind it is reached by bytes that nobody had
// a key for. Everything else is libsodium's, so honest endpoints still agree.

#include "protocol/sodium.h"

namespace tacet::adversary {

// Every signature verifies; a MAC is of zeros; an AEAD's ciphertext is the plaintext with any tag behind it.
class Lenient final : public Sodium {
 public:
  using Sodium::Sodium;

 private:
  Error do_mac(SecretView key, Pieces input, MutableBytes out) noexcept override;
  Error do_seal(SecretView key, SecretView nonce, Bytes aad, SecretView plaintext,
                MutableBytes out) noexcept override;
  Error do_open(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext,
                MutableBytes out) noexcept override;
  Result<Bytes> do_sign(SecretView private_key, Bytes message, MutableBytes signature) noexcept override;
  Error do_verify(Bytes public_key, Bytes message, Bytes signature) noexcept override;
};

}  // namespace tacet::adversary
