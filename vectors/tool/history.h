#pragma once

// The history of a group, told as a client lives it that joins along the way and does nothing but listen: a
// case of passive-client. All others are live members, who use the public verbs, and agree.

#include <array>
#include <deque>
#include <memory>
#include <optional>

#include "generator.h"
#include "spec/adversary/member.h"
#include "tree.h"

namespace tacet::tool {

using adversary::Device;
using adversary::Member;
using Proposals = std::vector<Proposal>;

// How many epochs late messages come at most.
inline constexpr std::uint32_t past_epochs = 3;

// Leaves of it do not run out, whenever a vector is run; and it keeps what cases need of past epochs.
void prepare_for_vectors(Device& device);

// The members of a case that tell who the client is.
void tell_keys(const Device& client, Json& object);

class History {
 public:
  // A group of one, the first of the live members. Handshakes of members are of that format.
  History(Generator& generator, WireFormat format);

  // The group that succeeds another, with its first Commit, by one of the former group's live members: the
  // client and the `others` join by its Welcome. Of wanted.proposals, Adds of all these go before.
  History(History& former, Member& by, const std::vector<Member*>& others, SuccessorOptions wanted);

  // ---- who is there

  Member& live();               // a new client, which follows the group from when it is in it
  Member& again(Member& lost);  // one that has lost all but its name, its signature key and its PSKs
  Device& idle();               // one that is added and never does anything
  Device& client() { return client_; }
  std::vector<Member*> active() const;
  std::vector<const Device*> others() const;  // the idle ones that are in the group
  const PublicState& state() const { return active().front()->group.state(); }
  std::uint64_t epoch() const { return state().context().epoch; }

  // ---- what they propose; it lives as long as the history

  Proposal add(Device& whom);  // by a new KeyPackage
  Proposal remove(const Device& whom);
  Proposal psk(std::size_t which = 0);                  // one of two that all have
  Proposal resumption_psk(std::uint64_t epoch);         // of this group
  Proposal extensions(std::vector<Extension> of = {});  // required_capabilities that all have, and these
  Proposal external_senders(const std::vector<Device*>& whom);
  Proposal re_init(CipherSuite suite, bool with_extensions);

  // ---- what happens; all live members have it, and, once it is in the group, the client is told of it

  // The Commit that adds the client.
  void begin(Member& by, Proposals beside = {}, bool tree_inline = true);
  void propose(Member& by, const Proposal& proposal);
  void propose_from_outside(Device& by, const Sender& sender, const Proposal& proposal);
  void update(Member& by);
  void commit(Member& by, Proposals by_value = {}, bool with_path = true);  // and all that waits
  // From outside, by a GroupInfo of a member.
  void join(Member& joiner, Member& of, ExternalOptions wanted = {});

  // Application data, random. Nobody hears it until the client does.
  Octets say(Member& by, std::size_t size, std::size_t authenticated_data = 0);
  void hear(const Octets& message);

  // The case, as far as its generator chooses it, with those of the groups that succeed this one.
  Json told(const std::vector<Json>& successors = {}) const;

 private:
  Bytes keep(Octets octets) { return kept_.emplace_back(std::move(octets)); }
  Member& enter(std::string name);
  std::optional<LeafIndex> leaf_of(const Device& whom) const;
  void to_all(const Octets& message, const Member* from);
  void take_welcome(const Octets& welcome, const Octets& tree);
  void tell(const Octets& commit);

  struct ExternalPsk {
    Octets id, psk;
    bool is_told = false;
  };

  Generator& generator_;
  const WireFormat format_;
  HeapMemory memory_;
  std::array<ExternalPsk, 2> psks_;
  std::deque<Octets> kept_;  // what proposals view
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<std::unique_ptr<Device>> idle_;
  Device client_;
  bool has_client_ = false;
  Octets welcome_, tree_;  // of the client; the tree is empty if it is in the Welcome
  Json proposals_ = Json::array(), first_messages_, epochs_ = Json::array();
};

}  // namespace tacet::tool
