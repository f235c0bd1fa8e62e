// No branch, no index and no output depends on a secret but through the closed list of the crypto boundary
// (protocol/crypto.h): memcheck holds every secret to be undefined (taint.h), and reports none of what groups
// do here. Run by taint_test.py; under nothing else than memcheck does it pass.

#include <map>
#include <memory>

#include "evidence.h"
#include "model.h"
#include "protocol/adapters/heap_memory.h"
#include "spec/adversary/heir.h"
#include "spec/adversary/octets.h"
#include "spec/adversary/seeded_random.h"
#include "taint.h"

namespace tacet {
namespace {

using adversary::Heir;
using adversary::Member;
using adversary::Octets;
using adversary::octets_of;
using adversary::Save;
using adversary::secret_of;
using evidence::shows;
using model::operator+;

constexpr WireFormat both_formats[] = {WireFormat::private_message, WireFormat::public_message};

// A group whose members keep past epochs and save, and whose application gives away nothing but what it
// compares.
class Taint : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(taint::is_under_memcheck()) << "nothing is shown without memcheck"; }
  void TearDown() override { EXPECT_EQ(taint::reports(), reports_before_) << "of memcheck, printed above"; }

  // ---- the members

  Octets random_secret(std::size_t size = 32) {
    Octets bytes(size);
    EXPECT_EQ(random.fill(bytes), Error::none);
    crypto.taint(bytes);
    return bytes;
  }
  std::unique_ptr<Member> made(const std::string& name) {
    auto each = std::make_unique<Member>(name, crypto, memory, memory);
    each->policy.format = format;
    each->supported.proposals = custom;
    each->supported.extensions = extensions;
    each->limits.past_epochs = 2;
    each->limits.reserved_generations = 8;
    each->psks.known["agreed"] = each->psks.known["other:3"] = agreed_psk;
    each->storage_key = random_secret();
    return each;
  }
  // The same client with its keys, which is in no group.
  std::unique_ptr<Member> again(const Member& before) {
    auto each = made(before.name);
    each->start_again_as(before);
    each->storage_key = before.storage_key;
    return each;
  }
  Member& member(const std::string& name) { return *members.emplace_back(made(name)); }
  Member& at(std::size_t i) { return *members[i]; }

  void make_group(std::size_t size) {
    members.clear();
    for (std::size_t i = 0; i < size; ++i) member(std::string(1, static_cast<char>('A' + i)));
    at(0).create(octets_of(bytes_of("a group")));
    save(at(0));
    std::vector<Proposal> adds;
    for (std::size_t i = 1; i < size; ++i) adds.push_back(adversary::add_of(published(at(i))));
    commit(0, adds);
    expect_talk();
  }

  // ---- what leaves an endpoint

  Octets sent(Octets message, Error error = Error::none) {
    taint::must_be_public(error);
    EXPECT_EQ(error, Error::none);
    taint::must_be_public(message);
    return message;
  }
  Octets sent(Member& by, Octets message) { return sent(std::move(message), by.error); }
  void save(Member& who) {
    Save& last = saves[who.name];
    const Error error = who.save(last);
    sent(last.epoch, error);
    sent(last.ratchets);
  }
  const Octets& published(Member& by) {
    taint::must_be_public(by.publish());
    return by.key_package;
  }
  Octets said(Member& by, const std::string& text = "some text") { return sent(by, by.say(text, "aad")); }

  // ---- what happens

