#pragma once

// The names that RFC 9420 gives to what protocol/ describes: of types, of fields, of the values of enums.
//
// A struct whose names are missing here does not compile in an Inspector; a field whose name is missing shows
// as unnamed_field, which a test looks for.

#include <tuple>

#include "inspection.h"
#include "private_structs.h"
#include "protocol/framing.h"

namespace tacet::tool {

// ---- values

struct Symbol {
  std::uint16_t value;
  const char* name;
};

template <const auto& symbols>
constexpr const char* symbol_in(std::uint16_t value) {
  for (const Symbol& symbol : symbols) {
    if (symbol.value == value) return symbol.name;
  }
  return nullptr;
}

inline const char* suite_name(std::uint16_t value) {
  const SuiteParameters* const suite = suite_parameters(static_cast<CipherSuite>(value));
  return suite != nullptr ? suite->name : nullptr;
}

inline constexpr Symbol protocol_versions[] = {{1, "mls10"}};
inline constexpr Symbol wire_formats[] = {{1, "mls_public_message"},
                                          {2, "mls_private_message"},
                                          {3, "mls_welcome"},
                                          {4, "mls_group_info"},
                                          {5, "mls_key_package"}};
inline constexpr Symbol extension_types[] = {{1, "application_id"},
                                             {2, "ratchet_tree"},
                                             {3, "required_capabilities"},
                                             {4, "external_pub"},
                                             {5, "external_senders"}};
inline constexpr Symbol proposal_types[] = {{1, "add"},
                                            {2, "update"},
                                            {3, "remove"},
                                            {4, "psk"},
                                            {5, "reinit"},
                                            {6, "external_init"},
                                            {7, "group_context_extensions"}};
inline constexpr Symbol credential_types[] = {{1, "basic"}, {2, "x509"}};
inline constexpr Symbol content_types[] = {{1, "application"}, {2, "proposal"}, {3, "commit"}};
inline constexpr Symbol sender_types[] = {
    {1, "member"}, {2, "external"}, {3, "new_member_proposal"}, {4, "new_member_commit"}};
inline constexpr Symbol leaf_node_sources[] = {{1, "key_package"}, {2, "update"}, {3, "commit"}};
inline constexpr Symbol node_types[] = {{1, "leaf"}, {2, "parent"}};
inline constexpr Symbol psk_types[] = {{1, "external"}, {2, "resumption"}};
inline constexpr Symbol psk_usages[] = {{1, "application"}, {2, "reinit"}, {3, "branch"}};
inline constexpr Symbol proposal_or_ref_types[] = {{1, "proposal"}, {2, "reference"}};

constexpr Type registry(const char* name, const char* section, const char* (*symbol)(std::uint16_t),
                        Reserved reserved) {
  return {name, section, Kind::symbol, 2, reserved, symbol};
}
constexpr Type closed(const char* name, const char* (*symbol)(std::uint16_t)) {
  return {name, nullptr, Kind::symbol, 1, Reserved::none, symbol};
}

// ---- structs

// A field of S, or a field of a struct in S whose fields are described together with those of S.
template <class S, class Outer, class M>
struct Member {
  FieldName name;
  M Outer::*member;
  Outer S::*outer;

