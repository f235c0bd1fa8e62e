#pragma once

// A small protocol on the recorder and the closure, of which it is known what follows from each leak.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>

#include "memories.h"
#include "model.h"
#include "protocol/hpke.h"
#include "spec/adversary/closure.h"
#include "spec/adversary/reveal.h"
#include "spec/adversary/seeded_random.h"

namespace tacet::adversary {

using model::Octets;
using model::octets;
using model::operator+;
using Set = std::set<ValueId>;

inline Set set_of(const std::vector<ValueId>& values) { return {values.begin(), values.end()}; }

inline Octets octets_of(const Secret& secret) { return octets(reveal(secret)); }

inline Set operator|(Set a, const Set& b) {
  a.insert(b.begin(), b.end());
  return a;
}

// A handshake of two parties, who agree on a root by HPKE, and messages from then on. Who sends one goes on
// with the root through a fresh shared secret if the other has a key pair that waits for it, and sends the
// public key of a new pair of its own. Only what the next message needs is kept.
class Toy {
 public:
  struct Party {
    Party(Log& log, Random& random, unsigned number) : crypto(log, random, number) {}
    Recorder crypto;
    Secret chain, private_key;
    std::array<std::uint8_t, 32> public_key{};
  };

  struct Step {
    unsigned by;
    bool is_fresh = false;      // it has a shared secret of its own
    Set drawn_by_receiver{};    // all that the receiver gets to know, the text included
    std::array<Set, 2> held{};  // what each party keeps afterwards
    Octets root{}, key{}, nonce{}, ephemeral{}, text{};
  };

  explicit Toy(std::uint64_t seed = 7) : random(seed) {
    log.stream([this](const Call& call) { closure.add(call); });
    for (const unsigned number : {0, 1}) parties.emplace_back(log, random, number);
    start();
  }

  // The first root, sealed to the second party's key. It is step 0.
  void start() {
    Party &from = parties[0], &to = parties[1];
    must(to.crypto.generate_key_pair(to.private_key, to.public_key));
    init_key = octets_of(to.private_key);
    Step step{.by = 0, .is_fresh = true};
    std::array<std::uint8_t, 32> kem_output{};
    Octets sealed(48);
    Secret root, opened;
    must(from.crypto.random_secret(32, root));
    const std::ptrdiff_t sends = logged();
    must(encrypt_with_label(from.crypto, to.public_key, "toy", {}, {root}, memory, kem_output, sealed));
    must(from.crypto.derive_secret(root, "chain", from.chain));
    step.ephemeral = first_random(sends);
    const std::ptrdiff_t receives = logged();
    must(decrypt_with_label(to.crypto, {to.private_key, to.public_key}, "toy", {}, kem_output, sealed,
                            opened));
    must(to.crypto.derive_secret(opened, "chain", to.chain));
    to.private_key.clear();
    wire.push_back(octets(to.public_key) + octets(kem_output) + sealed);
    step.root = octets_of(root);
    finish(std::move(step), receives);
  }

  void send(unsigned by) {
    Party &from = parties[by], &to = parties[1 - by];
    Step step{.by = by, .is_fresh = !to.private_key.empty()};
    step.text = octets("text ") + some(20);
    const ValueId text = closure.secret(step.text);
    const std::ptrdiff_t sends = logged();
    std::array<std::uint8_t, 32> kem_output{};
    Secret shared = std::move(Secret::zeros(32).value()), key, nonce;
    if (step.is_fresh) must(from.crypto.encap(to.public_key, kem_output, shared));
    if (step.is_fresh) step.ephemeral = first_random(sends);
    step.root = advance(from, shared, key, nonce);
    must(from.crypto.generate_key_pair(from.private_key, from.public_key));
    Octets message = octets(from.public_key) + step.text;
    message.resize(message.size() + 16);
    const MutableBytes room(message);
    must(from.crypto.seal(key, nonce, kem_output, room.first(message.size() - 16), room));
    wire.push_back(octets(kem_output) + octets(from.public_key) + message);
    step.key = octets_of(key), step.nonce = octets_of(nonce);

    const std::ptrdiff_t receives = logged();
    Secret agreed = std::move(Secret::zeros(32).value());
    if (step.is_fresh) must(to.crypto.decap(kem_output, to.private_key, to.public_key, agreed));
    to.private_key.clear();
    advance(to, agreed, key, nonce);
    must(to.crypto.open(key, nonce, kem_output, message, room.first(message.size() - 16)));
    finish(std::move(step), receives);
    steps.back().drawn_by_receiver.insert(text);
  }