  void takes(Member& who, const Octets& message) {
    const Error error = who.receive(message);
    taint::must_be_public(error);
    ASSERT_EQ(error, Error::none) << who.name;
    for (const Bytes told : {who.heard.application_data, who.heard.authenticated_data, who.heard.proposal,
                             who.heard.proposal_reference.bytes()}) {
      taint::must_be_public(told);
    }
  }
  void deliver(const Octets& message, const Member& from) {
    for (const auto& each : members) {
      if (each.get() != &from && each->group.is_active()) takes(*each, message);
    }
  }
  // It is adopted, all others take it, and whom it adds joins; with the tree inside or apart.
  void commit(std::size_t by, const std::vector<Proposal>& proposals = {}, bool with_path = true,
              bool tree_inline = true) {
    const Octets message = sent(
        at(by), at(by).commit({.proposals = proposals, .with_path = with_path, .tree_inline = tree_inline}));
    const Octets welcome = sent(at(by).welcome());
    at(by).group.adopt_pending();
    deliver(message, at(by));
    const Octets tree = tree_inline ? Octets() : sent(at(by).tree());
    for (const auto& each : members) {
      if (each->group.is_active() || each->reference.empty() || welcome.empty()) continue;
      ASSERT_EQ(each->join(welcome, tree), Error::none);
    }
    for (const auto& each : members) {
      if (each->group.is_active()) save(*each);
    }
  }
  void propose(std::size_t by, const Proposal& proposal) {
    deliver(sent(at(by), at(by).propose(proposal)), at(by));
  }

  // Members hear each other, and the application compares what it may.
  void expect_talk() {
    Octets authenticator, exported(16);
    for (const auto& each : members) {
      if (!each->group.is_active()) continue;
      deliver(said(*each), *each);
      const Octets own = taint::released(each->authenticator());
      EXPECT_TRUE(authenticator.empty() || own == authenticator);
      authenticator = own;
      ASSERT_EQ(each->group.export_secret("label", bytes_of("context"), exported), Error::none);
      Digest fingerprint;
      ASSERT_EQ(each->group.membership_fingerprint(fingerprint), Error::none);
      const PublicState& state = each->group.state();
      for (const Bytes told : {fingerprint.bytes(), state.group_context(), state.confirmation_tag()}) {
        taint::must_be_public(told);
      }
    }
  }

  // Changed in one bit it is refused, at some places: the verdict is all that is seen of a secret.
  void expect_refused_if_changed(Member& by, const Octets& message, std::size_t places) {
    for (std::size_t i = 0; i < places; ++i) {
      Octets changed = message;
      changed[i * message.size() / places] ^= static_cast<std::uint8_t>(1u << i % 8);
      const Error error = by.receive(changed);
      taint::must_be_public(error);
      EXPECT_NE(error, Error::none);
    }
  }

  adversary::SeededRandom random{1};
  Tainting crypto{random};
  HeapMemory memory;
  WireFormat format = WireFormat::private_message;
  const ProposalType custom[1] = {static_cast<ProposalType>(0xf001)};
  const ExtensionType extensions[1] = {static_cast<ExtensionType>(0xf002)};
  const Octets agreed_psk = random_secret(48);
  std::vector<std::unique_ptr<Member>> members;
  std::map<std::string, Save> saves;

 private:
  const unsigned long reports_before_ = taint::reports();
};

TEST_F(Taint, AGroupLives) {
  make_group(2);
  commit(1);
  expect_talk();
  expect_refused_if_changed(at(1), said(at(0)), 8);
  shows("PRIV-09");
}

// Of what is computed from a secret, no more than the verdict can be seen.
TEST_F(Taint, VerdictsOfTheBoundary) {
  Secret private_key, shared_secret;
  Octets public_key(32), kem_output(32);
  ASSERT_EQ(crypto.generate_key_pair(private_key, public_key), Error::none);
  const Octets low_order(32);
  EXPECT_EQ(crypto.encap(low_order, kem_output, shared_secret), Error::kem_low_order);
  EXPECT_EQ(crypto.decap(low_order, private_key, public_key, shared_secret), Error::kem_low_order);

  Digest tag;
  ASSERT_EQ(crypto.mac(private_key, {bytes_of("input")}, tag), Error::none);
  Octets received = octets_of(tag);
  EXPECT_EQ(crypto.check_mac(private_key, {bytes_of("input")}, received), Error::none);
  for (const std::size_t place : {0, 31}) {
    received[place] ^= 1;
    EXPECT_EQ(crypto.check_mac(private_key, {bytes_of("input")}, received), Error::mac_mismatch);
  }
  received.pop_back();
  EXPECT_EQ(crypto.check_mac(private_key, {bytes_of("input")}, received), Error::mac_mismatch);
}

