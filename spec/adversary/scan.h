#pragma once

// Finds, in bytes of any kind, which of very many strings lie there, as they are, in hexadecimal or in
// base64: a string of 8 to 15 bytes as a whole, of a longer one any 15 bytes in a row.

#include <cstdint>
#include <vector>

#include "protocol/bytes.h"

namespace tacet::adversary {

class Scanner {
 public:
  static constexpr std::size_t enough = 15;  // bytes in a row

  // What a string is looked for as.
  enum class Sought : std::uint8_t {
    never,
    key,       // wherever it lies
    text,      // but not where it only says what a constant says too
    constant,  // public; to know what of a text is
  };

  // Keeps a copy. Answers with its number: they are counted from 0. `owner` is what in() calls it.
  std::uint32_t add(Bytes bytes, Sought sought, std::uint32_t owner);
  // Only a string that was not sought before may become a key or a text.
  void set(std::uint32_t string, Sought sought);

  Bytes bytes(std::uint32_t string) const;  // valid until the next add()

  // The owners of the keys and texts that lie in `any`, sorted.
  std::vector<std::uint32_t> in(Bytes any) const;

 private:
  static constexpr std::uint32_t block_size = sizeof(std::uint64_t);
  static constexpr std::size_t slots_per_word = 8;
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  struct String {
    std::uint32_t first_block, size, owner;
    Sought sought;
  };
  struct Slot {
    std::uint32_t hash = 0;  // a part of it
    std::uint32_t block = none;
  };
  struct Place {  // where a block lies in what is looked through
    std::size_t at;
    std::uint32_t block;  // the last that was added of those that are the same
  };
  struct Match {  // of a string with what is looked through, there
    std::size_t begin, size;
  };

  void index(const String& string);
  void insert(std::uint32_t block);
  void put(std::size_t slot, std::uint32_t block);
  void grow();
  void prefetch(std::uint64_t hash) const;
  std::size_t slot_of(std::uint64_t block) const;
  std::size_t word_of(std::uint64_t hash) const { return (hash >> (64 - bits_)) / slots_per_word; }
  const String& string_at(std::uint32_t block) const;
  void look(Bytes any, std::vector<std::uint32_t>& found) const;
  Match match(Bytes any, std::size_t at, std::uint32_t block, const std::vector<bool>& covered) const;
  void judge(Bytes any, const std::vector<Place>& places, std::vector<std::uint32_t>& found) const;

  std::vector<String> strings_;
  // The strings, each from a block of its own on, and for each block the one before it that is the same. All
  // 15 bytes in a row of a string have a whole block in them.
  std::vector<std::uint64_t> blocks_;
  std::vector<std::uint32_t> same_;
  // The blocks that are looked for by their hash, and before them a Bloom filter, for what is mostly not
  // there.
  std::vector<Slot> slots_;
  std::vector<std::uint64_t> filter_;
  std::size_t used_ = 0;
  unsigned bits_ = 0;  // there are 2^bits_ slots
};

}  // namespace tacet::adversary
