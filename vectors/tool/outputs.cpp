#include "outputs.h"

#include "spec/adversary/reveal.h"

namespace tacet::tool {

namespace {

// A value as the file has it.
std::string shown(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', true);
}

}  // namespace

Field Outputs::place(const Field& object, const char* name) const {
  if (!writes()) return object[name];
  return {object.json()[name], object.pointer() + "/" + name};
}

void Outputs::put(const Field& object, const char* name, Bytes value) { put(place(object, name), value); }

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
  const Field list = elements(object, name, size);
  for (std::uint32_t i = 0; i < size; ++i) {
    const Field element = list[i];
    const std::optional<std::uint64_t> value = number(i);
    if (writes()) {
      element.json() = value ? Json(*value) : Json();
    } else if (element.optional_number() != value) {
      failures_.push_back(
          {element.pointer(), shown(element.json()), value ? std::to_string(*value) : "null"});
    }
  }
}

Field Outputs::elements(const Field& object, const char* name, std::size_t size) {
  const Field list = place(object, name);
  if (writes()) list.json() = Json(size, Json());
  if (list.size() != size) {
    list.malformed(std::to_string(list.size()) + " elements where there must be " + std::to_string(size));
  }
  return list;
}

void Outputs::put(const Field& element, Bytes value) {
  if (writes()) {
    element.json() = to_hex(value);
  } else {
    compare(element, element.bytes(), value);
  }
}

void Outputs::put_optional(const Field& element, std::optional<Bytes> value) {
  if (writes()) {
    element.json() = value ? Json(to_hex(*value)) : Json();
    return;
  }
  const std::optional<Octets> expected = element.optional_bytes();
  if (expected && value) return compare(element, *expected, *value);
  if (!expected && !value) return;
  failures_.push_back({element.pointer(), shown(element.json()), value ? to_hex(*value) : "null"});
}

void Outputs::put_list(const Field& element, std::span<const std::uint32_t> list) {
  if (writes()) {
    element.json() = list;
    return;
  }
  std::vector<std::uint32_t> expected;
  for (std::size_t i = 0; i < element.size(); ++i) expected.push_back(element[i].number<std::uint32_t>());
  if (expected.size() != list.size()) {
    failures_.push_back({element.pointer(), shown(element.json()), shown(Json(list))});
    return;
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (expected[i] == list[i]) continue;
    failures_.push_back({element[i].pointer(), std::to_string(expected[i]), std::to_string(list[i])});
  }
}

void Outputs::require(const Field& object, const char* name, Error error) {
  if (error != Error::none) require(place(object, name), error);
}

void Outputs::require(const Field& element, Error error) {
  if (error == Error::none) return;
  if (writes()) throw std::logic_error(element.pointer() + ": " + describe(error).name);
  failures_.push_back({element.pointer(), shown(element.json()), "", error});
  throw Refused();
}

void Outputs::require_refusal(const Field& object, const char* name, Error reason, Error error) {
  if (error == reason) return;
  const std::string expected = std::string("refused: ") + describe(reason).name;
  if (writes()) throw std::logic_error(object[name].pointer() + ": not " + expected);
  failures_.push_back({object[name].pointer(), expected, "accepted", error});
}

void Outputs::compare(const Field& field, Bytes expected, Bytes got) {
  if (equal(expected, got)) return;
  if (writes()) throw std::logic_error(field.pointer() + ": is " + to_hex(expected) + " and " + to_hex(got));
  failures_.push_back({field.pointer(), to_hex(expected), to_hex(got)});
}

}  // namespace tacet::tool
