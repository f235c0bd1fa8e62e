#pragma once

// Structs of RFC 9420 that hold secrets, with the secrets in the open. protocol/ has no such form of them:
// what it opens it moves into a Secret field by field.

#include "protocol/key_schedule.h"

namespace tacet::tool {

// RFC 9420, 12.4.3.1.
struct PathSecret {
  Bytes path_secret;
};

template <class Coder, Fields<PathSecret> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.path_secret);
}

// RFC 9420, 12.4.3.1.
struct PlainGroupSecrets {
  Bytes joiner_secret;
  std::optional<PathSecret> path_secret;
  List<PreSharedKeyId> psks;
};

template <class Coder, Fields<PlainGroupSecrets> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.joiner_secret, e.path_secret, e.psks);
}

}  // namespace tacet::tool
