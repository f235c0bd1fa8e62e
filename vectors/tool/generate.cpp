#include "generate.h"

#include <fstream>
#include <iostream>

#include "type.h"

namespace tacet::tool {

namespace {

Json cases_of(const VectorType& type, std::uint64_t seed) {
  Generator generator(seed, type.name);
  Json cases = type.choose(generator);
  for (Json& object : cases) {
    Outputs outputs(Outputs::Use::write);
    type.run(Field(object, ""), generator.crypto(), outputs);
  }
  return cases;
}

}  // namespace

int generate(std::uint64_t seed, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  for (const VectorType* type : vector_types()) {
    const std::filesystem::path path = folder / (std::string(type->name) + ".json");
    const Json cases = cases_of(*type, seed);
    std::ofstream file(path, std::ios::binary);
    file << cases.dump(2) << "\n" << std::flush;
    if (!file) {
      std::cerr << "tacet: cannot write " << printable(path.string()) << "\n";
      return 2;
    }
    std::cout << printable(path.string()) << ", " << cases.size() << " cases\n";
  }
  return 0;
}

}  // namespace tacet::tool
