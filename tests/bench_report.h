#pragma once

// What a run has shown: printed as a table, and written as JSON.

#include "bench_table.h"

namespace tacet::bench {

// What became of a limit. Nobody holds a ratio that is only reported, or what was not measured.
enum class Verdict { none, reported, held, missed };

struct Report {
  struct Operation {
    std::string name;
    std::uint32_t n = 0;
    double median = 0, floor = 0;  // in nanoseconds; 0: not measured
    double limit = 0;              // of their ratio
    unsigned scrubs = 0;
    Verdict ratio_verdict = Verdict::none, calls_verdict = Verdict::none;
    Calls made = {}, mandatory = {};

    std::string label() const { return named(name, n); }
  };
  struct Number {
    std::string name;
    double value = 0, limit = 0;
    Verdict verdict = Verdict::none;
  };

  std::vector<Operation> operations;
  std::vector<Number> ratios, facts;
  double one_scrub = 0;

  // Whether no count and no fact misses its limit. Times are no part of it: a machine that others use makes
  // them late now and then, and no call more.
  bool counts_hold() const;
};

void print(const Report& report);

// Whether it could be written.
bool write_json(const Report& report, const std::string& path);

// The operations that were run for all sizes of groups, as curves. Whether there are any and it could be
// written.
bool write_svg(const Report& report, const std::string& path);

}  // namespace tacet::bench
