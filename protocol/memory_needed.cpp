#include "memory_needed.h"

namespace tacet {

namespace {

// An Array that grows by a part has its old block beside the new one while it moves, and room beyond what it
// holds: 1 + 5/4 times what is in the old one.
constexpr std::uint64_t grown(std::uint64_t bytes) noexcept { return bytes * 9 / 4 + 256; }

// An IndexMap likewise: 8 bytes an entry, at the most 25/16 times as many as there are keys.
constexpr std::uint64_t index_map(std::uint64_t keys) noexcept { return 2 * 8 * 25 * (keys + 2) / 16; }

// A NodeIndexMap: 16 bytes an entry, an eighth more than are used.
constexpr std::uint64_t node_index(std::uint64_t entries) noexcept { return 16 * entries * 9 / 8; }

constexpr std::uint64_t larger(std::uint64_t a, std::uint64_t b) noexcept { return a > b ? a : b; }

// SecretSlots go by whole chunks.
constexpr std::uint64_t slots(std::uint64_t count, std::uint64_t size) noexcept {
  constexpr std::uint64_t chunk = SecretSlots::slots_in_chunk;
  return (count + chunk - 1) / chunk * chunk * size;
}

// What a group is like when it takes most: one or the other.
struct Shape {
  bool merged;   // each member has a parent node of its own; or is unmerged at all nodes above it, and gets a
                 // ciphertext of its own from who commits
  bool resizes;  // Commits double the tree or halve it, at a half of its members; or it is full
};

// What a group takes, part by part, in the order in which the parts build on each other. All in bytes.
class Sizes {
 public:
  Sizes(const SuiteParameters& suite, const Limits& limits, std::uint32_t members, const ExpectedLoad& load,
        const Shape& shape) noexcept
      : suite_(suite), limits_(limits), shape_(shape), members_(members == 0 ? 1 : members), load_(load) {
    if (load_.leaf_size > limits.leaf_size) load_.leaf_size = limits.leaf_size;
    if (load_.proposals > limits.cached_proposals) load_.proposals = limits.cached_proposals;
    proposals_size_ = std::uint64_t{load_.proposals} * load_.proposal_size;
    const TreeSize size = TreeSize::for_leaves(members < limits.leaves ? members : limits.leaves);
    leaves_ = size.leaves();
    nodes_ = size.nodes();
    depth_ = size.depth();
    const std::uint64_t half = leaves_ / 2 + load_.proposals + 1;
    if (shape.resizes && members_ > half) members_ = half;
  }

  std::uint64_t memory() const noexcept {
    const std::uint64_t epochs = 1 + std::uint64_t{limits_.past_epochs};
    const std::uint64_t lasting = tree() + context() + proposal_cache() + epochs * secret_tree() +
                                  limits_.past_epochs * past_epoch() + path_keys();
    // Making a Commit: with what it is chosen from, and a Welcome with the tree in it, thrice: apart, in the
    // GroupInfo, and sealed.
    const std::uint64_t creating = next_epoch() + selection() + path() + message() + 3 * exported();
    // It waits, and another's is staged, or a GroupInfo or a save made.
    const std::uint64_t waiting = next_epoch() + proposals_size_ + message() + exported() + content();
    const std::uint64_t beside = larger(next_epoch(), larger(2 * exported(), saved()));
    return with_gaps(lasting + received() + larger(creating + content(), waiting + beside));
  }

  // The keys of an epoch, and its path keys; thrice, as the next epoch of each kind of Commit has them as
  // well.
  std::uint64_t secrets() const noexcept {
    const std::uint64_t kept = slots(7, suite_.hash_size) +
                               slots(TreeSize::max_depth + load_.proposals, suite_.kem_private_key_size);
    const std::uint64_t begun = slots(1, suite_.hash_size);
    const std::uint64_t resumption = slots(std::uint64_t{limits_.resumption_psks} + 1, suite_.hash_size);
    const std::uint64_t past = slots(limits_.past_epochs, suite_.hash_size);
    // What a GroupSecrets is sealed from or opened into, with its PreSharedKeyIDs.
    const std::uint64_t passing = 2 * (4 * suite_.hash_size + 128 * std::uint64_t{load_.proposals});
    return with_gaps(3 * kept + 2 * begun + resumption + past +
                     (1 + std::uint64_t{limits_.past_epochs}) * ratchets() +
                     larger(passing, saved_secrets()));
  }

