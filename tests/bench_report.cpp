#include "bench_report.h"

#include <benchmark/benchmark.h>
#include <sodium.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace tacet::bench {

namespace {

std::string in_units(double nanoseconds) {
  static constexpr const char* units[] = {"ns", "us", "ms", "s"};
  if (nanoseconds == 0) return "-   ";
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

const char* name_of(Verdict verdict) {
  static constexpr const char* names[] = {"", "reported", "held", "MISSED"};
  return names[static_cast<std::size_t>(verdict)];
}

// "made/mandatory" for each kind of call.
std::string calls_text(const Report::Operation& operation) {
  std::string text;
  for (const auto& [name, member] : call_names) {
    const std::uint64_t made = operation.made.*member, mandatory = operation.mandatory.*member;
    if (made == 0 && mandatory == 0) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(made) + "/" + std::to_string(mandatory) + " " + name;
  }
  return text;
}

void print(const Report::Operation& operation, double one_scrub) {
  std::printf("%-45s %9s ", operation.label().c_str(), in_units(operation.median).c_str());
  if (operation.ratio_verdict != Verdict::none) {
    std::printf("%9s %7.3f %6.2f %-8s ", in_units(operation.floor).c_str(),
                operation.median / operation.floor, operation.limit, name_of(operation.ratio_verdict));
  } else {
    std::printf("%34s", "");
  }
  if (operation.scrubs != 0 && one_scrub != 0 && operation.median != 0) {
    std::printf("  %.1f%%", 100 * operation.scrubs * one_scrub / operation.median);
  }
  if (operation.calls_verdict != Verdict::none) {
    std::printf("  %s  %s", calls_text(operation).c_str(), name_of(operation.calls_verdict));
  }
  std::printf("\n");
}

void print(const char* kind, const Report::Number& number) {
  const int digits = number.limit < 100 ? 2 : 0;
  std::printf("%-7s %-52s %10.*f %10.*f  %s\n", kind, number.name.c_str(), digits, number.value, digits,
              number.limit, name_of(number.verdict));
}

// ---- JSON

using Json = nlohmann::ordered_json;

Json json_of(const Report::Operation& operation) {
  Json json = {{"name", operation.name}};
  if (operation.n != 0) json["n"] = operation.n;
  if (operation.median != 0) json["median_ns"] = operation.median;
  if (operation.ratio_verdict != Verdict::none) {
    json["floor_ns"] = operation.floor;
    json["ratio"] = operation.median / operation.floor;
    json["limit"] = operation.limit;
    json["verdict"] = name_of(operation.ratio_verdict);
  }
  if (operation.calls_verdict == Verdict::none) return json;
  for (const auto& [name, member] : call_names) {
    json["calls"][name] = {{"made", operation.made.*member}, {"mandatory", operation.mandatory.*member}};
  }
  json["calls_verdict"] = name_of(operation.calls_verdict);
  return json;
}

Json json_of(const std::vector<Report::Number>& numbers) {
  Json json = Json::array();
  for (const Report::Number& number : numbers) {
    json.push_back({{"name", number.name},
                    {"value", number.value},
                    {"limit", number.limit},
                    {"verdict", name_of(number.verdict)}});
  }
  return json;
}

// As far as the system tells.
std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

const char* compiler() {
#ifdef __clang__
  return "clang " __clang_version__;
#else
  return "gcc " __VERSION__;
#endif
}

}  // namespace

bool Report::counts_hold() const {
  bool hold = true;
  for (const Operation& operation : operations) hold = hold && operation.calls_verdict != Verdict::missed;
  for (const Number& fact : facts) hold = hold && fact.verdict != Verdict::missed;
  return hold;
}

void print(const Report& report) {
  std::printf("%-45s %9s %9s %7s %6s            %s\n", "operation", "median", "floor", "ratio", "limit",
              "scrubbing; calls made/mandatory");
  for (const Report::Operation& operation : report.operations) print(operation, report.one_scrub);
  if (report.one_scrub != 0) std::printf("one scrub of stack and registers: %.0f ns\n", report.one_scrub);
  std::printf("medians of CPU time, repetitions interleaved\n");
  std::printf("\n%-7s %-52s %10s %10s\n", "", "", "measured", "limit");
  for (const Report::Number& ratio : report.ratios) print("ratio", ratio);
  for (const Report::Number& fact : report.facts) print("count", fact);
}

bool write_json(const Report& report, const std::string& path) {
  const benchmark::CPUInfo& cpus = benchmark::CPUInfo::Get();
  Json json = {{"machine", {{"processor", processor()}, {"cpus", cpus.num_cpus}}},
               {"compiler", compiler()},
               {"libsodium", sodium_version_string()},
               {"rows", Json::array()},
               {"ratios", json_of(report.ratios)},
               {"facts", json_of(report.facts)}};
  for (const Report::Operation& operation : report.operations) json["rows"].push_back(json_of(operation));
  std::ofstream file(path);
  file << json.dump(2) << "\n";
  return file.good();
}

}  // namespace tacet::bench
