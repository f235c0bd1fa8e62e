#pragma once

// What `tacet inspect` is given: bytes as they are, or written in hexadecimal or base64, and which of them is
// found out.

#include <stdexcept>
#include <string>

#include "hex.h"

namespace tacet::tool {

enum class Notation { detected, hex, base64, binary };

struct InspectInput {
  static constexpr std::size_t max_size = std::size_t{64} << 20;  // bytes

  Octets octets;
  Notation notation = Notation::detected;  // in which they were found
  std::string source;                      // where, in words; may hold anything that a file name may
};

// Nothing to inspect; what() says why.
class NoInput : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// `argument` is a file, or "-" or empty for standard input, or the text itself. What can be read as
// hexadecimal is, then what can be read as base64; an argument is one of both. White space counts for nothing
// in them, nor do colons and a leading 0x in hexadecimal. Base64 is of either alphabet, padded or not. Throws
// NoInput.
InspectInput read_input(const std::string& argument, bool is_given, Notation notation);

}  // namespace tacet::tool
