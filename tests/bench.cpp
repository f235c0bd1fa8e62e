// Benchmarks: each operation beside the libsodium calls that it must make, on the same machine in the same
// run. What is reported, and held, is the ratio of the two, and beside it how many calls were made and how
// many are mandatory; times are for scale. Some facts that are no times follow below the table.
//
// The options are Google Benchmark's; these help most:
//   --benchmark_filter=REGEX     only some rows: 'path', 'n = 1,000'
//   --benchmark_repetitions=N    instead of 11; rows that take long keep their own number
//   --benchmark_out=FILE         all repetitions and counts as JSON; floors are named "..., floor"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "bench_table.h"
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
void time(benchmark::State& state, const Row& row, const std::function<void()>& prepare, Run run) {
  show_progress(row.name);
  if (row.set_up) row.set_up();
  for (auto _ : state) {
    if (prepare) {
      state.PauseTiming();
      prepare();
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
  if (row.prepare) row.prepare();
  row.operation(recorder);
  const auto count = [&](Operation operation) { return std::uint64_t{log.count(operation)}; };
  return {.verify = count(Operation::verify),
          .sign = count(Operation::sign),
          .multiply = count(Operation::x25519),
          .multiply_base = count(Operation::x25519_base),
          .hmac = count(Operation::mac) + count(Operation::extract) + count(Operation::expand),
          .aead = count(Operation::seal) + count(Operation::open),
          .hash = count(Operation::hash)};
}

// The names that the counts have in the table and in JSON.
constexpr std::pair<const char*, std::uint64_t Calls::*> call_names[] = {
    {"verify", &Calls::verify}, {"sign", &Calls::sign},
    {"mult", &Calls::multiply}, {"base mult", &Calls::multiply_base},
    {"AEAD", &Calls::aead},     {"HMAC", &Calls::hmac},
    {"hash", &Calls::hash}};

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
  constexpr int long_repetitions = 5;
  const auto add_timed = [&](const std::string& name, auto function) {
    benchmark::internal::Benchmark* const added = benchmark::RegisterBenchmark(name.c_str(), function);
    if (row.is_long) added->Iterations(1)->Repetitions(long_repetitions);
  };
  add_timed(row.name, [&row](benchmark::State& state) {
    time(state, row, row.prepare, [&row] { row.operation(crypto); });
  });
  if (row.floor) {
    add_timed(row.name + ", floor", [&row](benchmark::State& state) { time(state, row, {}, row.floor); });
  }
  if (!row.mandatory) return;
  add_once(row.name + ", calls", [&row](benchmark::UserCounters& counters) {
    const Calls made = count_calls(row);
    for (const auto& [name, member] : call_names) counters[name] = static_cast<double>(made.*member);
  });
}

void add(const Fact& fact) {
  add_once(fact.name, [&fact](benchmark::UserCounters& counters) { counters["value"] = fact.measure(); });
}

// Collects the repetitions of each benchmark, of whose times the table shows the medians, and the counters.
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

// ---- what is printed

std::string in_units(double nanoseconds) {
  static constexpr const char* units[] = {"ns", "us", "ms", "s"};
  std::size_t unit = 0;
  for (; nanoseconds >= 1000 && unit < 3; ++unit) nanoseconds /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, "%.*f %-2s",
                nanoseconds < 10    ? 2
                : nanoseconds < 100 ? 1
                                    : 0,
                nanoseconds, units[unit]);
  return text;
}

const char* verdict(bool holds) { return holds ? "held" : "MISSED"; }

