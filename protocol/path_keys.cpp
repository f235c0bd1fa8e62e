#include "path_keys.h"

namespace tacet {

PathKeys::PathKeys(const SuiteParameters& suite, Memory& plain, Memory& secrets) noexcept
    : key_size_(suite.kem_private_key_size),
      keys_(plain, secrets, suite.kem_private_key_size),
      held_(plain),
      updates_(plain) {}

Error PathKeys::start(LeafIndex own, Secret leaf_key) noexcept {
  start(own);
  return put(own, std::move(leaf_key));
}

Error PathKeys::carry_over(Crypto& crypto, const PathKeys& before, const TreeDraft& draft) noexcept {
  own_ = before.own_;
  for (const Held& held : before.held_) {  // [TREE-09, TREE-33, PRIV-12]
    const Bytes key = draft.encryption_key(held.node);
    if (key.empty() || !equal(key, draft.base().encryption_key(held.node))) continue;
    TRY(put(held.node, before.keys_.copy(held.slot)));
  }
  if (holds(own_) || draft.is_blank(own_)) return Error::none;
  Digest digest;
  TRY(crypto.hash({draft.encryption_key(own_)}, digest));
  for (const Update& update : before.updates_) {  // [PROP-11]
    if (equal(update.encryption_key, digest)) return put(own_, before.keys_.copy(update.slot));
  }
  return Error::none;
}

Error PathKeys::put(NodeIndex node, Secret private_key) noexcept {
  if (private_key.size() != key_size_) return Error::secret_length;
  if (const Held* const held = find(node)) {
    keys_.replace(held->slot, std::move(private_key));
    return Error::none;
  }
  TRY(held_.reserve(TreeSize::max_depth + 1));  // at most one for each height
  TRY(keys_.reserve(1));
  held_.push_back({node, keys_.put(std::move(private_key))});
  return Error::none;
}

Error PathKeys::add_update(Crypto& crypto, Bytes encryption_key, Secret private_key) noexcept {
  if (private_key.size() != key_size_) return Error::secret_length;
  Update update;
  TRY(crypto.hash({encryption_key}, update.encryption_key));
  TRY(updates_.reserve(updates_.size() + 1));
  TRY(keys_.reserve(1));
  update.slot = keys_.put(std::move(private_key));
  updates_.push_back(update);
  return Error::none;
}

void PathKeys::drop_update() noexcept {
  keys_.erase(updates_[updates_.size() - 1].slot);
  updates_.pop_back();
}

Error PathKeys::save(SecretWriter& writer) const noexcept {
  const auto held_count = static_cast<std::uint32_t>(held_.size());
  TRY(writer(own_, held_count));
  for (const Held& held : held_) {
    TRY(writer(held.node.value));
    TRY(writer.secret(keys_.copy(held.slot)));
  }
  const auto update_count = static_cast<std::uint32_t>(updates_.size());
  TRY(writer(update_count));
  for (const Update& update : updates_) {
    const Bytes digest = update.encryption_key;
    TRY(writer(digest));
    TRY(writer.secret(keys_.copy(update.slot)));
  }
  return Error::none;
}

Error PathKeys::restore(SecretReader& reader) noexcept {
  std::uint32_t count = 0;
  TRY(reader(own_, count));
  for (; count > 0; --count) {
    NodeIndex node;
    Secret key;
    TRY(reader(node.value));
    TRY(reader.secret(key));
    TRY(put(node, std::move(key)));
  }
  TRY(reader(count));
  for (; count > 0; --count) {
    Bytes digest;
    Secret key;
    TRY(reader(digest));
    TRY(reader.secret(key_size_, key));
    TRY(updates_.reserve(updates_.size() + 1));
    TRY(keys_.reserve(1));
    Update update;
    update.encryption_key.assign(digest);
    update.slot = keys_.put(std::move(key));
    updates_.push_back(update);
  }
  return Error::none;
}

Secret PathKeys::copy(NodeIndex node) const noexcept {
  const Held* const held = find(node);
  return held == nullptr ? Secret() : keys_.copy(held->slot);
}

const PathKeys::Held* PathKeys::find(NodeIndex node) const noexcept {
  for (const Held& held : held_) {
    if (held.node == node) return &held;
  }
  return nullptr;
}

}  // namespace tacet
