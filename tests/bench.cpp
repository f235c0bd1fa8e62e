// Benchmarks: each operation beside the libsodium calls that it must make, on the same machine in the same
// run. What is reported, and held, is the ratio of the two, and beside it how many calls were made and how
// many are mandatory; times are for scale. Some facts that are no times follow below the table.
//
// Two options are its own:
//   --json FILE                  the table as JSON
//   --svg FILE                   the times against the sizes of groups as a picture
// The others are Google Benchmark's; these help most:
//   --benchmark_filter=REGEX     only some rows: 'path', 'n = 1,000'; only what is counted:
//   'calls$|^all|bytes'
//   --benchmark_repetitions=N    instead of 7; rows that take long keep their own number
//   --benchmark_out=FILE         all repetitions and counts as JSON; floors are named "..., floor"
//
// The exit status is 1 if a count or a fact misses its limit, and 2 if the options are not understood. A
// ratio that does is only printed: what a machine does besides must not decide whether a run succeeds.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string_view>

#include "bench_report.h"
#include "protocol/sodium.h"
#include "spec/adversary/recorder.h"

namespace tacet::bench {
namespace {

// Shows on a terminal what is being done.
void show_progress(const std::string& name) {
  static const bool is_terminal = isatty(STDERR_FILENO) != 0;
  static const auto begin = std::chrono::steady_clock::now();
  if (!is_terminal) return;
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin);
  std::fprintf(stderr, "\r\033[K%s",
               name.empty() ? "" : ("bench: " + std::to_string(seconds.count()) + " s, " + name).c_str());
}

SodiumRandom system_random;
Sodium crypto(system_random);

// ---- what is run

template <class Run>
void time(benchmark::State& state, const Row& row, bool prepares, Run run) {
  show_progress(row.label());
  if (row.set_up) row.set_up();
  for (auto _ : state) {
    if (prepares) {
      state.PauseTiming();
      row.prepare(crypto);
      state.ResumeTiming();
    }
    run();
  }
}

// What one run of the operation calls, counted outside the times.
Calls count_calls(const Row& row) {
  using adversary::Operation;
  adversary::Log log(true);
  adversary::Recorder recorder(log, system_random);
  if (row.set_up) row.set_up();
  if (row.prepare) row.prepare(recorder), log.clear();
  row.operation(recorder);
  const auto count = [&](Operation operation) { return std::uint64_t{log.count(operation)}; };
  return {.verify = count(Operation::verify),
          .sign = count(Operation::sign),
          .signature_key = count(Operation::import_signature_key),
          .multiply = count(Operation::x25519),
          .multiply_base = count(Operation::x25519_base),
          .hmac = count(Operation::mac) + count(Operation::extract) + count(Operation::expand),
          .aead = count(Operation::seal) + count(Operation::open),
          .hash = count(Operation::hash)};
}

void add_once(const std::string& name, std::function<void(benchmark::UserCounters&)> measure) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [name, measure](benchmark::State& state) {
                                 show_progress(name);
                                 for (auto _ : state) measure(state.counters);
                               })
      ->Iterations(1)
      ->Repetitions(1);
}

void add(const Row& row) {
  const auto add_timed = [&](const std::string& name, auto function) {
    benchmark::internal::Benchmark* const added = benchmark::RegisterBenchmark(name.c_str(), function);
    if (row.single_runs != 0) added->Iterations(1)->Repetitions(row.single_runs);
  };
  const std::string name = row.label();
  add_timed(name, [&row](benchmark::State& state) {
    time(state, row, row.prepare != nullptr, [&row] { row.operation(crypto); });
  });
  if (row.floor) {
    add_timed(name + ", floor", [&row](benchmark::State& state) { time(state, row, false, row.floor); });
  }
  if (!row.mandatory) return;
  add_once(name + ", counted", [&row](benchmark::UserCounters& counters) {
    const Calls made = count_calls(row);
    for (const auto& [kind, member] : call_names) counters[kind] = static_cast<double>(made.*member);
  });
}

void add(const Fact& fact) {
  add_once(fact.name + ", counted",
           [&fact](benchmark::UserCounters& counters) { counters["value"] = fact.measure(); });
}

// Collects the repetitions of each benchmark, of whose times the report has the medians, and the counters.
class Collector final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      times_[run.run_name.function_name].push_back(run.GetAdjustedCPUTime());
      counters_[run.run_name.function_name] = run.counters;
    }
  }
  // In nanoseconds; 0 if it was not run.
  double median(const std::string& name) {
    std::vector<double>& times = times_[name];
    if (times.empty()) return 0;
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  }
  // Nothing if it was not run.
  std::optional<double> counter(const std::string& name, const std::string& of) const {
    const auto found = counters_.find(name);
    if (found == counters_.end() || found->second.count(of) == 0) return std::nullopt;
    return found->second.at(of).value;
  }

 private:
  std::map<std::string, std::vector<double>> times_;
  std::map<std::string, benchmark::UserCounters> counters_;
};

// ---- what it shows

Verdict judge(bool holds) { return holds ? Verdict::held : Verdict::missed; }

