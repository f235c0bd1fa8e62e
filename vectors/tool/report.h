#pragma once

// What a conformance run says: lines and a table for people, JSON and JUnit for machines.

#include "conformance.h"

namespace tacet::tool {

// The line of one case, for --verbose.
void report_case(const ConformanceOptions& options, const FileResult& file, const CaseResult& result);

// What a command says for machines: to a file, or to standard output if it is "-". False, and a line on
// standard error, if it could not be written.
bool write_report(const std::string& path, const std::string& text);

// Everything else. False if it could not be written.
bool report(const ConformanceOptions& options, const Results& results, int status);

}  // namespace tacet::tool
