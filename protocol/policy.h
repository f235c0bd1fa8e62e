#pragma once

// What the application decides (RFC 9420, 5.3.1, 6, 12.2): who a credential stands for, whom to believe, who
// may do what, and how messages go out.

#include "framing.h"

namespace tacet {

// There is no default: to believe every credential is no policy.
class Policy : public ClientIdentity {
 public:
  // Whether the Authentication Service vouches for a credential and the signature key beside it. Asked for
  // every credential that comes into a group, before it is used [CRED-05].
  virtual bool validates(const Credential& credential, Bytes signature_key) const noexcept = 0;

  // Whether the endpoint is in a group of that id already: it does not join it again.
  virtual bool is_in_group(Bytes group_id) const noexcept = 0;

  // Whether a member may replace one credential, which is believed, by the other: unless it is said
  // otherwise, if both stand for the same client.
  virtual bool may_succeed(const Credential& before, const Credential& after) const noexcept {
    return equal(identity(before), identity(after));
  }

  // Whether somebody may propose that: a member, an external sender, or one who asks to be added. Asked for
  // each proposal that is received, and again for all that a Commit covers.
  virtual bool permits(const Sender&, const Proposal&) const noexcept { return true; }

  // Whether somebody may commit, whatever it is: a member, or one who joins from outside [EXTCOMMIT-24].
  // Rules on what is committed together are for who stages a Commit and reads its Record.
  virtual bool may_commit(const Sender&) const noexcept { return true; }

  // Whether a leaf that is received in an Add or in the tree of a group that is joined may have that lifetime
  // now. Unless it is said otherwise it may have any: one member's clock would part it from the others.
  virtual bool is_current(const Lifetime&) const noexcept { return true; }  // [LEAF-25]

  // How proposals and Commits are sent [FRAME-03], and whether they are taken if they come the other way.
  virtual WireFormat handshake_format() const noexcept { return WireFormat::private_message; }
  virtual bool accepts(WireFormat) const noexcept { return true; }

  // How far PrivateMessages are padded.
  virtual Padding padding() const noexcept { return {}; }

 protected:
  ~Policy() = default;
};

}  // namespace tacet
