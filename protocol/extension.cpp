#include "extension.h"

namespace tacet {

std::optional<Bytes> find_extension(const Extensions& extensions, ExtensionType type) noexcept {
  for (const Extension& extension : extensions) {
    if (extension.type == type) return extension.data;
  }
  return std::nullopt;
}

Error check_no_repeats(const Extensions& extensions) noexcept {
  std::array<std::uint8_t, 0x10000 / 8> seen{};  // a bit for each type: a list may hold a great many
  for (const Extension& extension : extensions) {
    const auto type = static_cast<std::uint16_t>(extension.type);
    const auto bit = static_cast<std::uint8_t>(1u << type % 8);
    REFUSE_IF((seen[type / 8] & bit) != 0, Error::extension_repeated);  // [EXT-01]
    seen[type / 8] |= bit;
  }
  return Error::none;
}

}  // namespace tacet
