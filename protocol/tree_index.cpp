#include "tree_index.h"

#include <bit>

namespace tacet {

// ---- nodes by what they hold

Error NodeIndexMap::copy_with_room(const NodeIndexMap& other, std::size_t count) noexcept {
  key_ = other.key_;
  TRY(reserve(other.used_ + count + other.used_ / 8));  // so that growing is cheap on average
  insert_all(other);
  return Error::none;
}

Error NodeIndexMap::reserve(std::size_t count) noexcept {
  if (has_room(count)) return Error::none;
  const std::size_t room = used_ + count + used_ / 8;
  NodeIndexMap larger(entries_.memory());
  larger.key_ = key_;
  TRY(larger.entries_.reserve(room));
  while (larger.entries_.size() < room) {
    larger.entries_.push_back({0, {}, larger.first_free_, none});
    larger.first_free_ = static_cast<std::uint32_t>(larger.entries_.size() - 1);
  }
  larger.insert_all(*this);
  swap(larger);
  return Error::none;
}

void NodeIndexMap::insert_all(const NodeIndexMap& other) noexcept {
  for (const Entry& chain : other.entries_) {
    for (std::uint32_t i = chain.first; i != none; i = other.entries_[i].next) {
      insert(other.entries_[i].hash, other.entries_[i].node);
    }
  }
}

void NodeIndexMap::insert(std::uint32_t hash, NodeIndex node) noexcept {
  const std::uint32_t place = first_free_;
  Entry& entry = entries_[place];
  first_free_ = entry.next;
  std::uint32_t& first = entries_[chain_of(hash)].first;
  entry.hash = hash;
  entry.node = node;
  entry.next = first;
  first = place;
  ++used_;
}

void NodeIndexMap::erase(Crypto& crypto, Of what, Bytes value, NodeIndex node) noexcept {
  const std::uint32_t hash = this->hash(crypto, what, value);
  std::uint32_t* link = &entries_[chain_of(hash)].first;
  while (entries_[*link].hash != hash || entries_[*link].node != node) link = &entries_[*link].next;
  const std::uint32_t place = *link;
  *link = entries_[place].next;
  entries_[place].next = first_free_;
  first_free_ = place;
  --used_;
}

// ---- credentials in use

Error CredentialsInUse::add(CredentialType type) noexcept {
  const auto key = static_cast<std::uint32_t>(type);
  const std::uint32_t users = this->users(type);
  if (users == 0) {
    TRY(users_.reserve(1));
  } else {
    users_.erase(key);
  }
  users_.insert(key, users + 1);
  return Error::none;
}

void CredentialsInUse::remove(CredentialType type) noexcept {
  const auto key = static_cast<std::uint32_t>(type);
  const std::uint32_t users = this->users(type);
  if (users == 0) return;
  users_.erase(key);
  if (users > 1) users_.insert(key, users - 1);
}

std::uint32_t CredentialsInUse::users(CredentialType type) const noexcept {
  const std::uint32_t users = users_.find(static_cast<std::uint32_t>(type));
  return users == IndexMap::absent ? 0 : users;
}

bool CredentialsInUse::all_listed(const Capabilities& capabilities) const noexcept {
  CodePoints seen;
  std::size_t listed = 0;
  for (const CredentialType type : capabilities.credentials) {
    if (users(type) != 0 && !seen.contains(type)) ++listed;
    seen.insert(type);
  }
  return listed == users_.size();
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