 private:
  // Blocks are rounded up, and pieces between them are too small for the next.
  static constexpr std::uint64_t with_gaps(std::uint64_t bytes) noexcept { return bytes + bytes / 16 + 1024; }

  // ---- the tree

  std::uint64_t parent_size() const noexcept { return suite_.kem_public_key_size + suite_.hash_size + 8; }

  // A member's leaf, and what there is above it because of it.
  std::uint64_t encodings() const noexcept {
    const std::uint64_t above = shape_.merged ? parent_size() : sizeof(LeafIndex) * depth_;
    return members_ * (load_.leaf_size + above);
  }
  std::uint64_t exported() const noexcept { return encodings() + nodes_ + 2 * members_ + 3 * context(); }
  std::uint64_t arrays() const noexcept { return nodes_ * (8 + suite_.hash_size); }  // places and hashes
  std::uint64_t index(std::uint64_t more) const noexcept { return node_index(4 * members_ + more); }
  std::uint64_t leaf_sets() const noexcept {
    return leaves_ / 8 + 8 + 256;
  }  // and which credentials are used

  std::uint64_t tree() const noexcept { return arrays() + with_slack(encodings()) + index(0) + leaf_sets(); }

  // The nodes on the paths of the leaves that a Commit changes, all its proposals and its path.
  std::uint64_t changed() const noexcept {
    const std::uint64_t paths = (std::uint64_t{load_.proposals} + 1) * (depth_ + 1);
    return paths < nodes_ ? paths : nodes_;
  }
  // Their encodings; the lists of unmerged leaves are longer the fewer nodes there are on a level.
  std::uint64_t changed_encodings() const noexcept {
    std::uint64_t levels = 2;
    while (levels < depth_ && load_.proposals >> levels != 0) ++levels;
    const std::uint64_t lists = shape_.merged ? 0 : sizeof(LeafIndex) * members_ * levels;
    return load_.leaf_size * (std::uint64_t{load_.proposals} + 1) + changed() * (parent_size() + 16) + lists +
           lists / 2;
  }
  // A draft with the room to adopt it: encodings and index may move, and arrays change their size, to the
  // half or from the half. Two drafts that double a tree are twice its size, which counts here by halves.
  std::uint64_t draft() const noexcept {
    const std::uint64_t entries = 3 * (std::uint64_t{load_.proposals} + 1) + depth_;
    const std::uint64_t resized = shape_.resizes ? arrays() * 3 / 4 + leaves_ * suite_.hash_size : 0;
    return leaf_sets() + grown(changed() * (24 + suite_.hash_size)) + index_map(changed() + depth_) +
           grown(changed_encodings()) + 2 * node_index(entries) + with_slack(encodings()) + index(entries) +
           resized;
  }

  // ---- the rest of an epoch

  // Group, hashes and extensions.
  std::uint64_t context() const noexcept {
    return 64 + 3 * std::uint64_t{suite_.hash_size} + load_.extensions_size;
  }
  std::uint64_t proposal_cache() const noexcept {
    return grown(112 * std::uint64_t{load_.proposals}) + grown(proposals_size_) + index_map(load_.proposals);
  }
  std::uint64_t path_keys() const noexcept { return 512 + grown(80 * std::uint64_t{load_.proposals}); }
  // Of what is heard: a copy of the list, and of the leaves that were there.
  std::uint64_t record() const noexcept {
    return (std::uint64_t{load_.proposals} + 1) * (96 + 2 * std::uint64_t{load_.leaf_size}) + proposals_size_;
  }
  std::uint64_t received() const noexcept { return record(); }
  std::uint64_t next_epoch() const noexcept {
    const std::uint64_t lists =
        std::uint64_t{load_.proposals} * 192;  // of items, of what they are held against
    const std::uint64_t work = 2 * (load_.leaf_size + load_.proposal_size) + 1024;  // to verify a signature
    return draft() + 2 * context() + path_keys() + 2 * record() + lists + work;
  }

