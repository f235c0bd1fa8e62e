#pragma once

// Who attacks makes messages of what a script says, with the keys of the present epoch: they are perfect in
// their authentication.

#include <deque>

#include "fuzz/live_group.h"
#include "fuzz/script.h"

namespace tacet {

class Attack {
 public:
  explicit Attack(LiveGroup& group) : group_(group) {}

  // Nothing if it cannot be made.
  std::optional<Octets> message(const Post& post);
  // Of the last Commit that was made, the epoch_authenticator that it leads to.
  const Octets& authenticator() const { return made_.epoch_authenticator; }
  // Somebody has taken the message that was made last: the insider goes to where it leads.
  void is_taken(const Octets& message);
  // Whether it is application data that whoever is in its epoch takes.
  bool is_said() const { return is_said_; }

 private:
  Octets frame_late(const Post& post);
  void advance(const Octets& message);
  Octets frame(const Post& post);
  Octets commit(const Post& post);
  Octets join(const Post& post);
  Octets removal_of(const Device& who) const;
  Octets signed_inside(const Proposal& proposal, const Sender& sender) const;
  Octets content_of(const Post& post) const;
  Octets signed_list(Bytes list) const;
  Octets waiting() const;
  adversary::OpenMessageKey key(LeafIndex leaf, ContentType type, std::uint32_t generation);

  LiveGroup& group_;
  adversary::MadeCommit made_;
  bool is_own_ = false;  // the last Commit is one that the insider follows
  bool is_said_ = false;
  std::size_t epochs_back_ = 0;     // of the last message
  std::deque<Insider::Kept> past_;  // in the epochs that are over, the last one first
};

}  // namespace tacet
