#pragma once

// The crypto boundary: the cipher suites, the primitives that MLS needs, and the labelled operations of RFC
// 9420, sections 5 and 8. Only behind this boundary is a Secret read.
//
// What comes out of it as public is a closed list: AEAD ciphertext, KEM output, public keys, signatures, MAC
// tags to be sent, hashes of public data, verdicts, randomness drawn as public, plaintext that has
// authenticated, and what belongs to the application (expand_for_application). Everything else is a Secret.
//
// Before an operation that handled a secret returns, it clears the stack below it and the registers:
// primitives leave keys there, often in a form that no scan for their bytes would find.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bytes.h"
#include "codec.h"
#include "memory.h"

namespace tacet {

enum class CipherSuite : std::uint16_t {  // RFC 9420, 17.1 [CRYPTO-18]
  x25519_aes128gcm_sha256_ed25519 = 0x0001,
  p256_aes128gcm_sha256_p256 = 0x0002,
  x25519_chacha20poly1305_sha256_ed25519 = 0x0003,
  x448_aes256gcm_sha512_ed448 = 0x0004,
  p521_aes256gcm_sha512_p521 = 0x0005,
  x448_chacha20poly1305_sha512_ed448 = 0x0006,
  p384_aes256gcm_sha384_p384 = 0x0007,
};

// What a cipher suite fixes. Sizes in bytes; names as RFC 9180 and RFC 9420 give them.
struct SuiteParameters {
  CipherSuite suite;
  const char* name;  // as registered, "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519"
  std::uint16_t kem_id, kdf_id, aead_id;
  std::uint16_t signature_scheme;    // a TLS SignatureScheme code point
  std::size_t hash_size;             // KDF.Nh, also of the hash and the MAC
  std::size_t key_size;              // AEAD.Nk
  std::size_t nonce_size;            // AEAD.Nn
  std::size_t tag_size;              // AEAD.Nt
  std::size_t kem_public_key_size;   // Npk
  std::size_t kem_output_size;       // Nenc
  std::size_t kem_private_key_size;  // Nsk
  std::size_t signature_public_key_size;
};

// The parameters of a registered suite, built or not; nullptr for any other number.
const SuiteParameters* suite_parameters(CipherSuite suite) noexcept;

// What SignWithLabel, ExpandWithLabel and EncryptWithLabel put before a label.
inline constexpr std::string_view mls_label_prefix = "MLS 1.0 ";

// Where randomness comes from. The default is Sodium's.
class Random {
 public:
  // Fills `out` with random bytes. Error::random_failed; what was asked for is then not used.
  virtual Error fill(MutableBytes out) noexcept = 0;

 protected:
  ~Random() = default;
};

// Four random bytes against the reuse of a nonce after a loss of state (RFC 9420, 6.3.1).
using ReuseGuard = std::array<std::uint8_t, 4>;

// The key of a short hash; drawn as public randomness, and known to the endpoint alone.
using ShortHashKey = std::array<std::uint8_t, 16>;

class SecretBuffer;

// One cipher suite. The public functions are what protocol/ calls; the protected ones are the primitives that
// an implementation gives and that an observer may wrap. Outputs are zeroed or unchanged on error.
class Crypto {
 public:
  const SuiteParameters& suite() const noexcept { return parameters_; }
  std::size_t hash_size() const noexcept { return parameters_.hash_size; }

  // Hash(input), of public data.
  Error hash(Pieces input, Digest& out) noexcept;

  // RefHash(label, value); `label` is whole, "MLS 1.0 KeyPackage Reference" (RFC 9420, 5.2).
  // Error::vector_too_long.
  Error ref_hash(std::string_view label, Pieces value, Digest& out) noexcept;

  // A hash for tables of public values that others choose, who do not know the key: so they cannot choose
  // many that collide. It authenticates nothing.
  std::uint32_t short_hash(const ShortHashKey& key, Bytes input) noexcept;

  // MAC(key, input): a tag to be sent, of hash_size() bytes. One that was received is check_mac()'s.
  Error mac(SecretView key, Pieces input, Digest& tag) noexcept;

  // Compares a received tag of any length with the right one, in a time that tells nothing of either.
  // Error::mac_mismatch.
  Error check_mac(SecretView key, Pieces input, Bytes tag) noexcept;

