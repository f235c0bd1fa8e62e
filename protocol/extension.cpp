#include "extension.h"

namespace tacet {

std::optional<Bytes> find_extension(const Extensions& extensions, ExtensionType type) noexcept {
  for (const Extension& extension : extensions) {
    if (extension.type == type) return extension.data;
  }
  return std::nullopt;
}

Error check_no_repeats(const Extensions& extensions) noexcept {
  CodePoints seen;
  for (const Extension& extension : extensions) {
    REFUSE_IF(seen.contains(extension.type), Error::extension_repeated);
    seen.insert(extension.type);
  }
  return Error::none;
}

}  // namespace tacet
