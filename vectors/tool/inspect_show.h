#pragma once

// How `tacet inspect` shows what it found: to people, with the fields in a table and each ratchet tree drawn;
// to machines, as JSON.

#include <ostream>

#include "inspect_input.h"
#include "inspection.h"

namespace tacet::tool {

// Colours, or none. Each takes and gives text.
class Paint {
 public:
  explicit Paint(bool coloured) : coloured_(coloured) {}

  std::string strong(const std::string& text) const { return with("1", text); }
  std::string faint(const std::string& text) const { return with("2", text); }
  std::string bad(const std::string& text) const { return with("1;31", text); }

 private:
  std::string with(const char* code, const std::string& text) const {
    return coloured_ ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
  }

  bool coloured_;
};

const char* name_of(Notation notation);
std::string counted(std::size_t count, const std::string& noun);  // "2 bytes"

// `verbose`: values in full, and the length headers of lists as lines of their own.
void show_text(std::ostream& out, const InspectInput& input, const Inspection& found, bool verbose,
               const Paint& paint);

// An object with the outermost part as `structure`. A part has a name, unless it is the element of a list;
// its type, section, offset and length; then `parts`, or a value (bytes in hexadecimal, null for what is
// absent), with its symbol, text or time if it has one. `malformed` holds what is wrong, in order.
void show_json(std::ostream& out, const InspectInput& input, const Inspection& found);

// The ratchet tree of that part, a list of optional nodes, from its root down; one that is not whole is not
// drawn.
void draw_tree(std::ostream& out, const Inspection& found, std::size_t part, const Paint& paint);

}  // namespace tacet::tool
