// Tree operations: what an Add, an Update or a Remove makes of a ratchet tree, RFC 9420, 7.7 and 12.1.1 to
// 12.1.3.

#include "protocol/tree_draft.h"

#include "protocol/tree_check.h"
#include "vectors/tool/tree.h"
#include "vectors/tool/tree_maker.h"
#include "vectors/tool/type.h"

namespace tacet::tool {

namespace {

bool recognise(const Json& object) {
  return object.contains("tree_before") || object.contains("tree_after") ||
         object.contains("proposal_sender");
}

// A Proposal of those types that change the tree.
struct TreeProposal {
  ProposalType type{};
  KeyPackage key_package;  // add
  LeafNode leaf_node;      // update
  LeafIndex removed;       // remove
};

bool changes_tree(ProposalType type) {
  return type == ProposalType::add || type == ProposalType::update || type == ProposalType::remove;
}

template <class Coder, Fields<TreeProposal> E>
Error code(Coder& coder, E& e) noexcept {
  TRY(coder(e.type));
  if (e.type == ProposalType::add) return coder(e.key_package);
  if (e.type == ProposalType::update) return coder(e.leaf_node);
  return coder(e.removed);
}

TreeProposal read_proposal(const Field& field, Bytes encoded) {
  ProposalType type{};
  Reader reader(encoded);
  if (reader(type) != Error::none || !changes_tree(type)) field.malformed("not an Add, Update or Remove");
  return decoded<TreeProposal>(field, encoded);
}

Error apply(const TreeProposal& proposal, LeafIndex sender, TreeDraft& draft) {
  if (proposal.type == ProposalType::add) return draft.add(proposal.key_package.leaf_node).error();
  if (proposal.type == ProposalType::update) return draft.update(sender, proposal.leaf_node);
  return draft.remove(proposal.removed);
}

// What a draft made of a tree has to be valid, and hashed as if it had come in whole.
void check_adopted(const Field& tree_after, const RatchetTree& adopted, Crypto& crypto, Outputs& outputs) {
  HeapMemory memory;
  const RatchetTree tree = import_tree(tree_after, exported(adopted), crypto, memory, outputs);
  for (std::uint32_t i = 0; i < tree.size().nodes(); ++i) {
    outputs.compare(tree_after, tree.hash(NodeIndex(i)), adopted.hash(NodeIndex(i)));
  }
}

void run(const Field& object, Crypto& crypto, Outputs& outputs) {
  HeapMemory memory;
  RatchetTree tree = import_tree(object["tree_before"], crypto, memory, outputs);
  outputs.put(object, "tree_hash_before", tree.tree_hash());

  const Octets encoded = object["proposal"].bytes();
  const TreeProposal proposal = read_proposal(object["proposal"], encoded);
  const LeafIndex sender = member_of(tree, object["proposal_sender"]);
  TreeDraft draft(crypto, tree, memory, limits_of_vectors());
  outputs.require(object, "proposal", draft.start());
  outputs.require(object, "proposal", apply(proposal, sender, draft));
  outputs.require(object, "proposal", draft.rehash());
  outputs.require(object, "proposal", draft.reserve());
  draft.adopt(tree);
  outputs.put(object, "tree_after", exported(tree));
  outputs.put(object, "tree_hash_after", tree.tree_hash());
  check_adopted(object["tree_after"], tree, crypto, outputs);
}

// ---- choosing

using Kind = LeafKind;
constexpr ProposalType add = ProposalType::add;
constexpr ProposalType update = ProposalType::update;
constexpr ProposalType remove = ProposalType::remove;

// A group, and what a member of it proposes.
struct Recipe {
  void (*make)(TreeMaker& group);
  std::uint32_t sender;
  ProposalType type;
  std::uint32_t removed = 0;
  Kind added = Kind::plain;
};

// Leaves 3, 5 and 6 of 9 are blank, and of the parents above them those are set that are above others.
void make_gaps(TreeMaker& group) {
  group.grow_full(9);
  group.commit(4, {.removes = {3, 5, 6}});
}

// The first two of these leaves have been added again: they are unmerged at two and at three levels.
void make_unmerged(TreeMaker& group) {
  make_gaps(group);
  group.add_without_path(plain(2));
}

// A root with 15 unmerged leaves: the length header of their list is of one byte still.
void make_many_unmerged(TreeMaker& group) {
  group.commit(0, {.adds = plain(16)});
  group.commit(0, {.removes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}});
  group.add_without_path(plain(15));
}

template <std::uint32_t members>
void make_full(TreeMaker& group) {
  group.grow_full(members);
}

void make_alone(TreeMaker&) {}

constexpr Recipe adds[] = {
    // The tree is extended: a lone leaf, and parents that then have a blank root above them.
    {make_alone, 0, add},
    {make_full<4>, 2, add},
    // At the leftmost of three blank leaves; with no, one and two leaves unmerged above; at a 16th.
    {make_gaps, 8, add},
    {make_unmerged, 0, add},
    {make_many_unmerged, 16, add},
    // Below parents that are all blank.
    {[](TreeMaker& group) { group.commit(0, {.adds = plain(4)}); }, 3, add},
    // The leftmost leaf.
    {[](TreeMaker& group) {
       group.grow_full(4);
       group.commit(3, {.removes = {0}});
     },
     2, add},
    // Of each kind.
    {make_full<3>, 0, add, 0, Kind::grease},
    {make_full<3>, 1, add, 0, Kind::extensions},
    {make_full<3>, 2, add, 0, Kind::x509},
    {make_full<2>, 1, add, 0, Kind::unknown_credential}};

constexpr Recipe updates[] = {
    {make_alone, 0, update},
    {make_full<8>, 3, update},
    // Above the sender there are unmerged leaves, of which it may be one; or nothing but blanks.
    {make_unmerged, 4, update},
    {make_unmerged, 5, update},
    {[](TreeMaker& group) { group.commit(0, {.adds = plain(5)}); }, 5, update},
    // What is not known stays.
    {[](TreeMaker& group) {
       group.commit(0, {.adds = {Kind::grease, Kind::extensions, Kind::x509}});
       group.commit(1);
     },
     1, update},
    {[](TreeMaker& group) { group.commit(0, {.adds = {Kind::extensions}}); }, 1, update}};

constexpr Recipe removes[] = {
    // A gap, within and at the left end; an unmerged leaf.
    {make_full<8>, 1, remove, 4},
    {make_full<6>, 1, remove, 0},
    {make_unmerged, 0, remove, 5},
    // The left half becomes blank, which truncates nothing.
    {[](TreeMaker& group) {
       group.grow_full(6);
       group.commit(4, {.removes = {0, 1, 2}});
     },
     5, remove, 3},
    // The rightmost leaf: the right half stays; it goes; only one leaf is left.
    {make_full<7>, 0, remove, 6},
    {make_full<5>, 0, remove, 4},
    {make_full<2>, 1, remove, 1},
    // The tree is truncated from 16 leaves to 2, below a root and parents that are not blank.
    {[](TreeMaker& group) {
       group.grow_full(9);
       group.commit(0, {.removes = {2, 3, 4, 5, 6, 7}});
       group.commit(8);
     },
     1, remove, 8},
    // From 16 to 4, with gaps: leaves 0 and 2 are left.
    {[](TreeMaker& group) {
       group.commit(0, {.adds = plain(12)});
       group.commit(12, {.removes = {1, 3, 4, 5, 6, 7, 8, 9, 10, 11}});
     },
     2, remove, 12},
    // From 8 to 4, where the rightmost leaf has gone before.
    {[](TreeMaker& group) {
       group.grow_full(6);
       group.commit(1, {.removes = {3, 5}});
     },
     0, remove, 4}};

TreeProposal propose(const Recipe& recipe, TreeMaker& group, Octets& encoded) {
  TreeProposal proposal;
  proposal.type = recipe.type;
  proposal.removed = {recipe.removed};
  if (recipe.type == add) {
    Client client;
    encoded = group.make_key_package(recipe.added, client);
    must(decode(encoded, proposal.key_package));
  }
  if (recipe.type == update) {
    Octets encryption_priv;
    encoded = group.make_update(recipe.sender, encryption_priv);
    must(decode(encoded, proposal.leaf_node));
  }
  return proposal;
}

Json choose_case(Generator& generator, const Recipe& recipe) {
  TreeMaker group(generator, generator.bytes(16));
  recipe.make(group);
  Octets content;
  const TreeProposal proposal = propose(recipe, group, content);
  Octets encoded(must(encoded_size(proposal)));
  must(encode(proposal, encoded).error());
  return {{"cipher_suite", generator.suite_number()},
          {"tree_before", to_hex(exported(group.tree()))},
          {"proposal", to_hex(encoded)},
          {"proposal_sender", recipe.sender}};
}

Json choose(Generator& generator) {
  Json cases = Json::array();
  for (const Recipe& recipe : adds) cases.push_back(choose_case(generator, recipe));
  for (const Recipe& recipe : updates) cases.push_back(choose_case(generator, recipe));
  for (const Recipe& recipe : removes) cases.push_back(choose_case(generator, recipe));
  return cases;
}

}  // namespace

const VectorType tree_operations = {"tree-operations", {.kdf = true}, recognise, run, choose};

}  // namespace tacet::tool
