#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.h"

namespace tacet::tool {

using Octets = std::vector<std::uint8_t>;

inline Octets octets_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

// What a file holds in the open, used as the secret that it stands for.
inline SecretView secret_of(const Octets& octets) { return {octets.data(), octets.size()}; }

// Lowercase.
std::string to_hex(Bytes bytes);

// Either case. Throws std::invalid_argument, which says what is wrong and where.
Octets from_hex(std::string_view text);

// `text` with every byte that is not printable ASCII as \xNN: what comes from a file may not drive a
// terminal.
std::string printable(std::string_view text);

}  // namespace tacet::tool
