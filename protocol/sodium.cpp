#include "sodium.h"

#include <sodium.h>

#include "boundary.h"

namespace tacet {

namespace {

constexpr std::size_t sha256_size = crypto_hash_sha256_BYTES;
constexpr std::size_t x25519_size = crypto_scalarmult_curve25519_BYTES;

// suite_id of DHKEM(X25519, HKDF-SHA256), RFC 9180, 4.1.
constexpr std::uint8_t kem_suite_id[] = {'K', 'E', 'M', 0x00, 0x20};

class Hmac {
 public:
  explicit Hmac(SecretView key) noexcept {
    static constexpr std::uint8_t nothing = 0;  // libsodium wants a pointer for the empty key too
    const Bytes bytes = SecretAccess::read(key);
    crypto_auth_hmacsha256_init(&state_, bytes.empty() ? &nothing : bytes.data(), bytes.size());
  }
  void update(Bytes bytes) noexcept { crypto_auth_hmacsha256_update(&state_, bytes.data(), bytes.size()); }
  void final(std::uint8_t* out) noexcept { crypto_auth_hmacsha256_final(&state_, out); }

 private:
  crypto_auth_hmacsha256_state state_;  // on the stack of an operation, which is scrubbed
};

// The bytes of `out` become those of `secret`, which is then cleared.
void move_out(Secret& secret, MutableBytes out) noexcept {
  std::memcpy(out.data(), SecretAccess::read(secret).data(), out.size());
  secret.clear();
}

}  // namespace

SodiumRandom::SodiumRandom() noexcept : ready_(sodium_init() >= 0) {}

Error SodiumRandom::fill(MutableBytes out) noexcept {
  if (!ready_) return Error::random_failed;
  randombytes_buf(out.data(), out.size());
  return Error::none;
}

Sodium::Sodium(Random& random) noexcept
    : Sodium(random, *suite_parameters(CipherSuite::x25519_chacha20poly1305_sha256_ed25519)) {}

Sodium::Sodium(Random& random, const SuiteParameters& parameters) noexcept
    : Crypto(parameters), random_(random) {
  // Chooses the fastest code; if it fails, all but randomness works the same.
  [[maybe_unused]] const int initialised = sodium_init();
}

Error Sodium::do_hash(Pieces input, MutableBytes out) noexcept {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  for (const Bytes piece : input) crypto_hash_sha256_update(&state, piece.data(), piece.size());
  crypto_hash_sha256_final(&state, out.data());
  return Error::none;
}

std::uint32_t Sodium::do_short_hash(const ShortHashKey& key, Bytes input) noexcept {
  static_assert(sizeof(ShortHashKey) == crypto_shorthash_KEYBYTES);
  std::uint8_t out[crypto_shorthash_BYTES];
  crypto_shorthash(out, input.data(), input.size(), key.data());
  std::uint32_t hash = 0;
  std::memcpy(&hash, out, sizeof hash);
  return hash;
}

Error Sodium::do_mac(SecretView key, Pieces input, MutableBytes out) noexcept {
  Hmac hmac(key);
  for (const Bytes piece : input) hmac.update(piece);
  hmac.final(out.data());
  return Error::none;
}

Error Sodium::do_extract(SecretView salt, SecretPieces ikm, MutableBytes out) noexcept {
  Hmac hmac(salt);
  for (const Piece& piece : ikm) hmac.update(SecretAccess::read(piece.view()));
  hmac.final(out.data());
  return Error::none;
}

// HKDF-Expand, RFC 5869, 2.3: T(i) = HMAC(prk, T(i-1) || info || i).
Error Sodium::do_expand(SecretView prk, Pieces info, MutableBytes out) noexcept {
  const Hmac keyed(prk);
  std::uint8_t block[sha256_size];
  std::uint8_t counter = 1;
  for (MutableBytes rest = out; !rest.empty(); ++counter) {
    Hmac hmac = keyed;
    if (counter > 1) hmac.update(block);
    for (const Bytes piece : info) hmac.update(piece);
    hmac.update({&counter, 1});
    hmac.final(block);
    const std::size_t size = rest.size() < sha256_size ? rest.size() : sha256_size;
    std::memcpy(rest.data(), block, size);
    rest = rest.subspan(size);
  }
  wipe(block, sizeof block);
  return Error::none;
}

Error Sodium::do_seal(SecretView key, SecretView nonce, Bytes aad, SecretView plaintext,
                      MutableBytes out) noexcept {
  const Bytes message = SecretAccess::read(plaintext);
  crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, message.data(), message.size(), aad.data(),
                                            aad.size(), nullptr, SecretAccess::read(nonce).data(),
                                            SecretAccess::read(key).data());
  return Error::none;
}

