// What lasts of a group: saved, restored, and refused where it is not what was saved.

#include "protocol/saved_state.h"

#include <functional>
#include <set>

#include "evidence.h"
#include "members.h"
#include "secrets.h"
#include "spec/adversary/committer.h"
#include "spec/adversary/heir.h"

namespace tacet {
namespace {

using adversary::add_of;
using adversary::external_psk_of;
using adversary::Heir;
using adversary::must;
using adversary::reinit_of;
using adversary::remove_of;
using adversary::resumption_psk_of;
using adversary::Save;
using evidence::refused;
using evidence::shows;
using model::octets;
using model::operator+;

class SavedStateTest : public GroupTest {
 protected:
  static constexpr std::uint32_t reserved = 4;

  // Who saves from the first epoch on.
  Member& saving(std::string name) {
    Member& made = member(std::move(name));
    made.limits.reserved_generations = reserved;
    made.limits.past_epochs = 2;
    return made;
  }

  // A and C do not save, and B does.
  void make_trio() {
    member("A"), saving("B"), member("C");
    at(0).create(group_id);
    std::vector<Proposal> adds = {add_of(at(1).publish()), add_of(at(2).publish())};
    CommitOptions wanted;
    wanted.proposals = adds;
    at(0).commit(wanted);
    const Octets welcome = at(0).welcome();
    at(0).group.adopt_pending();
    for (Member* each : {&at(1), &at(2)}) must(each->join(welcome));
    must(b().save(save));
  }

  Member& at(std::size_t i) { return *members[i]; }
  Member& b() { return *members[1]; }

  // B is gone, and comes back as it was saved last.
  void restart() {
    auto again = std::make_unique<Member>("B", random);
    again->start_again_as(b());
    ASSERT_EQ(again->restore(save), Error::none);
    members[1] = std::move(again);
  }
  void save_and_restart() {
    ASSERT_EQ(b().save(save), Error::none);
    restart();
    ASSERT_EQ(b().save(save), Error::none);
  }

  void expect_hears(Member& by, const Octets& message, const std::string& text) {
    ASSERT_EQ(by.receive(message), Error::none);
    EXPECT_EQ(by.text(), text);
  }
  void expect_talk() {
    expect_agreement();
    must(b().save(save));
  }

  // Who has the storage key opens a part of a record by these.
  static std::pair<Secret, Secret> keys_of(Member& owner, const Octets& record, const char* part) {
    Secret prk;
    std::pair<Secret, Secret> out;
    must(owner.crypto.extract(Bytes(record).subspan(9, 32), {view(owner.storage_key)}, prk));
    must(owner.crypto.expand(prk, {bytes_of("Tacet 1.0 saved key"), bytes_of(part)}, 32, out.first));
    must(owner.crypto.expand(prk, {bytes_of("Tacet 1.0 saved nonce"), bytes_of(part)}, 12, out.second));
    return out;
  }

  // All 32-byte secrets in the ratchets that B has saved last, and what only looks like one.
  std::set<Octets> saved_secrets() {
    const auto keys = keys_of(b(), save.ratchets, "secret");
    Reader reader(Bytes(save.ratchets).subspan(saved_header_size));
    Bytes sealed;
    must(reader(sealed, sealed));
    Octets plain(sealed.size() - 16);
    must(b().crypto.open(keys.first, keys.second, Bytes(save.ratchets).first(saved_header_size), sealed,
                         plain));
    std::set<Octets> out;
    for (auto at = plain.begin(); plain.end() - at > 32; ++at) {
      if (*at == 32) out.insert(Octets(at + 1, at + 33));
    }
    return out;
  }

