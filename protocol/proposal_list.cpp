#include "proposal_list.h"

namespace tacet {

// ---- what was heard

Error ProposalCache::add(Crypto& crypto, Bytes reference, const Sender& sender, Bytes proposal,
                         const Limits& limits) noexcept {
  TRY(reserve(crypto, reference, proposal.size(), limits));
  put(crypto, reference, sender, proposal);
  return Error::none;
}

Error ProposalCache::reserve(Crypto& crypto, Bytes reference, std::size_t proposal_size,
                             const Limits& limits) noexcept {
  if (find(crypto, reference) != nullptr) return Error::none;
  REFUSE_IF(entries_.size() >= limits.cached_proposals, Error::too_many_proposals);
  TRY(entries_.reserve(entries_.size() + 1));
  TRY(bytes_.reserve(bytes_.size() + proposal_size));
  return places_.reserve(1);
}

void ProposalCache::put(Crypto& crypto, Bytes reference, const Sender& sender, Bytes proposal) noexcept {
  if (find(crypto, reference) != nullptr) return;
  Entry entry{{},
              sender,
              static_cast<std::uint32_t>(bytes_.size()),
              static_cast<std::uint32_t>(proposal.size()),
              none};
  entry.reference.assign(reference);
  const std::uint32_t key = hash(crypto, reference);
  entry.same_hash = places_.find(key);
  if (entry.same_hash != none) places_.erase(key);
  places_.insert(key, static_cast<std::uint32_t>(entries_.size()));
  entries_.push_back(entry);
  bytes_.append(proposal);
}

const ProposalCache::Entry* ProposalCache::find(Crypto& crypto, Bytes reference) const noexcept {
  for (std::uint32_t i = places_.find(hash(crypto, reference)); i != none; i = entries_[i].same_hash) {
    if (equal(entries_[i].reference, reference)) return &entries_[i];  // [COMMIT-15]
  }
  return nullptr;
}

// ---- the list of a Commit

Proposal ProposalList::Item::proposal() const noexcept {
  Proposal decoded;
  static_cast<void>(decode(encoded, decoded));  // it was decoded when it came
  return decoded;
}

Error ProposalList::resolve(Crypto& crypto, const Commit& commit, const Sender& committer,
                            const ProposalCache& cache) noexcept {
  TRY(items_.reserve(commit.proposals.count()));
  for (const ProposalOrRef& entry : commit.proposals) {
    if (entry.type == ProposalOrRefType::proposal) {
      items_.push_back({committer, entry.proposal.type, false, entry.proposal.encoded});  // [COMMIT-16]
      continue;
    }
    const ProposalCache::Entry* const found = cache.find(crypto, entry.reference);  // [COMMIT-43]
    REFUSE_IF(found == nullptr, Error::proposal_unknown);                           // [COMMIT-14, PROP-04]
    if (found == nullptr) continue;  // only with that refusal switched off
    Item item{found->sender, {}, true, cache.proposal(*found)};
    item.type = item.proposal().type;
    items_.push_back(item);
  }
  return Error::none;
}

std::size_t ProposalList::count(ProposalType type) const noexcept {
  std::size_t count = 0;
  for (const Item& item : items_) count += item.type == type ? 1 : 0;
  return count;
}

// ---- the rules on the list alone

namespace {

// At most one Update or Remove for a leaf, and of the committer's none.
Error check_leaves_once(const ProposalList& list, const Sender& committer, const Limits& limits,
                        Memory& scratch) noexcept {
  IndexMap seen(scratch);
  TRY(seen.reserve(list.count(ProposalType::update) + list.count(ProposalType::remove)));
  for (const ProposalList::Item& item : list) {
    if (item.type != ProposalType::update && item.type != ProposalType::remove) continue;
    const bool removes = item.type == ProposalType::remove;
    const LeafIndex leaf = removes ? item.proposal().remove.removed : item.sender.leaf_index;
    const bool is_committer = committer.type == SenderType::member && leaf == committer.leaf_index;
    REFUSE_IF(is_committer && !removes, Error::update_of_committer);  // [PLIST-02]
    REFUSE_IF(is_committer && removes, Error::committer_removed);     // [PLIST-03]
    if (leaf.value >= limits.leaves) continue;  // no tree has it, and applying will say so
    const bool repeated = seen.find(leaf.value) != IndexMap::absent;
    REFUSE_IF(repeated, Error::leaf_proposed_twice);  // [PLIST-04, PLIST-05, PLIST-06, COMMIT-17]
    if (!repeated) seen.insert(leaf.value, 0);
  }
  return Error::none;
}

Error check_psks(const ProposalList& list, std::size_t hash_size, const ListRules& rules) noexcept {
  REFUSE_IF(list.count(ProposalType::psk) > rules.limits.psks, Error::too_many_psks);
  for (const ProposalList::Item& item : list) {
    if (item.type != ProposalType::psk) continue;
    const PreSharedKeyId id = item.proposal().pre_shared_key.psk;
    REFUSE_IF(id.psk_nonce.size() != hash_size, Error::psk_nonce_length);  // [PSK-04, EXTCOMMIT-29]
    REFUSE_IF(id.type == PskType::resumption && id.usage != ResumptionPskUsage::application &&
                  id.usage != rules.begins_as,
              Error::psk_usage_misplaced);  // [PSK-10, PSK-11, REINIT-19, BRANCH-06]
    for (const ProposalList::Item& other : list) {
      if (&other == &item) break;
      REFUSE_IF(other.type == ProposalType::psk && equal(other.encoded, item.encoded),
                Error::psk_repeated);  // [PSK-13, PSK-14]
    }
  }
  return Error::none;
}

Error check_reinit(const ProposalList& list, const GroupContext& context) noexcept {
  if (list.count(ProposalType::reinit) == 0) return Error::none;
  REFUSE_IF(list.size() != 1, Error::reinit_not_alone);  // [REINIT-03]
  return list.for_each(
      ProposalType::reinit, [&](const ProposalList::Item&, const Proposal& proposal) noexcept {
        REFUSE_IF(proposal.re_init.version < context.version, Error::reinit_version);  // [REINIT-02]
        return Error::none;
      });
}

Error check_external_list(const ProposalList& list) noexcept {
  for (const ProposalList::Item& item : list) {
    REFUSE_IF(item.by_reference, Error::external_commit_reference);  // [EXTCOMMIT-08]
    const bool may_stand = item.type == ProposalType::external_init || item.type == ProposalType::remove ||
                           item.type == ProposalType::psk;
    REFUSE_IF(!may_stand, Error::external_commit_proposal);  // [EXTCOMMIT-18, EXTCOMMIT-19]
  }
  REFUSE_IF(list.count(ProposalType::external_init) != 1,
            Error::external_init_count);  // [EXTCOMMIT-11, EXTCOMMIT-12]
  REFUSE_IF(list.count(ProposalType::remove) > 1, Error::external_commit_removes);  // [EXTCOMMIT-13]
  return Error::none;
}

}  // namespace

Error check_proposer(ProposalType type, SenderType sender) noexcept {
  REFUSE_IF(type == ProposalType::update && sender != SenderType::member,
            Error::update_not_of_member);  // [PROP-12]
  const bool is_external_type = type == ProposalType::add || type == ProposalType::remove ||
                                type == ProposalType::psk || type == ProposalType::reinit ||
                                type == ProposalType::group_context_extensions || !is_default(type);
  REFUSE_IF(sender == SenderType::external && !is_external_type,
            Error::external_proposal_type);  // [EXTPROP-04, EXTPROP-05]
  return Error::none;
}

Error check_list(const ProposalList& list, const Sender& committer, const ListRules& rules,
                 std::size_t hash_size, Memory& scratch) noexcept {
  for (const ProposalList::Item& item : list) {
    TRY(check_proposer(item.type, item.sender.type));  // [PLIST-01]
    REFUSE_IF(!rules.policy.permits(item.sender, item.proposal()),
              Error::proposal_not_permitted);  // [EXTPROP-06]
  }
  if (committer.type == SenderType::new_member_commit) {
    TRY(check_external_list(list));
  } else {
    REFUSE_IF(list.count(ProposalType::external_init) != 0,
              Error::external_init_misplaced);  // [PLIST-12, PROP-17]
  }
  TRY(check_leaves_once(list, committer, rules.limits, scratch));
  REFUSE_IF(list.count(ProposalType::group_context_extensions) > 1,
            Error::group_context_extensions_repeated);  // [PLIST-11]
  TRY(check_reinit(list, rules.context));
  return check_psks(list, hash_size, rules);
}

bool path_required(
    const ProposalList& list) noexcept {  // [COMMIT-06, COMMIT-07, COMMIT-12, PROP-22, REINIT-04]
  if (list.size() == 0) return true;
  for (const ProposalList::Item& item : list) {
    const bool needs_none =
        item.type == ProposalType::add || item.type == ProposalType::psk || item.type == ProposalType::reinit;
    if (!needs_none) return true;
  }
  return false;
}

Error check_path_present(const ProposalList& list, const Commit& commit) noexcept {
  REFUSE_IF(path_required(list) && !commit.path.has_value(),
            Error::path_absent);  // [COMMIT-08, COMMIT-09, COMMIT-10, COMMIT-11]
  return Error::none;
}

// ---- applying

namespace {

template <class T>
bool contains(std::span<const T> values, T value) noexcept {
  for (const T each : values) {
    if (each == value) return true;
  }
  return false;
}

}  // namespace

Error check_extensions_supported(const Extensions& extensions, const Supported& supported) noexcept {
  for (const Extension& extension : extensions) {
    const bool known = is_default(extension.type) || contains(supported.extensions, extension.type);
    REFUSE_IF(!known, Error::extension_unsupported);  // [GREASE-05, GREASE-08, GREASE-09, EXT-06]
  }
  return Error::none;
}

namespace {

// Who may send from outside is believed like a member [CRED-11].
Error check_external_senders(const Extensions& extensions, const Policy& policy) noexcept {
  const std::optional<Bytes> data = find_extension(extensions, ExtensionType::external_senders);
  if (!data.has_value()) return Error::none;
  ExternalSenders senders;
  TRY(decode(*data, senders));
  for (const ExternalSender& sender : senders) {
    REFUSE_IF(!policy.validates(sender.credential, sender.signature_key), Error::credential_refused);
  }
  return Error::none;
}

// The extensions that the group is to have: those of the list, or those of this epoch. What the endpoint does
// not really support is not in them, whatever the members advertise [GREASE-09].
Error next_extensions(const ProposalList& list, const ListRules& rules, Extensions& out) noexcept {
  out = rules.context.extensions;
  const auto take = [&](const ProposalList::Item&, const Proposal& proposal) noexcept {
    out = proposal.group_context_extensions.extensions;  // [PROP-18, PROP-21, APPLY-01]
    return Error::none;
  };
  TRY(list.for_each(ProposalType::group_context_extensions, take));
  if (list.count(ProposalType::group_context_extensions) != 0) TRY(check_external_senders(out, rules.policy));
  return check_extensions_supported(out, rules.supported);
}

// The room in which the leaf or the KeyPackage of a proposal is verified.
Result<std::size_t> work_size(const Proposal& proposal, Bytes group_id) noexcept {
  if (proposal.type == ProposalType::add) return key_package_work_size(proposal.add.key_package);
  if (proposal.type != ProposalType::update) return std::size_t{0};
  return leaf_node_work_size(proposal.update.leaf_node, {group_id, LeafIndex{}});
}

Result<std::size_t> work_size(const ProposalList& list, Bytes group_id) noexcept {
  std::size_t largest = 0;
  for (const ProposalList::Item& item : list) {
    if (item.type != ProposalType::add && item.type != ProposalType::update) continue;
    const Result<std::size_t> size = work_size(item.proposal(), group_id);
    TRY(size.error());
    if (size.value() > largest) largest = size.value();
  }
  return largest;
}

// Whether a leaf may take another's place at the same index.
Error check_successor(const LeafNode& leaf, const LeafNode& before, const Policy& policy) noexcept {
  REFUSE_IF(!policy.validates(leaf.credential, leaf.signature_key), Error::credential_refused);
  REFUSE_IF(!policy.may_succeed(before.credential, leaf.credential), Error::successor_refused);  // [CRED-12]
  return Error::none;
}

// One list on its way into a draft.
class Application {
 public:
  Application(Crypto& crypto, const ProposalList& list, const ListRules& rules, const Extensions& extensions,
              TreeDraft& draft, Array<LeafIndex>& added) noexcept
      : crypto_(crypto), list_(list), rules_(rules), extensions_(extensions), draft_(draft), added_(added) {}

