#pragma once

// What the types about ratchet trees share: how a case holds one, and the structs beside it.

#include "outputs.h"
#include "protocol/adapters/heap_memory.h"
#include "protocol/ratchet_tree.h"

namespace tacet::tool {

// What can only fail by a mistake of the library or of the tool, when something is made that is right.
inline void must(Error error) {
  if (error != Error::none) throw std::logic_error(describe(error).name);
}
template <class T>
T must(Result<T> result) {
  must(result.error());
  return std::move(result.value());
}

// Of what does not depend on when a vector is run.
Limits limits_of_vectors();

// The struct whose encoding, all of it, is the value of `field`; a view of `bytes`.
template <class T>
T decoded(const Field& field, Bytes bytes) {
  T value{};
  if (const Error error = decode(bytes, value); error != Error::none)
    field.malformed(describe(error).sentence);
  return value;
}

// The tree that `field` holds in the form of the ratchet_tree extension; the case fails there if it is not
// valid. Signatures are not verified. `memory` outlives the tree.
RatchetTree import_tree(const Field& field, Crypto& crypto, Memory& memory, Outputs& outputs);

// The same of a tree that is computed for `field`.
RatchetTree import_tree(const Field& field, Bytes encoded, Crypto& crypto, Memory& memory, Outputs& outputs);

// In the form of the ratchet_tree extension.
Octets exported(const RatchetTree& tree);

// A leaf index, of a leaf that is not blank.
LeafIndex member_of(const RatchetTree& tree, const Field& leaf_index);

}  // namespace tacet::tool
