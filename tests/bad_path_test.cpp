// Update paths that break one rule each, the rest made to fit again.

#include <gtest/gtest.h>

#include "evidence.h"
#include "spoiled.h"

namespace tacet {
namespace {

using evidence::refused;
using model::Octets;

class BadPath : public ::testing::Test {
 protected:
  // Eight members who have all committed, so that every parent is there; 2 sends the path.
  BadPath() {
    for (std::uint32_t i = 0; i < 8; ++i) circle.commit(LeafIndex{i});
  }

  // What a receiver answers, from the leaf's own rules to the keys.
  Error answer(const Octets& encoding, LeafIndex receiver) {
    UpdatePath path;
    TRY(decode(encoding, path));
    TreeDraft draft = circle.begin();
    TRY(circle.receive(path, sender, draft));
    TRY(check_changed_leaves(draft, {}));
    PathKeys keys = circle.carried_over(circle.members.at(receiver.value), draft);
    Secret commit_secret;
    return circle.process(path, sender, draft, keys, commit_secret);
  }

  // Breaks one thing; the tree and the keys stay, and the genuine path is still accepted.
  void breaks(const char* ids, Error error, const std::function<void(PathModel&)>& defect,
              LeafIndex receiver = LeafIndex{6}) {
    PathModel genuine(circle, sender), broken(circle, sender);
    const Octets tree_before = exported(circle.tree);
    const auto keys_before = circle.secret_memory.contents();
    defect(broken);
    const Error seen = answer(broken.encoding(), receiver);
    const bool equal = tree_before == exported(circle.tree) && keys_before == circle.secret_memory.contents();
    EXPECT_TRUE(equal);
    refused(ids, error, seen,
            {.state_equal = equal, .genuine_accepted = answer(genuine.encoding(), receiver) == Error::none});
    EXPECT_EQ(answer(genuine.encoding(), receiver), Error::none);
  }

