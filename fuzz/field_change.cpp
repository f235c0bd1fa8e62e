#include "fuzz/field_change.h"

#include <algorithm>

namespace tacet {

using model::number, model::vector, model::operator+;

namespace {

constexpr std::size_t max_learnt = 64;  // of each type

// What is found, with other octets in the place of one part, and length headers that fit.
Octets rebuilt(const tool::Inspection& found, std::size_t part, std::size_t replaced, const Octets& by) {
  if (part == replaced) return by;
  if (found.is_leaf(part)) return model::octets(found.octets(part));
  Octets content;
  std::size_t child = part + 1;
  const bool has_header = found.parts[child].type->kind == tool::Kind::header;
  if (has_header) child = found.parts[child].end;
  for (; child < found.parts[part].end; child = found.parts[child].end) {
    content = content + rebuilt(found, child, replaced, by);
  }
  return has_header ? vector(content) : content;
}

}  // namespace

Octets FieldChange::mutated(Octets octets) {
  const std::size_t size = octets.size();
  octets.resize(size + 32);
  octets.resize(mutate_(octets.data(), size, octets.size()));
  return octets;
}

void FieldChange::learn(const tool::Inspection& found) {
  for (std::size_t i = 0; i < found.parts.size(); ++i) {
    std::vector<Octets>& known = learnt_[found.parts[i].type];
    Octets octets = model::octets(found.octets(i));
    const bool is_new = std::find(known.begin(), known.end(), octets) == known.end();
    if (is_new && known.size() < max_learnt) known.push_back(std::move(octets));
  }
}

Octets FieldChange::changed(const tool::Inspection& found) {
  std::size_t part = below(found.parts.size());
  while (found.parts[part].type->kind == tool::Kind::header) part = found.parts[part].parent;
  return rebuilt(found, 0, part, changed_part(found, part));
}

Octets FieldChange::changed_part(const tool::Inspection& found, std::size_t part) {
  const tool::Part& old = found.parts[part];
  const Octets octets = model::octets(found.octets(part));
  const bool is_element = old.name == nullptr;
  if (is_element && below(4) == 0) return below(2) == 0 ? Octets() : octets + octets;
  const std::vector<Octets>& known = learnt_[old.type];
  if (!known.empty() && below(2) == 0) {
    const Octets& other = known[below(known.size())];
    return is_element && below(2) == 0 ? octets + other : other;
  }
  if (found.is_leaf(part)) return changed_leaf(old, octets, found.content(part));
  // As another part, far below: each has its turn, however large the others are.
  const std::size_t below_it = part + 1 + below(old.end - part - 1);
  if (found.parts[below_it].type->kind == tool::Kind::header) return octets;
  return rebuilt(found, part, below_it, changed_part(found, below_it));
}

Octets FieldChange::changed_leaf(const tool::Part& part, const Octets& octets, Bytes content) {
  switch (part.type->kind) {
    case tool::Kind::number:
    case tool::Kind::symbol:
      return below(2) == 0 ? interesting_number(part.length) : number(random_(), part.length);
    case tool::Kind::vector:
      return below(8) == 0 ? vector(Octets()) : vector(mutated(model::octets(content)));
    case tool::Kind::optional:
      return {static_cast<std::uint8_t>(octets[0] ^ 1)};
    default:
      return mutated(octets);
  }
}

Octets FieldChange::interesting_number(std::size_t size) {
  static constexpr std::uint64_t values[] = {
      0,          1,          2,         3,      4,      5,          6,        7,
      8,          9,          0x0a0a,    0xf001, 0xffff, 0xffffffff, 1u << 30, (1u << 30) - 1,
      0x7fffffff, 0x80000000, UINT64_MAX};
  return number(values[below(std::size(values))], static_cast<unsigned>(size));
}

}  // namespace tacet
