// Welcomes, and what a joiner opens of them: what parses encodes to the same bytes, and what is inside is
// taken if and only if it is well-formed and keeps the rules.
//
// No mutation finds a key. So the first byte of the input says how the rest is to be taken: as a Welcome; as
// GroupSecrets that are encrypted to the joiner; as a GroupInfo that is encrypted; as a GroupInfoTBS that is
// signed as well; or as one part, to which the parts that follow from it are made to fit.

#include "fuzz/epoch.h"
#include "fuzz/inspected.h"

namespace tacet {
namespace {

using adversary::Deviates;

struct World : Epoch {
  Secret init_private_key;
  Octets client, reference, welcome_secret = noise(random, 32), joiner_secret = noise(random, 32),
                            path_secret = noise(random, 32), psks, init_key = Octets(32);
  GroupInfo group_info;
  TestMemory secrets;

  World() {
    demand(crypto.generate_key_pair(init_private_key, init_key));
    client = key_package(newcomer, init_key);
    reference = model::hash(vector("MLS 1.0 KeyPackage Reference") + vector(client));
    psks = Octets{1} + vector("psk id") + vector("nonce");
    group_info.group_context = context;
    group_info.confirmation_tag = confirmed;
    group_info.signer = {1};
  }
  // We are the second of two joiners.
  Octets welcome(const GroupInfo& fields, const Client& signer, const Deviates& deviates = {}) {
    const adversary::NewMember other = {zeros(32), init_key, std::nullopt};
    return Builder(crypto, means(signer))
        .welcome({fields, welcome_secret, joiner_secret, psks, {other, {reference, init_key, path_secret}}},
                 deviates);
  }
  // None if it has no such part, if it cannot be used, or if it is the honest one.
  std::optional<Octets> welcome_with(Step step, const Octets& part) {
    try {
      return welcome(group_info, members[1], {{step, adversary::replaced_by(part)}});
    } catch (const std::logic_error&) {
      return std::nullopt;
    }
  }
};

World& world() {
  static World the_world;
  return the_world;
}

// A message that was decoded, with the bytes under it.
struct Received {
  Octets message;
  MlsMessage decoded;
  Error error;

  explicit Received(Octets octets) : message(std::move(octets)), error(decode(message, decoded)) {}
  Received(const Received&) = delete;
  const Welcome& welcome() const { return decoded.welcome; }
};

// What is refused leaves nothing behind.
Error open_secrets(const Welcome& welcome, GroupSecrets& out) {
  World& w = world();
  KeyPackage own;
  demand(decode(w.client, own));
  const Error error = open_group_secrets(w.crypto, welcome, own, w.init_private_key, w.secrets, out);
  demand(error == Error::none || w.secrets.live() == 0);
  return error;
}

// The same of the room.
Error open_info(const Welcome& welcome, Octets& room, GroupInfo& out) {
  World& w = world();
  room.assign(open_group_info_room(welcome), 0);
  const Error error = open_group_info(w.crypto, welcome, view(w.welcome_secret), room, out);
  demand(error == Error::none || room == zeros(room.size()));
  return error;
}

Error verify(const GroupInfo& group_info, Octets& room) {
  const Result<Bytes> key = group_info_signature_key(group_info, world().tree);
  TRY(key.error());
  return verify_group_info(world().crypto, group_info, key.value(), room);
}

void take_whole(Bytes input) {
  round_trip<Welcome>(input);
  inspect<Welcome>(input);
  const auto copy = exact_copy(input);
  Welcome welcome;
  if (decode(Bytes(copy.get(), input.size()), welcome) != Error::none) return;
  GroupSecrets secrets;
  GroupInfo group_info;
  Octets room;
  static_cast<void>(open_secrets(welcome, secrets));
  static_cast<void>(open_info(welcome, room, group_info));
}

// GroupSecrets, read field by field.
bool is_group_secrets(Bytes octets) {
  Reader reader(octets);
  Bytes joiner_secret, path_secret;
  std::uint8_t present = 0;
  List<PreSharedKeyId> psks;
  if (reader(joiner_secret, present) != Error::none || joiner_secret.size() != 32 || present > 1)
    return false;
  if (present == 1 && (reader(path_secret) != Error::none || path_secret.size() != 32)) return false;
  return reader(psks) == Error::none && reader.finish() == Error::none;
}

void take_group_secrets(const Octets& octets) {
  World& w = world();
  const std::optional<Octets> message = w.welcome_with(Step::group_secrets, octets);
  if (!message) return;
  const Received received(*message);
  demand(received.error);
  GroupSecrets secrets;
  const bool is_taken = open_secrets(received.welcome(), secrets) == Error::none;
  demand(is_taken == is_group_secrets(octets));
  if (!is_taken) return;
  const Octets path =
      secrets.path_secret ? Octets{1} + vector(model::octets(reveal(*secrets.path_secret))) : Octets{0};
  demand(octets == vector(model::octets(reveal(secrets.joiner_secret))) + path +
                       vector(model::octets(secrets.psks.encoded())));
}

void take_group_info(const Octets& octets) {
  World& w = world();
  GroupInfo expected, group_info;
  const bool is_right =
      decode(octets, expected) == Error::none && check_group_info(expected, w.crypto.suite()) == Error::none;
  const std::optional<Octets> message = w.welcome_with(Step::group_info, octets);
  if (!message) return;
  const Received received(*message);
  demand(received.error);
  Octets room;
  demand((open_info(received.welcome(), room, group_info) == Error::none) == is_right);
  if (!is_right) return;
  demand(equal(group_info.encoded, octets));
  static_cast<void>(verify(group_info, room));
}

void take_signed_group_info(Bytes octets) {
  World& w = world();
  GroupInfo fields, group_info;
  Reader reader(octets);
  if (code_signed_part(reader, fields) != Error::none || reader.finish() != Error::none) return;
  const std::uint32_t index = fields.signer.value;
  const bool is_member = index < Epoch::leaves && index != Epoch::blank;
  const Received received(w.welcome(fields, w.members[index % Epoch::leaves]));
  demand(received.error);
  Octets room;
  const bool is_right = check_group_info(fields, w.crypto.suite()) == Error::none;
  demand((open_info(received.welcome(), room, group_info) == Error::none) == is_right);
  if (!is_right) return;
  demand(equal(group_info.signed_part, octets));
  demand(verify(group_info, room) == (is_member ? Error::none : Error::group_info_signer_not_member));
}

void take_part(std::uint8_t step, const Octets& part) {
  const auto changed = static_cast<Step>(step % (static_cast<unsigned>(Step::message) + 1));
  const std::optional<Octets> message = world().welcome_with(changed, part);
  if (!message) return;
  const Received received(*message);
  if (received.error != Error::none || received.decoded.wire_format != WireFormat::welcome) return;
  GroupSecrets secrets;
  GroupInfo group_info;
  Octets room;
  static_cast<void>(open_secrets(received.welcome(), secrets));
  if (open_info(received.welcome(), room, group_info) == Error::none) {
    static_cast<void>(verify(group_info, room));
  }
}

}  // namespace
}  // namespace tacet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tacet;
  if (size < 2) return 0;
  const Bytes rest(data + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      take_whole(rest);
      break;
    case 1:
      take_group_secrets(model::octets(rest));
      break;
    case 2:
      take_group_info(model::octets(rest));
      break;
    case 3:
      take_signed_group_info(rest);
      break;
    case 4:
      take_part(rest[0], model::octets(rest.subspan(1)));
      break;
  }
  return 0;
}
