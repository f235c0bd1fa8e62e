// Rules that show only where epochs follow on each other, or where an endpoint does what a group asks of it.

#include "flow.h"
#include "leaf_model.h"

namespace tacet {
namespace {

using evidence::refused;
using evidence::shows;

class FlowRulesTest : public FlowTest {
 protected:
  // Refuses while `policy` does not vouch for a key, with nothing changed; and not after that.
  void believes(const char* ids, Endpoint& who, const Octets& key, const std::function<Error()>& attempt) {
    const auto plain = who.memory.contents(), secrets = who.secret_memory.contents();
    who.policy.disbelieved = key;
    const Error seen = attempt();
    who.policy.disbelieved = {};
    const bool equal = who.memory.contents() == plain && who.secret_memory.contents() == secrets;
    EXPECT_TRUE(equal);
    needs(attempt(), who.name);
    refused(ids, Error::credential_refused, seen, {.state_equal = equal, .genuine_accepted = true});
  }

  // ---- what a KeyPackage says

  // That of a client, in plain containers, to be changed and signed again.
  static KeyPackageModel model_of(Endpoint& who) {
    KeyPackage decoded;
    const Octets published = who.publish();
    EXPECT_EQ(decode(published, decoded), Error::none);
    KeyPackageModel made;
    made.init_key = model::octets(decoded.init_key);
    made.leaf.encryption_key = model::octets(decoded.leaf_node.encryption_key);
    made.leaf.signature_key = who.signature_key;
    made.leaf.private_key = octets(who.signing_key);
    made.leaf.credential_body = model::octets(who.name);
    return made;
  }
  // The client has published this one instead.
  static Octets add_with(Endpoint& who, const KeyPackageModel& made) {
    who.key_package = made.encoding();
    who.reference =
        model::hash(model::vector("MLS 1.0 KeyPackage Reference") + model::vector(who.key_package));
    return model::number(1, 2) + who.key_package;
  }
};

// ---- proposals

TEST_F(FlowRulesTest, AProposalThatWasLeftOutMayComeAgain) {
  found({"b", "c"});
  at("d");
  const Octets body = add("d");
  propose("b", body);
  commit("a", {});
  shows("COMMIT-04");
  commit("c", propose("b", body), {"d"});
  shows("COMMIT-05");
}

// ---- the tree

// The nodes that a truncation took are blank when the tree grows again, in one list.
TEST_F(FlowRulesTest, WhatIsCutOffAndExtendedAgainIsBlank) {
  const std::vector<std::string> all = {"b", "c", "d", "e", "f", "g", "h"};
  for (const std::size_t members : {3u, 5u, 8u}) {
    endpoints.clear();
    const std::vector<std::string> others(all.begin(),
                                          all.begin() + static_cast<std::ptrdiff_t>(members) - 1);
    found(others);
    for (const std::string& name : others) commit(name, {});
    const std::uint32_t width = members > 4 ? 8 : 4;
    EXPECT_EQ(at("a").epoch->state.tree().size().leaves(), width);
    Octets list;
    for (const std::string& name : others) {
      if (at(name).epoch->member.own().value >= width / 2) list = list + by_value(remove(name));
    }
    list = list + by_value(add("x"));
    if (members == 3) list = list + by_value(add("y"));

    Commit made;
    ASSERT_EQ(List<ProposalOrRef>::parse(list, made.proposals), Error::none);
    const Client ours = at("a").client();
    NextPublicState next(ours, at("a").epoch->state);
    ASSERT_EQ(next.apply(ours, made, {SenderType::member, {0}, 0}), Error::none);
    EXPECT_EQ(next.draft().size().leaves(), width);
    EXPECT_TRUE(next.draft().is_blank(next.draft().size().root()));
    for (std::uint32_t node = width + 1; node < 2 * width - 1; node += 2) {
      EXPECT_TRUE(next.draft().is_blank(NodeIndex(node))) << node;
      EXPECT_TRUE(next.draft().encryption_key(NodeIndex(node)).empty()) << node;
    }
    commit("a", list, members == 3 ? std::vector<std::string>{"x", "y"} : std::vector<std::string>{"x"});
    commit("x", {});
  }
  shows("APPLY-03");
}

TEST_F(FlowRulesTest, ARemovedLeafIsNowhereUnmerged) {
  found({"b", "c", "d", "e", "f", "g"});
  commit("g", {});
  commit("a", by_value(add("h")), {"h"});
  const LeafIndex h = at("h").epoch->member.own();
  const auto nodes_with_it = [&] {
    const RatchetTree& tree = at("a").epoch->state.tree();
    std::size_t count = 0;
    for (std::uint32_t node = 1; node < 2 * tree.size().leaves() - 1; node += 2) {
      count += tree.unmerged_leaves(NodeIndex(node)).contains(h) ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(nodes_with_it(), 1u);
  commit("b", by_value(remove("h")));
  EXPECT_EQ(nodes_with_it(), 0u);
  commit("b", by_value(add("i")), {"i"});
  commit("g", {});
  shows("PROP-15");
}

TEST_F(FlowRulesTest, AnExpiredLeafKeepsNobodyFromGoingOn) {
  constexpr std::uint64_t now = 3000;
  found({"b", "c"});
  for (const char* by : {"a", "b"}) {
    commit(by, {});
    const LeafNode leaf = at(by).epoch->state.tree().leaf(at("c").epoch->member.own());
    EXPECT_EQ(check_lifetime_now(leaf, now), Error::lifetime_not_current);
  }
  commit("b", by_value(add("d")), {"d"});
  commit("d", {});
  shows("LEAF-26");
}

// ---- who is believed

TEST_F(FlowRulesTest, EveryCredentialThatComesInIsValidated) {
  found({"b", "c"});
  Endpoint& a = at("a");
  Endpoint& b = at("b");
  NewSignatureKey next(a);
  const auto judged = [&](const Octets& key, const Octets& list, NewCommit wanted = in_public()) {
    believes("", a, key, [&] { return a.commit(list, wanted); });
    const Octets sent = model::octets(a.pending->message);
    welcome = model::octets(a.pending->welcome);
    a.pending.reset();
    believes("CRED-05", b, key, [&] { return b.consider(sent); });
  };
  judged(at("d").signature_key, by_value(add("d")));
  Endpoint& d = at("d");
  d.last_resort = true;  // it joins more than once
  for (const char* name : {"a", "b", "c", "d"}) {
    believes("CRED-05", d, at(name).signature_key, [&] {
      d.epoch.reset();
      const Error error = d.join(welcome);
      d.epoch.reset();
      return error;
    });
  }
  judged(next.key, propose("c", update(at("c"), next.key, next.signing_key)));
  judged(next.key, {}, next.commit(in_public()));
  const Octets senders = model::vector(model::vector(next.key) + model::number(1, 2) + model::vector("s"));
  judged(next.key, by_value(extensions(model::number(5, 2) + model::vector(senders))));
}

// A member whose credential has expired brings one that has not, by an Update and by a Commit.
TEST_F(FlowRulesTest, WhoeverHasExpiredMayRenew) {
  found({"b", "c"});
  for (const bool by_commit : {false, true}) {
    Endpoint& c = at("c");
    NewSignatureKey next(c);
    for (const char* name : {"a", "b"}) at(name).policy.disbelieved = c.signature_key;
    if (by_commit) {
      ASSERT_EQ(c.commit({}, in_public()), Error::none);
      EXPECT_EQ(at("b").consider(model::octets(c.pending->message)), Error::credential_refused) << "the old";
      commit("c", {}, {}, next.commit(in_public()));
    } else {
      commit("a", propose("c", update(c, next.key, next.signing_key)));
    }
    EXPECT_EQ(model::octets(at("a").epoch->state.tree().signature_key(c.epoch->member.own())), next.key);
    c.signing_key = std::move(next.signing_key);
    c.signature_key = next.key;
  }
  shows("CRED-13");
}

TEST_F(FlowRulesTest, OldMessagesOfAnExpiredMemberAreRead) {
  found({"b", "c"});
  at("d");
  Endpoint& b = at("b");
  std::vector<Octets> backlog = {say("a")};
  const auto [proposed, reference] = at("a").propose(add("d"), WireFormat::private_message);
  backlog.push_back(proposed);
  ASSERT_EQ(at("c").receive(proposed), Error::none);
  ASSERT_EQ(at("c").commit(reference), Error::none);
  backlog.push_back(model::octets(at("c").pending->message));
  ASSERT_EQ(at("a").receive(backlog.back()), Error::none);
  at("c").adopt();
  backlog.push_back(say("a"));
  b.policy.disbelieved = at("a").signature_key;
  for (const Octets& sent : backlog) EXPECT_EQ(b.receive(sent), Error::none);
  agree();
  shows("CRED-14");
}

// ---- what members support

TEST_F(FlowRulesTest, WhoeverIsAddedSupportsVersionAndSuite) {
  Endpoint& a = at("a");
  a.create(model::octets("group"));
  const KeyPackageModel perfect = model_of(at("b"));
  const auto is_refused = [&](Error error, const std::function<void(KeyPackageModel&)>& defect) {
    KeyPackageModel broken = perfect;
    defect(broken);
    const auto plain = a.memory.contents(), secrets = a.secret_memory.contents();
    const Error seen = a.commit(by_value(add_with(at("b"), broken)));
    const bool equal = a.memory.contents() == plain && a.secret_memory.contents() == secrets;
    const Error genuine = a.commit(by_value(add_with(at("b"), perfect)));
    a.pending.reset();
    EXPECT_TRUE(equal);
    refused("CREATE-04", error, seen, {.state_equal = equal, .genuine_accepted = genuine == Error::none});
  };
  is_refused(Error::suite_unlisted, [](auto& made) { made.leaf.suites = {1, 2}; });
  is_refused(Error::suite_unlisted, [](auto& made) { made.leaf.suites = {}; });
  is_refused(Error::version_unlisted, [](auto& made) { made.leaf.versions = {2}; });
  is_refused(Error::key_package_suite, [](auto& made) { made.suite = 1; });
  is_refused(Error::key_package_version, [](auto& made) { made.version = 2; });
}

// A type of credential comes into use once every member lists it, by Commits that say so.
TEST_F(FlowRulesTest, ANewTypeOfCredentialIsIntroduced) {
  constexpr std::uint16_t new_type = 0xf001;
  found({"b", "c"});
  std::vector<CredentialType> both = {CredentialType::basic, static_cast<CredentialType>(new_type)};
  const auto with_leaf = [&](const std::string& name, std::uint16_t type, const auto& use) {
    Endpoint& who = at(name);
    who.supported.credentials = both;
    Octets room(8);
    LeafNode leaf = who.epoch->state.tree().leaf(who.epoch->member.own());
    leaf.capabilities.credentials = encode_list(std::span<const CredentialType>(both), room).value();
    leaf.credential.type = static_cast<CredentialType>(type);
    NewCommit wanted = in_public();
    wanted.leaf = &leaf;
    use(wanted);
  };
  const auto lists_it = [&](const std::string& name) {
    with_leaf(name, 1, [&](const NewCommit& wanted) { commit(name, {}, {}, wanted); });
  };
  lists_it("a");
  lists_it("b");
  with_leaf("a", new_type, [&](const NewCommit& wanted) {
    EXPECT_EQ(at("a").commit({}, wanted), Error::credential_unsupported) << "c does not list it";
  });
  lists_it("c");
  with_leaf("a", new_type, [&](const NewCommit& wanted) { commit("a", {}, {}, wanted); });
  EXPECT_EQ(static_cast<std::uint16_t>(at("c").epoch->state.tree().leaf({0}).credential.type), new_type);

  EXPECT_EQ(at("b").commit(by_value(add("d"))), Error::credential_in_use_unlisted);
  at("e").supported.credentials = both;
  commit("b", by_value(add("e")), {"e"});
  commit("e", {});
  shows("EXT-11");
}

// ---- values that are not known

// What becomes of a value that nobody knows: in the seven fields in which it is ignored, and in the others.
class UnknownValue : public FlowRulesTest {
 protected:
  using Errors = std::vector<Error>;

  // What the adder, a member and the joiner say of it in a KeyPackage and a GroupInfo; then three members, of
  // a Commit with it in the leaf.
  Errors ignored(std::uint16_t value) {
    endpoints.clear();
    found({"b"});
    Errors seen;
    KeyPackageModel made = model_of(at("d"));
    made.extensions = {{value, model::octets("data")}};
    put_into(made.leaf, value);
    const Octets data(5, 1);
    const Extension of_group_info = {static_cast<ExtensionType>(value), data};
    NewCommit wanted = in_public();
    wanted.group_info_extensions = {&of_group_info, 1};
    const Octets list = by_value(add_with(at("d"), made));
    Error error = at("a").commit(list, wanted);
    // One in fifteen times the GREASE that is mixed in is the same.
    while (error == Error::extension_repeated) error = at("a").commit(list, wanted);
    seen.push_back(error);
    if (error != Error::none) return seen;
    seen.push_back(at("b").receive(model::octets(at("a").pending->message)));
    seen.push_back(at("d").join(model::octets(at("a").pending->welcome)));
    at("a").adopt();
    if (seen.back() != Error::none) return seen;
    commit("d", {});
    // In the leaf of a Commit.
    LeafModel of_b = model_of(at("b")).leaf;
    put_into(of_b, value);
    const Octets encoding = of_b.encoding();
    LeafNode leaf;
    EXPECT_EQ(decode(encoding, leaf), Error::none);
    NewCommit with_leaf = in_public();
    with_leaf.leaf = &leaf;
    seen.push_back(at("b").commit({}, with_leaf));
    if (seen.back() != Error::none) return seen;
    const Octets sent = model::octets(at("b").pending->message);
    for (const char* name : {"a", "d"}) seen.push_back(at(name).receive(sent));
    at("b").adopt();
    agree();
    return seen;
  }
  // What an endpoint says when it is asked to send one.
  Errors not_ignored(std::uint16_t value) {
    endpoints.clear();
    found({"b"});
    Errors seen;
    const Extension extension = {static_cast<ExtensionType>(value), {}};
    Octets leaf = at("c").publish();
    KeyPackage own;
    EXPECT_EQ(decode(leaf, own), Error::none);
    std::optional<Epoch> group;
    seen.push_back(create_group(at("c").client(), bytes_of("other"), {&extension, 1}, own.leaf_node.encoded,
                                secret_of(octets(at("c").keys.encryption_key)), group));
    seen.push_back(at("a").commit(by_value(extensions(model::number(value, 2) + model::vector("data")))));
    seen.push_back(at("a").commit(by_value(model::number(value, 2) + model::vector("body"))));
    KeyPackageModel made = model_of(at("c"));
    made.leaf.credential_type = value;
    made.leaf.credentials = {1, value};
    seen.push_back(at("a").commit(by_value(add_with(at("c"), made))));
    LeafNode of_a = at("a").epoch->state.tree().leaf({0});
    const std::vector<CredentialType> listed = {CredentialType::basic, static_cast<CredentialType>(value)};
    Octets list(4);
    of_a.credential.type = listed[1];
    of_a.capabilities.credentials = encode_list(std::span<const CredentialType>(listed), list).value();
    NewCommit wanted;
    wanted.leaf = &of_a;
    seen.push_back(at("a").commit({}, wanted));
    FramedContent fields;
    fields.content_type = ContentType::proposal;
    const Octets proposal = model::number(value, 2) + model::vector("body");
    EXPECT_EQ(decode(proposal, fields.proposal), Error::none);
    Octets room(1000);
    KeySigner signer = at("a").signer();
    AuthenticatedContent content;
    seen.push_back(
        sign_content(signer, WireFormat::public_message, fields, {}, at("a").limits, {}, room, content));
    return seen;
  }
  static void put_into(LeafModel& leaf, std::uint16_t value) {
    leaf.suites = {value, 3};
    leaf.extensions = {value};
    leaf.proposals = {value};
    leaf.credentials = {1, value};
    leaf.leaf_extensions = {{value, model::octets("data")}};
  }
  static std::vector<std::uint16_t> grease_values() {
    std::vector<std::uint16_t> values;
    for (unsigned i = 0; i < 15; ++i) values.push_back(static_cast<std::uint16_t>((0x0a + 0x10 * i) * 0x101));
    return values;
  }
};

TEST_F(UnknownValue, OfGreaseIsLikeAnyOther) {
  constexpr std::uint16_t unassigned = 0x0abc;
  const Errors passes = ignored(unassigned), fails = not_ignored(unassigned);
  EXPECT_EQ(passes, Errors(6, Error::none));
  for (const std::uint16_t value : grease_values()) {
    EXPECT_EQ(ignored(value), passes) << value;
    EXPECT_EQ(not_ignored(value), fails) << value;
  }
  shows("GREASE-10, GREASE-11");
}

TEST_F(UnknownValue, OfGreaseIsNotSentWhereItWouldNotBeIgnored) {
  for (const std::uint16_t value : grease_values()) {
    EXPECT_EQ(not_ignored(value), (Errors{Error::extension_unsupported, Error::extension_unsupported,
                                          Error::proposal_unsupported, Error::credential_unsupported,
                                          Error::credential_unsupported, Error::proposal_type_unknown}));
    Endpoint& c = at("c");
    NewKeyPackage wanted;
    wanted.signature_key = c.signature_key;
    wanted.credential.type = static_cast<CredentialType>(value);
    wanted.supported = c.supported;
    const KeyPackageRoom room = key_package_room(wanted);
    Octets work(room.work), out(room.out);
    KeySigner signer = c.signer();
    KeyPackageKeys keys;
    EXPECT_EQ(create_key_package(c.crypto, signer, wanted, c.limits, work, out, keys).error(),
              Error::grease_supported);
  }
  shows("GREASE-05");
}

// ---- joining

TEST_F(FlowRulesTest, OneCommitMayHaveSeveralWelcomes) {
  found({"b"});
  ASSERT_EQ(at("a").commit(by_value(add("c")) + by_value(add("d")) + by_value(add("e"))), Error::none);
  const Octets all = model::octets(at("a").pending->welcome);
  MlsMessage decoded;
  ASSERT_EQ(decode(all, decoded), Error::none);
  std::vector<Octets> entries;
  for (const EncryptedGroupSecrets& entry : decoded.welcome.secrets) {
    entries.emplace_back(encoded_size(entry).value());
    ASSERT_TRUE(encode(entry, entries.back()).ok());
  }
  ASSERT_EQ(entries.size(), 3u);
  const auto welcome_for = [&](const Octets& some) {
    return Octets{0, 1, 0, 3} + model::number(3, 2) + model::vector(some) +
           model::vector(model::octets(decoded.welcome.encrypted_group_info));
  };
  const Octets first = welcome_for(entries[0]), others = welcome_for(entries[1] + entries[2]);
  EXPECT_EQ(at("c").join(others), Error::group_secrets_absent);
  EXPECT_EQ(at("c").join(first), Error::none);
  for (const char* name : {"d", "e"}) EXPECT_EQ(at(name).join(others), Error::none);
  ASSERT_EQ(at("b").receive(model::octets(at("a").pending->message)), Error::none);
  at("a").adopt();
  agree();
  for (const char* name : {"c", "d", "e"}) commit(name, {});
  shows("WELCOME-07");
}

// By whoever has not committed as well, in any epoch.
TEST_F(FlowRulesTest, EveryMemberCanMakeAGroupInfo) {
  found({"b", "c"});
  for (const char* by : {"a", "b"}) {
    commit(by, {});
    MlsMessage sent;
    ASSERT_EQ(decode(message, sent), Error::none);
    for (const char* name : {"a", "b", "c"}) {
      Endpoint& who = at(name);
      const PublicState& state = who.epoch->state;
      Digest tag;
      ASSERT_EQ(confirmation_tag(who.crypto, who.epoch->member.keys().copy(EpochKeys::Of::confirmation_key),
                                 state.context().confirmed_transcript_hash, tag),
                Error::none);
      EXPECT_TRUE(equal(tag, sent.public_message.auth.confirmation_tag));
      const NewGroupInfo wanted = {state.context(), {}, state.confirmation_tag(), who.epoch->member.own()};
      Octets room(group_info_room(wanted));
      KeySigner signer = who.signer();
      const Result<Bytes> made = create_group_info(who.crypto, signer, wanted, room);
      ASSERT_TRUE(made.ok());
      const Octets encoding = model::octets(made.value());
      GroupInfo info;
      ASSERT_EQ(decode(encoding, info), Error::none);
      EXPECT_TRUE(equal(info.confirmation_tag, sent.public_message.auth.confirmation_tag));
      const Result<Bytes> key = group_info_signature_key(info, at("a").epoch->state.tree());
      ASSERT_TRUE(key.ok());
      room.resize(verify_group_info_room(info));
      EXPECT_EQ(verify_group_info(at("a").crypto, info, key.value(), room), Error::none);
    }
  }
  shows("WELCOME-32");
}

}  // namespace
}  // namespace tacet
