#pragma once

// How each public verb is tried by somebody whom what it is lent fails (faults.h), in a group of members
// named by letters.

#include <list>

#include "faults.h"
#include "protocol/observer.h"
#include "spec/adversary/heir.h"

namespace tacet {

using adversary::add_of, adversary::custom_of, adversary::external_psk_of, adversary::reinit_of;
using adversary::copy_of;
using adversary::Heir;
using adversary::must;
using adversary::while_leaves_are_current;

class VerbTest;

// The group that there is before: its members' names are letters. Where handshakes are public no verb but
// seal() spends a generation, and only what it changes is changed.
struct Start {
  std::size_t size = 4;
  WireFormat format = WireFormat::public_message;
  std::uint32_t past_epochs = 0;
  std::uint32_t reserved_generations = 0;  // of D, which saves
};
inline constexpr Start nobody{0}, three{3}, four{}, five{5}, privately{4, WireFormat::private_message},
    with_past{4, WireFormat::public_message, 2}, saving{4, WireFormat::public_message, 2, 8};

struct Case {
  const char* verb;
  const char* kind;
  Start start;
  Uses uses;
  Leaves leaves;
  Trial (*prepare)(VerbTest& test);
};

inline void PrintTo(const Case& of, std::ostream* out) { *out << of.verb << ' ' << of.kind; }

class VerbTest : public FaultTest, public ::testing::WithParamInterface<std::tuple<Case, Fault>> {
 public:
  using FaultTest::at, FaultTest::commit_of, FaultTest::custom, FaultTest::member, FaultTest::send,
      FaultTest::take_commit_of;

  void SetUp() override {
    const Start& start = std::get<0>(GetParam()).start;
    format = start.format;
    past_epochs = start.past_epochs;
    reserved_generations = start.reserved_generations;
    if (start.size != 0) make_group(start.size);
  }
  void TearDown() override {
    observer.reset();
    heirs.clear();
    sent = Message();
    record.reset();
    members.clear();
    EXPECT_EQ(TestMemory::leaked(), 0u);
  }

  // ---- how each begins

  Trial tries_to_create() {
    Member& a = member("A");
    a.publish();
    return {a, [&a](Signer&) { return a.group.create({}, {}, leaf_of(a), copy_of(a.keys.encryption_key)); },
            [this, &a] { add("B", a); }};
  }

  struct Invited {
    bool tree_inline = true, with_psk = false;
  };
  Trial tries_to_join(const Invited& how) {
    commit_of(at(1), {});
    Member& joiner = member("X");
    std::vector<Proposal> list = {add_of(joiner.publish())};
    if (how.with_psk) list.push_back(external_psk_of("a"));
    at(0).commit({.proposals = list, .tree_inline = how.tree_inline});
    const Octets welcome = at(0).welcome();
    take_commit_of(at(0));
    const Octets tree = how.tree_inline ? Octets() : at(0).tree();
    return {joiner, [&joiner, welcome, tree](Signer&) { return joiner.join(welcome, tree); }};
  }

  // The client's groups that succeed that of `members`, the first of which is to create one.
  void close_or_branch(const SuccessorOptions& wanted) {
    if (wanted.usage == ResumptionPskUsage::reinit) {
      commit_of(at(0), {.proposals = store({reinit_of(successor)}), .with_path = false});
    }
    for (const auto& each : members) heirs.push_back(std::make_unique<Heir>(*each));
    at(0).publish();
    successor_options = wanted;
    successor_options.proposals = store({add_of(at(1).publish()), add_of(at(2).publish())});
    successor_options.now = while_leaves_are_current;
  }
  void expect_heirs_to_agree() {
    const Octets welcome = model::octets(heirs[0]->group.pending_welcome());
    heirs[0]->group.adopt_pending();
    for (const std::size_t i : {1u, 2u}) {
      if (!heirs[i]->group.is_active()) must(heirs[i]->join(welcome));
      EXPECT_TRUE(equal(heirs[i]->group.epoch_authenticator(), heirs[0]->group.epoch_authenticator()));
    }
  }
  Trial tries_to_succeed(ResumptionPskUsage usage) {
    close_or_branch({.usage = usage});
    Member& a = at(0);
    return {a,
            [this, &a](Signer& signer) {
              return heirs[0]->group.succeed(signer, a.group, leaf_of(a), copy_of(a.keys.encryption_key),
                                             successor_options);
            },
            [this] { expect_heirs_to_agree(); }};
  }
  Trial tries_to_join_successor() {
    close_or_branch({});
    const Octets welcome = heirs[0]->succeed(successor_options);
    return {at(1), [this, welcome](Signer&) { return heirs[1]->join(welcome); },
            [this] { expect_heirs_to_agree(); }};
  }

