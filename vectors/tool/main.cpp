// The command line of tacet.

#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <limits>
#include <map>
#include <optional>

#include "conformance.h"
#include "demand.h"
#include "generate.h"
#include "inspect.h"
#include "inspect_structures.h"
#include "protocol/refuse.h"
#include "replay.h"
#include "version.h"

namespace tacet::tool {

namespace {

constexpr const char* conformance_footer =
    "Types are known by their content; files of other types are named and not run. A case of another\n"
    "cipher suite than 0x0003 runs if all primitives that it uses are built; else it is skipped, with\n"
    "the reason. A file may have 256 MiB, 10000000 values, 100 members in an object, a depth of 64.\n"
    "\n"
    "Exit status: 0 if no case failed; 1 if a case failed; 2 if the command line is wrong or something\n"
    "could not be read or written, whether or not a case failed.";

constexpr const char* inspect_footer =
    "What can be read as hexadecimal is, then what can be read as base64; a file may also be binary. The\n"
    "first line says how it was read. White space counts for nothing. At most 64 MiB.\n"
    "\n"
    "Offsets and lengths are in bytes; the length of a vector is with its header. Of what is malformed\n"
    "everything before the error is shown, then the byte, the field and the rule that it breaks.\n"
    "\n"
    "Exit status: 0 if it is well-formed; 1 if it is malformed; 2 if the command line is wrong or the input\n"
    "could not be read.";

constexpr const char* replay_footer =
    "A script has one operation in a line; # begins a comment. What makes no sense where it stands does\n"
    "nothing, so each part of a script is a script:\n"
    "\n"
    "  seed N | clients N             before all others; client 0 has created the group\n"
    "  WHO proposes WISH              WISH: add WHO, remove WHO, update, psk N, resumption N (epochs ago),\n"
    "  bot proposes WISH              extensions N, custom N, reinit; the bot is an external sender\n"
    "  WHO asks                       to be added\n"
    "  WHO commits [WISH...] [without waiting] [without path] [tree apart]\n"
    "  WHO adopts | WHO drops         its Commit that waits\n"
    "  WHO says                       application data\n"
    "  WHO joins by WHO [replacing]   from outside\n"
    "  WHO succeeds                   the group that a ReInit has closed, with all others\n"
    "  WHO branches with WHO          in a group beside this one\n"
    "  WHO publishes | WHO forgets    a new KeyPackage; all but its signature key\n"
    "  deliver all | deliver [N] to WHO | lose [N] at WHO     what waits behind N others\n"
    "  again N to WHO                 what was sent N messages before the last\n"
    "  seize WHO                      an attacker copies it, and gets all that was and will be sent\n"
    "\n"
    "Clients with even numbers send handshakes as PrivateMessages, the others as PublicMessages.\n"
    "\n"
    "Exit status: 0 if all is as it should be; 1 if somebody knows or answers something else; 2 if the\n"
    "command line is wrong or the script could not be read.";

constexpr const char* demand_footer =
    "A conversation is played: KeyPackages are published, a group is created and all are added, then text,\n"
    "a photo of 3 MiB and a video, in pieces of 4 MiB, while members come, go and commit. Passive members "
    "have real\n"
    "keys and leaves, and never process anything. --verbose numbers the steps. Members are called alice,\n"
    "bob, carol, member-3 and so on, live ones first; who comes later has the next number. Who is seized "
    "goes\n"
    "on, and heals by a Commit of its own; several seizures are judged one by one.\n"
    "\n"
    "What the provider can read is derived from all that the members did and all that was sent, by "
    "attackers\n"
    "who can do anything but break a primitive. What it learns all the same is read from what it holds.\n"
    "\n"
    "Exit status: 0 if the provider reads nothing, and a seizure opens exactly what RFC 9420 allows; 1 if\n"
    "not; 2 if the command line is wrong or the results could not be written.";

constexpr std::uint64_t max_seed = std::numeric_limits<std::uint64_t>::max();

// Decimal, or hexadecimal after 0x.
std::optional<std::uint64_t> parse_number(const std::string& text, std::uint64_t max) {
  const bool is_hex = text.starts_with("0x");
  const char* const begin = text.data() + (is_hex ? 2 : 0);
  const char* const end = text.data() + text.size();
  std::uint64_t value = 0;
  const auto [rest, error] = std::from_chars(begin, end, value, is_hex ? 16 : 10);
  if (error != std::errc() || rest != end || value > max) return std::nullopt;
  return value;
}

CLI::Validator number_up_to(std::uint64_t max) {
  const auto check = [max](const std::string& text) {
    return parse_number(text, max) ? std::string()
                                   : "not a number from 0 to " + std::to_string(max) + ": " + text;
  };
  return {check, "NUMBER"};
}

std::vector<std::string> type_names() {
  std::vector<std::string> names;
  for (const VectorType* type : vector_types()) names.emplace_back(type->name);
  return names;
}

std::vector<std::string> structure_names() {
  std::vector<std::string> names;
  for (const NamedStructure& structure : named_structures()) names.emplace_back(structure.name.name);
  return names;
}

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", version_text());
    add_conformance();
    add_inspect();
    add_generate();
    add_replay();
    add_demand();
#ifdef TACET_TEST_BUILD
    add_switch_off();
#endif
  }

