#include "protocol/update_path.h"

#include <gtest/gtest.h>

#include "evidence.h"
#include "spec/adversary/recorder.h"
#include "spoiled.h"

namespace tacet {
namespace {

using evidence::refused;
using evidence::shows;
using model::Octets;
using namespace std::string_literals;

// ---- honest paths

TEST(UpdatePath, ReachesEverybodyInTreesOfEverySize) {
  for (std::uint32_t members = 1; members <= 17; ++members) {
    Circle circle(members, members);
    circle.commit(LeafIndex{members - 1});
    circle.commit(LeafIndex{members / 2});
    circle.commit(LeafIndex{0});
    circle.check_keys();
    EXPECT_EQ(check_tree(circle.crypto, circle.tree, circle.memory), Error::none);
    EXPECT_EQ(check_leaves(circle.crypto, circle.tree, {circle.group_id, {}, circle.limits}, circle.memory),
              Error::none);
  }
  shows("TREE-14, TREE-19, TREE-20, TREE-25, TREE-26");
}

TEST(UpdatePath, ReachesEverybodyThroughRandomHistories) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Circle circle(seed, 5 + static_cast<std::uint32_t>(seed));
    for (int step = 0; step < 25; ++step) {
      std::vector<std::uint32_t> indexes;
      for (const auto& [index, member] : circle.members) indexes.push_back(index);
      const auto any = [&]() { return indexes[circle.random.below(indexes.size())]; };
      const LeafIndex sender{any()};
      const LeafIndex removed{any()};
      const bool removes = indexes.size() > 2 && removed != sender && circle.random.below(3) == 0;
      std::vector<Circle::NewMember> added;
      for (std::uint64_t i = circle.random.below(3); i > 0; --i) added.push_back(circle.new_member());
      circle.commit(
          sender,
          [&](TreeDraft& draft) {
            if (removes) {
              ASSERT_EQ(draft.remove(removed), Error::none);
            }
            for (const auto& made : added) ASSERT_TRUE(draft.add(decoded_leaf(made.leaf)).ok());
          },
          &added);
      circle.check_keys();
      ASSERT_EQ(check_tree(circle.crypto, circle.tree, circle.memory), Error::none);
    }
  }
  shows("TREE-09, TREE-22, TREE-31, TREE-33");
}

TEST(UpdatePath, DerivesWhatTheModelDerives) {
  Circle circle(1, 8);
  const Circle::Commit made = circle.create(LeafIndex{3});
  Octets path_secret = octets(made.secrets.path_secrets[0]);
  for (const PathStep& step : made.draft.filtered_path(LeafIndex{3})) {
    const Octets node_secret = model::derive_secret(path_secret, "node");
    Secret private_key;
    std::uint8_t public_key[32];
    ASSERT_EQ(circle.crypto.derive_key_pair(view(node_secret), private_key, public_key), Error::none);
    EXPECT_TRUE(equal(made.draft.encryption_key(step.node), public_key));
    EXPECT_EQ(octets(made.keys.copy(step.node)), octets(private_key));
    path_secret = model::derive_secret(path_secret, "path");
  }
  EXPECT_EQ(octets(made.secrets.commit_secret), path_secret);
  shows("TREE-14, TREE-15, KEYSCHED-09");
}

TEST(UpdatePath, HasFreshKeysEachTime) {
  Circle circle(2, 4);
  const Circle::Commit first = circle.create(LeafIndex{1});
  const Circle::Commit second = circle.create(LeafIndex{1});
  EXPECT_FALSE(equal(first.path().leaf_node.encryption_key, second.path().leaf_node.encryption_key));
  EXPECT_NE(octets(first.keys.copy(LeafIndex{1})), octets(second.keys.copy(LeafIndex{1})));
  for (const UpdatePathNode& node : first.path().nodes) {
    for (const UpdatePathNode& other : second.path().nodes) {
      EXPECT_FALSE(equal(node.encryption_key, other.encryption_key));
    }
  }
  // The leaf's key follows from no path secret.
  for (const Secret& path_secret : first.secrets.path_secrets) {
    if (path_secret.empty()) continue;
    Secret private_key;
    std::uint8_t public_key[32];
    ASSERT_EQ(derive_node_key_pair(circle.crypto, path_secret, private_key, public_key), Error::none);
    EXPECT_FALSE(equal(public_key, first.path().leaf_node.encryption_key));
  }
  shows("TREE-16");
}

