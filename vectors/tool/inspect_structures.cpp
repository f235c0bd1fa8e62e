#include "inspect_structures.h"

#include <algorithm>

#include "inspector.h"
#include "protocol/sodium.h"

namespace tacet::tool {

namespace {

// ---- rules on what was decoded, as far as they need no group; the first that is broken

Error rule(const KeyPackage& key_package) {
  const SuiteParameters* const suite = suite_parameters(key_package.cipher_suite);
  if (suite == nullptr) return Error::none;
  SodiumRandom random;
  Sodium crypto(random);
  if (suite->suite != crypto.suite().suite) {  // its signatures cannot be verified
    return check_leaf_node(key_package.leaf_node, LeafNodeSource::key_package, *suite, {});
  }
  const Result<std::size_t> leaf_size = leaf_node_work_size(key_package.leaf_node, {});
  const Result<std::size_t> size = key_package_work_size(key_package);
  TRY(leaf_size.error());
  TRY(size.error());
  Octets work(std::max(leaf_size.value(), size.value()));
  return check_key_package(crypto, key_package, {}, work);
}

Error rule(const GroupContext& context) { return check_group_context_extensions(context.extensions); }

Error rule(const GroupInfo& group_info) {
  const SuiteParameters* const suite = suite_parameters(group_info.group_context.cipher_suite);
  return suite != nullptr ? check_group_info(group_info, *suite) : Error::none;
}

Error rule(const Proposal& proposal) { return check_proposal(proposal, {}); }
Error rule(const Commit& commit) { return check_proposals(commit, {}); }

Error rule(const PublicMessage& message) {
  return check_content(message.content, WireFormat::public_message, {});
}
Error rule(const AuthenticatedContent& content) {
  return check_content(content.content, content.wire_format, {});
}

Error rule(const MlsMessage& message) {
  switch (message.wire_format) {
    case WireFormat::public_message:
      return rule(message.public_message);
    case WireFormat::group_info:
      return rule(message.group_info);
    case WireFormat::key_package:
      return rule(message.key_package);
    case WireFormat::private_message:
    case WireFormat::welcome:
      break;
  }
  return Error::none;
}

// ---- structures

template <class T>
Inspection inspect_as(Bytes input, const FieldName& name) {
  Inspection inspection = Inspector::inspect<T>(input, name);
  if constexpr (requires(const T& value) { rule(value); }) {
    T value{};
    if (inspection.failure.error == Error::none && decode(input, value) == Error::none) {
      inspection.rule = rule(value);
    }
  }
  return inspection;
}

constexpr NamedStructure structures[] = {
    {{"message"}, inspect_as<MlsMessage>},
    {{"public_message"}, inspect_as<PublicMessage>},
    {{"private_message"}, inspect_as<PrivateMessage>},
    {{"welcome"}, inspect_as<Welcome>},
    {{"group_info"}, inspect_as<GroupInfo>},
    {{"key_package"}, inspect_as<KeyPackage>},
    {{"ratchet_tree"}, inspect_as<Nodes>},
    {{"authenticated_content"}, inspect_as<AuthenticatedContent>},
    {{"framed_content"}, inspect_as<FramedContent>},
    {{"sender"}, inspect_as<Sender>},
    {{"proposal"}, inspect_as<Proposal>},
    {{"add"}, inspect_as<Add>},
    {{"update"}, inspect_as<Update>},
    {{"remove"}, inspect_as<Remove>},
    {{"pre_shared_key"}, inspect_as<PreSharedKey>},
    {{"re_init"}, inspect_as<ReInit>},
    {{"external_init"}, inspect_as<ExternalInit>},
    {{"group_context_extensions"}, inspect_as<GroupContextExtensions>},
    {{"commit"}, inspect_as<Commit>},
    {{"proposal_or_ref"}, inspect_as<ProposalOrRef>},
    {{"update_path"}, inspect_as<UpdatePath>},
    {{"update_path_node"}, inspect_as<UpdatePathNode>},
    {{"hpke_ciphertext"}, inspect_as<HpkeCiphertext>},
    {{"encrypted_group_secrets"}, inspect_as<EncryptedGroupSecrets>},
    {{"group_context"}, inspect_as<GroupContext>},
    {{"psk_id"}, inspect_as<PreSharedKeyId>},
    {{"node"}, inspect_as<Node>},
    {{"leaf_node"}, inspect_as<LeafNode>},
    {{"parent_node"}, inspect_as<ParentNode>},
    {{"capabilities"}, inspect_as<Capabilities>},
    {{"lifetime"}, inspect_as<Lifetime>},
    {{"credential"}, inspect_as<Credential>},
    {{"extensions"}, inspect_as<Extensions>},
    {{"extension"}, inspect_as<Extension>},
    {{"application_id"}, inspect_as<ApplicationId>},
    {{"required_capabilities"}, inspect_as<RequiredCapabilities>},
    {{"external_pub"}, inspect_as<ExternalPub>},
    {{"external_senders"}, inspect_as<ExternalSenders>},
    {{"external_sender"}, inspect_as<ExternalSender>},
    // What a message holds only behind encryption.
    {{"group_secrets"}, inspect_as<PlainGroupSecrets>},
    {{"sender_data"}, inspect_as<SenderData>},
    {{"private_application"}, inspect_as<PrivateContent<ContentType::application>>},
    {{"private_proposal"}, inspect_as<PrivateContent<ContentType::proposal>>},
    {{"private_commit"}, inspect_as<PrivateContent<ContentType::commit>>},
};

}  // namespace

std::span<const NamedStructure> named_structures() { return structures; }

}  // namespace tacet::tool
