// External Commits that break one rule of RFC 9420, 12.4.3.2, and what is proposed from outside (12.1.8):
// made to fit in all else, so that members refuse the rule that is broken.

#include "hostile.h"
#include "spec/adversary/reveal.h"

namespace tacet {
namespace {

class BadExternalCommit : public HostileTest {
 protected:
  void breaks_with_list(const char* ids, Error error, const Octets& list, const Names& victims = all) {
    breaks_outside(
        ids, error, [&](CommitPlan& plan) { plan.proposals = list; }, victims);
  }
  void is_accepted_outside(const Defect& defect) { EXPECT_TRUE(would_take(external_commit(defect))); }
  // It was there before, and has the signature key that it had.
  void return_as(Member& former) {
    former_goes = by_value(remove_of(former.group.own_leaf()));
    outsider.name = former.name;
    outsider.signing_key = adversary::copy_of(former.signing_key);
    outsider.signature_key = former.signature_key;
    outsider.publish();
  }
  Octets init_secret() { return octets(traitor.epoch->member.keys().copy(EpochKeys::Of::init_secret)); }
  static Octets octets(const Secret& secret) { return model::octets(reveal(secret)); }
  static Octets external_init(const Octets& kem_output) {
    return by_value(encoded(ProposalType::external_init) + model::vector(kem_output));
  }
  static Defect init(const Change& change) {
    return [=](CommitPlan& plan) { plan.external_init = change; };
  }
};

// ---- its list

// Keyed as a member's Commit, by one who knows the epoch.
TEST_F(BadExternalCommit, WithoutAnExternalInit) {
  for (const Octets& list : {Octets(), by_value(psk("agreed"))}) {
    breaks_outside("EXTCOMMIT-11", Error::external_init_count, [&](CommitPlan& plan) {
      plan.external_init = adversary::left_out();
      plan.proposals = list;
      plan.secrets = [&](OpenSecrets& start) { start.init_secret = init_secret(); };
    });
  }
}

TEST_F(BadExternalCommit, WithTwoExternalInits) {
  breaks_outside("EXTCOMMIT-12", Error::external_init_count,
                 init([](const Octets& entry) { return entry + entry; }));
  breaks_with_list("EXTCOMMIT-12", Error::external_init_count, external_init(new_key()));
}

TEST_F(BadExternalCommit, WithTwoRemoves) {
  return_as(at("eve"));
  breaks_with_list("EXTCOMMIT-13", Error::external_commit_removes, former_goes + by_value(remove_of({3})));
  breaks_with_list("EXTCOMMIT-13", Error::external_commit_removes, former_goes + former_goes);
}

TEST_F(BadExternalCommit, WithARemoveOfAnother) {
  for (const std::uint32_t index : {0, 3, 6}) {
    breaks_with_list("EXTCOMMIT-14", Error::successor_refused, by_value(remove_of({index})));
  }
  return_as(at("eve"));
  is_accepted_outside([](CommitPlan&) {});
}

TEST_F(BadExternalCommit, WithAReference) {
  breaks_with_list("EXTCOMMIT-08", Error::external_commit_reference, proposed(accomplice, psk("agreed")));
  breaks_with_list("EXTCOMMIT-08", Error::external_commit_reference,
                   proposed("ann", at("ann").propose(remove_of({4}))));
}

TEST_F(BadExternalCommit, WithAProposalThatHasNoPlaceInIt) {
  const Octets own_leaf = encoded(traitor.epoch->state.tree().leaf({2}));
  const Octets extensions = encoded(adversary::extensions_of(traitor.epoch->state.context().extensions));
  const auto breaks_beside = [&](Error error, const Octets& entry) {
    breaks_with_list("EXTCOMMIT-18", error, entry);
  };
  breaks_beside(Error::external_commit_proposal, add("joe"));
  breaks_beside(Error::external_commit_proposal, by_value(extensions));
  breaks_beside(Error::external_commit_proposal, by_value(reinit()));
  breaks_beside(Error::external_commit_proposal,
                by_value(adversary::custom_of(a_proposal, bytes_of("body"))));
  LeafNode update = traitor.epoch->state.tree().leaf({2});
  update.source = LeafNodeSource::update;
  breaks_beside(Error::update_not_of_member, by_value(encoded(ProposalType::update, update)));
}

TEST_F(BadExternalCommit, WithAProposalThatIsNotValid) {
  for (const std::uint32_t blank : {5, 7}) {
    breaks_with_list("EXTCOMMIT-29", Error::leaf_blank, by_value(remove_of({blank})));
  }
  for (const std::uint32_t outside : {8u, 1u << 30, UINT32_MAX}) {
    breaks_with_list("EXTCOMMIT-29", Error::leaf_outside_tree, by_value(remove_of({outside})));
  }
  for (const std::size_t size : {0, 31, 33}) {
    breaks_with_list("EXTCOMMIT-29", Error::psk_nonce_length, by_value(psk("agreed", size)));
  }
  outsider.psks.known = traitor.psks.known;  // the resumption PSKs too
  for (const auto usage : {ResumptionPskUsage::reinit, ResumptionPskUsage::branch}) {
    breaks_with_list("EXTCOMMIT-29", Error::psk_usage_misplaced, by_value(resumption(usage)));
  }
  const Octets one = by_value(psk("agreed"));
  breaks_with_list("PSK-13", Error::psk_repeated, one + one);
  outsider.psks.known["its own"] = model::octets("a psk");
  breaks_with_list("EXTCOMMIT-29, PSK-12", Error::psk_unknown, by_value(psk("its own")));
  is_accepted_outside([&](CommitPlan& plan) {
    plan.proposals = by_value(resumption(ResumptionPskUsage::application)) + by_value(psk("agreed"));
  });
}

// ---- its init secret (8.3)

TEST_F(BadExternalCommit, WithAnotherInitSecret) {
  const Octets former = external_pub_of(traitor), another = new_key();
  EXPECT_TRUE(go_on(WireFormat::public_message));
  for (const Octets& key : {former, another}) {
    breaks_outside("EXTCOMMIT-25", Error::confirmation_tag_invalid,
                   [&](CommitPlan& plan) { plan.external_pub = adversary::replaced_by(key); });
  }
  const auto breaks_with_output = [&](Error error, const Octets& kem_output) {
    breaks_outside("EXTCOMMIT-25", error, init(adversary::replaced_by(external_init(kem_output))));
  };
  breaks_with_output(Error::confirmation_tag_invalid, another);
  for (const std::size_t size : {0, 31, 33}) {
    breaks_with_output(Error::kem_output_length, random_octets(size));
  }
  breaks_with_output(Error::kem_low_order, Octets(32));
  // That of the epoch, as in a member's Commit.
  breaks_outside("EXTCOMMIT-25", Error::confirmation_tag_invalid,
                 secrets([&](OpenSecrets& start) { start.init_secret = init_secret(); }));
}

TEST_F(BadExternalCommit, WithAnotherSecretInItsKeySchedule) {
  breaks_outside("FRAME-25", Error::confirmation_tag_invalid,
                 secrets([](OpenSecrets& start) { start.commit_secret = Octets(32); }));
  breaks_outside("FRAME-25", Error::confirmation_tag_invalid,
                 secrets([](OpenSecrets& start) { start.psk_secret[0] ^= 1; }));
}

// ---- its frame

TEST_F(BadExternalCommit, InAFrameThatDoesNotFit) {
  const auto breaks_at = [&](const char* ids, Error error, Step step, const Change& change) {
    breaks_outside(ids, error, [&](CommitPlan& plan) { plan.deviates = {{step, change}}; });
  };
  const std::uint64_t epoch = traitor.epoch->state.context().epoch;
  const auto replaced = [](std::uint64_t value) { return adversary::replaced_by(model::number(value, 8)); };
  breaks_at("EXTCOMMIT-26", Error::epoch_past, Step::epoch, replaced(epoch - 1));
  breaks_at("EXTCOMMIT-26", Error::epoch_future, Step::epoch, replaced(epoch + 1));
  breaks_at("FRAME-07", Error::group_id_mismatch, Step::group_id, adversary::inside(adversary::flipped()));
  breaks_at("EXTCOMMIT-09, FRAME-19", Error::message_signature_invalid, Step::signing_key,
            adversary::replaced_by(octets(at("dan").signing_key)));
  breaks_at("EXTCOMMIT-09, FRAME-19", Error::message_signature_invalid, Step::signature,
            adversary::inside(adversary::flipped()));
  breaks_at("EXTCOMMIT-09, FRAME-19", Error::message_signature_invalid, Step::signed_group_context,
            adversary::flipped());
  breaks_at("FRAME-25", Error::confirmation_tag_invalid, Step::confirmation_tag,
            adversary::inside(adversary::flipped()));
}

// Of a member it needs that member's signature, and a tag.
TEST_F(BadExternalCommit, OfAnotherKindOfSender) {
  const auto breaks_as = [&](Error error, const Octets& sender) {
    breaks_outside("EXTCOMMIT-10", error, [&](CommitPlan& plan) {
      plan.deviates = {{Step::sender, adversary::replaced_by(sender)}};
    });
  };
  breaks_as(Error::external_sender_content, Octets{2} + model::number(0, 4));
  breaks_as(Error::new_member_proposal_content, Octets{3});
  breaks_outside("EXTCOMMIT-07, FRAME-20", Error::new_member_commit_without_path,
                 [](CommitPlan& plan) { plan.with_path = false; });
}

// ---- its path

// Against the leaf that it removes, or those of all others.
TEST_F(BadExternalCommit, WithAKeyThatIsThere) {
  const Octets of_eve = model::octets(traitor.epoch->state.tree().leaf({4}).encryption_key);
  const Defect takes_it = leaf([&](OpenLeaf& own) { own.fields.encryption_key = of_eve; });
  breaks_outside("EXTCOMMIT-17", Error::path_key_in_tree, takes_it);
  breaks_outside("EXTCOMMIT-17", Error::signature_key_repeated, leaf([&](OpenLeaf& own) {
                   own.signing_key = octets(at("eve").signing_key);
                   own.fields.signature_key = at("eve").signature_key;
                 }));
  return_as(at("eve"));
  breaks_outside("EXTCOMMIT-15", Error::encryption_key_unchanged, takes_it);
  // Not beside itself.
  breaks_with_list("EXTCOMMIT-17", Error::signature_key_repeated, {});
}

TEST_F(BadExternalCommit, WithAPathThatIsNotItsOwn) {
  breaks_outside("TREE-24", Error::path_length, keys([](OpenPath& path) { path.nodes.pop_back(); }));
  breaks_outside("TREE-29", Error::path_parent_hash,
                 leaf([](OpenLeaf& own) { own.fields.parent_hash = {}; }));
  breaks_outside("TREE-30", Error::path_key_mismatch,
                 keys([&](OpenPath& path) { path.nodes.back().encryption_key = new_key(); }));
  breaks_outside("TREE-23", Error::path_ciphertext_count,
                 sealed([](OpenPath& path) { path.nodes.front().envelopes.pop_back(); }));
  // At leaf 5 beside eve: she alone is below the first node.
  breaks_outside("CRYPTO-13", Error::not_authentic,
                 sealed([](OpenPath& path) { path.nodes.front().envelopes[0].ciphertext[3] ^= 1; }), {"eve"});
  breaks_outside("COMMIT-32", Error::not_authentic, unsealed([&](OpenPath& path) { path.context[0] ^= 1; }));
}

// ---- what the application decides

TEST_F(BadExternalCommit, OfAClientWhomNobodyBelieves) {
  const Octets commit = external_commit([](CommitPlan&) {});
  for (auto& [name, each] : members) each->policy.disbelieved = outsider.signature_key;
  refuse("CRED-10", Error::credential_refused, commit, all, [&] {
    for (auto& [name, each] : members) each->policy.disbelieved = {};
    return would_take(commit);
  });
}

// Who permits no ExternalInit lets nobody join from outside.
TEST_F(BadExternalCommit, ThatNobodyPermits) {
  return_as(at("eve"));
  const Octets commit = external_commit([](CommitPlan&) {});
  for (const ProposalType type : {ProposalType::external_init, ProposalType::remove}) {
    for (auto& [name, each] : members) each->policy.forbidden = type;
    refuse("", Error::proposal_not_permitted, commit, all, [&] {
      for (auto& [name, each] : members) each->policy.forbidden = {};
      return would_take(commit);
    });
  }
}

// ---- proposals from outside

class BadExternalProposal : public HostileTest {
 protected:
  // The bots may propose from now on.
  void list_bots() {
    Octets senders, room(1 << 10);
    for (const Endpoint& bot : bots) {
      senders = senders + model::vector(bot.signature_key) + model::number(1, 2) + model::vector(bot.name);
    }
    const Octets listed_ones = model::vector(senders);
    std::vector<Extension> extensions = group_extensions;
    extensions.push_back({ExtensionType::external_senders, listed_ones});
    const Result<Extensions> list = encode_list(std::span<const Extension>(extensions), room);
    adversary::must(list.error());
    commit("ann", {adversary::extensions_of(list.value())});
  }
  static Sender external(std::uint32_t index) { return {SenderType::external, {}, index}; }
  static constexpr Sender new_member = {SenderType::new_member_proposal, {}, 0};

