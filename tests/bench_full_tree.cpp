#include "bench_full_tree.h"

#include <algorithm>

#include "bench_table.h"

namespace tacet::bench {

using model::number, model::vector, model::operator+;

Octets random_octets(std::size_t size) {
  Octets out(size);
  randombytes_buf(out.data(), size);
  return out;
}

Signed new_member() {
  Signed member;
  std::uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
  crypto_sign_keypair(public_key, member.private_key.data());
  return member;
}

Octets make_leaf(Signed& member, LeafIndex index, LeafNodeSource source, Bytes encryption_key,
                 Bytes parent_hash, std::optional<Bytes> group_id) {
  const auto source_octet = static_cast<std::uint8_t>(source);
  Octets by_source{source_octet};
  if (source == LeafNodeSource::key_package) by_source = by_source + number(1000, 8) + number(2000, 8);
  if (source == LeafNodeSource::commit) by_source = by_source + vector(model::octets(parent_hash));
  const Octets capabilities =
      vector(number(1, 2)) + vector(number(3, 2)) + vector("") + vector("") + vector(number(1, 2));
  const std::size_t rest = 1 + 32 + 1 + 32 + 2 + 1 + capabilities.size() + by_source.size() + 1 + 2 + 64;
  must(rest + 4 <= leaf_size, "a leaf has no room for an identity");
  const Octets identity = number(index.value, 4) + model::zeros(leaf_size - rest - 4);
  const Octets signed_part = vector(model::octets(encryption_key)) +
                             vector(model::octets(member.public_key())) + number(1, 2) + vector(identity) +
                             capabilities + by_source + vector("");
  Octets signature = random_octets(crypto_sign_BYTES);
  if (group_id) {
    Octets content = signed_part;
    if (source != LeafNodeSource::key_package)
      content = content + vector(model::octets(*group_id)) + number(index.value, 4);
    member.message = vector("MLS 1.0 LeafNodeTBS") + vector(content);
    crypto_sign_detached(member.signature.data(), nullptr, member.message.data(), member.message.size(),
                         member.private_key.data());
    signature = model::octets(member.signature);
  }
  const Octets leaf = signed_part + vector(signature);
  must(leaf.size() == leaf_size, "a leaf is not of the size that was meant");
  return leaf;
}

namespace {

// Goes through the nodes in their order in the array, which puts a parent between its children.
class Maker {
 public:
  Maker(const FullTreeOptions& options, FullTree& out)
      : options_(options), size_(TreeSize::for_leaves(options.members)), out_(out) {}

  void make() {
    for (std::uint32_t i = 0; i < options_.members; ++i) out_.members.push_back(new_member());
    subtree(size_.root(), {});
    nodes_.resize(end_);
    out_.encoding = vector(nodes_);
  }

 private:
  bool is_member(LeafIndex leaf) const { return leaf.value < options_.members; }
  bool is_merged(LeafIndex leaf) const {
    const std::uint32_t every = options_.unmerged_every;
    return is_member(leaf) && (every == 0 || leaf.value % every != every / 2);
  }
  bool any_merged(NodeIndex node) const {
    for (std::uint32_t i = first_leaf(node).value; i <= last_leaf(node).value && i < options_.members; ++i) {
      if (is_merged({i})) return true;
    }
    return false;
  }

  // Appends a subtree whose head, or the highest node below it that is not blank, has that parent hash.
  // Returns its tree hash without the unmerged leaves.
  Octets subtree(NodeIndex node, const Octets& parent_hash) {
    if (is_leaf(node)) return leaf(leaf_at(node), parent_hash);
    const bool left_merged = any_merged(*left(node)), right_merged = any_merged(*right(node));
    if (!left_merged || !right_merged) {
      const Octets left_hash = subtree(*left(node), left_merged ? parent_hash : Octets());
      append({}, false);
      const Octets right_hash = subtree(*right(node), right_merged ? parent_hash : Octets());
      return model::hash(Octets{2, 0} + vector(left_hash) + vector(right_hash));
    }
    // The last to commit on this node came from the right; what the left was given then is overwritten here.
    const Octets key = random_octets(32);
    const Octets left_hash = subtree(*left(node), random_octets(32));
    const Octets fields = vector(key) + vector(parent_hash);
    append(Octets{2} + fields + vector(unmerged(node)), true);
    const Octets right_hash = subtree(*right(node), model::hash(fields + vector(left_hash)));
    return model::hash(Octets{2, 1} + fields + vector("") + vector(left_hash) + vector(right_hash));
  }

  Octets leaf(LeafIndex index, const Octets& parent_hash) {
    const Octets before = Octets{1} + number(index.value, 4);
    if (!is_member(index)) {
      append({}, false);
      return model::hash(before + Octets{0});
    }
    Octets key = random_octets(32);
    if (index == LeafIndex{1}) {
      const Octets private_key = random_octets(32);
      crypto_scalarmult_base(key.data(), private_key.data());
      out_.key_of_leaf_1 = std::move(Secret::copy_of(private_key).value());
    }
    const auto source = is_merged(index) ? LeafNodeSource::commit : LeafNodeSource::key_package;
    const Octets encoded =
        make_leaf(out_.members[index.value], index, source, key, parent_hash, options_.group_id);
    append(Octets{1} + encoded, true);
    return model::hash(before + (is_merged(index) ? Octets{1} + encoded : Octets{0}));
  }

  // Those below the node; they are in the lists of all parents above them.
  Octets unmerged(NodeIndex node) const {
    Octets list;
    for (std::uint32_t i = first_leaf(node).value; i <= last_leaf(node).value && is_member({i}); ++i) {
      if (!is_merged({i})) list = std::move(list) + number(i, 4);
    }
    return list;
  }

  void append(const Octets& node, bool is_present) {
    nodes_.push_back(is_present ? 1 : 0);
    nodes_.insert(nodes_.end(), node.begin(), node.end());
    if (is_present) end_ = nodes_.size();
  }

  const FullTreeOptions& options_;
  TreeSize size_;
  FullTree& out_;
  Octets nodes_;
  std::size_t end_ = 0;  // of the last node that is not blank
};

}  // namespace

FullTree make_full_tree(const FullTreeOptions& options) {
  FullTree tree;
  Maker(options, tree).make();
  return tree;
}

}  // namespace tacet::bench