TEST(UpdatePath, OfASoleMemberIsEmpty) {
  Circle circle(3, 1);
  Circle::Commit made = circle.create(LeafIndex{0});
  EXPECT_EQ(made.path().nodes.count(), 0u);
  EXPECT_TRUE(made.path().leaf_node.parent_hash.empty());
  EXPECT_EQ(made.secrets.commit_secret.size(), 32u);
  circle.adopt(made.draft);
  EXPECT_EQ(check_tree(circle.crypto, circle.tree, circle.memory), Error::none);
  shows("TREE-69");
}

TEST(UpdatePath, EncryptsNothingToNewLeaves) {
  Circle circle(4, 1);
  std::vector<Circle::NewMember> added;
  added.push_back(circle.new_member());
  const auto adds = [&](TreeDraft& draft) {
    for (const auto& made : added) ASSERT_TRUE(draft.add(decoded_leaf(made.leaf)).ok());
  };
  const Circle::Commit lone = circle.create(LeafIndex{0}, adds);
  ASSERT_EQ(lone.path().nodes.count(), 1u) << "the root stays on the path";
  EXPECT_EQ((*lone.path().nodes.begin()).encrypted_path_secret.count(), 0u);
  circle.commit(LeafIndex{0}, adds, &added);
  circle.check_keys();
  shows("TREE-08, TREE-28");

  // A new leaf beside old ones, and below a parent at which it is unmerged.
  for (const std::uint32_t members : {3u, 5u, 6u}) {
    Circle larger(members, members);
    for (std::uint32_t i = 0; i < members; ++i) larger.commit(LeafIndex{i});
    std::vector<Circle::NewMember> one;
    one.push_back(larger.new_member());
    const Circle::Commit made = larger.create(
        LeafIndex{0}, [&](TreeDraft& draft) { ASSERT_TRUE(draft.add(decoded_leaf(one[0].leaf)).ok()); });
    std::size_t step = 0;
    for (const UpdatePathNode& node : made.path().nodes) {
      const NodeIndex copath = made.draft.filtered_path(LeafIndex{0}).steps[step++].copath;
      std::size_t in_resolution = 0, is_new = 0;
      Resolution resolution(made.draft, copath);
      while (const auto element = resolution.next()) {
        ++in_resolution;
        if (is_leaf(*element) && made.draft.is_new(leaf_at(*element))) ++is_new;
      }
      EXPECT_EQ(node.encrypted_path_secret.count(), in_resolution - is_new);
    }
    Secret opened;
    for (const UpdatePathNode& node : made.path().nodes) {
      for (const HpkeCiphertext& sealed : node.encrypted_path_secret) {
        EXPECT_EQ(decrypt_with_label(
                      larger.crypto, {one[0].leaf_key, decoded_leaf(one[0].leaf).encryption_key},
                      "UpdatePathNode", larger.context, sealed.kem_output, sealed.ciphertext, opened),
                  Error::not_authentic);
      }
    }
  }
  shows("TREE-22");
}

