// Messages, and what a live epoch takes of them: what parses encodes to the same bytes, the rules judge it
// without a crash, and content is taken from its sender if and only if it is allowed to. What is refused
// changes nothing, and the genuine message is still taken after it.
//
// No mutation finds a signature, a tag or a key. So the first byte of the input says how the rest is to be
// taken: as an MLSMessage; as content that is signed, tagged and encrypted as if it were perfect; or as one
// part of a message, to which the parts that follow from it are made to fit.

#include <map>

#include "fuzz/epoch.h"
#include "fuzz/inspected.h"

namespace tacet {
namespace {

constexpr std::uint32_t fresh = 1;  // the generation of every message: generation 0 has been heard

// The keys of all that members send, and of the blank leaf.
std::map<std::pair<std::uint32_t, RatchetType>, adversary::OpenMessageKey> message_keys(Epoch& epoch) {
  std::map<std::pair<std::uint32_t, RatchetType>, adversary::OpenMessageKey> keys;
  TestMemory memory;
  SecretTree secret_tree(epoch.crypto.suite(), memory, memory, epoch.limits);
  epoch.start(secret_tree);
  for (std::uint32_t i = 0; i < Epoch::leaves; ++i) {
    for (const RatchetType type : {RatchetType::handshake, RatchetType::application}) {
      PeekedKey peeked;
      demand(secret_tree.peek(epoch.crypto, {i}, type, fresh, peeked));
      const MessageKey& key = peeked.message_key();
      keys[{i, type}] = {model::octets(reveal(key.key)), model::octets(reveal(key.nonce)), fresh};
    }
  }
  return keys;
}

struct World : Epoch {
  std::map<std::pair<std::uint32_t, RatchetType>, adversary::OpenMessageKey> keys = message_keys(*this);
};

World& world() {
  static World the_world;
  return the_world;
}

// A member who has heard every other, in both ratchets: from then on no message allocates.
class Receiver {
 public:
  Receiver() {
    world().start(secret_tree_);
    for (std::uint32_t i = 0; i < Epoch::leaves; ++i) {
      for (const RatchetType type : {RatchetType::handshake, RatchetType::application}) {
        PeekedKey key;
        demand(secret_tree_.peek(world().crypto, {i}, type, 0, key));
        secret_tree_.adopt(key);
      }
    }
  }

  // What is refused changes nothing. What is taken views the message, or this receiver.
  Error receive(const MlsMessage& message, AuthenticatedContent& out) {
    const auto secrets = secret_memory_.contents();
    const std::size_t calls = memory_.calls(), skipped = secret_tree_.keys_skipped();
    const Error error = take(message, out);
    demand(memory_.calls() == calls);
    if (error == Error::none) return error;
    demand(secret_memory_.contents() == secrets && secret_tree_.keys_skipped() == skipped);
    return error;
  }
  Error receive(Bytes input, AuthenticatedContent& out) {
    MlsMessage message;
    TRY(decode(input, message));
    return receive(message, out);
  }

 private:
  Error take(const MlsMessage& message, AuthenticatedContent& out) {
    World& w = world();
    if (message.wire_format == WireFormat::public_message) {
      room_.assign(unprotect_room(message.public_message, w.lent()), 0);
      return unprotect(w.crypto, w.lent(), message.public_message, room_, out);
    }
    if (message.wire_format != WireFormat::private_message) return Error::wire_format_unknown;
    room_.assign(open_room(message.private_message, w.lent()), 0);
    PeekedKey key;
    TRY(open(w.crypto, w.lent(), secret_tree_, message.private_message, room_, key, out));
    secret_tree_.adopt(key);
    return Error::none;
  }

  TestMemory memory_, secret_memory_;
  SecretTree secret_tree_{world().crypto.suite(), memory_, secret_memory_, world().limits};
  Octets room_;
};

void look_at(const AuthenticatedContent& taken) {
  Digest digest;
  if (taken.content.content_type == ContentType::proposal) {
    demand(proposal_ref(world().crypto, taken, digest));
  } else if (taken.content.content_type == ContentType::commit) {
    demand(confirmed_transcript_hash(world().crypto, {}, taken, digest));
  }
}

// ---- an MLSMessage

void judge(const KeyPackage& key_package) {
  World& w = world();
  Octets work(key_package_work_size(key_package).value() + key_package.encoded.size());
  static_cast<void>(check_key_package(w.crypto, key_package, w.limits, work));
}

void judge(const GroupInfo& group_info) {
  World& w = world();
  static_cast<void>(check_group_info(group_info, w.crypto.suite()));
  static_cast<void>(group_info_signature_key(group_info, w.tree));
}

void take_message(Bytes input) {
  round_trip<MlsMessage>(input);
  inspect<MlsMessage>(input);
  const auto copy = exact_copy(input);
  MlsMessage message;
  if (decode(Bytes(copy.get(), input.size()), message) != Error::none) return;
  Receiver receiver;
  AuthenticatedContent taken;
  switch (message.wire_format) {
    case WireFormat::public_message:
    case WireFormat::private_message:
      if (receiver.receive(message, taken) == Error::none) look_at(taken);
      break;
    case WireFormat::welcome:
      break;
    case WireFormat::group_info:
      return judge(message.group_info);
    case WireFormat::key_package:
      return judge(message.key_package);
  }
}

// ---- content as from a sender

// Whose content it is, and how it is sent: two bytes of the input.
struct Sending {
  WireFormat format = WireFormat::public_message;
  Sender sender;
  ContentType type{};
  std::uint8_t padding = 0;

