#pragma once

// What an endpoint is lent fails: at each call in turn of one verb its memory is full, or its randomness or
// its signer fails. The verb says so, nothing has changed, and in the end it succeeds as if nothing had been.

#include <functional>
#include <memory>

#include "members.h"

namespace tacet {

enum class Fault : std::uint8_t {
  memory,         // of both Memories, counted together, one allocation fails
  full_memory,    // and all after it
  random,         // one draw fails
  random_inside,  // the same, when half of it is written
  signer,         // one signature fails, when half of it is written
};
inline constexpr Fault all_faults[] = {Fault::memory, Fault::full_memory, Fault::random, Fault::random_inside,
                                       Fault::signer};

inline void PrintTo(Fault fault, std::ostream* out) {
  static const char* const names[] = {"memory", "full_memory", "random", "random_inside", "signer"};
  *out << names[static_cast<std::size_t>(fault)];
}

inline bool is_of_memory(Fault fault) { return fault == Fault::memory || fault == Fault::full_memory; }

// What no signer of these tests says by itself, and nothing else does.
inline constexpr Error signer_failed = Error::expand_length;

inline Error error_of(Fault fault) {
  if (is_of_memory(fault)) return Error::out_of_memory;
  return fault == Fault::signer ? signer_failed : Error::random_failed;
}

class FailingRandom final : public Random {
 public:
  explicit FailingRandom(Random& source) : source_(source) {}

  Error fill(MutableBytes out) noexcept override {
    if (!countdown.fails()) return source_.fill(out);
    if (writes_half) {
      const MutableBytes half = out.first(out.size() / 2);
      TRY(source_.fill(half));
      abandoned.push_back(model::octets(half));
    }
    return Error::random_failed;
  }

  Countdown countdown;
  bool writes_half = false;
  std::vector<Octets> abandoned;  // what was written of what then failed

 private:
  Random& source_;
};

class FailingSigner final : public Signer {
 public:
  FailingSigner(Signer& of, Countdown& countdown) : of_(of), countdown_(countdown) {}

  Result<Bytes> sign(Bytes message, MutableBytes signature) noexcept override {
    if (!countdown_.fails()) return of_.sign(message, signature);
    for (std::uint8_t& octet : signature.first(Crypto::max_signature_size / 2)) octet = 0x5c;
    return signer_failed;
  }

 private:
  Signer& of_;
  Countdown& countdown_;
};

// Which of what is lent a verb uses.
struct Uses {
  bool memory = false, random = false, signer = false;
};
inline constexpr Uses nothing_lent = {}, memory_alone = {true, false, false},
                      all_but_signer = {true, true, false}, all_but_random = {true, false, true},
                      all_but_memory = {false, true, true}, all_lent = {true, true, true};

// What may be otherwise after a failure, beside what can be seen: nothing, or
enum class Leaves : std::uint8_t {
  nothing,
  room,      // in the memory that is not for secrets: made for the next time, and empty
  ratchets,  // of messages: there is room for the one of a sender, or the key of a message is spent
};

// A verb that is tried by one member.
struct Trial {
  Member& who;
  std::function<Error(Signer&)> attempt;  // succeeds once
  std::function<void()> then = [] {};     // what the others make of it, up to where all agree
};

class FaultTest : public GroupTest {
 protected:
  FaultTest() { source = &failing_random; }

  void equip(Member& made) override {
    made.supported = {made.suites, {}, custom, made.credentials};
    made.psks.known["a"] = model::octets("a psk of all");
    made.limits.past_epochs = past_epochs;
    if (made.name == "D") made.limits.reserved_generations = reserved_generations;
  }

  // Until it succeeds; how often it failed.
  std::size_t fail_at_each_call(Trial& trial, Fault fault, Leaves leaves);
  void expect_no_weak_key(Member& of);

