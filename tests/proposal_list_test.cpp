#include "protocol/proposal_list.h"

#include <algorithm>

#include "endpoints.h"
#include "messages.h"

namespace tacet {
namespace {

constexpr unsigned custom_type = 0xf001, extension_type = 0xf00e;

// Lists in the group of MessageTest, whose members support a custom proposal and an extension. Member 0
// commits unless it is said otherwise.
class ProposalListTest : public MessageTest {
 protected:
  ProposalListTest()
      : MessageTest([](std::uint32_t, LeafModel& made) {
          made.proposals = {custom_type};
          made.extensions = {extension_type};
          made.credential_body = made.signature_key;  // a client of its own
        }) {
    EXPECT_EQ(cache.start(crypto), Error::none);
  }

  // ---- proposals

  LeafModel newcomer() {
    LeafModel made = new_leaf();
    made.extensions = {extension_type};
    made.credential_body = made.signature_key;
    return made;
  }
  Octets add(const LeafModel& who) {
    KeyPackageModel made = key_package;
    made.leaf = who;
    made.init_key = random_octets(32);
    return model::number(1, 2) + made.encoding();
  }
  LeafModel updated(std::uint32_t index) {
    LeafModel made = leaves.at(index);
    made.source = 2;
    made.leaf_index = index;
    made.encryption_key = random_octets(32);
    return made;
  }
  static Octets update(const LeafModel& made) { return model::number(2, 2) + made.encoding(); }
  Octets psk(const std::string& id, std::size_t nonce_size = 32) {
    return model::number(4, 2) + Octets{1} + model::vector(id) + model::vector(random_octets(nonce_size));
  }
  Octets resumption(std::uint8_t usage) {
    return model::number(4, 2) + Octets{2, usage} + model::vector("group") + model::number(3, 8) +
           model::vector(random_octets(32));
  }
  static Octets reinit(unsigned version = 1) {
    return model::number(5, 2) + model::vector("next") + model::number(version, 2) + model::number(3, 2) +
           model::vector("");
  }
  static Octets external_init() { return model::number(6, 2) + model::vector("kem output"); }
  static Octets extensions(const Octets& list) { return model::number(7, 2) + model::vector(list); }
  static Octets extension(unsigned type, const Octets& data = {}) {
    return model::number(type, 2) + model::vector(data);
  }
  static Octets required(const std::vector<std::uint16_t>& extension_types,
                         const std::vector<std::uint16_t>& proposal_types = {},
                         const std::vector<std::uint16_t>& credential_types = {}) {
    return extension(3, LeafModel::numbers(extension_types) + LeafModel::numbers(proposal_types) +
                            LeafModel::numbers(credential_types));
  }
  static Octets custom_proposal(unsigned type = custom_type) {
    return model::number(type, 2) + model::vector("body");
  }

  // An entry of a list that refers to a proposal which its sender has sent.
  Octets sent(const Octets& proposal, Sender from) {
    const Octets reference = random_octets(32);
    EXPECT_EQ(cache.add(crypto, reference, from, proposal, limits), Error::none);
    return Octets{2} + model::vector(reference);
  }
  Octets sent(const Octets& proposal, std::uint32_t from) {
    return sent(proposal, {SenderType::member, {from}, 0});
  }

  // ---- a Commit of a list

  Error judge(const Octets& list, Sender committer = {SenderType::member, {0}, 0}) {
    encoded_commit = commit(list);
    Commit decoded;
    TRY(decode(encoded_commit, decoded));
    ProposalList resolved(memory);
    TRY(resolved.resolve(crypto, decoded, committer, cache));
    const Supported own = supported();
    const ListRules rules = {context, own, policy, limits};
    TRY(check_list(resolved, committer, rules, crypto.hash_size(), memory));
    needs_path = path_required(resolved);
    draft.emplace(crypto, tree, memory, limits);
    TRY(draft->start());
    added = Array<LeafIndex>(memory);
    TRY(apply_list(crypto, resolved, rules, *draft, next_extensions, added));
    return check_result(resolved, rules, *draft, next_extensions);
  }
  Supported supported() const { return {suites, extensions_known, proposals_known, credentials_known}; }

