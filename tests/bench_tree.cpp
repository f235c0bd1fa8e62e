// Rows for the ratchet tree: n members, d the depth of their tree, w = 2^d leaves with the blank ones.

#include <algorithm>
#include <cstring>
#include <map>

#include "bench_floors.h"
#include "bench_group.h"
#include "secrets.h"

namespace tacet::bench {

using model::vector, model::operator+;

namespace {

// ---- groups

// An UpdatePath that is new to the tree, correct but for its ciphertexts, which are noise; what is meant to
// be read by nobody needs no encryption. Without a group to be signed for, the signature is noise as well.
Octets make_path(const RatchetTree& tree, Signed& member, LeafIndex sender, std::optional<Bytes> signed_for) {
  const FilteredPath path = tree.filtered_path(sender);
  Octets nodes;
  Digest above;
  for (std::size_t i = path.size; i-- > 0;) {
    const Octets key = random_octets(32);
    std::size_t recipients = 0;
    Resolution resolution(tree, path.steps[i].copath);
    while (resolution.next()) ++recipients;
    Octets ciphertexts;
    for (; recipients > 0; --recipients)
      ciphertexts = ciphertexts + vector(random_octets(32)) + vector(random_octets(48));
    nodes = vector(key) + vector(ciphertexts) + nodes;
    Digest hash;
    must(parent_hash(plain_crypto(), {key, above, tree.hash(path.steps[i].copath)}, hash));
    above = hash;
  }
  return make_leaf(member, sender, LeafNodeSource::commit, random_octets(32), above, signed_for) +
         vector(nodes);
}

enum class Checked { no, yes };

// A receiver's draft with a path merged.
void merge(Crypto& crypto, const UpdatePath& path, LeafIndex sender, Checked checked, TreeDraft& draft) {
  must(draft.start());
  if (checked == Checked::yes) must(check_update_path(crypto, path, sender, group_id, limits, draft));
  must(merge_update_path(crypto, path, sender, draft));
}
void merge_and_adopt(Crypto& crypto, RatchetTree& tree, Memory& memory, const Octets& path, LeafIndex sender,
                     Checked checked) {
  TreeDraft draft(crypto, tree, memory, limits);
  merge(crypto, decoded<UpdatePath>(path), sender, checked, draft);
  must(draft.reserve());
  draft.adopt(tree);
}

// A group whose members have all committed, and what its rows need.
struct Group {
  std::uint32_t n;
  TreeSize size;
  FullTree full;
  CountingMemory memory;
  RatchetTree tree{memory, identity};
  std::vector<std::uint8_t> output;

  // Of senders in the left half, which is full: their filtered direct path has d nodes.
  static constexpr LeafIndex sender{0};
  Secret sender_key = fresh_key();
  Octets next_path, next_leaf;
  LeafIndex next_sender;
  std::uint32_t turn = 0;

  explicit Group(std::uint32_t members)
      : n(members),
        size(TreeSize::for_leaves(members)),
        full(make_full_tree({.members = members, .group_id = group_id})) {
    must(tree.import(plain_crypto(), decoded<Nodes>(full.encoding), limits));
    output.resize(full.encoding.size());
    next_leaf = make_leaf(full.members[2], {2}, LeafNodeSource::update, random_octets(32), {}, group_id);
  }
  unsigned d() const { return size.depth(); }

  // A path of another sender than the last.
  void prepare_path() {
    next_sender = {turn++ * 7919 % (size.leaves() / 2)};
    next_path = make_path(tree, full.members[next_sender.value], next_sender, group_id);
  }
};

Group& group(std::uint32_t n) {
  static std::map<std::uint32_t, Group> groups;
  return groups.try_emplace(n, n).first->second;
}

const Octets group_context = random_octets(131);  // as large as one with 32-byte ids and hashes

// A new path, encrypted, in a draft that is fresh.
Octets create(Crypto& crypto, Group& g, LeafIndex own, TreeDraft& draft, PathKeys& keys) {
  must(draft.start());
  KeySigner signer(crypto, signing_key(g.full.members[own.value]));
  PathSecrets secrets;
  must(create_update_path(crypto, signer, draft.base().leaf(own), own, group_id, limits, draft, keys,
                          secrets));
  Octets out(update_path_size(crypto, draft, own).value());
  must(encrypt_update_path(crypto, draft, own, secrets, group_context, g.memory, out).error());
  return out;
}

// A path by the first leaf, encrypted, and merged by its receivers: its neighbour, and the last leaf, which
// was the last to commit in the other half.
struct Sent {
  RatchetTree tree;
  PathKeys near_keys, far_keys;
  Octets encoding;
  std::optional<TreeDraft> draft;

