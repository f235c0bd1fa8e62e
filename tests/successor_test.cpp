// Groups that succeed another (RFC 9420, 11.2, 11.3). In the test build, so that their creators can do what
// they would refuse to do.

#include "evidence.h"
#include "members.h"
#include "protocol/observer.h"
#include "protocol/refuse.h"
#include "spec/adversary/heir.h"

namespace tacet {
namespace {

using adversary::add_of;
using adversary::external_psk_of;
using adversary::Heir;
using adversary::KnownPsks;
using adversary::remove_of;
using evidence::refused;
using evidence::shows;
using model::octets;

constexpr ResumptionPskUsage reinit = ResumptionPskUsage::reinit, branch = ResumptionPskUsage::branch;

class SuccessorTest : public GroupTest {
 protected:
  ~SuccessorTest() override { switch_all_on(); }

  static Proposal reinit_to(const Octets& group_id, const Extensions& extensions = {},
                            CipherSuite suite = CipherSuite::x25519_chacha20poly1305_sha256_ed25519,
                            ProtocolVersion version = ProtocolVersion::mls10) {
    Proposal proposal;
    proposal.type = ProposalType::reinit;
    proposal.re_init = {group_id, version, suite, extensions};
    return proposal;
  }

  void start_over() {
    opened = GroupSecrets();
    heirs.clear();
    members.clear();
  }

  // Of three members, closed by a Commit of the first.
  void close(const Proposal& proposal) {
    make_group(3);
    CommitOptions wanted = with(proposal);
    wanted.with_path = false;
    send(members[0]->commit(wanted), *members[0]);
    members[0]->group.adopt_pending();
    meet();
  }
  // All publish new KeyPackages.
  void meet() {
    heirs.clear();
    adds.clear();
    for (const auto& each : members) {
      heirs.push_back(std::make_unique<Heir>(*each));
      adds.push_back(add_of(each->publish()));
    }
  }

  // The one at `by` creates the successor with others; gives the Welcome.
  Octets succeed(std::size_t by, SuccessorOptions wanted, const std::vector<std::size_t>& others) {
    covered.clear();
    for (const std::size_t each : others) covered.push_back(adds[each]);
    for (const Proposal& each : wanted.proposals) covered.push_back(each);
    wanted.proposals = covered;
    return heirs[by]->succeed(wanted);
  }
  using GroupTest::with;

  // Whoever has a successor has the same.
  void expect_heirs_agree(std::size_t count) {
    std::size_t active = 0;
    for (const auto& each : heirs) {
      if (!each->group.is_active()) continue;
      ++active;
      EXPECT_EQ(each->group.state().context().epoch, 1u);
      EXPECT_TRUE(equal(each->group.epoch_authenticator(), heirs[1]->group.epoch_authenticator()));
      EXPECT_EQ(each->group.state().tree().members(), count);
    }
    EXPECT_EQ(active, count);
  }

  // PreSharedKeyIDs of a Welcome, as the client sees them.
  std::vector<PreSharedKeyId> psks_of(Member& who, const Octets& welcome) {
    MlsMessage decoded;
    KeyPackage own;
    EXPECT_EQ(decode(Bytes(welcome), decoded), Error::none);
    EXPECT_EQ(decode(Bytes(who.key_package), own), Error::none);
    EXPECT_EQ(
        open_group_secrets(who.crypto, decoded.welcome, own, who.keys.init_key, who.secret_memory, opened),
        Error::none);
    std::vector<PreSharedKeyId> ids;
    for (const PreSharedKeyId& id : opened.psks) ids.push_back(id);
    return ids;
  }

  static void must(Error error) { adversary::must(error); }

