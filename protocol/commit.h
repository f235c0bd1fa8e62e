#pragma once

// Commits, created and processed (RFC 9420, 12.4.1, 12.4.2): each makes the next epoch beside this one, which
// stays as it is until the next is adopted.

#include "epoch.h"

namespace tacet {

// Where the PSKs are that the application and other groups have agreed on.
class Psks {
 public:
  // A PSK of any length, which lives as long as the call that asks for it. Error::psk_unknown.
  virtual Error find(const PreSharedKeyId& id, SecretView& psk) noexcept = 0;

 protected:
  ~Psks() = default;
};

struct OwnCommit;

// The next epoch of a member, whole: every check has been passed.
class NextEpoch {
 public:
  // `epoch` does not change meanwhile.
  NextEpoch(const Client& client, const Epoch& epoch) noexcept
      : state_(client, epoch.state), member_(client) {}

  const NextPublicState& state() const noexcept { return state_; }
  const MemberState& member() const noexcept { return member_; }

  // Whether the Commit removes the endpoint itself: then there is no next epoch for it.
  bool removes_us() const noexcept { return removes_us_; }

  // `epoch`, which it was made beside, becomes it; what the old one kept is wiped. It cannot fail.
  void adopt(Epoch& epoch) noexcept;

 private:
  friend class CommitProcess;
  friend class CommitCreation;
  friend Error restore_commit(const Client& client, SecretReader& member, OwnCommit& out) noexcept;

  NextPublicState state_;
  MemberState member_;
  bool removes_us_ = false;
};

// Processes a Commit of another that has authenticated in `epoch`, in whichever wire format [COMMIT-35], into
// `next`, which is new. After an error
// `next` can only be dropped. Errors: those of NextPublicState and of decrypt_path_secret, derive_path_keys
// and process_external_init; psk_unknown, confirmation_tag_invalid.
Error process_commit(const Client& client, Psks& psks, const Epoch& epoch, const AuthenticatedContent& commit,
                     NextEpoch& next) noexcept;

// What a member wants to commit.
struct NewCommit {
  List<ProposalOrRef> proposals;   // references are to proposals of this epoch
  bool with_path = true;           // also where none is required
  const LeafNode* leaf = nullptr;  // what the committer's new leaf says, if it is something else
  Signer* leaf_signer = nullptr;   // the key of the new leaf, if it is another
  WireFormat wire_format = WireFormat::private_message;
  Bytes authenticated_data;
  Padding padding;
  std::span<const Extension> group_info_extensions;  // of the GroupInfo in the Welcome
  bool tree_inline = true;                           // whether the Welcome has the ratchet_tree
};

// A Commit of one's own, until the delivery service has taken it or another's.
struct OwnCommit {
  OwnCommit(const Client& client, const Epoch& epoch) noexcept : next(client, epoch) {}

  NextEpoch next;
  Buffer message_room, welcome_room;
  Bytes message;   // an MLSMessage
  Bytes welcome;   // an MLSMessage, if members are added
  Buffer content;  // an AuthenticatedContent, for a save; of groups that are saved
};

// Creates a Commit. This epoch is not changed but for the key that a PrivateMessage uses. `signer` has the
// key of the endpoint's leaf. Errors: those of process_commit, of create_update_path, of sign_content and of
// create_group_info.
Error create_commit(const Client& client, Psks& psks, Signer& signer, Epoch& epoch, const NewCommit& wanted,
                    OwnCommit& out) noexcept;

// Creates the external Commit of a client that joins by it (RFC 9420, 12.4.3.2). Of `epoch`, that of a
// GroupInfo, it knows no secret; `init_secret` is what the ExternalInit in the list brings. wanted.leaf is
// what its leaf says, signed by `signer`. It has a path and is a PublicMessage, whatever is wanted. Errors:
// as above.
Error create_external_commit(const Client& client, Psks& psks, Signer& signer, Epoch& epoch,
                             const NewCommit& wanted, Secret init_secret, OwnCommit& out) noexcept;

// A Commit of one's own that was saved, in the epoch that it was made in: out.content says what it was, and
// `member` what is known of the epoch that it begins. Errors: those of a Reader, of NextPublicState and of
// MemberState::restore.
Error restore_commit(const Client& client, SecretReader& member, OwnCommit& out) noexcept;

}  // namespace tacet
