#pragma once

// The provider: a delivery service (RFC 9420, 14) that keeps every byte for ever, and attacks. It holds no
// key: it goes by what can be read on the wire, and by what clients tell it of who is in which group.

#include <deque>

#include "builder.h"

namespace tacet::adversary {

using ClientId = std::size_t;

// What something is, as far as it can be seen without any key.
enum class Kind : std::uint8_t {
  unreadable,
  key_package,
  welcome,
  group_info,
  ratchet_tree,  // given apart
  proposal,
  commit,
  application,
};

struct Kept {
  std::size_t number = 0;  // its place in the record
  ClientId from = 0;
  std::vector<ClientId> to;  // who fetched it, in this order
  Kind kind = Kind::unreadable;
  Octets group_id;          // of a message in a group
  std::uint64_t epoch = 0;  // of a message in a group
  Octets bytes;
};

class Provider {
 public:
  // ---- what it does for clients, numbered from 0

  // A KeyPackage, an MLSMessage, for all who ask; and the last one that a client published, or nothing.
  void publish(ClientId from, Octets key_package);
  Bytes key_package(ClientId of) const;

  // Who messages in a group are for.
  void enter(Bytes group_id, ClientId who);
  void leave(Bytes group_id, ClientId who);

  // A message in a group, which goes to all others in it. Of the Commits of an epoch the first is taken, and
  // goes to its sender too. Returns whether it was taken: no proposal or Commit is in another epoch than the
  // present one.
  bool send(ClientId from, Octets message);

  // Anything else, to some.
  void post(ClientId from, const std::vector<ClientId>& to, Octets bytes);

  // What waits for a client, in the order in which it goes out.
  std::size_t waiting(ClientId who) const { return who < queues_.size() ? queues_[who].size() : 0; }
  const Kept& waits(ClientId who, std::size_t place) const { return record_[queues_[who].at(place)]; }
  const Kept& fetch(ClientId who) { return fetch(who, 0); }

  // ---- what it can do to them

  const Kept& fetch(ClientId who, std::size_t place);            // out of order
  void drop(ClientId who, std::size_t place = 0);                // of what waits
  void replay(const Kept& kept, ClientId to);                    // before all that waits
  const Kept& forge(ClientId as, ClientId to, Octets bytes);     // likewise
  const std::deque<Kept>& hand_over() const { return record_; }  // all that it has

 private:
  struct Group {
    Octets group_id;
    std::uint64_t epoch = 0;
    std::vector<ClientId> clients;
  };

  Kept& keep(ClientId from, Octets bytes);
  Group& group(Bytes group_id);
  std::deque<std::size_t>& queue(ClientId of);

  std::deque<Kept> record_;                      // what is in it stays where it is
  std::vector<std::deque<std::size_t>> queues_;  // of each client, numbers in the record
  std::vector<std::size_t> published_;           // by each client, likewise
  std::vector<Group> groups_;
};

}  // namespace tacet::adversary
