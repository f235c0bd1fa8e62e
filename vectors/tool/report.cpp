#include "report.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>

#include "version.h"

namespace tacet::tool {

namespace {

using Counts = std::array<std::size_t, outcomes>;

std::size_t count_of(const Counts& counts, Outcome outcome) {
  return counts[static_cast<std::size_t>(outcome)];
}

Counts counts_of(const FileResult& file) {
  Counts counts{};
  for (const CaseResult& result : file.results) ++counts[static_cast<std::size_t>(result.outcome)];
  return counts;
}

struct Row {
  Counts counts{};
  std::string reason;  // of the skipped, the same for all of a row
};

struct Table {
  // By the type's place in the registry, then by the suite; nothing comes first.
  std::map<std::pair<std::size_t, std::optional<std::uint16_t>>, Row> rows;
  Counts totals{};
};

Table table_of(const Results& results) {
  const auto types = vector_types();
  Table table;
  for (const FileResult& file : results) {
    const auto type =
        static_cast<std::size_t>(std::find(types.begin(), types.end(), file.type) - types.begin());
    for (const CaseResult& result : file.results) {
      Row& row = table.rows[{type, result.suite}];
      ++row.counts[static_cast<std::size_t>(result.outcome)];
      ++table.totals[static_cast<std::size_t>(result.outcome)];
      if (result.outcome == Outcome::skipped) row.reason = result.reason;
    }
  }
  return table;
}

std::string suite_text(std::optional<std::uint16_t> suite) {
  if (!suite) return "-";
  const std::uint8_t octets[] = {static_cast<std::uint8_t>(*suite >> 8), static_cast<std::uint8_t>(*suite)};
  return "0x" + to_hex(octets);
}

// ---- for people

std::string shortened(const std::string& value, bool whole) {
  constexpr std::size_t side = 32;
  if (whole || value.size() <= 2 * side + 3) return printable(value);
  return printable(value.substr(0, side) + "..." + value.substr(value.size() - side));
}

std::string got_text(const Failure& failure, bool whole) {
  if (failure.refusal == Error::none) return shortened(failure.got, whole);
  const Description description = describe(failure.refusal);
  return std::string("refused: ") + description.name + ", " + description.sentence;
}

void print_failure(std::ostream& out, const Failure& failure, bool whole) {
  const std::string expected = shortened(failure.expected, whole);
  out << "  " << printable(failure.pointer) << "\n    expected  " << expected << "\n    got       "
      << got_text(failure, whole) << "\n";
  if (expected.size() == failure.expected.size() || failure.refusal != Error::none) return;
  std::size_t same = 0;
  while (same < failure.got.size() && failure.got[same] == failure.expected[same]) ++same;
  out << "    of " << failure.expected.size() << " and " << failure.got.size() << " digits, the first "
      << same << " are the same\n";
}

void print_failures(std::ostream& out, const FileResult& file, const CaseResult& result, bool verbose) {
  out << "FAILED " << printable(file.name) << ", case " << result.index << " (" << file.type->name << ", "
      << suite_text(result.suite) << ")\n";
  const std::size_t shown = verbose ? result.failures.size() : 1;
  for (std::size_t i = 0; i < shown; ++i) print_failure(out, result.failures[i], verbose);
  const std::size_t more = result.failures.size() - shown;
  if (more != 0) out << "  and " << more << " more, which --verbose shows\n";
}

void print_errors(const Results& results) {
  for (const FileResult& file : results) {
    const std::string place = "tacet: " + printable(file.name) + ": ";
    if (!file.error.empty()) std::cerr << place + printable(file.error) + "\n";
    for (const CaseResult& result : file.results) {
      if (result.outcome != Outcome::malformed) continue;
      std::cerr << place + "case " + std::to_string(result.index) + ", " + printable(result.pointer) + ": " +
                       printable(result.reason) + "\n";
    }
  }
}

void print_table(std::ostream& out, const Table& table) {
  const auto print = [&out](const std::string& type, const std::string& suite, const auto& cells) {
    out << std::left << std::setw(20) << type << std::setw(8) << suite << std::right;
    for (const auto& cell : cells) out << std::setw(11) << cell;
  };
  std::array<const char*, outcomes> names{};
  for (std::size_t i = 0; i < outcomes; ++i) names[i] = name_of(static_cast<Outcome>(i));
  print("type", "suite", names);
  for (const auto& [key, row] : table.rows) {
    out << "\n";
    print(vector_types()[key.first]->name, suite_text(key.second), row.counts);
    if (!row.reason.empty()) out << "  " << row.reason;
  }
  out << "\n";
  print("total", "", table.totals);
  out << "\n";
}

void print_unknown(std::ostream& out, const Results& results) {
  for (const FileResult& file : results) {
    if (file.type != nullptr || !file.error.empty()) continue;
    out << "unknown type: " << printable(file.name) << ", " << file.cases
        << (file.cases == 1 ? " case" : " cases");
    constexpr std::size_t most = 6;
    for (std::size_t i = 0; i < std::min(file.members.size(), most); ++i) {
      out << (i == 0 ? " with " : ", ") << printable(file.members[i]);
    }
    out << (file.members.size() > most ? ", ...\n" : "\n");
  }
}

void print(std::ostream& out, const ConformanceOptions& options, const Results& results, const Table& table) {
  for (const FileResult& file : results) {
    for (const CaseResult& result : file.results) {
      if (result.outcome == Outcome::failed) print_failures(out, file, result, options.verbose);
    }
  }
  print_table(out, table);
  if (options.types.empty()) print_unknown(out, results);
  if (count_of(table.totals, Outcome::passed) + count_of(table.totals, Outcome::failed) == 0) {
    out << "NO CASE WAS RUN: nothing was checked\n";
  }
}

// ---- for machines

Json json_of(const Counts& counts) {
  Json json;
  for (std::size_t i = 0; i < outcomes; ++i) json[name_of(static_cast<Outcome>(i))] = counts[i];
  return json;
}

Json json_of(std::optional<std::uint16_t> suite) { return suite ? Json(*suite) : Json(); }

Json json_of(const CaseResult& result) {
  Json json;
  json["case"] = result.index;
  json["cipher_suite"] = json_of(result.suite);
  json["outcome"] = name_of(result.outcome);
  if (!result.pointer.empty()) json["pointer"] = result.pointer;
  if (!result.reason.empty()) json["reason"] = result.reason;
  for (const Failure& failure : result.failures) {
    Json entry;
    entry["pointer"] = failure.pointer;
    entry["expected"] = failure.expected;
    if (failure.refusal == Error::none) {
      entry["got"] = failure.got;
    } else {
      entry["refused"] = describe(failure.refusal).name;
    }
    json["failures"].push_back(std::move(entry));
  }
  return json;
}

Json json_of(const FileResult& file) {
  Json json;
  json["file"] = file.name;
  if (!file.error.empty()) {
    json["error"] = file.error;
    return json;
  }
  json["type"] = file.type != nullptr ? Json(file.type->name) : Json();
  json["cases"] = file.cases;
  if (file.type == nullptr) json["members"] = file.members;
  json["results"] = Json::array();
  for (const CaseResult& result : file.results) json["results"].push_back(json_of(result));
  return json;
}

std::string json_report(const Results& results, const Table& table, int status) {
  Json json;
  json["tacet"] = tacet_version();
  json["libsodium"] = sodium_version();
  json["test_build"] = is_test_build();
  json["status"] = status;
  json["totals"] = json_of(table.totals);
  json["table"] = Json::array();
  for (const auto& [key, row] : table.rows) {
    Json entry;
    entry["type"] = vector_types()[key.first]->name;
    entry["cipher_suite"] = json_of(key.second);
    entry.update(json_of(row.counts));
    if (!row.reason.empty()) entry["reason"] = row.reason;
    json["table"].push_back(std::move(entry));
  }
  json["files"] = Json::array();
  for (const FileResult& file : results) json["files"].push_back(json_of(file));
  return json.dump(1, ' ', true, Json::error_handler_t::replace) + "\n";
}

std::string xml(const std::string& text) {
  std::string escaped;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string junit_case(const FileResult& file, const CaseResult& result) {
  std::string text = "    <testcase classname=\"" + std::string(file.type->name) + "\" name=\"case " +
                     std::to_string(result.index) + ", suite " + suite_text(result.suite) + "\">";
  if (!result.failures.empty()) {
    text += "<failure message=\"" + xml(result.failures.front().pointer) + "\">\n";
    for (const Failure& failure : result.failures) {
      text += xml(failure.pointer) + ": expected " + xml(failure.expected) + ", got " +
              xml(got_text(failure, true)) + "\n";
    }
    text += "</failure>";
  }
  if (result.outcome == Outcome::skipped) text += "<skipped message=\"" + xml(result.reason) + "\"/>";
  if (result.outcome == Outcome::malformed) {
    text += "<error message=\"" + xml(result.pointer + ": " + result.reason) + "\"/>";
  }
  return text + "</testcase>\n";
}

std::string junit_counts(const Counts& counts, std::size_t unreadable) {
  std::size_t tests = unreadable;
  for (const std::size_t count : counts) tests += count;
  return " tests=\"" + std::to_string(tests) + "\" failures=\"" +
         std::to_string(count_of(counts, Outcome::failed)) + "\" errors=\"" +
         std::to_string(count_of(counts, Outcome::malformed) + unreadable) + "\" skipped=\"" +
         std::to_string(count_of(counts, Outcome::skipped)) + "\">\n";
}

// One test suite for each file; a file that cannot be read is one error in its own.
std::string junit_report(const Results& results, const Table& table) {
  std::string suites;
  std::size_t all_unreadable = 0;
  for (const FileResult& file : results) {
    const std::size_t unreadable = file.error.empty() ? 0 : 1;
    all_unreadable += unreadable;
    suites += "  <testsuite name=\"" + xml(file.name) + "\"" + junit_counts(counts_of(file), unreadable);
    if (unreadable != 0) {
      suites += "    <testcase classname=\"file\" name=\"file\"><error message=\"" + xml(file.error) +
                "\"/></testcase>\n";
    }
    for (const CaseResult& result : file.results) suites += junit_case(file, result);
    suites += "  </testsuite>\n";
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"tacet conformance\"" +
         junit_counts(table.totals, all_unreadable) + suites + "</testsuites>\n";
}

// Standard output, unless a report for a machine goes there.
std::ostream& out_for(const ConformanceOptions& options) {
  return options.json == "-" || options.junit == "-" ? std::cerr : std::cout;
}

}  // namespace

bool write_report(const std::string& path, const std::string& text) {
  std::ofstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::ostream& out = path == "-" ? std::cout : file;
  out << text << std::flush;
  if (!out) std::cerr << "tacet: cannot write " << printable(path) << "\n";
  return static_cast<bool>(out);
}

void report_case(const ConformanceOptions& options, const FileResult& file, const CaseResult& result) {
  out_for(options) << name_of(result.outcome) << " " << printable(file.name) << ", case " << result.index
                   << " (" << file.type->name << ", " << suite_text(result.suite) << ")\n";
}

bool report(const ConformanceOptions& options, const Results& results, int status) {
  const Table table = table_of(results);
  print(out_for(options), options, results, table);
  print_errors(results);
  bool written = static_cast<bool>(out_for(options).flush());
  if (!written) std::cerr << "tacet: cannot write the results\n";
  if (!options.json.empty())
    written = write_report(options.json, json_report(results, table, status)) && written;
  if (!options.junit.empty()) written = write_report(options.junit, junit_report(results, table)) && written;
  return written;
}

}  // namespace tacet::tool
