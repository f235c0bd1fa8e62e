#pragma once

// A client's group, and the one that succeeds it (RFC 9420, 11.2, 11.3).

#include "member.h"

namespace tacet::adversary {

class Heir final : public FormerGroups {
 public:
  // The group of `of` is active. While this lives, the client's PSKs have the resumption PSK of that group's
  // present epoch.
  explicit Heir(Member& of);
  ~Heir();
  Heir(const Heir&) = delete;
  Heir& operator=(const Heir&) = delete;

  const PublicState* find(Bytes group_id) noexcept override;

  // Creates it, with the leaf of the KeyPackage that was published last. Its first Commit waits; gives the
  // Welcome, or nothing after an error, which is then in of.error.
  Octets succeed(SuccessorOptions wanted);
  Error join(const Octets& welcome) { return group.join(welcome, {}, of, this); }

  Member& of;
  Group group;

 private:
  std::string psk_;  // by which it is known, if it was not known before
};

}  // namespace tacet::adversary
