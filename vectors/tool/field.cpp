#include "field.h"

namespace tacet::tool {

Field Field::operator[](const std::string& name) const {
  if (!json_->is_object()) malformed("not an object");
  const auto member = json_->find(name);
  std::string pointer = pointer_ + "/" + name;
  if (member == json_->end()) throw Malformed(pointer, "missing");
  return {*member, pointer};
}

Field Field::operator[](std::size_t index) const {
  if (index >= size()) malformed("has no element " + std::to_string(index));
  return {(*json_)[index], pointer_ + "/" + std::to_string(index)};
}

std::size_t Field::size() const {
  if (!json_->is_array()) malformed("not an array");
  return json_->size();
}

bool Field::has(const char* name) const {
  if (!json_->is_object()) malformed("not an object");
  return json_->contains(name);
}

Octets Field::bytes() const {
  if (!json_->is_string()) malformed("not a string of hexadecimal digits");
  try {
    return from_hex(json_->get_ref<const std::string&>());
  } catch (const std::invalid_argument& error) {
    malformed(error.what());
  }
}

Octets Field::bytes(std::size_t size) const {
  Octets value = bytes();
  if (value.size() != size) {
    malformed(std::to_string(value.size()) + " bytes where there must be " + std::to_string(size));
  }
  return value;
}

std::optional<Octets> Field::optional_bytes() const {
  if (json_->is_null()) return std::nullopt;
  return bytes();
}

std::string Field::text() const {
  if (!json_->is_string()) malformed("not a string");
  return json_->get<std::string>();
}

std::optional<std::uint64_t> Field::optional_number() const {
  if (json_->is_null()) return std::nullopt;
  return number<std::uint64_t>();
}

std::uint64_t Field::number_up_to(std::uint64_t max) const {
  if (json_->is_number_unsigned() && json_->get<std::uint64_t>() <= max) return json_->get<std::uint64_t>();
  malformed("not a whole number from 0 to " + std::to_string(max));
}

}  // namespace tacet::tool
