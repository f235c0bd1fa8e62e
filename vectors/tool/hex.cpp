#include "hex.h"

#include <stdexcept>

namespace tacet::tool {

namespace {

constexpr std::string_view digits = "0123456789abcdef";

unsigned digit_at(std::string_view text, std::size_t i) {
  const char c = text[i];
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  throw std::invalid_argument("character " + std::to_string(i) + " is not a hexadecimal digit");
}

}  // namespace

std::string to_hex(Bytes bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

Octets from_hex(std::string_view text) {
  if (text.size() % 2 != 0) throw std::invalid_argument("an odd number of hexadecimal digits");
  Octets bytes(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(digit_at(text, 2 * i) << 4 | digit_at(text, 2 * i + 1));
  }
  return bytes;
}

std::string printable(std::string_view text) {
  std::string shown;
  for (const char c : text) {
    if (c >= ' ' && c <= '~') {
      shown += c;
    } else {
      const auto byte = static_cast<std::uint8_t>(c);
      shown += "\\x" + to_hex({&byte, 1});
    }
  }
  return shown;
}

}  // namespace tacet::tool
