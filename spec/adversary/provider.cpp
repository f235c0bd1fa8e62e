#include "provider.h"

#include <algorithm>

#include "octets.h"
#include "protocol/ratchet_tree.h"

namespace tacet::adversary {

namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);

Kind kind_of(ContentType type) {
  if (type == ContentType::application) return Kind::application;
  return type == ContentType::proposal ? Kind::proposal : Kind::commit;
}

void read_group_message(Bytes group_id, std::uint64_t epoch, ContentType type, Kept& kept) {
  kept.kind = kind_of(type);
  kept.group_id = octets_of(group_id);
  kept.epoch = epoch;
}

// All that can be seen of it.
void read(Kept& kept) {
  MlsMessage message;
  Nodes nodes;
  if (decode(Bytes(kept.bytes), message) != Error::none) {
    kept.kind = decode(Bytes(kept.bytes), nodes) == Error::none ? Kind::ratchet_tree : Kind::unreadable;
    return;
  }
  switch (message.wire_format) {
    case WireFormat::public_message: {
      const FramedContent& content = message.public_message.content;
      return read_group_message(content.group_id, content.epoch, content.content_type, kept);
    }
    case WireFormat::private_message: {
      const PrivateMessage& sealed = message.private_message;
      return read_group_message(sealed.group_id, sealed.epoch, sealed.content_type, kept);
    }
    case WireFormat::welcome:
      kept.kind = Kind::welcome;
      return;
    case WireFormat::group_info:
      kept.kind = Kind::group_info;
      return;
    case WireFormat::key_package:
      kept.kind = Kind::key_package;
      return;
  }
}

}  // namespace

Kept& Provider::keep(ClientId from, Octets bytes) {
  Kept& kept = record_.emplace_back();
  kept.number = record_.size() - 1;
  kept.from = from;
  kept.bytes = std::move(bytes);
  read(kept);
  return kept;
}

Provider::Group& Provider::group(Bytes group_id) {
  for (Group& each : groups_) {
    if (equal(each.group_id, group_id)) return each;
  }
  groups_.push_back({octets_of(group_id), 0, {}});
  return groups_.back();
}

std::deque<std::size_t>& Provider::queue(ClientId of) {
  if (of >= queues_.size()) queues_.resize(of + 1);
  return queues_[of];
}

void Provider::publish(ClientId from, Octets key_package) {
  if (from >= published_.size()) published_.resize(from + 1, none);
  published_[from] = keep(from, std::move(key_package)).number;
}

Bytes Provider::key_package(ClientId of) const {
  return of < published_.size() && published_[of] != none ? Bytes(record_[published_[of]].bytes) : Bytes();
}

void Provider::enter(Bytes group_id, ClientId who) { group(group_id).clients.push_back(who); }

void Provider::leave(Bytes group_id, ClientId who) {
  std::vector<ClientId>& clients = group(group_id).clients;
  clients.erase(std::remove(clients.begin(), clients.end(), who), clients.end());
}

bool Provider::send(ClientId from, Octets message) {
  const Kept& kept = keep(from, std::move(message));
  Group& of = group(kept.group_id);
  const bool is_commit = kept.kind == Kind::commit;
  if ((is_commit || kept.kind == Kind::proposal) && kept.epoch != of.epoch) return false;
  if (is_commit) ++of.epoch;
  for (const ClientId to : of.clients) {
    if (to != from || is_commit) queue(to).push_back(kept.number);
  }
  return true;
}

void Provider::post(ClientId from, const std::vector<ClientId>& to, Octets bytes) {
  const Kept& kept = keep(from, std::move(bytes));
  for (const ClientId each : to) queue(each).push_back(kept.number);
}

const Kept& Provider::fetch(ClientId who, std::size_t place) {
  Kept& kept = record_[queue(who).at(place)];
  drop(who, place);
  kept.to.push_back(who);
  return kept;
}

void Provider::drop(ClientId who, std::size_t place) {
  std::deque<std::size_t>& waiting = queue(who);
  waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(place));
}

void Provider::replay(const Kept& kept, ClientId to) { queue(to).push_front(kept.number); }

const Kept& Provider::forge(ClientId as, ClientId to, Octets bytes) {
  const Kept& kept = keep(as, std::move(bytes));
  queue(to).push_front(kept.number);
  return kept;
}

}  // namespace tacet::adversary
