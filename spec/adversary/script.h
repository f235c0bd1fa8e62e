#pragma once

// A script: the history of a group as a plain-text list of what clients do and what the provider does to
// them, one operation a line, that a Player plays:
//
//     seed 7
//     clients 6
//     0 commits add 1 add 2
//     deliver all
//     2 proposes remove 1
//     lose at 0                # the oldest that waits for client 0
//     seize 2
//
// Every operation is total: what makes no sense where it stands does nothing. So each part of a script is a
// script, and one that fails can be made shorter line by line.

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tacet::adversary {

// What can be proposed, and committed by value.
enum class Topic : std::uint8_t {
  add,         // a client, by the KeyPackage that it published last
  remove,      // a client
  update,      // not by value
  psk,         // an external PSK, by its number
  resumption,  // the PSK of so many epochs ago
  extensions,  // one of the lists that the Player knows
  custom,      // of the registered type, with that body
  reinit,
};

struct Wish {
  Topic topic = Topic::custom;
  std::size_t number = 0;
  bool operator==(const Wish&) const = default;
};

enum class Verb : std::uint8_t {
  propose,      // WHO|bot proposes WISH: the bot is an external sender
  commit,       // WHO commits WISH... [without waiting] [without path] [tree apart]
  adopt,        // WHO adopts: its Commit that waits, whatever the provider has taken
  drop,         // WHO drops
  say,          // WHO says
  ask,          // WHO asks: to be added
  join,         // WHO joins by OTHER [replacing]: from outside, by a GroupInfo of that member
  succeed,      // WHO succeeds: with all others, in the group that a ReInit tells of
  branch,       // WHO branches with OTHER: in a group of their own, beside this one
  publish,      // WHO publishes: a KeyPackage, in the place of the last one
  forget,       // WHO forgets: its state is lost, but for its signature key
  deliver,      // deliver [PLACE] to WHO: what waits behind PLACE others, or the last
  deliver_all,  // deliver all
  lose,         // lose [PLACE] at WHO
  again,        // again PLACE to WHO: what was sent PLACE messages before the last, to whomever
  seize,  // seize WHO: an attacker has a copy of all that it has, and gets all that was and will be sent
};

inline constexpr std::size_t bot = static_cast<std::size_t>(-1);  // who proposes as an external sender

struct Script {
  struct Operation {
    Verb verb = Verb::deliver_all;
    std::size_t who = 0, other = 0, place = 0;
    std::vector<Wish> wishes = {};
    bool with_waiting = true, with_path = true, tree_inline = true;  // of a Commit, as in CommitOptions
    bool replaces = false;
    bool operator==(const Operation&) const = default;
  };

  std::uint64_t seed = 1;   // of all randomness
  std::size_t clients = 6;  // numbered from 0; the first has created the group
  std::vector<Operation> operations;
  bool operator==(const Script&) const = default;
};

inline constexpr std::size_t most_clients = 64, most_operations = 100000;

// What cannot be read: the line, from 1, and why.
struct ScriptError : std::runtime_error {
  ScriptError(std::size_t line, const std::string& reason)
      : std::runtime_error("line " + std::to_string(line) + ": " + reason) {}
};

Script parse_script(std::string_view text);  // throws ScriptError

std::string text_of(const Script::Operation& operation);  // a line, without its end
std::string text_of(const Script& script);

}  // namespace tacet::adversary
