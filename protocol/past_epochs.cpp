#include "past_epochs.h"

namespace tacet {

Error ReplacedLeaves::take(const TreeDraft& draft) noexcept {
  std::size_t count = 0, bytes = 0;
  draft.for_each_replaced_leaf([&](LeafIndex leaf) noexcept {
    ++count;
    bytes += draft.base().encoded(leaf).size();
  });
  TRY(reserve(count, bytes));
  draft.for_each_replaced_leaf([&](LeafIndex leaf) noexcept { put(leaf, draft.base().encoded(leaf)); });
  return Error::none;
}

Error ReplacedLeaves::restore(const List<ReplacedLeaf>& leaves) noexcept {
  TRY(reserve(leaves.count(), leaves.encoded().size()));
  for (const ReplacedLeaf& each : leaves) put(each.leaf, each.encoded);
  return Error::none;
}

Error ReplacedLeaves::reserve(std::size_t count, std::size_t bytes) noexcept {
  if (bytes > UINT32_MAX) return Error::out_of_memory;
  TRY(entries_.reserve(count));
  return bytes_.reserve(bytes);
}

void ReplacedLeaves::put(LeafIndex leaf, Bytes before) noexcept {
  const auto offset = static_cast<std::uint32_t>(bytes_.size());
  entries_.push_back({leaf, offset, static_cast<std::uint32_t>(before.size())});
  bytes_.append(before);
}

std::optional<Bytes> ReplacedLeaves::find(LeafIndex leaf) const noexcept {
  for (const Entry& entry : entries_) {
    if (entry.leaf == leaf) return Bytes(bytes_.data() + entry.offset, entry.size);
  }
  return std::nullopt;
}

// ---- the epochs

Error PastEpochs::start(const Client& client) noexcept {
  if (client.limits.past_epochs == 0) return Error::none;
  TRY(secrets_.reserve(client.limits.past_epochs));
  return kept_.make(client.limits.past_epochs, client);
}

void PastEpochs::keep(const Client& client, Epoch& epoch, ReplacedLeaves&& replaced) noexcept {
  if (kept_.size() == 0) return;
  PastEpoch ended(client);
  ended.size = epoch.state.tree().size();
  ended.replaced = std::move(replaced);
  ended.context = epoch.state.take_context();
  ended.secret_tree = std::move(epoch.member.secret_tree());
  put(std::move(ended), epoch.member.keys().copy(EpochKeys::Of::sender_data_secret));
}

// The keys that were there go with the argument.
void PastEpochs::put(PastEpoch&& epoch, Secret sender_data_secret) noexcept {
  PastEpoch& place = kept_[epoch.number() % kept_.size()];
  if (place.sender_data_secret != SecretSlots::none) secrets_.erase(place.sender_data_secret);
  place = std::move(epoch);
  place.sender_data_secret = secrets_.put(std::move(sender_data_secret));
}

bool PastEpochs::keeps(std::uint64_t epoch) const noexcept {
  if (kept_.size() == 0) return false;
  const std::size_t place = epoch % kept_.size();
  return is_kept(place) && kept_[place].number() == epoch;
}

std::size_t PastEpochs::count() const noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    if (is_kept(i)) ++count;
  }
  return count;
}

Error PastEpochs::save_secrets(SecretWriter& writer) const noexcept {
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    if (!is_kept(i)) continue;
    TRY(writer.secret(secrets_.copy(kept_[i].sender_data_secret)));
    TRY(kept_[i].secret_tree.save(writer, {}));  // nothing is sent in it any more
  }
  return Error::none;
}

Error PastEpochs::restore(const Client& client, Reader& reader, SecretReader& secrets) noexcept {
  std::uint32_t count = 0;
  TRY(reader(count));
  for (; count > 0; --count) {
    Bytes encoded;
    std::uint32_t leaves = 0;
    List<ReplacedLeaf> replaced;
    TRY(reader(encoded, leaves, replaced));
    GroupContext context;
    TRY(decode(encoded, context));
    PastEpoch epoch(client);
    TRY(epoch.context.set(client.memory, context));
    epoch.size = TreeSize::for_leaves(leaves);
    TRY(epoch.replaced.restore(replaced));
    Secret sender_data_secret;
    TRY(secrets.secret(sender_data_secret));
    TRY(epoch.secret_tree.restore(secrets, epoch.size));
    if (kept_.size() == 0) continue;
    const std::size_t place = context.epoch % kept_.size();
    if (is_kept(place) && kept_[place].number() > context.epoch) continue;
    put(std::move(epoch), std::move(sender_data_secret));
  }
  return Error::none;
}

// ---- their leaves

// A leaf is as it was when it was replaced first after that epoch, or as it still is.
Bytes PastLeaves::encoded(NodeIndex node) const noexcept {
  if (!is_leaf(node) || !size_.contains(node)) return {};
  for (const PastEpoch* each = &epoch_; each != nullptr; each = epochs_.find(each->number() + 1)) {
    if (const std::optional<Bytes> before = each->replaced.find(leaf_at(node))) return *before;
  }
  return present_.encoded(node);
}

}  // namespace tacet
