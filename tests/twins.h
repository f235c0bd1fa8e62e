#pragma once

// A ratchet tree and its model, changed alike: after each step, all that can be read of the one is held
// against the other. For random histories in tests and in a fuzz target, so it asks for no test framework.

#include <cstdlib>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "memories.h"
#include "noise.h"
#include "protocol/tree_check.h"
#include "protocol/update_path.h"
#include "tree_model.h"

namespace tacet {

enum class Verb { add, update, remove, blank, path, adopt, drop };

struct Step {
  Verb verb = Verb::add;
  std::uint32_t who = 0;  // reduced to a member
};

inline std::ostream& operator<<(std::ostream& out, const Step& step) {
  static const char* const names[] = {"add", "update", "remove", "blank", "path", "adopt", "drop"};
  return out << names[static_cast<int>(step.verb)] << ' ' << step.who;
}

// Steps go into a draft and a copy of the model, until they are adopted or dropped. Judge::demand(bool)
// reports what does not hold, and then does not come back.
template <class Judge>
class Twins {
 public:
  using Octets = model::Octets;

  Twins(std::uint64_t seed, std::uint32_t members) : random_(seed), tree_(memory_, identity_) {
    const Octets first = noise_leaf(random_);
    settled_ = drafted_ = model::Tree(*model::LeafNode::parse(first));
    demand(tree_.start(crypto_, first));
    settle();
    for (std::uint32_t i = 1; i < members; ++i) take({Verb::add, 0});
    take({Verb::adopt, 0});
  }

  void take(const Step& step) { demand(apply(step)); }

  // Takes a step in which the memory is full at its n-th allocation, from 0. If it came to that, the step
  // says so; then its draft is dropped, as if it had never begun. Whether it came to that.
  bool take_with_full_memory(const Step& step, std::size_t n) {
    const std::size_t fails_at = memory_.calls() + n;
    memory_.fail_at(fails_at);
    const Error error = apply(step);
    const bool was_full = memory_.calls() > fails_at;
    memory_.fail_at(never);
    Judge::demand(error == (was_full ? Error::out_of_memory : Error::none));
    if (was_full) take({Verb::drop, 0});
    return was_full;
  }

  // What the draft shows, and the tree below it, against the models; of the tree, after the first time in a
  // draft, the bytes alone.
  void compare() {
    demand(draft_->rehash());
    same(*draft_, drafted_, draft_->tree_hash(),
         [&](NodeIndexMap::Of what, Bytes value) { return draft_->other_with(what, value, std::nullopt); });
    Judge::demand(draft_->credentials_in_use().users(CredentialType::basic) == draft_->members());
    const Octets expected = settled_.ratchet_tree();
    Octets exported(tree_.export_size().value());
    Judge::demand(tree_.export_to(exported).ok() && exported == expected);
    if (std::exchange(settled_is_compared_, true)) return;
    same(tree_, settled_, tree_.tree_hash(), [&](NodeIndexMap::Of what, Bytes value) {
      return tree_.other_with(crypto_, what, value, std::nullopt);
    });
    Judge::demand(tree_.credentials_in_use().users(CredentialType::basic) == tree_.members());
    RatchetTree imported(memory_, identity_);
    Nodes nodes;
    Reader reader(expected);
    demand(reader(nodes));
    demand(imported.import(crypto_, nodes, limits_));
    demand(check_tree(crypto_, imported, memory_));
    Judge::demand(equal(imported.tree_hash(), tree_.tree_hash()));
  }

  std::size_t members() const { return drafted_.members().size(); }

 private:
  static constexpr std::size_t never = SIZE_MAX;

  static void demand(Error error) { Judge::demand(error == Error::none); }

  // The draft says whether there was room, so the models may run ahead of it: after an error they are dropped
  // as well.
  Error apply(const Step& step) {
    switch (step.verb) {
      case Verb::add:
        return add();
      case Verb::update:
        return update(member(step.who));
      case Verb::remove:
        return members() > 1 ? remove(member(step.who)) : add();
      case Verb::blank:
        drafted_.blank_path(member(step.who));
        return draft_->blank_path({member(step.who)});
      case Verb::path:
        return path(member(step.who));
      case Verb::adopt:
        return adopt();
      case Verb::drop:
        drafted_ = settled_;
        draft_.reset();
        Judge::demand(memory_.live() == settled_memory_);
        return begin();
    }
    return Error::none;
  }

