// Leaves and KeyPackages that break one rule, each brought into a group by an insider's Commit: in an Add, by
// value and by reference, in an Update, and as the leaf of the path.

#include "hostile.h"
#include "leaf_model.h"

namespace tacet {
namespace {

struct LeafDefect {
  const char* ids;
  Error error;
  std::function<void(LeafModel&)> change;
};

class BadLeafOfInsider : public HostileTest {
 protected:
  // What all leaves of the group can do.
  LeafModel perfect() {
    LeafModel leaf;
    leaf.encryption_key = new_key();
    leaf.signature_key.resize(32);
    leaf.private_key.resize(64);
    crypto_sign_seed_keypair(leaf.signature_key.data(), leaf.private_key.data(), random_octets(32).data());
    leaf.extensions = {0xf00e, 0xf00d};
    leaf.proposals = {0xf001};
    leaf.credentials = {1, 0xf003};
    return leaf;
  }
  KeyPackageModel newcomer() {
    KeyPackageModel made;
    made.leaf = perfect();
    made.leaf.credential_body = model::octets("a newcomer");
    made.init_key = new_key();
    return made;
  }
  LeafModel next_leaf(const Endpoint& of, LeafNodeSource source) {
    const LeafIndex index = of.epoch ? of.epoch->member.own() : nobodys;  // where the outsider comes
    LeafModel leaf = perfect();
    leaf.credential_body = model::octets(of.name);
    leaf.signature_key = of.signature_key;
    leaf.private_key = octets(of.signing_key);
    leaf.source = static_cast<std::uint8_t>(source);
    leaf.leaf_index = index.value;
    return leaf;
  }
  Octets key_of(NodeIndex node) { return model::octets(traitor.epoch->state.tree().encryption_key(node)); }

  static Octets add(const KeyPackageModel& key_package) {
    return encoded(ProposalType::add) + key_package.encoding();
  }
  static Octets update(const LeafModel& leaf) { return encoded(ProposalType::update) + leaf.encoding(); }
  // The leaf of the path, in which the keys and hashes of the path are put.
  static void take(LeafModel& leaf, const OpenLeaf& honest) {
    leaf.encryption_key = model::octets(honest.fields.encryption_key);
    leaf.parent_hash = model::octets(honest.fields.parent_hash);
  }

  // ---- where it stands

  void breaks_added(const std::string& ids, Error error,
                    const std::function<void(KeyPackageModel&)>& change) {
    const auto broken = [&] {
      KeyPackageModel made = newcomer();
      change(made);
      return add(made);
    };
    breaks_with(ids.c_str(), error, [&] { return by_value(broken()); });
    breaks_with(ids.c_str(), error, [&] { return proposed(accomplice, broken()); });
  }
  void breaks_updated(const std::string& ids, Error error, const std::function<void(LeafModel&)>& change) {
    breaks_with(ids.c_str(), error, [&] {
      LeafModel made = next_leaf(accomplice, LeafNodeSource::update);
      change(made);
      return proposed(accomplice, update(made));
    });
  }
  // Whoever joins signs the message too with the key of that leaf.
  Defect in_path(const Endpoint& of, const std::function<void(LeafModel&)>& change) {
    const auto made = std::make_shared<LeafModel>();
    const LeafModel before = next_leaf(of, LeafNodeSource::commit);
    return [=](CommitPlan& plan) {
      plan.leaf = [=](OpenLeaf& honest) {
        *made = before;
        take(*made, honest);
        change(*made);
        honest.signing_key = made->private_key;
      };
      plan.signed_leaf = [=](const Octets&) { return made->encoding(); };
    };
  }
  void breaks_in_path(const std::string& ids, Error error, const std::function<void(LeafModel&)>& change) {
    breaks(ids.c_str(), error, in_path(traitor, change));
  }

  // ---- what is wrong with it wherever it stands

