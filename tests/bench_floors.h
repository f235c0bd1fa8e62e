#pragma once

// The primitives of cipher suite 0x0003 as raw calls of libsodium over inputs that lie ready, for floors.

#include <benchmark/benchmark.h>
#include <sodium.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "bench_full_tree.h"
#include "bench_table.h"

namespace tacet::bench::raw {

inline constexpr std::uint8_t input[512] = {};
inline constexpr std::uint8_t scalar[32] = {8, 1};
inline std::uint8_t output[512];

inline void hash(Bytes of) {
  crypto_hash_sha256(output, of.data(), of.size());
  benchmark::DoNotOptimize(output);
}
inline void hash(std::size_t input_size) { hash(Bytes(input, input_size)); }

inline void hmac(Bytes of) {
  static constexpr std::uint8_t key[32] = {};
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key, sizeof key);
  crypto_auth_hmacsha256_update(&state, of.data(), of.size());
  crypto_auth_hmacsha256_final(&state, output);
  benchmark::DoNotOptimize(output);
}
inline void hmac(std::size_t input_size) { hmac(Bytes(input, input_size)); }
// What most of those of a key schedule are: over a label and a hash.
inline void hmacs(unsigned count) {
  for (; count > 0; --count) hmac(std::size_t{60});
}

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

// A step of a ratchet (RFC 9420, 9.1).
inline void ratchet_step() {
  expand_with_label(5, 4);  // nonce
  expand_with_label(3, 4);  // key
  expand_with_label(6, 4);  // secret
}

// From the root of the secret tree down to a leaf, and its two ratchets (RFC 9420, 9).
inline void first_message(unsigned depth) {
  for (unsigned i = 0; i < depth; ++i) {
    expand_with_label(4, 4);  // left
    expand_with_label(4, 5);  // right
  }
  expand_with_label(9, 0);   // handshake
  expand_with_label(11, 0);  // application
}

inline void sender_data_key() {
  expand_with_label(3, 32);  // key
  expand_with_label(5, 32);  // nonce
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

// An HPKE single shot but for the hash of its info.
inline void hpke_seal(const std::uint8_t* point, std::size_t plaintext_size = 32) {
  multiply_base();
  multiply(point);
  hpke_schedule();
  seal({}, Bytes(input, plaintext_size), output);
}
inline void hpke_open(const std::uint8_t* point) {
  multiply(point);
  hpke_schedule();
  open();
}

// ---- signatures of leaves

inline void verify(const Signed& member) {
  must(crypto_sign_verify_detached(member.signature.data(), member.message.data(), member.message.size(),
                                   member.public_key().data()) == 0,
       "a signature of the floor does not verify");
}
inline void sign(const Signed& member) {
  crypto_sign_detached(output, nullptr, member.message.data(), member.message.size(),
                       member.private_key.data());
  benchmark::DoNotOptimize(output);
}

// ---- hashes of trees

// The inputs of section 7.8 (TreeHashInput) and 7.9 (ParentHashInput), in bytes.
inline constexpr std::size_t leaf_input = 1 + 4 + 1 + leaf_size, blank_leaf_input = 1 + 4 + 1;
inline constexpr std::size_t blank_parent_input = 1 + 1 + 2 * 33;
inline constexpr std::size_t parent_input = blank_parent_input + 33 + 33 + 1;
inline constexpr std::size_t parent_hash_input = 3 * 33;

inline void hashes(std::size_t count, std::size_t input_size) {
  for (; count > 0; --count) hash(input_size);
}

// The tree hash of n members in 2^depth leaves, of whose parents that many are not blank.
inline void tree_hash(std::size_t n, unsigned depth, std::size_t parents) {
  const std::size_t leaves = std::size_t{1} << depth;
  hashes(n, leaf_input);
  hashes(leaves - n, blank_leaf_input);
  hashes(parents, parent_input);
  hashes(leaves - 1 - parents, blank_parent_input);
}

// Tree hashes and parent hashes of a direct path.
inline void path_hashes(unsigned depth) {
  hash(leaf_input);
  hashes(depth, parent_input);
  hashes(depth, parent_hash_input);
}

// ---- what is signed and sealed, at its size

inline constexpr std::size_t signature_size = 64, tag_size = 16;

struct LargeCalls {
  Octets to_be_signed, aad, plaintext, sealed, opened;
  std::uint8_t public_key[crypto_sign_PUBLICKEYBYTES], private_key[crypto_sign_SECRETKEYBYTES],
      signature[crypto_sign_BYTES];

  // `signed_size` is that of the content of SignContent (RFC 9420, 5.1.2).
  LargeCalls(const char* label, std::size_t signed_size, std::size_t aad_size, std::size_t plaintext_size)
      : to_be_signed(model::vector(std::string("MLS 1.0 ") + label)),
        aad(aad_size),
        plaintext(plaintext_size),
        sealed(plaintext_size + tag_size),
        opened(plaintext_size) {
    const Octets content = model::vector(Octets(signed_size));
    to_be_signed.insert(to_be_signed.end(), content.begin(), content.end());
    crypto_sign_keypair(public_key, private_key);
    sign();
    seal();
  }
  void sign() {
    crypto_sign_detached(signature, nullptr, to_be_signed.data(), to_be_signed.size(), private_key);
  }
  void verify() const {
    must(crypto_sign_verify_detached(signature, to_be_signed.data(), to_be_signed.size(), public_key) == 0,
         "a signature of the floor does not verify");
  }
  void seal() { raw::seal(aad, plaintext, sealed.data()); }
  void open() { raw::open(aad, sealed, opened.data()); }
};

}  // namespace tacet::bench::raw