  // KDF.Extract(salt, ikm), hash_size() bytes.
  Error extract(Piece salt, SecretPieces ikm, Secret& out) noexcept;

  // KDF.Expand(prk, info, size). Errors: expand_length over 255 * hash_size(), secret_length over 80.
  Error expand(SecretView prk, Pieces info, std::size_t size, Secret& out) noexcept;

  // ExpandWithLabel(secret, label, context, size); "MLS 1.0 " is added to the label (RFC 9420, 8).
  // Errors as for expand(), vector_too_long.
  Error expand_with_label(SecretView secret, std::string_view label, Pieces context, std::size_t size,
                          Secret& out) noexcept;

  // DeriveSecret(secret, label) (RFC 9420, 8).
  Error derive_secret(SecretView secret, std::string_view label, Secret& out) noexcept;

  // DeriveTreeSecret(secret, label, generation, size) (RFC 9420, 9.1).
  Error derive_tree_secret(SecretView secret, std::string_view label, std::uint32_t generation,
                           std::size_t size, Secret& out) noexcept;

  // ExpandWithLabel into bytes that belong to the application: exporter output and epoch authenticator, and
  // nothing else. Errors: expand_length over 255 * hash_size(), vector_too_long.
  Error expand_for_application(SecretView secret, std::string_view label, Pieces context,
                               MutableBytes out) noexcept;

  // AEAD.Seal. `out` takes plaintext.size() + tag_size bytes, Error::output_too_small; it may start where the
  // plaintext does. secret_length for a key or nonce of another size than the suite's.
  Error seal(SecretView key, SecretView nonce, Bytes aad, Bytes plaintext, MutableBytes out) noexcept;

  // AEAD.Seal of a struct that holds secrets, gathered from pieces in a wiped buffer of `secrets`.
  // Errors as for seal(), out_of_memory.
  Error seal_pieces(SecretView key, SecretView nonce, Bytes aad, SecretPieces plaintext, Memory& secrets,
                    MutableBytes out) noexcept;

  // AEAD.Open of what is public once it has authenticated. `out` takes ciphertext.size() - tag_size bytes and
  // may start where the ciphertext does. Errors: not_authentic, with `out` zeroed; output_too_small;
  // secret_length.
  Error open(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext, MutableBytes out) noexcept;

  // AEAD.Open of one secret. Errors: not_authentic, secret_length.
  Error open_secret(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext, Secret& out) noexcept;

  // AEAD.Open of a struct that holds secrets, into a buffer of `secrets`. Errors: not_authentic,
  // out_of_memory, secret_length.
  Error open_pieces(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext, Memory& secrets,
                    SecretBuffer& out) noexcept;

  // The nonce with the reuse guard XORed into its first four bytes (RFC 9420, 6.3.1). Error::secret_length.
  Error guard_nonce(SecretView nonce, const ReuseGuard& guard, Secret& out) noexcept;

  // Randomness that is public: nonces, reuse guards, group ids. Error::random_failed.
  Error random(MutableBytes out) noexcept;
  // Randomness that is a key. Errors: random_failed, secret_length.
  Error random_secret(std::size_t size, Secret& out) noexcept;

  // KEM.DeriveKeyPair(ikm). `public_key` takes kem_public_key_size bytes, Error::output_too_small.
  Error derive_key_pair(SecretView ikm, Secret& private_key, MutableBytes public_key) noexcept;
  // The public key of a stored private key. Errors: secret_length, output_too_small.
  Error kem_public_key(SecretView private_key, MutableBytes public_key) noexcept;
  // KEM.Encap: a shared secret, and the kem_output_size bytes that transport it.
  // Errors: kem_public_key_length, kem_low_order, random_failed, output_too_small.
  Error encap(Bytes public_key, MutableBytes kem_output, Secret& shared_secret) noexcept;
  // KEM.Decap, with the key pair's public key beside the private one, so that it is not computed again.
  // Errors: kem_output_length, kem_public_key_length, kem_low_order, secret_length.
  Error decap(Bytes kem_output, SecretView private_key, Bytes public_key, Secret& shared_secret) noexcept;

  // A new key pair of the KEM. Errors: random_failed, output_too_small.
  Error generate_key_pair(Secret& private_key, MutableBytes public_key) noexcept;

