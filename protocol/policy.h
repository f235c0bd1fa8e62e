#pragma once

// What the application decides (RFC 9420, 5.3.1, 12.2): who a credential stands for, and whom to believe.

#include "tree_index.h"

namespace tacet {

// There is no default: to believe every credential is no policy.
class Policy : public ClientIdentity {
 public:
  // Whether the Authentication Service vouches for a credential and the signature key beside it. Asked for
  // every credential that comes into a group, before it is used.
  virtual bool validates(const Credential& credential, Bytes signature_key) const noexcept = 0;

  // Whether the endpoint is in a group of that id already: it does not join it again.
  virtual bool is_in_group(Bytes group_id) const noexcept = 0;

  // Whether a member may replace one credential, which is believed, by the other: unless it is said
  // otherwise, if both stand for the same client.
  virtual bool may_succeed(const Credential& before, const Credential& after) const noexcept {
    return equal(identity(before), identity(after));
  }

 protected:
  ~Policy() = default;
};

}  // namespace tacet
