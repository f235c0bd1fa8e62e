// Leaf nodes and KeyPackages: what parses encodes to the same bytes, and the rules judge it without a crash.
// The first byte of the input chooses the structure.

#include "fuzz/oracle.h"
#include "protocol/leaf_node.h"
#include "protocol/sodium.h"

namespace tacet {
namespace {

SodiumRandom system_random;
Sodium crypto(system_random);
constexpr Limits limits;

void judge_leaf(Bytes input) {
  LeafNode leaf;
  if (decode(input, leaf) != Error::none) return;
  demand(equal(leaf.encoded, input));
  static_cast<void>(check_tree_leaf(leaf, crypto.suite(), limits));
  static_cast<void>(check_lifetime_now(leaf, input.size()));
  static_cast<void>(check_group_extensions(leaf.capabilities, leaf.extensions));
  const LeafContext context{input, LeafIndex{7}};
  const Result<std::size_t> room = leaf_node_work_size(leaf, context);
  demand(room.ok());
  std::vector<std::uint8_t> work(room.value());
  static_cast<void>(verify_leaf_node(crypto, leaf, context, work));
}

void judge_key_package(Bytes input) {
  KeyPackage key_package;
  if (decode(input, key_package) != Error::none) return;
  demand(equal(key_package.encoded, input));
  std::vector<std::uint8_t> work(key_package_work_size(key_package).value() + input.size());
  static_cast<void>(check_key_package(crypto, key_package, limits, work));
  Digest reference;
  demand(key_package_ref(crypto, key_package, reference) == Error::none);
}

}  // namespace
}  // namespace tacet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tacet;
  if (size == 0) return 0;
  const Bytes input(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      judge_leaf(input);
      round_trip<LeafNode>(input);
      break;
    case 1:
      judge_key_package(input);
      round_trip<KeyPackage>(input);
      break;
    case 2:
      round_trip<Credential>(input);
      break;
    case 3:
      round_trip<Capabilities>(input);
      break;
  }
  return 0;
}