// ---- each kind of Commit

TEST_F(Taint, MembersComeAndGo) {
  for (const WireFormat each : both_formats) {
    format = each;
    make_group(3);
    const Octets& key_package = published(member("D"));
    commit(1, {adversary::add_of(key_package)}, true, false);  // the tree apart
    expect_talk();
    const Octets& second = published(member("E"));
    propose(0, adversary::add_of(second));
    commit(2, {}, false);  // without a path
    expect_talk();
    commit(3, {adversary::remove_of(LeafIndex{0})});
    EXPECT_FALSE(at(0).group.is_active());
    propose(2, adversary::remove_of(at(1).group.own_leaf()));
    commit(3);
    EXPECT_FALSE(at(1).group.is_active());
    expect_talk();
  }
}

TEST_F(Taint, KeysAreUpdated) {
  for (const WireFormat each : both_formats) {
    format = each;
    make_group(4);
    for (std::size_t i = 0; i < 4; ++i) commit(i);
    deliver(sent(at(1), at(1).propose_update()), at(1));
    deliver(sent(at(2), at(2).propose_update()), at(2));
    commit(3);
    expect_talk();
    deliver(sent(at(3), at(3).propose_update()), at(3));
    commit(0);
    expect_talk();
  }
}

TEST_F(Taint, SecretsFromElsewhereAreMixedIn) {
  make_group(3);
  const Octets group_id = octets_of(at(0).group.state().context().group_id);
  for (const auto& each : members) ASSERT_EQ(each->remember_psk(1), Error::none);
  commit(0, {adversary::external_psk_of("agreed"), adversary::resumption_psk_of(group_id, 1)}, false);
  expect_talk();
  propose(1, adversary::external_psk_of("agreed"));
  const Octets& newcomer = published(member("D"));
  commit(2, {adversary::add_of(newcomer), adversary::resumption_psk_of(bytes_of("other"), 3)}, false);
}

TEST_F(Taint, ContextAndCustomProposals) {
  make_group(3);
  const Octets list = model::number(0xf002, 2) + model::vector("data");
  Extensions parsed;
  ASSERT_EQ(Extensions::parse(list, parsed), Error::none);
  propose(1, adversary::extensions_of(parsed));
  commit(0);
  commit(2, {adversary::custom_of(custom[0], bytes_of("body"))});
  expect_talk();
}

TEST_F(Taint, ClientsJoinFromOutside) {
  for (const WireFormat each : both_formats) {
    format = each;
    make_group(2);
    Member& joiner = member("X");
    const Octets info = sent(at(0), at(0).group_info({.tree_inline = false, .external_pub = true}));
    const Proposal psk = adversary::external_psk_of("agreed");
    const Octets message =
        sent(joiner, joiner.join_from_outside(info, {.psks = {&psk, 1}}, sent(at(1).tree())));
    deliver(message, joiner);
    takes(joiner, message);
    for (const auto& one : members) save(*one);
    expect_talk();

    // One that has lost its state takes the place of its former leaf.
    members[2] = again(joiner);
    const Octets open = sent(at(0), at(0).group_info({.external_pub = true}));
    const Octets second = sent(at(2), at(2).join_from_outside(open, {.replaces = true}));
    deliver(second, at(2));
    at(2).group.adopt_pending();
    for (const auto& one : members) save(*one);
    expect_talk();
  }
}

TEST_F(Taint, ANewMemberProposesItself) {
  make_group(2);
  Member& joiner = member("X");
  const Octets& key_package = published(joiner);
  const GroupContext& context = at(0).group.state().context();
  Message message;
  KeySigner signer = joiner.signer();
  const OutsideProposal wanted = {{SenderType::new_member_proposal, {}, 0},
                                  context.group_id,
                                  context.epoch,
                                  adversary::add_of(key_package)};
  const Error error = propose_from_outside(joiner.client(), signer, wanted, message);
  deliver(sent(octets_of(message.bytes), error), joiner);
  commit(0);
  EXPECT_TRUE(joiner.group.is_active());
}

