#pragma once

// One epoch of a group (RFC 9420, 8.1): PublicState is what everybody may know of it, enough to follow the
// group and to judge its Commits; Epoch is that with what a member knows besides.

#include "path_keys.h"
#include "proposal_list.h"
#include "secret_tree.h"
#include "threads.h"

namespace tacet {

// What an endpoint brings to its groups. All of it outlives them.
struct Client {
  Crypto& crypto;
  Memory& memory;   // for what is public
  Memory& secrets;  // for what is not
  const Policy& policy;
  const Supported& supported;
  const Limits& limits;
  Threads* threads = nullptr;  // lent to joins, or none
};

// A GroupContext that is kept: its encoding, and its fields as views of that.
class OwnedContext {
 public:
  // Errors: out_of_memory, vector_too_long.
  Error set(Memory& memory, const GroupContext& fields) noexcept;

  const GroupContext& fields() const noexcept { return fields_; }
  Bytes encoded() const noexcept { return encoded_.bytes(); }

 private:
  Buffer encoded_;
  GroupContext fields_;
};

// A ReInit that is kept, or none.
class OwnedReInit {
 public:
  // Errors: out_of_memory, vector_too_long.
  Error set(Memory& memory, const ReInit& fields) noexcept;

  const ReInit* get() const noexcept { return fields_.has_value() ? &*fields_ : nullptr; }

 private:
  Buffer encoded_;
  std::optional<ReInit> fields_;
};

class PublicState {
 public:
  // Takes over a tree that has been judged.
  PublicState(const Client& client, RatchetTree&& tree) noexcept
      : tree_(std::move(tree)), proposals_(client.memory) {}

  const GroupContext& context() const noexcept { return context_.fields(); }
  Bytes group_context() const noexcept { return context_.encoded(); }
  const RatchetTree& tree() const noexcept { return tree_; }
  const ProposalCache& proposals() const noexcept { return proposals_; }
  Bytes confirmation_tag() const noexcept { return confirmation_tag_; }
  Bytes interim_transcript_hash() const noexcept { return interim_; }

  // For members to compare out of band: a hash of the group's id and of the credential and signature key at
  // each leaf, from left to right. Errors: vector_too_long.
  Error membership_fingerprint(Crypto& crypto, Digest& out) const noexcept;

  // The epoch of that GroupContext, of the group's creation or of a GroupInfo that has been judged. Errors:
  // out_of_memory, random_failed, vector_too_long.
  Error start(const Client& client, const GroupContext& context, Bytes confirmation_tag) noexcept;

  // The ReInit by which the last Commit has closed the group, or nullptr: nothing is sent in it any more.
  const ReInit* re_init() const noexcept { return re_init_.get(); }
  Error close(const Client& client, const ReInit& by) noexcept { return re_init_.set(client.memory, by); }

  // Of epoch 0 of a group that succeeds another: its first Commit has a PSK of that usage.
  void begin_as(ResumptionPskUsage usage) noexcept { begins_as_ = usage; }
  ResumptionPskUsage begins_as() const noexcept { return begins_as_; }

  // When the epoch ends: the GroupContext, which is then not here any more.
  OwnedContext take_context() noexcept { return std::move(context_); }

  // Keeps a proposal that has authenticated, until the epoch ends. Errors: too_many_proposals, out_of_memory.
  Error keep(const Client& client, const AuthenticatedContent& proposal) noexcept;  // [PROP-01, PROP-02]
  ProposalCache& proposals() noexcept { return proposals_; }

 private:
  friend class NextPublicState;

  OwnedContext context_;
  RatchetTree tree_;
  Digest interim_, confirmation_tag_;
  ProposalCache proposals_;
  OwnedReInit re_init_;
  ResumptionPskUsage begins_as_ = ResumptionPskUsage::application;
};

// The public state of the epoch that a Commit begins, beside that of this one.
class NextPublicState {
 public:
  // `state` does not change meanwhile.
  NextPublicState(const Client& client, const PublicState& state) noexcept
      : state_(state),
        draft_(client.crypto, state.tree(), client.memory, client.limits),
        list_(client.memory),
        added_(client.memory),
        proposals_(client.memory) {}

