// The ratchet_tree extension: what is imported is exported as the same bytes, can be read to the end, and is
// judged as the model judges it. The input is the extension's value.
//
// Bytes that are changed at random never make a parent hash, so the mutator below also changes trees as a
// whole, by the operations of RFC 9420 and by single defects.

#include "fuzz/oracle.h"
#include "protocol/adapters/heap_memory.h"
#include "protocol/sodium.h"
#include "protocol/tree_check.h"
#include "tests/twins.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace tacet {
namespace {

using model::Octets;
using model::operator+;

SodiumRandom system_random;
Sodium crypto(system_random);
constexpr Limits limits = {.leaf_size = 512, .leaves = 256};  // within reach of small inputs
const WholeCredential identity{};

// The model takes time that grows with the square of this.
constexpr std::size_t max_nodes_for_model = 64;

// Every node, resolution and filtered direct path. In a tree that is valid, a resolution holds no node twice
// and no blank one.
void read(const RatchetTree& tree, bool is_valid) {
  for (std::uint32_t i = 0; i < tree.size().nodes(); ++i) {
    std::set<NodeIndex> seen;
    Resolution resolution(tree, NodeIndex(i));
    while (const std::optional<NodeIndex> node = resolution.next()) {
      if (!is_valid) continue;
      demand(seen.insert(*node).second && in_subtree(*node, NodeIndex(i)) && !tree.is_blank(*node));
    }
  }
  for (std::uint32_t i = 1; i < tree.size().nodes(); i += 2) {
    const ParentNode parent = tree.parent(NodeIndex(i));
    demand(equal(parent.encryption_key, tree.encryption_key(NodeIndex(i))));
    const UnmergedLeaves unmerged = tree.unmerged_leaves(NodeIndex(i));
    demand(parent.unmerged_leaves.count() == unmerged.size());
    std::size_t place = 0;
    for (const LeafIndex leaf : parent.unmerged_leaves) {
      demand(leaf == unmerged[place]);
      demand(!is_valid || unmerged.before(leaf) == place);
      ++place;
    }
  }
  for (std::uint32_t i = 0; i < tree.size().leaves(); ++i) {
    demand(equal(tree.leaf({i}).encoded, tree.encoded(LeafIndex{i})));
    NodeIndex below = LeafIndex{i};
    for (const PathStep& step : tree.filtered_path({i})) {
      demand(level(step.node) > level(below) && in_subtree(below, step.node));
      demand(!in_subtree(below, step.copath) && tree.size().parent(step.copath) == step.node);
      below = step.node;
    }
  }
}

// Whether two nodes have the same encryption_key, or two leaves the same signature_key.
bool has_repeated_key(const RatchetTree& tree) {
  std::set<Octets> encryption_keys, signature_keys;
  for (std::uint32_t i = 0; i < tree.size().nodes(); ++i) {
    const NodeIndex node(i);
    if (tree.is_blank(node)) continue;
    if (!encryption_keys.insert(model::octets(tree.encryption_key(node))).second) return true;
    if (!is_leaf(node)) continue;
    if (!signature_keys.insert(model::octets(tree.signature_key(leaf_at(node)))).second) return true;
  }
  return false;
}

void compare_with_model(const RatchetTree& tree, const Nodes& nodes, Error verdict) {
  const std::optional<model::Tree> parsed = model::Tree::parse(model::octets(nodes.encoded()));
  demand(parsed.has_value());
  demand(tree.size().nodes() == parsed->node_count());
  demand(equal(tree.tree_hash(), parsed->tree_hash()));
  switch (verdict) {
    case Error::unmerged_not_sorted:
    case Error::unmerged_not_below:
    case Error::unmerged_blank:
    case Error::unmerged_not_between:
      return demand(!parsed->unmerged_leaves_valid());
    case Error::encryption_key_repeated:
    case Error::signature_key_repeated:
    case Error::parent_key_repeated:
      return demand(parsed->unmerged_leaves_valid() && has_repeated_key(tree));
    case Error::parent_hash_invalid:
      return demand(parsed->unmerged_leaves_valid() && !has_repeated_key(tree) &&
                    !parsed->parent_hash_valid());
    case Error::none:
      return demand(parsed->unmerged_leaves_valid() && !has_repeated_key(tree) &&
                    parsed->parent_hash_valid());
    default:
      demand(false);
  }
}

// Memory that is full at some allocation of the import, or of the check, and no other harm done.
void import_with_full_memory(const Nodes& nodes, std::size_t fails_at) {
  TestMemory memory;
  memory.fail_at(fails_at);
  RatchetTree tree(memory, identity);
  Error error = tree.import(crypto, nodes, limits);
  if (error == Error::none) {
    error = check_tree(crypto, tree, memory);
  } else {
    demand(memory.live() == 0);
  }
  demand((error == Error::out_of_memory) == (memory.calls() > fails_at));
}

void judge(Bytes input) {
  Nodes nodes;
  if (decode(input, nodes) != Error::none) return;
  HeapMemory memory;
  RatchetTree tree(memory, identity);
  if (tree.import(crypto, nodes, limits) != Error::none) return demand(tree.members() == 0);

  const TreeSize size = tree.size();
  demand(size.depth() == 0 || tree.occupied().any_below(*right(size.root())));

  Octets exported(tree.export_size().value());
  demand(tree.export_to(exported).ok() && equal(exported, input));
  const Error verdict = check_tree(crypto, tree, memory);
  static_cast<void>(check_leaves(crypto, tree, {bytes_of("group"), {}, limits}, memory));
  demand(check_members_support(tree, {}));
  read(tree, verdict == Error::none);
  if (tree.size().nodes() <= max_nodes_for_model) compare_with_model(tree, nodes, verdict);
  import_with_full_memory(nodes, input.size() % 12);
}

// ---- mutation of whole trees

class Mutator {
 public:
  Mutator(model::Tree tree, std::uint64_t seed) : tree_(std::move(tree)), random_(seed) {}

