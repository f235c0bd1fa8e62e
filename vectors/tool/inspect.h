#pragma once

// Showing what a message holds, field by field.

#include <string>

#include "inspect_input.h"

namespace tacet::tool {

struct InspectOptions {
  std::string input;      // a file, "-", or the text itself
  bool is_given = false;  // false: standard input
  Notation notation = Notation::detected;
  std::string structure = "message";  // of named_structures()
  bool json = false;
  bool verbose = false;
};

// Shows, and returns the exit status: 0 if the input is well-formed, 1 if it is malformed, 2 if it cannot be
// read, or what was found cannot be written.
int inspect(const InspectOptions& options);

}  // namespace tacet::tool
