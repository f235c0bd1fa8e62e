#pragma once

// Playing a script: the history of a group, operation by operation, against the plain model of it.

#include <string>

namespace tacet::tool {

struct ReplayOptions {
  std::string path;      // of the script; "-" is standard input
  bool verbose = false;  // also what everybody receives
};

// Prints each operation and what came of it, and returns the exit status: 0 if all holds, 1 if somebody does
// something else than the model says, 2 if the script cannot be read, or what came of it cannot be written.
int replay(const ReplayOptions& options);

}  // namespace tacet::tool
