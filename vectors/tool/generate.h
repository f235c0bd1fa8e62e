#pragma once

#include <cstdint>
#include <filesystem>

namespace tacet::tool {

// Writes the published vectors into `folder`, which is made if need be: byte for byte the same for the same
// seed. Returns the exit status.
int generate(std::uint64_t seed, const std::filesystem::path& folder);

}  // namespace tacet::tool