  int run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
      if (is_test_build()) std::cerr << version_text() << "\n";
      if (conformance_->parsed()) return run_conformance();
      if (inspect_->parsed()) return run_inspect();
      if (replay_->parsed()) return replay(replay_options_);
      if (demand_->parsed()) return run_demand();
      return run_generate();
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? 0 : 2;
    }
  }

 private:
  void add_conformance() {
    conformance_ =
        app_.add_subcommand("conformance", "Run files of test vectors against this implementation");
    conformance_->footer(conformance_footer);
    conformance_->add_option("PATH", options_.paths, "Files, or folders of *.json [the published vectors]")
        ->type_name("");
    conformance_->add_option("--suite", suites_, "Only cases of this cipher suite, 3 or 0x0003; repeatable")
        ->check(number_up_to(0xffff))
        ->allow_extra_args(false);
    conformance_->add_option("--type", options_.types, "Only files of this type; repeatable")
        ->check(CLI::IsMember(type_names()))
        ->allow_extra_args(false);
    conformance_->add_option("--json", options_.json, "Write the results as JSON; - is standard output")
        ->type_name("FILE");
    conformance_
        ->add_option("--junit", options_.junit, "Write the results as JUnit XML; - is standard output")
        ->type_name("FILE");
    conformance_->add_flag("--fail-fast", options_.fail_fast,
                           "Stop at the first that fails or cannot be read");
    conformance_->add_flag("--verbose", options_.verbose,
                           "A line for each case, and all that differs in full");
  }

  void add_inspect() {
    inspect_ = app_.add_subcommand("inspect", "Show an MLS message, or a part of one, field by field");
    inspect_->footer(inspect_footer);
    inspect_input_ =
        inspect_->add_option("INPUT", inspect_options_.input,
                             "A file, or hexadecimal or base64; - is standard input [standard input]");
    inspect_input_->type_name("");
    inspect_->add_option("--as", inspect_options_.structure, "What it is [message]")
        ->check(CLI::IsMember(structure_names()));
    inspect_->add_option("--from", inspect_notation_, "How it is written [what it can be read as]")
        ->check(CLI::IsMember({"hex", "base64", "binary"}));
    inspect_->add_flag("--json", inspect_options_.json, "Write JSON");
    inspect_->add_flag("--verbose", inspect_options_.verbose, "Values in full, and length headers as fields");
  }

  void add_generate() {
    generate_ =
        app_.add_subcommand("generate", "Write the published test vectors, the same from the same seed");
    generate_
        ->add_option("--seed", seed_, "What all randomness comes from; the published files are of seed 1")
        ->check(number_up_to(max_seed))
        ->required();
    generate_->add_option("--out", out_, "Where to [the published vectors, which are overwritten]")
        ->type_name("FOLDER");
  }

  void add_replay() {
    replay_ =
        app_.add_subcommand("replay", "Play a script of what happens to a group, against a model of it");
    replay_->footer(replay_footer);
    replay_->add_option("FILE", replay_options_.path, "The script; - is standard input")
        ->type_name("")
        ->required();
    replay_->add_flag("--verbose", replay_options_.verbose, "Also what each client receives");
  }

  void add_demand() {
    ConversationOptions& wanted = demand_options_.conversation;
    demand_ = app_.add_subcommand("demand", "Play a conversation, then the order to hand over everything");
    demand_->footer(demand_footer);
    const auto number = [this](const char* name, auto& out, const char* what) {
      demand_
          ->add_option_function<std::string>(
              name, [&out](const std::string& text) { out = *parse_number(text, max_seed); }, what)
          ->check(number_up_to(max_seed))
          ->type_name("N");
    };
    number("--members", wanted.members, "Members of the group [1000]");
    number("--live", demand_options_.live, "Of them, those that do all that a member does [16]");
    number("--messages", wanted.messages, "Messages of text [200]");
    number("--video", wanted.video, "The size of the video, in MiB [48]");
    number("--seed", wanted.seed, "What all randomness comes from [1]");
    demand_->add_option("--seize", demand_options_.seizes, "A live client, after that step; repeatable")
        ->type_name("NAME@STEP")
        ->allow_extra_args(false);
    demand_->add_option("--handshakes", handshakes_, "How proposals and Commits are sent [private]")
        ->check(CLI::IsMember({"private", "public"}));
    demand_
        ->add_option(
            "--tree", tree_,
            "Where who joins has the tree from: the Welcome; beside it, in the clear; or a GroupInfo too,\n"
            "for who joins from outside [inside]")
        ->check(CLI::IsMember({"inside", "apart", "published"}));
    demand_->add_option("--json", demand_options_.json, "Write the results as JSON; - is standard output")
        ->type_name("FILE");
    demand_->add_flag("-v,--verbose", demand_options_.verbose, "Each step");
  }

