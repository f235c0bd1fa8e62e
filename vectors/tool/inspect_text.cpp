#include <algorithm>
#include <iomanip>

#include "inspect_names.h"
#include "inspect_show.h"

namespace tacet::tool {

namespace {

class TextReport {
 public:
  TextReport(std::ostream& out, const Inspection& found, bool verbose, const Paint& paint)
      : out_(out), found_(found), verbose_(verbose), paint_(paint) {
    width_ = std::max(width_, static_cast<int>(std::to_string(found.input.size()).size()));
  }

  void fields() {
    out_ << std::setw(width_) << "offset"
         << "  " << std::setw(width_) << "length"
         << "  field\n";
    std::vector<Level> levels;
    for (std::size_t part = 0; part < found_.parts.size(); ++part) {
      while (!levels.empty() && levels.back().end <= part) levels.pop_back();
      const std::size_t depth = levels.size();
      const std::string name = found_.parts[part].name != nullptr ? found_.parts[part].name->name
                                                                  : element_name(levels.back().elements++);
      levels.push_back({found_.parts[part].end, 0});
      if (found_.parts[part].type->kind != Kind::header || verbose_) line(part, depth, name);
    }
  }

  void trees() {
    for (std::size_t part = 0; part < found_.parts.size(); ++part) {
      if (found_.parts[part].type == &type_of<Nodes>) draw_tree(out_, found_, part, paint_);
    }
  }

  void verdict() {
    if (found_.rule != Error::none) {
      out_ << "\n" << paint_.strong("Well-formed, but a rule is broken: ") << sentence(found_.rule) << "\n";
    }
    for (const Finding& finding : found_.inside) malformed(finding);
    if (found_.failure.error != Error::none) malformed(found_.failure);
  }

 private:
  struct Level {
    std::size_t end;
    std::size_t elements;  // of a list, so far
  };

  void line(std::size_t part, std::size_t depth, const std::string& name) {
    const Part& shown = found_.parts[part];
    out_ << std::setw(width_) << shown.offset << "  " << std::setw(width_) << shown.length << "  "
         << std::string(2 * depth, ' ') << paint_.strong(name) << ": " << value(part) << section(part);
    if (shown.error != Error::none) out_ << paint_.bad(std::string("  <-- ") + describe(shown.error).name);
    out_ << "\n";
  }

  std::string value(std::size_t part) const {
    const Type& type = *found_.parts[part].type;
    const bool is_leaf = found_.is_leaf(part);
    if (is_leaf && !found_.is_whole(part)) return incomplete(part);
    switch (type.kind) {
      case Kind::number:
      case Kind::header: {
        const std::string time = found_.time(part);
        return std::to_string(found_.number(part)) + (time.empty() ? "" : " (" + time + ")");
      }
      case Kind::symbol:
        return std::string(found_.symbol(part)) + " (0x" + to_hex(found_.octets(part)) + ")";
      case Kind::vector:
      case Kind::octets:
        return is_leaf ? octets(part) : counted(found_.announced(part), "byte");
      case Kind::optional:
        return is_leaf ? "absent" : group(part);
      case Kind::structure:
        break;
    }
    return group(part);
  }

  // A structure, a list or an optional.
  std::string group(std::size_t part) const {
    const Type& type = *found_.parts[part].type;
    if (type.kind != Kind::structure || type.element == nullptr) return name_of(type);
    const std::size_t children = found_.children(part);
    return name_of(type) + ", " + counted(children == 0 ? 0 : children - 1, "element");  // one is the header
  }

  // Where RFC 9420 tells of it, unless that is where it tells of the part around it.
  std::string section(std::size_t part) const {
    const std::string section = found_.section(part);
    if (part != 0 && section == found_.section(found_.parts[part].parent)) return "";
    return paint_.faint("  RFC 9420, " + section);
  }

  std::string incomplete(std::size_t part) const {
    const std::size_t announced = found_.announced(part);
    const bool is_vector = found_.parts[part].type->kind == Kind::vector && announced != 0;
    const Bytes there = found_.content(part);
    if (there.empty() && !is_vector) return "nothing";
    if (!is_vector) return "only " + hex(there);
    return "only " + std::to_string(there.size()) + " of " + counted(announced, "byte") + " " + hex(there);
  }

  std::string octets(std::size_t part) const {
    const Bytes bytes = found_.content(part);
    if (bytes.empty()) return "empty";
    const std::string text = found_.text(part);
    return hex(bytes) + (text.empty() ? "" : " \"" + (verbose_ ? text : text.substr(0, most)) + "\"") +
           paint_.faint(" (" + counted(bytes.size(), "byte") + ")");
  }

  std::string hex(Bytes bytes) const {
    if (verbose_ || bytes.size() <= most) return to_hex(bytes);
    return to_hex(bytes.first(most)) + "...";
  }

  static std::string sentence(Error error) {
    const Description description = describe(error);
    std::string text = std::string(description.name) + ", " + description.sentence;
    if (description.section != std::string_view("-")) {
      text += std::string(" (RFC 9420, ") + description.section + ")";
    }
    return text;
  }

  void malformed(const Finding& finding) {
    out_ << "\n"
         << paint_.bad("MALFORMED at byte " + std::to_string(finding.offset)) << ", "
         << found_.path(finding.part) << "\n  " << sentence(finding.error) << "\n";
  }

  static constexpr std::size_t most = 32;  // bytes of a value that are shown

  std::ostream& out_;
  const Inspection& found_;
  bool verbose_;
  const Paint& paint_;
  int width_ = 6;  // of a column of numbers
};

}  // namespace

std::string counted(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

const char* name_of(Notation notation) {
  switch (notation) {
    case Notation::hex:
      return "hexadecimal";
    case Notation::base64:
      return "base64";
    case Notation::detected:
    case Notation::binary:
      break;
  }
  return "binary";
}

void show_text(std::ostream& out, const InspectInput& input, const Inspection& found, bool verbose,
               const Paint& paint) {
  out << counted(found.input.size(), "byte") << " from " << printable(input.source) << ", read as "
      << name_of(input.notation) << "\n";
  TextReport report(out, found, verbose, paint);
  report.fields();
  report.trees();
  report.verdict();
}

}  // namespace tacet::tool