  explicit Sent(Group& g)
      : tree(g.memory, identity),
        near_keys(path_keys({1}, secret_of(octets(g.full.key_of_leaf_1)), g.memory)),
        far_keys(path_keys({g.n - 1}, fresh_key(), g.memory)) {
    Crypto& crypto = plain_crypto();
    must(tree.import(crypto, decoded<Nodes>(g.full.encoding), limits));
    {
      TreeDraft far_draft(crypto, tree, g.memory, limits);
      create(crypto, g, {g.n - 1}, far_draft, far_keys);
      must(far_draft.reserve());
      far_draft.adopt(tree);
    }
    TreeDraft sender_draft(crypto, tree, g.memory, limits);
    PathKeys sender_keys = path_keys(Group::sender, fresh_key(), g.memory);
    encoding = create(crypto, g, Group::sender, sender_draft, sender_keys);
    draft.emplace(crypto, tree, g.memory, limits);
    merge(crypto, decoded<UpdatePath>(encoding), Group::sender, Checked::yes, *draft);
  }
};

Sent& sent(std::uint32_t n) {
  Group& g = group(n);  // before the map, which uses its memory to the end
  static std::map<std::uint32_t, Sent> all;
  return all.try_emplace(n, g).first->second;
}

// ---- operations

void check(Crypto& crypto, Group& g, const RatchetTree& tree) { must(check_tree(crypto, tree, g.memory)); }

void import(Crypto& crypto, Group& g, bool checks_leaves) {
  RatchetTree tree(g.memory, identity);
  must(tree.import(crypto, decoded<Nodes>(g.full.encoding), limits));
  check(crypto, g, tree);
  if (checks_leaves) must(check_leaves(crypto, tree, {group_id, {}, limits}, g.memory));
}

void update_and_hash(Crypto& crypto, Group& g) {
  TreeDraft draft(crypto, g.tree, g.memory, limits);
  must(draft.start());
  must(draft.update({2}, decoded<LeafNode>(g.next_leaf)));
  must(draft.rehash());
}

void create_path(Crypto& crypto, Group& g) {
  TreeDraft draft(crypto, g.tree, g.memory, limits);
  PathKeys keys = path_keys(Group::sender, secret_of(octets(g.sender_key)), g.memory);
  create(crypto, g, Group::sender, draft, keys);
}

void merge_next_path(Crypto& crypto, Group& g, Checked checked) {
  merge_and_adopt(crypto, g.tree, g.memory, g.next_path, g.next_sender, checked);
}

void open_path(Crypto& crypto, Group& g, const Sent& s, const PathKeys& own_keys) {
  PathKeys keys(crypto.suite(), g.memory, g.memory);
  must(keys.carry_over(crypto, own_keys, *s.draft));
  NodeIndex node;
  Secret path_secret, commit_secret;
  must(decrypt_path_secret(crypto, decoded<UpdatePath>(s.encoding), Group::sender, *s.draft, keys,
                           group_context, node, path_secret));
  must(derive_path_keys(crypto, *s.draft, node, std::move(path_secret), keys, commit_secret));
}

// ---- floors, as RFC 9420 demands them

// All n - 1 parents with members on both sides have been set by a path.
void whole_tree_floor(const Group& g) {
  raw::tree_hash(g.n, g.d(), g.n - 1);
  raw::hashes(g.n - 1, raw::parent_hash_input);
}

void import_floor(const Group& g) {
  whole_tree_floor(g);
  for (const Signed& member : g.full.members) raw::verify(member);
}

void update_floor(const Group& g) {
  raw::hash(raw::leaf_input);
  raw::hashes(g.d(), raw::blank_parent_input);
}

void create_path_floor(const Group& g) {
  const Octets& point = g.full.encoding;  // any 32 bytes are a public key
  for (unsigned i = 0; i < g.d(); ++i) raw::path_node();
  raw::multiply_base();  // the leaf's
  raw::hpke_info(group_context.size());
  for (unsigned i = 0; i < g.d(); ++i) raw::hpke_seal(point.data() + 8);
  raw::sign(g.full.members[0]);
  raw::path_hashes(g.d());
}

void merge_path_floor(const Group& g) {
  raw::verify(g.full.members[0]);
  raw::path_hashes(g.d());
}

// `nodes` is how many nodes of the path the receiver is under.
void open_path_floor(const Group& g, unsigned nodes) {
  raw::hpke_info(group_context.size());
  raw::hpke_open(g.full.encoding.data() + 8);
  for (unsigned i = 0; i < nodes; ++i) raw::path_node();
}

void export_floor(Group& g) {
  std::memcpy(g.output.data(), g.full.encoding.data(), g.output.size());
  benchmark::ClobberMemory();
}

// ---- the table

const std::uint32_t member_counts[] = {1000, 5000, 50000};

// A tree hash for each node, and a parent hash for each parent. The last to commit on a parent came from its
// right here, so who looks for its chain on the left first takes one more for each.
std::uint64_t hashes_of_whole_tree(std::uint32_t n) {
  return std::uint64_t{TreeSize::for_leaves(n).nodes()} + (n - 1);
}

// Limits: whole operations are held to 1.2 (join), 1.5 (Commit with path, and processing one of a neighbour)
// and 2 (processing one from the other half), all in full trees; the rows that are most of their work are
// held to the same. The other limits are of this file, with room for noise.

// Without signatures, hashes are less than half of the work: a tree is also parsed, copied and indexed.
void add_import_rows(std::uint32_t n, std::vector<Row>& rows) {
  for (const bool checks_leaves : {true, false}) {
    rows.push_back({.name = checks_leaves ? "import, all checks" : "import, no signatures",
                    .n = n,
                    .operation = [=](Crypto& crypto) { import(crypto, group(n), checks_leaves); },
                    .floor = [=] { checks_leaves ? import_floor(group(n)) : whole_tree_floor(group(n)); },
                    .limit = checks_leaves ? 1.2 : 4,
                    .mandatory = Calls{.verify = checks_leaves ? n : 0, .hash = hashes_of_whole_tree(n)},
                    .spare_hashes = n - 1,
                    .set_up = [n] { group(n); },
                    .single_runs = 3});
  }
}

void add_change_rows(std::uint32_t n, std::vector<Row>& rows) {
  const std::uint64_t d = TreeSize::for_leaves(n).depth();
  rows.push_back({.name = "Update, tree hash",
                  .n = n,
                  .operation = [n](Crypto& crypto) { update_and_hash(crypto, group(n)); },
                  .floor = [n] { update_floor(group(n)); },
                  .limit = 2,
                  .mandatory = Calls{.hash = d + 1},
                  .set_up = [n] { group(n); }});
  rows.push_back({.name = "export",
                  .n = n,
                  .operation = [n](Crypto&) { must(group(n).tree.export_to(group(n).output).error()); },
                  .floor = [n] { export_floor(group(n)); },
                  .limit = 10,  // it copies in pieces of a node, and small trees lie in the cache
                  .set_up = [n] { group(n); }});
}

void add_path_rows(std::uint32_t n, std::vector<Row>& rows) {
  const std::uint64_t d = TreeSize::for_leaves(n).depth();
  rows.push_back({.name = "path create",
                  .n = n,
                  .operation = [n](Crypto& crypto) { create_path(crypto, group(n)); },
                  .floor = [n] { create_path_floor(group(n)); },
                  .limit = 1.5,
                  .mandatory = Calls{.sign = 1,
                                     .multiply = d,
                                     .multiply_base = 2 * d + 1,
                                     .hmac = 9 * d + 1,
                                     .aead = d,
                                     .hash = 2 * d + 1},
                  .set_up = [n] { group(n); }});
  rows.push_back({.name = "path merge",
                  .n = n,
                  .operation = [n](Crypto& crypto) { merge_next_path(crypto, group(n), Checked::yes); },
                  .floor = [n] { merge_path_floor(group(n)); },
                  .limit = 2,
                  .mandatory = Calls{.verify = 1, .hash = 2 * d + 1},
                  .set_up = [n] { group(n); },
                  .prepare = [n](Crypto&) { group(n).prepare_path(); }});
  rows.push_back(
      {.name = "path open, far",
       .n = n,
       .operation = [n](Crypto& crypto) { open_path(crypto, group(n), sent(n), sent(n).far_keys); },
       .floor = [n] { open_path_floor(group(n), 1); },
       .limit = 2,
       .mandatory = Calls{.multiply = 1, .multiply_base = 1, .hmac = 6 + 4, .aead = 1},
       .set_up = [n] { sent(n); }});
  rows.push_back(
      {.name = "path open, neighbour",
       .n = n,
       .operation = [n](Crypto& crypto) { open_path(crypto, group(n), sent(n), sent(n).near_keys); },
       .floor = [n] { open_path_floor(group(n), group(n).d()); },
       .limit = 1.5,
       .mandatory = Calls{.multiply = 1, .multiply_base = d, .hmac = 6 + 4 * d, .aead = 1},
       .set_up = [n] { sent(n); }});
}

// Imported once, of members of whom a tenth is unmerged if that is asked for; signatures do not count here.
RatchetTree& checked_tree(std::uint32_t n, bool tenth_unmerged) {
  Group& g = group(n);  // before the map, which uses its memory to the end
  if (!tenth_unmerged) return g.tree;
  static std::map<std::uint32_t, RatchetTree> trees;
  const auto [found, is_new] = trees.try_emplace(n, g.memory, identity);
  if (is_new) {
    const FullTree made = make_full_tree({.members = n, .unmerged_every = 10});
    must(found->second.import(plain_crypto(), decoded<Nodes>(made.encoding), limits));
  }
  return found->second;
}

Row check_row(const std::string& name, std::uint32_t n, bool tenth_unmerged) {
  return {.name = name,
          .n = n,
          .operation = [=](Crypto& crypto) { check(crypto, group(n), checked_tree(n, tenth_unmerged)); },
          .set_up = [=] { checked_tree(n, tenth_unmerged); },
          .single_runs = 3};
}

Row change_row(const std::string& name, std::uint32_t n) {
  return {.name = name,
          .n = n,
          .operation = [n](Crypto& crypto) { merge_next_path(crypto, group(n), Checked::no); },
          .set_up = [n] { group(n); },
          .prepare = [n](Crypto&) { group(n).prepare_path(); }};
}

const std::string check_full = "check_tree, full", check_unmerged = "check_tree, a tenth unmerged",
                  change = "path merge and adopt alone";

// ---- facts

double memory_for_each_member(std::uint32_t n, bool all_replaced) {
  Group& g = group(n);
  CountingMemory memory;
  RatchetTree tree(memory, identity);
  must(tree.import(plain_crypto(), decoded<Nodes>(g.full.encoding), limits));
  for (std::uint32_t i = 0; all_replaced && i < n; ++i) {
    const Octets path = make_path(tree, g.full.members[i], {i}, std::nullopt);
    merge_and_adopt(plain_crypto(), tree, memory, path, {i}, Checked::no);
  }
  return static_cast<double>(memory.live()) / n;
}

double allocations_of_import(std::uint32_t n) {
  const std::size_t before = group(n).memory.calls();
  import(plain_crypto(), group(n), true);
  return static_cast<double>(group(n).memory.calls() - before);
}

// The most of a hundred.
double allocations_of_merge(std::uint32_t n) {
  Group& g = group(n);
  std::size_t most = 0;
  for (int i = 0; i < 100; ++i) {
    g.prepare_path();
    const std::size_t before = g.memory.calls();
    merge_next_path(plain_crypto(), g, Checked::yes);
    most = std::max(most, g.memory.calls() - before);
  }
  return static_cast<double>(most);
}

}  // namespace

std::vector<Row> tree_rows() {
  std::vector<Row> rows;
  for (const std::uint32_t n : member_counts) {
    add_import_rows(n, rows);
    add_change_rows(n, rows);
    add_path_rows(n, rows);
  }
  for (const std::uint32_t n : {5000u, 50000u}) {
    rows.push_back(check_row(check_full, n, false));
    rows.push_back(check_row(check_unmerged, n, true));
    rows.push_back(change_row(change, n));
  }
  return rows;
}

std::vector<Growth> tree_growth() { return {{check_full, 14}, {check_unmerged, 14}, {change, 2}}; }

std::vector<Fact> tree_facts() {
  std::vector<Fact> facts = {
      {named("bytes for each member", 5000), [] { return memory_for_each_member(5000, false); }, 512},
      {named("the same, all leaves replaced", 5000), [] { return memory_for_each_member(5000, true); }, 512},
  };
  for (const std::uint32_t n : member_counts) {
    facts.push_back({named("allocations of an import", n), [n] { return allocations_of_import(n); }, 16});
    facts.push_back({named("allocations of a path merge", n), [n] { return allocations_of_merge(n); },
                     4.0 * TreeSize::for_leaves(n).depth() + 32});
  }
  return facts;
}

}  // namespace tacet::bench
