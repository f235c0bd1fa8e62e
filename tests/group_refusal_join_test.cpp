// Welcomes of an insider that break one rule, for whoever joins by the public verbs: there is no group,
// nothing is kept, and the KeyPackage serves for the honest Welcome. Nor does anybody join from outside by a
// GroupInfo that breaks it.

#include "hostile.h"
#include "spoiled.h"

namespace tacet {
namespace {

using adversary::Deviates;
using adversary::extended, adversary::flipped, adversary::inside, adversary::left_out;
using adversary::MadeCommit;
using adversary::replaced_at, adversary::replaced_by, adversary::shortened;

// What is changed on the way to a Welcome.
struct Invited {
  CommitPlan plan;
  std::function<void(MadeCommit&)> made;
  Deviates deviates;
  Octets apart;  // the tree
};

class BadWelcomeOfInsider : public HostileTest {
 protected:
  using Change = std::function<void(Invited&)>;

  void breaks(const char* ids, Error error, const Change& change, bool with_path = true) {
    Invited bad;
    bad.plan.proposals = add("joe");
    bad.plan.with_path = with_path;
    honest = commit_of(traitor, bad.plan);
    const Octets welcome = welcome_of(traitor, honest);
    change(bad);
    made = commit_of(traitor, bad.plan);
    if (bad.made) bad.made(made);
    deviates = bad.deviates;
    const Octets broken = welcome_of(traitor, made, bad.deviates);

    Member& joe = at("joe");
    const auto memory = joe.memory.contents(), secrets = joe.secret_memory.contents();
    const Octets reference = joe.reference;
    const Error seen = joe.join(broken, bad.apart);
    const bool equal = joe.memory.contents() == memory && joe.secret_memory.contents() == secrets &&
                       joe.reference == reference && !joe.group.is_active();
    EXPECT_TRUE(equal);
    joe.policy.in_group.clear();
    joe.policy.disbelieved.clear();
    const bool accepted =
        joe.join(welcome) == Error::none && joe.authenticator() == honest.epoch_authenticator;
    EXPECT_TRUE(accepted);
    evidence::refused(ids, error, seen, {.state_equal = equal, .genuine_accepted = accepted});
  }
  void breaks(const char* ids, Error error, Step step, const adversary::Change& change) {
    breaks(ids, error, [&](Invited& bad) { bad.deviates = {{step, change}}; });
  }
  // The GroupInfo that the last Welcome had.
  void breaks_outside_too(const char* ids, Error error) {
    Member kay("kay", random);
    equip(kay);
    kay.publish();
    const Octets external_pub = external_pub_of(traitor);
    const auto memory = kay.memory.contents(), secrets = kay.secret_memory.contents();
    kay.join_from_outside(group_info_of(traitor, made, external_pub, deviates));
    const Error seen = kay.error;
    const bool equal = kay.memory.contents() == memory && kay.secret_memory.contents() == secrets;
    EXPECT_TRUE(equal);
    kay.join_from_outside(group_info_of(traitor, honest, external_pub));
    EXPECT_EQ(kay.error, Error::none);
    evidence::refused(ids, error, seen, {.state_equal = equal, .genuine_accepted = kay.error == Error::none});
  }

  // A tree that breaks one rule and has all hashes and signatures that it takes, by a group in which nobody
  // is honest.
  void breaks_tree(const char* ids, Error error, const std::function<void(SpoiledTree&)>& defect) {
    Octets ratchet_tree, hash;
    breaks(
        ids, error,
        [&](Invited& bad) {
          bad.plan.tree = [&](TreeDraft& draft) {
            Octets honest(draft.export_size().value());
            adversary::must(draft.export_to(honest).error());
            SpoiledTree tree(traitor.crypto, model::octets("group"), honest,
                             [this](std::uint32_t leaf) -> const Secret& { return signing_key(leaf); });
            defect(tree);
            ratchet_tree = tree.encoding();
            hash = tree.tree().tree_hash();
            EXPECT_NE(ratchet_tree, honest);
          };
          bad.plan.context = [&](GroupContext& next) { next.tree_hash = hash; };
          bad.made = [&](MadeCommit& made) { made.ratchet_tree = ratchet_tree; };
        },
        false);
    if (error != Error::own_leaf_absent) breaks_outside_too("EXTCOMMIT-05", error);
  }
  const Secret& signing_key(std::uint32_t leaf) {
    const char* const names[] = {"ann", "new", "", "dan", "eve", "joe"};
    if (leaf == 2) return traitor.signing_key;
    return leaf == 6 ? accomplice.signing_key : at(names[leaf]).signing_key;
  }
  // Bytes of the tree that its hash does not show.
  void breaks_encoding(const char* ids, Error error, const adversary::Change& change) {
    breaks(ids, error, [&](Invited& bad) {
      bad.made = [&](MadeCommit& broken) { broken.ratchet_tree = change(broken.ratchet_tree); };
    });
    breaks_outside_too("EXTCOMMIT-05", error);
  }

