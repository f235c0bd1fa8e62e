#pragma once

// Who attacks makes messages of what a script says, with the keys of the present epoch: they are perfect in
// their authentication.

#include "fuzz/live_group.h"
#include "fuzz/script.h"

namespace tacet {

class Attack {
 public:
  explicit Attack(LiveGroup& group) : group_(group) {}

  // Nothing if it cannot be made.
  std::optional<Octets> message(const Post& post);
  // Of the last Commit that was made, the epoch_authenticator that it leads to.
  const Octets& authenticator() const { return authenticator_; }

 private:
  Octets frame(const Post& post);
  Octets commit(const Post& post);
  Octets signed_inside(const Proposal& proposal, const Sender& sender) const;
  Octets content_of(const Post& post) const;
  Octets signed_list(Bytes list) const;
  Octets waiting() const;
  adversary::OpenMessageKey key(LeafIndex leaf, ContentType type, std::uint32_t generation);

  LiveGroup& group_;
  Octets authenticator_;
};

}  // namespace tacet
