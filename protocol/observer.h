#pragma once

// Follows a group without being in it and without any secret, as a delivery service or an auditor does: from
// a GroupInfo, by the handshakes that are sent as PublicMessages.
//
// An observer holds everything against the rules that members hold it against, but for what takes a secret:
// the membership_tag, the confirmation_tag, and whether the paths and PSKs of a Commit lead to the same
// secrets. So it may take a Commit that members refuse; it cannot take one that breaks a rule.

#include "group.h"

namespace tacet {

// It neither moves nor is copied. What `client` refers to outlives it; its secret Memory is not used.
class Observer {
 public:
  explicit Observer(const Client& client) noexcept : client_(client) {}
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  // Begins, anew if it has begun already, with the epoch of a GroupInfo, an MlsMessage, with the tree inside
  // or, if `ratchet_tree` is not empty, with that. Errors: not_a_group_info, those of take_group_info;
  // random_failed.
  Error start(Bytes group_info, Bytes ratchet_tree) noexcept;

  // The room in which a message is verified. Errors: those of a Reader; group_inactive before start(),
  // not_a_public_message.
  Result<std::size_t> process_size(Bytes message) const noexcept;

  // Takes a proposal or a Commit. Errors: as above, group_closed, proposal_not_permitted, too_many_proposals;
  // those of verify_public_message and NextPublicState.
  Error process(Bytes message, MutableBytes room, Received& out) noexcept;

  bool has_begun() const noexcept { return state_.has_value(); }
  const PublicState& state() const noexcept { return *state_; }  // only of one that has begun

 private:
  Error take_proposal(const AuthenticatedContent& content, Received& out) noexcept;
  Error take_commit(const AuthenticatedContent& content, Received& out) noexcept;

  Client client_;
  std::optional<PublicState> state_;
};

}  // namespace tacet
