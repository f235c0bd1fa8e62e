#pragma once

// What every target demands of `tacet inspect`.

#include "fuzz/oracle.h"
#include "vectors/tool/inspector.h"

namespace tacet {

// Finds a T malformed if and only if it does not decode. The leaves of what it finds cover the input, one
// behind the other, and whatever can be said of a part can be said.
template <class T>
void inspect(Bytes input) {
  static constexpr tool::FieldName name{"input"};
  const tool::Inspection found = tool::Inspector::inspect<T>(input, name);
  T value{};
  demand((found.failure.error == Error::none) == (decode(input, value) == Error::none));
  std::size_t covered = 0;
  for (std::size_t i = 0; i < found.parts.size(); ++i) {
    const tool::Part& part = found.parts[i];
    demand(part.end > i && part.end <= found.parts.size() && part.parent <= i);
    if (found.is_leaf(i)) {
      demand(part.offset == covered);
      covered += part.length;
    }
    demand(found.section(i) != nullptr);
    if (part.type->kind == tool::Kind::symbol) demand(found.symbol(i) != nullptr);
    static_cast<void>(found.text(i) + found.time(i));
    if (i < 64) demand(!found.path(i).empty());  // it takes time that grows with the part's place
  }
  demand(covered == input.size());
}

}  // namespace tacet
