#pragma once

// Evidence from a run: which requirement of spec/requirements.tsv a passed test has shown, with the error
// that it saw. spec/trace.py joins it with the catalogue and the code. It is written only if the test passes,
// to the folder in TACET_EVIDENCE, one file for each program.

#include <gtest/gtest.h>

#include <ostream>

#include "protocol/error.h"

namespace tacet {

inline void PrintTo(Error error, std::ostream* out) { *out << describe(error).name; }

namespace evidence {

// What was looked at after a refusal.
struct After {
  bool state_equal = false;       // the state was compared, and is equal
  bool genuine_accepted = false;  // the genuine message was still accepted
};

// The running test shows that these requirements are kept; ids separated by ", ".
void shows(const char* ids);

// Demands exactly this error, and records it for these requirements: for none, "", where the rule is kept in
// part only.
void refused(const char* ids, Error demanded, Error seen, After after = {});

}  // namespace evidence
}  // namespace tacet