  // A new signature key pair. Errors: random_failed, output_too_small.
  Error generate_signature_key_pair(Secret& private_key, MutableBytes public_key) noexcept;
  // The key pair of an encoded private key (for Ed25519 the 32-byte seed of RFC 8032); `private_key` is in
  // the form that sign() takes. Errors: secret_length, output_too_small.
  Error import_signature_key(SecretView encoded, Secret& private_key, MutableBytes public_key) noexcept;
  // A signature of at most max_signature_size bytes; returns its part of `signature`.
  // Errors: secret_length, output_too_small.
  Result<Bytes> sign(SecretView private_key, Bytes message, MutableBytes signature) noexcept;
  // At the same time by all Threads that are lent. Errors: signature_key_length, signature_invalid.
  Error verify(Bytes public_key, Bytes message, Bytes signature) noexcept;

  static constexpr std::size_t max_signature_size = 144;        // DER of P-521, the largest of RFC 9420
  static constexpr std::size_t max_tag_size = 16;               // of an AEAD
  static constexpr std::size_t max_kem_public_key_size = 2048;  // X-Wing's is 1216
  static constexpr std::size_t max_kem_output_size = 2048;      // X-Wing's is 1120

 protected:
  explicit Crypto(const SuiteParameters& parameters) noexcept : parameters_(parameters) {}
  Crypto(const Crypto&) = default;
  ~Crypto() = default;

  // The primitives. Lengths have been checked by the caller, outputs have exactly the right size.
  virtual Error do_hash(Pieces input, MutableBytes out) noexcept = 0;
  virtual std::uint32_t do_short_hash(const ShortHashKey& key, Bytes input) noexcept = 0;
  virtual Error do_mac(SecretView key, Pieces input, MutableBytes out) noexcept = 0;
  // The same for check_mac(): who could read the right tag before it was received could forge, so it stays a
  // secret, and an observer has to tell it from one to be sent.
  virtual Error do_mac_to_compare(SecretView key, Pieces input, MutableBytes out) noexcept {
    return do_mac(key, input, out);
  }
  // The verdict of check_mac(): whether a received tag is not the right one, in a time that does not tell
  // where; lengths are public [PRIV-09]. Defined here, so that a class with RTTI can derive from this one.
  virtual bool do_differ(Bytes right, Bytes received) noexcept {
    if (right.size() != received.size()) return true;
    volatile std::uint8_t difference = 0;
    for (std::size_t i = 0; i < right.size(); ++i)
      difference = static_cast<std::uint8_t>(difference | (right[i] ^ received[i]));
    return difference != 0;
  }
  virtual Error do_extract(SecretView salt, SecretPieces ikm, MutableBytes out) noexcept = 0;
  virtual Error do_expand(SecretView prk, Pieces info, MutableBytes out) noexcept = 0;
  virtual Error do_seal(SecretView key, SecretView nonce, Bytes aad, SecretView plaintext,
                        MutableBytes out) noexcept = 0;
  virtual Error do_open(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext,
                        MutableBytes out) noexcept = 0;
  virtual Error do_random(MutableBytes out, bool is_secret) noexcept = 0;
  virtual Error do_derive_key_pair(SecretView ikm, MutableBytes private_key,
                                   MutableBytes public_key) noexcept = 0;
  virtual Error do_kem_public_key(SecretView private_key, MutableBytes public_key) noexcept = 0;
  virtual Error do_encap(Bytes public_key, MutableBytes kem_output, MutableBytes shared_secret) noexcept = 0;
  virtual Error do_decap(Bytes kem_output, SecretView private_key, Bytes public_key,
                         MutableBytes shared_secret) noexcept = 0;
  virtual std::size_t signing_key_size() const noexcept = 0;  // as sign() takes it
  virtual std::size_t encoded_signing_key_size() const noexcept = 0;
  virtual Error do_import_signature_key(SecretView encoded, MutableBytes private_key,
                                        MutableBytes public_key) noexcept = 0;
  virtual Result<Bytes> do_sign(SecretView private_key, Bytes message, MutableBytes signature) noexcept = 0;
  virtual Error do_verify(Bytes public_key, Bytes message, Bytes signature) noexcept = 0;

 private:
  Error check_aead_sizes(SecretView key, SecretView nonce) const noexcept;

  const SuiteParameters& parameters_;
};

// Who signs. The key may live in hardware.
class Signer {
 public:
  // Signs `message`; returns the part of `signature` (at least Crypto::max_signature_size bytes) that it
  // wrote.
  virtual Result<Bytes> sign(Bytes message, MutableBytes signature) noexcept = 0;

