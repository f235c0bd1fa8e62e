#include "generate.h"

#include <fstream>
#include <iostream>

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

bool write(const VectorType& type, const VectorFile& wanted, std::uint64_t seed,
           const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / (std::string(wanted.name) + ".json");
  const Json cases = cases_of(type, wanted, seed);
  std::ofstream file(path, std::ios::binary);
  file << cases.dump(2) << "\n" << std::flush;
  if (!file) {
    std::cerr << "tacet: cannot write " << printable(path.string()) << "\n";
    return false;
  }
  std::cout << printable(path.string()) << ", " << cases.size() << " cases\n";
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
  return 0;
}

}  // namespace tacet::tool