TEST(UpdatePath, LeavesFilteredNodesBlank) {
  Circle circle(5, 8);
  circle.commit(LeafIndex{5});
  circle.commit(LeafIndex{0}, [](TreeDraft& draft) {
    for (const std::uint32_t gone : {1u, 2u, 3u}) ASSERT_EQ(draft.remove(LeafIndex{gone}), Error::none);
  });
  EXPECT_TRUE(circle.tree.is_blank(NodeIndex(1)));
  EXPECT_TRUE(circle.tree.is_blank(NodeIndex(3)));
  EXPECT_FALSE(circle.tree.is_blank(NodeIndex(7)));
  circle.check_keys();
  EXPECT_EQ(check_tree(circle.crypto, circle.tree, circle.memory), Error::none);

  // The whole left half goes: the root is filtered out, and the topmost node has an empty parent hash.
  circle.commit(LeafIndex{6}, [](TreeDraft& draft) { ASSERT_EQ(draft.remove(LeafIndex{0}), Error::none); });
  EXPECT_TRUE(circle.tree.is_blank(NodeIndex(7)));
  EXPECT_FALSE(circle.tree.is_blank(NodeIndex(11)));
  EXPECT_TRUE(circle.tree.parent(NodeIndex(11)).parent_hash.empty());
  circle.check_keys();
  EXPECT_EQ(check_tree(circle.crypto, circle.tree, circle.memory), Error::none);
  shows("TREE-07, TREE-17, TREE-18, TREE-40, TREE-44, KEYSCHED-09");
}

TEST(UpdatePath, LeavesNoSecretBehind) {
  Circle circle(6, 6);
  for (std::uint32_t i = 0; i < 6; ++i) circle.commit(LeafIndex{i});
  const Octets old_root_key = octets(circle.members.at(2).keys->copy(circle.tree.size().root()));
  const Octets old_leaf_key = octets(circle.members.at(4).keys->copy(LeafIndex{4}));
  ASSERT_TRUE(circle.secret_memory.holds(old_root_key));
  ASSERT_TRUE(circle.secret_memory.holds(old_leaf_key));
  std::vector<Octets> path_secrets;
  {
    Circle::Commit made = circle.create(LeafIndex{4});
    for (const Secret& secret : made.secrets.path_secrets) {
      if (!secret.empty()) path_secrets.push_back(octets(secret));
    }
  }
  circle.secret_memory.must_not_be_released(old_root_key);
  circle.commit(LeafIndex{4});
  EXPECT_FALSE(circle.secret_memory.holds(old_root_key));
  EXPECT_FALSE(circle.secret_memory.holds(old_leaf_key));
  EXPECT_FALSE(circle.memory.holds(old_root_key));
  for (const Octets& secret : path_secrets) {
    EXPECT_FALSE(circle.secret_memory.holds(secret));
    EXPECT_FALSE(circle.memory.holds(secret));
  }
  EXPECT_EQ(circle.secret_memory.released_secrets(), 0u);
  shows("TREE-32, TREE-33");
}

TEST(UpdatePath, MayChangeWhatTheLeafSays) {
  Circle circle(7, 5);
  Circle::Member& member = circle.members.at(2);
  Secret new_key;
  Octets new_public_key(32);
  ASSERT_EQ(circle.crypto.generate_signature_key_pair(new_key, new_public_key), Error::none);
  TreeDraft draft = circle.begin();
  PathKeys keys = circle.carried_over(member, draft);
  LeafNode fields = draft.leaf(LeafIndex{2});
  fields.signature_key = new_public_key;
  fields.credential.body = bytes_of("another name");
  const Octets capabilities = model::octets("\0\1"s);
  ASSERT_EQ(List<CredentialType>::parse(capabilities, fields.capabilities.credentials), Error::none);
  const Octets extension = model::number(1, 2) + model::vector(model::vector("application id"));
  ASSERT_EQ(Extensions::parse(extension, fields.extensions), Error::none);
  PathSecrets secrets;
  KeySigner signer(circle.crypto, new_key);
  ASSERT_EQ(create_update_path(circle.crypto, signer, fields, LeafIndex{2}, circle.group_id, circle.limits,
                               draft, keys, secrets),
            Error::none);
  Circle::Commit made{LeafIndex{2}, std::move(draft), std::move(keys), std::move(secrets), {}};
  circle.encrypt(made);
  TreeDraft received = circle.begin();
  ASSERT_EQ(circle.receive(made.path(), LeafIndex{2}, received), Error::none);
  EXPECT_EQ(check_changed_leaves(received, {}), Error::none);
  circle.adopt(received);
  EXPECT_TRUE(equal(circle.tree.signature_key(LeafIndex{2}), new_public_key));
  EXPECT_EQ(check_leaves(circle.crypto, circle.tree, {circle.group_id, {}, circle.limits}, circle.memory),
            Error::none);
  shows("TREE-21");
}

