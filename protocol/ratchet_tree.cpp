#include "ratchet_tree.h"

namespace tacet {

Error check(NodeType type) noexcept {
  REFUSE_IF(type != NodeType::leaf && type != NodeType::parent, Error::node_type_unknown);  // [CODEC-17]
  return Error::none;
}

Error node_tree_hash(Crypto& crypto, NodeIndex node, Bytes encoded, Bytes left_hash, Bytes right_hash,
                     Digest& out) noexcept {
  const auto presence = static_cast<std::uint8_t>(encoded.empty() ? 0 : 1);  // [TREE-38]
  if (is_leaf(node)) {                                                       // [TREE-36]
    const std::uint32_t leaf = leaf_at(node).value;
    const std::uint8_t before[] = {
        static_cast<std::uint8_t>(NodeType::leaf), static_cast<std::uint8_t>(leaf >> 24),
        static_cast<std::uint8_t>(leaf >> 16),     static_cast<std::uint8_t>(leaf >> 8),
        static_cast<std::uint8_t>(leaf),           presence};
    return crypto.hash({Bytes(before), encoded}, out);
  }
  const Result<VectorHeader> header = vector_header(left_hash.size());  // both are as long  [TREE-37]
  TRY(header.error());
  const std::uint8_t before[] = {static_cast<std::uint8_t>(NodeType::parent), presence};
  return crypto.hash(
      {Bytes(before), encoded, header.value().bytes(), left_hash, header.value().bytes(), right_hash}, out);
}

// ---- reading

LeafNode TreeView::leaf(LeafIndex index) const noexcept {
  LeafNode leaf;
  static_cast<void>(decode(encoded(index), leaf));  // it was decoded when it came in
  return leaf;
}

ParentNode TreeView::parent(NodeIndex node) const noexcept {
  ParentNode parent;
  static_cast<void>(decode(encoded(node), parent));
  return parent;
}

Bytes TreeView::encryption_key(NodeIndex node) const noexcept {
  Reader reader(encoded(node));  // the first field of leaves and of parents
  Bytes key;
  static_cast<void>(reader(key));
  return key;
}

Bytes TreeView::signature_key(LeafIndex index) const noexcept {
  Reader reader(encoded(index));
  Bytes encryption_key, signature_key;
  static_cast<void>(reader(encryption_key, signature_key));
  return signature_key;
}

UnmergedLeaves TreeView::unmerged_leaves(NodeIndex node) const noexcept {
  Reader reader(encoded(node));
  Bytes encryption_key, parent_hash, entries;
  static_cast<void>(reader(encryption_key, parent_hash, entries));
  return UnmergedLeaves(entries);
}

std::size_t UnmergedLeaves::before(LeafIndex leaf) const noexcept {
  std::size_t low = 0, high = size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if ((*this)[middle] < leaf) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool UnmergedLeaves::contains(LeafIndex leaf) const noexcept {
  const std::size_t place = before(leaf);
  return place < size() && (*this)[place] == leaf;
}

FilteredPath TreeView::filtered_path(LeafIndex leaf) const noexcept {
  FilteredPath path;
  NodeIndex below = leaf;
  for (unsigned height = 1; height <= size_.depth(); ++height) {
    const NodeIndex node = ancestor_at(leaf, height);
    const NodeIndex copath = below < node ? *right(node) : *left(node);
    if (occupied_.any_below(copath)) path.steps[path.size++] = {node, copath};  // [TREE-07, TREE-08]
    below = node;
  }
  return path;
}

bool holds(const TreeView& tree, const ClientIdentity& identity, NodeIndex node, NodeIndexMap::Of what,
           Bytes value) noexcept {
  if (tree.is_blank(node)) return false;
  if (what == NodeIndexMap::Of::encryption_key) return equal(tree.encryption_key(node), value);
  if (!is_leaf(node)) return false;
  const LeafIndex leaf = leaf_at(node);
  if (what == NodeIndexMap::Of::signature_key) return equal(tree.signature_key(leaf), value);
  return equal(identity.identity(tree.leaf(leaf).credential), value);
}

// ---- resolution

Resolution::Resolution(const TreeView& tree, NodeIndex node) noexcept
    : tree_(tree), height_(level(node)), leaf_(first_leaf(node).value), end_(last_leaf(node).value + 1) {}

// Goes from left to right; at each leaf it looks at the subtrees that begin there, the largest first.
std::optional<NodeIndex> Resolution::next() noexcept {
  if (unmerged_done_ < unmerged_.size()) return unmerged_[unmerged_done_++];  // [TREE-02]
  while (leaf_ < end_) {
    const unsigned aligned =
        leaf_ == 0 ? TreeSize::max_depth : static_cast<unsigned>(std::countr_zero(leaf_));
    unsigned height = aligned < height_ ? aligned : height_;
    for (;; --height) {
      const NodeIndex node = ancestor_at({leaf_}, height);
      if (!tree_.occupied().any_below(node)) break;  // [TREE-03]
      if (tree_.is_blank(node)) continue;            // so it is a parent with leaves below [TREE-04]
      leaf_ += std::uint32_t{1} << height;
      if (!is_leaf(node)) unmerged_ = tree_.unmerged_leaves(node);
      unmerged_done_ = is_leaf(node) ? unmerged_.size() : 0;
      return node;
    }
    leaf_ += std::uint32_t{1} << height;
  }
  return std::nullopt;
}

// ---- the tree

RatchetTree::RatchetTree(Memory& memory, const ClientIdentity& identity) noexcept
    : TreeView(memory),
      identity_(&identity),
      nodes_(memory),
      bytes_(memory),
      hashes_(memory),
      index_(memory),
      credentials_(memory) {}

Bytes RatchetTree::encoded(NodeIndex node) const noexcept {
  if (!size_.contains(node) || node.value >= nodes_.size()) return {};
  const Place place = nodes_[node.value];
  return {bytes_.data() + place.offset, place.size};
}

std::optional<NodeIndex> RatchetTree::other_with(Crypto& crypto, NodeIndexMap::Of what, Bytes value,
                                                 std::optional<NodeIndex> self) const noexcept {
  return index_.find(crypto, what, value, [&](NodeIndex node) noexcept {
    return node != self && holds(*this, *identity_, node, what, value);
  });
}

// Room for a tree of that size, whose encodings take `bytes`, with `leaves` and `parents` that are not blank.
Error RatchetTree::allocate(const Crypto& crypto, TreeSize size, std::size_t bytes, std::size_t leaves,
                            std::size_t parents) noexcept {
  size_ = size;
  hash_size_ = crypto.hash_size();
  TRY(occupied_.reserve(size));
  TRY(nodes_.reserve(size.nodes()));
  nodes_.push_back(size.nodes(), {});
  TRY(bytes_.reserve(with_slack(bytes)));
  TRY(hashes_.reserve(size.nodes() * hash_size_));
  hashes_.push_back(size.nodes() * hash_size_, 0);
  return index_.reserve(leaves * entries_of_leaf + parents);
}

// Of a node that is blank so far; room was made.
void RatchetTree::put(NodeIndex node, Bytes encoded) noexcept {
  nodes_[node.value] = {static_cast<std::uint32_t>(bytes_.size()),
                        static_cast<std::uint32_t>(encoded.size())};
  bytes_.append(encoded);
  live_bytes_ += encoded.size();
  if (is_leaf(node)) occupied_.insert(leaf_at(node));
}

// Hashes and indexes all nodes; room was made for all but the types of credentials.
Error RatchetTree::finish(Crypto& crypto) noexcept {
  TRY(index_.start(crypto));
  Digest digest;
  for (unsigned height = 0; height <= size_.depth(); ++height) {
    const std::uint32_t step = std::uint32_t{2} << height;
    for (std::uint32_t i = step / 2 - 1; i < size_.nodes(); i += step) {
      const NodeIndex node(i);
      const Bytes left_hash = height == 0 ? Bytes() : hash(*left(node));
      const Bytes right_hash = height == 0 ? Bytes() : hash(*right(node));
      TRY(node_tree_hash(crypto, node, encoded(node), left_hash, right_hash, digest));
      std::memcpy(hashes_.data() + i * hash_size_, digest.bytes().data(), hash_size_);
      if (is_blank(node)) continue;
      index_.insert(crypto, NodeIndexMap::Of::encryption_key, encryption_key(node), node);
      if (height > 0) continue;
      index_.insert(crypto, NodeIndexMap::Of::signature_key, signature_key(leaf_at(node)), node);
      index_.insert(crypto, NodeIndexMap::Of::client, identity(leaf_at(node)), node);
      TRY(credentials_.add(leaf(leaf_at(node)).credential.type));
    }
  }
  return Error::none;
}

Error RatchetTree::start(Crypto& crypto, Bytes leaf) noexcept {
  RatchetTree fresh(nodes_.memory(), *identity_);
  TRY(fresh.allocate(crypto, TreeSize(), leaf.size(), 1, 0));
  fresh.put(LeafIndex{0}, leaf);
  TRY(fresh.finish(crypto));
  swap(fresh);
  return Error::none;
}

namespace {

// What an import counts before it asks for memory.
struct Counts {
  std::size_t leaves = 0, parents = 0, bytes = 0;
};

// The rules on each entry by itself.
Error judge_node(const Node& node, bool is_at_leaf, const SuiteParameters& suite,
                 const Limits& limits) noexcept {
  const bool is_leaf_node = node.node_type == NodeType::leaf;
  REFUSE_IF(is_leaf_node != is_at_leaf, Error::node_misplaced);  // [CODEC-23, TREE-62]
  if (is_leaf_node) {
    REFUSE_IF(node.encoded.size() > limits.leaf_size, Error::leaf_too_large);
    return Error::none;
  }
  REFUSE_IF(node.parent_node.encryption_key.size() != suite.kem_public_key_size,
            Error::kem_public_key_length);
  const std::size_t hash_size = node.parent_node.parent_hash.size();
  REFUSE_IF(hash_size != 0 && hash_size != suite.hash_size, Error::parent_hash_length);
  return Error::none;
}

Error judge_nodes(const Nodes& nodes, const SuiteParameters& suite, const Limits& limits,
                  Counts& out) noexcept {
  std::size_t i = 0;
  bool last_is_blank = false;
  for (const std::optional<Node>& node : nodes) {
    last_is_blank = !node.has_value();
    const bool is_at_leaf = i++ % 2 == 0;
    if (!node) continue;
    TRY(judge_node(*node, is_at_leaf, suite, limits));
    ++(is_at_leaf ? out.leaves : out.parents);
    out.bytes += node->encoded.size();
  }
  REFUSE_IF(out.leaves == 0, Error::tree_empty);         // [CODEC-24]
  REFUSE_IF(last_is_blank, Error::tree_trailing_blank);  // [TREE-59]
  return Error::none;
}

}  // namespace

Error RatchetTree::import(Crypto& crypto, const Nodes& nodes, const Limits& limits) noexcept {
  // An entry at an even place is a leaf, one at an odd place has at least one leaf to its right [TREE-60].
  const std::size_t leaves = nodes.count() / 2 + 1;
  REFUSE_IF(leaves > limits.leaves, Error::too_many_leaves);
  if (leaves > TreeSize::for_leaves(0xffffffff).leaves()) return Error::too_many_leaves;
  Counts counts;
  TRY(judge_nodes(nodes, crypto.suite(), limits, counts));

  RatchetTree fresh(nodes_.memory(), *identity_);
  const TreeSize size = TreeSize::for_leaves(static_cast<std::uint32_t>(leaves));
  TRY(fresh.allocate(crypto, size, counts.bytes, counts.leaves, counts.parents));
  std::uint32_t i = 0;
  for (const std::optional<Node>& node : nodes) {
    if (node) fresh.put(NodeIndex(i), node->encoded);
    ++i;
  }
  const bool half_is_blank = size.depth() > 0 && !fresh.occupied_.any_below(*right(size.root()));
  REFUSE_IF(half_is_blank, Error::tree_overwide);  // [TREE-61]
  TRY(fresh.finish(crypto));
  swap(fresh);
  return Error::none;
}

namespace {

// Calls `visit` with the encoding of each entry of the ratchet_tree extension: as far as the last node that
// is not blank [TREE-58].
template <class Visit>
Error for_each_entry(const TreeView& tree, Visit visit) noexcept {
  std::uint32_t count = tree.size().nodes();
  while (count > 0 && tree.is_blank(NodeIndex(count - 1))) --count;
  for (std::uint32_t i = 0; i < count; ++i) TRY(visit(NodeIndex(i), tree.encoded(NodeIndex(i))));
  return Error::none;
}

}  // namespace

std::size_t TreeView::entries_size() const noexcept {
  std::size_t size = 0;
  static_cast<void>(for_each_entry(*this, [&](NodeIndex, Bytes encoded) noexcept {
    size += encoded.empty() ? 1 : 2 + encoded.size();
    return Error::none;
  }));
  return size;
}

Result<std::size_t> TreeView::export_size() const noexcept {
  const std::size_t size = entries_size();
  const Result<VectorHeader> header = vector_header(size);
  TRY(header.error());
  return header.value().size + size;
}

Result<Bytes> TreeView::export_to(MutableBytes output) const noexcept {
  const std::size_t size = entries_size();
  const Result<VectorHeader> header = vector_header(size);
  TRY(header.error());
  if (header.value().size + size > output.size()) return Error::output_too_small;
  Writer writer(output);
  TRY(writer.header(size));
  const auto write = [&](NodeIndex node, Bytes encoded) noexcept -> Error {
    const auto presence = static_cast<std::uint8_t>(encoded.empty() ? 0 : 1);
    TRY(writer(presence));
    if (encoded.empty()) return Error::none;
    const NodeType type = is_leaf(node) ? NodeType::leaf : NodeType::parent;
    TRY(writer(type));
    return writer.put(encoded, Storage::lasting);
  };
  TRY(for_each_entry(*this, write));
  return writer.written();
}

void RatchetTree::swap(RatchetTree& other) noexcept {
  std::swap(size_, other.size_);
  occupied_.swap(other.occupied_);
  nodes_.swap(other.nodes_);
  bytes_.swap(other.bytes_);
  std::swap(live_bytes_, other.live_bytes_);
  hashes_.swap(other.hashes_);
  std::swap(hash_size_, other.hash_size_);
  index_.swap(other.index_);
  credentials_.swap(other.credentials_);
}

}  // namespace tacet
