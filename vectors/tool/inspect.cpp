#include "inspect.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "inspect_show.h"
#include "inspect_structures.h"

namespace tacet::tool {

namespace {

bool is_coloured() {
  const char* const no_color = std::getenv("NO_COLOR");
  const bool is_unwanted = no_color != nullptr && *no_color != '\0';
  return !is_unwanted && isatty(STDOUT_FILENO) == 1;
}

Inspection inspect_as(const std::string& structure, Bytes input) {
  const auto known = named_structures();
  const auto named = std::find_if(known.begin(), known.end(), [&](const NamedStructure& candidate) {
    return candidate.name.name == structure;
  });
  Inspection found = named->inspect(input, named->name);
  if (found.failure.error == Error::out_of_memory) {
    throw NoInput("more than " + std::to_string(Inspection::max_parts) + " fields, or no memory for them");
  }
  return found;
}

}  // namespace

int inspect(const InspectOptions& options) {
  try {
    const InspectInput input = read_input(options.input, options.is_given, options.notation);
    const Inspection found = inspect_as(options.structure, input.octets);
    if (options.json) {
      show_json(std::cout, input, found);
    } else {
      show_text(std::cout, input, found, options.verbose, Paint(is_coloured()));
    }
    if (std::cout.flush()) return found.is_malformed() ? 1 : 0;
    std::cerr << "tacet: cannot write what was found\n";
  } catch (const NoInput& reason) {
    std::cerr << "tacet: " << printable(reason.what()) << "\n";
  }
  return 2;
}

}  // namespace tacet::tool
