#include "evidence.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

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

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  ::testing::UnitTest::GetInstance()->listeners().Append(new tacet::evidence::Keeper);
  const int status = RUN_ALL_TESTS();
  tacet::evidence::write(std::filesystem::path(argv[0]).filename().string());
  return status;
}
