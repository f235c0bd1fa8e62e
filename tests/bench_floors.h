#pragma once

// The primitives of cipher suite 0x0003 as raw calls of libsodium over inputs that lie ready, for floors.

#include <benchmark/benchmark.h>
#include <sodium.h>

#include <cstdint>
#include <cstdlib>

#include "protocol/bytes.h"

namespace tacet::bench::raw {

inline constexpr std::uint8_t input[512] = {};
inline constexpr std::uint8_t scalar[32] = {8, 1};
inline std::uint8_t output[512];

inline void hash(std::size_t input_size) {
  crypto_hash_sha256(output, input, input_size);
  benchmark::DoNotOptimize(output);
}

inline void hmac(Bytes of) {
  static constexpr std::uint8_t key[32] = {};
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key, sizeof key);
  crypto_auth_hmacsha256_update(&state, of.data(), of.size());
  crypto_auth_hmacsha256_final(&state, output);
  benchmark::DoNotOptimize(output);
}
inline void hmac(std::size_t input_size) { hmac(Bytes(input, input_size)); }

// ExpandWithLabel to at most 32 bytes (RFC 9420, 8): HMAC over a KDFLabel and a counter.
inline void expand_with_label(std::size_t label_size, std::size_t context_size) {
  hmac(2 + 1 + 8 + label_size + 1 + context_size + 1);
}

// A fresh key pair.
inline void multiply_base() {
  std::uint8_t fresh[32];
  randombytes_buf(fresh, sizeof fresh);
  crypto_scalarmult_base(output, fresh);
  benchmark::DoNotOptimize(output);
}

inline void multiply(const std::uint8_t* point) {
  if (crypto_scalarmult(output, scalar, point) != 0) std::abort();
  benchmark::DoNotOptimize(output);
}

// The hash of an HPKE info (RFC 9180, 5.1): EncryptContext with the label "UpdatePathNode" (RFC 9420, 5.1.3).
inline void hpke_info(std::size_t context_size) { hmac(7 + 10 + 9 + 1 + 8 + 14 + 2 + context_size); }

// The HMACs of one HPKE single shot beside that (RFC 9180, 4.1 and 5.1).
inline void hpke_schedule() {
  hmac(7 + 5 + 7 + 32);            // eae_prk
  hmac(2 + 7 + 5 + 13 + 64 + 1);   // shared_secret
  hmac(7 + 10 + 6);                // secret
  hmac(2 + 7 + 10 + 3 + 65 + 1);   // key
  hmac(2 + 7 + 10 + 10 + 65 + 1);  // base_nonce
}

// The key pair of a path node from its path secret, and the path secret above it (RFC 9420, 7.4):
// DeriveSecret twice, and DeriveKeyPair of RFC 9180, 7.1.3.
inline void path_node() {
  expand_with_label(4, 0);      // node_secret
  hmac(7 + 5 + 7 + 32);         // dkp_prk
  hmac(2 + 7 + 5 + 2 + 0 + 1);  // sk
  crypto_scalarmult_base(output, scalar);
  expand_with_label(4, 0);  // the next path_secret
}

inline constexpr std::uint8_t aead_key[32] = {};  // and, as far as it goes, the nonce

// `out` takes 16 bytes more than the plaintext.
inline void seal(Bytes aad, Bytes plaintext, std::uint8_t* out) {
  crypto_aead_chacha20poly1305_ietf_encrypt(out, nullptr, plaintext.data(), plaintext.size(), aad.data(),
                                            aad.size(), nullptr, aead_key, aead_key);
  benchmark::ClobberMemory();
}
inline void seal() { seal({}, Bytes(input, 32), output); }

// What seal() has made.
inline void open(Bytes aad, Bytes ciphertext, std::uint8_t* out) {
  if (crypto_aead_chacha20poly1305_ietf_decrypt(out, nullptr, nullptr, ciphertext.data(), ciphertext.size(),
                                                aad.data(), aad.size(), aead_key, aead_key) != 0) {
    std::abort();
  }
  benchmark::ClobberMemory();
}
inline void open() {
  static std::uint8_t sealed[48];
  static const bool is_sealed = (seal({}, Bytes(input, 32), sealed), true);
  if (is_sealed) open({}, sealed, output);
}

}  // namespace tacet::bench::raw