  Save save;
};

TEST_F(SavedStateTest, AMemberGoesOnInEveryEpoch) {
  for (const WireFormat each : {WireFormat::private_message, WireFormat::public_message}) {
    format = each;
    members.clear();
    make_trio();
    expect_talk();
    for (std::size_t who : {0u, 1u, 2u}) {
      SCOPED_TRACE(who);
      save_and_restart();
      expect_talk();
      commit_by(at(who));
      must(b().save(save));
      expect_talk();
    }
    save_and_restart();
    Digest ours, theirs;
    must(at(0).group.membership_fingerprint(ours));
    must(b().group.membership_fingerprint(theirs));
    EXPECT_TRUE(equal(ours, theirs));
    EXPECT_TRUE(equal(b().group.state().group_context(), at(0).group.state().group_context()));
    Octets exported(32), again(32);
    must(at(0).group.export_secret("label", octets("context"), exported));
    must(b().group.export_secret("label", octets("context"), again));
    EXPECT_EQ(exported, again);
  }
}

// What was said since the save is lost with the crash; what is said after it is heard.
TEST_F(SavedStateTest, NoGenerationIsUsedTwice) {
  make_trio();
  for (std::uint32_t lost = 0; lost <= reserved; ++lost) {
    SCOPED_TRACE(lost);
    for (std::uint32_t i = 0; i < lost; ++i) expect_hears(at(0), b().say("lost"), "lost");
    if (lost == reserved) {
      EXPECT_TRUE(b().say("too much").empty());
      EXPECT_EQ(b().error, Error::save_first);
    }
    restart();
    EXPECT_TRUE(b().say("too early").empty());
    refused("FRAME-39", Error::save_first, b().error);
    ASSERT_EQ(b().save(save), Error::none);
    const Octets said = b().say("again");
    expect_hears(at(0), said, "again");
    expect_hears(at(2), said, "again");
    ASSERT_EQ(b().save(save), Error::none);
  }
  shows("FRAME-39");
}

TEST_F(SavedStateTest, HandshakesUseGenerationsToo) {
  make_trio();
  for (std::uint32_t i = 0; i < reserved; ++i) send(b().propose(external_psk_of("psk")), b());
  EXPECT_TRUE(b().propose(external_psk_of("psk")).empty());
  EXPECT_EQ(b().error, Error::save_first);
  EXPECT_TRUE(b().commit().empty());
  EXPECT_EQ(b().error, Error::save_first);
  EXPECT_FALSE(b().group.has_pending());
  for (const auto& each : members) each->psks.known["psk"] = octets("secret");
  restart();
  must(b().save(save));
  commit_by(b());
  must(b().save(save));
  expect_talk();
}

TEST_F(SavedStateTest, AnEpochBeginsWithNothingReserved) {
  make_trio();
  commit_by(at(0));
  EXPECT_FALSE(b().group.epoch_is_saved());
  EXPECT_TRUE(b().say("too early").empty());
  EXPECT_EQ(b().error, Error::save_first);
  Buffer out;
  EXPECT_EQ(b().group.save_ratchets(view(b().storage_key), out), Error::epoch_not_saved);
  // What was saved before the epoch began cannot reserve anything in it.
  b().group.saved();
  EXPECT_TRUE(b().say("too early").empty());
  must(b().group.save_epoch(view(b().storage_key), out));
  b().group.saved();
  EXPECT_TRUE(b().say("too early").empty());
  must(b().save(save));
  expect_talk();
}

TEST_F(SavedStateTest, WhatIsSkippedLateOrUsedIsAsItWas) {
  make_trio();
  const Octets old = at(0).say("of the epoch before");
  commit_by(at(2));
  must(b().save(save));
  const Octets skipped = at(0).say("skipped"), heard = at(0).say("heard"), late = at(2).say("late");
  expect_hears(b(), heard, "heard");
  save_and_restart();
  EXPECT_EQ(b().receive(heard), Error::generation_gone);
  expect_hears(b(), skipped, "skipped");
  save_and_restart();
  EXPECT_EQ(b().receive(skipped), Error::generation_gone);
  const Octets gone = at(0).commit(with(remove_of(LeafIndex{2})));
  at(0).group.adopt_pending();
  send(gone, at(0));
  save_and_restart();
  expect_hears(b(), late, "late");
  EXPECT_EQ(b().heard.sender_leaf.credential.body.size(), 1u) << "C's, who is not in the group any more";
  expect_hears(b(), old, "of the epoch before");
  save_and_restart();
  EXPECT_EQ(b().receive(late), Error::generation_gone);
  EXPECT_EQ(b().receive(old), Error::generation_gone);
  expect_talk();
}

TEST_F(SavedStateTest, UnderLowerLimitsTheNewestIsKept) {
  make_trio();
  const Octets first = at(0).say("first");
  commit_by(at(0));
  must(b().save(save));
  const Octets second = at(0).say("second");
  commit_by(at(2));
  must(b().save(save));
  b().limits.past_epochs = 1;
  b().limits.resumption_psks = 0;
  restart();
  SecretView psk;
  EXPECT_EQ(b().group.resumption_psk(2, psk), Error::psk_unknown);
  EXPECT_EQ(b().group.resumption_psk(3, psk), Error::none);
  EXPECT_EQ(b().receive(first), Error::epoch_past);
  expect_hears(b(), second, "second");
  must(b().save(save));
  b().limits.past_epochs = 0;
  restart();
  EXPECT_EQ(b().receive(second), Error::epoch_past);
  must(b().save(save));
  expect_talk();
}

TEST_F(SavedStateTest, WhatWaitsIsThereAgain) {
  make_trio();
  const Octets update = b().propose_update();
  send(update, b());
  send(at(2).propose(external_psk_of("psk")), at(2));
  for (const auto& each : members) each->psks.known["psk"] = octets("secret");
  save_and_restart();
  EXPECT_EQ(b().group.state().proposals().size(), 2u);
  const Octets commit = at(0).commit();
  at(0).group.adopt_pending();
  send(commit, at(0));
  ASSERT_EQ(b().heard.record.changes().size(), 2u);
  EXPECT_EQ(b().group.state().proposals().size(), 0u);
  must(b().save(save));
  expect_talk();
}

TEST_F(SavedStateTest, AReceivedCommitHasTheResumptionPskOfThen) {
  make_trio();
  commit_by(at(0));
  must(b().save(save));
  save_and_restart();
  const Octets commit = at(2).commit(with(resumption_psk_of(group_id, 1)));
  ASSERT_EQ(at(2).error, Error::none);
  at(2).group.adopt_pending();
  send(commit, at(2));
  must(b().save(save));
  expect_talk();
}

// By its echo, by being told, and not at all.
TEST_F(SavedStateTest, ACommitThatWaitsIsAdoptedOrDropped) {
  for (const WireFormat each : {WireFormat::private_message, WireFormat::public_message}) {
    for (const int end : {0, 1, 2}) {
      SCOPED_TRACE(end);
      format = each;
      members.clear();
      make_trio();
      for (const auto& one : members) one->psks.known["psk"] = octets("secret");
      const Octets late = at(2).say("late");
      send(b().propose_update(), b());
      send(at(2).propose_update(), at(2));
      send(at(0).propose(external_psk_of("psk")), at(0));
      Member& d = member("D");
      const Octets commit = b().commit(with(add_of(d.publish())));
      ASSERT_EQ(b().error, Error::none);
      const Octets welcome = b().welcome(), next = octets(b().group.pending_record()->leaf_after());
      b().psks.known.clear();  // nothing is asked for again
      save_and_restart();
      ASSERT_TRUE(b().group.has_pending());
      EXPECT_EQ(octets(b().group.pending_commit()), commit);
      EXPECT_EQ(b().welcome(), welcome);
      EXPECT_EQ(octets(b().group.pending_record()->leaf_after()), next);
      b().psks.known["psk"] = octets("secret");
      if (end == 2) {
        commit_by(at(0));
        EXPECT_FALSE(b().group.has_pending());
      } else {
        send(commit, b());
        if (end == 0) must(b().receive(commit));
        if (end == 1) b().group.adopt_pending();
        d.psks.known["psk"] = octets("secret");
        ASSERT_EQ(d.join(welcome), Error::none);
      }
      must(b().save(save));
      expect_talk();
      expect_hears(b(), late, "late");
      commit_by(b());
      must(b().save(save));
      expect_talk();
    }
  }
  shows("COMMIT-26");
}

TEST_F(SavedStateTest, AClosedGroupStaysClosedAndIsSucceeded) {
  make_trio();
  const Octets closing = at(0).commit(with(reinit_of(octets("the next"))));
  at(0).group.adopt_pending();
  send(closing, at(0));
  save_and_restart();
  ASSERT_TRUE(b().group.is_closed());
  EXPECT_TRUE(equal(b().group.state().re_init()->group_id, octets("the next")));
  EXPECT_TRUE(b().say("too late").empty());
  EXPECT_EQ(b().error, Error::group_closed);

  // The first epoch of the successor, which only its usage of the PSK tells from another.
  Heir heir(b());
  b().publish();
  std::vector<Proposal> adds = {add_of(at(0).publish()), add_of(at(2).publish())};
  SuccessorOptions wanted;
  wanted.proposals = adds;
  const Octets welcome = heir.succeed(wanted);
  ASSERT_EQ(b().error, Error::none);
  const SecretView key = view(b().storage_key);
  Buffer epoch, ratchets;
  must(heir.group.save_epoch(key, epoch));
  must(heir.group.save_ratchets(key, ratchets));
  Group restored(b().client(), b().psks);
  must(restored.restore(key, epoch.bytes(), ratchets.bytes()));
  EXPECT_EQ(octets(restored.pending_welcome()), welcome);
  restored.adopt_pending();
  Heir other(at(2));
  must(other.join(welcome));
  EXPECT_TRUE(equal(restored.epoch_authenticator(), other.group.epoch_authenticator()));
}

// A group that was never saved cannot come back; from its first save on it can, whether that is known to last
// or not.
TEST_F(SavedStateTest, WhoHasCreatedAGroupIsBoundFromTheFirstSaveOn) {
  Member& a = saving("A");
  a.create(group_id);
  for (std::uint32_t i = 0; i < 3 * reserved; ++i) ASSERT_FALSE(a.say("not saved yet").empty());
  Buffer epoch, ratchets;
  must(a.group.save_epoch(view(a.storage_key), epoch));
  must(a.group.save_ratchets(view(a.storage_key), ratchets));
  for (std::uint32_t i = 0; i < reserved; ++i) ASSERT_FALSE(a.say("saved").empty());
  EXPECT_TRUE(a.say("too much").empty());
  EXPECT_EQ(a.error, Error::save_first);
  a.group.saved();
  EXPECT_TRUE(a.say("too much").empty());
  EXPECT_EQ(a.error, Error::save_first);
}

// What has been erased from memory is in no later save.
TEST_F(SavedStateTest, AnErasedSecretIsInNoLaterSave) {
  make_trio();
  const std::function<void()> steps[] = {
      [&] { expect_hears(b(), at(0).say("first heard"), "first heard"); },
      [&] { expect_hears(b(), at(0).say("and again"), "and again"); },
      [&] { EXPECT_FALSE(b().say("said").empty()); },
      [&] { commit_by(at(0)); },
      [&] { commit_by(at(2)); },
      [&] { commit_by(b()); },
  };
  for (const auto& step : steps) {
    std::set<Octets> held;
    for (const Octets& each : saved_secrets()) {
      if (b().secret_memory.holds(each)) held.insert(each);
    }
    EXPECT_GE(held.size(), 10u);
    step();
    must(b().save(save));
    const std::set<Octets> saved = saved_secrets();
    std::size_t erased = 0;
    for (const Octets& each : held) {
      if (b().secret_memory.holds(each)) continue;
      ++erased;
      EXPECT_EQ(saved.count(each), 0u);
    }
    EXPECT_GE(erased, 1u);
  }
  shows("PRIV-01, PRIV-05");
}

TEST_F(SavedStateTest, TheVerbsSayWhatTheyNeed) {
  Buffer out;
  make_trio();
  Member& d = saving("D");
  const Octets key = b().storage_key;
  EXPECT_EQ(d.group.save_epoch(view(key), out), Error::group_inactive);
  EXPECT_EQ(d.group.save_ratchets(view(key), out), Error::group_inactive);
  d.group.saved();
  EXPECT_EQ(at(0).group.save_epoch(view(key), out), Error::saving_is_off);
  EXPECT_EQ(at(0).group.save_ratchets(view(key), out), Error::epoch_not_saved);
  EXPECT_EQ(b().restore(save), Error::group_active);
  for (const std::size_t size : {0u, 16u, 31u, 33u}) {
    const Octets other(size, 1);
    EXPECT_EQ(b().group.save_epoch(view(other), out), Error::secret_length);
    EXPECT_EQ(b().group.save_ratchets(view(other), out), Error::secret_length);
    EXPECT_EQ(d.group.restore(view(other), save.epoch, save.ratchets), Error::secret_length);
  }
  const Octets info = at(0).group_info({.extensions = {}, .tree_inline = true, .external_pub = true});
  d.join_from_outside(info);
  ASSERT_EQ(d.error, Error::none);
  EXPECT_EQ(d.group.save_epoch(view(key), out), Error::group_inactive);
  EXPECT_EQ(d.restore(save), Error::commit_pending);
  d.group.drop_pending();
  d.limits.reserved_generations = 0;
  EXPECT_EQ(d.restore(save), Error::saving_is_off);
  d.limits.reserved_generations = reserved;
  EXPECT_EQ(d.restore(save), Error::none);
}

// ---- what is not what was saved

class BadSaveTest : public SavedStateTest {
 protected:
  // Refused, and nothing has changed: the genuine is restored after it.
  void expect_refused(Error error, const Save& bad) {
    const auto plain = restored.memory.contents(), secrets = restored.secret_memory.contents();
    ASSERT_EQ(restored.restore(bad), error);
    ASSERT_FALSE(restored.group.is_active());
    ASSERT_TRUE(plain == restored.memory.contents() && secrets == restored.secret_memory.contents());
  }
  void expect_genuine() {
    must(restored.restore(save));
    EXPECT_EQ(restored.authenticator(), b().authenticator());
  }

