#pragma once

// What the files of the benchmark share: a row of the table, and what is held beside times.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/crypto.h"

namespace tacet::bench {

// Calls of the primitives: those that an RFC demands of an operation, or those that were made.
struct Calls {
  std::uint64_t verify = 0, sign = 0, signature_key = 0;
  std::uint64_t multiply = 0, multiply_base = 0;  // X25519
  std::uint64_t hmac = 0, aead = 0, hash = 0;
};

// The names that the counts have in the table and in JSON.
inline constexpr std::pair<const char*, std::uint64_t Calls::*> call_names[] = {
    {"verify", &Calls::verify},
    {"sign", &Calls::sign},
    {"signature key", &Calls::signature_key},
    {"mult", &Calls::multiply},
    {"base mult", &Calls::multiply_base},
    {"AEAD", &Calls::aead},
    {"HMAC", &Calls::hmac},
    {"hash", &Calls::hash}};

// "5,000", of less than a million.
inline std::string with_commas(std::uint32_t n) {
  const std::string digits = std::to_string(n);
  const std::size_t thousands = digits.size() > 3 ? digits.size() - 3 : 0;
  return digits.substr(0, thousands) + (thousands > 0 ? "," : "") + digits.substr(thousands);
}

// "operation, n = 5,000"; the operation alone if it is of no group.
inline std::string named(const std::string& operation, std::uint32_t n) {
  return n == 0 ? operation : operation + ", n = " + with_commas(n);
}

struct Row {
  std::string name;
  std::uint32_t n = 0;  // how many members its group has
  std::function<void(Crypto&)> operation;
  std::function<void()> floor = {};  // without one, only the time is reported
  double limit = 0;                  // of operation / floor
  unsigned scrubs = 0;               // in one operation
  double scrubs_limit = 0;           // of the time of these over that of the operation; 0: none
  std::optional<Calls> mandatory = {};
  std::uint64_t spare_hashes = 0;             // how many more the operation may make
  std::function<void()> set_up = {};          // once, before operation and floor, not timed
  std::function<void(Crypto&)> prepare = {};  // before each operation, neither timed nor counted
  int single_runs = 0;  // of what takes so long that so few have to do; 0: as many as usual

  std::string label() const { return named(name, n); }
};

// That a row takes at most `limit` times as long for 50,000 members as for 5,000.
struct Growth {
  std::string name;
  double limit;
};

// A number that is measured once, and how large it may be.
struct Fact {
  std::string name;
  std::function<double()> measure;
  double limit;
  bool is_of_times = false;  // and is shown, but decides nothing
};

std::vector<Row> crypto_rows();
std::vector<Row> tree_rows();
std::vector<Row> message_rows();
std::vector<Row> build_rows();
std::vector<Row> commit_rows();
std::vector<Row> observer_rows();
std::vector<Growth> tree_growth();
std::vector<Growth> commit_growth();
std::vector<Fact> tree_facts();
std::vector<Fact> message_facts();
std::vector<Fact> build_facts();
std::vector<Fact> commit_facts();
std::vector<Fact> observer_facts();

// The sizes of groups for which whole operations are shown. Counts hold for all of them; of small groups the
// ratio is reported and not held, as there what surrounds the calls counts for more.
inline constexpr std::uint32_t group_sizes[] = {2, 10, 100, 1000, 5000, 50000};
inline constexpr std::uint32_t ratios_held_from = 100;

// For rows that take as long as a group is large.
inline int single_runs_for(std::uint32_t n) { return n < 1000 ? 0 : n <= 5000 ? 3 : 1; }

inline void must(bool holds, const char* what) {
  if (!holds) std::fprintf(stderr, "bench: %s\n", what), std::exit(1);
}
inline void must(Error error) { must(error == Error::none, describe(error).name); }

}  // namespace tacet::bench
