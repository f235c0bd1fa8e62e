#pragma once

// Where the computed values of a case go. A type computes them in one way for both uses: a run compares them
// with those in the file, a generation writes them into it.

#include <functional>
#include <span>
#include <vector>

#include "field.h"
#include "protocol/bytes.h"

namespace tacet::tool {

// A value that differs, or that an error stands in for. Bytes are in hexadecimal.
struct Failure {
  std::string pointer;
  std::string expected;
  std::string got;
  Error refusal = Error::none;
};

// The case cannot go on: its failure is recorded.
struct Refused {};

class Outputs {
 public:
  enum class Use { compare, write };

  explicit Outputs(Use use) : use_(use) {}

  bool writes() const { return use_ == Use::write; }
  const std::vector<Failure>& failures() const { return failures_; }

  // The value of object[name].
  void put(const Field& object, const char* name, Bytes value);
  void put(const Field& object, const char* name, SecretView value);
  void put_number(const Field& object, const char* name, std::uint64_t value);

  // An array of `size` optional numbers. In a run, one of another size is malformed.
  using Number = std::function<std::optional<std::uint32_t>(std::uint32_t index)>;
  void put_numbers(const Field& object, const char* name, std::uint32_t size, const Number& number);

  // The array object[name], whose `size` elements are then put one by one, before other members of `object`.
  // In a run, one of another size is malformed.
  Field elements(const Field& object, const char* name, std::size_t size);
  void put(const Field& element, Bytes value);
  void put_optional(const Field& element, std::optional<Bytes> value);
  void put_list(const Field& element, std::span<const std::uint32_t> list);

  // What gives or checks object[name] has to succeed; if not, throws Refused.
  void require(const Field& object, const char* name, Error error);
  void require(const Field& element, Error error);

  // What is done with object[name] has to be refused, and for that reason.
  void require_refusal(const Field& object, const char* name, Error reason, Error error);

  // What follows from the value of `field` in two ways has to be the same.
  void compare(const Field& field, Bytes expected, Bytes got);

 private:
  Field place(const Field& object, const char* name) const;

  Use use_;
  std::vector<Failure> failures_;
};

}  // namespace tacet::tool
