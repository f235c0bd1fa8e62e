#include "taint.h"

#include <valgrind/memcheck.h>

#include <algorithm>
#include <cstring>

#include "spec/adversary/reveal.h"

namespace tacet {
namespace {

using adversary::Octets;

void undefined(Bytes bytes) { VALGRIND_MAKE_MEM_UNDEFINED(bytes.data(), bytes.size()); }
void defined(Bytes bytes) { VALGRIND_MAKE_MEM_DEFINED(bytes.data(), bytes.size()); }

Octets undefined_bits(Bytes bytes) {
  Octets bits(bytes.size());
  VALGRIND_GET_VBITS(bytes.data(), bits.data(), bits.size());
  return bits;
}

bool is_defined(Bytes bytes) {
  const Octets bits = undefined_bits(bytes);
  return std::all_of(bits.begin(), bits.end(), [](std::uint8_t undefined) { return undefined == 0; });
}

// What an operation says is public, whatever it is computed from.
template <class T>
T verdict(T said) {
  defined({reinterpret_cast<const std::uint8_t*>(&said), sizeof said});
  return said;
}

constexpr std::size_t beginning = 8;  // no secret is shorter

std::uint64_t begin_of(Bytes bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), beginning);
  return value;
}

}  // namespace

void KnownSecrets::add(Bytes secret) {
  if (secret.size() < beginning || is_defined(secret)) return;
  Octets copy(secret.begin(), secret.end());
  defined(copy);
  const std::uint64_t key = begin_of(copy);
  known_.emplace(key, std::move(copy));
}

void KnownSecrets::mark_in(Bytes plaintext) const {
  defined(plaintext);
  std::vector<Bytes> found;  // marked at the end: what is undefined cannot be looked up
  for (Bytes rest = plaintext; rest.size() >= beginning; rest = rest.subspan(1)) {
    const auto [first, last] = known_.equal_range(begin_of(rest));
    for (auto each = first; each != last; ++each) {
      const std::size_t size = each->second.size();
      if (size <= rest.size() && equal(rest.first(size), each->second)) found.push_back(rest.first(size));
    }
  }
  for (const Bytes each : found) undefined(each);
}

void KnownSecrets::must_be_known_in(Bytes plaintext) const {
  Octets opened(plaintext.begin(), plaintext.end());
  mark_in(opened);
  const Octets before = undefined_bits(plaintext), after = undefined_bits(opened);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if ((before[i] & ~after[i]) != 0) taint::must_be_public(plaintext.subspan(i, 1));
  }
}

void Tainting::taint(MutableBytes secret) {
  undefined(secret);
  known_.add(secret);
}

// An operation that gives a secret, derived from others.
Error Tainting::derived(Error error, Bytes secret) {
  if (error == Error::none) known_.add(secret);
  return error;
}

// A tag by a key that everybody knows is no more than a hash.
Error Tainting::do_mac(SecretView key, Pieces input, MutableBytes out) noexcept {
  const Error error = do_mac_to_compare(key, input, out);
  if (!is_defined(reveal(key))) defined(out);
  return error;
}

// What a MAC is of is public; the tag that one that was received is held against is not, only the verdict.
Error Tainting::do_mac_to_compare(SecretView key, Pieces input, MutableBytes out) noexcept {
  for (const Bytes piece : input) taint::must_be_public(piece);
  return Sodium::do_mac(key, input, out);
}

bool Tainting::do_differ(Bytes right, Bytes received) noexcept {
  return verdict(Sodium::do_differ(right, received));
}

Error Tainting::do_extract(SecretView salt, SecretPieces ikm, MutableBytes out) noexcept {
  return derived(Sodium::do_extract(salt, ikm, out), out);
}

Error Tainting::do_expand(SecretView prk, Pieces info, MutableBytes out) noexcept {
  return derived(Sodium::do_expand(prk, info, out), out);
}

// Under a key that everybody knows, what was secret in the plaintext is so in the ciphertext.
Error Tainting::do_seal(SecretView key, SecretView nonce, Bytes aad, SecretView plaintext,
                        MutableBytes out) noexcept {
  taint::must_be_public(aad);
  known_.must_be_known_in(reveal(plaintext));
  const bool is_hidden = !is_defined(reveal(key));
  const Error error = Sodium::do_seal(key, nonce, aad, plaintext, out);
  if (is_hidden) defined(out);
  return error;
}

Error Tainting::do_open(SecretView key, SecretView nonce, Bytes aad, Bytes ciphertext,
                        MutableBytes out) noexcept {
  const Error error = verdict(Sodium::do_open(key, nonce, aad, ciphertext, out));
  if (error == Error::none) known_.mark_in(out);
  return error;
}

Error Tainting::do_random(MutableBytes out, bool is_secret) noexcept {
  const Error error = Sodium::do_random(out, is_secret);
  if (is_secret) taint(out);
  return error;
}

Error Tainting::do_derive_key_pair(SecretView ikm, MutableBytes private_key,
                                   MutableBytes public_key) noexcept {
  const Error error = Sodium::do_derive_key_pair(ikm, private_key, public_key);
  defined(public_key);
  return derived(error, private_key);
}

Error Tainting::do_kem_public_key(SecretView private_key, MutableBytes public_key) noexcept {
  const Error error = Sodium::do_kem_public_key(private_key, public_key);
  defined(public_key);
  return error;
}

Error Tainting::do_encap(Bytes public_key, MutableBytes kem_output, MutableBytes shared_secret) noexcept {
  taint::must_be_public(public_key);
  const Error error = Sodium::do_encap(public_key, kem_output, shared_secret);
  defined(kem_output);
  return derived(error, shared_secret);
}

Error Tainting::do_decap(Bytes kem_output, SecretView private_key, Bytes public_key,
                         MutableBytes shared_secret) noexcept {
  return derived(Sodium::do_decap(kem_output, private_key, public_key, shared_secret), shared_secret);
}

Error Tainting::do_import_signature_key(SecretView encoded, MutableBytes private_key,
                                        MutableBytes public_key) noexcept {
  const Error error = Sodium::do_import_signature_key(encoded, private_key, public_key);
  defined(public_key);
  return derived(error, private_key);
}

// Whoever has a signature can try what it is of, so that has to be public.
Result<Bytes> Tainting::do_sign(SecretView private_key, Bytes message, MutableBytes signature) noexcept {
  taint::must_be_public(message);
  const Result<Bytes> made = Sodium::do_sign(private_key, message, signature);
  defined(made.value());
  return made;
}

Error Tainting::do_x25519(SecretView scalar, Bytes point, MutableBytes out) noexcept {
  return verdict(Sodium::do_x25519(scalar, point, out));
}

namespace taint {

void must_be_public(Bytes bytes) {
  static_cast<void>(VALGRIND_CHECK_MEM_IS_DEFINED(bytes.data(), bytes.size()));
}

Octets released(Octets bytes) {
  defined(bytes);
  return bytes;
}

unsigned long reports() { return VALGRIND_COUNT_ERRORS; }

// Other tools of valgrind answer 0, and so does a processor.
bool is_under_memcheck() {
  const char nothing = 0;
  return VALGRIND_MAKE_MEM_DEFINED(&nothing, sizeof nothing) != 0;
}

}  // namespace taint
}  // namespace tacet
