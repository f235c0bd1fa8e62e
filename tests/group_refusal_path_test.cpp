// Commits of an insider whose path breaks one rule: each member whom it concerns refuses it and stays as it
// is, and nobody else can know.

#include "hostile.h"

namespace tacet {
namespace {

class BadPathOfInsider : public HostileTest {
 protected:
  // Every ciphertext of the path of one and of the other traitor, and who opens it.
  struct Place {
    Endpoint* committer;
    std::size_t step, position;
    Names victims;

    adversary::Envelope& in(OpenPath& path) const { return path.nodes[step].envelopes[position]; }
  };
  const std::vector<Place> places = {
      {&traitor, 0, 0, {"dan"}},    {&traitor, 1, 0, {"ann"}},    {&traitor, 1, 1, {"new"}},
      {&traitor, 2, 0, {"eve"}},    {&accomplice, 0, 0, {"eve"}}, {&accomplice, 1, 0, {"ann", "dan"}},
      {&accomplice, 1, 1, {"new"}},
  };
  // Who opens the path secret at that step, or at one below it, and so sees the keys from there on.
  Names seeing(std::size_t step) {
    Names names;
    for (const Place& place : places) {
      if (place.committer != committer || place.step > step) continue;
      names.insert(names.end(), place.victims.begin(), place.victims.end());
    }
    return names;
  }