  void read() {
    for (const Octets& bytes : wire) closure.read(bytes);
  }

  // What the attacker has, if nothing but this is right.
  Set derived() const {
    const std::vector<ValueId> all = closure.derived();
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
    return set_of(all);
  }
  ValueId id(const Octets& bytes) const { return closure.find(bytes).value(); }

  // What follows from a message key.
  Set opened_by(std::size_t step) const {
    const Set& all = steps[step].drawn_by_receiver;
    Set opened = {id(steps[step].key), id(steps[step].text)};
    for (const ValueId value : all) {
      if (closure.is_plaintext(value)) opened.insert(value);
    }
    return opened;
  }

  // What follows from all that a party keeps after a step: what it receives with the key that it has, and all
  // that comes until a shared secret to another key.
  Set follows_from_state(std::size_t step, unsigned party) const {
    Set expected = steps[step].held[party];
    bool has_sent = false;
    for (std::size_t next = step + 1; next < steps.size(); ++next) {
      has_sent = has_sent || steps[next].by == party;
      if (steps[next].is_fresh && has_sent) break;
      expected = expected | steps[next].drawn_by_receiver;
    }
    return expected;
  }

  // What follows from the first root, with all that it was sealed with.
  Set follows_from_root() const { return steps[0].drawn_by_receiver | follows_from_state(0, 0); }

  // The secret outputs of some calls, and of all from one on.
  Set outputs(std::ptrdiff_t begin, std::ptrdiff_t end) const {
    Set outputs;
    for (auto call = log.calls().begin() + begin; call != log.calls().begin() + end; ++call) {
      for (const Value& value : call->outputs) {
        if (value.nature == Nature::secret) outputs.insert(id(value.bytes));
      }
    }
    return outputs;
  }
  Set outputs_since(std::ptrdiff_t begin) const { return outputs(begin, logged()); }
  std::ptrdiff_t logged() const { return static_cast<std::ptrdiff_t>(log.calls().size()); }

  Octets some(std::size_t size) {
    Octets out(size);
    must(random.fill(out));
    return out;
  }

  static void must(Error error) { ASSERT_EQ(error, Error::none) << describe(error).name; }

  SeededRandom random;
  TestMemory memory;
  Log log;
  Closure closure;
  std::deque<Party> parties;
  std::vector<Step> steps;
  std::vector<Octets> wire;
  Octets init_key;

 private:
  Octets advance(Party& party, const Secret& shared, Secret& key, Secret& nonce) {
    Secret root;
    must(party.crypto.extract(party.chain, {shared}, root));
    must(party.crypto.derive_secret(root, "chain", party.chain));
    must(party.crypto.expand_with_label(root, "key", {}, 32, key));
    must(party.crypto.expand_with_label(root, "nonce", {}, 12, nonce));
    return octets_of(root);
  }

  void finish(Step step, std::ptrdiff_t receives) {
    step.drawn_by_receiver = outputs_since(receives);
    for (const unsigned party : {0, 1}) {
      step.held[party] = {id(octets_of(parties[party].chain))};
      const Octets private_key = octets_of(parties[party].private_key);
      if (!private_key.empty()) step.held[party].insert(id(private_key));
    }
    steps.push_back(std::move(step));
  }

  Octets first_random(std::ptrdiff_t begin) const {
    auto call = log.calls().begin() + begin;
    while (call->operation != Operation::random_secret) ++call;
    return call->outputs[0].bytes;
  }
};

}  // namespace tacet::adversary
