#pragma once

// Which of the proposals that wait a Commit of one's own covers (RFC 9420, 12.2, 12.4): as many as can be, so
// that no invalid or contrary proposal of another keeps a member from committing.

#include "commit.h"

namespace tacet {

class Selection {
 public:
  // Of those that wait in `state`, for a Commit of the member at `own`. All of it outlives this object.
  Selection(const Client& client, Psks& psks, const PublicState& state, LeafIndex own) noexcept
      : client_(client),
        psks_(psks),
        state_(state),
        own_(own),
        removed_(client.memory),
        updated_(client.memory),
        chosen_(client.memory) {}

  // Takes the proposals that the Commit covers in any case, by value. Each PSK's nonce is drawn; the
  // KeyPackages of Adds have to be current at `now`, in seconds since 1970. Errors: lifetime_not_current,
  // random_failed, vector_too_long, out_of_memory.
  Error start(std::span<const Proposal> by_value, std::uint64_t now) noexcept;

  // Chooses all that wait and do not contradict another. Error::out_of_memory.
  Error choose() noexcept;

  // Keeps only those chosen that are valid beside those before them, where all are not; if none is, a ReInit
  // that waits. Whether it has another choice then. Errors: what is wrong with the Commit that covers none of
  // them; out_of_memory.
  Result<bool> narrow() noexcept;

  std::size_t size() const noexcept { return chosen_.size(); }

  // The list of the Commit, in `room`: those chosen, in the order in which they came, then those by value.
  // Errors: out_of_memory, vector_too_long.
  Error list(Buffer& room, List<ProposalOrRef>& out) const noexcept;

 private:
  using Entry = ProposalCache::Entry;

  void note(const Proposal& proposal, const Sender& sender, std::uint32_t place) noexcept;
  bool can_be_covered(const Entry& entry, std::uint32_t place) const noexcept;
  bool has_nothing() const noexcept { return chosen_.empty() && by_value_.size() == 0; }
  Error judge() const noexcept;

  const Client& client_;
  Psks& psks_;
  const PublicState& state_;
  LeafIndex own_;
  Buffer by_value_;               // ProposalOrRefs
  IndexMap removed_;              // from a leaf to the place of the Remove that counts
  IndexMap updated_;              // from a leaf to the place of the Update that counts
  std::uint32_t extensions_ = 0;  // the place of the GroupContextExtensions that counts
  std::uint32_t reinit_ = 0;      // the place of the first ReInit
  Array<std::uint32_t> chosen_;
};

}  // namespace tacet
