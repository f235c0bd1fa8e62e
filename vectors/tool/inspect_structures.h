#pragma once

// The structures that `tacet inspect` knows by name.

#include <span>

#include "inspection.h"

namespace tacet::tool {

struct NamedStructure {
  FieldName name;
  // Decodes the input, which the result views; it holds Error::out_of_memory if there are too many parts.
  Inspection (*inspect)(Bytes input, const FieldName& name);
};

// All of them; first the one that it is unless another is named, an MLSMessage.
std::span<const NamedStructure> named_structures();

}  // namespace tacet::tool