  // Of the last Welcome.
  MadeCommit honest, made;
  Deviates deviates;
};

// ---- Welcome and GroupSecrets

TEST_F(BadWelcomeOfInsider, ForSomebodyElse) {
  breaks("WELCOME-09", Error::welcome_suite, Step::welcome_suite, replaced_by(model::number(1, 2)));
  breaks("WELCOME-08", Error::group_secrets_absent, Step::new_member, inside(flipped()));
  breaks("WELCOME-08", Error::group_secrets_absent, Step::secrets, inside(left_out()));
}

TEST_F(BadWelcomeOfInsider, WithSecretsThatDoNotOpen) {
  const Error error = Error::group_secrets_not_authentic;
  breaks("WELCOME-10", error, Step::encrypted_group_secrets, flipped());
  breaks("WELCOME-10", error, Step::welcome_context, flipped());
  breaks("WELCOME-25", error, [&](Invited& bad) {
    KeyPackage key_package;
    adversary::must(decode(Bytes(at("joe").key_package), key_package));
    const Octets leaf_key = model::octets(key_package.leaf_node.encryption_key);
    bad.deviates = {{Step::init_key, replaced_by(leaf_key)}};
  });
}

TEST_F(BadWelcomeOfInsider, WithAnotherPathSecret) {
  breaks("WELCOME-21", Error::path_key_mismatch, [&](Invited& bad) {
    bad.made = [&](MadeCommit& made) { made.joiners[0].path_secret = random_octets(32); };
  });
  // The right one for the node, but an upper node has another key.
  breaks("WELCOME-21", Error::path_key_mismatch, [&](Invited& bad) {
    bad.plan.keys = [&](OpenPath& path) { path.nodes[2].encryption_key = new_key(); };
  });
  breaks(
      "WELCOME-22", Error::path_secret_misplaced,
      [&](Invited& bad) {
        bad.plan.proposals = bad.plan.proposals + by_value(remove_of({6}));  // by which the root is blank
        bad.made = [&](MadeCommit& made) { made.joiners[0].path_secret = random_octets(32); };
      },
      false);
}

TEST_F(BadWelcomeOfInsider, WithPsksThatCannotBe) {
  traitor.psks.known["of some"] = model::octets("a psk of some");
  const auto with = [&](const std::vector<Octets>& psks) {
    return [&, psks](Invited& bad) {
      for (const auto& [name, psk] : traitor.psks.known) at("joe").psks.known.emplace(name, psk);
      at("joe").psks.known.erase("of some");
      for (const Octets& each : psks) bad.plan.proposals = bad.plan.proposals + by_value(each);
    };
  };
  breaks("PSK-15", Error::psk_unknown, with({psk("agreed"), psk("of some")}));
  breaks("PSK-18", Error::psk_nonce_length, with({psk("agreed", 31)}));
  breaks("PSK-18", Error::psk_nonce_length, with({psk("agreed", 0)}));
  breaks("PSK-16", Error::psk_successors,
         with({resumption(ResumptionPskUsage::reinit), resumption(ResumptionPskUsage::branch)}));
  breaks(
      "PSK-16", Error::psk_successors,
      with({resumption(ResumptionPskUsage::branch), psk("agreed"), resumption(ResumptionPskUsage::branch)}));
  breaks("BRANCH-08", Error::former_group_unknown, with({resumption(ResumptionPskUsage::branch)}));
  // Told in another order than they were used in.
  breaks("WELCOME-29", Error::group_info_not_authentic, [&](Invited& bad) {
    const Octets one = psk("agreed"), other = psk("agreed");
    bad.plan.proposals = bad.plan.proposals + by_value(one) + by_value(other);
    bad.made = [=](MadeCommit& made) {
      made.psks = Octets(other.begin() + 2, other.end()) + Octets(one.begin() + 2, one.end());
    };
  });
  breaks("WELCOME-31", Error::psk_type_unknown, Step::psks, replaced_by(model::vector(Octets{0, 0, 0})));
}

// ---- GroupInfo

TEST_F(BadWelcomeOfInsider, WithAGroupInfoThatDoesNotOpen) {
  breaks("WELCOME-29", Error::group_info_not_authentic, Step::encrypted_group_info, flipped());
  breaks("WELCOME-29", Error::group_info_not_authentic, Step::welcome_secret, flipped());
  breaks("WELCOME-29", Error::group_info_not_authentic, Step::joiner_secret, inside(flipped()));
}

TEST_F(BadWelcomeOfInsider, OfAnotherVersionOrSuite) {
  breaks("WELCOME-17", Error::group_info_version, [](Invited& bad) {
    bad.plan.context = [](GroupContext& next) { next.version = ProtocolVersion{2}; };
  });
  breaks_outside_too("", Error::group_info_version);
  breaks("WELCOME-16", Error::group_info_suite, [](Invited& bad) {
    bad.plan.context = [](GroupContext& next) { next.cipher_suite = CipherSuite{1}; };
  });
  breaks_outside_too("", Error::group_info_suite);
}

TEST_F(BadWelcomeOfInsider, SignedByNobody) {
  for (const std::uint32_t index : {7u, 8u, 1u << 31, UINT32_MAX}) {
    breaks("WELCOME-12", Error::group_info_signer_not_member, Step::signer,
           replaced_by(model::number(index, 4)));
    breaks_outside_too("EXTCOMMIT-03", Error::group_info_signer_not_member);
  }
  const auto breaks_signature = [&](const char* ids, Step step, const adversary::Change& change) {
    breaks(ids, Error::group_info_signature_invalid, step, change);
    breaks_outside_too("EXTCOMMIT-03", Error::group_info_signature_invalid);
  };
  breaks_signature("WELCOME-13", Step::signer, replaced_by(model::number(3, 4)));
  breaks_signature("WELCOME-13", Step::signing_key, replaced_by(octets(accomplice.signing_key)));
  breaks_signature("WELCOME-11", Step::signature, inside(flipped()));
  breaks_signature("WELCOME-11", Step::signature, inside(shortened()));
  breaks_signature("WELCOME-11", Step::signed_group_info, flipped());
}

TEST_F(BadWelcomeOfInsider, WithAnotherConfirmationTag) {
  const Error error = Error::confirmation_tag_invalid;
  breaks("WELCOME-23", error, Step::group_info_confirmation_tag, inside(flipped()));
  breaks("WELCOME-23, FRAME-55", error, Step::group_info_confirmation_tag, inside(left_out()));
  breaks("WELCOME-23, FRAME-55", error, Step::group_info_confirmation_tag, inside(shortened()));
  breaks("WELCOME-23, FRAME-55", error, Step::group_info_confirmation_tag, inside(extended()));
}

TEST_F(BadWelcomeOfInsider, WithExtensionsThatCannotBe) {
  const auto in_context = [](const Octets& list) {
    return [list](Invited& bad) {
      bad.plan.context = [list](GroupContext& next) {
        adversary::must(Extensions::parse(list, next.extensions));
      };
    };
  };
  const auto extension = [](unsigned type, const Octets& content) {
    return model::number(type, 2) + model::vector(content);
  };
  breaks("EXT-06", Error::extension_unsupported, in_context(extension(0xf00a, {})));
  breaks("GREASE-08", Error::extension_unsupported, in_context(extension(0x2a2a, {})));
  breaks("EXT-01", Error::extension_repeated, in_context(extension(0xf00e, {}) + extension(0xf00e, {})));
  breaks("EXT-08", Error::extension_misplaced, in_context(extension(4, {})));
  breaks("EXT-09", Error::extension_malformed, in_context(extension(3, {1})));
  const Octets demands = model::vector(model::number(0xf00a, 2)) + model::vector("") + model::vector("");
  breaks("LEAF-20", Error::required_capability_missing, in_context(extension(3, demands)));
}

// ---- the application's say

TEST_F(BadWelcomeOfInsider, OfAGroupThatIsKnown) {
  breaks("WELCOME-15", Error::group_known,
         [&](Invited&) { at("joe").policy.in_group = model::octets("group"); });
}

TEST_F(BadWelcomeOfInsider, WithAMemberWhomNobodyBelieves) {
  for (const std::uint32_t leaf : {0, 1, 2, 3, 4, 6}) {
    breaks("CRED-07", Error::credential_refused, [&](Invited&) {
      at("joe").policy.disbelieved =
          model::octets(traitor.epoch->state.tree().signature_key(LeafIndex{leaf}));
    });
  }
}

// ---- the tree

TEST_F(BadWelcomeOfInsider, WithoutItsTree) {
  breaks("WELCOME-26", Error::tree_absent, Step::group_info_extensions, replaced_by({0}));
  const Octets hash = random_octets(32);
  breaks("TREE-56, TREE-63", Error::tree_hash_mismatch,
         [&](Invited& bad) { bad.plan.context = [&](GroupContext& next) { next.tree_hash = hash; }; });
  breaks_outside_too("EXTCOMMIT-05", Error::tree_hash_mismatch);
  breaks("TREE-63", Error::tree_hash_mismatch, [&](Invited& bad) { bad.apart = at("ann").tree(); });
  breaks_encoding("TREE-63", Error::tree_hash_mismatch, flipped());
}

TEST_F(BadWelcomeOfInsider, WithATreeThatIsNone) {
  const auto nodes = [](const Octets& more) { return inside(extended(more)); };
  breaks_encoding("TREE-59", Error::tree_trailing_blank, nodes({0}));
  breaks_encoding("TREE-59", Error::tree_trailing_blank, nodes({0, 0}));
  breaks_encoding("CODEC-17", Error::node_type_unknown, nodes({1, 3}));
  breaks_encoding("CODEC-01", Error::optional_presence, nodes({2}));
  breaks_encoding("CODEC-24", Error::tree_empty, inside(left_out()));
  // A root above the root, with nothing to its right.
  const Octets root = Octets{1, 2} + model::vector(new_key()) + model::vector("") + model::vector("");
  breaks_encoding("TREE-61", Error::tree_overwide, nodes(Octets{0, 0} + root));
  // A leaf where a parent stands, and the other way round.
  const Octets parent = {1, 2, 0, 0, 0};
  breaks_encoding("CODEC-23", Error::node_misplaced,
                  inside([&](const Octets& rest) { return parent + rest; }));
}

TEST_F(BadWelcomeOfInsider, WithoutTheLeafOfItsJoiner) {
  breaks("WELCOME-18", Error::own_leaf_absent, [&](Invited& bad) {
    const MadeCommit honest = commit_of(traitor, bad.plan);
    bad.plan.proposals = add("kim");
    bad.made = [=](MadeCommit& made) { made.joiners = honest.joiners; };
  });
  breaks_tree("WELCOME-18", Error::own_leaf_absent,
              [](SpoiledTree& tree) { tree.leaf(5, [](LeafNode& leaf) { ++leaf.lifetime.not_after; }); });
}

TEST_F(BadWelcomeOfInsider, WithUnmergedLeavesThatCannotBe) {
  const auto at_root = [](const std::vector<std::uint32_t>& leaves) {
    return [leaves](SpoiledTree& tree) { tree.parent(7).unmerged_leaves = leaves; };
  };
  breaks_tree("TREE-12", Error::unmerged_not_sorted, at_root({5, 1}));
  breaks_tree("TREE-13", Error::unmerged_not_sorted, at_root({1, 1, 5}));
  breaks_tree("TREE-53", Error::unmerged_not_below, at_root({1, 5, 8}));
  breaks_tree("TREE-53", Error::unmerged_not_below, at_root({1, 5, UINT32_MAX}));
  breaks_tree("TREE-53", Error::unmerged_not_below, [](SpoiledTree& tree) {
    tree.parent(3).unmerged_leaves = {1, 5};
  });
  breaks_tree("TREE-52", Error::unmerged_blank, [](SpoiledTree& tree) {
    tree.parent(11).unmerged_leaves = {5, 7};
    tree.parent(7).unmerged_leaves = {1, 5, 7};
  });
  breaks_tree("TREE-54", Error::unmerged_not_between, [](SpoiledTree& tree) {
    tree.parent(11).unmerged_leaves = {};
    tree.refit(4, 7);
  });
  breaks_tree("TREE-47", Error::parent_hash_invalid, at_root({1}));
}

TEST_F(BadWelcomeOfInsider, WithParentsThatNobodySigned) {
  for (const std::uint32_t node : {3, 5, 7, 11}) {
    breaks_tree("TREE-45", Error::parent_hash_invalid,
                [&](SpoiledTree& tree) { tree.parent(node).encryption_key[0] ^= 1; });
  }
  for (const std::uint32_t node : {3, 5, 11}) {
    breaks_tree("TREE-46", Error::parent_hash_invalid,
                [&](SpoiledTree& tree) { tree.parent(node).parent_hash[31] ^= 1; });
    breaks_tree("TREE-46", Error::parent_hash_invalid,
                [&](SpoiledTree& tree) { tree.parent(node).parent_hash = {}; });
  }
  breaks_tree("TREE-46", Error::parent_hash_invalid,
              [&](SpoiledTree& tree) { tree.parent(7).parent_hash = Octets(32, 1); });
  breaks_tree("TREE-48", Error::parent_hash_invalid, [](SpoiledTree& tree) {
    tree.leaf(4, [](LeafNode& leaf) { leaf.source = LeafNodeSource::update; });
  });
  breaks_tree("TREE-46", Error::parent_hash_invalid,
              [](SpoiledTree& tree) { tree.leaf(3, [](LeafNode& leaf) { leaf.parent_hash = {}; }); });
}

TEST_F(BadWelcomeOfInsider, WithAKeyTwice) {
  breaks_tree("TREE-55", Error::parent_key_repeated, [](SpoiledTree& tree) {
    tree.parent(5).encryption_key = tree.parent(11).encryption_key;
    tree.refit(3, 5);
    tree.refit(0, 3);
  });
  breaks_tree("TREE-55", Error::parent_key_repeated, [](SpoiledTree& tree) {
    tree.parent(11).encryption_key = tree.tree().leaf_node(1).encryption_key;
    tree.refit(4, 7);
  });
  Octets other;
  const auto with_key_of = [&](std::uint32_t leaf, Bytes LeafNode::*key) {
    return [&, leaf, key](SpoiledTree& tree) {
      tree.leaf(6, [&](LeafNode& changed) {
        other = model::octets(traitor.epoch->state.tree().leaf({leaf}).*key);
        changed.*key = other;
      });
      tree.refit(4, 7);
    };
  };
  for (const std::uint32_t leaf : {0, 1, 4}) {
    breaks_tree("LEAF-34, TREE-57", Error::encryption_key_repeated,
                with_key_of(leaf, &LeafNode::encryption_key));
  }
}

TEST_F(BadWelcomeOfInsider, WithABadLeaf) {
  const auto breaks_leaf = [&](Error error, const std::function<void(LeafNode&)>& change) {
    breaks_tree("LEAF-36", error, [&](SpoiledTree& tree) {
      tree.leaf(6, change);
      tree.refit(4, 7);
    });
  };
  static const Octets other_suite = model::number(1, 2), basic = model::number(1, 2),
                      unlisted = model::number(0xf00a, 2) + model::vector("data");
  breaks_leaf(Error::suite_unlisted, [](LeafNode& leaf) {
    adversary::must(List<CipherSuite>::parse(other_suite, leaf.capabilities.cipher_suites));
  });
  breaks_leaf(Error::version_unlisted, [](LeafNode& leaf) { leaf.capabilities.versions = {}; });
  breaks_leaf(Error::credential_unlisted, [](LeafNode& leaf) { leaf.capabilities.credentials = {}; });
  breaks_leaf(Error::extension_unlisted,
              [](LeafNode& leaf) { adversary::must(Extensions::parse(unlisted, leaf.extensions)); });
  breaks_leaf(Error::required_capability_missing, [](LeafNode& leaf) { leaf.capabilities.proposals = {}; });
  breaks_leaf(Error::required_capability_missing, [](LeafNode& leaf) {
    adversary::must(List<CredentialType>::parse(basic, leaf.capabilities.credentials));
  });
  breaks_leaf(Error::lifetime_reversed, [](LeafNode& leaf) { leaf.lifetime = {2000, 1000}; });
  breaks_leaf(Error::kem_public_key_length,
              [](LeafNode& leaf) { leaf.encryption_key = leaf.encryption_key.first(31); });
  breaks_tree("LEAF-36", Error::signature_invalid, [](SpoiledTree& tree) {
    Octets encoding = tree.tree().leaf_node(6).encoding;
    encoding.back() ^= 1;
    tree.tree().set_leaf(6, *model::LeafNode::parse(encoding));
    tree.refit(4, 7);
  });
}

}  // namespace
}  // namespace tacet
