// Tree math: the array representation of RFC 9420, Appendix C.

#include "protocol/tree_math.h"

#include "vectors/tool/type.h"

namespace tacet::tool {

namespace {

bool recognise(const Json& object) {
  return object.contains("n_leaves") || (object.contains("n_nodes") && object.contains("root"));
}

std::optional<std::uint32_t> value_of(std::optional<NodeIndex> node) {
  if (!node) return std::nullopt;
  return node->value;
}

void run(const Field& object, Crypto&, Outputs& outputs) {
  const Field n_leaves = object["n_leaves"];
  const auto leaves = n_leaves.number<std::uint32_t>();
  const TreeSize size = TreeSize::for_leaves(leaves);
  if (size.leaves() != leaves) n_leaves.malformed("not a power of two of at most 2^30");

  outputs.put_number(object, "n_nodes", size.nodes());
  outputs.put_number(object, "root", size.root().value);
  const auto put = [&](const char* name, auto relative) {
    outputs.put_numbers(object, name, size.nodes(),
                        [&](std::uint32_t i) { return value_of(relative(NodeIndex(i))); });
  };
  put("left", left);
  put("right", right);
  put("parent", [size](NodeIndex node) { return size.parent(node); });
  put("sibling", [size](NodeIndex node) { return size.sibling(node); });
}

Json choose(Generator&) {
  Json cases = Json::array();
  for (std::uint32_t leaves = 1; leaves <= 1024; leaves *= 2) {
    cases.push_back(Json::object({{"n_leaves", leaves}}));
  }
  return cases;
}

}  // namespace

const VectorType tree_math = {"tree-math", {}, recognise, run, choose};

}  // namespace tacet::tool
