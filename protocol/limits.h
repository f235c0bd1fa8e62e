#pragma once

// Every bound on what an endpoint takes in and keeps, with its default. Over a bound there is a distinct
// error, before any work or memory is spent.

#include <cstdint>

namespace tacet {

struct Limits {
  // The size of a LeafNode in bytes; Error::leaf_too_large.
  std::uint32_t leaf_size = 1u << 16;

  // The number of leaves of a ratchet tree, blank ones included; Error::too_many_leaves.
  std::uint32_t leaves = 1u << 16;

  // The longest lifetime of a LeafNode from a KeyPackage, from not_before to not_after, in seconds; 90 days
  // and an hour for clocks that differ. Error::lifetime_too_long.
  std::uint64_t leaf_lifetime = 90 * 24 * 3600 + 3600;

  // How many generations a sender's ratchet is moved ahead for one message; Error::generation_too_far.
  std::uint32_t forward_distance = 1024;

  // How many generations before the newest one heard a message may still come late: older unused keys of that
  // ratchet are dropped, and then it is Error::generation_gone.
  std::uint32_t out_of_order_window = 64;

  // How many keys of messages not yet seen are kept in an epoch, of all senders together; the oldest are
  // dropped.
  std::uint32_t skipped_keys = 256;

  // The size of a message's content with its authenticated data, in bytes, sent or received. Far below what
  // an AEAD's key may protect; Error::message_too_large.
  std::uint32_t message_size = 1u << 26;

  // How many proposals of an epoch are kept until a Commit refers to them; Error::too_many_proposals.
  std::uint32_t cached_proposals = 1u << 14;

  // How many PreSharedKey proposals a Commit has; Error::too_many_psks.
  std::uint32_t psks = 64;

  // How many past epochs' resumption PSKs a group keeps, beside that of the present one; what is older is
  // Error::psk_unknown.
  std::uint32_t resumption_psks = 4;

  // How many past epochs' application messages can still come late. Each keeps the unused keys of its
  // messages, as many as the present epoch does, and the leaves that have been replaced since: what is seized
  // with them opens what was sent then. Older ones are Error::epoch_past.
  std::uint32_t past_epochs = 0;

  // How many generations of the endpoint's own ratchets, of each type, a save reserves, at most 2^16: it
  // seals no more before the next one, which is Error::save_first, and after a restore it goes on behind
  // them. Far below the forward_distance of others, to whom each restore looks like so many messages lost. 0:
  // the group is not saved, and nothing is reserved.
  std::uint32_t reserved_generations = 0;

  // How many messages an endpoint seals in one epoch, of each content type; Error::message_limit. Every
  // message has a key of its own, so this bounds what one epoch's secrets protect, not what one key does.
  std::uint32_t messages_per_epoch = 1u << 24;
};

}  // namespace tacet
