// The codec and the extensions: what parses encodes to the same bytes, is measured right, and gathers to the
// same. The first byte of the input chooses the structure.

#include "fuzz/oracle.h"
#include "protocol/extension.h"
#include "protocol/key_schedule.h"

namespace tacet {
namespace {

void varint(Bytes input) {
  Reader reader(input);
  std::size_t size = 0;
  if (reader.vector_size(size) != Error::none) return;
  const Result<VectorHeader> header = vector_header(size);
  demand(header.ok());
  demand(equal(header.value().bytes(), input.first(input.size() - reader.rest().size())));
}

void extensions(Bytes input) {
  Extensions list;
  if (decode(input, list) != Error::none) return;
  std::size_t count = 0;
  bool found_all = true;
  for (const Extension& extension : list) {
    ++count;
    found_all = found_all && find_extension(list, extension.type).has_value();
    if (count == 64) break;  // finding is linear
  }
  demand(found_all && (list.count() == count || count == 64));
  static_cast<void>(check_no_repeats(list));
}

}  // namespace
}  // namespace tacet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tacet;
  if (size == 0) return 0;
  const Bytes input(data + 1, size - 1);
  switch (data[0] % 9) {
    case 0:
      varint(input);
      break;
    case 1:
      extensions(input);
      round_trip<Extensions>(input);
      break;
    case 2:
      round_trip<RequiredCapabilities>(input);
      break;
    case 3:
      round_trip<ExternalPub>(input);
      break;
    case 4:
      round_trip<ApplicationId>(input);
      break;
    case 5:
      round_trip<GroupContext>(input);
      break;
    case 6:
      round_trip<PreSharedKeyId>(input);
      break;
    case 7:
      round_trip<List<PreSharedKeyId>>(input);
      break;
    case 8:
      round_trip<std::optional<Extension>>(input);
      break;
  }
  return 0;
}
