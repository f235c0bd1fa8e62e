#include "evidence.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "protocol/refuse.h"

namespace tacet::evidence {

namespace {

std::set<std::string> of_this_test;
std::set<std::string> of_this_program;

void record(const char* ids, const std::string& error, After after) {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::istringstream list(ids);
  for (std::string id; std::getline(list, id, ',');) {
    if (id.starts_with(' ')) id.erase(0, 1);
    of_this_test.insert(id + '\t' + test->test_suite_name() + '.' + test->name() + '\t' + error + '\t' +
                        (after.state_equal ? "equal" : "-") + '\t' +
                        (after.genuine_accepted ? "accepted" : "-"));
  }
}

// Keeps what a test recorded only if it passed.
class Keeper final : public ::testing::EmptyTestEventListener {
  void OnTestStart(const ::testing::TestInfo&) override { of_this_test.clear(); }
  void OnTestEnd(const ::testing::TestInfo& test) override {
    if (test.result()->Passed()) of_this_program.merge(of_this_test);
  }
};

void write(const std::string& program) {
  const char* folder = std::getenv("TACET_EVIDENCE");
  if (folder == nullptr || of_this_program.empty()) return;
  std::filesystem::create_directories(folder);
  std::ofstream file(std::filesystem::path(folder) / (program + ".tsv"));
  for (const std::string& line : of_this_program) file << line << '\n';
}

}  // namespace

void shows(const char* ids) { record(ids, "-", {}); }

void refused(const char* ids, Error demanded, Error seen, After after) {
  EXPECT_EQ(seen, demanded) << ids;
  record(ids, describe(seen).name, after);
}

}  // namespace tacet::evidence

#ifdef TACET_TEST_BUILD

// For tests/mutants.py. With TACET_MUTANT, a place such as /framing.cpp:28, whatever is refused there is let
// through in every test. With TACET_REFUSALS, a file, it gets each test with the places that refused in it;
// "*" stands for what is outside of tests.
namespace tacet {
namespace {

std::set<std::string> refusals;

std::string place(const char* file, int line) { return std::string(file) + ':' + std::to_string(line); }

bool is_mutant(const char* file, int line) noexcept {
  static const char* const mutant = std::getenv("TACET_MUTANT");
  return place(file, line).ends_with(mutant);
}

bool note(const char* file, int line) noexcept {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string name = test == nullptr ? "*" : std::string(test->test_suite_name()) + '.' + test->name();
  refusals.insert(name + '\t' + place(file, line));
  return false;
}

class Mutant final : public ::testing::Environment {
  void SetUp() override {
    if (std::getenv("TACET_MUTANT") != nullptr) ask_at_refusals(is_mutant);
    if (std::getenv("TACET_REFUSALS") != nullptr) ask_at_refusals(note);
  }
  void TearDown() override {
    ask_at_refusals(nullptr);
    if (refusals.empty()) return;
    std::ofstream file(std::getenv("TACET_REFUSALS"));
    for (const std::string& line : refusals) file << line << '\n';
  }
};

const auto* const mutant = ::testing::AddGlobalTestEnvironment(new Mutant);

}  // namespace
}  // namespace tacet

#endif

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  ::testing::UnitTest::GetInstance()->listeners().Append(new tacet::evidence::Keeper);
  const int status = RUN_ALL_TESTS();
  tacet::evidence::write(std::filesystem::path(argv[0]).filename().string());
  return status;
}
