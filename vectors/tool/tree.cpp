#include "tree.h"

#include "protocol/tree_check.h"

namespace tacet::tool {

namespace {

const WholeCredential whole_credential;

}  // namespace

Limits limits_of_vectors() {
  Limits limits;
  limits.leaf_lifetime = std::numeric_limits<std::uint64_t>::max();
  return limits;
}

RatchetTree import_tree(const Field& field, Crypto& crypto, Memory& memory, Outputs& outputs) {
  return import_tree(field, field.bytes(), crypto, memory, outputs);
}

RatchetTree import_tree(const Field& field, Bytes encoded, Crypto& crypto, Memory& memory, Outputs& outputs) {
  const auto nodes = decoded<Nodes>(field, encoded);
  RatchetTree tree(memory, whole_credential);
  outputs.require(field, tree.import(crypto, nodes, limits_of_vectors()));
  outputs.require(field, check_tree(crypto, tree, memory));
  return tree;
}

Octets exported(const RatchetTree& tree) {
  Octets encoded(must(tree.export_size()));
  must(tree.export_to(encoded).error());
  return encoded;
}

LeafIndex member_of(const RatchetTree& tree, const Field& leaf_index) {
  const LeafIndex leaf{leaf_index.number<std::uint32_t>()};
  if (!tree.size().contains(leaf)) leaf_index.malformed("outside the tree");
  if (tree.is_blank(leaf)) leaf_index.malformed("the index of a blank leaf");
  return leaf;
}

}  // namespace tacet::tool