#ifdef TACET_TEST_BUILD
  void add_switch_off() {
    const std::map<std::string, Error> errors = {
#define TACET_ERROR(number, name, section, requirement, sentence) {#name, Error::name},
#include "protocol/errors.def"
#undef TACET_ERROR
    };
    std::vector<std::string> names;
    for (const auto& [name, error] : errors) names.push_back(name);
    app_.add_option_function<std::vector<std::string>>(
            "--switch-off",
            [errors](const std::vector<std::string>& refusals) {
              for (const std::string& name : refusals) switch_off(errors.at(name));
            },
            "Switch a refusal off, by the name of its error; repeatable")
        ->check(CLI::IsMember(names))
        ->type_name("")
        ->allow_extra_args(false);
  }
#endif

  int run_conformance() {
    if (options_.paths.empty()) options_.paths.push_back(published_folder("PATH"));
    for (const std::string& suite : suites_) {
      options_.suites.push_back(static_cast<std::uint16_t>(*parse_number(suite, 0xffff)));
    }
    return conformance(options_);
  }

  int run_inspect() {
    inspect_options_.is_given = inspect_input_->count() != 0;
    if (inspect_notation_ == "hex") inspect_options_.notation = Notation::hex;
    if (inspect_notation_ == "base64") inspect_options_.notation = Notation::base64;
    if (inspect_notation_ == "binary") inspect_options_.notation = Notation::binary;
    return inspect(inspect_options_);
  }

  int run_demand() {
    ConversationOptions& wanted = demand_options_.conversation;
    if (handshakes_ == "public") wanted.handshakes = WireFormat::public_message;
    if (tree_ == "apart") wanted.tree = TreeGiven::apart;
    if (tree_ == "published") wanted.tree = TreeGiven::published;
    return demand(demand_options_);
  }

  int run_generate() {
    if (out_.empty()) out_ = published_folder("--out");
    return generate(*parse_number(seed_, max_seed), out_);
  }

  // The published vectors, which are where the tool was built unless they have gone from there.
  static std::string published_folder(const char* instead) {
    std::error_code error;
    if (std::filesystem::is_directory(TACET_VECTORS_FOLDER, error)) return TACET_VECTORS_FOLDER;
    throw CLI::ValidationError(instead, "is needed, for there is no folder " TACET_VECTORS_FOLDER);
  }

  CLI::App app_{"Tacet, a reference implementation of Messaging Layer Security (RFC 9420)", "tacet"};
  CLI::App* conformance_ = nullptr;
  CLI::App* inspect_ = nullptr;
  CLI::Option* inspect_input_ = nullptr;
  CLI::App* generate_ = nullptr;
  CLI::App* replay_ = nullptr;
  CLI::App* demand_ = nullptr;
  ConformanceOptions options_;
  std::vector<std::string> suites_;
  InspectOptions inspect_options_;
  ReplayOptions replay_options_;
  DemandOptions demand_options_;
  std::string inspect_notation_, handshakes_, tree_;
  std::string seed_, out_;
};

}  // namespace

}  // namespace tacet::tool

int main(int argc, char** argv) {
  try {
    return tacet::tool::CommandLine().run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "tacet: " << tacet::tool::printable(error.what()) << "\n";
    return 2;
  }
}
