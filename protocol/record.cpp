#include "record.h"

namespace tacet {

namespace {

// Of an Update or a Remove, whose leaf it changes.
std::optional<LeafIndex> leaf_changed(const ProposalList::Item& item) noexcept {
  if (item.type == ProposalType::update) return item.sender.leaf_index;
  if (item.type == ProposalType::remove) return item.proposal().remove.removed;
  return std::nullopt;
}

// Copies what it is given into one block.
class Copies {
 public:
  explicit Copies(MutableBytes room) noexcept : room_(room) {}
  Bytes keep(Bytes bytes) noexcept {
    if (bytes.empty()) return {};
    std::memcpy(room_.data(), bytes.data(), bytes.size());
    const Bytes kept = room_.first(bytes.size());
    room_ = room_.subspan(bytes.size());
    return kept;
  }

 private:
  MutableBytes room_;
};

}  // namespace

Error Record::take(const NextPublicState& next) noexcept {
  const RatchetTree& tree = next.before().tree();
  const bool is_member = next.sender().type == SenderType::member;
  const Bytes before = is_member ? tree.encoded(next.committer()) : Bytes();
  const Bytes after = next.draft().encoded(next.committer());
  std::size_t size = before.size() + after.size();
  for (const ProposalList::Item& item : next.list()) {
    const std::optional<LeafIndex> leaf = leaf_changed(item);
    size += item.encoded.size() + (leaf.has_value() ? tree.encoded(*leaf).size() : 0);
  }
  Array<CoveredProposal> changes(changes_.memory());
  TRY(changes.reserve(next.list().size()));
  Result<Buffer> room = Buffer::allocate(changes_.memory(), size);
  TRY(room.error());
  bytes_ = std::move(room.value());

  Copies copies(bytes_.bytes());
  epoch_ = next.context().epoch;
  committer_ = next.sender();
  committer_leaf_ = next.committer();
  leaf_before_ = copies.keep(before);
  leaf_after_ = copies.keep(after);
  const LeafIndex* added = next.added().data();
  for (const ProposalList::Item& item : next.list()) {
    const std::optional<LeafIndex> leaf = leaf_changed(item);
    CoveredProposal change{item.sender, item.by_reference, item.type, leaf.value_or(LeafIndex{}), {}, {}};
    if (item.type == ProposalType::add) change.leaf = *added++;
    change.proposal = copies.keep(item.encoded);
    if (leaf.has_value()) change.before = copies.keep(tree.encoded(*leaf));
    changes.push_back(change);
  }
  changes_ = std::move(changes);
  return Error::none;
}

Error Record::copy(const Record& other) noexcept {
  Array<CoveredProposal> changes(changes_.memory());
  TRY(changes.reserve(other.changes_.size()));
  Result<Buffer> room = Buffer::allocate(changes_.memory(), other.bytes_.size());
  TRY(room.error());
  bytes_ = std::move(room.value());

  Copies copies(bytes_.bytes());
  epoch_ = other.epoch_;
  committer_ = other.committer_;
  committer_leaf_ = other.committer_leaf_;
  leaf_before_ = copies.keep(other.leaf_before_);
  leaf_after_ = copies.keep(other.leaf_after_);
  for (CoveredProposal change : other.changes()) {
    change.proposal = copies.keep(change.proposal);
    change.before = copies.keep(change.before);
    changes.push_back(change);
  }
  changes_ = std::move(changes);
  return Error::none;
}

}  // namespace tacet
