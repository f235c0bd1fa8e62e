#include "seized.h"

#include <algorithm>

#include "octets.h"

namespace tacet::adversary {

namespace {

// `private` does not keep an attacker out: names in an explicit instantiation are not checked for access.
std::optional<Epoch>& epoch_of(Group& group);
void advance(Group& group, NextEpoch& next, ReplacedLeaves&& replaced);

template <auto epoch, auto advance_group>
struct Inside {
  friend std::optional<Epoch>& epoch_of(Group& group) { return group.*epoch; }
  friend void advance(Group& group, NextEpoch& next, ReplacedLeaves&& replaced) {
    (group.*advance_group)(next, std::move(replaced));
  }
};
template struct Inside<&Group::epoch_, &Group::advance>;

// Where a floor below Group looks for them.
void lend_resumption_psks(Member& copy) {
  const GroupContext& context = copy.group.state().context();
  for (std::uint64_t back = 0; back <= std::min<std::uint64_t>(context.epoch, copy.limits.resumption_psks);
       ++back) {
    static_cast<void>(copy.remember_psk(context.epoch - back));  // not every one is kept
  }
}

Error authenticate(const Client& client, Epoch& epoch, const Octets& message, Octets& room, PeekedKey& key,
                   AuthenticatedContent& out) {
  MlsMessage decoded;
  TRY(decode(Bytes(message), decoded));
  const Secret membership_key = epoch.member.keys().copy(EpochKeys::Of::membership_key);
  const Secret sender_data_secret = epoch.member.keys().copy(EpochKeys::Of::sender_data_secret);
  const MessageEpoch lent = message_epoch(client, epoch.state, membership_key, sender_data_secret);
  if (decoded.wire_format == WireFormat::public_message) {
    room.assign(unprotect_room(decoded.public_message, lent), 0);
    return unprotect(client.crypto, lent, decoded.public_message, room, out);
  }
  room.assign(open_room(decoded.private_message, lent), 0);
  return open(client.crypto, lent, epoch.member.secret_tree(), decoded.private_message, room, key, out);
}

}  // namespace

Error take_as_attacker(Member& copy, const Octets& message) {
  const Error error = copy.receive(message);
  if (error != Error::own_commit_unknown) return error;
  lend_resumption_psks(copy);
  const Client client = copy.client();
  Epoch& epoch = *epoch_of(copy.group);
  Octets room;
  PeekedKey key;
  AuthenticatedContent content;
  TRY(authenticate(client, epoch, message, room, key, content));
  NextEpoch next(client, epoch);
  const Error refused = process_commit(client, copy.psks, epoch, content, next);
  epoch.member.secret_tree().drop(key);
  TRY(refused);
  ReplacedLeaves replaced(client.memory);
  TRY(replaced.take(next.state().draft()));
  copy.group.drop_pending();
  advance(copy.group, next, std::move(replaced));
  return Error::none;
}

}  // namespace tacet::adversary
