#include "refuse.h"

#ifdef TACET_TEST_BUILD

namespace tacet {

namespace {

constexpr std::size_t error_numbers = 1000;
bool off[error_numbers];
LetsThrough asked = nullptr;

#define TACET_ERROR(number, name, section, requirement, sentence) static_assert(number < error_numbers);
#include "errors.def"
#undef TACET_ERROR

}  // namespace

void switch_off(Error refusal) noexcept { off[static_cast<std::size_t>(refusal) % error_numbers] = true; }

void switch_all_on() noexcept {
  for (bool& refusal : off) refusal = false;
}

bool switched_off(Error refusal, const char* file, int line) noexcept {
  if (off[static_cast<std::size_t>(refusal) % error_numbers]) return true;
  return asked != nullptr && asked(file, line);
}

void ask_at_refusals(LetsThrough lets_through) noexcept { asked = lets_through; }

}  // namespace tacet

#endif
