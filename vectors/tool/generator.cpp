#include "generator.h"

namespace tacet::tool {

Octets Generator::bytes(std::size_t size) {
  Octets bytes(size);
  static_cast<void>(random_.fill(bytes));  // cannot fail: SeededRandom only hashes
  return bytes;
}

std::string Generator::letters(std::size_t size) {
  std::string text;
  while (text.size() < size) text += static_cast<char>('a' + below(26));
  return text;
}

std::uint64_t Generator::seed_of(std::uint64_t seed, std::string_view file) {
  adversary::SeededRandom random(seed);
  Digest digest;
  std::uint8_t of_seed[sizeof seed] = {};
  static_cast<void>(random.fill(of_seed));
  static_cast<void>(Sodium(random).hash({Bytes(of_seed), bytes_of(file)}, digest));
  std::uint64_t result = 0;
  for (const std::uint8_t byte : digest.bytes().first(sizeof result)) result = result << 8 | byte;
  return result;
}

}  // namespace tacet::tool