  Trial tries_from_outside(const ExternalOptions& how) {
    commit_of(at(1), {});
    const Octets info = at(2).group_info({.external_pub = true});
    Member& joiner = member(how.replaces ? "D" : "X");
    if (how.replaces) {
      joiner.signing_key = copy_of(at(3).signing_key);
      joiner.signature_key = at(3).signature_key;
    }
    joiner.publish();
    return {joiner,
            [&joiner, info, how](Signer& signer) {
              ExternalOptions wanted = how;
              wanted.leaf = leaf_of(joiner);
              return joiner.group.join_from_outside(signer, info, {}, wanted);
            },
            [this, &joiner] { take_commit_of(joiner); }};
  }

  Trial tries_to_propose(const Proposal& proposal) {
    Member& b = at(1);
    return {b,
            [this, &b, proposal](Signer& signer) {
              return b.group.propose(signer, {.proposal = proposal, .now = while_leaves_are_current}, sent);
            },
            [this, &b] { take_sent_by(b); }};
  }
  Trial tries_to_update(const NewLeaf& leaf) {
    Member& b = at(1);
    return {b, [this, &b, leaf](Signer& signer) { return b.group.propose_update(signer, leaf, {}, sent); },
            [this, &b] { take_sent_by(b); }};
  }
  // A proposal, which another commits.
  void take_sent_by(const Member& proposer) {
    send(model::octets(sent.bytes), proposer);
    sent = Message();
    commit_of(at(0), {});
    EXPECT_EQ(at(0).group.state().proposals().size(), 0u);
  }

  Trial tries_to_commit_adding(bool tree_inline) {
    Member &x = member("X"), &y = member("Y");
    const auto adds = store({add_of(x.publish()), add_of(y.publish())});
    tree_apart = !tree_inline;
    return tries_to_commit({.proposals = adds, .tree_inline = tree_inline}, {&x, &y});
  }
  Trial tries_to_commit(const CommitOptions& how, const std::vector<Member*>& joiners = {}) {
    Member& a = at(0);
    return {a,
            [&a, how](Signer& signer) {
              CommitOptions wanted = how;
              wanted.now = while_leaves_are_current;
              return a.group.commit(signer, wanted);
            },
            [this, &a, joiners] { take_commit_of(a, joiners); }};
  }

  Trial tries_to_say() {
    Member& b = at(1);
    room.resize(b.group.seal_size(5, {}).value());
    return {b,
            [this, &b](Signer& signer) {
              const Result<Bytes> sealed = b.group.seal(signer, bytes_of("hello"), {}, room);
              TRY(sealed.error());
              received = model::octets(sealed.value());
              return Error::none;
            },
            [this, &b] { send(received, b); }};
  }
  Trial tries_to_tell(bool tree_inline) {
    Member& b = at(1);
    return {b,
            [this, &b, tree_inline](Signer& signer) {
              return b.group.group_info(signer, {.tree_inline = tree_inline, .external_pub = true}, sent);
            },
            [this, &b, tree_inline] {
              Member& x = member("X");
              const Octets info = model::octets(sent.bytes);
              sent = Message();
              x.join_from_outside(info, {}, tree_inline ? Octets() : b.tree());
              EXPECT_EQ(x.error, Error::none);
              take_commit_of(x);
            }};
  }
  Trial tries_to_publish() {
    Member& x = member("X");
    return {x,
            [&x](Signer& signer) {
              NewKeyPackage wanted;
              wanted.signature_key = x.signature_key;
              wanted.credential = {CredentialType::basic, bytes_of(x.name)};
              wanted.supported = x.supported;
              wanted.lifetime = x.lifetime;
              const KeyPackageRoom needed = key_package_room(wanted);
              Octets work(needed.work), out(needed.out);
              KeyPackageKeys keys;
              const Result<Bytes> made =
                  create_key_package(x.crypto, signer, wanted, x.limits, work, out, keys);
              EXPECT_EQ(keys.init_key.empty(), !made.ok());
              EXPECT_EQ(keys.encryption_key.empty(), !made.ok());
              if (made.ok()) x.key_package = model::octets(made.value());
              if (made.ok()) x.keys = std::move(keys);
              return made.error();
            },
            [&x] {
              must(x.group.create({}, {}, leaf_of(x), copy_of(x.keys.encryption_key)));  // the keys fit
            }};
  }
  // To be added.
  Trial tries_to_ask() {
    Member& x = member("X");
    x.publish();
    return {x,
            [this, &x](Signer& signer) {
              OutsideProposal wanted;
              wanted.sender.type = SenderType::new_member_proposal;
              wanted.group_id = group_id;
              wanted.epoch = at(0).group.state().context().epoch;
              wanted.proposal = add_of(x.key_package);
              return propose_from_outside(x.client(), signer, wanted, sent);
            },
            [this, &x] {
              send(model::octets(sent.bytes), x);
              sent = Message();
              commit_of(at(0), {}, {&x});
            }};
  }