  const Octets successor = model::octets("the successor");
  std::vector<std::unique_ptr<Heir>> heirs;
  std::vector<Proposal> adds, covered;
  GroupSecrets opened;
};

TEST_F(SuccessorTest, AllOfAGroupOfAnySizeGoOnOrSomeBranch) {
  for (const WireFormat each : {WireFormat::private_message, WireFormat::public_message}) {
    format = each;
    for (const std::size_t size : {2u, 3u, 4u, 5u, 8u, 9u, 17u}) {
      for (const ResumptionPskUsage usage : {reinit, branch}) {
        SCOPED_TRACE(size);
        start_over();
        make_group(size);
        if (usage == reinit) {
          send(members[0]->commit(with(reinit_to(successor))), *members[0]);
          members[0]->group.adopt_pending();
        }
        meet();
        std::vector<std::size_t> others;
        for (std::size_t i = 0; i < size; i += usage == branch ? 2 : 1) {
          if (i != 1) others.push_back(i);
        }
        const Octets welcome = succeed(1, {.usage = usage}, others);
        ASSERT_EQ(members[1]->error, Error::none);
        for (const std::size_t i : others) ASSERT_EQ(heirs[i]->join(welcome), Error::none);
        heirs[1]->group.adopt_pending();
        expect_heirs_agree(others.size() + 1);
        if (usage == branch) expect_agreement();
      }
    }
  }
}

TEST_F(SuccessorTest, AReInitClosesTheGroup) {
  for (const WireFormat each : {WireFormat::private_message, WireFormat::public_message}) {
    format = each;
    start_over();
    close(reinit_to(successor));
    const Octets late = members[2]->group_info();
    for (const auto& member : members) {
      EXPECT_TRUE(member->group.is_closed());
      EXPECT_TRUE(equal(member->group.state().re_init()->group_id, successor));
      member->say("anybody there?");
      refused("REINIT-06", Error::group_closed, member->error);
      member->propose(remove_of(LeafIndex{1}));
      refused("REINIT-06", Error::group_closed, member->error);
      member->propose_update();
      refused("REINIT-06", Error::group_closed, member->error);
      member->commit();
      refused("REINIT-06", Error::group_closed, member->error);
    }
    // Nobody joins it either: others are held to it.
    Member& outside = member("X");
    outside.join_from_outside(members[0]->group_info({.external_pub = true}));
    const Octets commit = octets(outside.group.pending_commit());
    refused("REINIT-06", Error::group_closed, members[1]->receive(commit));
    // A Welcome of any other group leaves it waiting.
    Member& other = member("Y");
    other.create(model::octets("another group"));
    const Octets key_package = members[1]->publish();
    other.commit(with(add_of(key_package)));
    Heir apart(*members[1]);
    EXPECT_EQ(apart.join(other.welcome()), Error::none);
    EXPECT_TRUE(members[1]->group.is_closed());
  }
  shows("REINIT-07");
}

// Whoever follows it from outside holds everybody to that.
TEST_F(SuccessorTest, AnObserverSeesThatAGroupIsClosed) {
  format = WireFormat::public_message;
  make_group(2);
  Member& outside = member("O");
  Observer observer(outside.client());
  ASSERT_EQ(observer.start(members[0]->group_info(), {}), Error::none);
  Received seen(outside.memory);
  const auto watch = [&](const Octets& message) {
    Octets room(observer.process_size(message).value());
    return observer.process(message, room, seen);
  };
  const Octets closes = members[0]->commit(with(reinit_to(successor)));
  ASSERT_EQ(watch(closes), Error::none);
  EXPECT_TRUE(equal(observer.state().re_init()->group_id, successor));
  members[0]->group.adopt_pending();
  Member& late = member("X");
  const Octets commit = late.join_from_outside(members[0]->group_info({.external_pub = true}));
  ASSERT_EQ(late.error, Error::none) << "a GroupInfo does not tell it";
  refused("REINIT-06", Error::group_closed, watch(commit));
  KeySigner signer = late.signer();
  const GroupContext& context = observer.state().context();
  Message asked;
  ASSERT_EQ(propose_from_outside(late.client(), signer,
                                 {{SenderType::new_member_proposal, {}, 0},
                                  context.group_id,
                                  context.epoch,
                                  adversary::add_of(late.publish())},
                                 asked),
            Error::none);
  refused("REINIT-06", Error::group_closed, watch(model::octets(asked.bytes)));
  EXPECT_EQ(observer.state().proposals().size(), 0u);
}

// By another than the one who committed the ReInit.
TEST_F(SuccessorTest, AClosedGroupIsSucceededByOneOfTheSameMembers) {
  const ExtensionType registered{0xf001};
  const Octets list = model::number(0xf001, 2) + model::vector("data");
  Extensions extensions;
  ASSERT_EQ(Extensions::parse(list, extensions), Error::none);
  for (const WireFormat each : {WireFormat::private_message, WireFormat::public_message}) {
    format = each;
    start_over();
    close(reinit_to(successor, extensions));
    for (const auto& member : members) member->supported.extensions = {&registered, 1};
    meet();
    const Octets welcome = succeed(1, {}, {0, 2});
    ASSERT_EQ(members[1]->error, Error::none);
    const std::vector<PreSharedKeyId> ids = psks_of(*members[2], welcome);
    ASSERT_EQ(ids.size(), 1u);
    EXPECT_EQ(ids[0].usage, reinit);
    EXPECT_TRUE(equal(ids[0].psk_group_id, group_id));
    EXPECT_EQ(ids[0].psk_epoch, members[0]->group.state().context().epoch);
    EXPECT_EQ(ids[0].psk_nonce.size(), 32u);
    for (const std::size_t joins : {0u, 2u}) EXPECT_EQ(heirs[joins]->join(welcome), Error::none);
    heirs[1]->group.adopt_pending();
    expect_heirs_agree(3);
    const GroupContext& context = heirs[0]->group.state().context();
    EXPECT_EQ(octets(context.group_id), successor);
    EXPECT_EQ(octets(context.extensions.encoded()), list);
  }
  shows("REINIT-08, REINIT-09, REINIT-10, REINIT-11, PSK-03");
}

TEST_F(SuccessorTest, AGroupBranchesAndGoesOn) {
  for (const WireFormat each : {WireFormat::private_message, WireFormat::public_message}) {
    format = each;
    start_over();
    make_group(4);
    meet();
    for (const auto& member : members) member->psks.known["agreed"] = model::octets("a key");
    const Proposal another = external_psk_of("agreed");
    const Octets welcome = succeed(1, {.usage = branch, .proposals = {&another, 1}}, {3});
    ASSERT_EQ(members[1]->error, Error::none);
    const std::vector<PreSharedKeyId> ids = psks_of(*members[3], welcome);
    ASSERT_EQ(ids.size(), 2u);
    EXPECT_EQ(ids[1].usage, branch);
    EXPECT_EQ(ids[1].psk_nonce.size(), 32u);
    commit_by(*members[0]);  // the joiner is an epoch further on by now
    ASSERT_EQ(heirs[3]->join(welcome), Error::none);
    heirs[1]->group.adopt_pending();
    expect_heirs_agree(2);
    expect_agreement();
    commit_by(*members[3]);
    expect_agreement();
  }
  shows("BRANCH-01, BRANCH-02, BRANCH-07, BRANCH-09, PSK-17");
}

TEST_F(SuccessorTest, ACreatorKeepsTheRules) {
  make_group(3);
  meet();
  Member& stranger = member("S");
  adds.push_back(add_of(stranger.publish()));
  const auto is_refused = [&](Error error, const SuccessorOptions& wanted,
                              const std::vector<std::size_t>& others) {
    const auto plain = members[0]->memory.contents(), secrets = members[0]->secret_memory.contents();
    succeed(0, wanted, others);
    refused("", error, members[0]->error);
    EXPECT_EQ(members[0]->memory.contents(), plain);
    EXPECT_EQ(members[0]->secret_memory.contents(), secrets);
    EXPECT_FALSE(heirs[0]->group.is_active());
  };
  is_refused(Error::reinit_absent, {}, {1, 2});
  is_refused(Error::psk_usage_misplaced, {.usage = ResumptionPskUsage::application}, {1});
  is_refused(Error::successor_member_foreign, {.usage = branch}, {1, 3});
  members.pop_back();
  send(members[2]->commit(with(reinit_to(successor))), *members[2]);
  members[2]->group.adopt_pending();
  meet();
  is_refused(Error::successor_member_absent, {}, {1});
  succeed(0, {}, {1, 2});
  EXPECT_EQ(members[0]->error, Error::none);
  succeed(0, {}, {1, 2});
  refused("", Error::group_active, members[0]->error);
  Heir fresh(*members[1]);
  KeySigner signer = members[1]->signer();
  Group nothing(members[1]->client(), members[1]->psks);
  EXPECT_EQ(fresh.group.succeed(signer, nothing, {}, {}, {}), Error::group_inactive);
}

// ---- what a joiner refuses

// A member of the former group creates its successor on the floor below the verbs, and keeps no rule.
class BadSuccessorTest : public SuccessorTest {
 protected:
  struct Plan {
    ResumptionPskUsage usage = reinit;
    Octets group_id;
    std::span<const Extension> extensions = {};
    std::uint64_t epochs_back = 0;  // of the PSK
    std::vector<std::size_t> others = {0, 2};
    bool late = false;  // the joiner is added in the second Commit
  };