  const Client& client() const {
    World& w = world();
    if (sender.type == SenderType::member) return w.members[sender.leaf_index.value % Epoch::leaves];
    return sender.type == SenderType::external ? w.outsiders[sender.sender_index % 2] : w.newcomer;
  }
  Framed framed(const Octets& content) const {
    return {world().group_id, world().context.epoch, sender, model::octets("in the open"), type, content};
  }
  Octets message(const Octets& content, const adversary::Deviates& deviates = {}) const {
    World& w = world();
    Builder builder(w.crypto, w.means(client()));
    const Framed said = framed(content);
    if (format == WireFormat::public_message) return builder.public_message(said, deviates);
    const auto& key = w.keys.at({sender.leaf_index.value % Epoch::leaves, ratchet_of(type)});
    return builder.private_message(said, key, padding, deviates);
  }
};

Sending sending_of(std::uint8_t how, std::uint8_t padding) {
  Sending made;
  made.format = (how & 1) != 0 ? WireFormat::private_message : WireFormat::public_message;
  made.sender.type = static_cast<SenderType>(1 + (how >> 1 & 3));
  const std::uint32_t index = how >> 3 & 7;  // those above the last too
  if (made.sender.type == SenderType::member) made.sender.leaf_index = {index};
  if (made.sender.type == SenderType::external) made.sender.sender_index = index;
  made.type = static_cast<ContentType>(how >> 6);  // 0 too, which there is not
  made.padding = padding;
  return made;
}

// Whether a message of this content, perfect in all other ways, has to be taken.
bool is_allowed(const Sending& sending, const Octets& encoding) {
  World& w = world();
  FramedContent content;
  if (decode(encoding, content) != Error::none) return false;
  if (check_content(content, sending.format, w.custom) != Error::none) return false;
  const Result<Bytes> key = content_signature_key(content, w.tree, w.context.extensions);
  return key.ok() && equal(key.value(), sending.client().signature_key);
}

// What was refused has used up no key.
void genuine_is_taken(Receiver& receiver, Sending sending, bool key_is_used) {
  sending.sender = {SenderType::member, {sending.sender.leaf_index.value % 2}, 0};
  if (sending.type != ContentType::application) sending.type = ContentType::proposal;
  if (sending.type == ContentType::application) sending.format = WireFormat::private_message;
  const Octets content =
      sending.type == ContentType::application ? vector("genuine") : Octets{0, 3, 0, 0, 0, 3};
  const Octets genuine = sending.message(content);
  AuthenticatedContent taken;
  const Error error = receiver.receive(genuine, taken);
  demand(error == (key_is_used ? Error::generation_gone : Error::none));
}

void take_content(const Sending& sending, const Octets& content) {
  const Octets message = sending.message(content), encoding = framed_encoding(sending.framed(content));
  Receiver receiver;
  AuthenticatedContent taken;
  const bool is_taken = receiver.receive(message, taken) == Error::none;
  demand(is_taken == is_allowed(sending, encoding));
  if (is_taken) {
    demand(equal(taken.content.encoded, encoding));
    look_at(taken);
  }
  const bool is_private = sending.format == WireFormat::private_message;
  const bool is_ours = sending.sender.leaf_index.value < 2;
  genuine_is_taken(receiver, sending, is_taken && is_private && is_ours);
}

// ---- one part of a message

constexpr Step last_step = Step::message;

Octets honest_content(ContentType type) {
  if (type == ContentType::application) return vector("text");
  const Octets remove = {0, 3, 0, 0, 0, 3};
  return type == ContentType::commit ? vector(Octets{1} + remove) + Octets{0} : remove;
}

void take_part(const Sending& sending, std::uint8_t step, const Octets& part) {
  const auto changed = static_cast<Step>(step % (static_cast<unsigned>(last_step) + 1));
  Octets message;
  try {
    message = sending.message(honest_content(sending.type), {{changed, adversary::replaced_by(part)}});
  } catch (const std::logic_error&) {
    return;  // it has no such part, or one that cannot be used
  }
  Receiver receiver;
  AuthenticatedContent taken;
  if (receiver.receive(message, taken) != Error::none) return genuine_is_taken(receiver, sending, false);
  look_at(taken);
}

}  // namespace
}  // namespace tacet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tacet;
  if (size == 0) return 0;
  const Bytes rest(data + 1, size - 1);
  if (data[0] % 3 == 0) {
    take_message(rest);
  } else if (rest.size() >= 3) {
    const Sending sending = sending_of(rest[0], rest[1]);
    if (data[0] % 3 == 1) take_content(sending, model::octets(rest.subspan(2)));
    if (data[0] % 3 == 2) take_part(sending, rest[2], model::octets(rest.subspan(3)));
  }
  return 0;
}
