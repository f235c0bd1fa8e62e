// Vector deserialization: the variable-size length header of RFC 9420, 2.1.2.

#include "protocol/codec.h"
#include "vectors/tool/type.h"

namespace tacet::tool {

namespace {

bool recognise(const Json& object) { return object.contains("vlbytes_header") || object.contains("length"); }

Error read_header(Bytes header, std::size_t& size) {
  Reader reader(header);
  TRY(reader.vector_size(size));
  return reader.finish();
}

void run(const Field& object, Crypto&, Outputs& outputs) {
  std::size_t length = 0;
  outputs.require(object, "length", read_header(object["vlbytes_header"].bytes(), length));
  outputs.put_number(object, "length", length);
}

Json choose(Generator& generator) {
  std::vector<std::uint32_t> lengths;
  std::uint32_t first = 0;
  for (const std::uint32_t last : {0x3fu, 0x3fffu, 0x3fffffffu}) {  // of the headers of 1, 2 and 4 bytes
    const std::uint32_t middle = first + 2 + generator.below(last - first - 3);
    lengths.insert(lengths.end(), {first, first + 1, middle, last - 1, last});
    first = last + 1;
  }
  Json cases = Json::array();
  for (const std::uint32_t length : lengths) {
    const Result<VectorHeader> header = vector_header(length);
    cases.push_back(Json::object({{"vlbytes_header", to_hex(header.value().bytes())}}));
  }
  return cases;
}

}  // namespace

const VectorType deserialization = {"deserialization", {}, recognise, run, choose};

}  // namespace tacet::tool
