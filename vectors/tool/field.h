#pragma once

// Reading a case: each step checks what it finds, and what is wrong is reported with its place.

#include <concepts>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "hex.h"

namespace tacet::tool {

using Json = nlohmann::ordered_json;

// A case that is not of the form that its type asks for.
class Malformed : public std::runtime_error {
 public:
  Malformed(std::string pointer, const std::string& reason)
      : std::runtime_error(reason), pointer_(std::move(pointer)) {}

  // A JSON pointer (RFC 6901) into the file.
  const std::string& pointer() const { return pointer_; }

 private:
  std::string pointer_;
};

// A value and its place in the file. All that reads throws Malformed. Adding a member to an object moves its
// other members: fields taken from it before are then no longer valid.
class Field {
 public:
  Field(Json& json, std::string pointer) : json_(&json), pointer_(std::move(pointer)) {}

  Field operator[](const std::string& name) const;  // a member of an object
  Field operator[](std::size_t index) const;        // an element of an array
  std::size_t size() const;                         // of an array
  bool has(const char* name) const;                 // an object, a member that may be missing

  Octets bytes() const;                          // written in hexadecimal
  Octets bytes(std::size_t size) const;          // of exactly that size
  std::optional<Octets> optional_bytes() const;  // null: nothing
  std::string text() const;
  std::optional<std::uint64_t> optional_number() const;  // null: nothing

  template <std::unsigned_integral T>
  T number() const {
    return static_cast<T>(number_up_to(std::numeric_limits<T>::max()));
  }

  Json& json() const { return *json_; }
  const std::string& pointer() const { return pointer_; }

  [[noreturn]] void malformed(const std::string& reason) const { throw Malformed(pointer_, reason); }

 private:
  std::uint64_t number_up_to(std::uint64_t max) const;

  Json* json_;
  std::string pointer_;
};

}  // namespace tacet::tool
