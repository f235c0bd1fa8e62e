#include "outside.h"

namespace tacet {

// ---- external Commits

Error stand_outside(const Client& client, const GroupInfo& group_info, Bytes ratchet_tree, bool replaces,
                    std::optional<Epoch>& out) noexcept {
  const GroupContext& context = group_info.group_context;
  REFUSE_IF(!find_extension(group_info.extensions, ExtensionType::external_pub).has_value(),
            Error::external_pub_absent);                                                    // [EXTCOMMIT-02]
  REFUSE_IF(!replaces && client.policy.is_in_group(context.group_id), Error::group_known);  // [EXTCOMMIT-04]
  RatchetTree tree(client.memory, client.policy);
  TRY(take_group_info(client, group_info, ratchet_tree, tree));
  Epoch& epoch = out.emplace(client, std::move(tree));
  const Error error = epoch.state.start(client, context, group_info.confirmation_tag);  // [EXTCOMMIT-23]
  if (error != Error::none) out.reset();
  return error;
}

Error make_external_init(Crypto& crypto, const GroupInfo& group_info, MutableBytes room, Proposal& proposal,
                         Secret& init_secret) noexcept {
  ExternalPub data;
  TRY(decode(find_extension(group_info.extensions, ExtensionType::external_pub).value_or(Bytes()), data));
  const MutableBytes kem_output = room.first(crypto.suite().kem_output_size);
  TRY(create_external_init(crypto, data.external_pub, kem_output, init_secret));
  proposal.type = ProposalType::external_init;
  proposal.external_init.kem_output = kem_output;
  return Error::none;
}

Error make_remove_of_former(const Client& client, const Credential& credential, const RatchetTree& tree,
                            Proposal& proposal) noexcept {
  const std::optional<NodeIndex> node = tree.other_with(client.crypto, NodeIndexMap::Of::client,
                                                        client.policy.identity(credential), std::nullopt);
  REFUSE_IF(!node.has_value(), Error::former_leaf_absent);
  proposal.type = ProposalType::remove;
  proposal.remove.removed = node.has_value() ? leaf_at(*node) : LeafIndex{};
  return Error::none;
}

// ---- external proposals

Error propose_from_outside(const Client& client, Signer& signer, const OutsideProposal& wanted,
                           Message& out) noexcept {
  TRY(check_proposer(wanted.proposal.type, wanted.sender.type));
  FramedContent fields;
  fields.group_id = wanted.group_id;
  fields.epoch = wanted.epoch;
  fields.sender = wanted.sender;
  fields.authenticated_data = wanted.authenticated_data;
  SignedProposal made;
  TRY(sign_proposal(client, signer, WireFormat::public_message, fields, wanted.proposal, {}, made));
  const Result<Bytes> sent = protect(client.crypto, made.content, {}, {}, made.room.bytes());
  TRY(sent.error());
  out.room = std::move(made.room);
  out.bytes = sent.value();
  return Error::none;
}

}  // namespace tacet
