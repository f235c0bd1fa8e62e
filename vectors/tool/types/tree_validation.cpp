// Tree validation: resolutions, tree hashes, parent hashes and the signatures of leaves, RFC
// 9420, 4.1.1, 7.2, 7.8 and 7.9.

#include "protocol/tree_check.h"
#include "vectors/tool/tree.h"
#include "vectors/tool/tree_maker.h"
#include "vectors/tool/type.h"

namespace tacet::tool {

namespace {

bool recognise(const Json& object) {
  return object.contains("tree_hashes") || object.contains("resolutions");
}

std::vector<std::uint32_t> resolution_of(const RatchetTree& tree, NodeIndex node) {
  std::vector<std::uint32_t> nodes;
  Resolution resolution(tree, node);
  while (const std::optional<NodeIndex> next = resolution.next()) nodes.push_back(next->value);
  return nodes;
}

void run(const Field& object, Crypto& crypto, Outputs& outputs) {
  HeapMemory memory;
  const RatchetTree tree = import_tree(object["tree"], crypto, memory, outputs);
  const Octets group_id = object["group_id"].bytes();
  const Limits limits = limits_of_vectors();
  outputs.require(object, "tree", check_leaves(crypto, tree, {group_id, {}, limits}, memory));

  const std::uint32_t nodes = tree.size().nodes();
  const Field resolutions = outputs.elements(object, "resolutions", nodes);
  for (std::uint32_t i = 0; i < nodes; ++i) {
    outputs.put_list(resolutions[i], resolution_of(tree, NodeIndex(i)));
  }
  const Field tree_hashes = outputs.elements(object, "tree_hashes", nodes);
  for (std::uint32_t i = 0; i < nodes; ++i) outputs.put(tree_hashes[i], tree.hash(NodeIndex(i)));
}

using Kind = LeafKind;
using Recipe = void (*)(TreeMaker& group);

constexpr Recipe recipes[] = {
    // Of one member, which has not committed, and then has: a path without nodes.
    [](TreeMaker&) {}, [](TreeMaker& group) { group.commit(0); },
    // Full, and with blanks at the end.
    [](TreeMaker& group) { group.grow_full(2); }, [](TreeMaker& group) { group.grow_full(5); },
    [](TreeMaker& group) { group.grow_full(16); },
    // Made by one Commit: most parents are blank.
    [](TreeMaker& group) { group.commit(0, {.adds = plain(5)}); },
    // Blank leaves within.
    [](TreeMaker& group) {
      group.grow_full(8);
      group.commit(7, {.removes = {2, 5}});
    },
    // A chain of parent hashes that passes over three blank parents.
    [](TreeMaker& group) {
      group.grow_full(9);
      group.commit(0, {.removes = {1, 2, 3, 4, 5, 6, 7}});
    },
    // The root is blank, for no leaf is left of it: it is not in the filtered direct path.
    [](TreeMaker& group) {
      group.grow_full(8);
      group.commit(5, {.removes = {0, 1, 2, 3}});
    },
    // Leaves from a KeyPackage, an Update and a Commit.
    [](TreeMaker& group) {
      group.grow_full(5);
      group.commit(0, {.updates = {3}, .adds = {Kind::plain}});
    },
    // Each kind of leaf, as a new one and as one that has committed.
    [](TreeMaker& group) {
      group.commit(0, {.adds = {Kind::grease, Kind::extensions, Kind::x509}});
      for (const std::uint32_t leaf : {1u, 2u, 3u}) group.commit(leaf);
      group.commit(0, {.adds = {Kind::grease, Kind::extensions, Kind::x509}});
    },
    // The trees of RFC 9420, 4.1.1, 4.1.2, 7.4 and 7.9, by the histories that its Appendix A gives them, and
    // that of Appendix B.
    [](TreeMaker& group) {
      group.commit(0, {.adds = plain(9)});
      group.commit(5);
      group.commit(3, {.removes = {1, 2}});
      group.commit(8, {.removes = {6}});
      group.add_without_path({Kind::plain});
    },
    [](TreeMaker& group) {
      group.commit(0, {.adds = plain(6)});
      group.commit(5);
      group.commit(6, {.removes = {2, 3}});
      group.commit(1);
    },
    [](TreeMaker& group) {
      group.commit(0, {.adds = plain(3)});
      group.commit(1);
      group.commit(3, {.removes = {2}});
      group.commit(1, {.adds = {Kind::plain}});
    },
    [](TreeMaker& group) {
      group.commit(0, {.adds = plain(6)});
      group.commit(0, {.removes = {5}});
      group.commit(4);
      group.add_without_path({Kind::plain});
    },
    [](TreeMaker& group) {
      group.commit(0, {.adds = {Kind::plain}});
      group.commit(1, {.adds = plain(2)});
      group.commit(2);
    },
    // Leaves unmerged at three levels, not the same ones at each.
    [](TreeMaker& group) {
      group.grow_full(9);
      group.commit(4, {.removes = {3, 5, 6}});
      group.add_without_path(plain(3));
    },
    // A leaf that is unmerged below the root, but not at the root, which was set since; and one that is
    // unmerged at both. The original hash of the root's child has the one and not the other.
    [](TreeMaker& group) {
      group.grow_full(9);
      group.commit(4, {.removes = {5, 6}});
      group.add_without_path({Kind::plain});
      group.commit(8);
      group.add_without_path({Kind::plain});
    },
    // 18 leaves unmerged at the root: their list has a length header of two bytes.
    [](TreeMaker& group) {
      group.commit(0, {.adds = plain(16)});
      group.commit(0, {.removes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}});
      group.add_without_path(plain(18));
    },
    // Larger, with something of all.
    [](TreeMaker& group) {
      group.commit(0, {.adds = plain(32)});
      for (const std::uint32_t leaf : {1u, 7u, 12u, 18u, 25u, 32u}) group.commit(leaf);
      group.commit(9, {.updates = {20}, .removes = {2, 3, 10, 28}});
      group.add_without_path(plain(2));
      group.commit(30);
      group.add_without_path(plain(3));
    }};

Json choose(Generator& generator) {
  constexpr std::size_t id_sizes[] = {32, 0, 1, 63, 64, 300};
  Json cases = Json::array();
  for (const Recipe make : recipes) {
    TreeMaker group(generator, generator.bytes(id_sizes[cases.size() % std::size(id_sizes)]));
    make(group);
    cases.push_back({{"cipher_suite", generator.suite_number()},
                     {"tree", to_hex(exported(group.tree()))},
                     {"group_id", to_hex(group.group_id())}});
  }
  return cases;
}

}  // namespace

const VectorType tree_validation = {
    "tree-validation", {.kdf = true, .signature = true}, recognise, run, choose};

}  // namespace tacet::tool