  // In the order of RFC 9420, 12.3 [APPLY-01, APPLY-02, APPLY-06].
  Error run() noexcept {
    const Result<std::size_t> size = work_size(list_, rules_.context.group_id);
    TRY(size.error());
    Result<Buffer> work = Buffer::allocate(draft_.memory(), size.value());
    TRY(work.error());
    work_ = std::move(work.value());
    TRY(added_.reserve(list_.count(ProposalType::add)));
    TRY(list_.for_each(ProposalType::update, [this](const auto& item, const Proposal& proposal) noexcept {
      return update(item.sender.leaf_index, proposal.update.leaf_node);
    }));
    TRY(list_.for_each(ProposalType::remove, [this](const auto&, const Proposal& proposal) noexcept {
      return draft_.remove(proposal.remove.removed);  // [PROP-13, PROP-14, CRED-15]
    }));
    return list_.for_each(ProposalType::add, [this](const auto&, const Proposal& proposal) noexcept {
      return add(proposal.add.key_package);
    });
  }

 private:
  Error update(LeafIndex index, const LeafNode& leaf) noexcept {                         // [PROP-09, PROP-10]
    TRY(check_leaf_node(leaf, LeafNodeSource::update, crypto_.suite(), rules_.limits));  // [LEAF-30]
    TRY(verify_leaf_node(crypto_, leaf, {rules_.context.group_id, index}, work_.bytes()));
    TRY(check_successor(leaf, draft_.leaf(index), rules_.policy));  // [CRED-09]
    return draft_.update(index, leaf);
  }

