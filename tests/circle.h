#pragma once

// Endpoints that share one ratchet tree and change it by update paths, without the rest of a group: for tests
// of paths and of whole trees with true keys and signatures.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>

#include "memories.h"
#include "protocol/update_path.h"
#include "trees.h"

namespace tacet {

class Circle {
 public:
  struct Member {
    Secret signing_key;
    model::Octets signature_key;
    std::optional<PathKeys> keys;
  };

  // A path as its committer made it, in a draft that was not adopted yet.
  struct Commit {
    LeafIndex sender;
    TreeDraft draft;
    PathKeys keys;
    PathSecrets secrets;
    model::Octets encoding;

    UpdatePath path() const {
      UpdatePath decoded;
      EXPECT_EQ(decode(encoding, decoded), Error::none);
      return decoded;
    }
  };

  using Changes = std::function<void(TreeDraft&)>;

  Circle(std::uint64_t seed, std::uint32_t members) : random(seed) {
    const NewMember first = new_member();
    EXPECT_EQ(tree.start(crypto, first.leaf), Error::none);
    settle(LeafIndex{0}, first);
    TreeDraft draft = begin();
    std::vector<NewMember> others;
    for (std::uint32_t i = 1; i < members; ++i) {
      others.push_back(new_member());
      EXPECT_EQ(draft.add(decoded_leaf(others.back().leaf)).value(), LeafIndex{i});
    }
    adopt(draft);
    for (std::uint32_t i = 1; i < members; ++i) settle(LeafIndex{i}, others[i - 1]);
  }
  Circle(const Circle&) = delete;  // its parts refer to each other
  Circle& operator=(const Circle&) = delete;

  struct NewMember {
    Secret signing_key, leaf_key;
    model::Octets signature_key, leaf;
  };
  NewMember new_member(std::span<const CredentialType> credentials = just_basic,
                       Credential credential = {CredentialType::basic, bytes_of("somebody")}) {
    NewMember made;
    made.signature_key.resize(32);
    EXPECT_EQ(crypto.generate_signature_key_pair(made.signing_key, made.signature_key), Error::none);
    KeySigner signer(crypto, made.signing_key);
    NewKeyPackage wanted;
    wanted.signature_key = made.signature_key;
    wanted.credential = credential;
    const CipherSuite suites[] = {crypto.suite().suite};
    wanted.supported = {suites, {}, {}, credentials};
    wanted.lifetime = {1000, 2000};
    const KeyPackageRoom room = key_package_room(wanted);
    model::Octets work(room.work), out(room.out);
    KeyPackageKeys keys;
    const Result<Bytes> encoded = create_key_package(crypto, signer, wanted, limits, work, out, keys);
    EXPECT_TRUE(encoded.ok());
    KeyPackage key_package;
    EXPECT_EQ(decode(encoded.value(), key_package), Error::none);
    made.leaf = model::octets(key_package.leaf_node.encoded);
    made.leaf_key = std::move(keys.encryption_key);
    return made;
  }

  TreeDraft begin() {
    TreeDraft draft(crypto, tree, memory, limits);
    EXPECT_EQ(draft.start(), Error::none);
    return draft;
  }
  // With no path: members who were removed go, and new ones have no key but their leaf's.
  void adopt(TreeDraft& draft, std::vector<NewMember>* added = nullptr) {
    EXPECT_EQ(draft.rehash(), Error::none);
    EXPECT_EQ(draft.reserve(), Error::none);
    std::erase_if(members, [&](const auto& entry) { return draft.is_blank(LeafIndex{entry.first}); });
    for (std::uint32_t index = 0, i = 0; added != nullptr && index < draft.size().leaves(); ++index) {
      if (draft.is_new({index})) settle({index}, (*added)[i++]);
    }
    draft.adopt(tree);
  }

  PathKeys carried_over(const Member& member, const TreeDraft& draft) {
    PathKeys keys(crypto.suite(), memory, secret_memory);
    EXPECT_EQ(keys.carry_over(crypto, *member.keys, draft), Error::none);
    return keys;
  }

  // The committer's side: changes, then a path.
  Commit create(LeafIndex sender, const Changes& changes = nothing) {
    TreeDraft draft = begin();
    changes(draft);
    Member& member = members.at(sender.value);
    PathKeys keys = carried_over(member, draft);
    PathSecrets secrets;
    KeySigner signer(crypto, member.signing_key);
    EXPECT_EQ(create_update_path(crypto, signer, draft.leaf(sender), sender, group_id, limits, draft, keys,
                                 secrets),
              Error::none);
    Commit commit{sender, std::move(draft), std::move(keys), std::move(secrets), {}};
    encrypt(commit);
    return commit;
  }
  void encrypt(Commit& commit) {
    const std::size_t size = update_path_size(crypto, commit.draft, commit.sender).value();
    commit.encoding.assign(size, 0);
    const Result<Bytes> encoded = encrypt_update_path(crypto, commit.draft, commit.sender, commit.secrets,
                                                      context, secret_memory, commit.encoding);
    ASSERT_TRUE(encoded.ok());
    ASSERT_EQ(encoded.value().size(), size);
  }

