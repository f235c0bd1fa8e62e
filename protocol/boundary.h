#pragma once

// The inside of a Secret, for those who implement the crypto boundary: crypto.cpp, sodium.cpp, memory.cpp and
// any Crypto of the caller's own. No header includes this one, so nothing else reaches it;
// tests/layering.py sees to that.

#include "bytes.h"

namespace tacet {

struct SecretAccess {
  static Bytes read(SecretView secret) noexcept {
    return {static_cast<const std::uint8_t*>(secret.data_), secret.size_};
  }

  // Clears `secret` and gives its first `size` bytes (at most Secret::max_size) to be written.
  static MutableBytes write(Secret& secret, std::size_t size) noexcept {
    secret.clear();
    secret.size_ = size < Secret::max_size ? size : Secret::max_size;
    return {secret.bytes_, secret.size_};
  }
};

}  // namespace tacet
