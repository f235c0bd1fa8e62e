#include "tree_index.h"

#include <bit>

namespace tacet {

// ---- credentials in use

Error CredentialsInUse::copy(const CredentialsInUse& other) noexcept {
  TRY(entries_.reserve(other.entries_.size()));
  entries_.append({other.entries_.begin(), other.entries_.size()});
  return Error::none;
}

Error CredentialsInUse::add(CredentialType type) noexcept {
  if (Entry* const entry = find(type)) {
    ++entry->users;
    return Error::none;
  }
  TRY(entries_.reserve(entries_.size() + 1));
  entries_.push_back({type, 1});
  return Error::none;
}

void CredentialsInUse::remove(CredentialType type) noexcept {
  Entry* const entry = find(type);
  if (entry == nullptr || --entry->users != 0) return;
  *entry = entries_[entries_.size() - 1];
  entries_.pop_back();
}

std::uint32_t CredentialsInUse::users(CredentialType type) const noexcept {
  for (const Entry& entry : entries_) {
    if (entry.type == type) return entry.users;
  }
  return 0;
}

bool CredentialsInUse::all_listed(const Capabilities& capabilities) const noexcept {
  const CodePoints listed(capabilities.credentials);
  for (const Entry& entry : entries_) {
    if (!listed.contains(entry.type)) return false;
  }
  return true;
}

CredentialsInUse::Entry* CredentialsInUse::find(CredentialType type) noexcept {
  for (Entry& entry : entries_) {
    if (entry.type == type) return &entry;
  }
  return nullptr;
}

// ---- sets of leaves

namespace {

constexpr std::uint32_t word_bits = 64;

constexpr std::uint64_t bit(LeafIndex leaf) noexcept { return std::uint64_t{1} << leaf.value % word_bits; }

}  // namespace

Error LeafSet::copy(const LeafSet& other) noexcept {
  TRY(words_.reserve(other.words_.size()));
  words_.append({other.words_.begin(), other.words_.size()});
  count_ = other.count_;
  return Error::none;
}

Error LeafSet::reserve(TreeSize size) noexcept {
  const std::size_t words = (std::size_t{size.leaves()} + word_bits - 1) / word_bits;
  if (words <= words_.size()) return Error::none;
  TRY(words_.reserve(words));
  words_.push_back(words - words_.size(), 0);
  return Error::none;
}

void LeafSet::insert(LeafIndex leaf) noexcept {
  std::uint64_t& word = words_[leaf.value / word_bits];
  if ((word & bit(leaf)) == 0) ++count_;
  word |= bit(leaf);
}

void LeafSet::erase(LeafIndex leaf) noexcept {
  std::uint64_t& word = words_[leaf.value / word_bits];
  if ((word & bit(leaf)) != 0) --count_;
  word &= ~bit(leaf);
}

bool LeafSet::contains(LeafIndex leaf) const noexcept {
  return leaf.value / word_bits < words_.size() && (words_[leaf.value / word_bits] & bit(leaf)) != 0;
}

bool LeafSet::any_below(NodeIndex subtree) const noexcept {
  const std::uint32_t first = first_leaf(subtree).value;
  const std::uint32_t leaves = std::uint32_t{1} << level(subtree);
  if (leaves < word_bits) {  // aligned, so within one word
    const std::uint64_t mask = ((std::uint64_t{1} << leaves) - 1) << first % word_bits;
    return first / word_bits < words_.size() && (words_[first / word_bits] & mask) != 0;
  }
  const std::size_t end = (std::size_t{first} + leaves) / word_bits;
  for (std::size_t i = first / word_bits; i < end && i < words_.size(); ++i) {
    if (words_[i] != 0) return true;
  }
  return false;
}

LeafIndex LeafSet::first_absent() const noexcept {
  std::uint32_t i = 0;
  while (i < words_.size() && words_[i] == ~std::uint64_t{0}) ++i;
  const auto within = i < words_.size() ? static_cast<std::uint32_t>(std::countr_one(words_[i])) : 0;
  return {i * word_bits + within};
}

}  // namespace tacet
