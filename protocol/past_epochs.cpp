#include "past_epochs.h"

namespace tacet {

Error ReplacedLeaves::take(const TreeDraft& draft) noexcept {
  std::size_t count = 0, bytes = 0;
  draft.for_each_replaced_leaf([&](LeafIndex leaf) noexcept {
    ++count;
    bytes += draft.base().encoded(leaf).size();
  });
  if (bytes > UINT32_MAX) return Error::out_of_memory;
  TRY(entries_.reserve(count));
  TRY(bytes_.reserve(bytes));
  draft.for_each_replaced_leaf([&](LeafIndex leaf) noexcept {
    const Bytes before = draft.base().encoded(leaf);
    entries_.push_back(
        {leaf, static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(before.size())});
    bytes_.append(before);
  });
  return Error::none;
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
  PastEpoch& place = kept_[epoch.state.context().epoch % kept_.size()];
  if (place.sender_data_secret != SecretSlots::none) secrets_.erase(place.sender_data_secret);
  place = PastEpoch(client);  // the keys that were there are wiped
  place.sender_data_secret = secrets_.put(epoch.member.keys().copy(EpochKeys::Of::sender_data_secret));
  place.size = epoch.state.tree().size();
  place.replaced = std::move(replaced);
  place.context = epoch.state.take_context();
  place.secret_tree = std::move(epoch.member.secret_tree());
}

bool PastEpochs::keeps(std::uint64_t epoch) const noexcept {
  if (kept_.size() == 0) return false;
  const PastEpoch& place = kept_[epoch % kept_.size()];
  return place.sender_data_secret != SecretSlots::none && place.number() == epoch;
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
