#pragma once

// What clients do that are not in a group: they join it by a Commit of their own (RFC 9420, 12.4.3.2), and
// propose, as external senders or to be added (12.1.8).

#include "join.h"

namespace tacet {

// ---- external Commits

// The epoch of a GroupInfo, of which a client that joins from outside knows no secret: its Commit is made
// beside it. The group is one that the client is not in, unless it `replaces` its former leaf. Errors:
// external_pub_absent, group_known; those of take_group_info.
Error stand_outside(const Client& client, const GroupInfo& group_info, Bytes ratchet_tree, bool replaces,
                    std::optional<Epoch>& out) noexcept;

// The ExternalInit for that GroupInfo, whose kem_output lies in `room`, and the init secret that it brings.
// Errors: those of create_external_init.
Error make_external_init(Crypto& crypto, const GroupInfo& group_info, MutableBytes room, Proposal& proposal,
                         Secret& init_secret) noexcept;

// The Remove of the leaf that a client of that credential has in the tree, by Policy::identity.
// Error::former_leaf_absent.
Error make_remove_of_former(const Client& client, const Credential& credential, const RatchetTree& tree,
                            Proposal& proposal) noexcept;

// ---- external proposals

// What an external sender proposes, or a client that asks to be added.
struct OutsideProposal {
  Sender sender;  // external, with its index in external_senders; or new_member_proposal
  Bytes group_id;
  std::uint64_t epoch = 0;  // the present one of the group
  Proposal proposal;        // the nonce of a PSK is drawn, whatever stands there
  Bytes authenticated_data = {};
};

// Sends it, a PublicMessage [EXTPROP-01], in an MlsMessage. `signer` has the key of the external sender, or
// of the KeyPackage in the Add. Members ask their Policy whether it may be. Errors: external_proposal_type,
// new_member_proposal_content; those of sign_proposal and protect.
Error propose_from_outside(const Client& client, Signer& signer, const OutsideProposal& wanted,
                           Message& out) noexcept;

}  // namespace tacet
