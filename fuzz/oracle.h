#pragma once

// What every fuzz target demands of what parses.

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "protocol/codec.h"

namespace tacet {

inline void demand(bool holds) {
  if (!holds) std::abort();
}
inline void demand(Error error) { demand(error == Error::none); }

// Decodes a T from a copy of exactly its size, so that the sanitizer sees any read beyond it; what decodes
// encodes to the same bytes, and the same again gathered in pieces.
template <class T>
void round_trip(Bytes input) {
  const auto copy = std::make_unique<std::uint8_t[]>(input.size());
  if (!input.empty()) std::memcpy(copy.get(), input.data(), input.size());
  const Bytes exact(copy.get(), input.size());
  T value{};
  if (decode(exact, value) != Error::none) return;

  std::vector<std::uint8_t> output(input.size());
  const Result<Bytes> encoded = encode(value, output);
  demand(encoded.ok() && equal(encoded.value(), exact));

  Gatherer<64, 256> gatherer;  // as much as an MlsMessage needs
  demand(gatherer(value) == Error::none);
  std::vector<std::uint8_t> gathered;
  for (const Bytes piece : gatherer.pieces()) gathered.insert(gathered.end(), piece.begin(), piece.end());
  demand(equal(gathered, exact));
}

}  // namespace tacet
