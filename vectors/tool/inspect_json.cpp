#include "field.h"
#include "inspect_show.h"

namespace tacet::tool {

namespace {

Json json_of(Error error) {
  const Description description = describe(error);
  return {{"error", description.name},
          {"section", description.section},
          {"requirement", description.requirement},
          {"sentence", description.sentence}};
}

Json json_of(const Inspection& found, const Finding& finding) {
  Json json = json_of(finding.error);
  json["offset"] = finding.offset;
  json["path"] = found.path(finding.part);
  return json;
}

// A part without the parts below it.
Json json_of(const Inspection& found, std::size_t index) {
  const Part& part = found.parts[index];
  Json json;
  if (part.name != nullptr) json["name"] = part.name->name;
  json["type"] = name_of(*part.type);
  json["section"] = found.section(index);
  json["offset"] = part.offset;
  json["length"] = part.length;
  if (part.error != Error::none) json["error"] = describe(part.error).name;
  if (!found.is_leaf(index)) return json;
  const Kind kind = part.type->kind;
  if (!found.is_whole(index)) {
    json["incomplete"] = to_hex(found.octets(index));
  } else if (kind == Kind::number || kind == Kind::symbol || kind == Kind::header) {
    json["value"] = found.number(index);
    if (kind == Kind::symbol) json["symbol"] = found.symbol(index);
    if (const std::string time = found.time(index); !time.empty()) json["time"] = time;
  } else if (kind == Kind::vector || kind == Kind::octets) {
    json["value"] = to_hex(found.content(index));
    if (const std::string text = found.text(index); !text.empty()) json["text"] = text;
  } else if (kind == Kind::optional) {
    json["value"] = nullptr;
  }
  return json;
}

// Written part by part: of a large input all of it would take many times its size.
void write_part(std::ostream& out, const Inspection& found, std::size_t index) {
  std::string own = json_of(found, index).dump();
  if (!found.is_leaf(index)) {
    own.pop_back();
    out << own << ",\"parts\":[";
    for (std::size_t i = index + 1; i < found.parts[index].end; i = found.parts[i].end) {
      if (i != index + 1) out << ",\n";
      write_part(out, found, i);
    }
    own = "]}";
  }
  out << own;
}

}  // namespace

void show_json(std::ostream& out, const InspectInput& input, const Inspection& found) {
  Json json = {{"source", input.source},
               {"read_as", name_of(input.notation)},
               {"size", found.input.size()},
               {"malformed", Json::array()}};
  for (const Finding& finding : found.inside) json["malformed"].push_back(json_of(found, finding));
  if (found.failure.error != Error::none) json["malformed"].push_back(json_of(found, found.failure));
  json["broken_rule"] = found.rule != Error::none ? json_of(found.rule) : Json();
  std::string head = json.dump(-1, ' ', true, Json::error_handler_t::replace);
  head.pop_back();
  out << head << ",\n\"structure\":";
  write_part(out, found, 0);
  out << "}\n";
}

}  // namespace tacet::tool
