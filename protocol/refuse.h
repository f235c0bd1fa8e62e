#pragma once

// The one construct by which every rule is refused, and the one by which an error is passed on.
//
// In the test build (TACET_TEST_BUILD, a library of its own) each refusal can be switched off at run time by
// its Error: so a test shows that nothing else stands in for the rule. And each can be switched off by its
// place alone: so tests/mutants.py shows that some test misses it. Bounds checks (codec) and the verdicts of
// primitives (a MAC, a signature, an AEAD) stay outside it.

#include "error.h"

namespace tacet {

#ifdef TACET_TEST_BUILD
void switch_off(Error refusal) noexcept;
void switch_all_on() noexcept;
bool switched_off(Error refusal, const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept;

// Asked at each refusal that is not switched off, with its place: true lets through what is refused there. It
// stays when all are switched on; nullptr, as at the beginning, asks nobody.
using LetsThrough = bool (*)(const char* file, int line) noexcept;
void ask_at_refusals(LetsThrough lets_through) noexcept;
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
