#pragma once

// Errors: one value for each rule, and the small result type that carries them.
//
// An output is unchanged or zeroed when a function returns an error, and no state has changed.

#include <cstddef>
#include <cstdint>
#include <utility>

namespace tacet {

enum class [[nodiscard]] Error : std::uint16_t{
    none = 0,
#define TACET_ERROR(number, name, section, requirement, sentence) name = number,
#include "errors.def"
#undef TACET_ERROR
};

struct Description {
  const char* name;         // the enumerator, "truncated"
  const char* section;      // of RFC 9420, "2.1"; "-" for a rule of Tacet's own
  const char* requirement;  // ids of spec/requirements.tsv, "CODEC-10"
  const char* sentence;     // what is wrong, without capital or full stop
};

// What an error means. A number that is no error gives the name "unknown".
Description describe(Error error) noexcept;

// Whether single refusals can be switched off in this build of the library: true only in the test build,
// which must never be shipped (refuse.h).
bool is_test_build() noexcept;

// A small value, or the reason why there is none. The value may be read only if ok().
template <class T>
class [[nodiscard]] Result {
 public:
  Result(Error error) noexcept : error_(error) {}
  Result(T value) noexcept : value_(std::move(value)) {}

  bool ok() const noexcept { return error_ == Error::none; }
  Error error() const noexcept { return error_; }
  T& value() noexcept { return value_; }
  const T& value() const noexcept { return value_; }

 private:
  Error error_ = Error::none;
  T value_{};
};

// Every object that includes this header refers to a symbol that only its own kind of build defines: a
// program compiled for the library proper cannot be linked with the test build, nor the other way round.
#ifdef TACET_TEST_BUILD
extern const char tacet_test_build;
inline const char* const kind_of_build [[gnu::used]] = &tacet_test_build;
#else
extern const char tacet_release_build;
inline const char* const kind_of_build [[gnu::used]] = &tacet_release_build;
#endif

}  // namespace tacet
