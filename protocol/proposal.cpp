#include "proposal.h"

namespace tacet {

Error check(ProposalOrRefType type) noexcept {
  const bool known = type == ProposalOrRefType::proposal || type == ProposalOrRefType::reference;
  REFUSE_IF(!known, Error::proposal_or_ref_type_unknown);  // [CODEC-19]
  return Error::none;
}

namespace {

// What is reserved is unknown to everybody, whatever is registered [GREASE-05].
bool is_registered(ProposalType type, CustomProposals registered) noexcept {
  const auto number = static_cast<std::uint16_t>(type);
  if (number == 0 || is_grease(number)) return false;
  for (const ProposalType known : registered) {
    if (type == known) return true;
  }
  return false;
}

}  // namespace

Error check_proposal(const Proposal& proposal, CustomProposals registered) noexcept {
  REFUSE_IF(!is_default(proposal.type) && !is_registered(proposal.type, registered),
            Error::proposal_type_unknown);  // [CODEC-22]
  switch (proposal.type) {
    case ProposalType::reinit:
      return check_group_context_extensions(proposal.re_init.extensions);
    case ProposalType::group_context_extensions:
      return check_group_context_extensions(proposal.group_context_extensions.extensions);
    default:
      return Error::none;
  }
}

Error check_proposals(const Commit& commit, CustomProposals registered) noexcept {
  for (const ProposalOrRef& entry : commit.proposals) {
    if (entry.type == ProposalOrRefType::proposal) TRY(check_proposal(entry.proposal, registered));
  }
  return Error::none;
}

}  // namespace tacet
