#pragma once

// Leaves of noise, for tests of trees in which no signature counts. Needs no test framework.

#include <cstdlib>
#include <optional>

#include "model.h"
#include "spec/adversary/seeded_random.h"

namespace tacet {

// Random bytes.
inline model::Octets noise(Random& random, std::size_t size) {
  model::Octets out(size);
  if (random.fill(out) != Error::none) std::abort();
  return out;
}

// A LeafNode of noise: fresh keys, and a signature that nothing has made. A parent hash makes its source
// commit.
inline model::Octets noise_leaf(Random& random,
                                const std::optional<model::Octets>& parent_hash = std::nullopt,
                                std::size_t identity_size = 8) {
  using model::number, model::vector, model::operator+;
  const model::Octets capabilities =
      vector(number(1, 2)) + vector(number(3, 2)) + vector("") + vector("") + vector(number(1, 2));
  const model::Octets by_source =
      parent_hash ? model::Octets{3} + vector(*parent_hash) : model::Octets{1} + model::zeros(16);
  return vector(noise(random, 32)) + vector(noise(random, 32)) + number(1, 2) +
         vector(noise(random, identity_size)) + capabilities + by_source + vector("") +
         vector(noise(random, 64));
}

}  // namespace tacet
