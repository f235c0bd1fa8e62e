#include "error.h"

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

bool is_test_build() noexcept { return true; }

#else

extern const char tacet_release_build = 1;

bool is_test_build() noexcept { return false; }

#endif

}  // namespace tacet
