#include "scan.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace tacet::adversary {

namespace {

std::uint64_t hash_of(std::uint64_t block) {
  block = (block ^ block >> 32) * 0x9e3779b97f4a7c15;  // the golden ratio
  return (block ^ block >> 29) * 0xff51afd7ed558ccd;   // any odd number will do
}

// Two bits of one word.
std::uint64_t filter_bits(std::uint64_t hash) {
  return std::uint64_t{1} << (hash & 63) | std::uint64_t{1} << (hash >> 6 & 63);
}

// Text in which each character stands for some bits.
struct Encoding {
  unsigned bits;    // of a character
  unsigned phases;  // characters until a byte begins with one again
  std::array<std::int8_t, 256> digits{};

  constexpr Encoding(unsigned bits_of_digit, unsigned count) : bits(bits_of_digit), phases(count) {
    for (auto& digit : digits) digit = -1;
  }
  constexpr void range(char first, char last, int value) {
    for (int c = first; c <= last; ++c)
      digits[static_cast<unsigned char>(c)] = static_cast<std::int8_t>(value++);
  }
};

constexpr Encoding hexadecimal = [] {
  Encoding encoding(4, 2);
  encoding.range('0', '9', 0);
  encoding.range('a', 'f', 10);
  encoding.range('A', 'F', 10);
  return encoding;
}();

constexpr Encoding base64 = [] {  // of either alphabet
  Encoding encoding(6, 4);
  encoding.range('A', 'Z', 0);
  encoding.range('a', 'z', 26);
  encoding.range('0', '9', 52);
  for (const char c : {'+', '-'}) encoding.range(c, c, 62);
  for (const char c : {'/', '_'}) encoding.range(c, c, 63);
  return encoding;
}();

// What the characters stand for if a byte begins with the first.
void decode(const Encoding& encoding, Bytes run, std::vector<std::uint8_t>& out) {
  out.clear();
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const std::uint8_t c : run) {
    buffer = buffer << encoding.bits | static_cast<std::uint8_t>(encoding.digits[c]);
    bits += encoding.bits;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<std::uint8_t>(buffer >> bits));
  }
}

// Calls `see` with all that the runs of characters of the encoding can stand for.
template <class See>
void decode_runs(const Encoding& encoding, Bytes any, std::size_t least, See see) {
  std::vector<std::uint8_t> decoded;
  for (std::size_t begin = 0, end = 0; begin < any.size(); begin = end + 1) {
    for (end = begin; end < any.size() && encoding.digits[any[end]] >= 0;) ++end;
    if ((end - begin) * encoding.bits < 8 * least) continue;
    for (unsigned phase = 0; phase < encoding.phases; ++phase) {
      decode(encoding, any.subspan(begin + phase, end - begin - phase), decoded);
      see(Bytes(decoded));
    }
  }
}

std::uint64_t load(const std::uint8_t* bytes) {
  std::uint64_t block;
  std::memcpy(&block, bytes, sizeof block);
  return block;
}

}  // namespace

std::uint32_t Scanner::add(Bytes bytes, Sought sought, std::uint32_t owner) {
  const auto first = static_cast<std::uint32_t>(blocks_.size());
  blocks_.resize(blocks_.size() + (bytes.size() + block_size - 1) / block_size);
  same_.resize(blocks_.size(), none);
  if (!bytes.empty()) std::memcpy(&blocks_[first], bytes.data(), bytes.size());
  strings_.push_back({first, static_cast<std::uint32_t>(bytes.size()), owner, Sought::never});
  set(static_cast<std::uint32_t>(strings_.size() - 1), sought);
  return static_cast<std::uint32_t>(strings_.size() - 1);
}

void Scanner::set(std::uint32_t string, Sought sought) {
  if (strings_[string].sought == Sought::never && sought != Sought::never) index(strings_[string]);
  strings_[string].sought = sought;
}

Bytes Scanner::bytes(std::uint32_t string) const {
  const String& found = strings_[string];
  return {reinterpret_cast<const std::uint8_t*>(blocks_.data() + found.first_block), found.size};
}

void Scanner::index(const String& string) {
  const std::uint32_t end = string.first_block + string.size / block_size;
  if (bits_ > 0) {
    for (std::uint32_t block = string.first_block; block < end; ++block) prefetch(hash_of(blocks_[block]));
  }
  for (std::uint32_t block = string.first_block; block < end; ++block) {
    if (blocks_[block] == 0) continue;  // is everywhere, and says nothing
    // In a run of the same, the first two and the last find what any other would.
    const bool inside = block >= string.first_block + 2 && block + 1 < end &&
                        blocks_[block] == blocks_[block - 2] && blocks_[block] == blocks_[block - 1] &&
                        blocks_[block] == blocks_[block + 1];
    if (!inside) insert(block);
  }
}

void Scanner::insert(std::uint32_t block) {
  if (2 * used_ >= slots_.size()) grow();
  const std::size_t slot = slot_of(blocks_[block]);
  if (slots_[slot].block == none) ++used_;
  same_[block] = slots_[slot].block;
  put(slot, block);
}

