#pragma once

// Plays a script on real Groups, through the provider, and holds what each of them answers and knows against
// the plain model. Where they differ, what is thrown is Mismatch, with who and what.

#include <functional>
#include <memory>

#include "group_model.h"
#include "member.h"
#include "protocol/adapters/heap_memory.h"
#include "provider.h"
#include "seeded_random.h"

namespace tacet::adversary {

struct Mismatch : std::logic_error {
  using std::logic_error::logic_error;
};

class Player {
 public:
  // The first client has created the group. All clients support what a Scenario's do.
  explicit Player(std::uint64_t seed = 1, std::size_t clients = 6);
  explicit Player(const Script& script) : Player(script.seed, script.clients) {}

  // Tells what came of it: nothing, if it made no sense.
  std::string play(const Script::Operation& operation);

  // Delivers all; then whoever is in the group speaks, and all who are in the same epoch read it.
  void finish();

  // Called with each thing that anybody receives, in words.
  std::function<void(const std::string&)> tell;

  // How often anything came of what was played: the names of errors, and of what was taken.
  const std::map<std::string, std::size_t>& outcomes() const { return outcomes_; }

  // What an attacker can seize at the same time.
  static constexpr std::size_t most_copies = 2;

 private:
  // Randomness that can be replaced.
  class Draws final : public Random {
   public:
    explicit Draws(std::uint64_t seed) { start(seed); }
    void start(std::uint64_t seed) { random_ = std::make_unique<SeededRandom>(seed); }
    Error fill(MutableBytes out) noexcept override { return random_->fill(out); }

   private:
    std::unique_ptr<SeededRandom> random_;
  };

  // All that was ever done with a member, so that it can be done again.
  using Call = std::function<Octets(Member&)>;

  struct Actor {
    std::string name;
    Knowledge knows;
    std::uint64_t seed = 0;
    std::unique_ptr<Draws> draws;
    std::unique_ptr<Member> member;
    std::vector<Call> done;
  };
  struct Identity {
    Secret signing_key;
    Octets signature_key;
  };

  // ---- clients
  void start(Actor& actor, ClientId who);
  Octets act(Actor& actor, Call call);
  void publish(ClientId who);
  Actor* actor(ClientId who) { return who < actors_.size() ? &actors_[who] : nullptr; }

  // ---- operations
  std::string propose(ClientId who, const Wish& wish);
  std::string propose_as_bot(const Wish& wish);
  std::string ask(ClientId who);
  std::string commit(ClientId who, const Script::Operation& operation);
  std::string join(ClientId who, const Script::Operation& operation);
  std::string succeed(ClientId who, std::optional<ClientId> branches_with);
  std::string forget(ClientId who);
  std::string settle(ClientId who, bool adopts);
  std::string say(ClientId who);
  std::string deliver(ClientId who, std::size_t place);
  std::string deliver_all();
  std::string again(ClientId who, std::size_t place);
  std::string seize(ClientId who);

  // ---- the groups that succeed this one, which are told at once and left again
  Octets found(Actor& founder, const std::vector<ClientId>& others, bool branches, Octets& welcome);
  void follow(Actor& heir, const Octets& welcome, const Octets& authenticator);

  // ---- what is sent
  std::optional<Proposed> meant(const Wish& wish, ClientId by, EpochId epoch);
  Proposal made(const Proposed& what);
  std::vector<CoveredByCommit> covered_by(Actor& actor, const std::vector<CoveredByCommit>& by_value);
  bool send(MessageId id, Octets bytes);
  std::string send_outside_proposal(Device& device, const Sender& sender, ClientId who, const Proposed& what);
  std::string send_commit(Actor& actor, MessageId id, Octets bytes, bool tree_inline);
  void route(MessageId commit);
  void invite(Actor& actor, MessageId commit, bool tree_inline);

  // ---- what is received, and what has to hold
  const Octets& bytes_of_message(MessageId id) const { return provider_.hand_over()[records_.at(id)].bytes; }
  std::string receive(Actor& actor, MessageId id);
  void hold_heard(const Actor& actor, MessageId id, std::optional<Event> demanded);
  void hold(const Actor& actor);
  std::string demand(const Actor& actor, const std::string& what, const Verdict& demanded, Error seen);
  std::string unchanged(const Actor& actor, std::string refused);
  [[noreturn]] static void fail(const Actor& actor, const std::string& what);
  std::string describe_sent(MessageId id) const;

  std::uint64_t seed_;
  HeapMemory memory_;
  Octets group_id_;
  std::deque<Octets> kept_;             // what proposals view
  std::vector<Extensions> extensions_;  // by their number
  Draws bot_draws_;
  Device bot_;
  GroupModel model_;
  Provider provider_;
  std::vector<Identity> identities_;
  std::deque<Actor> actors_, copies_;
  std::map<KeyId, Octets> key_packages_;
  std::vector<KeyId> published_;                   // by each client, the last
  std::map<std::size_t, MessageId> ids_;           // by their number in the record
  std::map<MessageId, std::size_t> records_;       // the other way
  std::map<MessageId, Octets> proposals_, trees_;  // encoded; of Welcomes whose tree is apart
  std::map<MessageId, std::string> texts_;
  std::map<EpochId, Octets> authenticators_;
  EpochId present_ = 0;  // as the provider has taken Commits
  std::uint64_t lives_ = 0;
  std::map<std::string, std::size_t> outcomes_;
};

}  // namespace tacet::adversary