// ---- the groups that succeed one

TEST_F(Taint, GroupsAreSucceeded) {
  for (const ResumptionPskUsage usage : {ResumptionPskUsage::branch, ResumptionPskUsage::reinit}) {
    make_group(3);
    const bool is_reinit = usage == ResumptionPskUsage::reinit;
    if (is_reinit) commit(0, {adversary::reinit_of(bytes_of("the successor"))}, false);
    std::vector<std::unique_ptr<Heir>> heirs;
    std::vector<Proposal> adds;
    for (const auto& each : members) {
      heirs.push_back(std::make_unique<Heir>(*each));
      const Octets& key_package = published(*each);
      if (each != members[0]) adds.push_back(adversary::add_of(key_package));
    }
    const Octets welcome = sent(at(0), heirs[0]->succeed({.usage = usage, .proposals = adds}));
    sent(octets_of(heirs[0]->group.pending_commit()));
    heirs[0]->group.adopt_pending();
    for (std::size_t i = 1; i < heirs.size(); ++i) {
      ASSERT_EQ(heirs[i]->join(welcome), Error::none);
      EXPECT_EQ(taint::released(octets_of(heirs[i]->group.epoch_authenticator())),
                taint::released(octets_of(heirs[0]->group.epoch_authenticator())));
    }
  }
}

// ---- what comes late, twice, changed, or after a restart

TEST_F(Taint, MessagesComeLateAndOutOfOrder) {
  make_group(3);
  std::vector<Octets> messages;
  for (int i = 0; i < 3; ++i) messages.push_back(said(at(0), "message " + std::to_string(i)));
  for (const std::size_t i : {2, 0}) deliver(messages[i], at(0));
  const Error twice = at(1).receive(messages[0]);
  taint::must_be_public(twice);
  EXPECT_EQ(twice, Error::generation_gone);
  commit(1);
  deliver(messages[1], at(0));
  EXPECT_EQ(at(2).text(), "message 1");

  // Another's Commit wins, and one is dropped when it was staged.
  const Octets won = sent(at(0), at(0).commit());
  const Octets lost = sent(at(1), at(1).commit());
  ASSERT_EQ(at(2).stage(lost), Error::none);
  at(2).group.drop();
  at(0).group.adopt_pending();
  deliver(won, at(0));
  EXPECT_EQ(at(2).receive(lost), Error::epoch_past);
}

TEST_F(Taint, WhatIsChangedIsRefused) {
  for (const WireFormat each : both_formats) {
    format = each;
    make_group(3);
    const Octets proposal = sent(at(0), at(0).propose_update());
    expect_refused_if_changed(at(1), proposal, 24);
    deliver(proposal, at(0));
    const Octets& newcomer = published(member("D"));
    const Proposal add = adversary::add_of(newcomer);
    const Octets message = sent(at(1), at(1).commit({.proposals = {&add, 1}}));
    const Octets welcome = sent(at(1).welcome());
    expect_refused_if_changed(at(2), message, 48);
    deliver(message, at(1));
    for (std::size_t i = 0; i < 32; ++i) {
      Octets changed = welcome;
      changed[i * welcome.size() / 32] ^= 0x10;
      taint::must_be_public(at(3).join(changed));
      EXPECT_FALSE(at(3).group.is_active());
    }
    EXPECT_EQ(at(3).join(welcome), Error::none);
  }
}

TEST_F(Taint, AMemberGoesOnWhereItWasSaved) {
  make_group(3);
  const Octets early = said(at(0), "early");
  deliver(said(at(0), "on time"), at(0));
  deliver(sent(at(2), at(2).propose_update()), at(2));
  sent(at(1), at(1).commit());  // waits
  save(at(1));
  for (std::size_t place = 0; place < saves["B"].ratchets.size(); place += 97) {
    Save changed = saves["B"];
    changed.ratchets[place] ^= 1;
    const auto nobody = again(at(1));
    taint::must_be_public(nobody->restore(changed));
    EXPECT_FALSE(nobody->group.is_active());
  }
  members[1] = again(at(1));
  ASSERT_EQ(at(1).restore(saves["B"]), Error::none);
  takes(at(1), early);
  const Octets message = sent(octets_of(at(1).group.pending_commit()));
  deliver(message, at(1));
  at(1).group.adopt_pending();
  for (const auto& each : members) save(*each);
  expect_talk();
}