  Octets sent(const Endpoint& by, const Sender& sender, const Octets& proposal,
              const adversary::Deviates& deviates = {}, ContentType type = ContentType::proposal) {
    const PublicState& now = traitor.epoch->state;
    adversary::Means means;
    means.group_context = model::octets(now.group_context());
    means.signing_key = model::octets(reveal(by.signing_key));
    means.confirm = [](Bytes) { return Octets(32); };
    const Framed framed = {
        model::octets(now.context().group_id), now.context().epoch, sender, {}, type, proposal};
    return Builder(traitor.crypto, means).public_message(framed, deviates);
  }
  Octets asks() { return sent(outsider, new_member, encoded(add_of(outsider.key_package))); }
  void is_refused(const char* ids, Error error, const Octets& bad, const Octets& genuine) {
    refuse(ids, error, bad, all, [&] { return would_take(genuine); });
  }
  // All keep it, and refuse a Commit that covers it; an honest member leaves it out.
  void is_refused_in_a_commit(const char* ids, Error error, const Octets& proposal) {
    breaks_with(ids, error, [&] {
      EXPECT_TRUE(deliver(sent(bots[0], external(0), proposal), {}));
      return by_reference(at("ann").heard.proposal_reference);
    });
    EXPECT_TRUE(deliver(sent(bots[0], external(0), proposal), {}));
    commit("dan");
  }

