#include "inspect_input.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

namespace tacet::tool {

namespace {

constexpr const char* too_large = "larger than 64 MiB";
constexpr std::string_view space = " \t\r\n\v\f";

// As many characters as the largest input takes in hexadecimal, with something between the bytes.
constexpr std::size_t max_text = 3 * InspectInput::max_size;

std::string read_all(std::istream& in) {
  std::string text;
  std::array<char, 1 << 16> block;
  while (in.read(block.data(), block.size()) || in.gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > max_text) throw NoInput(too_large);
  }
  if (in.bad()) throw NoInput("cannot be read to its end");
  return text;
}

std::string read_file(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw NoInput("a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw NoInput(std::strerror(errno));
  return read_all(file);
}

std::string without(std::string_view dropped, std::string_view text) {
  std::string rest;
  rest.reserve(text.size());
  for (const char c : text) {
    if (dropped.find(c) == std::string_view::npos) rest += c;
  }
  return rest;
}

// Nothing if there is anything but digits; an odd number of them is still hexadecimal, with one missing.
std::optional<Octets> parse_hex(const std::string& text) {
  std::string digits = without(std::string(space) + ":", text);
  if (digits.starts_with("0x") || digits.starts_with("0X")) digits.erase(0, 2);
  if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) return std::nullopt;
  if (digits.size() % 2 != 0) throw NoInput("an odd number of hexadecimal digits");
  return from_hex(digits);
}

// The value of a digit of either alphabet, or 64.
unsigned base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<unsigned>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<unsigned>(c - 'a') + 26;
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0') + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return 64;
}

// RFC 4648, 4 and 5. Nothing for what no encoder writes.
std::optional<Octets> parse_base64(const std::string& text) {
  std::string digits = without(space, text);
  if (const std::size_t padding = digits.find('='); padding != std::string::npos) {
    const std::size_t count = digits.size() - padding;
    const bool is_padding = digits.find_first_not_of('=', padding) == std::string::npos;
    if (!is_padding || count > 2 || digits.size() % 4 != 0) return std::nullopt;
    digits.resize(padding);
  }
  if (digits.size() % 4 == 1) return std::nullopt;
  Octets octets;
  octets.reserve(digits.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;  // of the bits that are not in an octet yet
  for (const char c : digits) {
    const unsigned digit = base64_digit(c);
    if (digit == 64) return std::nullopt;
    bits = (bits << 6 | digit) & 0xffff;
    count += 6;
    if (count >= 8) octets.push_back(static_cast<std::uint8_t>(bits >> (count -= 8)));
  }
  if ((bits & ((1u << count) - 1)) != 0) return std::nullopt;
  return octets;
}

// `is_text`: it cannot be binary.
Octets decode(const std::string& text, bool is_text, Notation& notation) {
  if (notation == Notation::hex || notation == Notation::detected) {
    if (auto octets = parse_hex(text)) {
      notation = Notation::hex;
      return *std::move(octets);
    }
    if (notation == Notation::hex) throw NoInput("not hexadecimal");
  }
  if (notation == Notation::base64 || notation == Notation::detected) {
    if (auto octets = parse_base64(text)) {
      notation = Notation::base64;
      return *std::move(octets);
    }
    if (notation == Notation::base64) throw NoInput("not base64");
    if (is_text) throw NoInput("no file of that name, and neither hexadecimal nor base64");
  }
  notation = Notation::binary;
  return {text.begin(), text.end()};
}

}  // namespace

InspectInput read_input(const std::string& argument, bool is_given, Notation notation) {
  InspectInput input;
  input.notation = notation;
  const bool is_standard = !is_given || argument == "-";
  std::error_code error;
  const bool is_file = !is_standard && std::filesystem::exists(argument, error);
  input.source = is_standard ? "standard input" : is_file ? argument : "the command line";
  try {
    const std::string text = is_standard ? read_all(std::cin) : is_file ? read_file(argument) : argument;
    input.octets = decode(text, !is_standard && !is_file, input.notation);
    if (input.octets.size() > InspectInput::max_size) throw NoInput(too_large);
  } catch (const NoInput& reason) {
    constexpr std::size_t most = 64;  // characters of a text that are shown
    const bool is_long = !is_file && argument.size() > most;
    const std::string shown = is_standard ? input.source
                              : is_long   ? argument.substr(0, most) + "..."
                                          : argument;
    throw NoInput(shown + ": " + reason.what());
  }
  return input;
}

}  // namespace tacet::tool