  // ---- the steps of a Commit, in this order

  // Resolves and judges its proposals, and applies them. Errors: epoch_exhausted, committer_not_permitted;
  // those of ProposalList::resolve, check_list and apply_list.
  Error apply(const Client& client, const Commit& commit, const Sender& committer) noexcept;

  // Whether the application believes the leaf of a path, and lets it follow the leaf that it replaces: the
  // committer's own, or the one that an external Commit removes. Errors: credential_refused,
  // successor_refused.
  Error check_path_credential(const Client& client, const LeafNode& leaf) const noexcept;

  // Merges a path that was received, or nothing if there is none; then judges the tree as it results, and
  // gives the provisional GroupContext, in which paths are encrypted. Errors: path_absent,
  // credential_refused, successor_refused, encryption_key_unchanged; those of check_update_path,
  // merge_update_path and check_result.
  Error merge(const Client& client, const Commit& commit) noexcept;

  // The same where the path was created in the draft, or there is none. Errors: those of check_result.
  Error settle(const Client& client) noexcept;

  // Takes the Commit into the transcript and gives the GroupContext of the new epoch. Errors: out_of_memory.
  Error enter_transcript(const Client& client, const AuthenticatedContent& commit) noexcept;

  // Takes its confirmation_tag, and makes room to adopt. Errors: out_of_memory, random_failed.
  Error confirm(const Client& client, Bytes confirmation_tag) noexcept;

  // ---- reading

  const PublicState& before() const noexcept { return state_; }
  const GroupContext& context() const noexcept { return context_.fields(); }
  Bytes group_context() const noexcept { return context_.encoded(); }
  const TreeDraft& draft() const noexcept { return draft_; }
  TreeDraft& draft() noexcept { return draft_; }
  const ProposalList& list() const noexcept { return list_; }
  std::span<const LeafIndex> added() const noexcept { return {added_.data(), added_.size()}; }  // by each Add
  Bytes confirmed_transcript_hash() const noexcept { return context().confirmed_transcript_hash; }
  const Sender& sender() const noexcept { return committer_; }
  LeafIndex committer() const noexcept { return committer_leaf_; }  // where it is in the new tree

  // ---- the end; `state` is the one that it was made beside. After confirm() it cannot fail.
  void adopt(PublicState& state) noexcept;

 private:
  ListRules rules(const Client& client) const noexcept {
    return {state_.context(), client.supported, client.policy, client.limits, state_.begins_as_};
  }
  Error keep_re_init(const Client& client) noexcept;
  Error check_key_is_new(const LeafNode& leaf) const noexcept;
  Error set_context(const Client& client, Bytes confirmed_transcript_hash) noexcept;

  const PublicState& state_;
  TreeDraft draft_;
  ProposalList list_;
  Array<LeafIndex> added_;
  Extensions extensions_;
  Sender committer_;
  LeafIndex committer_leaf_;
  OwnedContext context_;
  Digest interim_, confirmation_tag_;
  ProposalCache proposals_;  // of the new epoch: none
  OwnedReInit re_init_;
};

// The secrets that an epoch keeps of its key schedule, in the secret Memory.
class EpochKeys {
 public:
  enum class Of : std::uint8_t {
    init_secret,
    sender_data_secret,
    exporter_secret,
    external_secret,
    confirmation_key,
    membership_key,
    resumption_psk,
  };

  EpochKeys(const SuiteParameters& suite, Memory& plain, Memory& secrets) noexcept
      : slots_(plain, secrets, suite.hash_size), size_(suite.hash_size) {}

  // Takes all but the encryption_secret, which goes into a SecretTree. Error::out_of_memory.
  Error take(EpochSecrets& secrets) noexcept;

  // What lasts. Errors: output_too_small; out_of_memory, secret_length, those of a Reader.
  Error save(SecretWriter& writer) const noexcept;
  Error restore(SecretReader& reader) noexcept;

  Secret copy(Of which) const noexcept { return slots_.copy(slot_[static_cast<std::size_t>(which)]); }