  Circle circle{9, 8};
  LeafIndex sender{2};
};

TEST_F(BadPath, WithAnotherNumberOfNodes) {
  breaks("TREE-24", Error::path_length, [](PathModel& path) { path.nodes.pop_back(); });
  breaks("TREE-24", Error::path_length, [&](PathModel& path) {
    path.nodes.push_back({noise(circle.random, 32), {}});
  });
  breaks("TREE-24", Error::path_length, [](PathModel& path) { path.nodes.clear(); });
}

TEST_F(BadPath, WithAnotherNumberOfCiphertexts) {
  for (std::size_t step = 0; step < 3; ++step) {
    breaks("TREE-23", Error::path_ciphertext_count,
           [&](PathModel& path) { path.nodes[step].ciphertexts.push_back(path.nodes[step].ciphertexts[0]); });
    breaks("TREE-23", Error::path_ciphertext_count,
           [&](PathModel& path) { path.nodes[step].ciphertexts.pop_back(); });
  }
}

TEST_F(BadPath, WithAnotherParentHash) {
  breaks("TREE-29, TREE-50", Error::path_parent_hash, [](PathModel& path) {
    static Octets changed;
    changed = path.parent_hash_of_leaf();
    changed[7] ^= 1;
    path.leaf.parent_hash = changed;
    path.keep_parent_hash = true;
  });
  breaks("TREE-29, TREE-50", Error::path_parent_hash, [](PathModel& path) {
    path.leaf.parent_hash = {};
    path.keep_parent_hash = true;
  });
}

TEST_F(BadPath, WithTheParentHashOfTheTreeBefore) {
  const auto removes = [](TreeDraft& draft) { ASSERT_EQ(draft.remove(LeafIndex{3}), Error::none); };
  PathModel stale(circle, sender);  // as if nobody had been removed
  PathModel path(circle, sender, removes);
  const Octets fitting = path.parent_hash_of_leaf();
  stale.nodes = path.nodes;
  stale.nodes.insert(stale.nodes.begin(), path.nodes.front());
  const Octets wrong = stale.parent_hash_of_leaf();
  ASSERT_NE(fitting, wrong);
  path.leaf.parent_hash = wrong;
  path.keep_parent_hash = true;
  const Octets encoding = path.encoding();
  UpdatePath decoded;
  ASSERT_EQ(decode(encoding, decoded), Error::none);
  TreeDraft draft = circle.begin();
  removes(draft);
  refused("TREE-50", Error::path_parent_hash, circle.receive(decoded, sender, draft));
}

TEST_F(BadPath, WithALeafOfAnotherSource) {
  for (const LeafNodeSource source : {LeafNodeSource::update, LeafNodeSource::key_package}) {
    breaks("LEAF-32, COMMIT-27", Error::leaf_node_source_wrong, [&](PathModel& path) {
      path.leaf.source = source;
      path.leaf.lifetime = {1000, 2000};
    });
  }
}

TEST_F(BadPath, WithALeafSignedForAnotherGroupOrPlace) {
  breaks("LEAF-18", Error::signature_invalid,
         [](PathModel& path) { path.context.group_id = bytes_of("another group"); });
  breaks("LEAF-19", Error::signature_invalid, [](PathModel& path) { ++path.context.leaf_index.value; });
}

TEST_F(BadPath, WithTheLeafKeyThatItReplaces) {
  breaks("COMMIT-28, LEAF-31", Error::encryption_key_unchanged,
         [&](PathModel& path) { path.leaf.encryption_key = circle.tree.encryption_key(sender); });
}

TEST_F(BadPath, WithAKeyOfTheTree) {
  const auto key_of = [&](NodeIndex node) { return model::octets(circle.tree.encryption_key(node)); };
  breaks("COMMIT-29", Error::path_key_in_tree,
         [&](PathModel& path) { path.leaf.encryption_key = circle.tree.encryption_key(LeafIndex{7}); });
  breaks("COMMIT-29", Error::path_key_in_tree,
         [&](PathModel& path) { path.leaf.encryption_key = circle.tree.encryption_key(NodeIndex(9)); });
  for (const NodeIndex node : {NodeIndex(LeafIndex{3}), NodeIndex(9), NodeIndex(13)}) {
    for (std::size_t step = 0; step < 2; ++step) {  // below what the receiver decrypts
      breaks("COMMIT-29", Error::path_key_in_tree,
             [&](PathModel& path) { path.nodes[step].key = key_of(node); });
    }
  }
  breaks("COMMIT-29", Error::path_key_in_tree,
         [&](PathModel& path) { path.nodes[0].key = key_of(NodeIndex(3)); });
}

TEST_F(BadPath, WithAKeyTwice) {
  breaks("COMMIT-30", Error::path_key_repeated,
         [](PathModel& path) { path.nodes[1].key = path.nodes[0].key; });
  breaks("COMMIT-30", Error::path_key_repeated,
         [](PathModel& path) { path.leaf.encryption_key = path.nodes[1].key; });
}

TEST_F(BadPath, WithAKeyOfAnotherLength) {
  breaks("", Error::kem_public_key_length, [](PathModel& path) { path.nodes[0].key.push_back(0); });
  breaks("", Error::kem_public_key_length,
         [](PathModel& path) { path.leaf.encryption_key = path.leaf.encryption_key.first(31); });
}

TEST_F(BadPath, WithASignatureKeyOfAnotherMember) {
  // Signed by the sender's own key, so the signature goes first.
  breaks("LEAF-17", Error::signature_invalid,
         [&](PathModel& path) { path.leaf.signature_key = circle.members.at(5).signature_key; });
  breaks("LEAF-33", Error::signature_key_repeated, [&](PathModel& path) {
    path.leaf.signature_key = circle.members.at(5).signature_key;
    path.signer = 5;
  });
}

TEST_F(BadPath, WithASecretThatGivesOtherKeys) {
  // Unrelated to the public keys: the receiver at leaf 6 opens the only ciphertext of the last step.
  breaks("TREE-30", Error::path_key_mismatch,
         [&](PathModel& path) { path.encrypt(2, 0, noise(circle.random, 32)); });
  // Of the right node, but an upper node has a key of its own: seen from below, and only from there.
  const auto upper_key = [&](PathModel& path) { path.nodes[2].key = noise(circle.random, 32); };
  breaks("TREE-30", Error::path_key_mismatch, upper_key, LeafIndex{0});
  breaks("TREE-30", Error::path_key_mismatch, upper_key, LeafIndex{3});
  breaks("TREE-30", Error::path_key_mismatch, upper_key, LeafIndex{6});
  const auto middle_key = [&](PathModel& path) { path.nodes[1].key = noise(circle.random, 32); };
  breaks("TREE-30", Error::path_key_mismatch, middle_key, LeafIndex{3});
  breaks("TREE-30", Error::path_key_mismatch, middle_key, LeafIndex{1});
  // Of another length than a hash, so that no key can follow from it.
  breaks("", Error::path_key_mismatch,
         [&](PathModel& path) { path.encrypt(2, 0, noise(circle.random, 16)); });
}

TEST_F(BadPath, WithCiphertextsInAnotherOrder) {
  // Blank nodes in the copath, so that its resolution is leaf 4, leaf 5 and node 13.
  circle.commit(LeafIndex{0},
                [](TreeDraft& draft) { ASSERT_EQ(draft.blank_path(LeafIndex{4}), Error::none); });
  ASSERT_TRUE(circle.tree.is_blank(NodeIndex(11)));
  const auto swap = [](PathModel& path) {
    std::swap(path.nodes[2].ciphertexts[0], path.nodes[2].ciphertexts[1]);
  };
  breaks("COMMIT-32, TREE-26", Error::not_authentic, swap, LeafIndex{4});
  breaks("COMMIT-32, TREE-26", Error::not_authentic, swap, LeafIndex{5});
}

TEST_F(BadPath, WithACiphertextThatWasChanged) {
  breaks("CRYPTO-13", Error::not_authentic,
         [](PathModel& path) { path.nodes[2].ciphertexts[0].second[3] ^= 1; });
  breaks("CRYPTO-03", Error::kem_output_length,
         [](PathModel& path) { path.nodes[2].ciphertexts[0].first.pop_back(); });
  breaks("CRYPTO-24", Error::kem_low_order,
         [](PathModel& path) { path.nodes[2].ciphertexts[0].first = model::zeros(32); });
  // What others are sent is not this receiver's to judge.
  PathModel path(circle, sender);
  path.nodes[2].ciphertexts[0].second[3] ^= 1;
  EXPECT_EQ(answer(path.encoding(), LeafIndex{3}), Error::none);
}

TEST_F(BadPath, IsNotForItsSenderNorForAStranger) {
  PathModel path(circle, sender);
  EXPECT_EQ(answer(path.encoding(), sender), Error::path_key_absent);
  TreeDraft draft = circle.begin();
  const Octets encoding = path.encoding();
  UpdatePath decoded;
  ASSERT_EQ(decode(encoding, decoded), Error::none);
  EXPECT_EQ(check_update_path(circle.crypto, decoded, LeafIndex{8}, circle.group_id, circle.limits, draft),
            Error::leaf_outside_tree);
  ASSERT_EQ(circle.receive(decoded, sender, draft), Error::none);
  PathKeys none(circle.crypto.suite(), circle.memory, circle.secret_memory);
  Secret commit_secret;
  EXPECT_EQ(circle.process(decoded, sender, draft, none, commit_secret), Error::path_key_absent);
}

}  // namespace
}  // namespace tacet