  // Whether that octet is of the length of a part, behind the first one.
  static bool is_length(const Octets& record, std::size_t place) {
    Reader reader(Bytes(record).subspan(saved_header_size));
    Bytes first;
    must(reader(first));
    const std::size_t second = record.size() - reader.rest().size();
    return place < record.size() && place >= second && place < second + 4;
  }

  void begin() {
    make_trio();
    send(at(0).propose(external_psk_of("psk")), at(0));
    b().psks.known["psk"] = octets("secret");
    b().commit();
    must(b().save(save));
    restored.start_again_as(b());
  }

  Member restored{"B", random};
};

TEST_F(BadSaveTest, EveryCutAndEveryChangeIsSeen) {
  begin();
  for (Octets Save::*const record : {&Save::epoch, &Save::ratchets}) {
    for (std::size_t size = 0; size < (save.*record).size(); ++size) {
      Save bad = save;
      (bad.*record).resize(size);
      expect_refused(Error::truncated, bad);
    }
    Save longer = save;
    (longer.*record).push_back(0);
    expect_refused(Error::trailing_bytes, longer);
    for (std::size_t i = 0; i < (save.*record).size(); ++i) {
      Save bad = save;
      (bad.*record)[i] ^= 1;
      if (i < 6) {
        expect_refused(Error::saved_state_unknown, bad);
      } else if (i < 9) {
        expect_refused(Error::saved_state_mismatch, bad);
      } else if (i < saved_header_size || i >= saved_header_size + 4) {
        const Error error = restored.restore(bad);
        ASSERT_TRUE(error == Error::saved_state_not_authentic || is_length(save.*record, i)) << i;
        ASSERT_NE(error, Error::none);
      } else {
        ASSERT_NE(restored.restore(bad), Error::none) << i;
      }
      ASSERT_FALSE(restored.group.is_active());
    }
  }
  expect_genuine();
}

TEST_F(BadSaveTest, RecordsThatDoNotBelongTogether) {
  begin();
  const Save older = save;
  expect_refused(Error::saved_state_mismatch, {save.ratchets, save.epoch});
  expect_refused(Error::saved_state_mismatch, {save.epoch, save.epoch});
  b().group.drop_pending();
  commit_by(at(0));
  must(b().save(save));
  expect_refused(Error::saved_state_mismatch, {save.epoch, older.ratchets});
  expect_refused(Error::saved_state_mismatch, {older.epoch, save.ratchets});
  Buffer epoch;  // the same epoch, saved anew
  must(b().group.save_epoch(view(b().storage_key), epoch));
  expect_refused(Error::saved_state_mismatch, {octets(epoch.bytes()), save.ratchets});
  restored.storage_key[0] ^= 1;
  expect_refused(Error::saved_state_not_authentic, save);
  restored.storage_key[0] ^= 1;
  expect_genuine();
}

// Who has the storage key can write what they like: a record with one part of it changed.
class ResealedTest : public BadSaveTest {
 protected:
  struct Part {
    Octets Save::*record;
    const char* name;
    bool is_second;
  };
  static constexpr Part parts[] = {
      {&Save::epoch, "public", false}, {&Save::ratchets, "public", false}, {&Save::ratchets, "secret", true}};

