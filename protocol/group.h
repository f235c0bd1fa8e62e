#pragma once

// A group as a member has it: the public verbs (RFC 9420, 11, 12, 14, 15).
//
// An epoch is never half changed. What is received is staged: every check is passed, what it would do can be
// read, and nothing has changed; then it is adopted, which cannot fail, or dropped. process() is both at
// once. A Commit of one's own waits until the delivery service has said whose Commit it took: it is adopted
// if it comes back, or if adopt_pending() is called, and dropped if another's is adopted, or by
// drop_pending().

#include "outside.h"
#include "past_epochs.h"
#include "record.h"
#include "resumption.h"
#include "saved_state.h"
#include "selection.h"

namespace tacet {

// What a message that was received turned out to be.
enum class Event : std::uint8_t {
  application,  // a member's application data
  proposal,     // a proposal, which waits until a Commit covers it
  commit,       // another's Commit: there is a new epoch, and no Commit of one's own waits any more
  own_commit,   // the Commit of one's own that waited has come back: there is a new epoch
  removed,      // a Commit that removes the endpoint: the group is over for it, and all that it kept is wiped
};

// A message that was received, by a member or an observer. Its Bytes are views of the message, or of the room
// that it was opened in.
struct Received {
  explicit Received(Memory& memory) noexcept : record(memory) {}

  Event event = Event::application;
  Sender sender;
  std::uint64_t epoch = 0;    // in which it was sent; of application data it may be a past one
  LeafNode sender_leaf;       // of a member, but of no Commit: as it was in that epoch; a view of the group,
                              // which lives until the group changes
  Bytes authenticated_data;   // [APP-02]
  Bytes application_data;     // of Event::application
  Bytes proposal;             // of Event::proposal, encoded
  Digest proposal_reference;  // of Event::proposal: its ProposalRef
  Record record;              // of all Commits

  void take(Event what, const FramedContent& content, const TreeView& tree) noexcept;
};

// What a member proposes. Here and below each field has a default, so that a caller names just what differs.
struct NewProposal {
  Proposal proposal = {};  // the nonce of a PSK is drawn, whatever stands there [PROP-16]
  std::uint64_t now = 0;   // for an Add, whose KeyPackage has to be current: in seconds since 1970
  Bytes authenticated_data = {};
};

// What a member's new leaf says, in an Update or in the path of a Commit: the same as before, unless it is
// told here.
struct NewLeaf {
  const LeafNode* fields = nullptr;  // its keys, source and signature do not matter
  Signer* signer = nullptr;          // the key of the new leaf, whose signature_key is among the fields
};

// What a member commits.
struct CommitOptions {
  std::span<const Proposal> proposals = {};  // by value, behind those that wait
  bool with_waiting = true;  // whether the proposals that wait are covered, as far as they can be
  bool with_path = true;     // also where none is required; the first Commit in an epoch may do without
  NewLeaf leaf = {};
  std::uint64_t now = 0;  // as in NewProposal
  Bytes authenticated_data = {};
  std::span<const Extension> group_info_extensions = {};  // of the GroupInfo in the Welcome
  bool tree_inline = true;                                // whether the Welcome has the ratchet_tree
};

// How a client joins from outside.
struct ExternalOptions {
  Bytes leaf = {};  // its LeafNode, made as for a KeyPackage; keys and source do not matter
  std::span<const Proposal> psks = {};  // PreSharedKeys, whose nonces are drawn
  bool replaces = false;                // its former leaf is removed: one that has lost its state comes back
  Bytes authenticated_data = {};
};

// What a member tells of an epoch.
struct GroupInfoOptions {
  std::span<const Extension> extensions = {};
  bool tree_inline = true;    // or it is given apart
  bool external_pub = false;  // whether clients can join by it from outside
};

// How a group succeeds another.
struct SuccessorOptions {
  ResumptionPskUsage usage = ResumptionPskUsage::reinit;  // or branch
  std::span<const Proposal> proposals = {};    // Adds of all other members, or of a branch's; and PSKs
  Bytes group_id = {};                         // of a branch: drawn if it is empty
  std::span<const Extension> extensions = {};  // of a branch
  std::uint64_t now = 0;                       // as in NewProposal
  bool tree_inline = true;                     // as in CommitOptions
};

// It neither moves nor is copied. What `client` refers to and `psks` outlive it. All its verbs but those that
// begin it are Error::group_inactive before, and after the endpoint was removed. Every verb that changes it
// first drops what is staged. `signer` has the key of the endpoint's leaf.
class Group final : private Psks {
 public:
  Group(const Client& client, Psks& psks) noexcept : client_(client), psks_(psks), past_(client) {}
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  // ---- the beginning

