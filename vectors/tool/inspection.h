#pragma once

// What `tacet inspect` finds in an input: its parts, in a tree, each with the bytes that it takes up.
//
// A part without parts of its own is a leaf. The leaves lie one behind the other and cover the input: every
// byte is in one of them, the length headers of vectors and the bytes behind an error too.

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "hex.h"
#include "protocol/error.h"

namespace tacet::tool {

class Inspector;

enum class Kind : std::uint8_t {
  number,     // big-endian
  symbol,     // a number with names for its values
  vector,     // opaque<V>: a length header, and as many bytes
  octets,     // bytes that need no header
  header,     // of a vector whose content is parts
  structure,  // or a list
  optional,   // absent: a leaf, its presence octet
};

// Which values of a symbol have no name of their own but a meaning (RFC 9420, 17).
enum class Reserved : std::uint8_t { none, private_use, private_use_and_grease };

// A type of the presentation language, as RFC 9420 writes it.
struct Type {
  const char* name;               // of a list or an optional, that of `element` stands for it
  const char* section = nullptr;  // of RFC 9420; nullptr: that of the part around it
  Kind kind = Kind::structure;
  std::uint8_t size = 0;                           // of a number or symbol, in bytes
  Reserved reserved = Reserved::none;              // of a symbol
  const char* (*symbol)(std::uint16_t) = nullptr;  // the name of a value, or nullptr
  const Type* element = nullptr;                   // of a list or an optional
};

enum class Shown : std::uint8_t { plainly, as_text_too, as_time_too };

// The name of a field, and what there is to say of it beside its type.
struct FieldName {
  const char* name;
  Shown shown = Shown::plainly;
  // What an opaque field holds is decoded further: calls Inspector::inside(), or does not.
  void (*inside)(Inspector& inspector, const void* object) noexcept = nullptr;
};

struct Part {
  const FieldName* name;  // nullptr: the element of a list
  const Type* type;
  std::uint32_t parent;  // of the outermost part, itself
  std::uint32_t offset, length;
  std::uint32_t end = 0;      // the index behind the last part below this one
  Error error = Error::none;  // what is wrong here
  bool is_decoded = true;     // false: there was an error here or below
};

// Something that is malformed.
struct Finding {
  Error error = Error::none;
  std::uint32_t part = 0;    // where, as narrowly as it is known
  std::uint32_t offset = 0;  // of the first byte that cannot be what it ought to be
};

struct Inspection {
  static constexpr std::size_t max_parts = std::size_t{1} << 24;

  Bytes input;
  std::deque<Part> parts;       // each before the parts below it
  Finding failure;              // why there is nothing behind it; Error::none: all was decoded
  std::vector<Finding> inside;  // in opaque fields that were decoded further; what follows them is unharmed
  Error rule = Error::none;     // decoded, but a rule that needs no group is broken

  bool is_malformed() const { return failure.error != Error::none || !inside.empty(); }

  bool is_leaf(std::size_t part) const { return parts[part].end == part + 1; }
  // Of the parts just below one: the first is part + 1, the next begins where one ends.
  std::size_t children(std::size_t part) const;
  // The part of that name just below, or 0 if there is none.
  std::size_t child(std::size_t part, std::string_view name) const;

  Bytes octets(std::size_t part) const { return input.subspan(parts[part].offset, parts[part].length); }
  Bytes content(std::size_t part) const;          // without the header of a vector
  std::size_t announced(std::size_t part) const;  // by the header of a vector, in bytes
  std::uint64_t number(std::size_t part) const;   // of a number, a symbol or a header
  bool is_whole(std::size_t part) const;          // a leaf that was not cut short
  const char* section(std::size_t part) const;    // of RFC 9420
  const char* symbol(std::size_t part) const;     // the name of its value, or what is known of it
  std::string text(std::size_t part) const;       // empty unless it is text, and printable
  std::string time(std::size_t part) const;       // empty unless it is one
  std::string path(std::size_t part) const;       // "message.key_package.extensions[2]"
};

std::string name_of(const Type& type);

// Of an element of a list, from 0: "[0]".
std::string element_name(std::size_t index);

}  // namespace tacet::tool
