#pragma once

// Byte strings of the adversary, for its own sources: copied, put together, and taken for secrets.

#include "builder.h"
#include "reveal.h"

namespace tacet::adversary {

inline Octets octets_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }
inline Octets octets_of(const Secret& secret) { return octets_of(reveal(secret)); }

inline SecretView secret_of(const Octets& octets) { return {octets.data(), octets.size()}; }

inline Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace tacet::adversary