Error Sodium::do_open(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext,
                      MutableBytes out) noexcept {
  const int opened = crypto_aead_chacha20poly1305_ietf_decrypt(
      out.data(), nullptr, nullptr, ciphertext.data(), ciphertext.size(), aad.data(), aad.size(),
      SecretAccess::read(nonce).data(), SecretAccess::read(key).data());
  return opened == 0 ? Error::none : Error::not_authentic;  // libsodium has zeroed `out`
}

Error Sodium::do_random(MutableBytes out, bool) noexcept { return random_.fill(out); }

// ---- DHKEM(X25519, HKDF-SHA256), RFC 9180, 4.1 and 7.1

Error Sodium::do_x25519(SecretView scalar, Bytes point, MutableBytes out) noexcept {
  std::memset(out.data(), 0, out.size());  // libsodium may refuse a point before it multiplies
  // libsodium answers -1 for the all-zero result. The verdict is no branch here: it is computed from a
  // secret.
  const int result =
      crypto_scalarmult_curve25519(out.data(), SecretAccess::read(scalar).data(), point.data());
  return result == 0 ? Error::none : Error::kem_low_order;  // [CRYPTO-24]
}

Error Sodium::do_x25519_base(SecretView scalar, MutableBytes out) noexcept {
  crypto_scalarmult_curve25519_base(out.data(), SecretAccess::read(scalar).data());
  return Error::none;
}

Error Sodium::do_derive_key_pair(SecretView ikm, MutableBytes private_key, MutableBytes public_key) noexcept {
  Secret prk, key;
  TRY(labeled_extract(*this, kem_suite_id, Bytes{}, "dkp_prk", ikm, prk));
  TRY(labeled_expand(*this, kem_suite_id, prk, "sk", {}, x25519_size, key));
  TRY(do_x25519_base(key, public_key));
  move_out(key, private_key);
  return Error::none;
}

Error Sodium::do_kem_public_key(SecretView private_key, MutableBytes public_key) noexcept {
  return do_x25519_base(private_key, public_key);
}

Error Sodium::do_encap(Bytes public_key, MutableBytes kem_output, MutableBytes shared_secret) noexcept {
  Secret ephemeral, dh;
  TRY(do_random(SecretAccess::write(ephemeral, x25519_size), true));
  TRY(do_x25519(ephemeral, public_key, SecretAccess::write(dh, x25519_size)));
  TRY(do_x25519_base(ephemeral, kem_output));
  return extract_and_expand(dh, kem_output, public_key, shared_secret);
}

Error Sodium::do_decap(Bytes kem_output, SecretView private_key, Bytes public_key,
                       MutableBytes shared_secret) noexcept {
  Secret dh;
  TRY(do_x25519(private_key, kem_output, SecretAccess::write(dh, x25519_size)));
  return extract_and_expand(dh, kem_output, public_key, shared_secret);
}

Error Sodium::extract_and_expand(SecretView dh, Bytes kem_output, Bytes public_key,
                                 MutableBytes out) noexcept {
  std::uint8_t context[2 * x25519_size];
  std::memcpy(context, kem_output.data(), x25519_size);
  std::memcpy(context + x25519_size, public_key.data(), x25519_size);
  Secret prk, secret;
  TRY(labeled_extract(*this, kem_suite_id, Bytes{}, "eae_prk", dh, prk));
  TRY(labeled_expand(*this, kem_suite_id, prk, "shared_secret", context, sha256_size, secret));
  move_out(secret, out);
  return Error::none;
}

// ---- Ed25519, RFC 8032 [CRYPTO-04, CRYPTO-08]

std::size_t Sodium::signing_key_size() const noexcept { return crypto_sign_ed25519_SECRETKEYBYTES; }
std::size_t Sodium::encoded_signing_key_size() const noexcept { return crypto_sign_ed25519_SEEDBYTES; }

Error Sodium::do_import_signature_key(SecretView encoded, MutableBytes private_key,
                                      MutableBytes public_key) noexcept {
  crypto_sign_ed25519_seed_keypair(public_key.data(), private_key.data(), SecretAccess::read(encoded).data());
  return Error::none;
}

Result<Bytes> Sodium::do_sign(SecretView private_key, Bytes message, MutableBytes signature) noexcept {
  crypto_sign_ed25519_detached(signature.data(), nullptr, message.data(), message.size(),
                               SecretAccess::read(private_key).data());
  return Bytes(signature.first(crypto_sign_ed25519_BYTES));
}

Error Sodium::do_verify(Bytes public_key, Bytes message, Bytes signature) noexcept {
  if (signature.size() != crypto_sign_ed25519_BYTES) return Error::signature_invalid;
  const int verified = crypto_sign_ed25519_verify_detached(signature.data(), message.data(), message.size(),
                                                           public_key.data());
  return verified == 0 ? Error::none : Error::signature_invalid;
}

}  // namespace tacet
