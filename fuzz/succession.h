#pragma once

// Groups that say that they succeed the live one (RFC 9420, 11.2, 11.3), with anything in them that a founder
// can choose, and the receivers who are welcomed into them.

#include <set>

#include "fuzz/live_group.h"
#include "fuzz/script.h"
#include "spec/adversary/heir.h"

namespace tacet {

// One that the insider has founded, as a script says.
class Succession {
 public:
  // Throws std::logic_error if it cannot be made.
  Succession(LiveGroup& group, const Post& post);

  const Octets& welcome() const { return welcome_; }
  const Octets& authenticator() const { return authenticator_; }

  // Whether who is in the live group joins, by the rules alone. Nothing where it depends on more than they.
  std::optional<bool> is_rightful(const Receiver& who) const;

 private:
  using Names = std::set<Octets>;

  Octets adds();
  Octets psks() const;
  void change(GroupContext& context) const;
  bool is_psk_known(const GroupContext& present) const;
  bool reinitialises(const PublicState& former) const;
  bool branches_from(const PublicState& former) const;

  LiveGroup& group_;
  const Founding said_;
  const bool has_psk_twice_, is_from_elsewhere_;
  std::uint64_t psk_epoch_;
  std::set<const Device*> added_;
  Names names_;  // of all members
  Octets welcome_, authenticator_;
};

// A receiver in a group that succeeds its own, as far as it has joined. It has all PSKs that its own one
// keeps.
class Successor {
 public:
  explicit Successor(Receiver& of);
  ~Successor() { of_.psks.known = known_; }
  Successor(const Successor&) = delete;
  Successor& operator=(const Successor&) = delete;

  Error join(const Octets& welcome) { return heir_.join(welcome); }
  Octets authenticator() const { return model::octets(heir_.group.epoch_authenticator()); }
  Octets say(const Octets& words);
  bool hears(const Octets& message, const Octets& words);

 private:
  Receiver& of_;
  const std::map<std::string, Octets> known_;
  adversary::Heir heir_;
  ExactRooms rooms_;
  Received heard_;
};

}  // namespace tacet