// As who joins by an external Commit does: its leaf comes with the path.
TEST(UpdatePath, MayBringItsLeaf) {
  for (const std::uint32_t members : {7u, 8u}) {
    Circle circle(members, members);
    for (std::uint32_t i = 0; i < members; ++i) circle.commit({i});
    TreeDraft draft = circle.begin();
    const LeafIndex own = draft.make_vacancy().value();
    EXPECT_EQ(own, LeafIndex{members});
    EXPECT_EQ(draft.members(), members);
    const Circle::NewMember joiner = circle.new_member();
    PathKeys keys(circle.crypto.suite(), circle.memory, circle.secret_memory);
    ASSERT_EQ(keys.start(own, secret_of(octets(joiner.leaf_key))), Error::none);
    PathSecrets secrets;
    KeySigner signer(circle.crypto, joiner.signing_key);
    ASSERT_EQ(create_update_path(circle.crypto, signer, decoded_leaf(joiner.leaf), own, circle.group_id,
                                 circle.limits, draft, keys, secrets),
              Error::none);
    Circle::Commit made{own, std::move(draft), std::move(keys), std::move(secrets), {}};
    circle.encrypt(made);
    TreeDraft received = circle.begin();
    ASSERT_EQ(received.make_vacancy().value(), own);
    ASSERT_EQ(circle.receive(made.path(), own, received), Error::none);
    EXPECT_TRUE(equal(received.tree_hash(), made.draft.tree_hash()));
    for (auto& [index, member] : circle.members) {
      PathKeys of_receiver = circle.carried_over(member, received);
      Secret commit_secret;
      ASSERT_EQ(circle.process(made.path(), own, received, of_receiver, commit_secret), Error::none);
      EXPECT_EQ(octets(commit_secret), octets(made.secrets.commit_secret));
    }
    circle.adopt(received);
    EXPECT_EQ(judge(circle, circle.tree), Error::none);
  }
}

// The fields of the new leaf are those of a leaf in the draft, which grows meanwhile.
TEST(UpdatePath, MayStartFromALeafOfTheDraft) {
  Circle circle(14, 8);
  for (std::uint32_t i = 0; i < 8; ++i) circle.commit({i});
  TreeDraft draft = circle.begin();
  const Circle::NewMember added = circle.new_member();
  const LeafIndex own = draft.add(decoded_leaf(added.leaf)).value();
  PathKeys keys(circle.crypto.suite(), circle.memory, circle.secret_memory);
  PathSecrets secrets;
  KeySigner signer(circle.crypto, added.signing_key);
  ASSERT_EQ(create_update_path(circle.crypto, signer, draft.leaf(own), own, circle.group_id, circle.limits,
                               draft, keys, secrets),
            Error::none);
  EXPECT_TRUE(equal(draft.signature_key(own), added.signature_key));
  circle.adopt(draft);
  EXPECT_EQ(judge(circle, circle.tree), Error::none);
}

TEST(UpdatePath, OwnUpdateIsTakenUpWhenItIsCommitted) {
  for (const bool covered : {true, false}) {
    Circle circle(8, 4);
    Circle::Member& member = circle.members.at(1);
    Circle::NewMember update = circle.new_member();
    const LeafNode leaf = decoded_leaf(update.leaf);
    const Octets update_key = octets(update.leaf_key);
    ASSERT_EQ(member.keys->add_update(circle.crypto, leaf.encryption_key, std::move(update.leaf_key)),
              Error::none);
    const Octets old_key = octets(member.keys->copy(LeafIndex{1}));
    circle.commit(LeafIndex{3}, [&](TreeDraft& draft) {
      if (covered) {
        ASSERT_EQ(draft.update(LeafIndex{1}, leaf), Error::none);
      }
    });
    EXPECT_EQ(octets(circle.members.at(1).keys->copy(LeafIndex{1})), covered ? update_key : old_key);
    EXPECT_EQ(circle.members.at(1).keys->updates(), 0u);
    EXPECT_EQ(circle.secret_memory.holds(old_key), !covered);
    EXPECT_EQ(circle.secret_memory.holds(update_key), covered);
    circle.check_keys();
  }
  shows("PROP-11");
}