  // Of each sender its place and generations, and where to find it; the nodes that nobody was heard below;
  // and the keys of messages that were skipped.
  std::uint64_t secret_tree() const noexcept {
    const std::uint64_t skipped = std::uint64_t{limits_.skipped_keys} + limits_.out_of_order_window;
    return grown(24 * senders()) + index_map(senders()) + index_map(unheard() + depth_) + 40 * skipped +
           grown((2 * senders() + unheard()) / 8);
  }
  std::uint64_t ratchets() const noexcept {
    const std::uint64_t skipped = std::uint64_t{limits_.skipped_keys} + limits_.out_of_order_window;
    return slots(2 * senders() + unheard() + depth_ + 2, suite_.hash_size) + slots(skipped, suite_.key_size) +
           slots(skipped, suite_.nonce_size);
  }
  std::uint64_t senders() const noexcept { return load_.senders < members_ ? load_.senders : members_; }
  // Beside the path of each; of all leaves, a half at the most.
  std::uint64_t unheard() const noexcept {
    const std::uint64_t beside = senders() * depth_ + 1;
    return beside < leaves_ / 2 + 1 ? beside : leaves_ / 2 + 1;
  }
  std::uint64_t past_epoch() const noexcept {
    return sizeof(PastEpoch) + context() +
           (std::uint64_t{load_.proposals} + 1) * (16 + std::uint64_t{load_.leaf_size});
  }

  // ---- a Commit of one's own

  std::uint64_t path() const noexcept {
    const std::uint64_t ciphertext = suite_.kem_output_size + suite_.hash_size + suite_.tag_size + 4;
    const std::uint64_t receivers = (shape_.merged ? 0 : members_) + depth_ + load_.proposals;
    return receivers * ciphertext + depth_ * (suite_.kem_public_key_size + 8) + 3 * load_.leaf_size + 256;
  }
  // Signed, sealed and padded in one room.
  std::uint64_t message() const noexcept {
    return (path() + proposals_size_) * 9 / 8 + 2 * context() + 512 + 320 * std::uint64_t{load_.proposals};
  }
  // ---- a save

  bool saves() const noexcept { return limits_.reserved_generations != 0; }
  // What a Commit says, kept to be saved.
  std::uint64_t content() const noexcept { return saves() ? message() : 0; }
  // A record: the tree, or the ratchets with the Commit that waits and its Welcome.
  std::uint64_t saved() const noexcept {
    return saves() ? exported() + 2 * message() + proposal_cache() + saved_secrets() : 0;
  }
  // Each secret behind its length and what it is of, in one block.
  std::uint64_t saved_secrets() const noexcept {
    if (!saves()) return 0;
    const std::uint64_t secret = 1 + suite_.hash_size;
    const std::uint64_t skipped =
        std::uint64_t{limits_.skipped_keys} * (19 + suite_.key_size + suite_.nonce_size);
    const std::uint64_t tree =
        senders() * (12 + 2 * secret) + (unheard() + depth_) * (4 + secret) + skipped + 28;
    const std::uint64_t keys = 8 * secret + TreeSize::max_depth * (5 + suite_.kem_private_key_size) +
                               load_.proposals * (1 + secret + suite_.kem_private_key_size) + 12;
    return (1 + std::uint64_t{limits_.past_epochs}) * (tree + secret) + 2 * keys +
           (std::uint64_t{limits_.resumption_psks} + 1) * (8 + secret) + 64;
  }

  std::uint64_t selection() const noexcept {
    return 4 * index_map(2 * std::uint64_t{load_.proposals}) + 3 * proposals_size_;
  }

  const SuiteParameters& suite_;
  const Limits& limits_;
  Shape shape_;
  std::uint64_t members_;
  ExpectedLoad load_;
  std::uint64_t leaves_ = 0, nodes_ = 0, depth_ = 0;  // of the tree
  std::uint64_t proposals_size_ = 0;
};

}  // namespace

MemoryNeeded memory_needed(const SuiteParameters& suite, const Limits& limits, std::uint32_t members,
                           const ExpectedLoad& load) noexcept {
  MemoryNeeded most;
  for (const Shape& shape : {Shape{true, false}, {true, true}, {false, false}, {false, true}}) {
    const Sizes sizes(suite, limits, members, load, shape);
    most.memory = larger(most.memory, sizes.memory());
    most.secrets = larger(most.secrets, sizes.secrets());
  }
  return most;
}

}  // namespace tacet