  // A group of one, the owner of `leaf`, a LeafNode made as for a KeyPackage, whose private key is given. The
  // group_id is drawn if it is empty [CREATE-06]. Errors: group_active, commit_pending, those of
  // create_group.
  Error create(Bytes group_id, std::span<const Extension> extensions, Bytes leaf,
               Secret encryption_key) noexcept;

  // By a Welcome, an MlsMessage, with the tree inside or, if `ratchet_tree` is not empty, with that; not
  // while a Commit that joins from outside waits. Errors: group_active, commit_pending, not_a_welcome, those
  // of join_by_welcome and of a Reader.
  Error join(Bytes welcome, Bytes ratchet_tree, KeyPackages& key_packages,
             FormerGroups* former_groups = nullptr) noexcept;

  // A group that succeeds `former`, which is not touched [BRANCH-07], with its first Commit, which waits:
  // those whom it adds join in epoch 1 by its Welcome. `leaf` and its key as in create(). The Psks of the new
  // group are asked for the resumption PSK of the former one's present epoch. Errors: group_inactive of
  // `former`, psk_usage_misplaced; as of create() and commit(); those of check_successor and
  // check_successor_members.
  Error succeed(Signer& signer, const Group& former, Bytes leaf, Secret encryption_key,
                const SuccessorOptions& wanted) noexcept;

  // From outside, by a Commit of one's own, from a GroupInfo with external_pub, an MlsMessage, with the tree
  // inside or, if `ratchet_tree` is not empty, with that (RFC 9420, 12.4.3.2). The Commit waits, like a
  // member's; the group is active once it is adopted. If another's came first it is dropped, and a new
  // GroupInfo is needed. `signer` has the key of wanted.leaf. Errors: group_active, commit_pending,
  // not_a_group_info; those of stand_outside, make_external_init, make_remove_of_former and
  // create_external_commit.
  Error join_from_outside(Signer& signer, Bytes group_info, Bytes ratchet_tree,
                          const ExternalOptions& wanted) noexcept;

  // ---- handshakes; whether as PublicMessage or as PrivateMessage is the Policy's choice

  // Sends a proposal, which waits from now on like one that was received. What a receiver would refuse of it
  // is not sent. Errors: those of check_own_proposal, check_proposal, ProposalCache::reserve, sign_content
  // and send_content.
  Error propose(Signer& signer, const NewProposal& wanted, Message& out) noexcept;

  // Sends an Update of the endpoint's leaf, with a new encryption key. It cannot be covered by a Commit of
  // one's own. Errors: as above, and those of sign_leaf_node and PathKeys::add_update.
  Error propose_update(Signer& signer, const NewLeaf& leaf, Bytes authenticated_data, Message& out) noexcept;

  // Makes a Commit, which waits. Of the proposals that wait it covers what can be covered, in the order in
  // which they came [COMMIT-03]: of those for one leaf a Remove, or else the newest Update [PLIST-07]; the
  // newest GroupContextExtensions; a ReInit only alone; none that is not valid beside the others. Errors:
  // commit_pending, those of Selection::start and of create_commit.
  Error commit(Signer& signer, const CommitOptions& wanted) noexcept;

  // The Commit that waits, or nothing: an MlsMessage, and the one for those that it adds, if it adds any.
  // They are there as long as it waits.
  bool has_pending() const noexcept { return pending_.has_value(); }
  Bytes pending_commit() const noexcept { return has_pending() ? pending_->commit.message : Bytes(); }
  Bytes pending_welcome() const noexcept { return has_pending() ? pending_->commit.welcome : Bytes(); }
  const Record* pending_record() const noexcept { return has_pending() ? &pending_->record : nullptr; }

