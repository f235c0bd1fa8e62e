#include "message_maker.h"

#include <algorithm>

#include "protocol/secret_tree.h"
#include "spec/adversary/reveal.h"

namespace tacet::tool {

using adversary::encoded;
using adversary::vector_of;

Octets joined(std::initializer_list<Bytes> parts) {
  Octets all;
  for (const Bytes part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Octets key_package_message(const Client& client) {
  return joined({message_header(WireFormat::key_package), client.key_package});
}

namespace {

template <class T>
Octets proposal(ProposalType type, const T& body) {
  return encoded(type, body);
}

Octets by_value(const Octets& proposal) { return joined({encoded(ProposalOrRefType::proposal), proposal}); }

Octets by_reference(const Octets& reference) {
  return joined({encoded(ProposalOrRefType::reference), vector_of(reference)});
}

Octets commit_of(const std::vector<Octets>& entries, const std::optional<Octets>& path) {
  Octets list;
  for (const Octets& entry : entries) list = joined({list, entry});
  const std::uint8_t present = path ? 1 : 0;
  return joined({vector_of(list), {&present, 1}, path ? Bytes(*path) : Bytes()});
}

// Views `list`, which has no header.
Extensions extensions_of(const Octets& list) {
  Extensions extensions;
  must(Extensions::parse(list, extensions));
  return extensions;
}

KeyPackage key_package_of(const Client& client) {
  KeyPackage key_package;
  must(decode(client.key_package, key_package));
  return key_package;
}

}  // namespace

MessageMaker::MessageMaker(Generator& generator, TreeMaker& group, std::uint64_t epoch, bool has_extensions)
    : generator_(generator),
      crypto_(generator.crypto()),
      group_(group),
      confirmed_(generator.bytes(crypto_.hash_size())),
      joiner_secret_(generator.bytes(crypto_.hash_size())),
      next_confirmation_key_(generator.bytes(crypto_.hash_size())) {
  for (Client& outsider : outsiders_) group.make_key_package(LeafKind::plain, outsider);
  if (has_extensions) extensions_ = group_extensions();
  context_.cipher_suite = crypto_.suite().suite;
  context_.group_id = group.group_id();
  context_.epoch = epoch;
  context_.tree_hash = group.tree().tree_hash();
  context_.confirmed_transcript_hash = confirmed_;
  context_.extensions = extensions_of(extensions_);
  group_context_ = encoded(context_);
  must(derive_epoch_secrets(crypto_, secret_of(joiner_secret_), {}, group_context_, secrets_));
  must(confirmation_tag(crypto_, secrets_.confirmation_key, confirmed_, confirmation_tag_));
  must(interim_transcript_hash(crypto_, confirmed_, confirmation_tag_, interim_));
}

// Those that a GroupContext may have and all members support. GREASE may not be among them.
Octets MessageMaker::group_extensions() {
  const Octets required = joined(
      {vector_of(encoded(unknown_extensions[0])), vector_of({}), vector_of(encoded(CredentialType::basic))});
  Octets senders;
  for (const Client& outsider : outsiders_) {
    const LeafNode leaf = key_package_of(outsider).leaf_node;
    senders = joined({senders, encoded(ExternalSender{leaf.signature_key, leaf.credential})});
  }
  const Octets data = generator_.bytes(70);
  return joined({encoded(Extension{ExtensionType::required_capabilities, required}),
                 encoded(Extension{unknown_extensions[0], data}),
                 encoded(Extension{ExtensionType::external_senders, vector_of(senders)}),
                 encoded(Extension{unknown_extensions[1], {}})});
}

// ---- Proposals and Commits

Octets MessageMaker::add(LeafKind kind) {
  group_.make_key_package(kind, newcomer_);
  return proposal(ProposalType::add, Add{key_package_of(newcomer_)});
}

Octets MessageMaker::update(std::uint32_t member) {
  Octets encryption_priv;
  return joined({encoded(ProposalType::update), group_.make_update(member, encryption_priv)});
}

Octets MessageMaker::remove(std::uint32_t leaf) {
  return proposal(ProposalType::remove, Remove{LeafIndex{leaf}});
}

Octets MessageMaker::pre_shared_key(const Octets& psk_id) {
  return joined({encoded(ProposalType::psk), psk_id});
}

Octets MessageMaker::re_init(std::size_t group_id_size, bool has_extensions) {
  const Octets group_id = generator_.bytes(group_id_size);
  const Octets list = has_extensions ? group_extensions() : Octets();
  return proposal(ProposalType::reinit,
                  ReInit{group_id, ProtocolVersion::mls10, crypto_.suite().suite, extensions_of(list)});
}

Octets MessageMaker::external_init() {
  Octets external_pub(crypto_.suite().kem_public_key_size), kem_output(crypto_.suite().kem_output_size);
  Secret external_priv, init_secret;
  must(derive_external_key_pair(crypto_, secrets_.external_secret, external_priv, external_pub));
  must(create_external_init(crypto_, external_pub, kem_output, init_secret));
  return proposal(ProposalType::external_init, ExternalInit{kem_output});
}

Octets MessageMaker::group_context_extensions(bool has_extensions) {
  const Octets list = has_extensions ? group_extensions() : Octets();
  return proposal(ProposalType::group_context_extensions, GroupContextExtensions{extensions_of(list)});
}

Octets MessageMaker::external_psk(std::size_t id_size) {
  const Octets id = generator_.bytes(id_size), nonce = generator_.bytes(crypto_.hash_size());
  PreSharedKeyId psk;
  psk.psk_id = id;
  psk.psk_nonce = nonce;
  return encoded(psk);
}

Octets MessageMaker::resumption_psk(ResumptionPskUsage usage, std::size_t group_id_size) {
  const Octets id = generator_.bytes(group_id_size), nonce = generator_.bytes(crypto_.hash_size());
  PreSharedKeyId psk;
  psk.type = PskType::resumption;
  psk.usage = usage;
  psk.psk_group_id = id;
  psk.psk_epoch = context_.epoch;
  psk.psk_nonce = nonce;
  return encoded(psk);
}

// One of each type that a Commit of a member may have together, but for Updates, which come by reference.
std::vector<Octets> MessageMaker::proposals(std::uint32_t member) {
  const std::uint32_t other = member == 0 ? 1 : 0;
  return {by_value(group_context_extensions(true)),
          by_value(remove(other)),
          by_value(add(LeafKind::grease)),
          by_value(add(LeafKind::extensions)),
          by_value(pre_shared_key(external_psk(16))),
          by_value(pre_shared_key(resumption_psk(ResumptionPskUsage::application, 16)))};
}

Octets MessageMaker::commit(std::uint32_t member, CommitShape shape) {
  const auto reference = [&] { return by_reference(generator_.bytes(crypto_.hash_size())); };
  switch (shape) {
    case CommitShape::references:
      return commit_of({reference(), reference()}, std::nullopt);
    case CommitShape::values:
      return commit_of({by_value(add(LeafKind::plain)), by_value(pre_shared_key(external_psk(63)))},
                       std::nullopt);
    case CommitShape::path:
      return commit_of({}, group_.make_path(member, context_));
    case CommitShape::all:
      break;
  }
  std::vector<Octets> entries = proposals(member);
  entries.insert(entries.begin() + 1, reference());
  return commit_of(entries, group_.make_path(member, context_));
}

Octets MessageMaker::external_commit(LeafKind kind) {
  const std::vector<Octets> entries = {by_value(external_init()), by_value(pre_shared_key(external_psk(8)))};
  return commit_of(entries, group_.make_external_path(kind, context_, newcomer_));
}

// ---- messages

adversary::Framed MessageMaker::framed(const Sender& sender, std::size_t authenticated_data, ContentType type,
                                       const Octets& content) {
  return {group_.group_id(), context_.epoch, sender, generator_.bytes(authenticated_data), type, content};
}

const Client& MessageMaker::signer_of(const Sender& sender) const {
  if (sender.type == SenderType::member) return group_.members().at(sender.leaf_index);
  if (sender.type == SenderType::external) return outsiders_[sender.sender_index];
  return newcomer_;
}

adversary::Means MessageMaker::means(const Client& signer) {
  const auto confirm = [this](Bytes input) {
    Digest confirmed, tag;
    must(crypto_.hash({interim_, input}, confirmed));
    must(confirmation_tag(crypto_, secret_of(next_confirmation_key_), confirmed, tag));
    authenticated_content_ = joined({input, vector_of(tag)});
    return octets_of(tag);
  };
  return {group_context_, octets_of(reveal(SigningKey(crypto_, signer).private_key)),
          octets_of(reveal(secrets_.membership_key)), octets_of(reveal(secrets_.sender_data_secret)),
          confirm};
}

Octets MessageMaker::public_message(const adversary::Framed& framed) {
  return adversary::Builder(crypto_, means(signer_of(framed.sender))).public_message(framed);
}

Octets MessageMaker::private_message(const adversary::Framed& framed, std::uint32_t generation,
                                     std::size_t padding) {
  SecretTree tree(crypto_.suite(), memory_, memory_, limits_of_vectors());
  must(tree.start(must(Secret::copy_of(reveal(secrets_.encryption_secret))), group_.tree().size()));
  PeekedKey peeked;
  must(tree.peek(crypto_, framed.sender.leaf_index, ratchet_of(framed.content_type), generation, peeked));
  const MessageKey& key = peeked.message_key();
  return adversary::Builder(crypto_, means(signer_of(framed.sender)))
      .private_message(framed, {octets_of(reveal(key.key)), octets_of(reveal(key.nonce)), generation},
                       padding);
}

Octets MessageMaker::info_extensions(const InfoShape& shape) {
  Octets list;
  const auto put = [&](ExtensionType type, const Octets& data) {
    list = joined({list, encoded(Extension{type, data})});
  };
  if (shape.unknown) put(unknown_extensions[1], generator_.bytes(64));
  if (shape.ratchet_tree) put(ExtensionType::ratchet_tree, exported(group_.tree()));
  if (shape.grease) {
    const auto type = static_cast<std::uint16_t>(0x0a0a + 0x1010 * generator_.below(15));
    put(ExtensionType{type}, generator_.bytes(generator_.below(16)));
  }
  if (shape.external_pub) {
    Octets external_pub(crypto_.suite().kem_public_key_size);
    Secret external_priv;
    must(derive_external_key_pair(crypto_, secrets_.external_secret, external_priv, external_pub));
    put(ExtensionType::external_pub, encoded(ExternalPub{external_pub}));
  }
  return list;
}

Octets MessageMaker::group_info(std::uint32_t signer, const InfoShape& shape) {
  const Octets extensions = info_extensions(shape);
  const GroupInfo fields = {context_, extensions_of(extensions), confirmation_tag_, {signer}, {}, {}, {}};
  return adversary::Builder(crypto_, means(group_.members().at({signer}))).group_info(fields);
}

Octets MessageMaker::welcome(std::uint32_t signer, const std::vector<std::uint32_t>& joiners,
                             const InfoShape& shape) {
  const Octets extensions = info_extensions(shape);
  Secret welcome_secret;
  must(derive_welcome_secret(crypto_, secret_of(joiner_secret_), {}, welcome_secret));
  adversary::Invitation invitation = {
      {context_, extensions_of(extensions), confirmation_tag_, {signer}, {}, {}, {}},
      octets_of(reveal(welcome_secret)),
      joiner_secret_,
      {},
      {}};
  for (const std::uint32_t joiner : joiners) {
    const KeyPackage key_package = key_package_of(group_.members().at({joiner}));
    Digest reference;
    must(key_package_ref(crypto_, key_package, reference));
    invitation.joiners.push_back(
        {octets_of(reference), octets_of(key_package.init_key), path_secret(joiner)});
  }
  return adversary::Builder(crypto_, means(group_.members().at({signer}))).welcome(invitation);
}

// That of the lowest of the nodes above it whose private keys it knows.
std::optional<Octets> MessageMaker::path_secret(std::uint32_t joiner) const {
  const std::map<NodeIndex, Octets>& known = group_.members().at({joiner}).path_secrets;
  const auto lowest = std::min_element(known.begin(), known.end(), [](const auto& a, const auto& b) {
    return level(a.first) < level(b.first);
  });
  if (lowest == known.end()) return std::nullopt;
  return lowest->second;
}

}  // namespace tacet::tool
