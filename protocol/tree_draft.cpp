#include "tree_draft.h"

namespace tacet {

TreeDraft::TreeDraft(Crypto& crypto, const RatchetTree& base, Memory& memory, const Limits& limits) noexcept
    : TreeView(memory),
      crypto_(crypto),
      base_(base),
      max_leaves_(limits.leaves),
      credentials_(memory),
      changes_(memory),
      places_(memory),
      index_(memory),
      bytes_(memory),
      hashes_(memory),
      blanks_(memory),
      new_nodes_(memory),
      new_hashes_(memory),
      new_bytes_(memory),
      new_index_(memory) {}

Error TreeDraft::start() noexcept {
  size_ = blanks_for_ = base_.size_;
  TRY(occupied_.copy(base_.occupied_));
  TRY(credentials_.copy(base_.credentials_));
  index_.start_beside(base_.index_);
  return Error::none;
}

// ---- changes

Result<LeafIndex> TreeDraft::make_vacancy() noexcept {
  const LeafIndex index = occupied_.first_absent();  // [PROP-06]
  REFUSE_IF(index.value >= max_leaves_, Error::too_many_leaves);
  if (!size_.contains(index)) {
    const TreeSize extended = TreeSize::for_leaves(index.value + 1);  // [TREE-34]
    if (!extended.contains(index)) return Error::too_many_leaves;
    TRY(occupied_.reserve(extended));
    size_ = extended;
  }
  TRY(touch_path(index));
  return index;
}

Result<LeafIndex> TreeDraft::add(const LeafNode& leaf) noexcept {
  const Result<LeafIndex> vacancy = make_vacancy();
  TRY(vacancy.error());
  const LeafIndex index = vacancy.value();
  TRY(put_leaf(index, leaf, true));
  for (unsigned height = 1; height <= size_.depth(); ++height) {
    const NodeIndex node = ancestor_at(index, height);
    if (!is_blank(node)) TRY(add_unmerged(node, index));  // [PROP-07]
  }
  return index;
}

Error TreeDraft::update(LeafIndex index, const LeafNode& leaf) noexcept {
  if (!size_.contains(index)) return Error::leaf_outside_tree;
  REFUSE_IF(is_blank(index), Error::leaf_blank);                                                  // [PROP-13]
  REFUSE_IF(equal(encryption_key(index), leaf.encryption_key), Error::encryption_key_unchanged);  // [LEAF-31]
  TRY(blank_path(index));
  return put_leaf(index, leaf, false);
}

Error TreeDraft::remove(LeafIndex index) noexcept {
  if (!size_.contains(index)) return Error::leaf_outside_tree;
  REFUSE_IF(is_blank(index), Error::leaf_blank);  // [PROP-13]
  TRY(blank_path(index));                         // [PROP-15]
  blank_leaf(index);
  truncate();
  return Error::none;
}

Error TreeDraft::blank_path(LeafIndex index) noexcept {
  if (!size_.contains(index)) return Error::leaf_outside_tree;
  TRY(touch_path(index));
  for (unsigned height = 1; height <= size_.depth(); ++height) {
    Change* const change = find(ancestor_at(index, height));
    change->content = Content::blank;
  }
  return Error::none;
}

Error TreeDraft::set_parent(NodeIndex node, Bytes encryption_key, Bytes parent_hash) noexcept {
  const ParentNode parent = {encryption_key, parent_hash, {}};  // [TREE-18, TREE-71]
  const Result<std::size_t> size = encoded_size(parent);
  TRY(size.error());
  TRY(put(node, size.value(), size.value()));
  TRY(encode(parent, own_bytes(*find(node))).error());
  TRY(index_.reserve(1));
  index_.insert(crypto_, NodeIndexMap::Of::encryption_key, encryption_key, node);
  return Error::none;
}

Error TreeDraft::set_leaf(LeafIndex index, const LeafNode& leaf) noexcept {
  TRY(touch_path(index));
  return put_leaf(index, leaf, is_new(index));
}

// The right half goes while there is no leaf in it; its parents were blanked with their leaves
// [TREE-35, APPLY-03].
void TreeDraft::truncate() noexcept {
  while (size_.depth() > 0 && !occupied_.any_below(*right(size_.root()))) {
    size_ = TreeSize::for_leaves(size_.leaves() / 2);
  }
}

void TreeDraft::blank_leaf(LeafIndex index) noexcept {
  credentials_.remove(leaf(index).credential.type);
  occupied_.erase(index);
  Change* const change = find(index);
  change->content = Content::blank;
  change->is_new = false;
}

// On a path that was touched.
Error TreeDraft::put_leaf(LeafIndex index, const LeafNode& leaf, bool is_new) noexcept {
  if (!is_blank(index)) blank_leaf(index);
  TRY(put(index, leaf.encoded.size(), leaf.encoded.size()));
  Change* const change = find(index);
  change->is_new = is_new;
  std::memcpy(own_bytes(*change).data(), leaf.encoded.data(), leaf.encoded.size());
  occupied_.insert(index);
  TRY(credentials_.add(leaf.credential.type));
  TRY(index_.reserve(RatchetTree::entries_of_leaf));
  index_.insert(crypto_, NodeIndexMap::Of::encryption_key, leaf.encryption_key, index);
  index_.insert(crypto_, NodeIndexMap::Of::signature_key, leaf.signature_key, index);
  index_.insert(crypto_, NodeIndexMap::Of::client, base_.identity_->identity(leaf.credential), index);
  return Error::none;
}

// Room for a touched node's own content, to be written by the caller.
Error TreeDraft::put(NodeIndex node, std::size_t size, std::size_t capacity) noexcept {
  const std::size_t offset = bytes_.size();
  if (capacity > UINT32_MAX - offset) return Error::out_of_memory;
  TRY(bytes_.reserve(offset + capacity));
  bytes_.push_back(capacity, 0);
  Change* const change = find(node);
  change->content = Content::own;
  change->place = {static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(size)};
  change->capacity = static_cast<std::uint32_t>(capacity);
  return Error::none;
}

// The list is the last field of a ParentNode and stays sorted [TREE-11]. Its room grows by a part, so that
// many members can be added in one Commit.
Error TreeDraft::add_unmerged(NodeIndex node, LeafIndex leaf) noexcept {
  const Bytes before = encoded(node);
  Reader reader(before);
  Bytes key, hash, list;
  TRY(reader(key, hash));
  const std::size_t fixed_size = before.size() - reader.rest().size();
  TRY(reader(list));
  const std::size_t list_size = list.size(), list_offset = before.size() - list_size;
  const Result<VectorHeader> header = vector_header(list_size + sizeof leaf.value);
  TRY(header.error());
  const std::size_t new_offset = fixed_size + header.value().size;
  const std::size_t size = new_offset + list_size + sizeof leaf.value;

  const Change* const change = find(node);
  if (change->content != Content::own || change->capacity < size) {
    const bool was_own = change->content == Content::own;
    const std::size_t old_offset = change->place.offset;
    TRY(put(node, size, size + list_size / 2 + 16));
    std::memmove(own_bytes(*change).data(), was_own ? bytes_.data() + old_offset : before.data(),
                 before.size());
  }
  find(node)->place.size = static_cast<std::uint32_t>(size);

  std::uint8_t* const octets = own_bytes(*change).data();
  std::size_t place = list_size;  // where in the list; most often at its end
  const auto entry_before = [&]() noexcept {
    std::uint32_t entry = 0;
    Reader at(Bytes(octets + list_offset + place - sizeof entry, sizeof entry));
    static_cast<void>(at(entry));
    return entry;
  };
  while (place > 0 && entry_before() > leaf.value) place -= sizeof leaf.value;
  std::memmove(octets + new_offset + place + sizeof leaf.value, octets + list_offset + place,
               list_size - place);
  std::memmove(octets + new_offset, octets + list_offset, place);
  std::memcpy(octets + fixed_size, header.value().octets.data(), header.value().size);
  Writer writer(MutableBytes(octets + new_offset + place, sizeof leaf.value));
  return writer(leaf.value);
}

// Makes a Change of the leaf and of each node on its direct path, whose hashes are now to be computed.
Error TreeDraft::touch_path(LeafIndex index) noexcept {
  const std::size_t most = std::size_t{size_.depth()} + 1;
  TRY(changes_.reserve(changes_.size() + most));
  TRY(places_.reserve(most));
  TRY(hashes_.reserve(hashes_.size() + most * crypto_.hash_size()));
  for (unsigned height = 0; height <= size_.depth(); ++height) {
    const NodeIndex node = ancestor_at(index, height);
    if (Change* const change = find(node)) {
      change->is_hashed = false;
      continue;
    }
    places_.insert(node.value, static_cast<std::uint32_t>(changes_.size()));
    Change change;
    change.node = node;
    changes_.push_back(change);
    hashes_.push_back(crypto_.hash_size(), 0);
  }
  return Error::none;
}

// ---- reading

TreeDraft::Change* TreeDraft::find(NodeIndex node) noexcept {
  const std::uint32_t place = places_.find(node.value);
  return place == IndexMap::absent ? nullptr : &changes_[place];
}

const TreeDraft::Change* TreeDraft::find(NodeIndex node) const noexcept {
  const std::uint32_t place = places_.find(node.value);
  return place == IndexMap::absent ? nullptr : &changes_[place];
}

Bytes TreeDraft::encoded(NodeIndex node) const noexcept {
  if (!size_.contains(node)) return {};
  const Change* const change = find(node);
  if (change == nullptr || change->content == Content::same) return base_.encoded(node);
  if (change->content == Content::blank) return {};
  return {bytes_.data() + change->place.offset, change->place.size};
}

bool TreeDraft::is_new(LeafIndex index) const noexcept {
  const Change* const change = find(index);
  return change != nullptr && change->is_new;
}

std::optional<NodeIndex> TreeDraft::other_with(NodeIndexMap::Of what, Bytes value,
                                               std::optional<NodeIndex> self) const noexcept {
  const auto is_one = [&](NodeIndex node) noexcept {
    return node != self && holds(*this, *base_.identity_, node, what, value);
  };
  const std::optional<NodeIndex> found = base_.index_.find(crypto_, what, value, is_one);
  return found ? found : index_.find(crypto_, what, value, is_one);
}

// ---- hashes

MutableBytes TreeDraft::own_hash(const Change& change) noexcept {
  const auto place = static_cast<std::size_t>(&change - changes_.begin());
  return {hashes_.data() + place * crypto_.hash_size(), crypto_.hash_size()};
}

Bytes TreeDraft::hash(NodeIndex node) const noexcept {
  const std::size_t hash_size = crypto_.hash_size();
  if (const Change* const change = find(node)) {
    return {hashes_.data() + static_cast<std::size_t>(change - changes_.begin()) * hash_size, hash_size};
  }
  const std::size_t base_nodes = base_.size_.nodes();
  if (node.value < base_nodes) return base_.hash(node);
  return {blanks_.data() + (node.value - base_nodes) * hash_size, hash_size};
}

Error TreeDraft::hash_node(NodeIndex node, MutableBytes out) noexcept {
  const Bytes left_hash = is_leaf(node) ? Bytes() : hash(*left(node));
  const Bytes right_hash = is_leaf(node) ? Bytes() : hash(*right(node));
  Digest digest;
  TRY(node_tree_hash(crypto_, node, encoded(node), left_hash, right_hash, digest));
  std::memcpy(out.data(), digest.bytes().data(), out.size());
  return Error::none;
}

// Where the tree is larger than the base, the nodes that came with that and are not changed are blank.
Error TreeDraft::hash_new_blanks() noexcept {
  const std::uint32_t first = base_.size_.nodes(), end = size_.nodes();
  if (end <= first || blanks_for_ == size_) return Error::none;
  const std::size_t hash_size = crypto_.hash_size();
  const std::size_t needed = (end - first) * hash_size;
  TRY(blanks_.reserve(needed));
  if (blanks_.size() < needed) blanks_.push_back(needed - blanks_.size(), 0);
  for (unsigned height = 0; height <= size_.depth(); ++height) {
    const std::uint32_t step = std::uint32_t{2} << height;
    std::uint32_t i = step / 2 - 1;
    if (i < first) i += (first - i + step - 1) / step * step;
    for (; i < end; i += step) {
      if (find(NodeIndex(i)) != nullptr) continue;
      TRY(hash_node(NodeIndex(i), {blanks_.data() + (i - first) * hash_size, hash_size}));
    }
  }
  blanks_for_ = size_;
  return Error::none;
}

Error TreeDraft::rehash() noexcept {
  TRY(hash_new_blanks());
  for (unsigned height = 0; height <= size_.depth(); ++height) {  // children before their parents
    for (Change& change : changes_) {
      if (change.is_hashed || level(change.node) != height || !size_.contains(change.node)) continue;
      TRY(hash_node(change.node, own_hash(change)));
      change.is_hashed = true;
    }
  }
  return Error::none;
}

// ---- the end

Error TreeDraft::reserve() noexcept {
  std::size_t needed = 0, replaced = 0, entries = 0;
  for (const Change& change : changes_) {
    if (change.content == Content::same) continue;
    replaced += base_.encoded(change.node).size();
    if (change.content != Content::own || !size_.contains(change.node)) continue;
    needed += change.place.size;
    entries += is_leaf(change.node) ? RatchetTree::entries_of_leaf : 1;
  }
  live_bytes_ = base_.live_bytes_ - replaced + needed;
  has_new_bytes_ = needed > base_.bytes_.capacity() - base_.bytes_.size();
  if (has_new_bytes_) {
    const std::size_t room = with_slack(live_bytes_);
    if (room > UINT32_MAX) return Error::out_of_memory;
    TRY(new_bytes_.reserve(room));
  }
  has_new_index_ = !base_.index_.has_room(entries);
  if (has_new_index_) {
    new_index_ = NodeIndexMap(memory());
    TRY(new_index_.copy_with_room(base_.index_, entries));
  }
  if (!is_resized()) return Error::none;
  TRY(new_nodes_.reserve(size_.nodes()));
  return new_hashes_.reserve(size_.nodes() * crypto_.hash_size());
}

void TreeDraft::adopt(RatchetTree& tree) noexcept {
  adopt_index(tree);
  if (is_resized()) adopt_size(tree);
  tree.occupied_.swap(occupied_);
  tree.credentials_.swap(credentials_);
  adopt_bytes(tree);
  for (const Change& change : changes_) {
    if (!tree.size_.contains(change.node)) continue;
    std::memcpy(tree.hashes_.data() + change.node.value * tree.hash_size_, own_hash(change).data(),
                tree.hash_size_);
  }
}

// The index follows the nodes whose content changes; it reads what they held, so this comes first.
void TreeDraft::adopt_index(RatchetTree& tree) noexcept {
  if (has_new_index_) tree.index_.swap(new_index_);
  const auto each_entry = [&](const TreeView& view, NodeIndex node, auto use) noexcept {
    if (view.is_blank(node)) return;
    use(NodeIndexMap::Of::encryption_key, view.encryption_key(node));
    if (!is_leaf(node)) return;
    const LeafIndex leaf = leaf_at(node);
    use(NodeIndexMap::Of::signature_key, view.signature_key(leaf));
    use(NodeIndexMap::Of::client, tree.identity_->identity(view.leaf(leaf).credential));
  };
  for (const Change& change : changes_) {
    if (change.content == Content::same) continue;
    each_entry(tree, change.node, [&](NodeIndexMap::Of what, Bytes value) noexcept {
      tree.index_.erase(crypto_, what, value, change.node);
    });
    each_entry(*this, change.node, [&](NodeIndexMap::Of what, Bytes value) noexcept {
      tree.index_.insert(crypto_, what, value, change.node);
    });
  }
}

// Arrays of the new size: what the base had, and blanks beyond it.
void TreeDraft::adopt_size(RatchetTree& tree) noexcept {
  const std::size_t kept = size_.nodes() < tree.size_.nodes() ? size_.nodes() : tree.size_.nodes();
  new_nodes_.append({tree.nodes_.begin(), kept});
  new_nodes_.push_back(size_.nodes() - kept, {});
  const std::size_t hash_size = tree.hash_size_;
  new_hashes_.append({tree.hashes_.begin(), kept * hash_size});
  new_hashes_.append({blanks_.begin(), (size_.nodes() - kept) * hash_size});
  tree.nodes_.swap(new_nodes_);
  tree.hashes_.swap(new_hashes_);
  tree.size_ = size_;
}

void TreeDraft::adopt_bytes(RatchetTree& tree) noexcept {
  for (const Change& change : changes_) {
    if (change.content == Content::same || !tree.size_.contains(change.node)) continue;
    tree.nodes_[change.node.value] = {};
  }
  if (has_new_bytes_) {
    for (Place& place : tree.nodes_) {
      const Bytes kept(tree.bytes_.data() + place.offset, place.size);
      place.offset = static_cast<std::uint32_t>(new_bytes_.size());
      new_bytes_.append(kept);
    }
    tree.bytes_.swap(new_bytes_);
  }
  for (const Change& change : changes_) {
    if (change.content != Content::own || !tree.size_.contains(change.node)) continue;
    tree.put(change.node, own_bytes(change));
  }
  tree.live_bytes_ = live_bytes_;
}

}  // namespace tacet
