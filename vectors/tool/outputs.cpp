#include "outputs.h"

#include "spec/adversary/reveal.h"

namespace tacet::tool {

namespace {

// A value as the file has it.
std::string shown(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', true);
}

}  // namespace

void Outputs::put(const Field& object, const char* name, Bytes value) {
  if (writes()) {
    object.json()[name] = to_hex(value);
    return;
  }
  const Field field = object[name];
  const Octets expected = field.bytes();
  if (!equal(expected, value)) failures_.push_back({field.pointer(), to_hex(expected), to_hex(value)});
}

void Outputs::put(const Field& object, const char* name, SecretView value) {
  put(object, name, reveal(value));
}

void Outputs::put_number(const Field& object, const char* name, std::uint64_t value) {
  if (writes()) {
    object.json()[name] = value;
    return;
  }
  const Field field = object[name];
  const auto expected = field.number<std::uint64_t>();
  if (expected != value) {
    failures_.push_back({field.pointer(), std::to_string(expected), std::to_string(value)});
  }
}

void Outputs::put_numbers(const Field& object, const char* name, std::uint32_t size, const Number& number) {
  if (writes()) {
    Json list = Json::array();
    for (std::uint32_t i = 0; i < size; ++i) {
      const std::optional<std::uint32_t> value = number(i);
      list.push_back(value ? Json(*value) : Json());
    }
    object.json()[name] = std::move(list);
    return;
  }
  const Field field = object[name];
  if (field.size() != size) {
    field.malformed(std::to_string(field.size()) + " elements where there must be " + std::to_string(size));
  }
  for (std::uint32_t i = 0; i < size; ++i) {
    const Field element = field[i];
    const std::optional<std::uint64_t> expected = element.optional_number();
    const std::optional<std::uint64_t> value = number(i);
    if (expected == value) continue;
    failures_.push_back({element.pointer(), shown(element.json()), value ? std::to_string(*value) : "null"});
  }
}

void Outputs::require(const Field& object, const char* name, Error error) {
  if (error == Error::none) return;
  if (writes()) throw std::logic_error(std::string(name) + ": " + describe(error).name);
  const Field field = object[name];
  failures_.push_back({field.pointer(), shown(field.json()), "", error});
  throw Refused();
}

}  // namespace tacet::tool