  Member& at(std::size_t i) { return *members[i]; }
  // The leaf of the KeyPackage that a client published last.
  static Bytes leaf_of(const Member& of) {
    KeyPackage own;
    adversary::must(decode(Bytes(of.key_package), own));
    return own.leaf_node.encoded;
  }
  void take_commit_of(Member& committer, const std::vector<Member*>& joiners = {}) {
    const Octets commit = model::octets(committer.group.pending_commit()), welcome = committer.welcome();
    committer.group.adopt_pending();
    send(commit, committer);
    for (Member* each : joiners)
      EXPECT_EQ(each->join(welcome, tree_apart ? committer.tree() : Octets()), Error::none);
  }
  void commit_of(Member& committer, const CommitOptions& wanted, const std::vector<Member*>& joiners = {}) {
    committer.commit(wanted);
    ASSERT_EQ(committer.error, Error::none);
    take_commit_of(committer, joiners);
  }
  // All who are in the group agree, and hear each other where anything may still be said.
  void agree() {
    for (const auto& each : members) {
      if (!each->group.is_closed()) continue;
      for (const auto& other : members) {
        if (!other->group.is_active()) continue;
        EXPECT_EQ(other->authenticator(), each->authenticator());
      }
      return;
    }
    expect_agreement();
  }

  FailingRandom failing_random{random};
  Countdown of_memory, of_signer;
  std::uint32_t past_epochs = 0, reserved_generations = 0;
  bool tree_apart = false;  // from Welcomes
  static constexpr ProposalType custom[] = {static_cast<ProposalType>(0xf00a)};
};

inline std::size_t FaultTest::fail_at_each_call(Trial& trial, Fault fault, Leaves leaves) {
  Member& who = trial.who;
  who.memory.count_with(of_memory);
  who.secret_memory.count_with(of_memory);
  failing_random.writes_half = fault == Fault::random_inside;
  Countdown& countdown = is_of_memory(fault)      ? of_memory
                         : fault == Fault::signer ? of_signer
                                                  : failing_random.countdown;
  KeySigner signer = who.signer();
  FailingSigner failing_signer(signer, of_signer);
  std::size_t failures = 0, again = 0;
  for (std::size_t call = 0; failures < 2000;) {
    SCOPED_TRACE("call " + std::to_string(call));
    const Snapshot before(who);
    countdown = {0, call, fault == Fault::full_memory};
    const Error error = trial.attempt(failing_signer);
    const bool has_failed = countdown.calls > call;
    countdown = {};
    if (!has_failed) {
      EXPECT_EQ(error, Error::none);
      return failures;
    }
    ++failures;
    EXPECT_EQ(error, error_of(fault));
    if (error == Error::none) return failures;
    const Snapshot after(who);
    EXPECT_TRUE(after.seen == before.seen) << "something has changed that can be seen";
    const bool is_same = after.memory == before.memory;
    EXPECT_TRUE(is_same || leaves != Leaves::nothing) << "something has changed in memory";
    EXPECT_TRUE(after.secret_memory == before.secret_memory || leaves == Leaves::ratchets)
        << "or among secrets";
    // Where room was made, the call of that number is another one now.
    const bool is_other = !is_same && is_of_memory(fault) && again < 3;
    again = is_other ? again + 1 : 0;
    call += is_other ? 0 : 1;
  }
  ADD_FAILURE() << "it never succeeds";
  return failures;
}

// Neither zeros nor half a draw have become a key: not the private key of a node, nor what it is derived
// from; nor does either lie anywhere in memory.
inline void FaultTest::expect_no_weak_key(Member& of) {
  std::vector<Octets> drawn = {Octets(32, 0)};
  for (const Octets& half : failing_random.abandoned) {
    if (half.size() < 8) continue;  // a reuse guard may be anything
    EXPECT_FALSE(of.memory.holds(half) || of.secret_memory.holds(half));
    drawn.push_back(half);
    drawn.back().resize(32);
  }
  if (!of.group.is_active()) return;
  const RatchetTree& tree = of.group.state().tree();
  for (const Octets& each : drawn) {
    const Secret as_seed = secret_of(each);
    Secret as_path_secret, private_key;
    ASSERT_EQ(of.crypto.derive_secret(as_seed, "node", as_path_secret), Error::none);
    for (const Secret* seed : {&as_seed, static_cast<const Secret*>(&as_path_secret)}) {
      Octets key(32);
      ASSERT_EQ(of.crypto.derive_key_pair(*seed, private_key, key), Error::none);
      EXPECT_FALSE(tree.other_with(of.crypto, NodeIndexMap::Of::encryption_key, key, std::nullopt));
    }
  }
}

}  // namespace tacet
