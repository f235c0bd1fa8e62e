#include "secret_tree.h"

namespace tacet {

namespace {

std::size_t index_of(RatchetType type) noexcept { return static_cast<std::size_t>(type); }

RatchetType other(RatchetType type) noexcept {
  return type == RatchetType::handshake ? RatchetType::application : RatchetType::handshake;
}

std::string_view label_of(RatchetType type) noexcept {
  return type == RatchetType::handshake ? "handshake" : "application";
}

// The key and nonce of a generation, from the ratchet's secret of that generation [SECTREE-04].
Error derive_message_key(Crypto& crypto, SecretView ratchet, std::uint32_t generation,
                         MessageKey& out) noexcept {
  out.generation = generation;
  TRY(crypto.derive_tree_secret(ratchet, "nonce", generation, crypto.suite().nonce_size, out.nonce));
  return crypto.derive_tree_secret(ratchet, "key", generation, crypto.suite().key_size, out.key);
}

}  // namespace

SecretTree::SecretTree(const SuiteParameters& suite, Memory& plain, Memory& secrets,
                       const Limits& limits) noexcept
    : suite_(&suite),
      limits_(limits),
      secrets_(plain, secrets, suite.hash_size),
      keys_(plain, secrets, suite.key_size),
      nonces_(plain, secrets, suite.nonce_size),
      nodes_(plain),
      sender_places_(plain),
      senders_(plain),
      skipped_(plain) {}

Error SecretTree::start(Secret encryption_secret, TreeSize size) noexcept {
  if (encryption_secret.size() != suite_->hash_size) return Error::secret_length;
  TRY(nodes_.reserve(1));
  TRY(secrets_.reserve(1));
  size_ = size;
  nodes_.insert(size.root().value, secrets_.put(std::move(encryption_secret)));  // [SECTREE-11]
  return Error::none;
}

Error SecretTree::next(Crypto& crypto, LeafIndex own, RatchetType type, MessageKey& out) noexcept {
  REFUSE_IF(sent_[index_of(type)] >= limits_.messages_per_epoch, Error::message_limit);  // [SECTREE-14]
  REFUSE_IF(limits_.reserved_generations != 0 && sent_[index_of(type)] >= reserved_[index_of(type)],
            Error::save_first);  // [FRAME-39]
  std::uint32_t generation = 0;
  if (const std::uint32_t place = sender_places_.find(own.value); place != IndexMap::absent) {
    const Sender& sender = senders_[place];
    REFUSE_IF(sender.ratchet[index_of(type)] == SecretSlots::none,
              Error::generation_exhausted);  // [SECTREE-10]
    generation = sender.next[index_of(type)];
  }
  PeekedKey peeked;
  TRY(peek(crypto, own, type, generation, peeked));
  out = std::move(peeked.message_key_);
  adopt(peeked);  // [SECTREE-05, PRIV-07]
  ++sent_[index_of(type)];
  return Error::none;
}

void PeekedKey::clear() noexcept {
  message_key_ = MessageKey();
  origin_ = Origin::nothing;
  exhausted_ = false;
  ratchet_.clear();
  other_ratchet_.clear();
  for (; copath_size_ > 0; --copath_size_) copath_[copath_size_ - 1].secret.clear();
}

Error SecretTree::peek(Crypto& crypto, LeafIndex sender, RatchetType type, std::uint32_t generation,
                       PeekedKey& out) noexcept {
  REFUSE_IF(!size_.contains(sender), Error::leaf_outside_tree);
  drop(out);
  out.leaf_ = sender;
  out.type_ = type;
  const Error error = derive(crypto, generation, out);
  if (error != Error::none) drop(out);
  return error;
}

Error SecretTree::derive(Crypto& crypto, std::uint32_t generation, PeekedKey& out) noexcept {
  const std::uint32_t place = sender_places_.find(out.leaf_.value);
  if (place == IndexMap::absent) {
    REFUSE_IF(generation > limits_.forward_distance, Error::generation_too_far);  // [SECTREE-09]
    TRY(begin_sender(crypto, out));
    return step_to(crypto, 0, generation, out);
  }
  const std::uint32_t from = senders_[place].next[index_of(out.type_)];
  const SecretSlots::Slot slot = senders_[place].ratchet[index_of(out.type_)];
  if (slot == SecretSlots::none || generation < from) return find_skipped(generation, out);
  REFUSE_IF(generation - from > limits_.forward_distance, Error::generation_too_far);  // [SECTREE-09]
  out.origin_ = PeekedKey::Origin::heard;
  out.place_ = place;
  out.ratchet_ = secrets_.copy(slot);
  return step_to(crypto, from, generation, out);
}

// Room for one more sender, with the deepest copath: from here on, adopting its key cannot fail.
Error SecretTree::reserve_for_sender() noexcept {
  TRY(senders_.reserve(senders_.size() + 1));
  TRY(sender_places_.reserve(1));
  TRY(nodes_.reserve(size_.depth()));
  TRY(secrets_.reserve(size_.depth() + 2));
  return reserve_skipped();
}

Error SecretTree::reserve_skipped() noexcept {
  const std::size_t capacity = std::size_t{limits_.skipped_keys} + limits_.out_of_order_window;
  if (skipped_.size() == capacity) return Error::none;
  TRY(skipped_.reserve(capacity));
  TRY(keys_.reserve(capacity));
  TRY(nonces_.reserve(capacity));
  while (skipped_.size() < capacity) {
    Skipped entry;
    entry.key = keys_.put();
    entry.nonce = nonces_.put();
    skipped_.push_back(entry);
  }
  return Error::none;
}

Error SecretTree::find_skipped(std::uint32_t generation, PeekedKey& out) noexcept {
  for (std::size_t i = 0; i < skipped_.size(); ++i) {
    const Skipped& entry = skipped_[i];
    const bool is_it = entry.state == Skipped::State::live && entry.leaf == out.leaf_ &&
                       entry.type == out.type_ && entry.generation == generation;
    if (!is_it) continue;
    out.origin_ = PeekedKey::Origin::skipped;  // [SECTREE-07]
    out.place_ = i;
    out.message_key_ = {keys_.copy(entry.key), nonces_.copy(entry.nonce), generation};
    return Error::none;
  }
  return Error::generation_gone;  // [SECTREE-06]
}

// Derives the ratchets of a sender not heard before, down from the lowest ancestor that still has its secret.
Error SecretTree::begin_sender(Crypto& crypto, PeekedKey& out) noexcept {
  TRY(reserve_for_sender());
  NodeIndex ancestor = out.leaf_;
  std::uint32_t slot = nodes_.find(ancestor.value);
  for (unsigned height = 0; slot == IndexMap::absent; ++height) {
    const std::optional<NodeIndex> parent = size_.parent(ancestor);
    if (!parent || height == size_.depth()) return Error::generation_gone;  // no tree was started
    ancestor = *parent;
    slot = nodes_.find(ancestor.value);
  }
  const std::size_t hash_size = suite_->hash_size;
  Secret secret = secrets_.copy(slot);
  for (NodeIndex node = ancestor; !is_leaf(node);) {  // [SECTREE-01]
    Secret left_secret, right_secret;
    TRY(crypto.expand_with_label(secret, "tree", {bytes_of("left")}, hash_size, left_secret));
    TRY(crypto.expand_with_label(secret, "tree", {bytes_of("right")}, hash_size, right_secret));
    const bool goes_left = NodeIndex(out.leaf_) < node;
    const NodeIndex beside = goes_left ? *right(node) : *left(node);
    out.copath_[out.copath_size_].index = beside.value;
    out.copath_[out.copath_size_++].secret = std::move(goes_left ? right_secret : left_secret);
    secret = std::move(goes_left ? left_secret : right_secret);
    node = goes_left ? *left(node) : *right(node);
  }
  out.origin_ = PeekedKey::Origin::unheard;
  out.ancestor_ = ancestor.value;
  TRY(crypto.expand_with_label(secret, label_of(out.type_), {}, hash_size, out.ratchet_));  // [SECTREE-02]
  return crypto.expand_with_label(secret, label_of(other(out.type_)), {}, hash_size, out.other_ratchet_);
}

// Moves out.ratchet_ from generation `from` past `generation`, whose key becomes out.message_key_; the keys
// in between that lie within the window are kept aside as pending.
Error SecretTree::step_to(Crypto& crypto, std::uint32_t from, std::uint32_t generation,
                          PeekedKey& out) noexcept {
  const std::size_t hash_size = suite_->hash_size;
  for (std::uint32_t g = from; g != generation; ++g) {
    if (generation - g <= limits_.out_of_order_window) TRY(derive_skipped(crypto, g, out));
    TRY(crypto.derive_tree_secret(out.ratchet_, "secret", g, hash_size, out.ratchet_));
  }
  TRY(derive_message_key(crypto, out.ratchet_, generation, out.message_key_));
  out.exhausted_ = generation == 0xffffffff;  // the counter does not wrap [SECTREE-10]
  if (out.exhausted_) {
    out.ratchet_.clear();
    return Error::none;
  }
  return crypto.derive_tree_secret(out.ratchet_, "secret", generation, hash_size, out.ratchet_);
}

// Puts the key of a skipped generation into a free entry. There always is one: at most skipped_keys are live.
Error SecretTree::derive_skipped(Crypto& crypto, std::uint32_t generation, const PeekedKey& peeked) noexcept {
  MessageKey skipped;
  TRY(derive_message_key(crypto, peeked.ratchet_, generation, skipped));
  for (Skipped& entry : skipped_) {
    if (entry.state != Skipped::State::free) continue;
    keys_.replace(entry.key, std::move(skipped.key));
    nonces_.replace(entry.nonce, std::move(skipped.nonce));
    entry.state = Skipped::State::pending;
    ++skipped_pending_;
    entry.leaf = peeked.leaf_;
    entry.type = peeked.type_;
    entry.generation = generation;
    entry.age = ++clock_;
    return Error::none;
  }
  return Error::out_of_memory;
}

// The message's key goes [PRIV-01], and so do the ratchet's secrets up to its generation: of these only the
// keys skipped stay [PRIV-02, PRIV-05].
void SecretTree::adopt(PeekedKey& peeked) noexcept {
  switch (peeked.origin_) {
    case PeekedKey::Origin::nothing:
      break;
    case PeekedKey::Origin::skipped:
      free_skipped(skipped_[peeked.place_]);
      break;
    case PeekedKey::Origin::unheard:
      adopt_sender(peeked);
      [[fallthrough]];
    case PeekedKey::Origin::heard: {
      Sender& sender = senders_[peeked.place_];
      const std::size_t type = index_of(peeked.type_);
      if (peeked.exhausted_) {
        secrets_.erase(sender.ratchet[type]);
        sender.ratchet[type] = SecretSlots::none;
      } else {
        secrets_.replace(sender.ratchet[type], std::move(peeked.ratchet_));
        sender.next[type] = peeked.message_key_.generation + 1;
      }
      adopt_skipped(peeked);
      break;
    }
  }
  peeked.clear();
}

void SecretTree::drop(PeekedKey& peeked) noexcept {
  free_pending();
  peeked.clear();
}

// The path from the ancestor to the leaf is consumed [PRIV-03]; the nodes beside it stay, and so does the
// sender's other ratchet [PRIV-08].
void SecretTree::adopt_sender(PeekedKey& peeked) noexcept {
  secrets_.erase(nodes_.find(peeked.ancestor_));
  nodes_.erase(peeked.ancestor_);
  for (std::size_t i = 0; i < peeked.copath_size_; ++i) {
    PeekedKey::Node& node = peeked.copath_[i];
    nodes_.insert(node.index, secrets_.put(std::move(node.secret)));
  }
  Sender sender{};
  sender.leaf = peeked.leaf_;
  sender.ratchet[index_of(peeked.type_)] = secrets_.put();  // filled by adopt()
  sender.ratchet[index_of(other(peeked.type_))] = secrets_.put(std::move(peeked.other_ratchet_));
  peeked.place_ = senders_.size();
  sender_places_.insert(sender.leaf.value, static_cast<std::uint32_t>(peeked.place_));
  senders_.push_back(sender);
}

// Pending keys become live; those of the ratchet that fell out of its window go, and the oldest over the
// limit [SECTREE-08, SECTREE-15].
void SecretTree::adopt_skipped(const PeekedKey& peeked) noexcept {
  if (skipped_live_ + skipped_pending_ == 0) return;
  for (Skipped& entry : skipped_) {
    if (entry.state == Skipped::State::pending) {
      entry.state = Skipped::State::live;
      --skipped_pending_;
      ++skipped_live_;
    } else if (entry.state == Skipped::State::live && entry.leaf == peeked.leaf_ &&
               entry.type == peeked.type_ &&
               peeked.message_key_.generation - entry.generation > limits_.out_of_order_window) {
      free_skipped(entry);
    }
  }
  while (skipped_live_ > limits_.skipped_keys) free_skipped(oldest());
}

// Of those that are live; there is one.
SecretTree::Skipped& SecretTree::oldest() noexcept {
  Skipped* oldest = nullptr;
  for (Skipped& entry : skipped_) {
    if (entry.state != Skipped::State::live) continue;
    if (oldest == nullptr || entry.age < oldest->age) oldest = &entry;
  }
  return *oldest;
}

void SecretTree::free_skipped(Skipped& entry) noexcept {
  --(entry.state == Skipped::State::live ? skipped_live_ : skipped_pending_);
  keys_.replace(entry.key, Secret());
  nonces_.replace(entry.nonce, Secret());
  entry.state = Skipped::State::free;
  entry.type = RatchetType::handshake;  // nothing tells that it was ever used
  entry.leaf = LeafIndex();
  entry.generation = 0;
  entry.age = 0;
}

void SecretTree::free_pending() noexcept {
  if (skipped_pending_ == 0) return;
  for (Skipped& entry : skipped_) {
    if (entry.state == Skipped::State::pending) free_skipped(entry);
  }
}

// ---- what lasts

SecretTree::Reserved SecretTree::reservation() const noexcept {
  const std::uint32_t most =
      limits_.reserved_generations < max_reserved ? limits_.reserved_generations : max_reserved;
  Reserved reserved = sent_;
  for (std::uint32_t& until : reserved) until += most < UINT32_MAX - until ? most : UINT32_MAX - until;
  return reserved;
}

Error SecretTree::save(SecretWriter& writer, const Reserved& reserved) const noexcept {
  TRY(writer(sent_[0], sent_[1], reserved[0], reserved[1]));
  const auto nodes = static_cast<std::uint32_t>(nodes_.size());
  TRY(writer(nodes));
  const auto save_node = [&](std::uint32_t node, SecretSlots::Slot slot) noexcept -> Error {
    const Error error = writer(node);
    return error == Error::none ? writer.secret(secrets_.copy(slot)) : error;
  };
  TRY(nodes_.for_each(save_node));
  const auto senders = static_cast<std::uint32_t>(senders_.size());
  TRY(writer(senders));
  for (const Sender& sender : senders_) {
    TRY(writer(sender.leaf.value));
    for (std::size_t type = 0; type < 2; ++type) {
      TRY(writer(sender.next[type]));
      const SecretSlots::Slot slot = sender.ratchet[type];
      TRY(writer.secret(slot == SecretSlots::none ? Secret() : secrets_.copy(slot)));
    }
  }
  return save_skipped(writer);
}

Error SecretTree::save_skipped(SecretWriter& writer) const noexcept {
  const auto count = static_cast<std::uint32_t>(skipped_live_);
  TRY(writer(count));
  for (const Skipped& entry : skipped_) {
    if (entry.state != Skipped::State::live) continue;
    TRY(writer(entry.type, entry.leaf.value, entry.generation, entry.age));
    TRY(writer.secret(keys_.copy(entry.key)));
    TRY(writer.secret(nonces_.copy(entry.nonce)));
  }
  return Error::none;
}

Error SecretTree::restore(SecretReader& reader, TreeSize size) noexcept {
  size_ = size;
  TRY(reader(sent_[0], sent_[1], reserved_[0], reserved_[1]));
  for (std::size_t type = 0; type < 2; ++type) {
    const bool is_much = reserved_[type] > sent_[type] && reserved_[type] - sent_[type] > max_reserved;
    REFUSE_IF(is_much, Error::saved_state_malformed);
  }
  TRY(restore_nodes(reader));
  TRY(restore_senders(reader));
  return restore_skipped(reader);
}

Error SecretTree::restore_nodes(SecretReader& reader) noexcept {
  std::uint32_t count = 0;
  TRY(reader(count));
  for (; count > 0; --count) {
    TRY(nodes_.reserve(1));
    TRY(secrets_.reserve(1));
    std::uint32_t node = 0;
    Secret secret;
    TRY(reader(node));
    REFUSE_IF(node >= size_.nodes() || nodes_.find(node) != IndexMap::absent, Error::saved_state_malformed);
    TRY(reader.secret(suite_->hash_size, secret));
    nodes_.insert(node, secrets_.put(std::move(secret)));
  }
  return Error::none;
}

Error SecretTree::restore_senders(SecretReader& reader) noexcept {
  std::uint32_t count = 0;
  TRY(reader(count));
  if (count != 0) TRY(reserve_skipped());
  for (; count > 0; --count) {
    TRY(senders_.reserve(senders_.size() + 1));
    TRY(sender_places_.reserve(1));
    TRY(secrets_.reserve(2));
    Sender sender{};
    TRY(reader(sender.leaf.value));
    REFUSE_IF(!size_.contains(sender.leaf) || sender_places_.find(sender.leaf.value) != IndexMap::absent,
              Error::saved_state_malformed);
    for (std::size_t type = 0; type < 2; ++type) {
      Secret ratchet;
      TRY(reader(sender.next[type]));
      TRY(reader.secret(ratchet));
      if (!ratchet.empty() && ratchet.size() != suite_->hash_size) return Error::secret_length;
      sender.ratchet[type] = ratchet.empty() ? SecretSlots::none : secrets_.put(std::move(ratchet));
    }
    sender_places_.insert(sender.leaf.value, static_cast<std::uint32_t>(senders_.size()));
    senders_.push_back(sender);
  }
  return Error::none;
}

// The newest, as many as the limit says.
Error SecretTree::restore_skipped(SecretReader& reader) noexcept {
  std::uint32_t count = 0;
  TRY(reader(count));
  for (; count > 0; --count) {
    Skipped saved;
    Secret key, nonce;
    TRY(reader(saved.type, saved.leaf.value, saved.generation, saved.age));
    TRY(reader.secret(suite_->key_size, key));
    TRY(reader.secret(suite_->nonce_size, nonce));
    clock_ = saved.age > clock_ ? saved.age : clock_;
    if (skipped_.empty() || limits_.skipped_keys == 0) continue;
    if (skipped_live_ == limits_.skipped_keys) {
      if (saved.age < oldest().age) continue;
      free_skipped(oldest());
    }
    Skipped* entry = skipped_.begin();
    while (entry->state != Skipped::State::free) ++entry;
    keys_.replace(entry->key, std::move(key));
    nonces_.replace(entry->nonce, std::move(nonce));
    saved.state = Skipped::State::live;
    saved.key = entry->key;
    saved.nonce = entry->nonce;
    *entry = saved;
    ++skipped_live_;
  }
  return Error::none;
}

Error SecretTree::pass_over_reserved(Crypto& crypto, LeafIndex own) noexcept {
  for (const RatchetType type : {RatchetType::handshake, RatchetType::application}) {
    while (sent_[index_of(type)] < reserved_[index_of(type)]) {
      MessageKey passed;
      const Error error = next(crypto, own, type, passed);
      if (error == Error::message_limit || error == Error::generation_exhausted) break;  // nothing is left
      TRY(error);
    }
  }
  reserved_ = sent_;
  return Error::none;
}

Error derive_sender_data_key(Crypto& crypto, SecretView sender_data_secret, Bytes ciphertext, Secret& key,
                             Secret& nonce) noexcept {
  const std::size_t size = ciphertext.size() < crypto.hash_size() ? ciphertext.size() : crypto.hash_size();
  const Bytes sample = ciphertext.first(size);  // [FRAME-43, FRAME-44]
  TRY(crypto.expand_with_label(sender_data_secret, "key", {sample}, crypto.suite().key_size, key));
  return crypto.expand_with_label(sender_data_secret, "nonce", {sample}, crypto.suite().nonce_size, nonce);
}

}  // namespace tacet
