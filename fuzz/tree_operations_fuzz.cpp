// Histories of a ratchet tree: drafts that are adopted or dropped, and memory that is full at any allocation,
// held against the model after every step. The first byte of the input says how many members there are at the
// beginning; then come steps of a verb and a member, with a third byte if memory is to be full in that step.

#include "fuzz/oracle.h"
#include "tests/twins.h"

namespace tacet {
namespace {

struct Aborting {
  static void demand(bool holds) { tacet::demand(holds); }
};

// The model takes time that grows with the square of these.
constexpr std::size_t max_members = 24, max_steps = 40;

constexpr std::uint8_t full_memory = 0x80;

constexpr Verb verbs[] = {Verb::add,  Verb::update, Verb::remove, Verb::blank,
                          Verb::path, Verb::adopt,  Verb::drop,   Verb::path};

}  // namespace
}  // namespace tacet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tacet;
  if (size == 0) return 0;
  Twins<Aborting> twins(1, 1 + data[0] % 16);
  std::size_t at = 1;
  for (std::size_t steps = 0; steps < max_steps && at + 2 <= size; ++steps) {
    const bool has_third = (data[at] & full_memory) != 0 && at + 3 <= size;
    Step step{verbs[data[at] % std::size(verbs)], data[at + 1]};
    if (step.verb == Verb::add && twins.members() >= max_members) step.verb = Verb::remove;
    if (has_third) {
      twins.take_with_full_memory(step, data[at + 2]);
    } else {
      twins.take(step);
    }
    twins.compare();
    at += has_third ? 3 : 2;
  }
  return 0;
}
