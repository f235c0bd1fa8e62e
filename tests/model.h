#pragma once

// A plain, slow model of RFC 9420's formulas: byte strings that are copied about, every definition written as
// it stands in the text, nothing shared with protocol/ but libsodium's SHA-256. Tests hold protocol/ to it.

#include <sodium.h>

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/bytes.h"

namespace model {

using Octets = std::vector<std::uint8_t>;

inline Octets octets(tacet::Bytes bytes) { return {bytes.begin(), bytes.end()}; }
inline Octets octets(const std::string& text) { return {text.begin(), text.end()}; }
inline Octets zeros(std::size_t size) { return Octets(size, 0); }

inline Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline std::string hex(tacet::Bytes bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) text += {digits[byte >> 4], digits[byte & 15]};
  return text;
}

inline Octets unhex(const std::string& text) {
  Octets out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  }
  return out;
}

inline Octets number(std::uint64_t value, unsigned size) {
  Octets out;
  for (unsigned i = size; i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  return out;
}

// opaque<V>, section 2.1.2.
inline Octets vector(const Octets& content) {
  const std::size_t size = content.size();
  if (size < 1 << 6) return number(size, 1) + content;
  if (size < 1 << 14) return number(size | 0x4000, 2) + content;
  return number(size | 0x80000000, 4) + content;
}
inline Octets vector(const std::string& content) { return vector(octets(content)); }

inline Octets hash(const Octets& input) {
  Octets out(crypto_hash_sha256_BYTES);
  crypto_hash_sha256(out.data(), input.data(), input.size());
  return out;
}

// RFC 2104.
inline Octets hmac(Octets key, const Octets& input) {
  if (key.size() > 64) key = hash(key);
  key.resize(64);
  Octets inner = key, outer = key;
  for (auto& octet : inner) octet ^= 0x36;
  for (auto& octet : outer) octet ^= 0x5c;
  return hash(outer + hash(inner + input));
}

// RFC 5869.
inline Octets extract(const Octets& salt, const Octets& ikm) { return hmac(salt, ikm); }

inline Octets expand(const Octets& prk, const Octets& info, std::size_t size) {
  Octets out, block;
  for (unsigned i = 1; out.size() < size; ++i) {
    block = hmac(prk, block + info + number(i, 1));
    out = out + block;
  }
  out.resize(size);
  return out;
}

// RFC 9420, section 8.
inline Octets expand_with_label(const Octets& secret, const std::string& label, const Octets& context,
                                std::size_t size) {
  return expand(secret, number(size, 2) + vector("MLS 1.0 " + label) + vector(context), size);
}

inline Octets derive_secret(const Octets& secret, const std::string& label) {
  return expand_with_label(secret, label, {}, 32);
}

}  // namespace model
