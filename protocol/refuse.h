#pragma once

// The one construct by which every rule is refused, and the one by which an error is passed on.
//
// In the test build (TACET_TEST_BUILD, a library of its own) each refusal can be switched off at run time by
// its Error: so a test shows that nothing else stands in for the rule. Bounds checks (codec) and the verdicts
// of primitives (a MAC, a signature, an AEAD) stay outside it.

#include "error.h"

namespace tacet {

#ifdef TACET_TEST_BUILD
void switch_off(Error refusal) noexcept;
void switch_all_on() noexcept;
bool switched_off(Error refusal) noexcept;
#else
constexpr bool switched_off(Error) noexcept { return false; }
#endif

}  // namespace tacet

#define REFUSE_IF(condition, error)                                 \
  do {                                                              \
    if ((condition) && !::tacet::switched_off(error)) return error; \
  } while (false)

#define TRY(expression)                                                                                     \
  do {                                                                                                      \
    if (const ::tacet::Error try_error = (expression); try_error != ::tacet::Error::none) return try_error; \
  } while (false)