  // A receiver's side, on a draft of its own.
  Error receive(const UpdatePath& path, LeafIndex sender, TreeDraft& draft) {
    TRY(check_update_path(crypto, path, sender, group_id, limits, draft));
    return merge_update_path(crypto, path, sender, draft);
  }
  Error process(const UpdatePath& path, LeafIndex sender, const TreeDraft& draft, PathKeys& keys,
                Secret& commit_secret) {
    NodeIndex node;
    Secret path_secret;
    TRY(decrypt_path_secret(crypto, path, sender, draft, keys, context, node, path_secret));
    return derive_path_keys(crypto, draft, node, std::move(path_secret), keys, commit_secret);
  }

  // All of it: everybody processes, new members get the path secret that a Welcome would bring, and the
  // commit secrets are compared.
  void commit(LeafIndex sender, const Changes& changes = nothing, std::vector<NewMember>* added = nullptr) {
    Commit made = create(sender, changes);
    TreeDraft draft = begin();
    changes(draft);
    ASSERT_EQ(receive(made.path(), sender, draft), Error::none);
    ASSERT_TRUE(equal(draft.tree_hash(), made.draft.tree_hash()));
    std::map<std::uint32_t, Member> next;
    for (auto& [index, member] : members) {
      if (draft.is_blank(LeafIndex{index}) || draft.is_new(LeafIndex{index})) continue;
      Member& kept = next[index];
      kept.signing_key = std::move(member.signing_key);
      kept.signature_key = member.signature_key;
      if (LeafIndex{index} == sender) {
        kept.keys.emplace(std::move(made.keys));
        continue;
      }
      kept.keys.emplace(carried_over(member, draft));
      Secret commit_secret;
      ASSERT_EQ(process(made.path(), sender, draft, *kept.keys, commit_secret), Error::none);
      EXPECT_EQ(octets(commit_secret), octets(made.secrets.commit_secret));
    }
    members = std::move(next);
    std::size_t i = 0;
    for (std::uint32_t index = 0; added != nullptr && index < draft.size().leaves(); ++index) {
      if (!draft.is_new(LeafIndex{index})) continue;
      settle(LeafIndex{index}, (*added)[i++]);
      welcome(LeafIndex{index}, made, draft);
    }
    adopt(draft);
  }

  // Every key that is held fits the public key in the tree.
  void check_keys() {
    for (const auto& [index, member] : members) {
      std::size_t held = 0;
      for (unsigned height = 0; height <= tree.size().depth(); ++height) {
        const NodeIndex node = ancestor_at({index}, height);
        if (!member.keys->holds(node)) continue;
        ++held;
        std::uint8_t public_key[32];
        ASSERT_EQ(crypto.kem_public_key(member.keys->copy(node), public_key), Error::none);
        EXPECT_TRUE(equal(public_key, tree.encryption_key(node)));
        EXPECT_FALSE(height > 0 && tree.unmerged_leaves(node).contains({index}));
      }
      EXPECT_EQ(member.keys->size(), held) << "keys of nodes that are not on its path";
    }
  }

  static void nothing(TreeDraft&) {}
  static constexpr CredentialType just_basic[] = {CredentialType::basic};

  adversary::SeededRandom random;
  Sodium crypto{random};
  WholeCredential identity;
  TestMemory memory, secret_memory;
  Limits limits;
  RatchetTree tree{memory, identity};
  std::map<std::uint32_t, Member> members;
  model::Octets group_id = model::octets("circle");
  model::Octets context = model::octets("the provisional GroupContext");

 private:
  void settle(LeafIndex index, const NewMember& made) {
    Member& member = members[index.value];
    member.signing_key = secret_of(octets(made.signing_key));
    member.signature_key = made.signature_key;
    member.keys.emplace(crypto.suite(), memory, secret_memory);
    EXPECT_EQ(member.keys->start(index, secret_of(octets(made.leaf_key))), Error::none);
  }
  void welcome(LeafIndex index, const Commit& made, const TreeDraft& draft) {
    const FilteredPath path = draft.filtered_path(made.sender);
    for (std::size_t i = 0; i < path.size; ++i) {
      if (!in_subtree(index, path.steps[i].node)) continue;
      Secret commit_secret;
      ASSERT_EQ(
          derive_path_keys(crypto, draft, path.steps[i].node, secret_of(octets(made.secrets.path_secrets[i])),
                           *members.at(index.value).keys, commit_secret),
          Error::none);
      EXPECT_EQ(octets(commit_secret), octets(made.secrets.commit_secret));
      return;
    }
  }
};

}  // namespace tacet
