#pragma once

// What a Commit did, for the application: who committed, who was added, removed and updated, by whose
// proposal, and what else. It is a copy, which outlives the epoch that the Commit ended.

#include "epoch.h"

namespace tacet {

// One proposal that a Commit covers.
struct CoveredProposal {
  Sender proposer;
  bool by_reference = false;
  ProposalType type{};
  LeafIndex leaf;  // of an Add: where the member is now; of an Update or a Remove: whose leaf
  Bytes proposal;  // a Proposal
  Bytes before;    // of an Update or a Remove: the LeafNode that was there
};

class Record {
 public:
  explicit Record(Memory& memory) noexcept : changes_(memory) {}

  // Of the Commit that `next` is made by. Errors: out_of_memory, vector_too_long.
  Error take(const NextPublicState& next) noexcept;

  // The same as another. Error::out_of_memory.
  Error copy(const Record& other) noexcept;

  std::uint64_t epoch() const noexcept { return epoch_; }                // that the Commit begins
  const Sender& committer() const noexcept { return committer_; }        // in the epoch that it ends
  LeafIndex committer_leaf() const noexcept { return committer_leaf_; }  // in the tree that it begins

  // The committer's LeafNode before and after it, encoded. Before is empty for who joins by the Commit; they
  // are equal if it has no path.
  Bytes leaf_before() const noexcept { return leaf_before_; }
  Bytes leaf_after() const noexcept { return leaf_after_; }

  // In the order of the Commit.
  std::span<const CoveredProposal> changes() const noexcept { return {changes_.data(), changes_.size()}; }

 private:
  std::uint64_t epoch_ = 0;
  Sender committer_;
  LeafIndex committer_leaf_;
  Bytes leaf_before_, leaf_after_;
  Array<CoveredProposal> changes_;
  Buffer bytes_;  // what all views are of
};

}  // namespace tacet