  Octets welcome_of(const Plan& plan) {
    Member& traitor = *members[1];
    evil = std::make_unique<Endpoint>("B", random);
    evil->signing_key = adversary::copy_of(traitor.signing_key);
    evil->signature_key = traitor.signature_key;
    evil->psks = traitor.psks;
    evil->supported = traitor.supported;
    evil->create(plan.group_id, plan.extensions);
    if (plan.late) {
      must(evil->commit({}));
      evil->adopt();
    }
    evil->epoch->state.begin_as(plan.usage);
    const GroupContext& former = traitor.group.state().context();
    Octets list = Octets{1} + model::number(4, 2) + Octets{2, static_cast<std::uint8_t>(plan.usage)} +
                  model::vector(octets(former.group_id)) + model::number(former.epoch - plan.epochs_back, 8) +
                  model::vector(Octets(32, 7));
    for (const std::size_t each : plan.others) {
      list = list + Octets{1} + model::number(1, 2) + octets(adds[each].add.key_package.encoded);
    }
    must(evil->commit(list));
    return octets(evil->pending->welcome);
  }

  // The first member refuses it, has not changed, and joins by the genuine one.
  void breaks(const char* ids, Error error, const Plan& plan, const Octets& genuine) {
    const Octets bad = welcome_of(plan);
    Heir& heir = *heirs[0];
    const Member& joiner = *members[0];
    const auto plain = joiner.memory.contents(), secrets = joiner.secret_memory.contents();
    const Error seen = heir.join(bad);
    const bool equal = joiner.memory.contents() == plain && joiner.secret_memory.contents() == secrets;
    EXPECT_TRUE(equal);
    heir.of.last_resort = true;
    Heir another(heir.of);
    const Error after = another.join(genuine);
    EXPECT_EQ(after, Error::none);
    refused(ids, error, seen, {.state_equal = equal, .genuine_accepted = after == Error::none});
  }

