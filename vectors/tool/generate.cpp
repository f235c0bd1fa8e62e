#include "generate.h"

#include <fstream>
#include <iostream>

#include "egress.h"
#include "type.h"

namespace tacet::tool {

namespace {

Json cases_of(const VectorType& type, const VectorFile& file, std::uint64_t seed) {
  Generator generator(seed, file.name);
  Json cases = file.choose(generator);
  for (Json& object : cases) {
    Outputs outputs(Outputs::Use::write);
    type.run(Field(object, ""), generator.crypto(), outputs);
  }
  return cases;
}

bool write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  if (!file) std::cerr << "tacet: cannot write " << printable(path.string()) << "\n";
  return static_cast<bool>(file);
}

bool write(const VectorType& type, const VectorFile& wanted, std::uint64_t seed,
           const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / (std::string(wanted.name) + ".json");
  const Json cases = cases_of(type, wanted, seed);
  if (!write(path, cases.dump(2) + "\n")) return false;
  std::cout << printable(path.string()) << ", " << cases.size() << " cases\n";
  return true;
}

bool write(const EgressFile& history, std::uint64_t seed, const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / (std::string(history.name) + ".json");
  if (!write(path, text_of(history, seed))) return false;
  std::cout << printable(path.string()) << ", a history\n";
  return true;
}

}  // namespace

int generate(std::uint64_t seed, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  for (const VectorType* type : vector_types()) {
    if (!write(*type, {type->name, type->choose}, seed, folder)) return 2;
    for (const VectorFile& file : type->further) {
      if (!write(*type, file, seed, folder)) return 2;
    }
  }
  std::filesystem::create_directories(folder / "egress", error);
  for (const EgressFile& history : egress_files()) {
    if (!write(history, seed, folder / "egress")) return 2;
  }
  return 0;
}

}  // namespace tacet::tool