  // A list that breaks one rule; the tree is as it was, and an honest list is accepted after it.
  void breaks(const char* ids, Error error, const Octets& bad, const Octets& honest,
              Sender committer = {SenderType::member, {0}, 0}) {
    const Octets before = tree_octets();
    const Error seen = judge(bad, committer);
    const bool equal = tree_octets() == before;
    const Error after = judge(honest, committer);
    EXPECT_EQ(after, Error::none);
    evidence::refused(ids, error, seen, {.state_equal = equal, .genuine_accepted = after == Error::none});
  }
  // A member takes a leaf into the tree of this epoch.
  void become(const LeafModel& made, std::uint32_t index) {
    const Octets encoding = made.encoding();
    LeafNode decoded;
    ASSERT_EQ(decode(encoding, decoded), Error::none);
    draft.emplace(crypto, tree, memory, limits);
    ASSERT_EQ(draft->start(), Error::none);
    ASSERT_EQ(draft->update({index}, decoded), Error::none);
    ASSERT_EQ(draft->rehash(), Error::none);
    ASSERT_EQ(draft->reserve(), Error::none);
    draft->adopt(tree);
    draft.reset();
  }
  Octets tree_octets() {
    Octets out(tree.export_size().value());
    EXPECT_TRUE(tree.export_to(out).ok());
    return out + model::octets(tree.tree_hash());
  }

