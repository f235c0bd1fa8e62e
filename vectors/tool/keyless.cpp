#include "keyless.h"

#include "inspect_names.h"
#include "protocol/sodium.h"
#include "tree.h"

namespace tacet::tool {

namespace {

using adversary::Kept;

std::string identity_of(const LeafNode& leaf) {
  return {leaf.credential.body.begin(), leaf.credential.body.end()};
}

class Reading {
 public:
  Keyless read(const std::deque<Kept>& record) {
    for (const Kept& kept : record) read(kept);
    return std::move(out_);
  }

 private:
  void read(const Kept& kept) {
    out_.fetched += kept.to.size();
    sealed_ = 0;
    if (kept.kind == adversary::Kind::ratchet_tree) {
      read_tree(kept.bytes);
    } else if (kept.kind != adversary::Kind::unreadable) {
      MlsMessage message;
      must(decode(Bytes(kept.bytes), message));
      read_message(kept, message);
    }
    for (Held* held : {&out_.held[static_cast<std::size_t>(kept.kind)], &out_.total}) {
      ++held->number;
      held->bytes += kept.bytes.size();
      held->sealed += sealed_;
    }
  }

  void read_message(const Kept& kept, const MlsMessage& message) {
    if (!kept.group_id.empty()) out_.epochs = std::max(out_.epochs, kept.epoch + 1);
    if (kept.kind == adversary::Kind::application) ++out_.brought[kept.from];
    if (kept.kind == adversary::Kind::commit) out_.commit_sizes.insert(kept.bytes.size());
    switch (message.wire_format) {
      case WireFormat::public_message:
        return read_public(message.public_message.content);
      case WireFormat::private_message: {
        const PrivateMessage& sealed = message.private_message;
        sealed_ = sealed.encrypted_sender_data.size() + sealed.ciphertext.size();
        out_.authenticated_data += sealed.authenticated_data.size();
        if (kept.kind == adversary::Kind::application) out_.sizes.insert(sealed.ciphertext.size());
        return;
      }
      case WireFormat::welcome:
        return read_welcome(message.welcome);
      case WireFormat::group_info:
        out_.epochs = std::max(out_.epochs, message.group_info.group_context.epoch + 1);
        if (const auto tree = find_extension(message.group_info.extensions, ExtensionType::ratchet_tree)) {
          read_tree(*tree);
        }
        return;
      case WireFormat::key_package: {
        Digest reference;
        must(key_package_ref(crypto_, message.key_package, reference));
        const std::string identity = identity_of(message.key_package.leaf_node);
        out_.published.insert(identity);
        key_packages_[octets_of(reference)] = identity;
        return;
      }
    }
  }

  void read_public(const FramedContent& content) {
    out_.authenticated_data += content.authenticated_data.size();
    if (content.sender.type == SenderType::member) out_.senders.insert(content.sender.leaf_index.value);
    if (content.content_type == ContentType::proposal) read_proposal(content.proposal);
    if (content.content_type != ContentType::commit) return;
    ++out_.commits_read;
    for (const ProposalOrRef& each : content.commit.proposals) {
      if (each.type == ProposalOrRefType::proposal) read_proposal(each.proposal);
    }
    std::size_t path_secrets = 0;
    if (content.commit.path.has_value()) {
      for (const UpdatePathNode& node : content.commit.path->nodes) {
        path_secrets += node.encrypted_path_secret.count();
        for (const HpkeCiphertext& each : node.encrypted_path_secret) sealed_ += each.ciphertext.size();
      }
    }
    out_.path_secrets = std::max(out_.path_secrets, path_secrets);
  }

  void read_proposal(const Proposal& proposal) {
    const char* const name = type_of<ProposalType>.symbol(static_cast<std::uint16_t>(proposal.type));
    ++out_.proposals[name != nullptr ? name : "of another type"];
  }

  void read_welcome(const Welcome& welcome) {
    sealed_ = welcome.encrypted_group_info.size();
    for (const EncryptedGroupSecrets& each : welcome.secrets) {
      sealed_ += each.encrypted_group_secrets.ciphertext.size();
      const auto found = key_packages_.find(octets_of(each.new_member));
      if (found != key_packages_.end()) out_.welcomed.insert(found->second);
    }
  }

  void read_tree(Bytes encoded) {
    Nodes nodes;
    must(decode(encoded, nodes));
    for (const std::optional<Node>& node : nodes) {
      if (node.has_value() && node->node_type == NodeType::leaf)
        out_.in_trees.insert(identity_of(node->leaf_node));
    }
  }

  SodiumRandom random_;
  Sodium crypto_{random_};                      // to hash what is public
  std::map<Octets, std::string> key_packages_;  // whose, by KeyPackageRef
  std::size_t sealed_ = 0;                      // of what is being read
  Keyless out_;
};

}  // namespace

Keyless read_without_keys(const std::deque<Kept>& record) { return Reading().read(record); }

const char* name_of(adversary::Kind kind) {
  static constexpr const char* names[kinds] = {"unreadable", "KeyPackages",          "Welcomes",
                                               "GroupInfos", "ratchet trees, apart", "proposals",
                                               "Commits",    "application messages"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace tacet::tool
