#pragma once

// Running files of test vectors against the built-in implementation.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "type.h"

namespace tacet::tool {

struct ConformanceOptions {
  std::vector<std::string> paths;
  std::vector<std::uint16_t> suites;  // empty: all, and the cases that have none
  std::vector<std::string> types;     // empty: all
  std::string json, junit;            // files to write; empty: none; "-": standard output
  bool fail_fast = false;
  bool verbose = false;
};

enum class Outcome { passed, failed, skipped, malformed };
inline constexpr std::size_t outcomes = 4;
const char* name_of(Outcome outcome);

struct CaseResult {
  std::size_t index = 0;  // in its file, from 0
  std::optional<std::uint16_t> suite;
  Outcome outcome = Outcome::passed;
  std::string pointer;  // malformed: where
  std::string reason;   // skipped, malformed: why
  std::vector<Failure> failures;
};

struct FileResult {
  std::string name;
  std::string error;                 // why it cannot be read; empty if it can
  const VectorType* type = nullptr;  // nullptr: unknown
  std::size_t cases = 0;             // in the file
  std::vector<std::string> members;  // of the first case, if the type is unknown
  std::vector<CaseResult> results;   // of the cases that the filters let through
};

using Results = std::vector<FileResult>;

// Runs, reports, and returns the exit status: 0 if no case failed, 1 if a case failed, 2 if something could
// not be read or written, or if the filters let no case through.
int conformance(const ConformanceOptions& options);

}  // namespace tacet::tool