  Trusting policy;
  ProposalCache cache{memory};
  std::vector<CipherSuite> suites = {CipherSuite::x25519_chacha20poly1305_sha256_ed25519};
  std::vector<ExtensionType> extensions_known = {static_cast<ExtensionType>(extension_type)};
  std::vector<ProposalType> proposals_known = {static_cast<ProposalType>(custom_type)};
  std::vector<CredentialType> credentials_known = {CredentialType::basic};
  Octets encoded_commit;
  std::optional<TreeDraft> draft;
  Extensions next_extensions;
  Array<LeafIndex> added{memory};
  bool needs_path = false;
  const Sender outsider = {SenderType::new_member_commit, {}, 0};
};

// ---- accepted

TEST_F(ProposalListTest, EachTypeByValueAndByReference) {
  const std::vector<std::pair<Octets, bool>> all = {
      // and whether it needs a path
      {add(newcomer()), false}, {remove(3), true},        {psk("a"), false},
      {resumption(1), false},   {reinit(), false},        {extensions(extension(extension_type)), true},
      {extensions({}), true},   {custom_proposal(), true}};
  for (const auto& [proposal, path] : all) {
    EXPECT_EQ(judge(by_value(proposal)), Error::none);
    EXPECT_EQ(needs_path, path);
    EXPECT_EQ(judge(sent(proposal, 1)), Error::none);
    EXPECT_EQ(judge(sent(proposal, from(SenderType::external, 0))), Error::none);
    EXPECT_EQ(judge(sent(proposal, 0)), Error::none) << "one's own, sent before";
  }
  EXPECT_EQ(judge(sent(update(updated(1)), 1)), Error::none);
  EXPECT_TRUE(needs_path);
  EXPECT_EQ(judge({}), Error::none);
  EXPECT_TRUE(needs_path);
  shows("PROP-22, PROP-21, COMMIT-16, COMMIT-43, COMMIT-06");
}

TEST_F(ProposalListTest, TheOrderOfTheListIsNotThatOfItsEffects) {
  const LeafModel first = newcomer(), second = newcomer();
  const std::vector<Octets> entries = {by_value(add(first)), sent(update(updated(1)), 1),
                                       by_value(remove(3)),  by_value(add(second)),
                                       by_value(psk("a")),   by_value(extensions(extension(extension_type)))};
  std::vector<std::size_t> order = {0, 1, 2, 3, 4, 5};
  Octets hash;
  do {
    if (std::find(order.begin(), order.end(), 0u) > std::find(order.begin(), order.end(), 3u)) continue;
    Octets list;
    for (const std::size_t i : order) list = list + entries[i];
    ASSERT_EQ(judge(list), Error::none);
    ASSERT_EQ(draft->rehash(), Error::none);
    const Octets seen = model::octets(draft->tree_hash());
    EXPECT_TRUE(hash.empty() || seen == hash);
    hash = seen;
    EXPECT_EQ(model::octets(draft->leaf({2}).signature_key), first.signature_key);
    EXPECT_EQ(model::octets(draft->leaf({3}).signature_key), second.signature_key) << "freed by the Remove";
  } while (std::next_permutation(order.begin(), order.end()));
  shows("APPLY-01, APPLY-02, APPLY-06, PROP-08");
}

TEST_F(ProposalListTest, AListMayReplaceAClient) {
  LeafModel again = newcomer();
  again.credential_body = leaves.at(3).credential_body;
  EXPECT_EQ(judge(by_value(add(again)) + by_value(remove(3))), Error::none);
  again.signature_key = leaves.at(3).signature_key;
  again.private_key = leaves.at(3).private_key;
  EXPECT_EQ(judge(by_value(add(again)) + by_value(remove(3))), Error::none);
  shows("PLIST-10, PLIST-16");
}

TEST_F(ProposalListTest, TheExtensionsAreThoseOfTheProposalAlone) {
  const Octets one = extension(extension_type, model::octets("new"));
  ASSERT_EQ(judge(by_value(extensions(one))), Error::none);
  EXPECT_EQ(model::octets(next_extensions.encoded()), one);
  ASSERT_EQ(judge(by_value(extensions({}))), Error::none);
  EXPECT_TRUE(next_extensions.empty());
  ASSERT_EQ(judge(by_value(remove(3))), Error::none);
  EXPECT_EQ(model::octets(next_extensions.encoded()), group_extensions);
  shows("PROP-18");
}

TEST_F(ProposalListTest, AnExternalCommitBringsAnInitAndMaybeARemoveAndPsks) {
  const Octets init = by_value(external_init());
  EXPECT_EQ(judge(init, outsider), Error::none);
  EXPECT_EQ(judge(by_value(psk("a")) + init + by_value(psk("b")), outsider), Error::none);
  EXPECT_EQ(judge(by_value(remove(3)) + by_value(psk("a")) + init, outsider), Error::none);
  EXPECT_TRUE(needs_path);
  shows("EXTCOMMIT-19");
}

// ---- references

TEST_F(ProposalListTest, AReferenceIsThatOfAProposalOfThisEpoch) {
  const Octets honest = sent(remove(3), 1);
  const Octets reference = {honest.begin() + 2, honest.end()};
  Octets shorter = reference, longer = reference + Octets{0};
  shorter.pop_back();
  breaks("COMMIT-14", Error::proposal_unknown, Octets{2} + model::vector(random_octets(32)), honest);
  breaks("COMMIT-15", Error::proposal_unknown, Octets{2} + model::vector(shorter), honest);
  breaks("COMMIT-15", Error::proposal_unknown, Octets{2} + model::vector(longer), honest);
  breaks("COMMIT-15", Error::proposal_unknown, Octets{2} + model::vector(""), honest);
  cache = ProposalCache(memory);
  ASSERT_EQ(cache.start(crypto), Error::none);
  EXPECT_EQ(judge(honest), Error::proposal_unknown);
  shows("PROP-02");
}

TEST_F(ProposalListTest, TheCacheKeepsEachOnceAndNotMoreThanTheLimit) {
  limits.cached_proposals = 2;
  const Octets first = random_octets(32), second = random_octets(32), third = random_octets(32);
  const Sender from = {SenderType::member, {1}, 0};
  for (const Octets& reference : {first, second, first, second}) {
    EXPECT_EQ(cache.add(crypto, reference, from, remove(3), limits), Error::none);
  }
  EXPECT_EQ(cache.end() - cache.begin(), 2);
  EXPECT_EQ(cache.add(crypto, third, from, remove(3), limits), Error::too_many_proposals);
  EXPECT_EQ(cache.find(crypto, third), nullptr);
  const ProposalCache::Entry* const found = cache.find(crypto, second);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(model::octets(cache.proposal(*found)), remove(3));
}

// ---- refused by the list alone

TEST_F(ProposalListTest, ALeafIsProposedOnce) {
  const Octets once = by_value(remove(3));
  breaks("PLIST-02", Error::update_of_committer, by_value(update(updated(0))), once);
  breaks("PLIST-02", Error::update_of_committer, sent(update(updated(0)), 0), once);
  breaks("PLIST-03", Error::committer_removed, by_value(remove(0)), once);
  breaks("PLIST-03", Error::committer_removed, sent(remove(0), 1), once);
  const Octets reference = sent(remove(3), 1), an_update = sent(update(updated(1)), 1);
  breaks("PLIST-04", Error::leaf_proposed_twice, once + once, once);
  breaks("PLIST-04", Error::leaf_proposed_twice, once + reference, once);
  breaks("COMMIT-17", Error::leaf_proposed_twice, reference + reference, reference);
  breaks("PLIST-05", Error::leaf_proposed_twice, an_update + by_value(remove(1)), an_update);
  breaks("PLIST-05", Error::leaf_proposed_twice, by_value(remove(1)) + an_update, an_update);
  breaks("PLIST-06", Error::leaf_proposed_twice, an_update + sent(update(updated(1)), 1), an_update);
}

TEST_F(ProposalListTest, UpdatesComeFromMembers) {
  const Octets honest = sent(update(updated(1)), 1);
  breaks("PROP-12", Error::update_not_of_member, sent(update(updated(1)), from(SenderType::external, 0)),
         honest);
  breaks("PROP-12", Error::update_not_of_member,
         sent(update(updated(1)), from(SenderType::new_member_proposal)), honest);
  breaks("EXTPROP-04", Error::external_proposal_type, sent(external_init(), from(SenderType::external, 0)),
         honest);
}

TEST_F(ProposalListTest, WhatStandsOnceOrAloneDoesSo) {
  const Octets one = by_value(extensions(extension(extension_type)));
  breaks("PLIST-11", Error::group_context_extensions_repeated, one + one, one);
  breaks("PLIST-11", Error::group_context_extensions_repeated, one + sent(extensions({}), 1), one);
  breaks("PLIST-12, PROP-17", Error::external_init_misplaced, by_value(external_init()), one);
  breaks("PLIST-12, PROP-17", Error::external_init_misplaced, one + sent(external_init(), 1), one);
  const Octets successor = by_value(reinit());
  for (const Octets& other : {successor, one, by_value(psk("a")), by_value(add(newcomer()))}) {
    breaks("REINIT-03", Error::reinit_not_alone, successor + other, successor);
  }
  breaks("REINIT-02", Error::reinit_version, by_value(reinit(0)), successor);
}

TEST_F(ProposalListTest, PsksAreFreshDistinctAndForThisGroup) {
  const Octets honest = by_value(psk("a"));
  for (const std::size_t size : {0, 31, 33, 64}) {
    breaks("PSK-04", Error::psk_nonce_length, by_value(psk("a", size)), honest);
  }
  breaks("PSK-10", Error::psk_usage_misplaced, by_value(resumption(2)), honest);
  breaks("PSK-11", Error::psk_usage_misplaced, by_value(resumption(3)), honest);
  const Octets twice = psk("a");
  breaks("PSK-13", Error::psk_repeated, by_value(twice) + by_value(twice), honest);
  breaks("PSK-13", Error::psk_repeated, by_value(twice) + honest + sent(twice, 1), honest);
  EXPECT_EQ(judge(by_value(psk("a")) + by_value(psk("a"))), Error::none) << "with two nonces";
  shows("PSK-14");
  limits.psks = 2;
  breaks("", Error::too_many_psks, honest + by_value(psk("b")) + by_value(psk("c")), honest);
}

TEST_F(ProposalListTest, AnExternalCommitBringsNothingElse) {
  const Octets init = by_value(external_init());
  const auto breaks = [&](const char* ids, Error error, const Octets& bad) {
    ProposalListTest::breaks(ids, error, bad, init, outsider);
  };
  breaks("EXTCOMMIT-11", Error::external_init_count, {});
  breaks("EXTCOMMIT-11", Error::external_init_count, by_value(psk("a")));
  breaks("EXTCOMMIT-12", Error::external_init_count, init + init);
  breaks("EXTCOMMIT-13", Error::external_commit_removes, init + by_value(remove(1)) + by_value(remove(3)));
  breaks("EXTCOMMIT-08", Error::external_commit_reference, init + sent(remove(3), 1));
  breaks("EXTCOMMIT-08", Error::external_commit_reference, init + sent(psk("a"), 1));
  for (const Octets& other : {add(newcomer()), extensions({}), reinit(), custom_proposal()}) {
    breaks("EXTCOMMIT-18", Error::external_commit_proposal, init + by_value(other));
  }
  breaks("EXTCOMMIT-29", Error::psk_nonce_length, init + by_value(psk("a", 31)));
  breaks("EXTCOMMIT-29", Error::psk_usage_misplaced, init + by_value(resumption(2)));
  breaks("EXTCOMMIT-29", Error::leaf_blank, init + by_value(remove(blank)));
}

// ---- refused by what it makes of the tree

TEST_F(ProposalListTest, ARemoveNamesAMember) {
  for (const std::uint32_t index : {4u, 1u << 16, 0x7fffffffu, 0x80000000u, 0xfffffffeu, 0xffffffffu}) {
    breaks("PROP-13", Error::leaf_outside_tree, by_value(remove(index)), by_value(remove(3)));
  }
  breaks("PROP-13", Error::leaf_blank, by_value(remove(blank)), by_value(remove(3)));
}

TEST_F(ProposalListTest, AnAddIsOfAValidKeyPackage) {
  const Octets honest = by_value(add(newcomer()));
  LeafModel forged = newcomer();
  forged.forged = true;
  breaks("PROP-05, KP-15", Error::signature_invalid, by_value(add(forged)), honest);
  LeafModel another_source = newcomer();
  another_source.source = 2;
  breaks("PROP-05, KP-15", Error::leaf_node_source_wrong, by_value(add(another_source)), honest);
  LeafModel unlisted = newcomer();
  unlisted.suites = {1};
  breaks("PROP-05, KP-15", Error::suite_unlisted, sent(add(unlisted), 1), honest);
}

TEST_F(ProposalListTest, AnUpdateIsAValidLeafOfItsSender) {
  const Octets honest = sent(update(updated(1)), 1);
  const auto breaks = [&](const char* ids, Error error, const std::function<void(LeafModel&)>& defect) {
    LeafModel made = updated(1);
    defect(made);
    ProposalListTest::breaks(ids, error, sent(update(made), 1), honest);
  };
  breaks("PROP-09, LEAF-30", Error::leaf_node_source_wrong, [](LeafModel& made) { made.source = 1; });
  breaks("PROP-09, LEAF-30", Error::leaf_node_source_wrong, [](LeafModel& made) { made.source = 3; });
  breaks("PROP-09", Error::signature_invalid, [](LeafModel& made) { made.forged = true; });
  breaks("PROP-09", Error::signature_invalid, [](LeafModel& made) { made.leaf_index = 3; });
  breaks("PROP-09", Error::signature_invalid,
         [](LeafModel& made) { made.group_id = model::octets("other"); });
  breaks("PROP-09", Error::encryption_key_unchanged,
         [&](LeafModel& made) { made.encryption_key = leaves.at(1).encryption_key; });
  breaks("PROP-09", Error::suite_unlisted, [](LeafModel& made) { made.suites = {1}; });
}

TEST_F(ProposalListTest, AClientIsInTheGroupOnce) {
  const LeafModel one = newcomer();
  LeafModel same_client = newcomer(), same_key = one, member = newcomer();
  same_client.credential_body = one.credential_body;
  same_key.encryption_key = random_octets(32);
  member.credential_body = leaves.at(3).credential_body;
  const Octets honest = by_value(add(one));
  breaks("PLIST-08", Error::client_repeated, honest + by_value(add(same_client)), honest);
  breaks("PLIST-08", Error::client_repeated, honest + honest, honest);
  same_key.credential_body = model::octets("another name");
  breaks("PLIST-08", Error::signature_key_repeated, honest + by_value(add(same_key)), honest);
  breaks("PLIST-09", Error::client_repeated, by_value(add(member)), honest);
  breaks("PLIST-09", Error::client_repeated, by_value(add(member)) + by_value(remove(1)), honest);
}

TEST_F(ProposalListTest, NoTwoLeavesOfTheResultHaveOneKey) {
  const LeafModel an_update = updated(1);
  LeafModel collides = newcomer();
  collides.encryption_key = an_update.encryption_key;
  const Octets honest = sent(update(an_update), 1);
  breaks("PLIST-15", Error::encryption_key_repeated, honest + by_value(add(collides)), honest);
  LeafModel rotated = updated(1);
  rotated.signature_key = leaves.at(3).signature_key;
  rotated.private_key = leaves.at(3).private_key;
  breaks("PLIST-15", Error::signature_key_repeated, sent(update(rotated), 1), honest);
}

// ---- belief

TEST_F(ProposalListTest, CredentialsThatComeInAreBelieved) {
  const Octets honest = by_value(remove(3));
  const LeafModel added = newcomer();
  policy.disbelieved = added.signature_key;
  breaks("CRED-08", Error::credential_refused, by_value(add(added)), honest);
  LeafModel rotated = updated(1);
  crypto_sign_seed_keypair(rotated.signature_key.data(), rotated.private_key.data(),
                           random_octets(32).data());
  policy.disbelieved = rotated.signature_key;
  breaks("CRED-09", Error::credential_refused, sent(update(rotated), 1), honest);
  policy.disbelieved = random_octets(32);
  const Octets senders = extension(
      5, model::vector(model::vector(policy.disbelieved) + model::number(1, 2) + model::vector("bot")));
  breaks("CRED-11", Error::credential_refused, by_value(extensions(senders)), honest);
  // Who is in already, and who goes, is not asked about.
  policy.disbelieved = leaves.at(3).signature_key;
  EXPECT_EQ(judge(honest), Error::none);
  shows("CRED-15");
}

TEST_F(ProposalListTest, AMemberStaysWhoItIs) {
  LeafModel another = updated(1);
  another.credential_body = model::octets("somebody else");
  breaks("CRED-12", Error::successor_refused, sent(update(another), 1), sent(update(updated(1)), 1));
}

// ---- support

TEST_F(ProposalListTest, CustomProposalsAreSupportedByWhoeverStays) {
  const Octets honest = by_value(custom_proposal());
  EXPECT_EQ(judge(honest + by_value(add(newcomer()))), Error::none) << "who is added need not support it";
  LeafModel without = updated(3);
  without.proposals = {};
  const Octets unable = sent(update(without), 3);
  breaks("PLIST-13, EXT-10", Error::proposal_unsupported, honest + unable, honest);
  become(without, 3);
  EXPECT_EQ(judge(honest), Error::proposal_unsupported);
  EXPECT_EQ(judge(honest + by_value(remove(3))), Error::none) << "nor who is removed";
  shows("PLIST-14");
}

TEST_F(ProposalListTest, WhatTheEndpointDoesNotKnowIsNotMadeKnownByOthers) {
  proposals_known = {};
  EXPECT_EQ(judge(by_value(custom_proposal())), Error::proposal_unsupported);
  extensions_known = {};
  breaks("GREASE-09", Error::extension_unsupported, by_value(extensions(extension(extension_type))),
         by_value(extensions({})));
  breaks("GREASE-09", Error::extension_unsupported, by_value(extensions(extension(0x3a3a))),
         by_value(extensions({})));
  for (const std::uint32_t index : {0u, 1u, 3u}) {  // so that no member lacks it
    LeafModel all = updated(index);
    all.credentials = {1, 0x0a0a};
    become(all, index);
  }
  LeafModel grease = newcomer();
  grease.credential_type = 0x0a0a;
  grease.credentials = {1, 0x0a0a};
  breaks("GREASE-07", Error::credential_unsupported, by_value(add(grease)), by_value(add(newcomer())));
}

TEST_F(ProposalListTest, WhatThePolicyForbidsIsNotCommitted) {
  policy.forbidden = ProposalType::remove;
  EXPECT_EQ(judge(by_value(remove(3))), Error::proposal_not_permitted);
  EXPECT_EQ(judge(by_value(add(newcomer()))), Error::none);
  policy.forbidden = {};
  EXPECT_EQ(judge(by_value(remove(3))), Error::none);
}

TEST_F(ProposalListTest, NobodyProposesToRemoveABlankLeaf) {
  const Supported own = supported();
  const auto judge_own = [&](std::uint32_t index) {
    const Octets encoding = remove(index);
    Proposal proposal;
    EXPECT_EQ(decode(encoding, proposal), Error::none);
    return check_own_proposal(crypto, proposal, {us}, {context, own, policy, limits}, tree, 0, memory);
  };
  EXPECT_EQ(judge_own(blank), Error::leaf_blank);
  EXPECT_EQ(judge_own(3), Error::none);
}

TEST_F(ProposalListTest, NewExtensionsAreSupportedByAllWhoStayOrCome) {
  extensions_known.push_back(static_cast<ExtensionType>(0xf00c));
  const Octets honest = by_value(extensions(extension(extension_type)));
  breaks("PROP-20", Error::group_extension_unlisted, by_value(extensions(extension(0xf00c))), honest);
  breaks("PROP-19, REQCAP-03", Error::required_capability_missing,
         by_value(extensions(required({extension_type}, {0xf00c}))), honest);
  const Octets demands = by_value(extensions(required({extension_type}, {custom_type}, {1})));
  EXPECT_EQ(judge(demands), Error::none);
  // Whoever comes with the same Commit is held to them, by Add and by Update.
  LeafModel able = newcomer();
  able.proposals = {custom_type};
  breaks("REQCAP-05, PROP-19", Error::required_capability_missing, demands + by_value(add(newcomer())),
         demands + by_value(add(able)));
  LeafModel unable = updated(1);
  unable.proposals = {};
  breaks("APPLY-04", Error::required_capability_missing, demands + sent(update(unable), 1), demands);
  become(unable, 1);
  EXPECT_EQ(judge(demands), Error::required_capability_missing);
  EXPECT_EQ(judge(demands + by_value(remove(1))), Error::none) << "whoever goes is not asked";
  shows("REQCAP-06");
}

TEST_F(ProposalListTest, APathIsThereWhereItHasToBe) {
  const auto check = [&](const Octets& list, bool with_path) -> Error {
    const Octets encoding = with_path ? commit(list, new_leaf()) : commit(list);
    Commit decoded;
    TRY(decode(encoding, decoded));
    ProposalList resolved(memory);
    TRY(resolved.resolve(crypto, decoded, {SenderType::member, {0}, 0}, cache));
    return check_path_present(resolved, decoded);
  };
  const std::vector<std::pair<const char*, Octets>> needing = {
      {"COMMIT-08", {}},
      {"COMMIT-09", sent(update(updated(1)), 1)},
      {"COMMIT-10", by_value(remove(3))},
      {"COMMIT-11", by_value(extensions({}))},
      {"", by_value(add(newcomer())) + by_value(custom_proposal())}};
  for (const auto& [ids, list] : needing) {
    evidence::refused(ids, Error::path_absent, check(list, false),
                      {.genuine_accepted = check(list, true) == Error::none});
  }
  const Octets none = by_value(add(newcomer())) + by_value(psk("a"));
  EXPECT_EQ(check(none, false), Error::none);
  EXPECT_EQ(check(none, true), Error::none);
  EXPECT_EQ(check(by_value(reinit()), false), Error::none);
  shows("COMMIT-07, COMMIT-12, REINIT-04");
}

TEST_F(ProposalListTest, AFullMemoryChangesNothing) {
  const Octets list = by_value(add(newcomer())) + sent(update(updated(1)), 1) + by_value(remove(3)) +
                      by_value(extensions(extension(extension_type)));
  const Octets before = tree_octets();
  bool succeeded = false;
  for (std::size_t call = 0; !succeeded; ++call) {
    draft.reset();
    memory.fail_at(memory.calls() + call);
    const Error error = judge(list);
    memory.fail_at(SIZE_MAX);
    succeeded = error == Error::none;
    EXPECT_TRUE(succeeded || error == Error::out_of_memory);
    EXPECT_EQ(tree_octets(), before);
  }
}

}  // namespace
}  // namespace tacet
