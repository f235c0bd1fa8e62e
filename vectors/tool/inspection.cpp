#include "inspection.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "protocol/codec.h"
#include "protocol/extension.h"

namespace tacet::tool {

namespace {

// The size of a vector's length header, by its first byte; of one that is cut short, all there is.
std::size_t header_size(Bytes octets) {
  return octets.empty() ? 0 : std::min(octets.size(), std::size_t{1} << (octets[0] >> 6));
}

// Why a number that has no name has none.
const char* unnamed_symbol(const Type& type, std::uint16_t value) {
  if (type.reserved == Reserved::none) return "unknown";
  if (type.reserved == Reserved::private_use_and_grease && is_grease(value)) return "GREASE";
  return value >= 0xf000 ? "private use" : "unknown";
}

}  // namespace

std::string name_of(const Type& type) {
  if (type.element == nullptr) return type.name;
  const std::string element = name_of(*type.element);
  return type.kind == Kind::optional ? "optional<" + element + ">" : element + "<V>";
}

std::size_t Inspection::children(std::size_t part) const {
  std::size_t count = 0;
  for (std::size_t i = part + 1; i < parts[part].end; i = parts[i].end) ++count;
  return count;
}

std::size_t Inspection::child(std::size_t part, std::string_view name) const {
  for (std::size_t i = part + 1; i < parts[part].end; i = parts[i].end) {
    if (parts[i].name != nullptr && parts[i].name->name == name) return i;
  }
  return 0;
}

Bytes Inspection::content(std::size_t part) const {
  const Bytes all = octets(part);
  return parts[part].type->kind == Kind::vector ? all.subspan(header_size(all)) : all;
}

std::size_t Inspection::announced(std::size_t part) const {
  std::size_t size = 0;
  Reader reader(octets(part));
  return reader.vector_size(size) == Error::none ? size : 0;
}

std::uint64_t Inspection::number(std::size_t part) const {
  if (parts[part].type->kind == Kind::header) return announced(part);
  std::uint64_t value = 0;
  for (const std::uint8_t octet : octets(part)) value = value << 8 | octet;
  return value;
}

bool Inspection::is_whole(std::size_t part) const {
  const Type& type = *parts[part].type;
  switch (type.kind) {
    case Kind::number:
    case Kind::symbol:
      return parts[part].length == type.size;
    case Kind::vector:
      return parts[part].length != 0 && content(part).size() == announced(part);
    case Kind::optional:
      return parts[part].length != 0;
    case Kind::octets:
    case Kind::header:
    case Kind::structure:
      break;
  }
  return parts[part].error != Error::truncated && parts[part].error != Error::list_not_whole;
}

const char* Inspection::section(std::size_t part) const {
  for (;; part = parts[part].parent) {
    for (const Type* type = parts[part].type; type != nullptr; type = type->element) {
      if (type->section != nullptr) return type->section;
    }
    if (part == 0) return "2.1";  // a type of the presentation language itself
  }
}

const char* Inspection::symbol(std::size_t part) const {
  const Type& type = *parts[part].type;
  const auto value = static_cast<std::uint16_t>(number(part));
  const char* const name = type.symbol(value);
  return name != nullptr ? name : unnamed_symbol(type, value);
}

std::string Inspection::text(std::size_t part) const {
  if (parts[part].name == nullptr || parts[part].name->shown != Shown::as_text_too) return "";
  const Bytes bytes = content(part);
  const auto is_printable = [](std::uint8_t octet) { return octet >= ' ' && octet <= '~'; };
  return std::all_of(bytes.begin(), bytes.end(), is_printable) ? std::string(bytes.begin(), bytes.end()) : "";
}

std::string Inspection::time(std::size_t part) const {
  constexpr std::uint64_t end_of_9999 = 253402300800;
  const std::uint64_t seconds = number(part);
  if (parts[part].name == nullptr || parts[part].name->shown != Shown::as_time_too ||
      seconds >= end_of_9999) {
    return "";
  }
  const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

std::string element_name(std::size_t index) {
  std::string name = "[";
  name += std::to_string(index);
  name += ']';
  return name;
}

std::string Inspection::path(std::size_t part) const {
  std::string path;
  for (;; part = parts[part].parent) {
    const std::size_t parent = parts[part].parent;
    if (parts[part].name != nullptr) {
      std::string step(part == 0 ? "" : ".");
      step += parts[part].name->name;
      path.insert(0, step);
    } else {
      std::size_t index = 0;
      for (std::size_t i = parent + 1; i < part; i = parts[i].end) {
        if (parts[i].name == nullptr) ++index;
      }
      path.insert(0, element_name(index));
    }
    if (part == 0) return path;
  }
}

}  // namespace tacet::tool