// ---- what it costs: the calls of RFC 9420's algorithms, and none twice

TEST(UpdatePathCosts, WhatIsMandatory) {
  using adversary::Operation;
  for (const std::uint32_t depth : {1u, 3u, 5u}) {
    Circle circle(depth, 1u << depth);
    for (std::uint32_t i = 0; i < 1u << depth; ++i) circle.commit({i});
    adversary::Log log(true);
    adversary::Recorder recorder(log, circle.random);
    const auto count = [&](Operation operation) { return log.count(operation); };

    TreeDraft made(recorder, circle.tree, circle.memory, circle.limits);
    ASSERT_EQ(made.start(), Error::none);
    PathKeys keys = circle.carried_over(circle.members.at(0), made);
    PathSecrets secrets;
    KeySigner signer(recorder, circle.members.at(0).signing_key);
    ASSERT_EQ(create_update_path(recorder, signer, made.leaf({0}), {0}, circle.group_id, circle.limits, made,
                                 keys, secrets),
              Error::none);
    Octets encoding(update_path_size(recorder, made, {0}).value());
    ASSERT_TRUE(
        encrypt_update_path(recorder, made, {0}, secrets, circle.context, circle.secret_memory, encoding)
            .ok());
    EXPECT_EQ(count(Operation::sign), 1u);
    EXPECT_EQ(count(Operation::verify), 0u);
    EXPECT_EQ(count(Operation::derive_key_pair), depth + 1);
    EXPECT_EQ(count(Operation::encap), depth);
    EXPECT_EQ(count(Operation::x25519_base), 2 * depth + 1);
    EXPECT_EQ(count(Operation::x25519), depth);
    EXPECT_EQ(count(Operation::hash), 2 * depth + 1) << "parent hashes, and tree hashes of the path";

    log.clear();
    UpdatePath path;
    ASSERT_EQ(decode(encoding, path), Error::none);
    TreeDraft received(recorder, circle.tree, circle.memory, circle.limits);
    ASSERT_EQ(received.start(), Error::none);
    ASSERT_EQ(check_update_path(recorder, path, {0}, circle.group_id, circle.limits, received), Error::none);
    ASSERT_EQ(merge_update_path(recorder, path, {0}, received), Error::none);
    ASSERT_EQ(check_changed_leaves(received, {}), Error::none);
    const LeafIndex receiver{(1u << depth) - 1};
    PathKeys of_receiver = circle.carried_over(circle.members.at(receiver.value), received);
    NodeIndex node;
    Secret path_secret, commit_secret;
    ASSERT_EQ(
        decrypt_path_secret(recorder, path, {0}, received, of_receiver, circle.context, node, path_secret),
        Error::none);
    ASSERT_EQ(derive_path_keys(recorder, received, node, std::move(path_secret), of_receiver, commit_secret),
              Error::none);
    EXPECT_EQ(count(Operation::verify), 1u);
    EXPECT_EQ(count(Operation::decap), 1u);
    EXPECT_EQ(count(Operation::x25519), 1u);
    EXPECT_EQ(count(Operation::x25519_base), 1u);
    EXPECT_EQ(count(Operation::open), 1u);
    EXPECT_EQ(count(Operation::hash), 2 * depth + 1);
    EXPECT_EQ(received.rehash(), Error::none);
    EXPECT_EQ(count(Operation::hash), 2 * depth + 1) << "nothing has changed since";
  }
}

// ---- bytes, memory