  // D takes what another sends.
  Trial tries_to_take(const Octets& message, bool at_once = true) {
    Member& d = at(3);
    room.resize(message.size() + 4096);
    received = message;
    return {d,
            [this, &d, at_once](Signer&) {
              return at_once ? d.group.process(received, room, d.heard)
                             : d.group.stage(received, room, d.heard);
            },
            [&d] { d.group.adopt(); }};
  }
  // A Commit of A's that waits, and that all others take afterwards.
  Trial tries_to_take_pending(const std::vector<Member*>& joiners = {}, bool at_once = false) {
    must(at(0).error);
    Trial trial = tries_to_take(model::octets(at(0).group.pending_commit()), at_once);
    trial.then = [this, joiners] {
      at(3).group.adopt();
      const Octets welcome = at(0).welcome();
      at(0).group.adopt_pending();
      for (const auto& each : members) {
        const bool waits = each->group.is_active() && each.get() != &at(0) && each.get() != &at(3);
        if (waits) must(each->receive(received));
      }
      for (Member* each : joiners) EXPECT_EQ(each->join(welcome), Error::none);
    };
    return trial;
  }
  // A proposal of B's, which is committed afterwards.
  Trial tries_to_take_proposal(const Octets& message) {
    Trial trial = tries_to_take(message);
    trial.then = [this] {
      for (const std::size_t i : {0u, 2u}) EXPECT_EQ(at(i).receive(received), Error::none);
      commit_of(at(0), {});
    };
    return trial;
  }
  // What cannot fail, and so is lent nothing.
  Trial does(
      Member& who, std::function<void()> verb, std::function<void()> then = [] {}) {
    return {who,
            [verb](Signer&) {
              verb();
              return Error::none;
            },
            then};
  }
  // An observer of a group of three, from now on, takes what a member has sent.
  Trial watches(const Octets& message) {
    Member& outside = member("O");
    observer.emplace(outside.client());
    must(observer->start(at(0).group_info(), {}));
    received = message;
    room.resize(observer->process_size(received).value());
    return {outside, [this, &outside](Signer&) { return observer->process(received, room, outside.heard); }};
  }
  Trial watches_proposal() {
    Trial trial = watches(at(1).propose(custom_of(custom[0], bytes_of("body"))));
    trial.then = [this] {
      send(received, at(1));
      commit_of(at(0), {.with_path = false});
    };
    return trial;
  }
  void expect_observer_to_agree() {
    EXPECT_TRUE(equal(observer->state().group_context(), at(0).group.state().group_context()));
  }

  // What has no place in a Commit: the Policy of A does not believe the client that is to be added.
  void let_wait_what_is_not_believed() {
    const Octets key_package = member("Y").publish();
    send(at(1).propose(add_of(key_package)), at(1));
    at(0).policy.disbelieved = members.back()->signature_key;
  }
  // What D saves is what it goes on from.
  Trial tries_to_save(Error (Group::*verb)(SecretView, Buffer&) noexcept) {
    Member& d = at(3);
    if (verb == &Group::save_ratchets) must(d.save(save));
    const SecretView key(d.storage_key.data(), d.storage_key.size());
    return {d, [this, &d, key, verb](Signer&) { return (d.group.*verb)(key, record); },
            [this, &d, verb] {
              Octets& saved = verb == &Group::save_epoch ? save.epoch : save.ratchets;
              saved = model::octets(record.bytes());
              record.reset();
              must(d.save(save));
              Member again("D", random);
              again.start_again_as(d);
              EXPECT_EQ(again.restore(save), Error::none);
              EXPECT_EQ(again.authenticator(), d.authenticator());
            }};
  }
  // With proposals and a Commit of its own that wait; whose it was before is gone.
  Trial tries_to_restore() {
    Member& d = at(3);
    commit_of(at(0), {});
    send(at(1).propose_update(), at(1));
    d.commit();
    must(d.save(save));
    Member& again = member("D");
    again.start_again_as(d);
    return {again, [this, &again](Signer&) { return again.restore(save); },
            [this, &again] {
              members.erase(members.begin() + 3);
              take_commit_of(again);
              must(again.save(save));
            }};
  }

  // D has heard the sender, so that what comes takes no room.
  void let_d_hear(Member& sender) { EXPECT_EQ(at(3).receive(sender.say("hello")), Error::none); }

  // ---- what they are made of

  Member& add(const std::string& name, Member& by) {
    Member& added = member(name);
    commit_of(by, {.proposals = store({add_of(added.publish())})}, {&added});
    return added;
  }
  std::span<const Proposal> store(std::vector<Proposal> list) {
    stored.push_back(std::move(list));
    return stored.back();
  }
  std::span<const Proposal> new_psk() { return store({external_psk_of("a")}); }

  std::list<std::vector<Proposal>> stored;
  std::vector<std::unique_ptr<Heir>> heirs;
  SuccessorOptions successor_options;
  const Octets successor = model::octets("the successor");
  std::optional<Observer> observer;
  Message sent;
  adversary::Save save;
  Buffer record;
  Octets room, received;
};

}  // namespace tacet
