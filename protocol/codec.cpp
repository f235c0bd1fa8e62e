#include "codec.h"

namespace tacet {

namespace {

// The most that a header of 1 << prefix bytes holds.
constexpr std::size_t max_1_byte = 0x3f;
constexpr std::size_t max_2_bytes = 0x3fff;

}  // namespace

Result<VectorHeader> vector_header(std::size_t size) noexcept {
  REFUSE_IF(size > max_vector_size, Error::vector_too_long);  // [CODEC-08, CODEC-09]
  VectorHeader header;
  const unsigned prefix = size <= max_1_byte ? 0 : size <= max_2_bytes ? 1 : 2;  // [CODEC-03]
  header.size = std::size_t{1} << prefix;
  for (std::size_t i = 0; i < header.size; ++i) {
    header.octets[i] = static_cast<std::uint8_t>(size >> 8 * (header.size - 1 - i));
  }
  header.octets[0] = static_cast<std::uint8_t>(header.octets[0] | prefix << 6);
  return header;
}

Error Reader::take(std::size_t size, Bytes& out) noexcept {
  if (size > rest_.size()) return Error::truncated;  // [CODEC-10]
  out = rest_.first(size);
  rest_ = rest_.subspan(size);
  return Error::none;
}

Error Reader::vector_size(std::size_t& size) noexcept {
  std::uint8_t first = 0;
  TRY(integer(first));
  const unsigned prefix = first >> 6;
  REFUSE_IF(prefix == 3, Error::varint_prefix);  // [CODEC-06]
  Bytes more;
  TRY(take((std::size_t{1} << prefix) - 1, more));
  std::size_t value = first & max_1_byte;
  for (const std::uint8_t byte : more) value = value << 8 | byte;  // [CODEC-07]
  const bool fits_in_half = (prefix == 1 && value <= max_1_byte) || (prefix == 2 && value <= max_2_bytes);
  REFUSE_IF(fits_in_half, Error::varint_not_minimal);  // [CODEC-04, CODEC-05]
  size = value;
  return Error::none;
}

Error Writer::put(Bytes bytes, Storage) noexcept {
  if (bytes.size() > output_.size() - size_) return Error::output_too_small;  // [CODEC-09]
  if (!bytes.empty()) std::memcpy(output_.data() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
  return Error::none;
}

Error Writer::opaque_room(std::size_t size, MutableBytes& room) noexcept {
  TRY(header(size));
  if (size > output_.size() - size_) return Error::output_too_small;  // [CODEC-09]
  room = output_.subspan(size_, size);
  size_ += size;
  return Error::none;
}

}  // namespace tacet