  Octets opened(const Part& part) {
    const Octets& record = save.*part.record;
    const auto keys = keys_of(restored, record, part.name);
    const Bytes sealed = sealed_parts(record)[part.is_second ? 1 : 0];
    Octets plain(sealed.size() - 16);
    must(
        restored.crypto.open(keys.first, keys.second, Bytes(record).first(saved_header_size), sealed, plain));
    return plain;
  }
  Save resealed(const Part& part, const Octets& changed) {
    const Octets& record = save.*part.record;
    const auto keys = keys_of(restored, record, part.name);
    const Bytes header = Bytes(record).first(saved_header_size);
    std::vector<Octets> sealed;
    for (const Bytes each : sealed_parts(record)) sealed.push_back(octets(each));
    Octets& own = sealed[part.is_second ? 1 : 0];
    own.resize(changed.size() + 16);
    must(restored.crypto.seal(keys.first, keys.second, header, changed, own));
    Save bad = save;
    bad.*part.record = octets(header);
    for (const Octets& each : sealed) bad.*part.record = bad.*part.record + model::vector(each);
    return bad;
  }

 private:
  static std::vector<Bytes> sealed_parts(const Octets& record) {
    Reader reader(Bytes(record).subspan(saved_header_size));
    std::vector<Bytes> out;
    while (!reader.rest().empty()) must(reader(out.emplace_back()));
    return out;
  }
};

TEST_F(ResealedTest, WhatContradictsItselfIsRefused) {
  begin();
  Octets plain = opened(parts[0]);
  plain.back() ^= 1;  // of the last leaf's signature
  expect_refused(Error::saved_state_malformed, resealed(parts[0], plain));
  plain = opened(parts[2]);
  const std::size_t own_leaf = 4 + 8 + 33 + 33 + 7 * 33;  // behind a resumption PSK, authenticator and keys
  ASSERT_EQ(Octets(&plain[own_leaf], &plain[own_leaf + 4]), model::number(1, 4));
  plain[own_leaf + 3] = 3;
  expect_refused(Error::saved_state_malformed, resealed(parts[2], plain));
  for (const Part& part : parts) {
    expect_refused(Error::trailing_bytes, resealed(part, opened(part) + Octets(1, 0)));
  }
  expect_genuine();
}

// What cannot be told from a save is used as one, and does no harm.
TEST_F(ResealedTest, NothingUnderTheKeyDoesHarm) {
  begin();
  std::size_t accepted = 0;
  const auto try_with = [&](const Part& part, const Octets& changed) {
    Member victim("B", random);
    victim.start_again_as(restored);
    if (victim.restore(resealed(part, changed)) != Error::none) {
      ASSERT_FALSE(victim.group.is_active());
      return;
    }
    ++accepted;
    static_cast<void>(victim.receive(at(0).say("hello")));
    victim.group.adopt_pending();
    static_cast<void>(victim.commit());
    Save again;
    static_cast<void>(victim.save(again));
    static_cast<void>(victim.say("hello"));
  };
  for (const Part& part : parts) {
    SCOPED_TRACE(part.name);
    const Octets plain = opened(part);
    for (std::size_t i = 0; i < plain.size(); ++i) {
      constexpr std::uint8_t flips[] = {0x01, 0x80, 0xff};
      Octets changed = plain;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ flips[i % 3]);
      try_with(part, changed);
    }
    for (std::size_t size = 0; size < plain.size(); size += 7) {
      Octets cut = plain;
      cut.resize(size);
      try_with(part, cut);
    }
  }
  EXPECT_GT(accepted, 0u) << "some octets are keys, which can be any";
}

}  // namespace
}  // namespace tacet
