#pragma once

// Trees and paths that break one rule, the rest made to fit again.

#include "circle.h"

namespace tacet {

// A step of a history: who commits, whom it removes, how many it adds, and whether there is a path.
struct TreeChange {
  std::uint32_t sender;
  std::vector<std::uint32_t> removed;
  unsigned added = 0;
  bool path = true;
};

// Members with the letters A, B, ... from the left, and their history.
class CircleAfter final : public Circle {
 public:
  CircleAfter(std::uint32_t members, const std::vector<TreeChange>& events) : Circle(members, members) {
    for (const TreeChange& event : events) {
      std::vector<NewMember> added;
      for (unsigned i = 0; i < event.added; ++i) added.push_back(new_member());
      const auto changes = [&](TreeDraft& draft) {
        for (const std::uint32_t gone : event.removed) ASSERT_EQ(draft.remove({gone}), Error::none);
        for (const auto& made : added) ASSERT_TRUE(draft.add(decoded_leaf(made.leaf)).ok());
      };
      if (event.path) {
        commit({event.sender}, changes, &added);
        continue;
      }
      TreeDraft draft = begin();
      changes(draft);
      adopt(draft, &added);
    }
  }
};

// The rules on a whole tree, as a joiner holds it against them.
inline Error judge(Circle& circle, const RatchetTree& tree) {
  TRY(check_tree(circle.crypto, tree, circle.memory));
  return check_leaves(circle.crypto, tree, {circle.group_id, {}, circle.limits}, circle.memory);
}

// A valid tree taken apart: one thing is changed, and hashes and signatures are made to fit again.
class SpoiledTree {
 public:
  using SigningKeys = std::function<const Secret&(std::uint32_t leaf)>;

  SpoiledTree(Crypto& crypto, model::Octets group_id, const model::Octets& ratchet_tree, SigningKeys keys)
      : crypto_(crypto), group_id_(std::move(group_id)), keys_(std::move(keys)), tree_(parse(ratchet_tree)) {}

  model::Tree& tree() { return tree_; }
  model::ParentNode& parent(std::uint32_t node) { return tree_.parent_node(node); }

  // Changes a leaf and signs it again.
  void leaf(std::uint32_t index, const std::function<void(LeafNode&)>& change) {
    const model::Octets encoding = tree_.leaf_node(index).encoding;
    LeafNode leaf = decoded_leaf(encoding);
    change(leaf);
    KeySigner signer(crypto_, keys_(index));
    model::Octets work(1 << 12), out(1 << 12);
    const Result<Bytes> made = sign_leaf_node(signer, leaf, {group_id_, {index}}, work, out);
    ASSERT_TRUE(made.ok());
    tree_.set_leaf(index, *model::LeafNode::parse(model::octets(made.value())));
  }

  // Makes the parent hashes on the path of a committer fit again, from node `top` down to its leaf.
  void refit(std::uint32_t committer, std::uint32_t top) {
    std::vector<std::uint32_t> path;
    for (const std::uint32_t node : tree_.direct_path(committer)) {
      if (!tree_.is_blank(node)) path.push_back(node);
      if (node == top) break;
    }
    while (path.size() > 1) {
      const std::uint32_t node = path.back();
      path.pop_back();
      parent(path.back()).parent_hash =
          tree_.parent_hash(node, model::Tree::copath_child(node, 2 * committer));
    }
    const model::Octets hash = tree_.parent_hash(path[0], model::Tree::copath_child(path[0], 2 * committer));
    leaf(committer, [&](LeafNode& leaf) { leaf.parent_hash = hash; });
  }

  model::Octets encoding() const { return tree_.ratchet_tree(); }

 private:
  static model::Tree parse(const model::Octets& encoding) {
    Reader reader(encoding);
    Bytes nodes;
    EXPECT_EQ(reader(nodes), Error::none);
    return *model::Tree::parse(model::octets(nodes));
  }

  Crypto& crypto_;
  model::Octets group_id_;
  SigningKeys keys_;
  model::Tree tree_;
};

// That of a circle.
class Spoiled final : public SpoiledTree {
 public:
  explicit Spoiled(Circle& circle)
      : SpoiledTree(
            circle.crypto, circle.group_id, exported(circle.tree),
            [&circle](std::uint32_t leaf) -> const Secret& { return circle.members.at(leaf).signing_key; }),
        circle_(circle) {}