TEST(UpdatePathBytes, TruncatedOrFlippedNeverCrash) {
  Circle circle(10, 5);
  const Octets genuine = circle.create(LeafIndex{1}).encoding;
  UpdatePath path;
  for (std::size_t size = 0; size < genuine.size(); ++size) {
    const Octets cut(genuine.begin(), genuine.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(decode(cut, path), Error::none);
  }
  for (std::size_t bit = 0; bit < 8 * genuine.size(); ++bit) {
    Octets changed = genuine;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    const Octets exact = changed;  // of exactly its size, for the sanitizer
    if (decode(exact, path) != Error::none) continue;
    TreeDraft draft = circle.begin();
    if (circle.receive(path, LeafIndex{1}, draft) != Error::none) continue;
    PathKeys keys = circle.carried_over(circle.members.at(4), draft);
    Secret commit_secret;
    static_cast<void>(circle.process(path, LeafIndex{1}, draft, keys, commit_secret));
  }
}

TEST(UpdatePathMemory, ThatIsFullLeavesEverythingAsItWas) {
  Circle circle(11, 6);
  for (std::uint32_t i = 0; i < 6; ++i) circle.commit(LeafIndex{i});
  const Circle::Commit made = circle.create(LeafIndex{2});
  const Octets tree_before = exported(circle.tree);
  const UpdatePath path = made.path();

  const auto attempt = [&]() -> Error {
    TreeDraft draft(circle.crypto, circle.tree, circle.memory, circle.limits);
    TRY(draft.start());
    TRY(circle.receive(path, LeafIndex{2}, draft));
    PathKeys keys(circle.crypto.suite(), circle.memory, circle.secret_memory);
    TRY(keys.carry_over(circle.crypto, *circle.members.at(5).keys, draft));
    Secret commit_secret;
    TRY(circle.process(path, LeafIndex{2}, draft, keys, commit_secret));
    TRY(draft.reserve());
    EXPECT_EQ(octets(commit_secret), octets(made.secrets.commit_secret));
    return Error::none;
  };
  for (TestMemory* memory : {&circle.memory, &circle.secret_memory}) {
    std::size_t failures = 0;
    for (;; ++failures) {
      const std::size_t live = memory->live();
      memory->fail_at(memory->calls() + failures);
      const Error error = attempt();
      memory->fail_at(SIZE_MAX);
      EXPECT_EQ(memory->live(), live);
      EXPECT_EQ(exported(circle.tree), tree_before);
      if (error == Error::none) break;
      ASSERT_EQ(error, Error::out_of_memory);
      EXPECT_EQ(attempt(), Error::none);
    }
    EXPECT_GT(failures, 0u);
    EXPECT_LE(failures, 4u * 3 + 32) << "allocations of a processed path";
  }
}

TEST(UpdatePathMemory, OutputThatIsTooSmallIsWiped) {
  Circle circle(12, 4);
  const Circle::Commit made = circle.create(LeafIndex{0});
  Octets room(made.encoding.size() - 1, 0xee);
  EXPECT_EQ(encrypt_update_path(circle.crypto, made.draft, LeafIndex{0}, made.secrets, circle.context,
                                circle.secret_memory, room)
                .error(),
            Error::output_too_small);
  for (const std::uint8_t octet : room) EXPECT_TRUE(octet == 0 || octet == 0xee);
}

TEST(UpdatePathMemory, FailingRandomnessGivesNoPath) {
  struct Failing final : Random {
    Error fill(MutableBytes out) noexcept override {
      if (left-- == 0) return Error::random_failed;
      for (std::uint8_t& octet : out) octet = static_cast<std::uint8_t>(++next);
      return Error::none;
    }
    int left = -1;
    int next = 0;
  };
  Circle circle(13, 4);
  Failing random;
  Sodium crypto(random);
  Circle::Member& member = circle.members.at(1);
  KeySigner signer(crypto, member.signing_key);
  for (int left = 0; left < 2; ++left) {
    random.left = left;
    TreeDraft draft = circle.begin();
    PathKeys keys = circle.carried_over(member, draft);
    PathSecrets secrets;
    EXPECT_EQ(create_update_path(crypto, signer, draft.leaf(LeafIndex{1}), LeafIndex{1}, circle.group_id,
                                 circle.limits, draft, keys, secrets),
              Error::random_failed);
  }
}

}  // namespace
}  // namespace tacet