 protected:
  ~Signer() = default;
};

// A Signer with its key in memory, in the form that Crypto::sign takes.
class KeySigner final : public Signer {
 public:
  KeySigner(Crypto& crypto, SecretView private_key) noexcept : crypto_(crypto), private_key_(private_key) {}
  Result<Bytes> sign(Bytes message, MutableBytes signature) noexcept override {
    return crypto_.sign(private_key_, message, signature);
  }

 private:
  Crypto& crypto_;
  SecretView private_key_;
};

// The room that sign_with_label and verify_with_label need to lay out SignContent { label<V>, content<V> },
// and where in it the content begins. Content whose first piece lies in the room already, there or later, is
// not copied: the header goes before it, and the other pieces behind it. Error::vector_too_long.
struct SignContentLayout {
  std::size_t content_offset;
  std::size_t size;
};
Result<SignContentLayout> sign_content_layout(std::string_view label, std::size_t content_size) noexcept;

// SignWithLabel(key, label, content) (RFC 9420, 5.1.2); "MLS 1.0 " is added to the label. `work` takes
// sign_content_layout().size bytes. Errors: output_too_small, vector_too_long, those of the signer.
Result<Bytes> sign_with_label(Signer& signer, std::string_view label, Pieces content, MutableBytes work,
                              MutableBytes signature) noexcept;

// VerifyWithLabel(key, label, content, signature). Errors: signature_invalid, signature_key_length,
// output_too_small, vector_too_long.
Error verify_with_label(Crypto& crypto, Bytes public_key, std::string_view label, Pieces content,
                        Bytes signature, MutableBytes work) noexcept;

// A struct that holds secrets, opened or to be sealed; wiped when it goes.
class SecretBuffer {
 public:
  SecretView view() const noexcept { return {buffer_.bytes().data(), buffer_.size()}; }

 private:
  friend class Crypto;
  friend class SecretReader;
  friend class SecretWriter;
  Buffer buffer_;
};

// Lays such a struct out, field by field; without a buffer it measures it. What was written can be sealed,
// and read by a SecretReader, but not looked at.
class SecretWriter : public Encoder<SecretWriter> {
 public:
  SecretWriter() = default;

  // Makes room for `size` bytes of `secrets` in `out`, which outlives the writer. Error::out_of_memory.
  Error start(Memory& secrets, std::size_t size, SecretBuffer& out) noexcept;

  // opaque<V> with a secret in it. Error::output_too_small.
  Error secret(const Secret& secret) noexcept;
  Error put(Bytes bytes, Storage) noexcept;

  std::size_t size() const noexcept { return size_; }

 private:
  MutableBytes output_;
  bool measures_ = true;
  std::size_t size_ = 0;
};

// Moves the fields of an opened struct out of it, each as what the caller says it is: Bytes are views into
// the buffer, a Secret is a copy of its own. Errors as for Reader, and secret_length.
class SecretReader {
 public:
  explicit SecretReader(const SecretBuffer& buffer) noexcept : reader_(buffer.buffer_.bytes()) {}

  // opaque<V> with a secret in it.
  Error secret(Secret& out) noexcept;
  // The same of one that has that size. Error::secret_length.
  Error secret(std::size_t size, Secret& out) noexcept;
  // The presence octet of an optional.
  Error present(bool& out) noexcept;
  // Public fields, as described for Coder.
  template <class... Field>
  Error operator()(Field&... fields) noexcept {
    return reader_(fields...);
  }
  // Error::trailing_bytes.
  Error finish() const noexcept { return reader_.finish(); }

 private:
  Reader reader_;
};

// LabeledExtract and LabeledExpand of RFC 9180, section 4, which HPKE and its KEMs share. Errors as for
// extract() and expand().
Error labeled_extract(Crypto& crypto, Bytes suite_id, Piece salt, std::string_view label, Piece ikm,
                      Secret& out) noexcept;
Error labeled_expand(Crypto& crypto, Bytes suite_id, SecretView prk, std::string_view label, Bytes info,
                     std::size_t size, Secret& out) noexcept;

// Clears the stack below the caller and the registers that a call may change. Operations do it themselves.
void scrub() noexcept;

}  // namespace tacet