  // A client is in the group once, in the tree as it results [PLIST-08, PLIST-09, PLIST-10].
  Error add(const KeyPackage& key_package) noexcept {  // [PROP-05, PROP-06, PROP-08, KP-15]
    TRY(check_added_key_package(crypto_, key_package, extensions_, rules_.limits,
                                work_.bytes()));  // [APPLY-04, REQCAP-05, CREATE-04]
    const LeafNode& leaf = key_package.leaf_node;
    REFUSE_IF(!rules_.policy.validates(leaf.credential, leaf.signature_key),
              Error::credential_refused);  // [CRED-08]
    REFUSE_IF(!rules_.policy.is_current(leaf.lifetime), Error::lifetime_not_current);
    const Result<LeafIndex> index = draft_.add(leaf);
    TRY(index.error());
    const Bytes client = rules_.policy.identity(leaf.credential);
    REFUSE_IF(draft_.other_with(NodeIndexMap::Of::client, client, index.value()).has_value(),
              Error::client_repeated);
    added_.push_back(index.value());
    return Error::none;
  }

  Crypto& crypto_;
  const ProposalList& list_;
  const ListRules& rules_;
  const Extensions& extensions_;
  TreeDraft& draft_;
  Array<LeafIndex>& added_;
  Buffer work_;
};

}  // namespace

Error apply_list(Crypto& crypto, const ProposalList& list, const ListRules& rules, TreeDraft& draft,
                 Extensions& extensions, Array<LeafIndex>& added) noexcept {
  Extensions next;
  TRY(next_extensions(list, rules, next));
  TRY(Application(crypto, list, rules, next, draft, added).run());
  extensions = next;
  return Error::none;
}

Error check_own_proposal(Crypto& crypto, const Proposal& proposal, LeafIndex own, const ListRules& rules,
                         const TreeView& tree, std::uint64_t now, Memory& scratch) noexcept {
  const GroupContext& context = rules.context;
  const Sender sender = {SenderType::member, own, 0};
  REFUSE_IF(!rules.policy.permits(sender, proposal), Error::proposal_not_permitted);
  const Result<std::size_t> size = work_size(proposal, context.group_id);
  TRY(size.error());
  Result<Buffer> work = Buffer::allocate(scratch, size.value());
  TRY(work.error());
  if (proposal.type == ProposalType::add) {
    const KeyPackage& key_package = proposal.add.key_package;
    const LeafNode& leaf = key_package.leaf_node;
    TRY(check_key_package_to_add(crypto, key_package, context.extensions, now, rules.limits,
                                 work.value().bytes()));
    REFUSE_IF(!rules.policy.validates(leaf.credential, leaf.signature_key),
              Error::credential_refused);  // [CRED-06]
  } else if (proposal.type == ProposalType::update) {
    const LeafNode& leaf = proposal.update.leaf_node;
    TRY(check_leaf_node(leaf, LeafNodeSource::update, crypto.suite(), rules.limits));
    TRY(verify_leaf_node(crypto, leaf, {context.group_id, own}, work.value().bytes()));
    TRY(check_successor(leaf, tree.leaf(own), rules.policy));
  } else if (proposal.type == ProposalType::remove) {
    if (!tree.size().contains(proposal.remove.removed)) return Error::leaf_outside_tree;
    REFUSE_IF(tree.is_blank(proposal.remove.removed), Error::leaf_blank);
  }
  return Error::none;
}

namespace {

// Every member that stays supports each custom type of the list, and so does the endpoint itself
// [PLIST-13, PLIST-14, EXT-10].
Error check_custom_supported(const ProposalList& list, const ListRules& rules,
                             const TreeDraft& draft) noexcept {
  CodePoints done;
  for (const ProposalList::Item& item : list) {
    if (is_default(item.type) || done.contains(item.type)) continue;
    done.insert(item.type);
    REFUSE_IF(!contains(rules.supported.proposals, item.type), Error::proposal_unsupported);
    const auto supports = [&](LeafIndex index) noexcept -> Error {
      const bool listed = contains(draft.leaf(index).capabilities.proposals, item.type);
      REFUSE_IF(!draft.is_new(index) && !listed, Error::proposal_unsupported);
      return Error::none;
    };
    TRY(draft.for_each_leaf(supports));
  }
  return Error::none;
}

// A credential of a type that the endpoint does not really support is none, even if all advertise it.
Error check_credentials_supported(const TreeDraft& draft, const Supported& supported) noexcept {
  return draft.for_each_changed_leaf([&](LeafIndex index) noexcept -> Error {
    REFUSE_IF(!contains(supported.credentials, draft.leaf(index).credential.type),
              Error::credential_unsupported);  // [GREASE-07]
    return Error::none;
  });
}

}  // namespace

Error check_result(const ProposalList& list, const ListRules& rules, const TreeDraft& draft,
                   const Extensions& extensions) noexcept {
  if (list.count(ProposalType::group_context_extensions) != 0) {
    TRY(check_members_support(draft, extensions));  // [PROP-19, PROP-20, REQCAP-03, REQCAP-06]
  }
  TRY(check_custom_supported(list, rules, draft));
  TRY(check_credentials_supported(draft, rules.supported));
  return check_changed_leaves(draft, extensions);  // [PLIST-15, PLIST-16, APPLY-04]
}

}  // namespace tacet
