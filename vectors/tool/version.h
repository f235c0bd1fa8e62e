#pragma once

#include <string>

#include "protocol/error.h"

namespace tacet::tool {

// From the build: that of the project, and that of the libsodium which it was built with.
inline const char* tacet_version() { return TACET_VERSION; }
inline const char* sodium_version() { return TACET_SODIUM_VERSION; }

inline std::string version_text() {
  return std::string("tacet ") + tacet_version() +
         (is_test_build() ? " TEST BUILD: refusals can be switched off; not for use" : "") + ", libsodium " +
         sodium_version();
}

}  // namespace tacet::tool