  // The delivery service has taken it, or it has not. Nothing happens if none waits.
  void adopt_pending() noexcept;
  void drop_pending() noexcept;

  // ---- receiving, an MlsMessage

  // The room in which it is opened, also by a client that joins from outside and whose Commit may come back.
  // Errors: those of a Reader; not_a_group_message.
  Result<std::size_t> process_size(Bytes message) const noexcept;

  // Judges a message, of any sender. Application data may also be of a past epoch, as far as Limits keeps
  // any, also when the group has been closed since [APP-07]. `message`, `room` and what waits stay as they
  // are until it is adopted or dropped. An echo of a PrivateMessage of one's own cannot be opened, which is
  // generation_gone; but the Commit of one's own that waits is recognised. Errors: not_a_group_message,
  // wire_format_not_accepted, proposal_not_permitted, too_many_proposals, own_commit_unknown; those of
  // unprotect, open, process_commit.
  Error stage(Bytes message, MutableBytes room, Received& out) noexcept;
  void adopt() noexcept;
  void drop() noexcept;

  // Both: what was judged is adopted.
  Error process(Bytes message, MutableBytes room, Received& out) noexcept;

  // ---- application data

  // The room in which it is sealed. Errors: vector_too_long.
  Result<std::size_t> seal_size(std::size_t data, Bytes authenticated_data) const noexcept;

  // Seals it as a PrivateMessage, an MlsMessage that is a part of `room`. While proposals wait, a Commit has
  // to come first, or to wait. Errors: proposals_wait; those of sign_content and send_content.
  Result<Bytes> seal(Signer& signer, Bytes application_data, Bytes authenticated_data,
                     MutableBytes room) noexcept;

  // ---- what a group tells

  bool is_active() const noexcept { return epoch_.has_value() && !is_joining(); }

  // Whether a ReInit has closed it, state().re_init(): nothing is said in it any more, and a group that
  // succeeds it is to come [REINIT-07]. All verbs that send or receive are Error::group_closed.
  bool is_closed() const noexcept { return is_active() && state().re_init() != nullptr; }

  // What everybody may know of the present epoch, the tree and the proposals that wait. Only of an active
  // group.
  const PublicState& state() const noexcept { return epoch_->state; }
  LeafIndex own_leaf() const noexcept { return epoch_->member.own(); }

  // Of this epoch, the first one too, signed now [WELCOME-32, CREATE-08], an MlsMessage. Errors: those of
  // make_group_info.
  Error group_info(Signer& signer, const GroupInfoOptions& wanted, Message& out) noexcept;

  // MLS-Exporter (RFC 9420, 8.5). Errors: those of tacet::export_secret.
  Error export_secret(std::string_view label, Bytes context, MutableBytes out) const noexcept;

  // For members to compare out of band: equal if the whole history of the group is (RFC 9420, 8.7) [APP-05].
  // Empty if the group is not active.
  Bytes epoch_authenticator() const noexcept;

  // For members to compare out of band who is in the group: equal if the same credentials with the same
  // signature keys are at the same leaves (PublicState::membership_fingerprint).
  Error membership_fingerprint(Digest& out) const noexcept;

  // The resumption PSK of this group in this or a past epoch, for other groups of the endpoint, as long as it
  // is kept. The view lives until the group is used again. Error::psk_unknown.
  Error resumption_psk(std::uint64_t epoch, SecretView& psk) noexcept;

  // ---- what lasts, in two records, sealed under a key of the suite's hash_size (saved_state.h)

  // Both in this order, of which the first stays the same for as long as the epoch lasts. What is staged is
  // not saved, nor what has not begun yet because an external Commit waits. Errors: group_inactive,
  // saving_is_off, epoch_not_saved of the ratchets; those of tacet::save_epoch and save_ratchets.
  bool epoch_is_saved() const noexcept { return saved_epoch_.has_value(); }
  Error save_epoch(SecretView key, Buffer& out) noexcept;
  Error save_ratchets(SecretView key, Buffer& out) noexcept;

