#pragma once

// What the files of the benchmark share: a row of the table, and what is held beside times.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "protocol/crypto.h"

namespace tacet::bench {

// Calls of the primitives: those that an RFC demands of an operation, or those that were made.
struct Calls {
  std::uint64_t verify = 0, sign = 0;
  std::uint64_t multiply = 0, multiply_base = 0;  // X25519
  std::uint64_t hmac = 0, aead = 0, hash = 0;
};

struct Row {
  std::string name;
  std::function<void(Crypto&)> operation;
  std::function<void()> floor = {};  // without one, only the time is reported
  double limit = 0;                  // of operation / floor
  unsigned scrubs = 0;               // in one operation
  std::optional<Calls> mandatory = {};
  std::uint64_t spare_hashes = 0;      // how many more the operation may make
  std::function<void()> set_up = {};   // once, before operation and floor, not timed
  std::function<void()> prepare = {};  // before each operation, not timed
  bool is_long = false;                // so long that a few single runs have to do
};

// That a row takes at most `limit` times as long as another.
struct Growth {
  std::string name, small, large;
  double limit;
};

// A number that is no time, and how large it may be.
struct Fact {
  std::string name;
  std::function<double()> measure;
  double limit;
};

std::vector<Row> crypto_rows();
std::vector<Row> tree_rows();
std::vector<Row> message_rows();
std::vector<Row> commit_rows();
std::vector<Growth> tree_growth();
std::vector<Growth> commit_growth();
std::vector<Fact> tree_facts();

inline void must(bool holds, const char* what) {
  if (!holds) std::fprintf(stderr, "bench: %s\n", what), std::exit(1);
}
inline void must(Error error) { must(error == Error::none, describe(error).name); }

}  // namespace tacet::bench