// No kind of call may be made more often than is mandatory but for hashes where the row says so, and a few
// HMACs: how a key pair is drawn is left to the endpoint.
Verdict judge_calls(const Row& row, const Calls& made) {
  Calls most = *row.mandatory;
  most.hmac += 4;
  most.hash += row.spare_hashes;
  bool holds = true;
  for (const auto& [name, member] : call_names) holds = holds && made.*member <= most.*member;
  return judge(holds);
}

Report::Operation report_of(const Row& row, Collector& collected) {
  Report::Operation out;
  out.name = row.name, out.n = row.n;
  out.limit = row.limit, out.scrubs = row.scrubs;
  out.median = collected.median(row.label());
  out.floor = collected.median(row.label() + ", floor");
  if (out.median != 0 && out.floor != 0) {
    const bool is_small = row.n != 0 && row.n < ratios_held_from;
    out.ratio_verdict = is_small ? Verdict::reported : judge(out.median / out.floor <= row.limit);
  }
  if (!row.mandatory) return out;
  for (const auto& [name, member] : call_names) {
    const std::optional<double> made = collected.counter(row.label() + ", counted", name);
    if (!made) return out;
    out.made.*member = static_cast<std::uint64_t>(*made);
  }
  out.mandatory = *row.mandatory;
  out.calls_verdict = judge_calls(row, out.made);
  return out;
}

Report report_of(const std::vector<Row>& rows, const std::vector<Growth>& growths,
                 const std::vector<Fact>& facts, Collector& collected) {
  Report report;
  report.one_scrub = collected.median("scrub");
  for (const Row& row : rows) {
    Report::Operation operation = report_of(row, collected);
    if (row.scrubs_limit != 0 && operation.median != 0 && report.one_scrub != 0) {
      const double part = row.scrubs * report.one_scrub / operation.median;
      report.ratios.push_back(
          {"scrubbing / " + row.label(), part, row.scrubs_limit, judge(part <= row.scrubs_limit)});
    }
    const bool was_run = operation.median != 0 || operation.calls_verdict != Verdict::none;
    if (was_run) report.operations.push_back(std::move(operation));
  }
  for (const Growth& growth : growths) {
    const double few = collected.median(named(growth.name, 5000));
    const double many = collected.median(named(growth.name, 50000));
    if (few == 0 || many == 0) continue;
    report.ratios.push_back(
        {growth.name + ", 5,000 to 50,000", many / few, growth.limit, judge(many / few <= growth.limit)});
  }
  for (const Fact& fact : facts) {
    const std::optional<double> value = collected.counter(fact.name + ", counted", "value");
    if (!value) continue;
    std::vector<Report::Number>& numbers = fact.is_of_times ? report.ratios : report.facts;
    numbers.push_back({fact.name, *value, fact.limit, judge(*value <= fact.limit)});
  }
  return report;
}

template <class T>
std::vector<T> join(std::initializer_list<std::vector<T>> lists) {
  std::vector<T> all;
  for (const std::vector<T>& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

// Takes an option that is not Google Benchmark's out of the arguments, with its path; empty if it is not
// there.
std::string take_path(std::vector<char*>& arguments, std::string_view name) {
  for (std::size_t i = 1; i + 1 < arguments.size(); ++i) {
    if (arguments[i] != name) continue;
    const std::string path = arguments[i + 1];
    const auto option = arguments.begin() + static_cast<std::ptrdiff_t>(i);
    arguments.erase(option, option + 2);
    return path;
  }
  return {};
}

}  // namespace
}  // namespace tacet::bench

int main(int argc, char** argv) {
  using namespace tacet::bench;
  std::vector<char*> arguments(argv, argv + argc);
  if (argc > 1 && arguments[1] == std::string_view("--help"))
    std::printf("bench [--json FILE] [--svg FILE], and:\n");
  const std::string json_path = take_path(arguments, "--json"), svg_path = take_path(arguments, "--svg");
  std::string defaults[] = {"--benchmark_repetitions=7", "--benchmark_enable_random_interleaving=true",
                            "--benchmark_min_time=0.05"};
  for (std::string& option : defaults) arguments.insert(arguments.begin() + 1, option.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;

  const auto rows =
      join({crypto_rows(), tree_rows(), message_rows(), build_rows(), commit_rows(), observer_rows()});
  const auto growths = join({tree_growth(), commit_growth()});
  const auto facts = join({tree_facts(), message_facts(), build_facts(), commit_facts(), observer_facts()});
  for (const Row& row : rows) add(row);
  for (const Fact& fact : facts) add(fact);
  benchmark::RegisterBenchmark("scrub", [](benchmark::State& state) {
    for (auto _ : state) tacet::scrub();
  });

  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  show_progress("");
  const Report report = report_of(rows, growths, facts, collector);
  print(report);
  const bool written = (json_path.empty() || write_json(report, json_path)) &&
                       (svg_path.empty() || write_svg(report, svg_path));
  if (!written) {
    std::fprintf(stderr, "bench: not all that was asked for can be written\n");
    return 2;
  }
  return report.counts_hold() ? 0 : 1;
}