  std::vector<LeafDefect> defects() {
    return {
        {"LEAF-17", Error::signature_invalid, [](LeafModel& leaf) { leaf.forged = true; }},
        {"LEAF-09", Error::credential_unlisted, [](LeafModel& leaf) { leaf.credentials = {0xf003}; }},
        {"LEAF-37", Error::version_unlisted, [](LeafModel& leaf) { leaf.versions = {2}; }},
        {"LEAF-37", Error::suite_unlisted,
         [](LeafModel& leaf) {
           leaf.suites = {1, 2};
         }},
        {"LEAF-27", Error::extension_unlisted,
         [](LeafModel& leaf) {
           leaf.leaf_extensions = {{0xf009, {}}};
         }},
        {"EXT-01", Error::extension_repeated,
         [](LeafModel& leaf) {
           leaf.leaf_extensions = {{0xf00e, {}}, {0xf00e, {}}};
         }},
        {"EXT-08", Error::extension_misplaced,
         [](LeafModel& leaf) {
           leaf.leaf_extensions = {{2, {}}};
         }},
        {"EXT-09", Error::extension_malformed,
         [](LeafModel& leaf) {
           leaf.leaf_extensions = {{1, {9}}};
         }},
        {"LEAF-20", Error::required_capability_missing, [](LeafModel& leaf) { leaf.extensions = {0xf00e}; }},
        {"LEAF-20", Error::required_capability_missing, [](LeafModel& leaf) { leaf.proposals = {}; }},
        {"LEAF-20", Error::required_capability_missing, [](LeafModel& leaf) { leaf.credentials = {1}; }},
        {"LEAF-22, CRED-19", Error::credential_unsupported,
         [](LeafModel& leaf) {
           leaf.credential_type = 0xf00b;
           leaf.credentials.push_back(0xf00b);
         }},
        {"GREASE-07", Error::credential_unsupported,
         [](LeafModel& leaf) {
           leaf.credential_type = 0x0a0a;
           leaf.credentials.push_back(0x0a0a);
         }},
        {"LEAF-23", Error::credential_in_use_unlisted,
         [](LeafModel& leaf) {
           leaf.credential_type = 0xf003;
           leaf.credentials = {0xf003};
         }},
        {"LEAF-33", Error::signature_key_repeated,
         [&](LeafModel& leaf) {
           leaf.signature_key = at("dan").signature_key;
           leaf.private_key = octets(at("dan").signing_key);
         }},
        {"KP-06", Error::kem_public_key_length, [](LeafModel& leaf) { leaf.encryption_key.pop_back(); }},
        {"KP-06", Error::signature_key_length, [](LeafModel& leaf) { leaf.signature_key.push_back(0); }},
    };
  }
};

TEST_F(BadLeafOfInsider, InAnAdd) {
  is_accepted([&] { return by_value(add(newcomer())); });
  for (const LeafDefect& defect : defects()) {
    breaks_added(std::string(defect.ids) + ", PROP-05, KP-15", defect.error,
                 [&](KeyPackageModel& made) { defect.change(made.leaf); });
  }
  const auto breaks_leaf = [&](const char* ids, Error error, const std::function<void(LeafModel&)>& change) {
    breaks_added(ids, error, [&](KeyPackageModel& made) { change(made.leaf); });
  };
  const Error lacks = Error::required_capability_missing;
  breaks_leaf("REQCAP-02", lacks, [](LeafModel& leaf) { leaf.extensions = {0xf00e}; });
  breaks_leaf("REQCAP-02", lacks, [](LeafModel& leaf) { leaf.proposals = {}; });
  breaks_leaf("REQCAP-02", lacks, [](LeafModel& leaf) { leaf.credentials = {1}; });
  breaks_leaf("EXT-05", Error::group_extension_unlisted, [](LeafModel& leaf) { leaf.extensions = {0xf00d}; });
  for (const std::uint8_t source : {2, 3}) {
    breaks_leaf("LEAF-29", Error::leaf_node_source_wrong, [&](LeafModel& leaf) { leaf.source = source; });
  }
  breaks_leaf("LEAF-34", Error::encryption_key_repeated,
              [&](LeafModel& leaf) { leaf.encryption_key = key_of(LeafIndex{0}); });
  breaks_leaf("LEAF-40", Error::encryption_key_repeated,
              [&](LeafModel& leaf) { leaf.encryption_key = key_of(NodeIndex(11)); });
  breaks_leaf("LEAF-14", Error::lifetime_reversed,
              [](LeafModel& leaf) { leaf.not_after = leaf.not_before - 1; });
  breaks_leaf("LEAF-12", Error::lifetime_too_long,
              [](LeafModel& leaf) { leaf.not_after = std::uint64_t{100} * 365 * 24 * 3600; });
  breaks_leaf("CRED-21", Error::credential_malformed, [](LeafModel& leaf) {
    leaf.credential_type = 2;
    leaf.credentials.push_back(2);
    leaf.credential_body.clear();
  });
}

TEST_F(BadLeafOfInsider, InAKeyPackage) {
  breaks_added("KP-14", Error::key_package_version, [](KeyPackageModel& made) { made.version = 2; });
  breaks_added("KP-13", Error::key_package_suite, [](KeyPackageModel& made) {
    made.suite = 1;
    made.leaf.suites.push_back(1);
  });
  breaks_added("KP-17", Error::init_key_is_encryption_key,
               [](KeyPackageModel& made) { made.init_key = made.leaf.encryption_key; });
  breaks_added("KP-12", Error::extension_unlisted, [](KeyPackageModel& made) {
    made.extensions = {{0xf123, {}}};
  });
  breaks_added("EXT-01", Error::extension_repeated, [](KeyPackageModel& made) {
    made.extensions = {{0xf00d, {}}, {0xf00d, {}}};
  });
  breaks_added("EXT-08", Error::extension_misplaced, [](KeyPackageModel& made) {
    made.extensions = {{3, {0, 0, 0}}};
  });
  breaks_added("", Error::kem_public_key_length, [](KeyPackageModel& made) { made.init_key.pop_back(); });
  breaks_with("KP-07, KP-16, PROP-05", Error::signature_invalid, [&] {
    Octets proposal = add(newcomer());
    proposal.back() ^= 1;
    return by_value(proposal);
  });
}

TEST_F(BadLeafOfInsider, InAnUpdate) {
  is_accepted([&] { return proposed(accomplice, update(next_leaf(accomplice, LeafNodeSource::update))); });
  for (const LeafDefect& defect : defects()) {
    breaks_updated(std::string(defect.ids) + ", PROP-09", defect.error, defect.change);
  }
  const auto breaks_leaf = [&](const char* ids, Error error, const std::function<void(LeafModel&)>& change) {
    breaks_updated(ids, error, change);
  };
  breaks_leaf("EXT-14", Error::group_extension_unlisted, [](LeafModel& leaf) { leaf.extensions = {0xf00d}; });
  breaks_leaf("LEAF-18", Error::signature_invalid,
              [](LeafModel& leaf) { leaf.group_id = model::octets("another"); });
  breaks_leaf("LEAF-19", Error::signature_invalid, [](LeafModel& leaf) { ++leaf.leaf_index; });
  for (const std::uint8_t source : {1, 3}) {
    breaks_leaf("LEAF-30", Error::leaf_node_source_wrong, [&](LeafModel& leaf) { leaf.source = source; });
  }
  breaks_leaf("LEAF-31", Error::encryption_key_unchanged,
              [&](LeafModel& leaf) { leaf.encryption_key = key_of(LeafIndex{6}); });
  breaks_leaf("LEAF-34", Error::encryption_key_repeated,
              [&](LeafModel& leaf) { leaf.encryption_key = key_of(LeafIndex{0}); });
  breaks_leaf("CRED-12", Error::successor_refused,
              [](LeafModel& leaf) { leaf.credential_body = model::octets("somebody else"); });
}

TEST_F(BadLeafOfInsider, InAPath) {
  for (const LeafDefect& defect : defects()) {
    breaks_in_path(std::string(defect.ids) + ", COMMIT-31", defect.error, defect.change);
  }
  const auto breaks_leaf = [&](const char* ids, Error error, const std::function<void(LeafModel&)>& change) {
    breaks_in_path(ids, error, change);
  };
  breaks_leaf("EXT-14", Error::group_extension_unlisted, [](LeafModel& leaf) { leaf.extensions = {0xf00d}; });
  breaks_leaf("LEAF-18", Error::signature_invalid,
              [](LeafModel& leaf) { leaf.group_id = model::octets("another"); });
  breaks_leaf("LEAF-19", Error::signature_invalid, [](LeafModel& leaf) { ++leaf.leaf_index; });
  for (const std::uint8_t source : {1, 2}) {
    breaks_leaf("LEAF-32, COMMIT-27", Error::leaf_node_source_wrong,
                [&](LeafModel& leaf) { leaf.source = source; });
  }
  breaks_leaf("CODEC-16", Error::leaf_node_source_unknown, [](LeafModel& leaf) { leaf.source = 4; });
  breaks_leaf("CRED-12", Error::successor_refused,
              [](LeafModel& leaf) { leaf.credential_body = model::octets("somebody else"); });
}

// Of a client that joins: held against all members.
TEST_F(BadLeafOfInsider, InThePathOfAnExternalCommit) {
  const auto breaks_leaf = [&](const std::string& ids, Error error,
                               const std::function<void(LeafModel&)>& change) {
    breaks_outside(ids.c_str(), error, in_path(outsider, change));
  };
  for (const LeafDefect& defect : defects()) breaks_leaf(defect.ids, defect.error, defect.change);
  breaks_leaf("EXTCOMMIT-27", Error::group_extension_unlisted,
              [](LeafModel& leaf) { leaf.extensions = {0xf00d}; });
  breaks_leaf("LEAF-18", Error::signature_invalid,
              [](LeafModel& leaf) { leaf.group_id = model::octets("another"); });
  breaks_leaf("LEAF-19", Error::signature_invalid, [](LeafModel& leaf) { ++leaf.leaf_index; });
  for (const std::uint8_t source : {1, 2}) {
    breaks_leaf("LEAF-32", Error::leaf_node_source_wrong, [&](LeafModel& leaf) { leaf.source = source; });
  }
  EXPECT_TRUE(would_take(external_commit(in_path(outsider, [](LeafModel&) {}))));
}

// ---- what the application does not believe

TEST_F(BadLeafOfInsider, WithACredentialThatNobodyBelieves) {
  const LeafModel stranger = perfect();
  const auto of_stranger = [&](LeafModel& leaf) {
    leaf.signature_key = stranger.signature_key;
    leaf.private_key = stranger.private_key;
  };
  for (auto& [name, each] : members) each->policy.disbelieved = stranger.signature_key;
  breaks_added("CRED-08", Error::credential_refused, [&](KeyPackageModel& made) { of_stranger(made.leaf); });
  breaks_updated("CRED-09", Error::credential_refused, of_stranger);
  breaks_in_path("CRED-10", Error::credential_refused, of_stranger);
}

TEST_F(BadLeafOfInsider, WithALifetimeThatIsNotNow) {
  // Who was there already may stay, and may be changed.
  for (const std::uint64_t now : {1, 1'000'000}) {
    for (auto& [name, each] : members) each->policy.now = now;
    is_accepted([&] { return by_value(remove_of({6})); });
    is_accepted([&] { return proposed(accomplice, update(next_leaf(accomplice, LeafNodeSource::update))); });
    breaks_with("LEAF-25", Error::lifetime_not_current, [&] { return by_value(add(newcomer())); });
  }
}

TEST_F(BadLeafOfInsider, ThatLacksWhatItsCommitDemands) {
  const auto list = [&](const std::vector<std::uint16_t>& more) {
    const Octets demands = model::vector(encoded(listed)) + model::vector("") + model::vector("");
    const Octets extension = model::number(3, 2) + model::vector(demands);
    KeyPackageModel made = newcomer();
    made.leaf.extensions = more;
    return by_value(add(made)) +
           by_value(encoded(ProposalType::group_context_extensions) + model::vector(extension));
  };
  is_accepted([&] { return list({0xf00c}); });
  breaks_with("REQCAP-05", Error::required_capability_missing, [&] { return list({0xf00e, 0xf00d}); });
}

// The accomplice supports more from this Commit on, or less; it is the leaf as it results that counts.
TEST_F(BadLeafOfInsider, ThatChangesWhatIsSupported) {
  const auto demands = [&](const Octets& proposals, const std::vector<std::uint16_t>& supported) {
    LeafModel made = next_leaf(accomplice, LeafNodeSource::update);
    made.proposals = supported;
    const Octets reference = proposed(accomplice, update(made));
    const Octets extension =
        model::number(3, 2) + model::vector(model::vector("") + model::vector(proposals) + model::vector(""));
    return reference + by_value(encoded(ProposalType::group_context_extensions) + model::vector(extension));
  };
  const Octets first = encoded(a_proposal), both = first + encoded(of_most);
  is_accepted([&] { return demands(both, {0xf001, 0xf002}); });
  is_accepted([&] { return demands({}, {}); });
  breaks_with("PROP-19, REQCAP-03", Error::required_capability_missing,
              [&] { return demands(both, {0xf001}); });
  breaks_with("PROP-19, REQCAP-03", Error::required_capability_missing, [&] { return demands(first, {}); });
}

// Keys that collide only once all is applied.
TEST_F(BadLeafOfInsider, ThatCollidesWithAnotherOfItsCommit) {
  const auto colliding = [&](bool encryption) {
    LeafModel updated = next_leaf(accomplice, LeafNodeSource::update);
    KeyPackageModel added = newcomer();
    if (encryption) {
      added.leaf.encryption_key = updated.encryption_key;
    } else {
      added.leaf.signature_key = updated.signature_key;
      added.leaf.private_key = updated.private_key;
    }
    return proposed(accomplice, update(updated)) + by_value(add(added));
  };
  breaks_with("PLIST-15, TREE-66", Error::encryption_key_repeated, [&] { return colliding(true); });
  breaks_with("PLIST-15, TREE-66", Error::signature_key_repeated, [&] { return colliding(false); });
  // The path's leaf, and an Update.
  LeafModel updated;
  breaks("PLIST-15, COMMIT-31", Error::signature_key_repeated, [&](CommitPlan& plan) {
    updated = next_leaf(accomplice, LeafNodeSource::update);
    const LeafModel fresh = perfect();
    updated.signature_key = fresh.signature_key;
    updated.private_key = fresh.private_key;
    plan.proposals = proposed(accomplice, update(updated));
    plan.leaf = [&](OpenLeaf& leaf) {
      leaf.fields.signature_key = updated.signature_key;
      leaf.signing_key = updated.private_key;
    };
  });
}

// [GREASE] in every list, and what is not known.
TEST_F(BadLeafOfInsider, IsNotOneWithGrease) {
  is_accepted([&] {
    KeyPackageModel made = newcomer();
    LeafModel& leaf = made.leaf;
    for (std::vector<std::uint16_t>* each :
         {&leaf.versions, &leaf.suites, &leaf.extensions, &leaf.proposals, &leaf.credentials}) {
      each->insert(each->begin(), 0x1a1a);
      each->push_back(0xff77);
    }
    leaf.leaf_extensions = {{0x1a1a, random_octets(100)}, {1, model::vector("application")}};
    made.extensions = {{0xff77, {}}, {0x1a1a, {}}};
    return by_value(add(made));
  });
}

}  // namespace
}  // namespace tacet