  std::unique_ptr<Endpoint> evil;
};

TEST_F(BadSuccessorTest, OfAClosedGroup) {
  close(reinit_to(successor));
  for (const auto& each : members) {
    each->psks.known[KnownPsks::resumption(group_id, 1)] = model::octets("of the epoch before");
  }
  const Octets genuine = succeed(2, {}, {0, 1});
  ASSERT_EQ(members[2]->error, Error::none);
  breaks("REINIT-12", Error::successor_epoch, {.group_id = successor, .late = true}, genuine);
  breaks("REINIT-14", Error::successor_group_id, {.group_id = model::octets("another")}, genuine);
  const Extension extension = {ExtensionType::required_capabilities, bytes_of(std::string_view("\0\0\0", 3))};
  breaks("REINIT-17", Error::successor_extensions, {.group_id = successor, .extensions = {&extension, 1}},
         genuine);
  breaks("REINIT-18", Error::successor_member_absent, {.group_id = successor, .others = {0}}, genuine);
  breaks("REINIT-21", Error::successor_psk_epoch, {.group_id = successor, .epochs_back = 1}, genuine);
}

TEST_F(BadSuccessorTest, OfAGroupThatGoesOn) {
  make_group(3);
  meet();
  const Octets genuine = succeed(2, {.usage = branch}, {0});
  ASSERT_EQ(members[2]->error, Error::none);
  breaks("REINIT-13", Error::reinit_absent, {.group_id = successor}, genuine);
  breaks("BRANCH-04", Error::successor_epoch, {.usage = branch, .group_id = successor, .late = true},
         genuine);
  Member stranger("S", random);
  adds.push_back(add_of(stranger.publish()));
  breaks("BRANCH-05", Error::successor_member_foreign,
         {.usage = branch, .group_id = successor, .others = {0, 3}}, genuine);
}

// Of another suite or version than those that are built: so of a ReInit's there is no genuine one.
class OtherParametersTest : public BadSuccessorTest {
 protected:
  static constexpr CipherSuite other_suite{1};
  static constexpr ProtocolVersion other_version{2};