// ---- controls: what memcheck has to find; taint_test.py runs each by itself and says where

class DISABLED_Control : public Taint {
 protected:
  // A secret of a member, which the library derived.
  Octets a_key(std::size_t of = 0) {
    SecretView key;
    EXPECT_EQ(at(of).group.resumption_psk(1, key), Error::none);
    return octets_of(reveal(key));
  }
  // Whatever this does with a key, its result cannot be left out.
  static void uses(int value) { __asm__ __volatile__("" : : "r"(value) : "memory"); }
};

TEST_F(DISABLED_Control, ABranch) {
  make_group(2);
  const Octets key = a_key();
  if (key[5] > 100) uses(1);
}

TEST_F(DISABLED_Control, AnIndex) {
  static const int table[256] = {};
  make_group(2);
  uses(table[a_key()[31]]);
}

TEST_F(DISABLED_Control, AnExtension) {
  make_group(2);
  const Octets key = a_key();
  const Extension extension = {extensions[0], key};
  Message message;
  KeySigner signer = at(0).signer();
  ASSERT_EQ(at(0).group.group_info(signer, {.extensions = {&extension, 1}}, message), Error::none);
  sent(octets_of(message.bytes));
}

TEST_F(DISABLED_Control, AHash) {
  make_group(2);
  Digest digest;
  ASSERT_EQ(crypto.hash({Bytes(a_key())}, digest), Error::none);
  sent(octets_of(digest));
}

TEST_F(DISABLED_Control, OneBit) {
  make_group(2);
  Octets message = said(at(0));
  message[40] = static_cast<std::uint8_t>((message[40] & 0xfe) | (a_key()[7] & 1));
  sent(message);
}

TEST_F(DISABLED_Control, AKeyXoredWithAConstant) {
  make_group(2);
  Octets key = a_key(1);  // of one who has joined by a Welcome
  for (std::uint8_t& each : key) each ^= 0x5a;
  sent(key);
}

// Every byte that is sent is public: only what depends on how many they are can be seen.
TEST_F(DISABLED_Control, ALength) {
  make_group(2);
  const Octets message = said(at(0));
  sent(Octets(message.begin(), message.end() - (a_key()[0] & 1)));
}

// A plaintext that has authenticated is public, but not what is secret in it.
TEST_F(DISABLED_Control, ASecretThatWasSaved) {
  make_group(2);
  members[0] = again(at(0));
  ASSERT_EQ(at(0).restore(saves["A"]), Error::none);
  sent(a_key());
}

// What would be taken for public where it is opened.
TEST_F(DISABLED_Control, AnUnknownSecretThatIsSealed) {
  make_group(2);
  Octets key = a_key();
  for (std::uint8_t& each : key) each ^= 0x5a;
  Octets message(48);
  const Octets by = a_key(1);
  ASSERT_EQ(crypto.seal_pieces(secret_of(by), {by.data(), 12}, {}, {secret_of(key)}, memory, message),
            Error::none);
}

TEST_F(DISABLED_Control, ACiphertextUnderAKnownKey) {
  make_group(2);
  const std::uint8_t known[32] = {};
  Octets message(48);
  const Octets key = a_key();
  ASSERT_EQ(crypto.seal_pieces({known, 32}, {known, 12}, {}, {secret_of(key)}, memory, message), Error::none);
  sent(message);
}

// What belongs to the application, which has not released it.
TEST_F(DISABLED_Control, AnExporterSecret) {
  make_group(2);
  Octets exported(16);
  ASSERT_EQ(at(0).group.export_secret("label", {}, exported), Error::none);
  sent(exported);
}

}  // namespace
}  // namespace tacet
