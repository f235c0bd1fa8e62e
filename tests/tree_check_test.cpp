#include "protocol/tree_check.h"

#include <gtest/gtest.h>

#include "evidence.h"
#include "leaf_model.h"
#include "spoiled.h"

namespace tacet {
namespace {

using evidence::refused;
using evidence::shows;

// ---- the trees of RFC 9420 itself

// The parents that are not blank, each with its unmerged leaves.
std::map<std::uint32_t, std::vector<std::uint32_t>> parents_of(const TreeView& tree) {
  std::map<std::uint32_t, std::vector<std::uint32_t>> parents;
  for (std::uint32_t i = 1; i < tree.size().nodes(); i += 2) {
    if (tree.is_blank(NodeIndex(i))) continue;
    parents[i];
    const UnmergedLeaves leaves = tree.unmerged_leaves(NodeIndex(i));
    for (std::size_t k = 0; k < leaves.size(); ++k) parents[i].push_back(leaves[k].value);
  }
  return parents;
}

TEST(TreesOfTheRfc, AppendixA) {
  using Parents = std::map<std::uint32_t, std::vector<std::uint32_t>>;
  // Section 4.1.2: T, W, X, Y, without U, V and Z.
  const CircleAfter full(7, {{5, {}}, {6, {2, 3}}, {1, {}}});
  EXPECT_EQ(parents_of(full.tree), (Parents{{1, {}}, {7, {}}, {9, {}}, {11, {}}}));
  // Section 4.1.1: a subtree of sixteen leaves; someone outside it is I, at leaf 8.
  const CircleAfter resolution(9, {{5, {}}, {3, {1, 2}}, {8, {6}}, {0, {}, 1, false}});
  std::vector<std::uint32_t> nodes;
  Resolution walk(resolution.tree, NodeIndex(7));
  while (const auto node = walk.next()) nodes.push_back(node->value);
  EXPECT_EQ(nodes, (std::vector<std::uint32_t>{3, 2, 9, 14})) << "X, B, Y, H";
  // Section 7.9: W and Y have F unmerged.
  CircleAfter parent_hash(7, {{0, {5}}, {4, {}}, {0, {}, 1, false}});
  EXPECT_EQ(parents_of(parent_hash.tree), (Parents{{1, {}}, {3, {}}, {7, {5}}, {11, {5}}}));
  EXPECT_EQ(judge(parent_hash, parent_hash.tree), Error::none);
  shows("TREE-02, TREE-03, TREE-04, TREE-41, TREE-42, TREE-68");
}

TEST(TreesOfTheRfc, NewLeavesAreClearedOnTheCommittersPathOnly) {
  // As the tree of section 7.4, one level up: there Z would be filtered out of D's path and stay blank.
  CircleAfter circle(8, {{6, {4}}, {1, {}, 1}});
  EXPECT_EQ(parents_of(circle.tree).at(11), (std::vector<std::uint32_t>{4}));
  EXPECT_EQ(parents_of(circle.tree).at(7), (std::vector<std::uint32_t>{}));
  EXPECT_EQ(judge(circle, circle.tree), Error::none);
  circle.check_keys();
  shows("TREE-71");
}

TEST(TreesOfTheRfc, AppendixB) {
  Circle circle(1, 1);
  const auto th = [&](std::uint32_t node) { return model::octets(circle.tree.hash(NodeIndex(node))); };
  const auto key = [&](std::uint32_t node) {
    return model::octets(circle.tree.encryption_key(NodeIndex(node)));
  };
  const auto h = [](const Octets& key, const Octets& ph, const Octets& osth) {
    return model::hash(model::vector(key) + model::vector(ph) + model::vector(osth));
  };
  const auto leaf_ph = [&](std::uint32_t leaf) {
    return model::octets(circle.tree.leaf({leaf}).parent_hash);
  };
  const auto ph = [&](std::uint32_t node) {
    return model::octets(circle.tree.parent(NodeIndex(node)).parent_hash);
  };
  const auto adds = [&](std::vector<Circle::NewMember>& added, unsigned count) {
    while (added.size() < count) added.push_back(circle.new_member());
    return [&added](TreeDraft& draft) {
      for (const auto& made : added) ASSERT_TRUE(draft.add(decoded_leaf(made.leaf)).ok());
    };
  };

  std::vector<Circle::NewMember> b, cd;
  circle.commit({0}, adds(b, 1), &b);
  const Octets a_ph = h(key(1), {}, th(2));
  EXPECT_EQ(leaf_ph(0), a_ph);
  circle.commit({1}, adds(cd, 2), &cd);
  EXPECT_EQ(ph(1), h(key(3), {}, th(5)));
  EXPECT_EQ(leaf_ph(1), h(key(1), ph(1), th(0)));
  const Octets x_ph = ph(1);
  circle.commit({2});
  EXPECT_EQ(ph(5), h(key(3), {}, th(1)));
  EXPECT_EQ(leaf_ph(2), h(key(5), ph(5), th(6)));
  EXPECT_EQ(leaf_ph(0), a_ph) << "stale";
  EXPECT_EQ(ph(1), x_ph) << "stale";
  EXPECT_TRUE(leaf_ph(3).empty());

  const model::Tree model = *model::Tree::parse([&] {
    Octets whole = exported(circle.tree), body;
    Reader reader(whole);
    Bytes view;
    EXPECT_EQ(reader(view), Error::none);
    return model::octets(view);
  }());
  EXPECT_FALSE(model.parent_hash_valid(0, 1));
  EXPECT_TRUE(model.parent_hash_valid(2, 1));
  EXPECT_TRUE(model.parent_hash_valid(4, 5));
  EXPECT_FALSE(model.parent_hash_valid(1, 3));
  EXPECT_TRUE(model.parent_hash_valid(5, 3));
  EXPECT_EQ(judge(circle, circle.tree), Error::none);
  shows("TREE-39, TREE-44, TREE-49, TREE-67, TREE-70");
}

// ---- trees that break one rule

void breaks(Circle& circle, const char* ids, Error error, const std::function<void(Spoiled&)>& defect) {
  const Octets before = exported(circle.tree);
  Spoiled genuine(circle), broken(circle);
  defect(broken);
  ASSERT_NE(broken.encoding(), genuine.encoding());
  const Error seen = broken.answer();
  refused(
      ids, error, seen,
      {.state_equal = before == exported(circle.tree), .genuine_accepted = genuine.answer() == Error::none});
  EXPECT_EQ(genuine.answer(), Error::none);
}

TEST(BadTree, WithUnmergedLeavesOutOfOrder) {
  // 6 and 7 are unmerged at the root, which was set by leaf 0 on the other side.
  CircleAfter circle(6, {{4, {}}, {0, {}}, {0, {}, 2, false}});
  ASSERT_EQ(parents_of(circle.tree).at(7), (std::vector<std::uint32_t>{6, 7}));
  breaks(circle, "TREE-12", Error::unmerged_not_sorted, [](Spoiled& tree) {
    tree.parent(7).unmerged_leaves = {7, 6};
  });
  breaks(circle, "TREE-13", Error::unmerged_not_sorted, [](Spoiled& tree) {
    tree.parent(7).unmerged_leaves = {6, 6, 7};
  });
  breaks(circle, "TREE-13", Error::unmerged_not_sorted, [](Spoiled& tree) {
    tree.parent(7).unmerged_leaves = {6, 7, 7};
  });
}

TEST(BadTree, WithUnmergedLeavesElsewhere) {
  CircleAfter circle(8, {{4, {}}, {0, {}}});
  for (const std::uint32_t outside : {8u, 15u, 0x40000000u, 0x80000000u, 0x80000005u, 0xffffffffu}) {
    breaks(circle, "TREE-53", Error::unmerged_not_below,
           [&](Spoiled& tree) { tree.parent(7).unmerged_leaves = {outside}; });
  }
  // A leaf of the sibling subtree, in the copath child of the root's committer, who signs it.
  breaks(circle, "TREE-53", Error::unmerged_not_below, [](Spoiled& tree) {
    tree.parent(11).unmerged_leaves = {1};
    tree.refit(0, 7);
  });
}

TEST(BadTree, WithABlankUnmergedLeaf) {
  CircleAfter circle(6, {{0, {}}});
  ASSERT_TRUE(circle.tree.is_blank(NodeIndex(11)));
  breaks(circle, "TREE-52", Error::unmerged_blank,
         [](Spoiled& tree) { tree.parent(7).unmerged_leaves = {7}; });
}

TEST(BadTree, WithALeafThatIsUnmergedAboveOnly) {
  CircleAfter circle(7, {{4, {}}, {0, {}}, {0, {}, 1, false}});
  ASSERT_EQ(parents_of(circle.tree).at(11), (std::vector<std::uint32_t>{7}));
  breaks(circle, "TREE-54", Error::unmerged_not_between, [](Spoiled& tree) {
    tree.parent(11).unmerged_leaves = {};
    tree.refit(4, 11);
    tree.refit(0, 7);
  });
}

TEST(BadTree, WithUnmergedLeavesThatDifferFromTheResolution) {
  // Leaf 3 is added back below node 3, through which the root's committer went.
  CircleAfter circle(8, {{0, {3}}, {0, {}, 1, false}});
  ASSERT_EQ(parents_of(circle.tree).at(3), (std::vector<std::uint32_t>{3}));
  breaks(circle, "TREE-47", Error::parent_hash_invalid,
         [](Spoiled& tree) { tree.parent(7).unmerged_leaves = {}; });
}

TEST(BadTree, WithAParentThatNobodySigned) {
  CircleAfter circle(8, {{1, {}}, {5, {}}, {2, {}}, {7, {}}});
  for (const std::uint32_t node : {1u, 3u, 5u, 7u, 9u, 11u, 13u}) {
    breaks(circle, "TREE-45", Error::parent_hash_invalid,
           [&](Spoiled& tree) { tree.parent(node).encryption_key[0] ^= 1; });
  }
  for (const std::uint32_t node : {3u, 11u, 13u}) {
    breaks(circle, "TREE-46", Error::parent_hash_invalid,
           [&](Spoiled& tree) { tree.parent(node).parent_hash[31] ^= 1; });
    breaks(circle, "TREE-46", Error::parent_hash_invalid,
           [&](Spoiled& tree) { tree.parent(node).parent_hash = {}; });
  }
  breaks(circle, "TREE-46", Error::parent_hash_invalid,
         [](Spoiled& tree) { tree.leaf(7, [](LeafNode& leaf) { leaf.parent_hash = {}; }); });
}

TEST(BadTree, WithAChainWhoseLeafWasUpdated) {
  CircleAfter circle(4, {{0, {}}});
  for (const LeafNodeSource source : {LeafNodeSource::update, LeafNodeSource::key_package}) {
    breaks(circle, "TREE-48", Error::parent_hash_invalid, [&](Spoiled& tree) {
      tree.leaf(0, [&](LeafNode& leaf) {
        leaf.source = source;
        leaf.lifetime = {1000, 2000};
      });
    });
  }
  shows("TREE-51");
}

TEST(BadTree, WithAKeyTwice) {
  CircleAfter circle(8, {{1, {}}, {5, {}}, {2, {}}, {7, {}}});
  // Node 9 was set by leaf 5, node 13 by leaf 7 after it; leaf 4 has never committed.
  breaks(circle, "TREE-55", Error::parent_key_repeated, [](Spoiled& tree) {
    tree.parent(9).encryption_key = tree.parent(13).encryption_key;
    tree.refit(5, 9);
    tree.refit(7, 7);
  });
  breaks(circle, "TREE-55", Error::parent_key_repeated, [](Spoiled& tree) {
    tree.parent(9).encryption_key = tree.tree().leaf_node(4).encryption_key;
    tree.refit(5, 9);
    tree.refit(7, 7);
  });
  const auto leaf_key = [&](std::uint32_t from) {
    return [&circle, from](Spoiled& tree) {
      tree.leaf(4,
                [&](LeafNode& leaf) { leaf.encryption_key = circle.tree.encryption_key(LeafIndex{from}); });
      tree.refit(5, 9);
      tree.refit(7, 7);
    };
  };
  for (const std::uint32_t from : {0u, 3u, 6u}) {
    breaks(circle, "LEAF-34, TREE-57", Error::encryption_key_repeated, leaf_key(from));
  }
  breaks(circle, "LEAF-33, TREE-57", Error::signature_key_repeated, [&](Spoiled& tree) {
    // Leaf 4 takes the keys of leaf 6, and signs with them.
    circle.members.at(4).signing_key = secret_of(octets(circle.members.at(6).signing_key));
    tree.leaf(4, [&](LeafNode& leaf) { leaf.signature_key = circle.tree.signature_key(LeafIndex{6}); });
    tree.refit(5, 9);
    tree.refit(7, 7);
  });
}

TEST(BadTree, WithABadLeaf) {
  CircleAfter circle(4, {{0, {}}});
  const auto leaf = [](const std::function<void(LeafNode&)>& change) {
    return [change](Spoiled& tree) {
      tree.leaf(3, change);
      tree.refit(0, 3);
    };
  };
  static const Octets other_suite = model::number(1, 2), x509 = model::number(2, 2),
                      extension = model::number(0xf001, 2) + model::vector("data");
  breaks(circle, "LEAF-36", Error::suite_unlisted, leaf([](LeafNode& broken) {
           ASSERT_EQ(List<CipherSuite>::parse(other_suite, broken.capabilities.cipher_suites), Error::none);
         }));
  breaks(circle, "LEAF-36", Error::version_unlisted,
         leaf([](LeafNode& broken) { broken.capabilities.versions = {}; }));
  breaks(circle, "LEAF-36", Error::credential_unlisted, leaf([](LeafNode& broken) {
           ASSERT_EQ(List<CredentialType>::parse(x509, broken.capabilities.credentials), Error::none);
         }));
  breaks(circle, "LEAF-36", Error::extension_unlisted, leaf([](LeafNode& broken) {
           ASSERT_EQ(Extensions::parse(extension, broken.extensions), Error::none);
         }));
  breaks(circle, "LEAF-36", Error::lifetime_reversed, leaf([](LeafNode& broken) {
           broken.lifetime = {2000, 1000};
         }));
  breaks(circle, "LEAF-36", Error::kem_public_key_length,
         leaf([](LeafNode& broken) { broken.encryption_key = broken.encryption_key.first(31); }));
  breaks(circle, "LEAF-36", Error::signature_invalid, [](Spoiled& tree) {
    Octets encoding = tree.tree().leaf_node(3).encoding;
    encoding.back() ^= 1;
    tree.tree().set_leaf(3, *model::LeafNode::parse(encoding));
    tree.refit(0, 3);
  });
  shows("LEAF-38");
}

TEST(BadTree, IsHeldAgainstTheGroup) {
  CircleAfter circle(4, {{0, {}}});
  const auto judged = [&](const std::vector<std::pair<std::uint16_t, Octets>>& list) {
    const Octets encoded = LeafModel::extension_list(list);
    Extensions extensions;
    EXPECT_EQ(decode(encoded, extensions), Error::none);
    EXPECT_EQ(check_leaves(circle.crypto, circle.tree, {circle.group_id, {}, circle.limits}, circle.memory),
              Error::none);
    const Error error =
        check_leaves(circle.crypto, circle.tree, {circle.group_id, extensions, circle.limits}, circle.memory);
    EXPECT_EQ(check_members_support(circle.tree, extensions), error);
    return error;
  };
  refused("EXT-14", Error::group_extension_unlisted, judged({{0xf001, {7}}}));
  refused("LEAF-20", Error::required_capability_missing,
          judged({{3, model::vector(model::number(0xf001, 2)) + model::vector("") + model::vector("")}}));
  EXPECT_EQ(judged({{3, model::vector("") + model::vector("") + model::vector(model::number(1, 2))}}),
            Error::none);
  refused("LEAF-18", Error::signature_invalid,
          check_leaves(circle.crypto, circle.tree, {bytes_of("another"), {}, circle.limits}, circle.memory));
}

// ---- credentials that members do not share

constexpr CredentialType both[] = {CredentialType::basic, CredentialType::x509};
constexpr CredentialType only_x509[] = {CredentialType::x509};
const Octets chain = model::vector("certificate");
const Credential certified = {CredentialType::x509, chain};

TEST(Credentials, AreSupportedByAllMembers) {
  Circle circle(1, 3);
  const auto adding = [&](std::span<const CredentialType> credentials, Credential credential) {
    TreeDraft draft = circle.begin();
    const Circle::NewMember made = circle.new_member(credentials, credential);
    EXPECT_TRUE(draft.add(decoded_leaf(made.leaf)).ok());
    return check_changed_leaves(draft, {});
  };
  refused("LEAF-22, CRED-19", Error::credential_unsupported, adding(both, certified));
  refused("LEAF-23", Error::credential_in_use_unlisted, adding(only_x509, certified));
  EXPECT_EQ(adding(both, {CredentialType::basic, bytes_of("new")}), Error::none);

  // Once all list both, it may be used; then whoever does not list it may not come in.
  TreeDraft draft = circle.begin();
  std::vector<Circle::NewMember> updates;
  for (std::uint32_t i = 0; i < 3; ++i) {
    updates.push_back(circle.new_member(both));
    ASSERT_EQ(draft.update({i}, decoded_leaf(updates.back().leaf)), Error::none);
  }
  EXPECT_EQ(check_changed_leaves(draft, {}), Error::none);
  circle.adopt(draft);
  EXPECT_EQ(adding(both, certified), Error::none);
  // One Update may take its support back, and one Add may use it, but not in the same Commit.
  TreeDraft conflicting = circle.begin();
  const Circle::NewMember basic_only = circle.new_member(), user = circle.new_member(both, certified);
  ASSERT_EQ(conflicting.update({0}, decoded_leaf(basic_only.leaf)), Error::none);
  EXPECT_EQ(check_changed_leaves(conflicting, {}), Error::none);
  ASSERT_TRUE(conflicting.add(decoded_leaf(user.leaf)).ok());
  refused("TREE-66", Error::credential_in_use_unlisted, check_changed_leaves(conflicting, {}));
  TreeDraft second = circle.begin();
  const Circle::NewMember x509_member = circle.new_member(both, certified);
  ASSERT_TRUE(second.add(decoded_leaf(x509_member.leaf)).ok());
  circle.adopt(second);
  refused("LEAF-23", Error::credential_in_use_unlisted,
          adding(Circle::just_basic, {CredentialType::basic, bytes_of("new")}));
  // Without its only user the type is not in use.
  TreeDraft third = circle.begin();
  ASSERT_EQ(third.remove({3}), Error::none);
  const Circle::NewMember basic_member = circle.new_member();
  ASSERT_TRUE(third.add(decoded_leaf(basic_member.leaf)).ok());
  EXPECT_EQ(check_changed_leaves(third, {}), Error::none);
}

TEST(Credentials, OfAnImportedTreeAreSupportedByAllMembers) {
  Circle circle(2, 2);
  TreeDraft draft = circle.begin();
  std::vector<Circle::NewMember> added;
  added.push_back(circle.new_member(both, certified));
  ASSERT_TRUE(draft.add(decoded_leaf(added[0].leaf)).ok());
  circle.adopt(draft, &added);
  RatchetTree imported(circle.memory, circle.identity);
  ASSERT_EQ(import_tree(imported, circle.crypto, exported(circle.tree), circle.limits), Error::none);
  ASSERT_EQ(check_tree(circle.crypto, imported, circle.memory), Error::none);
  refused("LEAF-23, LEAF-36", Error::credential_in_use_unlisted,
          check_leaves(circle.crypto, imported, {circle.group_id, {}, circle.limits}, circle.memory));
}

// ---- changes to a tree

TEST(ChangedLeaves, HaveKeysOfTheirOwn) {
  CircleAfter circle(6, {{1, {}}, {4, {}}});
  const auto judged = [&](const std::function<void(TreeDraft&)>& changes) {
    TreeDraft draft = circle.begin();
    changes(draft);
    return check_changed_leaves(draft, {});
  };
  const auto with = [&](const std::function<void(LeafNode&)>& change) {
    const Circle::NewMember made = circle.new_member();
    LeafNode leaf = decoded_leaf(made.leaf);
    change(leaf);
    Octets encoding(encoded_size(leaf).value());
    EXPECT_TRUE(encode(leaf, encoding).ok());
    return encoding;
  };
  const Octets key_of_leaf =
      with([&](LeafNode& leaf) { leaf.encryption_key = circle.tree.encryption_key(LeafIndex{3}); });
  const Octets key_of_parent =
      with([&](LeafNode& leaf) { leaf.encryption_key = circle.tree.encryption_key(NodeIndex(1)); });
  const Octets signature_key =
      with([&](LeafNode& leaf) { leaf.signature_key = circle.tree.signature_key({3}); });
  const auto adds = [&](const Octets& leaf) {
    return judged([&](TreeDraft& draft) { ASSERT_TRUE(draft.add(decoded_leaf(leaf)).ok()); });
  };
  const auto updates = [&](const Octets& leaf) {
    return judged([&](TreeDraft& draft) { ASSERT_EQ(draft.update({5}, decoded_leaf(leaf)), Error::none); });
  };
  for (const auto& judge_leaf :
       {std::function<Error(const Octets&)>(adds), std::function<Error(const Octets&)>(updates)}) {
    refused("LEAF-34, TREE-66", Error::encryption_key_repeated, judge_leaf(key_of_leaf));
    refused("LEAF-40", Error::encryption_key_repeated, judge_leaf(key_of_parent));
    refused("LEAF-33", Error::signature_key_repeated, judge_leaf(signature_key));
  }
  // Each is fine by itself, and two of them are not.
  const Octets first = with([](LeafNode&) {});
  const LeafNode first_leaf = decoded_leaf(first);
  const Octets second = with([&](LeafNode& leaf) { leaf.encryption_key = first_leaf.encryption_key; });
  refused("TREE-66, LEAF-34", Error::encryption_key_repeated, judged([&](TreeDraft& draft) {
            ASSERT_EQ(draft.update({2}, first_leaf), Error::none);
            ASSERT_EQ(draft.update({5}, decoded_leaf(second)), Error::none);
          }));
  EXPECT_EQ(adds(first), Error::none);

  // A member keeps its signature key, and a key that goes with a Remove, or with a path, may come back.
  const Octets own = with([&](LeafNode& leaf) { leaf.signature_key = circle.tree.signature_key({5}); });
  EXPECT_EQ(updates(own), Error::none);
  EXPECT_EQ(judged([&](TreeDraft& draft) {
              ASSERT_EQ(draft.remove({3}), Error::none);
              ASSERT_TRUE(draft.add(decoded_leaf(signature_key)).ok());
            }),
            Error::none);
  EXPECT_EQ(judged([&](TreeDraft& draft) {
              ASSERT_EQ(draft.remove({0}), Error::none);  // blanks node 1
              ASSERT_TRUE(draft.add(decoded_leaf(key_of_parent)).ok());
            }),
            Error::none);
  shows("LEAF-35");
}

TEST(ChangedLeaves, AreHeldAgainstTheGroup) {
  Circle circle(1, 3);
  const Octets list = LeafModel::extension_list({{0xf001, {7}}});
  Extensions extensions;
  ASSERT_EQ(decode(list, extensions), Error::none);
  TreeDraft untouched = circle.begin();
  EXPECT_EQ(check_changed_leaves(untouched, extensions), Error::none) << "others were judged when they came";
  const Circle::NewMember made = circle.new_member();
  TreeDraft draft = circle.begin();
  ASSERT_TRUE(draft.add(decoded_leaf(made.leaf)).ok());
  EXPECT_EQ(check_changed_leaves(draft, {}), Error::none);
  refused("EXT-14", Error::group_extension_unlisted, check_changed_leaves(draft, extensions));
}

// ---- memory

TEST(TreeCheckMemory, ThatIsFullIsAnErrorAndNothingElse) {
  CircleAfter circle(6, {{4, {}}, {0, {}}, {0, {}, 2, false}});
  const Octets encoding = exported(circle.tree);
  for (std::size_t failures = 0;; ++failures) {
    TestMemory memory;
    memory.fail_at(failures);
    Error error = Error::none;
    {
      RatchetTree imported(memory, circle.identity);
      error = import_tree(imported, circle.crypto, encoding, circle.limits);
      if (error == Error::none) error = check_tree(circle.crypto, imported, memory);
      if (error == Error::none) {
        error = check_leaves(circle.crypto, imported, {circle.group_id, {}, circle.limits}, memory);
      }
    }
    EXPECT_EQ(memory.live(), 0u);
    if (error == Error::none) {
      EXPECT_LE(failures, 16u) << "allocations of a join";
      break;
    }
    ASSERT_EQ(error, Error::out_of_memory);
  }
}

}  // namespace
}  // namespace tacet
