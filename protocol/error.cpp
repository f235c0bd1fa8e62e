#include "error.h"

#include "refuse.h"

namespace tacet {

namespace {

struct Entry {
  Error error;
  Description description;
};

constexpr Entry entries[] = {
    {Error::none, {"none", "-", "-", "no error"}},
#define TACET_ERROR(number, name, section, requirement, sentence) \
  {Error::name, {#name, section, requirement, sentence}},
#include "errors.def"
#undef TACET_ERROR
};

}  // namespace

Description describe(Error error) noexcept {
  for (const Entry& entry : entries) {
    if (entry.error == error) return entry.description;
  }
  return {"unknown", "-", "-", "no error has this number"};
}

#ifdef TACET_TEST_BUILD

extern const char tacet_test_build = 1;

namespace {
constexpr std::size_t error_numbers = 1000;
bool off[error_numbers];
#define TACET_ERROR(number, name, section, requirement, sentence) static_assert(number < error_numbers);
#include "errors.def"
#undef TACET_ERROR
}  // namespace

bool is_test_build() noexcept { return true; }

void switch_off(Error refusal) noexcept { off[static_cast<std::size_t>(refusal) % error_numbers] = true; }

void switch_all_on() noexcept {
  for (bool& refusal : off) refusal = false;
}

bool switched_off(Error refusal) noexcept { return off[static_cast<std::size_t>(refusal) % error_numbers]; }

#else

extern const char tacet_release_build = 1;

bool is_test_build() noexcept { return false; }

#endif

}  // namespace tacet
