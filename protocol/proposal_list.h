#pragma once

// The proposals of an epoch and of a Commit (RFC 9420, 12.1 to 12.3): what was heard is kept, the list of a
// Commit is resolved, judged, and applied to the draft of the next epoch's tree.
//
// Who creates a Commit and who processes one goes through the same steps, so that what one makes the other
// accepts.

#include "framing.h"
#include "policy.h"
#include "tree_check.h"

namespace tacet {

// Proposals that were received in an epoch, by their references: copies, which go with the epoch.
class ProposalCache {
 public:
  struct Entry {
    Digest reference;
    Sender sender;
    std::uint32_t offset, size;  // of the encoded Proposal
    std::uint32_t same_hash;     // the entry before it with the same short hash
  };

  explicit ProposalCache(Memory& memory) noexcept : entries_(memory), bytes_(memory), places_(memory) {}

  // Error::random_failed.
  Error start(Crypto& crypto) noexcept { return crypto.random(key_); }

  // Keeps a proposal that has authenticated; one that is there already is not kept twice. Errors:
  // too_many_proposals, out_of_memory.
  Error add(Crypto& crypto, Bytes reference, const Sender& sender, Bytes proposal,
            const Limits& limits) noexcept;  // [PROP-02]

  // The same in two steps, the first of which changes nothing that can be seen and the second cannot fail.
  Error reserve(Crypto& crypto, Bytes reference, std::size_t proposal_size, const Limits& limits) noexcept;
  void put(Crypto& crypto, Bytes reference, const Sender& sender, Bytes proposal) noexcept;

  const Entry* find(Crypto& crypto, Bytes reference) const noexcept;
  Bytes proposal(const Entry& entry) const noexcept { return {bytes_.data() + entry.offset, entry.size}; }

  // In the order in which they came.
  const Entry* begin() const noexcept { return entries_.begin(); }
  const Entry* end() const noexcept { return entries_.end(); }
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  static constexpr std::uint32_t none = IndexMap::absent;

  std::uint32_t hash(Crypto& crypto, Bytes reference) const noexcept {
    return crypto.short_hash(key_, reference) >> 1;  // no key of an IndexMap is all ones
  }

  ShortHashKey key_{};
  Array<Entry> entries_;
  Array<std::uint8_t> bytes_;
  IndexMap places_;  // from a short hash to the last entry with it
};

// The proposals that a Commit covers, in its order, each with who sent it; a view of the Commit and the
// cache.
class ProposalList {
 public:
  struct Item {
    Sender sender;  // by value: the committer [COMMIT-16]
    ProposalType type{};
    bool by_reference = false;
    Bytes encoded;

    Proposal proposal() const noexcept;
  };

  explicit ProposalList(Memory& memory) noexcept : items_(memory) {}

  // Errors: proposal_unknown, out_of_memory.
  Error resolve(Crypto& crypto, const Commit& commit, const Sender& committer,
                const ProposalCache& cache) noexcept;

  const Item* begin() const noexcept { return items_.begin(); }
  const Item* end() const noexcept { return items_.end(); }
  std::size_t size() const noexcept { return items_.size(); }
  std::size_t count(ProposalType type) const noexcept;

  // Calls visit(item, proposal) for each of a type; stops at the first error.
  template <class Visit>
  Error for_each(ProposalType type, Visit visit) const noexcept {
    for (const Item& item : items_) {
      if (item.type == type) TRY(visit(item, item.proposal()));
    }
    return Error::none;
  }

 private:
  Array<Item> items_;
};

// What a list is held against.
struct ListRules {
  const GroupContext& context;  // of this epoch
  const Supported& supported;   // what the endpoint really supports
  const Policy& policy;
  const Limits& limits;
  ResumptionPskUsage begins_as = ResumptionPskUsage::application;  // also of PSKs, in a group that begins
};

// Whether the endpoint really supports every extension of a GroupContext, whatever it advertises.
// Error::extension_unsupported.
Error check_extensions_supported(const Extensions& extensions, const Supported& supported) noexcept;

// The rules on a list that need nothing but the list (RFC 9420, 12.2). `committer` is a member, or new by an
// external Commit. `scratch` lends memory for the time of the call. Errors: update_not_of_member,
// external_proposal_type, update_of_committer, committer_removed, leaf_proposed_twice,
// group_context_extensions_repeated, external_init_misplaced, reinit_not_alone, reinit_version,
// psk_nonce_length, psk_usage_misplaced, psk_repeated, too_many_psks, proposal_not_permitted; of an external
// Commit external_init_count, external_commit_removes, external_commit_reference, external_commit_proposal.
Error check_list(const ProposalList& list, const Sender& committer, const ListRules& rules,
                 std::size_t hash_size, Memory& scratch) noexcept;

// Whether a Commit of this list has to have a path (RFC 9420, 12.4, 17.4).
bool path_required(const ProposalList& list) noexcept;
// Error::path_absent.
Error check_path_present(const ProposalList& list, const Commit& commit) noexcept;

// Whether somebody of that kind may propose that at all (RFC 9420, 12.1.2, 12.1.8). Errors:
// update_not_of_member, external_proposal_type.
Error check_proposer(ProposalType type, SenderType sender) noexcept;

// Judges a proposal of one's own before it is sent: what it says by itself, in the group as it is. `now` is
// the time in seconds since 1970. Errors: proposal_not_permitted, credential_refused, successor_refused,
// leaf_blank, leaf_outside_tree; those of check_key_package_to_add, and of check_leaf_node and
// verify_leaf_node.
Error check_own_proposal(Crypto& crypto, const Proposal& proposal, LeafIndex own, const ListRules& rules,
                         const TreeView& tree, std::uint64_t now, Memory& scratch) noexcept;

// Judges the leaves that a list brings by themselves, and applies it to a draft in the order of 12.3.
// `extensions` become those of the next GroupContext, and `added` has the leaf of each Add. After an error
// the draft can only be dropped. Errors: those of check_leaf_node, verify_leaf_node and
// check_added_key_package; leaf_blank, leaf_outside_tree, encryption_key_unchanged, too_many_leaves,
// client_repeated, credential_refused, successor_refused, lifetime_not_current, extension_unsupported,
// out_of_memory.
Error apply_list(Crypto& crypto, const ProposalList& list, const ListRules& rules, TreeDraft& draft,
                 Extensions& extensions, Array<LeafIndex>& added) noexcept;

// Judges the tree as it results, the Commit's path merged if it has one. Errors: those of
// check_members_support and check_changed_leaves; proposal_unsupported, credential_unsupported.
Error check_result(const ProposalList& list, const ListRules& rules, const TreeDraft& draft,
                   const Extensions& extensions) noexcept;

}  // namespace tacet
