#include "conformance.h"

#include <algorithm>
#include <iostream>

#include "progress.h"
#include "report.h"
#include "vector_file.h"

namespace tacet::tool {

namespace {

class Run {
 public:
  explicit Run(const ConformanceOptions& options) : options_(options), progress_(!options.verbose) {}

  Results run() {
    for (const std::string& path : options_.paths) {
      if (stopped_) break;
      try {
        for (const auto& file : find_files(path)) run_file(file);
      } catch (const Unreadable& error) {
        unreadable(results_.emplace_back(), path, error.what());
      }
    }
    return std::move(results_);
  }

 private:
  void unreadable(FileResult& file, const std::string& name, const std::string& error) {
    file.name = name;
    file.error = error;
    stopped_ = options_.fail_fast;
  }

  void run_file(const std::filesystem::path& path) {
    if (stopped_) return;
    FileResult& file = results_.emplace_back();
    file.name = path.string();
    try {
      run_cases(read_vector_file(path), file);
    } catch (const Unreadable& error) {
      unreadable(file, file.name, error.what());
    } catch (const std::bad_alloc&) {
      unreadable(file, file.name, "there is not enough memory to read it");
    }
  }

  void run_cases(Json cases, FileResult& file) {
    file.cases = cases.size();
    file.type = type_of(cases);
    if (file.type == nullptr) {
      if (cases.empty()) return;
      for (const auto& member : cases[0].items()) file.members.push_back(member.key());
      return;
    }
    if (!options_.types.empty() && !contains(options_.types, std::string(file.type->name))) return;
    for (std::size_t i = 0; i < cases.size() && !stopped_; ++i) {
      progress_.show(file.name + " " + std::to_string(i + 1) + "/" + std::to_string(cases.size()));
      CaseResult result = run_case(Field(cases[i], "/" + std::to_string(i)), *file.type);
      if (!is_wanted(result)) continue;
      result.index = i;
      const bool bad = result.outcome == Outcome::failed || result.outcome == Outcome::malformed;
      stopped_ = bad && options_.fail_fast;
      if (options_.verbose) report_case(options_, file, result);
      file.results.push_back(std::move(result));
    }
  }

  // That of the first case that has one: all cases of a file are of one type.
  static const VectorType* type_of(const Json& cases) {
    for (const Json& object : cases) {
      if (!object.is_object()) throw Unreadable("not an array of objects");
      for (const VectorType* type : vector_types()) {
        if (type->recognise(object)) return type;
      }
    }
    return nullptr;
  }

  CaseResult run_case(const Field& object, const VectorType& type) {
    CaseResult result;
    Outputs outputs(Outputs::Use::compare);
    try {
      const SuiteParameters* suite = &built_suite();
      if (type.needs.any()) {
        result.suite = object["cipher_suite"].number<std::uint16_t>();
        suite = suite_parameters(static_cast<CipherSuite>(*result.suite));
        result.reason = suite == nullptr ? "not a cipher suite of RFC 9420" : not_built(*suite, type.needs);
      }
      if (!result.reason.empty()) {
        result.outcome = Outcome::skipped;
      } else if (is_wanted(result)) {
        PartialSuite crypto(random_, *suite);
        type.run(object, crypto, outputs);
      }
    } catch (const Malformed& malformed) {
      result.outcome = Outcome::malformed;
      result.pointer = malformed.pointer();
      result.reason = malformed.what();
      return result;
    } catch (const Refused&) {  // and recorded
    }
    result.failures = outputs.failures();
    if (!result.failures.empty()) result.outcome = Outcome::failed;
    return result;
  }

  static std::string not_built(const SuiteParameters& suite, const Needs& needs) {
    const std::string missing = missing_primitives(suite, needs);
    return missing.empty() ? "" : "not built: " + missing;
  }

  // A malformed case without a suite could be of any.
  bool is_wanted(const CaseResult& result) const {
    if (options_.suites.empty()) return true;
    return result.suite ? contains(options_.suites, *result.suite) : result.outcome == Outcome::malformed;
  }

  template <class T>
  static bool contains(const std::vector<T>& list, const T& value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  }

  const ConformanceOptions& options_;
  Progress progress_;
  SodiumRandom random_;
  Results results_;
  bool stopped_ = false;  // by --fail-fast
};

bool holds_any_case(const Results& results) {
  return std::any_of(results.begin(), results.end(),
                     [](const FileResult& file) { return !file.results.empty(); });
}

// 0: no case failed; 1: a case failed; 2: something could not be read.
int status_of(const Results& results) {
  int status = 0;
  for (const FileResult& file : results) {
    if (!file.error.empty()) return 2;
    for (const CaseResult& result : file.results) {
      if (result.outcome == Outcome::malformed) return 2;
      if (result.outcome == Outcome::failed) status = 1;
    }
  }
  return status;
}

}  // namespace

const char* name_of(Outcome outcome) {
  static constexpr const char* names[outcomes] = {"passed", "failed", "skipped", "malformed"};
  return names[static_cast<std::size_t>(outcome)];
}

int conformance(const ConformanceOptions& options) {
  const Results results = Run(options).run();
  int status = status_of(results);
  const bool filtered = !options.suites.empty() || !options.types.empty();
  if (filtered && !holds_any_case(results)) {
    std::cerr << "tacet: no case in these files is of the given --suite and --type\n";
    status = 2;
  }
  return report(options, results, status) ? status : 2;
}

}  // namespace tacet::tool
