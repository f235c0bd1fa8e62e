#pragma once

// Hybrid public key encryption, RFC 9180, base mode, single-shot; and the labelled form of RFC 9420, 5.1.3.
// It knows a KEM, a KDF and an AEAD, and nothing of what they are made of.

#include <string_view>

#include "crypto.h"

namespace tacet {

// A receiver's key pair. Both views are the caller's; the public key has to be the private key's own.
struct HpkeKeyPair {
  SecretView private_key;
  Bytes public_key;
};

// What the sender's and the receiver's key schedules share beside the KEM's secret: the mode and the hash of
// `info` (RFC 9180, 5.1, key_schedule_context). Made once for all receivers of the same info.
class HpkeContext {
 public:
  // Errors: those of Crypto::mac.
  static Error create(Crypto& crypto, Pieces info, HpkeContext& out) noexcept;

  Bytes bytes() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<std::uint8_t, 1 + 2 * Digest::max_size> bytes_{};
  std::size_t size_ = 0;
};

// SealBase of a message that holds secrets or not. `kem_output` takes kem_output_size bytes and `ciphertext`
// plaintext.size() + tag_size, Error::output_too_small. A plaintext of more than one piece is gathered in
// `secrets`. Errors: kem_public_key_length, kem_low_order, random_failed, out_of_memory.
Error hpke_seal(Crypto& crypto, Bytes public_key, const HpkeContext& context, Bytes aad,
                SecretPieces plaintext, Memory& secrets, MutableBytes kem_output,
                MutableBytes ciphertext) noexcept;

// OpenBase of one secret. Errors: not_authentic, kem_output_length, kem_public_key_length, kem_low_order,
// secret_length.
Error hpke_open_secret(Crypto& crypto, HpkeKeyPair key_pair, Bytes kem_output, const HpkeContext& context,
                       Bytes aad, Bytes ciphertext, Secret& plaintext) noexcept;

// OpenBase of a struct that holds secrets, into a buffer of `secrets`. Errors as above, out_of_memory.
Error hpke_open(Crypto& crypto, HpkeKeyPair key_pair, Bytes kem_output, const HpkeContext& context, Bytes aad,
                Bytes ciphertext, Memory& secrets, SecretBuffer& plaintext) noexcept;

// SetupBaseS, then Context.Export(exporter_context, size). Errors: kem_public_key_length, kem_low_order,
// random_failed, secret_length, output_too_small.
Error hpke_send_export(Crypto& crypto, Bytes public_key, const HpkeContext& context, Bytes exporter_context,
                       std::size_t size, MutableBytes kem_output, Secret& exported) noexcept;

// SetupBaseR, then Context.Export(exporter_context, size). Errors: kem_output_length, kem_public_key_length,
// kem_low_order, secret_length.
Error hpke_receive_export(Crypto& crypto, HpkeKeyPair key_pair, Bytes kem_output, const HpkeContext& context,
                          Bytes exporter_context, std::size_t size, Secret& exported) noexcept;

// The context of EncryptWithLabel and DecryptWithLabel: info = EncryptContext { label<V> = "MLS 1.0 " +
// label, context<V> } (RFC 9420, 5.1.3). Seal and open with it and an empty AAD. Error::vector_too_long.
Error encrypt_context(Crypto& crypto, std::string_view label, Bytes context, HpkeContext& out) noexcept;

// EncryptWithLabel(public_key, label, context, plaintext). Errors as for hpke_seal, vector_too_long.
Error encrypt_with_label(Crypto& crypto, Bytes public_key, std::string_view label, Bytes context,
                         SecretPieces plaintext, Memory& secrets, MutableBytes kem_output,
                         MutableBytes ciphertext) noexcept;

// DecryptWithLabel of one secret, or of a struct that holds secrets. Errors as for hpke_open_secret and
// hpke_open, vector_too_long.
Error decrypt_with_label(Crypto& crypto, HpkeKeyPair key_pair, std::string_view label, Bytes context,
                         Bytes kem_output, Bytes ciphertext, Secret& plaintext) noexcept;
Error decrypt_with_label(Crypto& crypto, HpkeKeyPair key_pair, std::string_view label, Bytes context,
                         Bytes kem_output, Bytes ciphertext, Memory& secrets,
                         SecretBuffer& plaintext) noexcept;

}  // namespace tacet