  // What was saved last is where it lasts: from now on the generations that it reserves can be used. Every
  // PrivateMessage uses one, and an epoch begins with none, but for that of a group that the endpoint has
  // created and not saved yet: Error::save_first.
  void saved() noexcept;

  // Goes on where the newest save left off, with a Commit of its own that waited then. PSKs are not asked for
  // again. Nothing can be sealed before the next save. Errors: group_active, commit_pending, saving_is_off;
  // those of SavedState.
  Error restore(SecretView key, Bytes epoch, Bytes ratchets) noexcept;

 private:
  // A Commit of one's own, and what it views.
  struct Pending {
    Pending(const Client& client, const Epoch& epoch, bool joining) noexcept
        : joins(joining), commit(client, epoch), record(client.memory), replaced(client.memory) {}
    bool joins;  // from outside: `epoch` is not one that the endpoint is in
    Buffer list;
    OwnCommit commit;
    Record record;
    ReplacedLeaves replaced;
  };

  // What is kept of epochs that are over.
  struct Past {
    explicit Past(const Client& client) noexcept : resumption(client), epochs(client) {}
    Error start(const Client& client) noexcept;
    ResumptionPsks resumption;
    PastEpochs epochs;
  };

  // What was judged, and what its adoption needs.
  struct Staged {
    bool is_there = false;
    Event event = Event::application;
    PeekedKey key;  // of a PrivateMessage, with the next
    SecretTree* secret_tree = nullptr;
    Digest reference;  // of a proposal, with the next two
    Sender sender;
    Bytes proposal;
    std::optional<NextEpoch> next;  // of another's Commit, with the next
    std::optional<ReplacedLeaves> replaced;
  };

  bool is_joining() const noexcept { return has_pending() && pending_->joins; }
  Error find(const PreSharedKeyId& id, SecretView& psk) noexcept override;
  void begin_epoch() noexcept;
  void advance(NextEpoch& next, ReplacedLeaves&& replaced) noexcept;
  void leave() noexcept;
  ListRules rules() const noexcept;
  Error check_open() const noexcept;
  FramedContent content_of(ContentType type, Bytes authenticated_data) const noexcept;
  Error send_proposal(Signer& signer, const Proposal& proposal, Bytes authenticated_data,
                      Message& out) noexcept;
  Error commit(Signer& signer, const CommitOptions& wanted, const Selection& selection) noexcept;
  Error create_successor(const Group& former, Bytes leaf, Secret encryption_key,
                         const SuccessorOptions& wanted) noexcept;
  Error commit_as_successor(Signer& signer, const Group& former, const SuccessorOptions& wanted) noexcept;
  Error commit_from_outside(Signer& signer, const GroupInfo& group_info,
                            const ExternalOptions& wanted) noexcept;
  Error judge(Bytes message, MutableBytes room, Received& out) noexcept;
  Error authenticate(const MlsMessage& message, MutableBytes room, AuthenticatedContent& out) noexcept;
  Error read_late(PastEpoch& epoch, const PrivateMessage& message, MutableBytes room, Received& out) noexcept;
  Error stage_proposal(const AuthenticatedContent& content, Received& out) noexcept;
  Error stage_commit(const AuthenticatedContent& content, Received& out) noexcept;
  Error stage_pending(Received& out) noexcept;
  Lasting lasting() const noexcept;
  Error restore(SavedState& saved) noexcept;

  Client client_;
  Psks& psks_;
  std::optional<Epoch> epoch_;
  Past past_;
  Secret lent_psk_;
  std::optional<Pending> pending_;
  Staged staged_;
  // Whether a Commit of this epoch was made, and perhaps dropped. A second one that says the same, without a
  // path, would begin the same epoch, and its Welcome would seal another GroupInfo with the same key and nonce.
  bool has_committed_ = false;
  std::optional<SavedSalt> saved_epoch_;      // by which ratchets refer to the record of this epoch
  SecretTree::Reserved saved_reservation_{};  // of the ratchets that were saved last
};

}  // namespace tacet
