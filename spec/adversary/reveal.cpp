#include "reveal.h"

namespace tacet {

Bytes reveal(SecretView secret) noexcept {
  return {static_cast<const std::uint8_t*>(secret.data_), secret.size_};
}

Bytes reveal(const Secret& secret) noexcept { return reveal(SecretView(secret)); }

}  // namespace tacet