  Octets key_of(NodeIndex node) { return model::octets(traitor.epoch->state.tree().encryption_key(node)); }
};

TEST_F(BadPathOfInsider, HasTheTreeThatIsMeant) {
  const TreeView& tree = at("ann").group.state().tree();
  EXPECT_EQ(tree.members(), 6u);
  for (const std::uint32_t blank : {1, 9, 10, 13, 14}) EXPECT_TRUE(tree.is_blank(NodeIndex(blank)));
  for (const std::uint32_t node : {3, 7})
    EXPECT_TRUE(tree.unmerged_leaves(NodeIndex(node)).contains(unmerged));
  const FilteredPath path = tree.filtered_path(LeafIndex{2});
  ASSERT_EQ(path.size, 3u);
  EXPECT_EQ(path.steps[1].copath, NodeIndex(1));
}

// ---- its length

TEST_F(BadPathOfInsider, WithAnotherNumberOfNodes) {
  breaks("TREE-24", Error::path_length, keys([](OpenPath& path) { path.nodes.pop_back(); }));
  breaks("TREE-24", Error::path_length, keys([](OpenPath& path) { path.nodes.clear(); }));
  breaks("TREE-24", Error::path_length, keys([&](OpenPath& path) {
           path.nodes.push_back({{}, random_octets(32), new_key(), {}});
         }));
  // Not filtered: with the parent of a blank leaf.
  committer = &accomplice;
  breaks("TREE-24", Error::path_length, keys([&](OpenPath& path) {
           const OpenPathNode needless = {{NodeIndex(13), NodeIndex(14)}, random_octets(32), new_key(), {}};
           path.nodes.insert(path.nodes.begin(), needless);
         }));
}

TEST_F(BadPathOfInsider, WithAnotherNumberOfCiphertexts) {
  for (std::size_t step = 0; step < 3; ++step) {
    breaks("TREE-23", Error::path_ciphertext_count,
           sealed([&](OpenPath& path) { path.nodes[step].envelopes.pop_back(); }));
    breaks("TREE-23", Error::path_ciphertext_count, sealed([&](OpenPath& path) {
             path.nodes[step].envelopes.push_back(path.nodes[step].envelopes[0]);
           }));
  }
  // To a leaf that is new.
  breaks("TREE-23", Error::path_ciphertext_count, [&](CommitPlan& plan) {
    plan.proposals = add("joe");
    plan.unsealed = [&](OpenPath& path) {
      path.nodes[2].envelopes.push_back({new_key(), path.nodes[2].path_secret, {}, {}});
    };
  });
  // Without one to a leaf that is unmerged.
  committer = &accomplice;
  breaks("TREE-23", Error::path_ciphertext_count, sealed([](OpenPath& path) {
           ASSERT_EQ(path.nodes[1].envelopes.size(), 2u);
           path.nodes[1].envelopes.pop_back();
         }));
}

// ---- its public keys

// The path secrets are right, and one public key is not what follows from them. Whoever can derive that key
// sees it, whether it stands where the path secret is opened or above.
TEST_F(BadPathOfInsider, WithAPublicKeyThatIsNotTheDerivedOne) {
  for (Endpoint* const each : {&traitor, &accomplice}) {
    committer = each;
    for (std::size_t step = 0; step < (each == &traitor ? 3 : 2); ++step) {
      breaks("TREE-30", Error::path_key_mismatch,
             keys([&](OpenPath& path) { path.nodes[step].encryption_key = new_key(); }), seeing(step));
    }
  }
  committer = &traitor;
  // Two at once, by which the higher one would be that of another path secret.
  breaks("TREE-30", Error::path_key_mismatch,
         keys([](OpenPath& path) { std::swap(path.nodes[1].encryption_key, path.nodes[2].encryption_key); }));
}

TEST_F(BadPathOfInsider, WithAnotherPathSecretForOneRecipient) {
  for (const Place& place : places) {
    committer = place.committer;
    const auto tells = [&](const std::function<Octets(const OpenPath&)>& what) {
      return unsealed([&, what](OpenPath& path) { place.in(path).path_secret = what(path); });
    };
    const auto breaks_for = [&](const std::function<Octets(const OpenPath&)>& what) {
      breaks("TREE-30", Error::path_key_mismatch, tells(what), place.victims);
    };
    breaks_for([&](const OpenPath&) { return random_octets(32); });
    breaks_for(
        [&](const OpenPath& path) { return path.nodes[(place.step + 1) % path.nodes.size()].path_secret; });
    breaks_for([&](const OpenPath&) { return random_octets(16); });
  }
}

TEST_F(BadPathOfInsider, WithAKeyOfTheTree) {
  const NodeIndex nodes[] = {LeafIndex{2}, LeafIndex{4}, LeafIndex{6},
                             NodeIndex(3), NodeIndex(7), NodeIndex(11)};
  for (const NodeIndex node : nodes) {
    for (std::size_t step = 0; step < 3; ++step) {
      breaks("COMMIT-29", Error::path_key_in_tree,
             keys([&](OpenPath& path) { path.nodes[step].encryption_key = key_of(node); }));
    }
  }
  // Of a member who comes by the same Commit.
  breaks("COMMIT-29", Error::path_key_in_tree, [&](CommitPlan& plan) {
    plan.proposals = add("joe");
    KeyPackage key_package;
    adversary::must(decode(Bytes(at("joe").key_package), key_package));
    const Octets key = model::octets(key_package.leaf_node.encryption_key);
    plan.keys = [key](OpenPath& path) { path.nodes[1].encryption_key = key; };
  });
  for (const NodeIndex node : {NodeIndex(LeafIndex{0}), NodeIndex(3), NodeIndex(11)}) {
    breaks("COMMIT-29", Error::path_key_in_tree, leaf([&](OpenLeaf& leaf) {
             leaf.fields.encryption_key = traitor.epoch->state.tree().encryption_key(node);
           }));
  }
}

TEST_F(BadPathOfInsider, WithAKeyTwice) {
  for (const auto& pair : {std::pair(0, 1), std::pair(0, 2), std::pair(1, 2)}) {
    breaks("COMMIT-30", Error::path_key_repeated, keys([&](OpenPath& path) {
             path.nodes[pair.second].encryption_key = path.nodes[pair.first].encryption_key;
           }));
  }
  for (std::size_t step = 0; step < 3; ++step) {
    Octets key;
    breaks("COMMIT-30", Error::path_key_repeated, [&](CommitPlan& plan) {
      plan.keys = [&](OpenPath& path) { key = path.nodes[step].encryption_key; };
      plan.leaf = [&](OpenLeaf& leaf) { leaf.fields.encryption_key = key; };
    });
  }
}

TEST_F(BadPathOfInsider, WithTheLeafKeyThatItReplaces) {
  breaks("COMMIT-28, LEAF-31", Error::encryption_key_unchanged, leaf([&](OpenLeaf& leaf) {
           leaf.fields.encryption_key = traitor.epoch->state.tree().encryption_key(LeafIndex{2});
         }));
}

TEST_F(BadPathOfInsider, WithAKeyOfAnotherLength) {
  breaks("", Error::kem_public_key_length,
         keys([](OpenPath& path) { path.nodes[1].encryption_key.push_back(0); }));
  breaks("", Error::kem_public_key_length,
         keys([](OpenPath& path) { path.nodes[1].encryption_key.clear(); }));
}

// ---- its parent hashes

TEST_F(BadPathOfInsider, WithAnotherParentHash) {
  Octets wrong;
  const auto with = [&](const std::function<Octets(Octets)>& change) {
    return leaf([&, change](OpenLeaf& leaf) {
      wrong = change(model::octets(leaf.fields.parent_hash));
      leaf.fields.parent_hash = wrong;
    });
  };
  const auto breaks_with = [&](const std::function<Octets(Octets)>& change) {
    breaks("TREE-29, TREE-50", Error::path_parent_hash, with(change));
  };
  breaks_with(adversary::flipped());
  breaks_with(adversary::shortened());
  breaks_with(adversary::extended());
  breaks_with(adversary::left_out());
  breaks_with(adversary::replaced_by(model::octets(traitor.epoch->state.tree().tree_hash())));
}

// Made as if the proposals had not been applied.
TEST_F(BadPathOfInsider, WithTheParentHashOfTheTreeBefore) {
  Octets wrong;
  breaks("TREE-50", Error::path_parent_hash, [&](CommitPlan& plan) {
    plan.keys = [&](OpenPath& path) {
      const RatchetTree& tree = traitor.epoch->state.tree();
      wrong.clear();
      for (std::size_t i = path.nodes.size(); i-- > 0;) {
        Digest hash;
        adversary::must(
            parent_hash(traitor.crypto,
                        {path.nodes[i].encryption_key, wrong, tree.hash(path.nodes[i].step.copath)}, hash));
        wrong = model::octets(hash);
      }
    };
    plan.proposals = by_value(remove_of({6}));
    plan.leaf = [&](OpenLeaf& leaf) { leaf.fields.parent_hash = wrong; };
  });
}

// ---- its ciphertexts

TEST_F(BadPathOfInsider, WithACiphertextThatOneRecipientCannotOpen) {
  for (const Place& place : places) {
    committer = place.committer;
    const auto breaks_for = [&](const char* ids, Error error,
                                const std::function<void(adversary::Envelope&)>& change) {
      breaks(ids, error, sealed([&](OpenPath& path) { change(place.in(path)); }), place.victims);
    };
    breaks_for("CRYPTO-13", Error::not_authentic, [](auto& envelope) { envelope.ciphertext[3] ^= 1; });
    breaks_for("CRYPTO-13", Error::not_authentic, [](auto& envelope) { envelope.ciphertext.clear(); });
    breaks_for("CRYPTO-13", Error::not_authentic, [](auto& envelope) { envelope.kem_output[3] ^= 1; });
    breaks_for("CRYPTO-03", Error::kem_output_length, [](auto& envelope) { envelope.kem_output.pop_back(); });
    breaks_for("CRYPTO-24", Error::kem_low_order, [](auto& envelope) { envelope.kem_output = Octets(32); });
    // To a key that is not the recipient's.
    breaks("COMMIT-32", Error::not_authentic,
           unsealed([&](OpenPath& path) { place.in(path).public_key = new_key(); }), place.victims);
  }
  // To the leaf where the parent has a key.
  committer = &traitor;
  breaks("COMMIT-32", Error::not_authentic,
         unsealed([&](OpenPath& path) { path.nodes[2].envelopes[0].public_key = key_of(LeafIndex{4}); }),
         {"eve"});
}

TEST_F(BadPathOfInsider, WithCiphertextsInAnotherOrder) {
  breaks("COMMIT-32, TREE-26", Error::not_authentic,
         sealed([](OpenPath& path) { std::swap(path.nodes[1].envelopes[0], path.nodes[1].envelopes[1]); }),
         {"ann", "new"});
}

TEST_F(BadPathOfInsider, WithCiphertextsOfAnotherGroupContext) {
  breaks("", Error::not_authentic, unsealed([&](OpenPath& path) {
           path.context = model::octets(traitor.epoch->state.group_context());
         }));
  const auto breaks_with = [&](const std::function<void(GroupContext&)>& change) {
    breaks("", Error::not_authentic, [&](CommitPlan& plan) { plan.context = change; });
  };
  const Octets hash = random_octets(32);
  breaks_with([](GroupContext& next) { ++next.epoch; });
  breaks_with([&](GroupContext& next) { next.tree_hash = hash; });
  breaks_with([&](GroupContext& next) { next.confirmed_transcript_hash = hash; });
  breaks_with([](GroupContext& next) { next.extensions = {}; });
}

// ---- what it leads to

TEST_F(BadPathOfInsider, WithAnotherKeyScheduleThanItsOwn) {
  for (Octets OpenSecrets::*const one :
       {&OpenSecrets::init_secret, &OpenSecrets::commit_secret, &OpenSecrets::psk_secret}) {
    breaks("FRAME-25", Error::confirmation_tag_invalid,
           secrets([&](OpenSecrets& from) { (from.*one)[0] ^= 1; }));
    breaks("FRAME-25", Error::confirmation_tag_invalid, [&](CommitPlan& plan) {
      plan.with_path = false;
      plan.proposals = by_value(psk("agreed"));
      plan.secrets = [&](OpenSecrets& from) { from.*one = random_octets(32); };
    });
  }
}

TEST_F(BadPathOfInsider, ThatIsNotThereThoughItIsRequired) {
  const auto breaks_without = [&](const char* ids, const std::function<Octets()>& list) {
    breaks(ids, Error::path_absent, [&](CommitPlan& plan) {
      plan.with_path = false;
      plan.proposals = list();
    });
  };
  breaks_without("COMMIT-08", [] { return Octets(); });
  breaks_without("COMMIT-09", [&] { return proposed("ann", at("ann").propose_update()); });
  breaks_without("COMMIT-10", [&] { return by_value(remove_of({6})); });
  breaks_without("COMMIT-10", [&] { return proposed("ann", at("ann").propose(remove_of({6}))); });
  breaks_without("COMMIT-11", [&] { return by_value(adversary::extensions_of({})); });
  breaks_without("", [&] { return by_value(adversary::custom_of(a_proposal, bytes_of("body"))); });
  breaks_without("COMMIT-10", [&] {
    return joined({add("joe"), by_value(psk("agreed")), by_value(remove_of({6}))});
  });
}

// Who is removed is told so by a Commit that is valid as far as it can know.
TEST_F(BadPathOfInsider, OfACommitThatRemovesAMember) {
  const Octets removal = by_value(remove_of({4}));
  breaks("TREE-24", Error::path_length, [&](CommitPlan& plan) {
    plan.proposals = removal;
    plan.keys = [](OpenPath& path) { path.nodes.pop_back(); };
  });
  CommitPlan plan;
  plan.proposals = removal;
  const Octets message = commit_of(traitor, plan).message;
  EXPECT_EQ(at("eve").receive(message), Error::none);
  EXPECT_EQ(at("eve").heard.event, Event::removed);
  EXPECT_FALSE(at("eve").group.is_active());
  EXPECT_EQ(at("eve").receive(message), Error::group_inactive);
  evidence::shows("COMMIT-34");
}

// A member's own Commit waits on, and can still be the one that wins.
TEST_F(BadPathOfInsider, WhileAnHonestCommitWaits) {
  const Octets waiting = at("ann").commit();
  CommitPlan plan;
  plan.keys = [&](OpenPath& path) { path.nodes[2].encryption_key = new_key(); };
  refuse("COMMIT-33", Error::path_key_mismatch, commit_of(traitor, plan).message, all, [&] {
    EXPECT_EQ(model::octets(at("ann").group.pending_commit()), waiting);
    at("ann").group.adopt_pending();
    return deliver(waiting, "ann") && agree();
  });
}

}  // namespace
}  // namespace tacet