// "made/mandatory" for each kind of call. None may be more than mandatory but for hashes where the row says
// so, and a few HMACs: how a key pair is drawn is left to the endpoint.
std::string calls_text(const Row& row, const Collector& collected) {
  constexpr std::uint64_t spare_hmacs = 4;
  std::string text;
  bool holds = true;
  for (const auto& [name, member] : call_names) {
    const std::optional<double> counter = collected.counter(row.name + ", calls", name);
    if (!counter) return {};
    const auto made = static_cast<std::uint64_t>(*counter);
    const std::uint64_t mandatory = (*row.mandatory).*member;
    if (made == 0 && mandatory == 0) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(made) + "/" + std::to_string(mandatory) + " " + name;
    const std::uint64_t spare = member == &Calls::hash   ? row.spare_hashes
                                : member == &Calls::hmac ? spare_hmacs
                                                         : 0;
    holds = holds && made <= mandatory + spare;
  }
  return text + "  " + verdict(holds);
}

void print(const std::vector<Row>& rows, Collector& times) {
  const double one_scrub = times.median("scrub");
  std::printf("%-42s %9s %9s %7s %6s          %s\n", "operation", "median", "floor", "ratio", "limit",
              "scrubbing; calls made/mandatory");
  for (const Row& row : rows) {
    const double operation = times.median(row.name);
    const double floor = times.median(row.name + ", floor");
    if (operation == 0) continue;  // filtered out
    std::printf("%-42s %9s ", row.name.c_str(), in_units(operation).c_str());
    if (floor != 0) {
      const double ratio = operation / floor;
      std::printf("%9s %7.3f %6.2f %-6s ", in_units(floor).c_str(), ratio, row.limit,
                  verdict(ratio <= row.limit));
    } else {
      std::printf("%32s", "");
    }
    if (row.scrubs != 0 && one_scrub != 0) std::printf("  %.1f%%", 100 * row.scrubs * one_scrub / operation);
    if (row.mandatory) std::printf("  %s", calls_text(row, times).c_str());
    std::printf("\n");
  }
  if (one_scrub != 0) std::printf("one scrub of stack and registers: %.0f ns\n", one_scrub);
  std::printf("medians of CPU time, repetitions interleaved\n");
}

void print(const char* kind, const std::string& name, double value, double limit) {
  std::printf("%-7s %-44s %9.2f %9.2f  %s\n", kind, name.c_str(), value, limit, verdict(value <= limit));
}

void print(const std::vector<Growth>& growths, const std::vector<Fact>& facts, Collector& times) {
  std::printf("\n%-7s %-44s %9s %9s\n", "", "", "measured", "limit");
  for (const Growth& growth : growths) {
    const double small = times.median(growth.small), large = times.median(growth.large);
    if (small == 0 || large == 0) continue;
    print("growth", growth.name + ", 5,000 to 50,000", large / small, growth.limit);
  }
  for (const Fact& fact : facts) {
    const std::optional<double> value = times.counter(fact.name, "value");
    if (value) print("count", fact.name, *value, fact.limit);
  }
}

}  // namespace
}  // namespace tacet::bench

int main(int argc, char** argv) {
  using namespace tacet::bench;
  std::vector<char*> arguments(argv, argv + argc);
  std::string defaults[] = {"--benchmark_repetitions=11", "--benchmark_enable_random_interleaving=true",
                            "--benchmark_min_time=0.05"};
  for (std::string& option : defaults) arguments.insert(arguments.begin() + 1, option.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;

  std::vector<Row> rows = crypto_rows();
  for (Row& row : tree_rows()) rows.push_back(std::move(row));
  for (Row& row : message_rows()) rows.push_back(std::move(row));
  for (Row& row : commit_rows()) rows.push_back(std::move(row));
  std::vector<Growth> growths = tree_growth();
  for (Growth& growth : commit_growth()) growths.push_back(std::move(growth));
  const std::vector<Fact> facts = tree_facts();
  for (const Row& row : rows) add(row);
  for (const Fact& fact : facts) add(fact);
  benchmark::RegisterBenchmark("scrub", [](benchmark::State& state) {
    for (auto _ : state) tacet::scrub();
  });

  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  show_progress("");
  print(rows, collector);
  print(growths, facts, collector);
  return 0;
}
