#pragma once

// What a conformance run says: lines and a table for people, JSON and JUnit for machines.

#include "conformance.h"

namespace tacet::tool {

// The line of one case, for --verbose.
void report_case(const ConformanceOptions& options, const FileResult& file, const CaseResult& result);

// Everything else. False if it could not be written.
bool report(const ConformanceOptions& options, const Results& results, int status);

}  // namespace tacet::tool