  const Octets removes_eve = encoded(remove_of({4}));
  Endpoint bots[2] = {Endpoint("bot", random), Endpoint("bot", random)};
};

TEST_F(BadExternalProposal, WhereNobodyIsListed) {
  is_refused("EXTPROP-02", Error::external_sender_absent, sent(bots[0], external(0), removes_eve), asks());
}

TEST_F(BadExternalProposal, OfASenderWhoIsNotThere) {
  list_bots();
  const Octets genuine = sent(bots[1], external(1), removes_eve);
  for (const std::uint32_t index : {2u, 1u << 31, UINT32_MAX}) {
    is_refused("EXTPROP-03", Error::external_sender_absent, sent(bots[1], external(index), removes_eve),
               genuine);
  }
  is_refused("FRAME-16", Error::message_signature_invalid, sent(bots[0], external(1), removes_eve), genuine);
  is_refused("FRAME-16", Error::message_signature_invalid, sent(traitor, external(1), removes_eve), genuine);
}

TEST_F(BadExternalProposal, OfAnotherGroupOrEpoch) {
  list_bots();
  const Octets genuine = sent(bots[0], external(0), removes_eve);
  const std::uint64_t epoch = traitor.epoch->state.context().epoch;
  const auto of_epoch = [&](std::uint64_t other) {
    return sent(bots[0], external(0), removes_eve,
                {{Step::epoch, adversary::replaced_by(model::number(other, 8))}});
  };
  is_refused("EXTPROP-09", Error::epoch_past, of_epoch(epoch - 1), genuine);
  is_refused("EXTPROP-09", Error::epoch_future, of_epoch(epoch + 1), genuine);
  is_refused(
      "EXTPROP-09", Error::group_id_mismatch,
      sent(bots[0], external(0), removes_eve, {{Step::group_id, adversary::inside(adversary::flipped())}}),
      genuine);
}

// Which only members have.
TEST_F(BadExternalProposal, WithAMembershipTag) {
  list_bots();
  const adversary::Deviates tagged = {
      {Step::membership_tag, adversary::replaced_by(model::vector(random_octets(32)))}};
  is_refused("FRAME-30", Error::trailing_bytes, sent(bots[0], external(0), removes_eve, tagged),
             sent(bots[0], external(0), removes_eve));
  is_refused("FRAME-30", Error::trailing_bytes,
             sent(outsider, new_member, encoded(add_of(outsider.key_package)), tagged), asks());
  breaks_outside("FRAME-30", Error::trailing_bytes, [&](CommitPlan& plan) { plan.deviates = tagged; });
}

TEST_F(BadExternalProposal, ThatOnlyAMemberMayMake) {
  list_bots();
  LeafNode update = traitor.epoch->state.tree().leaf({2});
  const Octets own_key = new_key();
  update.source = LeafNodeSource::update;
  update.encryption_key = own_key;
  is_refused_in_a_commit("PROP-12", Error::update_not_of_member, encoded(ProposalType::update, update));
  is_refused_in_a_commit("EXTPROP-04", Error::external_proposal_type,
                         encoded(ProposalType::external_init) + model::vector(new_key()));
  const Octets genuine = sent(bots[0], external(0), removes_eve);
  is_refused("FRAME-17", Error::external_sender_content,
             sent(bots[0], external(0), model::vector(Octets()) + Octets{0}, {}, ContentType::commit),
             genuine);
  is_refused("FRAME-02", Error::application_in_public_message,
             sent(bots[0], external(0), model::vector("data"), {}, ContentType::application), genuine);
}

TEST_F(BadExternalProposal, OfAClientThatAsksForMoreThanToBeAdded) {
  const Octets add_it = encoded(add_of(outsider.key_package));
  for (const Octets& other :
       {removes_eve, psk("agreed"), encoded(reinit()), encoded(adversary::extensions_of({}))}) {
    is_refused("FRAME-21", Error::new_member_proposal_content, sent(outsider, new_member, other), asks());
  }
  is_refused("FRAME-22", Error::message_signature_invalid, sent(bots[0], new_member, add_it), asks());
  is_refused("FRAME-18", Error::new_member_commit_content,
             sent(outsider, {SenderType::new_member_commit, {}, 0}, add_it), asks());
  is_refused("FRAME-21", Error::new_member_proposal_content,
             sent(outsider, new_member, model::vector(Octets()) + Octets{0}, {}, ContentType::commit),
             asks());
}

TEST_F(BadExternalProposal, ThatNobodyPermits) {
  list_bots();
  const auto is_forbidden = [&](ProposalType type, const Octets& message) {
    for (auto& [name, each] : members) each->policy.forbidden = type;
    refuse("EXTPROP-06", Error::proposal_not_permitted, message, all, [&] {
      for (auto& [name, each] : members) each->policy.forbidden = {};
      return would_take(message);
    });
  };
  is_forbidden(ProposalType::remove, sent(bots[0], external(0), removes_eve));
  is_forbidden(ProposalType::add, asks());
}

}  // namespace
}  // namespace tacet