void Scanner::put(std::size_t slot, std::uint32_t block) {
  const std::uint64_t hash = hash_of(blocks_[block]);
  slots_[slot] = {static_cast<std::uint32_t>(hash), block};
  filter_[word_of(hash)] |= filter_bits(hash);
}

void Scanner::grow() {
  bits_ = std::max(bits_ + 1, 10u);
  std::vector<Slot> before(std::size_t{1} << bits_);
  before.swap(slots_);
  filter_.assign(slots_.size() / slots_per_word, 0);
  for (const Slot& slot : before) {
    if (slot.block != none) put(slot_of(blocks_[slot.block]), slot.block);
  }
}

// Tables are larger than what is near to a processor: what is needed is asked for some time before.
void Scanner::prefetch(std::uint64_t hash) const {
  __builtin_prefetch(&slots_[hash >> (64 - bits_)]);
  __builtin_prefetch(&filter_[word_of(hash)]);
}

// Where the block is, or would be.
std::size_t Scanner::slot_of(std::uint64_t block) const {
  const std::uint64_t hash = hash_of(block);
  const auto is_other = [&](const Slot& slot) {
    return slot.hash != static_cast<std::uint32_t>(hash) || blocks_[slot.block] != block;
  };
  std::size_t slot = hash >> (64 - bits_);
  while (slots_[slot].block != none && is_other(slots_[slot])) slot = (slot + 1) & (slots_.size() - 1);
  return slot;
}

const Scanner::String& Scanner::string_at(std::uint32_t block) const {
  const auto after = std::upper_bound(strings_.begin(), strings_.end(), block,
                                      [](std::uint32_t at, const String& s) { return at < s.first_block; });
  return *(after - 1);
}

std::vector<std::uint32_t> Scanner::in(Bytes any) const {
  std::vector<std::uint32_t> found;
  look(any, found);
  for (const Encoding* encoding : {&hexadecimal, &base64}) {
    decode_runs(*encoding, any, block_size, [&](Bytes decoded) { look(decoded, found); });
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

// The filter is larger than what is near to a processor: many of its words are asked for before the first is
// used.
void Scanner::look(Bytes any, std::vector<std::uint32_t>& found) const {
  if (used_ == 0 || any.size() < block_size) return;
  std::vector<Place> places;
  std::array<std::uint64_t, 64> hashes;
  const std::size_t end = any.size() - block_size + 1;
  for (std::size_t begin = 0; begin < end; begin += hashes.size()) {
    const std::size_t count = std::min(hashes.size(), end - begin);
    for (std::size_t i = 0; i < count; ++i) {
      hashes[i] = hash_of(load(any.data() + begin + i));
      __builtin_prefetch(&filter_[word_of(hashes[i])]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t bits = filter_bits(hashes[i]);
      if ((filter_[word_of(hashes[i])] & bits) != bits) continue;
      const std::uint32_t last = slots_[slot_of(load(any.data() + begin + i))].block;
      if (last != none) places.push_back({begin + i, last});
    }
  }
  if (!places.empty()) judge(any, places, found);
}

// How far the string is the same around its block: no further than it takes to find `enough`, as what lies
// beyond has blocks of its own.
Scanner::Match Scanner::match(Bytes any, std::size_t at, std::uint32_t block,
                              const std::vector<bool>& covered) const {
  const String& string = string_at(block);
  const std::size_t offset = (block - string.first_block) * block_size;
  const Bytes own = bytes(static_cast<std::uint32_t>(&string - strings_.data()));
  const auto same = [&](std::size_t i, std::size_t j) {
    return any[i] == own[j] && !(string.sought == Sought::text && covered[i]);
  };
  const std::size_t most_after = std::min({enough, any.size() - at, own.size() - offset});
  const std::size_t most_before = std::min({enough - block_size, at, offset});
  std::size_t after = 0, before = 0;
  while (after < most_after && same(at + after, offset + after)) ++after;
  if (after < block_size) return {at, 0};
  while (before < most_before && same(at - before - 1, offset - before - 1)) ++before;
  return {at - before, before + after};
}

// First what constants lie there, then what else does.
void Scanner::judge(Bytes any, const std::vector<Place>& places, std::vector<std::uint32_t>& found) const {
  std::vector<bool> covered(any.size());
  for (const bool constants : {true, false}) {
    for (const Place& place : places) {
      for (std::uint32_t block = place.block; block != none; block = same_[block]) {
        const String& string = string_at(block);
        if ((string.sought == Sought::constant) != constants) continue;
        const Match there = match(any, place.at, block, covered);
        if (there.size < std::min<std::size_t>(enough, string.size)) continue;
        if (!constants) found.push_back(string.owner);
        const auto begin = covered.begin() + static_cast<std::ptrdiff_t>(there.begin);
        if (constants) std::fill_n(begin, there.size, true);
      }
    }
  }
}

}  // namespace tacet::adversary