  const M& in(const S& object) const {
    if constexpr (std::same_as<S, Outer>) {
      return object.*member;
    } else {
      return object.*outer.*member;
    }
  }
};

template <class S, class M>
constexpr Member<S, S, M> field(FieldName name, M S::*member) {
  return {name, member, nullptr};
}
template <class S, class Outer, class M>
constexpr Member<S, Outer, M> field(FieldName name, Outer S::*outer, M Outer::*member) {
  return {name, member, outer};
}

template <class... Members>
struct Structure {
  Type type;
  std::tuple<Members...> members;
};

template <class... Members>
constexpr Structure<Members...> structure(const char* name, const char* section, Members... members) {
  return {{name, section}, {members...}};
}

// A struct that stands for the one thing in it.
constexpr Structure<> single(const char* name, Kind kind, std::uint8_t size = 0) {
  return {{name, nullptr, kind, size}, {}};
}

template <class S>
inline constexpr auto names_of = nullptr;

inline constexpr FieldName unnamed_field{"(a field without a name)"};

// What the data of an extension and the body of a credential hold.
void inside_extension(Inspector& inspector, const void* extension) noexcept;
void inside_credential(Inspector& inspector, const void* credential) noexcept;

// PrivateMessageContent (RFC 9420, 6.3.1) of a message of that content type.
struct ZeroPadding {
  Bytes octets;
};
template <ContentType type>
struct PrivateContent {
  FramedContent content;
  FramedContentAuthData auth;
  ZeroPadding padding;
};

template <>
inline constexpr auto names_of<LeafIndex> = single("uint32", Kind::number, 4);
template <>
inline constexpr auto names_of<ZeroPadding> = single("opaque[]", Kind::octets);

// extension.h
template <>
inline constexpr auto names_of<Extension> =
    structure("Extension", "13.4", field({"extension_type"}, &Extension::type),
              field({"extension_data", Shown::plainly, inside_extension}, &Extension::data));
template <>
inline constexpr auto names_of<RequiredCapabilities> = structure(
    "RequiredCapabilities", "11.1", field({"extension_types"}, &RequiredCapabilities::extension_types),
    field({"proposal_types"}, &RequiredCapabilities::proposal_types),
    field({"credential_types"}, &RequiredCapabilities::credential_types));
template <>
inline constexpr auto names_of<ExternalPub> = structure("ExternalPub", "12.4.3.2",
                                                        field({"external_pub"}, &ExternalPub::external_pub));
template <>
inline constexpr auto names_of<ApplicationId> = structure("ApplicationId", "5.3.3",
                                                          field({"application_id", Shown::as_text_too},
                                                                &ApplicationId::application_id));

// leaf_node.h
template <>
inline constexpr auto names_of<Certificate> = structure("Certificate", "5.3",
                                                        field({"cert_data"}, &Certificate::cert_data));
template <>
inline constexpr auto names_of<Credential> = structure("Credential", "5.3",
                                                       field({"credential_type"}, &Credential::type),
                                                       field({"body", Shown::plainly, inside_credential},
                                                             &Credential::body));
template <>
inline constexpr auto names_of<ExternalSender> =
    structure("ExternalSender", "12.1.8.1", field({"signature_key"}, &ExternalSender::signature_key),
              field({"credential"}, &ExternalSender::credential));
template <>
inline constexpr auto names_of<Capabilities> = structure(
    "Capabilities", "7.2", field({"versions"}, &Capabilities::versions),
    field({"cipher_suites"}, &Capabilities::cipher_suites), field({"extensions"}, &Capabilities::extensions),
    field({"proposals"}, &Capabilities::proposals), field({"credentials"}, &Capabilities::credentials));
template <>
inline constexpr auto names_of<Lifetime> =
    structure("Lifetime", "7.2", field({"not_before", Shown::as_time_too}, &Lifetime::not_before),
              field({"not_after", Shown::as_time_too}, &Lifetime::not_after));
template <>
inline constexpr auto names_of<LeafNode> = structure(
    "LeafNode", "7.2", field({"encryption_key"}, &LeafNode::encryption_key),
    field({"signature_key"}, &LeafNode::signature_key), field({"credential"}, &LeafNode::credential),
    field({"capabilities"}, &LeafNode::capabilities), field({"leaf_node_source"}, &LeafNode::source),
    field({"lifetime"}, &LeafNode::lifetime), field({"parent_hash"}, &LeafNode::parent_hash),
    field({"extensions"}, &LeafNode::extensions), field({"signature"}, &LeafNode::signature));
template <>
inline constexpr auto names_of<KeyPackage> = structure("KeyPackage", "10",
                                                       field({"version"}, &KeyPackage::version),
                                                       field({"cipher_suite"}, &KeyPackage::cipher_suite),
                                                       field({"init_key"}, &KeyPackage::init_key),
                                                       field({"leaf_node"}, &KeyPackage::leaf_node),
                                                       field({"extensions"}, &KeyPackage::extensions),
                                                       field({"signature"}, &KeyPackage::signature));

// ratchet_tree.h
template <>
inline constexpr auto names_of<ParentNode> = structure("ParentNode", "7.1",
                                                       field({"encryption_key"}, &ParentNode::encryption_key),
                                                       field({"parent_hash"}, &ParentNode::parent_hash),
                                                       field({"unmerged_leaves"},
                                                             &ParentNode::unmerged_leaves));
template <>
inline constexpr auto names_of<Node> = structure("Node", "12.4.3.3", field({"node_type"}, &Node::node_type),
                                                 field({"leaf_node"}, &Node::leaf_node),
                                                 field({"parent_node"}, &Node::parent_node));

// update_path.h
template <>
inline constexpr auto names_of<HpkeCiphertext> = structure("HPKECiphertext", "7.6",
                                                           field({"kem_output"}, &HpkeCiphertext::kem_output),
                                                           field({"ciphertext"},
                                                                 &HpkeCiphertext::ciphertext));
template <>
inline constexpr auto names_of<UpdatePathNode> =
    structure("UpdatePathNode", "7.6", field({"encryption_key"}, &UpdatePathNode::encryption_key),
              field({"encrypted_path_secret"}, &UpdatePathNode::encrypted_path_secret));
template <>
inline constexpr auto names_of<UpdatePath> = structure("UpdatePath", "7.6",
                                                       field({"leaf_node"}, &UpdatePath::leaf_node),
                                                       field({"nodes"}, &UpdatePath::nodes));

// key_schedule.h
template <>
inline constexpr auto names_of<GroupContext> =
    structure("GroupContext", "8.1", field({"version"}, &GroupContext::version),
              field({"cipher_suite"}, &GroupContext::cipher_suite),
              field({"group_id", Shown::as_text_too}, &GroupContext::group_id),
              field({"epoch"}, &GroupContext::epoch), field({"tree_hash"}, &GroupContext::tree_hash),
              field({"confirmed_transcript_hash"}, &GroupContext::confirmed_transcript_hash),
              field({"extensions"}, &GroupContext::extensions));
template <>
inline constexpr auto names_of<PreSharedKeyId> = structure(
    "PreSharedKeyID", "8.4", field({"psktype"}, &PreSharedKeyId::type),
    field({"psk_id", Shown::as_text_too}, &PreSharedKeyId::psk_id), field({"usage"}, &PreSharedKeyId::usage),
    field({"psk_group_id", Shown::as_text_too}, &PreSharedKeyId::psk_group_id),
    field({"psk_epoch"}, &PreSharedKeyId::psk_epoch), field({"psk_nonce"}, &PreSharedKeyId::psk_nonce));

// proposal.h
template <>
inline constexpr auto names_of<Add> = structure("Add", "12.1.1", field({"key_package"}, &Add::key_package));
template <>
inline constexpr auto names_of<Update> = structure("Update", "12.1.2",
                                                   field({"leaf_node"}, &Update::leaf_node));
template <>
inline constexpr auto names_of<Remove> = structure("Remove", "12.1.3", field({"removed"}, &Remove::removed));
template <>
inline constexpr auto names_of<PreSharedKey> = structure("PreSharedKey", "12.1.4",
                                                         field({"psk"}, &PreSharedKey::psk));
template <>
inline constexpr auto names_of<ReInit> = structure("ReInit", "12.1.5",
                                                   field({"group_id", Shown::as_text_too}, &ReInit::group_id),
                                                   field({"version"}, &ReInit::version),
                                                   field({"cipher_suite"}, &ReInit::cipher_suite),
                                                   field({"extensions"}, &ReInit::extensions));
template <>
inline constexpr auto names_of<ExternalInit> = structure("ExternalInit", "12.1.6",
                                                         field({"kem_output"}, &ExternalInit::kem_output));
template <>
inline constexpr auto names_of<GroupContextExtensions> =
    structure("GroupContextExtensions", "12.1.7", field({"extensions"}, &GroupContextExtensions::extensions));
template <>
inline constexpr auto names_of<Proposal> =
    structure("Proposal", "12.1", field({"proposal_type"}, &Proposal::type), field({"add"}, &Proposal::add),
              field({"update"}, &Proposal::update), field({"remove"}, &Proposal::remove),
              field({"psk"}, &Proposal::pre_shared_key), field({"reinit"}, &Proposal::re_init),
              field({"external_init"}, &Proposal::external_init),
              field({"group_context_extensions"}, &Proposal::group_context_extensions),
              field({"custom"}, &Proposal::custom));
template <>
inline constexpr auto names_of<ProposalOrRef> = structure("ProposalOrRef", "12.4",
                                                          field({"type"}, &ProposalOrRef::type),
                                                          field({"proposal"}, &ProposalOrRef::proposal),
                                                          field({"reference"}, &ProposalOrRef::reference));
template <>
inline constexpr auto names_of<Commit> = structure("Commit", "12.4", field({"proposals"}, &Commit::proposals),
                                                   field({"path"}, &Commit::path));

// welcome.h, private_structs.h
template <>
inline constexpr auto names_of<GroupInfo> = structure(
    "GroupInfo", "12.4.3", field({"group_context"}, &GroupInfo::group_context),
    field({"extensions"}, &GroupInfo::extensions), field({"confirmation_tag"}, &GroupInfo::confirmation_tag),
    field({"signer"}, &GroupInfo::signer), field({"signature"}, &GroupInfo::signature));
template <>
inline constexpr auto names_of<EncryptedGroupSecrets> =
    structure("EncryptedGroupSecrets", "12.4.3.1", field({"new_member"}, &EncryptedGroupSecrets::new_member),
              field({"encrypted_group_secrets"}, &EncryptedGroupSecrets::encrypted_group_secrets));
template <>
inline constexpr auto names_of<Welcome> = structure(
    "Welcome", "12.4.3.1", field({"cipher_suite"}, &Welcome::cipher_suite),
    field({"secrets"}, &Welcome::secrets), field({"encrypted_group_info"}, &Welcome::encrypted_group_info));
template <>
inline constexpr auto names_of<PathSecret> = structure("PathSecret", "12.4.3.1",
                                                       field({"path_secret"}, &PathSecret::path_secret));
template <>
inline constexpr auto names_of<PlainGroupSecrets> = structure(
    "GroupSecrets", "12.4.3.1", field({"joiner_secret"}, &PlainGroupSecrets::joiner_secret),
    field({"path_secret"}, &PlainGroupSecrets::path_secret), field({"psks"}, &PlainGroupSecrets::psks));

// framing.h
template <>
inline constexpr auto names_of<Sender> = structure("Sender", "6", field({"sender_type"}, &Sender::type),
                                                   field({"leaf_index"}, &Sender::leaf_index),
                                                   field({"sender_index"}, &Sender::sender_index));
template <>
inline constexpr auto names_of<FramedContent> =
    structure("FramedContent", "6", field({"group_id", Shown::as_text_too}, &FramedContent::group_id),
              field({"epoch"}, &FramedContent::epoch), field({"sender"}, &FramedContent::sender),
              field({"authenticated_data", Shown::as_text_too}, &FramedContent::authenticated_data),
              field({"content_type"}, &FramedContent::content_type),
              field({"application_data", Shown::as_text_too}, &FramedContent::application_data),
              field({"proposal"}, &FramedContent::proposal), field({"commit"}, &FramedContent::commit));

// FramedContentAuthData, which ends by the content type that stands elsewhere.
template <class S>
constexpr auto auth_signature = field({"auth.signature"}, &S::auth, &FramedContentAuthData::signature);
template <class S>
constexpr auto auth_tag = field({"auth.confirmation_tag"}, &S::auth,
                                &FramedContentAuthData::confirmation_tag);

template <>
inline constexpr auto names_of<AuthenticatedContent> =
    structure("AuthenticatedContent", "6", field({"wire_format"}, &AuthenticatedContent::wire_format),
              field({"content"}, &AuthenticatedContent::content), auth_signature<AuthenticatedContent>,
              auth_tag<AuthenticatedContent>);
template <>
inline constexpr auto names_of<PublicMessage> = structure(
    "PublicMessage", "6.2", field({"content"}, &PublicMessage::content), auth_signature<PublicMessage>,
    auth_tag<PublicMessage>, field({"membership_tag"}, &PublicMessage::membership_tag));
template <ContentType type>
inline constexpr auto names_of<PrivateContent<type>> =
    structure("PrivateMessageContent", "6.3.1",
              field({"application_data", Shown::as_text_too}, &PrivateContent<type>::content,
                    &FramedContent::application_data),
              field({"proposal"}, &PrivateContent<type>::content, &FramedContent::proposal),
              field({"commit"}, &PrivateContent<type>::content, &FramedContent::commit),
              auth_signature<PrivateContent<type>>, auth_tag<PrivateContent<type>>,
              field({"padding"}, &PrivateContent<type>::padding));
template <>
inline constexpr auto names_of<PrivateMessage> = structure(
    "PrivateMessage", "6.3", field({"group_id", Shown::as_text_too}, &PrivateMessage::group_id),
    field({"epoch"}, &PrivateMessage::epoch), field({"content_type"}, &PrivateMessage::content_type),
    field({"authenticated_data", Shown::as_text_too}, &PrivateMessage::authenticated_data),
    field({"encrypted_sender_data"}, &PrivateMessage::encrypted_sender_data),
    field({"ciphertext"}, &PrivateMessage::ciphertext));
template <>
inline constexpr auto names_of<SenderData> = structure("SenderData", "6.3.2",
                                                       field({"leaf_index"}, &SenderData::leaf_index),
                                                       field({"generation"}, &SenderData::generation),
                                                       field({"reuse_guard"}, &SenderData::reuse_guard));
template <>
inline constexpr auto names_of<MlsMessage> = structure(
    "MLSMessage", "6", field({"version"}, &MlsMessage::version),
    field({"wire_format"}, &MlsMessage::wire_format), field({"public_message"}, &MlsMessage::public_message),
    field({"private_message"}, &MlsMessage::private_message), field({"welcome"}, &MlsMessage::welcome),
    field({"group_info"}, &MlsMessage::group_info), field({"key_package"}, &MlsMessage::key_package));

// ---- the type of any field

// Enums, integers and arrays have types of their own; a struct has the one beside its names.
template <class T>
inline constexpr auto type_of = nullptr;

template <>
inline constexpr Type type_of<std::uint8_t> = {"uint8", nullptr, Kind::number, 1};
template <>
inline constexpr Type type_of<std::uint32_t> = {"uint32", nullptr, Kind::number, 4};
template <>
inline constexpr Type type_of<std::uint64_t> = {"uint64", nullptr, Kind::number, 8};
template <>
inline constexpr Type type_of<Bytes> = {"opaque<V>", nullptr, Kind::vector};
template <>
inline constexpr Type type_of<ReuseGuard> = {"opaque[4]", nullptr, Kind::octets};
template <>
inline constexpr Type type_of<ProtocolVersion> = registry("ProtocolVersion", "6",
                                                          symbol_in<protocol_versions>, Reserved::none);
template <>
inline constexpr Type type_of<CipherSuite> = registry("CipherSuite", "17.1", suite_name,
                                                      Reserved::private_use_and_grease);
template <>
inline constexpr Type type_of<WireFormat> = registry("WireFormat", "17.2", symbol_in<wire_formats>,
                                                     Reserved::private_use);
template <>
inline constexpr Type type_of<ExtensionType> = registry("ExtensionType", "17.3", symbol_in<extension_types>,
                                                        Reserved::private_use_and_grease);
template <>
inline constexpr Type type_of<ProposalType> = registry("ProposalType", "17.4", symbol_in<proposal_types>,
                                                       Reserved::private_use_and_grease);
template <>
inline constexpr Type type_of<CredentialType> = registry("CredentialType", "17.5",
                                                         symbol_in<credential_types>,
                                                         Reserved::private_use_and_grease);
template <>
inline constexpr Type type_of<ContentType> = closed("ContentType", symbol_in<content_types>);
template <>
inline constexpr Type type_of<SenderType> = closed("SenderType", symbol_in<sender_types>);
template <>
inline constexpr Type type_of<LeafNodeSource> = closed("LeafNodeSource", symbol_in<leaf_node_sources>);
template <>
inline constexpr Type type_of<NodeType> = closed("NodeType", symbol_in<node_types>);
template <>
inline constexpr Type type_of<PskType> = closed("PSKType", symbol_in<psk_types>);
template <>
inline constexpr Type type_of<ResumptionPskUsage> = closed("ResumptionPSKUsage", symbol_in<psk_usages>);
template <>
inline constexpr Type type_of<ProposalOrRefType> = closed("ProposalOrRefType",
                                                          symbol_in<proposal_or_ref_types>);

template <class T>
constexpr const Type* type_of_field() {
  if constexpr (requires { names_of<T>.type; }) {
    return &names_of<T>.type;
  } else {
    static_assert(std::same_as<const Type, decltype(type_of<T>)>, "inspect_names.h lacks a name");
    return &type_of<T>;
  }
}

template <class T>
inline constexpr Type type_of<List<T>> = {nullptr,        nullptr, Kind::structure,   0,
                                          Reserved::none, nullptr, type_of_field<T>()};
template <class T>
inline constexpr Type type_of<std::optional<T>> = {nullptr,        nullptr, Kind::optional,    1,
                                                   Reserved::none, nullptr, type_of_field<T>()};

}  // namespace tacet::tool
