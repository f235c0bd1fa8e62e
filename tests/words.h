#pragma once

// Secrets as they are searched for: by 8 bytes in a row, at any place.

#include <unordered_set>

#include "protocol/bytes.h"

namespace tacet {

using Word = std::uint64_t;
using Words = std::unordered_set<Word>;

// Calls visit(word, where it begins) for each, also where they overlap.
template <class Visit>
void for_each_word(Bytes bytes, const Visit& visit) {
  for (std::size_t i = 0; i + sizeof(Word) <= bytes.size(); ++i) {
    Word word;
    std::memcpy(&word, &bytes[i], sizeof word);
    visit(word, i);
  }
}

inline void add(Bytes bytes, Words& words) {
  for_each_word(bytes, [&](Word word, std::size_t) { words.insert(word); });
}

inline void remove(Bytes bytes, Words& words) {
  for_each_word(bytes, [&](Word word, std::size_t) { words.erase(word); });
}

}  // namespace tacet