  Error begin() {
    settled_is_compared_ = false;
    draft_.emplace(crypto_, tree_, memory_, limits_);
    return draft_->start();
  }
  void settle() {
    draft_.reset();
    settled_memory_ = memory_.live();
    demand(begin());
  }
  Error adopt() {
    TRY(draft_->rehash());
    TRY(draft_->reserve());
    draft_->adopt(tree_);
    settled_ = drafted_;
    draft_.reset();
    settled_memory_ = memory_.live();
    return begin();
  }

  std::uint32_t member(std::uint32_t who) const {
    const std::vector<model::LeafIndex> members = drafted_.members();
    return members[who % members.size()];
  }

  static LeafNode decoded(const Octets& encoding) {
    LeafNode leaf;
    demand(decode(encoding, leaf));
    return leaf;
  }

  Error add() {
    const Octets added = noise_leaf(random_);
    const std::uint32_t expected = drafted_.add(*model::LeafNode::parse(added));
    const Result<LeafIndex> index = draft_->add(decoded(added));
    TRY(index.error());
    Judge::demand(index.value().value == expected);
    return Error::none;
  }
  Error update(std::uint32_t index) {
    const Octets updated = noise_leaf(random_);
    drafted_.update(index, *model::LeafNode::parse(updated));
    return draft_->update({index}, decoded(updated));
  }
  Error remove(std::uint32_t index) {
    drafted_.remove(index);
    return draft_->remove({index});
  }
  Error path(std::uint32_t index) {
    using model::vector, model::operator+;
    std::vector<Octets> keys(drafted_.filtered_direct_path(index).size());
    Octets nodes;
    for (Octets& key : keys) {
      key = noise(random_, 32);
      nodes = nodes + vector(key) + vector("");
    }
    drafted_.merge_path(index, keys);
    const Octets committed = noise_leaf(random_, drafted_.path_parent_hash(index));
    drafted_.set_leaf(index, *model::LeafNode::parse(committed));
    const Octets encoding = committed + vector(nodes);
    UpdatePath update_path;
    demand(decode(encoding, update_path));
    return merge_update_path(crypto_, update_path, {index}, *draft_);
  }

  // Everything that can be read; of a large tree, of a part of its nodes. `find` looks into the index.
  template <class Find>
  void same(const TreeView& tree, const model::Tree& expected, Bytes tree_hash, Find find) {
    Judge::demand(tree.size().nodes() == expected.node_count());
    Judge::demand(tree.members() == expected.members().size());
    Judge::demand(model::octets(tree_hash) == expected.tree_hash());
    const std::uint32_t stride = expected.node_count() / 100 + 1;
    for (std::uint32_t i = 0; i < expected.node_count(); i += stride) {
      const NodeIndex node(i);
      Judge::demand(tree.is_blank(node) == expected.is_blank(i));
      std::vector<std::uint32_t> nodes;
      Resolution resolution(tree, node);
      while (const auto next = resolution.next()) nodes.push_back(next->value);
      Judge::demand(nodes == expected.resolution(i));
      if (!tree.is_blank(node)) {
        Judge::demand(find(NodeIndexMap::Of::encryption_key, tree.encryption_key(node)) == node);
      }
      if (!is_leaf(node)) continue;
      std::vector<std::uint32_t> steps;
      for (const PathStep& step : tree.filtered_path(leaf_at(node))) {
        steps.push_back(step.node.value);
        Judge::demand(step.copath.value == model::Tree::copath_child(step.node.value, i));
      }
      Judge::demand(steps == expected.filtered_direct_path(i / 2));
      if (tree.is_blank(node)) continue;
      Judge::demand(find(NodeIndexMap::Of::signature_key, tree.signature_key(leaf_at(node))) == node);
      Judge::demand(find(NodeIndexMap::Of::client, tree.leaf(leaf_at(node)).credential.body) == node);
    }
  }

  adversary::SeededRandom random_;
  Sodium crypto_{random_};
  WholeCredential identity_;
  TestMemory memory_;
  Limits limits_;
  RatchetTree tree_;
  std::optional<TreeDraft> draft_;
  model::Tree settled_{model::LeafNode{}}, drafted_{model::LeafNode{}};
  std::size_t settled_memory_ = 0;    // what the tree itself holds, in bytes
  bool settled_is_compared_ = false;  // since the draft was begun
};

}  // namespace tacet