  struct Answer {
    Error seen;
    bool equal;
  };
  Answer answer_to(const Octets& welcome, FormerGroups& former) {
    Member& joiner = *members[0];
    const auto plain = joiner.memory.contents(), secrets = joiner.secret_memory.contents();
    const Error seen = heirs[0]->group.join(welcome, {}, joiner, &former);
    const bool equal = joiner.memory.contents() == plain && joiner.secret_memory.contents() == secrets;
    EXPECT_TRUE(equal);
    return {seen, equal};
  }
  void is_refused(const char* ids, Error error, const Octets& welcome, FormerGroups& former) {
    const Answer answer = answer_to(welcome, former);
    refused(ids, error, answer.seen, {.state_equal = answer.equal});
  }
};

TEST_F(OtherParametersTest, OfAClosedGroup) {
  close(reinit_to(successor, {}, other_suite));
  is_refused("REINIT-16", Error::successor_suite, welcome_of({.group_id = successor}), *heirs[0]);
  start_over();
  close(reinit_to(successor, {}, CipherSuite::x25519_chacha20poly1305_sha256_ed25519, other_version));
  is_refused("REINIT-15", Error::successor_version, welcome_of({.group_id = successor}), *heirs[0]);
}

TEST_F(OtherParametersTest, OfAGroupThatGoesOn) {
  struct Other final : FormerGroups {
    const PublicState* find(Bytes) noexcept override { return state; }
    const PublicState* state = nullptr;
  } other;
  make_group(3);
  meet();
  const Octets welcome = succeed(1, {.usage = branch}, {0});
  ASSERT_EQ(members[1]->error, Error::none);
  for (const bool by_suite : {true, false}) {
    GroupContext context = members[0]->group.state().context();
    if (by_suite) context.cipher_suite = other_suite;
    if (!by_suite) context.version = other_version;
    PublicState former(members[0]->client(), RatchetTree(members[0]->memory, members[0]->policy));
    ASSERT_EQ(former.start(members[0]->client(), context, {}), Error::none);
    other.state = &former;
    const Error error = by_suite ? Error::successor_suite : Error::successor_version;
    const Answer answer = answer_to(welcome, other);
    members[0]->last_resort = true;
    Heir another(*members[0]);
    const Error after = another.join(welcome);
    EXPECT_EQ(after, Error::none);
    refused("BRANCH-03", error, answer.seen, {answer.equal, after == Error::none});
  }
}

}  // namespace
}  // namespace tacet
