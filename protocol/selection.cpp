#include "selection.h"

namespace tacet {

namespace {

// The place of a proposal is its number among those that wait; of one by value, or of none:
constexpr std::uint32_t by_value_place = IndexMap::absent - 1;
constexpr std::uint32_t no_place = IndexMap::absent;

ProposalOrRef value_of(const Proposal& proposal, Bytes psk_nonce) noexcept {
  ProposalOrRef entry;
  entry.proposal = proposal;
  if (proposal.type == ProposalType::psk) entry.proposal.pre_shared_key.psk.psk_nonce = psk_nonce;
  return entry;
}

ProposalOrRef reference_of(const ProposalCache::Entry& entry) noexcept {
  ProposalOrRef reference;
  reference.type = ProposalOrRefType::reference;
  reference.reference = entry.reference;
  return reference;
}

}  // namespace

Error Selection::start(std::span<const Proposal> by_value, std::uint64_t now) noexcept {
  extensions_ = reinit_ = no_place;
  const std::size_t most = state_.proposals().size() + by_value.size();
  TRY(removed_.reserve(most));
  TRY(updated_.reserve(most));
  TRY(chosen_.reserve(state_.proposals().size()));
  Digest nonce;
  const MutableBytes drawn = nonce.resize(client_.crypto.hash_size());
  Sizer sizer;
  for (const Proposal& proposal : by_value) {
    if (proposal.type == ProposalType::add) TRY(check_lifetime_now(proposal.add.key_package.leaf_node, now));
    const ProposalOrRef entry = value_of(proposal, nonce);
    TRY(sizer(entry));
    note(proposal, {SenderType::member, own_, 0}, by_value_place);
  }
  Result<Buffer> room = Buffer::allocate(client_.memory, sizer.size());
  TRY(room.error());
  by_value_ = std::move(room.value());
  Writer writer(by_value_.bytes());
  for (const Proposal& proposal : by_value) {
    if (proposal.type == ProposalType::psk) TRY(client_.crypto.random(drawn));  // [PROP-16, PSK-03]
    const ProposalOrRef entry = value_of(proposal, nonce);
    TRY(writer(entry));
  }
  return Error::none;
}

// What of contrary proposals counts: one by value, or else the first Remove of a leaf, the newest Update and
// the newest GroupContextExtensions.
void Selection::note(const Proposal& proposal, const Sender& sender, std::uint32_t place) noexcept {
  const auto newest = [place](IndexMap& map, LeafIndex leaf) noexcept {
    if (map.find(leaf.value) != IndexMap::absent) map.erase(leaf.value);
    map.insert(leaf.value, place);
  };
  switch (proposal.type) {
    case ProposalType::remove: {
      const LeafIndex leaf = proposal.remove.removed;
      const bool counts =
          state_.tree().size().contains(leaf) && removed_.find(leaf.value) == IndexMap::absent;
      if (counts) removed_.insert(leaf.value, place);
      return;
    }
    case ProposalType::update:
      if (sender.type == SenderType::member) newest(updated_, sender.leaf_index);
      return;
    case ProposalType::group_context_extensions:
      if (extensions_ != by_value_place) extensions_ = place;
      return;
    case ProposalType::reinit:
      if (reinit_ == no_place) reinit_ = place;
      return;
    default:
      return;
  }
}

bool Selection::can_be_covered(const Entry& entry, std::uint32_t place) const noexcept {
  Proposal proposal;
  static_cast<void>(decode(state_.proposals().proposal(entry), proposal));  // it was decoded when it came
  switch (proposal.type) {
    case ProposalType::update: {  // [PLIST-07]
      const LeafIndex leaf = entry.sender.leaf_index;
      return entry.sender.type == SenderType::member && leaf != own_ &&
             removed_.find(leaf.value) == IndexMap::absent && updated_.find(leaf.value) == place;
    }
    case ProposalType::remove: {
      const LeafIndex leaf = proposal.remove.removed;
      return state_.tree().size().contains(leaf) && leaf != own_ && removed_.find(leaf.value) == place;
    }
    case ProposalType::psk: {
      SecretView psk;
      return psks_.find(proposal.pre_shared_key.psk, psk) == Error::none;
    }
    case ProposalType::group_context_extensions:
      return extensions_ == place;
    case ProposalType::reinit:  // others come before it [REINIT-05]
    case ProposalType::external_init:
      return false;
    default:
      return true;
  }
}

Error Selection::choose() noexcept {
  std::uint32_t place = 0;
  for (const Entry& entry : state_.proposals()) {
    Proposal proposal;
    static_cast<void>(decode(state_.proposals().proposal(entry), proposal));
    note(proposal, entry.sender, place++);
  }
  if (reinit_ == by_value_place) return Error::none;  // it stands alone
  place = 0;
  for (const Entry& entry : state_.proposals()) {
    if (can_be_covered(entry, place)) chosen_.push_back(place);
    ++place;
  }
  if (has_nothing() && reinit_ != no_place) chosen_.push_back(reinit_);
  return Error::none;
}

// Whether a Commit can cover the list as it is.
Error Selection::judge() const noexcept {
  Buffer room;
  Commit commit;
  TRY(list(room, commit.proposals));
  NextPublicState next(client_, state_);
  TRY(next.apply(client_, commit, {SenderType::member, own_, 0}));
  TRY(next.draft().rehash());
  return next.settle(client_);
}

// Tries as many at once as were valid together last, twice over: few trials if few are invalid.
Result<bool> Selection::narrow() noexcept {
  Array<std::uint32_t> candidates(client_.memory);
  candidates.swap(chosen_);
  TRY(chosen_.reserve(candidates.size()));
  TRY(judge());
  std::size_t step = candidates.size();
  for (std::size_t i = 0; i < candidates.size();) {
    if (step > candidates.size() - i) step = candidates.size() - i;
    chosen_.append(std::span(candidates.data() + i, step));
    const Error error = judge();
    if (error == Error::none) {
      i += step;
      step *= 2;
      continue;
    }
    if (error == Error::out_of_memory) return error;
    for (std::size_t back = 0; back < step; ++back) chosen_.pop_back();
    if (step == 1) {
      ++i;
    } else {
      step /= 2;
    }
  }
  if (has_nothing() && reinit_ != no_place) {
    chosen_.push_back(reinit_);
    const Error error = judge();
    if (error == Error::out_of_memory) return error;
    if (error != Error::none) chosen_.pop_back();
  }
  return chosen_.size() != candidates.size() || chosen_[0] != candidates[0];
}

Error Selection::list(Buffer& room, List<ProposalOrRef>& out) const noexcept {
  const auto code_references = [this](auto& coder) noexcept -> Error {
    for (const std::uint32_t place : chosen_) {
      const ProposalOrRef reference = reference_of(state_.proposals().begin()[place]);
      TRY(coder(reference));
    }
    return Error::none;
  };
  Sizer sizer;
  TRY(code_references(sizer));
  Result<Buffer> allocated = Buffer::allocate(client_.memory, sizer.size() + by_value_.size());
  TRY(allocated.error());
  room = std::move(allocated.value());
  Writer writer(room.bytes());
  TRY(code_references(writer));
  if (by_value_.size() != 0) {
    std::memcpy(room.bytes().data() + sizer.size(), by_value_.bytes().data(), by_value_.size());
  }
  return List<ProposalOrRef>::parse(room.bytes(), out);
}

}  // namespace tacet