  // What a joiner answers who takes the tree over.
  Error answer() { return answer(encoding()); }
  Error answer(const model::Octets& encoding) {
    RatchetTree imported(circle_.memory, circle_.identity);
    TRY(import_tree(imported, circle_.crypto, encoding, circle_.limits));
    return judge(circle_, imported);
  }

 private:
  Circle& circle_;
};

// A path taken apart: one thing is changed, and the rest is made to fit again.
struct PathModel {
  struct Node {
    model::Octets key;
    std::vector<std::pair<model::Octets, model::Octets>> ciphertexts;
  };

  PathModel(Circle& circle, LeafIndex sender, Circle::Changes changes = Circle::nothing)
      : circle(circle),
        sender(sender),
        changes(std::move(changes)),
        commit(circle.create(sender, this->changes)) {
    const UpdatePath path = commit.path();
    leaf = path.leaf_node;
    for (const UpdatePathNode& node : path.nodes) {
      nodes.push_back({model::octets(node.encryption_key), {}});
      for (const HpkeCiphertext& sealed : node.encrypted_path_secret) {
        nodes.back().ciphertexts.emplace_back(model::octets(sealed.kem_output),
                                              model::octets(sealed.ciphertext));
      }
    }
  }

  // Encrypts a path secret of one's own to the recipient at `place` of a step.
  void encrypt(std::size_t step, std::size_t place, const model::Octets& path_secret) {
    Resolution resolution(commit.draft, commit.draft.filtered_path(sender).steps[step].copath);
    std::optional<NodeIndex> recipient = resolution.next();
    for (std::size_t i = 0; i < place; ++i) recipient = resolution.next();
    auto& [kem_output, ciphertext] = nodes[step].ciphertexts[place];
    ciphertext.resize(path_secret.size() + 16);
    ASSERT_EQ(
        encrypt_with_label(circle.crypto, commit.draft.encryption_key(*recipient), "UpdatePathNode",
                           circle.context, {view(path_secret)}, circle.secret_memory, kem_output, ciphertext),
        Error::none);
  }

  // The parent_hash that the leaf must have for these keys.
  model::Octets parent_hash_of_leaf() {
    TreeDraft draft = circle.begin();
    changes(draft);
    EXPECT_EQ(draft.rehash(), Error::none);
    const FilteredPath path = draft.filtered_path(sender);
    model::Octets hash;
    for (std::size_t i = std::min(path.size, nodes.size()); i-- > 0;) {
      Digest digest;
      EXPECT_EQ(parent_hash(circle.crypto, {nodes[i].key, hash, draft.hash(path.steps[i].copath)}, digest),
                Error::none);
      hash = model::octets(digest);
    }
    return hash;
  }

  model::Octets encoding() {
    const model::Octets fitting = parent_hash_of_leaf();
    if (!keep_parent_hash) leaf.parent_hash = fitting;
    KeySigner signing(circle.crypto, circle.members.at(signer).signing_key);
    model::Octets work(1 << 12), out(1 << 12);
    const Result<Bytes> signed_leaf = sign_leaf_node(signing, leaf, context, work, out);
    EXPECT_TRUE(signed_leaf.ok());
    model::Octets body;
    for (const Node& node : nodes) {
      model::Octets list;
      for (const auto& [kem_output, ciphertext] : node.ciphertexts) {
        list = list + model::vector(kem_output) + model::vector(ciphertext);
      }
      body = body + model::vector(node.key) + model::vector(list);
    }
    return model::octets(signed_leaf.value()) + model::vector(body);
  }

  Circle& circle;
  LeafIndex sender;
  Circle::Changes changes;
  Circle::Commit commit;
  LeafNode leaf;
  std::vector<Node> nodes;
  bool keep_parent_hash = false;
  LeafContext context{circle.group_id, sender};  // that the leaf is signed in
  std::uint32_t signer = sender.value;
};

}  // namespace tacet
