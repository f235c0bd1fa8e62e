#include "replay.h"

#include <filesystem>
#include <iomanip>
#include <iostream>

#include "inspect_input.h"
#include "spec/adversary/player.h"

namespace tacet::tool {

namespace {

using adversary::Player;
using adversary::Script;

Script read_script(const std::string& path) {
  std::error_code error;
  if (path != "-" && !std::filesystem::exists(path, error)) throw NoInput(path + ": there is no such file");
  const InspectInput input = read_input(path, true, Notation::binary);
  try {
    return adversary::parse_script(std::string(input.octets.begin(), input.octets.end()));
  } catch (const adversary::ScriptError& reason) {
    throw NoInput(input.source + ": " + reason.what());
  }
}

void play(const Script& script, bool verbose) {
  constexpr int room = 40;  // for an operation, so that what came of it stands below each other
  std::cout << "seed " << script.seed << ", " << script.clients << " clients\n";
  Player player(script);
  if (verbose) player.tell = [](const std::string& what) { std::cout << "      " << what << "\n"; };
  std::size_t number = 0;
  for (const adversary::Script::Operation& operation : script.operations) {
    std::cout << std::setw(4) << ++number << "  " << std::left << std::setw(room) << text_of(operation)
              << std::right << std::flush;
    if (verbose) std::cout << "\n";
    const std::string came = player.play(operation);
    std::cout << (verbose ? "      = " : "  ") << (came.empty() ? "nothing" : came) << "\n";
  }
  player.finish();
}

}  // namespace

int replay(const ReplayOptions& options) {
  try {
    const Script script = read_script(options.path);
    int status = 0;
    try {
      play(script, options.verbose);
      std::cout << "all holds\n";
    } catch (const adversary::Mismatch& difference) {
      std::cout << "\nfailed: " << difference.what() << "\n";
      status = 1;
    }
    if (std::cout.flush()) return status;
    std::cerr << "tacet: cannot write what came of it\n";
  } catch (const NoInput& reason) {
    std::cerr << "tacet: " << printable(reason.what()) << "\n";
  }
  return 2;
}

}  // namespace tacet::tool
