// GroupInfo: what parses encodes to the same bytes, and the rules judge it without a crash. The first byte of
// the input says whether the rest is a GroupInfo, or a GroupInfoTBS that the member whom it names signs: then
// an endpoint makes the same of the same fields, or refuses to make what others would refuse.

#include "fuzz/epoch.h"
#include "fuzz/inspected.h"

namespace tacet {
namespace {

Epoch& epoch() {
  static Epoch the_epoch;
  return the_epoch;
}

// Exactly as large as it has to be.
Error verify(const GroupInfo& group_info) {
  Epoch& e = epoch();
  const Result<Bytes> key = group_info_signature_key(group_info, e.tree);
  TRY(key.error());
  Octets room(verify_group_info_room(group_info));
  return verify_group_info(e.crypto, group_info, key.value(), room);
}

void take_whole(Bytes input) {
  round_trip<GroupInfo>(input);
  inspect<GroupInfo>(input);
  const auto copy = exact_copy(input);
  GroupInfo group_info;
  if (decode(Bytes(copy.get(), input.size()), group_info) != Error::none) return;
  demand(equal(group_info.encoded, input));
  static_cast<void>(check_group_info(group_info, epoch().crypto.suite()));
  static_cast<void>(verify(group_info));
}

// `expected` is what the builder has made, or none if it must not be made.
void create(const GroupInfo& fields, const Client& signer, bool grease,
            const std::optional<Octets>& expected) {
  Epoch& e = epoch();
  std::vector<Extension> extensions;
  for (const Extension& extension : fields.extensions) extensions.push_back(extension);
  const NewGroupInfo wanted = {fields.group_context, extensions, fields.confirmation_tag, fields.signer,
                               grease};
  Octets room(group_info_room(wanted), 0xaa);
  KeySigner by_key(e.crypto, view(signer.private_key));
  const Result<Bytes> made = create_group_info(e.crypto, by_key, wanted, room);
  if (grease) {
    GroupInfo decoded;
    if (made.ok()) demand(decode(made.value(), decoded) == Error::none);
    demand(!made.ok() || decoded.extensions.count() == extensions.size() + 1);
    demand(!made.ok() || expected.has_value());
    return;
  }
  demand(made.ok() == expected.has_value());
  if (made.ok()) demand(equal(made.value(), *expected));
}

void take_signed(Bytes input) {
  Epoch& e = epoch();
  const auto copy = exact_copy(input);
  GroupInfo fields;
  Reader reader(Bytes(copy.get(), input.size()));
  if (code_signed_part(reader, fields) != Error::none || reader.finish() != Error::none) return;

  const std::uint32_t index = fields.signer.value;
  const bool is_member = index < Epoch::leaves && index != Epoch::blank;
  const Client& signer = e.members[index % Epoch::leaves];
  const Octets message = Builder(e.crypto, e.means(signer)).group_info(fields);
  MlsMessage decoded;
  demand(decode(message, decoded));
  demand(equal(decoded.group_info.signed_part, input));
  demand(verify(decoded.group_info) == (is_member ? Error::none : Error::group_info_signer_not_member));

  std::optional<Octets> expected;
  if (check_group_info(decoded.group_info, e.crypto.suite()) == Error::none) {
    expected = model::octets(decoded.group_info.encoded);
  }
  for (const bool grease : {false, true}) create(fields, signer, grease, expected);
}

}  // namespace
}  // namespace tacet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tacet;
  if (size == 0) return 0;
  const Bytes rest(data + 1, size - 1);
  data[0] % 2 == 0 ? take_whole(rest) : take_signed(rest);
  return 0;
}