 private:
  static constexpr std::size_t count = 7;
  SecretSlots slots_;
  std::array<SecretSlots::Slot, count> slot_{};
  std::size_t size_;  // of each
};

// What only members have of an epoch.
class MemberState {
 public:
  explicit MemberState(const Client& client) noexcept
      : keys_(client.crypto.suite(), client.memory, client.secrets),
        path_keys_(client.crypto.suite(), client.memory, client.secrets),
        secret_tree_(client.crypto.suite(), client.memory, client.secrets, client.limits) {}

  // Errors: out_of_memory, secret_length.
  Error start(EpochSecrets&& secrets, TreeSize size) noexcept;

  // What lasts: all of it, and of its own ratchets so many generations reserved. Errors: output_too_small;
  // and of a new one those of PathKeys, EpochKeys and SecretTree.
  Error save(SecretWriter& writer, const SecretTree::Reserved& reserved) const noexcept;
  Error restore(Crypto& crypto, SecretReader& reader, TreeSize size) noexcept;

  LeafIndex own() const noexcept { return path_keys_.own(); }
  const EpochKeys& keys() const noexcept { return keys_; }
  PathKeys& path_keys() noexcept { return path_keys_; }
  const PathKeys& path_keys() const noexcept { return path_keys_; }
  SecretTree& secret_tree() noexcept { return secret_tree_; }
  Bytes epoch_authenticator() const noexcept { return epoch_authenticator_; }

 private:
  EpochKeys keys_;
  PathKeys path_keys_;
  SecretTree secret_tree_;
  WipedDigest epoch_authenticator_;
};

// A member's epoch. It does not move while another is made beside it.
struct Epoch {
  Epoch(const Client& client, RatchetTree&& tree) noexcept : state(client, std::move(tree)), member(client) {}

  PublicState state;
  MemberState member;
};

// ---- what a member says

// Makes signed content, which lies in `room`, a member's message of this epoch, an MlsMessage that is a part
// of the room. For a PrivateMessage a generation is spent, whatever becomes of it. Errors: those of protect,
// of seal and of SecretTree::next.
Result<Bytes> send_content(const Client& client, Epoch& epoch, const AuthenticatedContent& content,
                           const Padding& padding, MutableBytes room) noexcept;

// A proposal that was signed, and what it lies in.
struct SignedProposal {
  Buffer encoded;  // the Proposal
  Buffer room;     // `content` is a part of it
  AuthenticatedContent content;
};

// Makes a member's Update, with a new encryption key and whatever else `fields` says. It views `room`.
// Errors: random_failed, out_of_memory; those of sign_leaf_node.
Error make_update(const Client& client, Signer& signer, LeafNode fields, const LeafContext& context,
                  Buffer& room, Proposal& out, Secret& private_key) noexcept;

// Signs a proposal of the sender, group and epoch in `fields`; the nonce of a PSK is drawn, whatever stands
// there. `group_context` is asked for of members only. Errors: random_failed, out_of_memory; those of
// sign_content.
Error sign_proposal(const Client& client, Signer& signer, WireFormat format, FramedContent fields,
                    const Proposal& proposal, Bytes group_context, SignedProposal& out) noexcept;

// What an epoch lends to messages. Without secrets: to measure a room, and to who follows without being a
// member.
MessageEpoch message_epoch(const Client& client, const PublicState& state, SecretView membership_key = {},
                           SecretView sender_data_secret = {}) noexcept;

// A message that was made, and the room that it is a part of.
struct Message {
  Buffer room;
  Bytes bytes;
};

// What a member says of an epoch, whose `tree` is put into the GroupInfo if it is wanted.
struct EpochDescription {
  const GroupContext& context;
  const TreeView& tree;
  Bytes confirmation_tag;
  LeafIndex signer;
  std::span<const Extension> extensions;
  bool tree_inline = true;
  Bytes external_pub = {};  // if others may join by it from outside
};

// Signs a GroupInfo. `out`, which is new, has it with room for `header` bytes before it. Errors: those of
// create_group_info; out_of_memory.
Error make_group_info(const Client& client, Signer& signer, const EpochDescription& epoch, std::size_t header,
                      Message& out) noexcept;

}  // namespace tacet