  Octets mutated() {
    for (std::uint64_t count = 1 + random_.below(3); count > 0; --count) change();
    const std::uint64_t trailing_blanks = random_.below(16) == 0 ? 1 + random_.below(2) : 0;
    return model::vector(tree_.encoding() + model::zeros(trailing_blanks));
  }

 private:
  void change() {
    const std::vector<model::LeafIndex> members = tree_.members();
    const model::LeafIndex member = members[random_.below(members.size())];
    const auto node = static_cast<model::NodeIndex>(random_.below(tree_.node_count()));
    switch (random_.below(10)) {
      case 0:
        if (members.size() < max_nodes_for_model / 2) tree_.add(leaf());
        return;
      case 1:
        return tree_.update(member, leaf());
      case 2:
        if (members.size() > 1) tree_.remove(member);
        return;
      case 3:
      case 4:
        return commit(member);
      case 5:
        if (node != 2 * member || members.size() > 1) tree_.nodes[node].reset();
        return;
      case 6:  // the same content in two places
        return copy(node, static_cast<model::NodeIndex>(random_.below(tree_.node_count())));
      case 7:
        return add_unmerged(node, static_cast<model::LeafIndex>(random_.below(tree_.width() + 1)));
      case 8:
        return erase_unmerged(node);
      default:
        return repair_parent_hash(node);
    }
  }

  model::LeafNode leaf(const std::optional<Octets>& parent_hash = std::nullopt) {
    return *model::LeafNode::parse(noise_leaf(random_, parent_hash));
  }
  bool is_parent(model::NodeIndex node) const { return !model::Tree::is_leaf(node) && !tree_.is_blank(node); }

  void commit(model::LeafIndex member) {
    std::vector<Octets> keys(tree_.filtered_direct_path(member).size());
    for (Octets& key : keys) key = noise(random_, 32);
    tree_.merge_path(member, keys);
    tree_.set_leaf(member, leaf(tree_.path_parent_hash(member)));
  }
  void copy(model::NodeIndex from, model::NodeIndex to) {
    if (model::Tree::is_leaf(from) == model::Tree::is_leaf(to) && !tree_.is_blank(from)) {
      tree_.nodes[to] = tree_.nodes[from];
    }
  }
  void add_unmerged(model::NodeIndex node, model::LeafIndex leaf) {
    if (!is_parent(node)) return;
    std::vector<model::LeafIndex>& list = tree_.parent_node(node).unmerged_leaves;
    list.insert(list.begin() + static_cast<std::ptrdiff_t>(random_.below(list.size() + 1)), leaf);
  }
  void erase_unmerged(model::NodeIndex node) {
    if (!is_parent(node)) return;
    std::vector<model::LeafIndex>& list = tree_.parent_node(node).unmerged_leaves;
    if (!list.empty()) list.erase(list.begin() + static_cast<std::ptrdiff_t>(random_.below(list.size())));
  }
  // Gives a node below the parent hash that is valid for it, so that one defect does not hide another.
  void repair_parent_hash(model::NodeIndex node) {
    if (!is_parent(node)) return;
    const bool goes_left = random_.below(2) == 0;
    const model::NodeIndex child = goes_left ? model::Tree::left(node) : model::Tree::right(node);
    const model::NodeIndex sibling = goes_left ? model::Tree::right(node) : model::Tree::left(node);
    const std::vector<model::NodeIndex> list = tree_.resolution(child);
    if (list.empty()) return;
    const model::NodeIndex below = list[random_.below(list.size())];
    if (below >= tree_.node_count() || tree_.is_blank(below)) return;
    const Octets hash = tree_.parent_hash(node, sibling);
    if (model::Tree::is_leaf(below)) {
      tree_.nodes[below] = leaf(hash);
    } else {
      tree_.parent_node(below).parent_hash = hash;
    }
  }

  model::Tree tree_;
  adversary::SeededRandom random_;
};

std::optional<Octets> mutate_tree(Bytes input, std::uint64_t seed) {
  Nodes nodes;
  if (decode(input, nodes) != Error::none || nodes.count() > max_nodes_for_model) return std::nullopt;
  const std::optional<model::Tree> tree = model::Tree::parse(model::octets(nodes.encoded()));
  if (!tree || tree->members().empty()) return std::nullopt;
  return Mutator(*tree, seed).mutated();
}

}  // namespace
}  // namespace tacet

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  if (seed % 4 != 0) {
    const std::optional<model::Octets> mutated = tacet::mutate_tree({data, size}, seed);
    if (mutated && mutated->size() <= max_size) {
      std::copy(mutated->begin(), mutated->end(), data);
      return mutated->size();
    }
  }
  return LLVMFuzzerMutate(data, size, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tacet;
  const Bytes input(data, size);
  round_trip<Nodes>(input);
  judge(input);
  return 0;
}
