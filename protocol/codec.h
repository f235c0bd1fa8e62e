#pragma once

// The presentation language of RFC 9420, section 2.1: big-endian integers, vectors with a variable-size
// length header, optional values.
//
// A struct describes its fields once, in a function template beside it:
//
//     struct Extension { ExtensionType type; Bytes data; };
//     template <class Coder, Fields<Extension> E>
//     Error code(Coder& coder, E& e) { return coder(e.type, e.data); }
//
// and that serves to decode (Reader), to encode (Writer), to measure (Sizer) and to gather for a hash or a
// MAC without copying (Gatherer). A field may be
//   * an unsigned integer, or an enum: big-endian in its size; a closed enum has a `check(Enum)` beside it;
//   * Bytes: opaque<V>;
//   * List<T>: T<V>, a view that is walked and checked once, when it is parsed;
//   * std::array<std::uint8_t, N>: opaque[N];
//   * std::optional<T>: optional<T>;
//   * a struct that describes its own fields.
// What is decoded is a view: it copies nothing and lives as long as the bytes under it.

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <type_traits>

#include "bytes.h"
#include "memory.h"
#include "refuse.h"

namespace tacet {

template <class T>
class List;

// E is T or const T: one description of T's fields serves both directions.
template <class E, class T>
concept Fields = std::same_as<std::remove_const_t<E>, T>;

// The largest vector that a length header can announce, in bytes.
inline constexpr std::size_t max_vector_size = (std::size_t{1} << 30) - 1;

// A vector's length header: at most 4 bytes.
struct VectorHeader {
  std::array<std::uint8_t, 4> octets{};
  std::size_t size = 0;

  Bytes bytes() const noexcept { return {octets.data(), size}; }
};

// The shortest header for a vector of `size` bytes [CODEC-03]. Error::vector_too_long over max_vector_size.
Result<VectorHeader> vector_header(std::size_t size) noexcept;

namespace codec_detail {
template <class T>
inline constexpr bool is_list = false;
template <class T>
inline constexpr bool is_list<List<T>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_fixed = false;
template <std::size_t n>
inline constexpr bool is_fixed<std::array<std::uint8_t, n>> = true;
}  // namespace codec_detail

// The one dispatch over kinds of fields; each coder adds how it treats integers, fixed bytes and opaque
// vectors.
template <class Self>
class Coder {
 public:
  // Codes fields in their order; stops at the first error and returns it.
  template <class... Field>
  Error operator()(Field&... fields) noexcept {
    Error error = Error::none;
    static_cast<void>(((error = field(fields), error == Error::none) && ...));
    return error;
  }

 private:
  template <class Field>
  Error field(Field& f) noexcept {
    using T = std::remove_const_t<Field>;
    Self& self = static_cast<Self&>(*this);
    if constexpr (std::is_enum_v<T>) {
      return enumeration(f);
    } else if constexpr (std::unsigned_integral<T>) {
      return self.integer(f);
    } else if constexpr (std::same_as<T, Bytes>) {
      return self.opaque(f);
    } else if constexpr (codec_detail::is_list<T>) {
      return self.list(f);
    } else if constexpr (codec_detail::is_fixed<T>) {
      return self.fixed(f);
    } else if constexpr (codec_detail::is_optional<T>) {
      return optional(f);
    } else {
      return code(self, f);
    }
  }

  template <class E>
  Error enumeration(E& e) noexcept {
    auto number = static_cast<std::underlying_type_t<std::remove_const_t<E>>>(e);
    TRY(static_cast<Self&>(*this).integer(number));
    if constexpr (Self::decodes) {
      e = static_cast<E>(number);
      if constexpr (requires { check(e); }) return check(e);
    }
    return Error::none;
  }

  template <class Optional>
  Error optional(Optional& value) noexcept {
    std::uint8_t present = value.has_value() ? 1 : 0;
    TRY(static_cast<Self&>(*this).integer(present));
    REFUSE_IF(present > 1, Error::optional_presence);  // [CODEC-01]
    if constexpr (Self::decodes) {
      value.reset();
      if (present != 0) value.emplace();
    }
    return present != 0 ? field(*value) : Error::none;  // [CODEC-02]
  }
};

// Reads views from bytes. Nothing is allocated or copied, whatever a length says.
class Reader : public Coder<Reader> {
 public:
  static constexpr bool decodes = true;

  explicit Reader(Bytes input) noexcept : rest_(input) {}

  // The only bounds check: the next `size` bytes. Error::truncated [CODEC-10].
  Error take(std::size_t size, Bytes& out) noexcept;

  // Errors: truncated, varint_prefix, varint_not_minimal [CODEC-04..07].
  Error vector_size(std::size_t& size) noexcept;

  template <std::unsigned_integral T>
  Error integer(T& value) noexcept {
    Bytes bytes;
    TRY(take(sizeof(T), bytes));
    T result = 0;
    for (const std::uint8_t byte : bytes) result = static_cast<T>(result << (sizeof(T) > 1 ? 8 : 0) | byte);
    value = result;  // [CODEC-13]
    return Error::none;
  }

  Error opaque(Bytes& value) noexcept {
    std::size_t size = 0;
    TRY(vector_size(size));
    return take(size, value);
  }

  template <std::size_t n>
  Error fixed(std::array<std::uint8_t, n>& value) noexcept {
    Bytes bytes;
    TRY(take(n, bytes));
    if constexpr (n != 0) std::memcpy(value.data(), bytes.data(), n);
    return Error::none;
  }

  template <class T>
  Error list(List<T>& value) noexcept {
    Bytes encoded;
    TRY(opaque(encoded));
    return List<T>::parse(encoded, value);
  }

  // Error::trailing_bytes unless all was read.
  Error finish() const noexcept {
    REFUSE_IF(!rest_.empty(), Error::trailing_bytes);  // [CODEC-12]
    return Error::none;
  }

  Bytes rest() const noexcept { return rest_; }

 private:
  Bytes rest_;
};

// Codes a part of a struct by `part`, and has a decoded struct remember where that part lies, as received.
template <class Coder, class Encoded, class Part>
Error code_as_received(Coder& coder, Encoded& encoded, Part part) noexcept {
  if constexpr (Coder::decodes) {
    const Bytes begin = coder.rest();
    TRY(part());
    encoded = begin.first(begin.size() - coder.rest().size());
    return Error::none;
  } else {
    return part();
  }
}

// Decodes one whole structure; bytes behind it are an error, Error::trailing_bytes.
template <class T>
Error decode(Bytes input, T& out) noexcept {
  Reader reader(input);
  T value{};
  TRY(reader(value));
  TRY(reader.finish());
  out = value;
  return Error::none;
}

// The elements of a vector, as a view over their encoding. Only parse() makes one that is not empty, and it
// has decoded every element once; so iteration, which decodes them again, cannot fail. There is no
// operator[].
template <class T>
class List {
 public:
  List() = default;

  // `encoded` is the vector without its header. Errors: those of T; an element that runs over the end of the
  // vector is Error::list_not_whole [CODEC-11]; the empty vector is a list.
  static Error parse(Bytes encoded, List& out) noexcept {
    Reader reader(encoded);
    std::size_t count = 0;
    std::size_t whole = 0;
    while (!reader.rest().empty()) {
      T element{};
      const Error error = reader(element);
      REFUSE_IF(error == Error::truncated, Error::list_not_whole);  // [CODEC-11]
      if (error == Error::truncated) break;  // only with that refusal switched off: the whole elements remain
      TRY(error);
      ++count;
      whole = encoded.size() - reader.rest().size();
    }
    out.encoded_ = encoded.first(whole);
    out.count_ = count;
    return Error::none;
  }

  Bytes encoded() const noexcept { return encoded_; }
  std::size_t count() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }

  class Iterator {
   public:
    using difference_type = std::ptrdiff_t;
    using value_type = T;

    Iterator() = default;
    explicit Iterator(const List& list) noexcept : reader_(list.encoded_), left_(list.count_) { read(); }
    const T& operator*() const noexcept { return element_; }
    const T* operator->() const noexcept { return &element_; }
    Iterator& operator++() noexcept {
      --left_;
      read();
      return *this;
    }
    void operator++(int) noexcept { ++*this; }
    bool operator==(std::default_sentinel_t) const noexcept { return left_ == 0; }

   private:
    void read() noexcept {
      element_ = T{};
      if (left_ != 0) static_cast<void>(reader_(element_));
    }

    Reader reader_{Bytes{}};
    std::size_t left_ = 0;
    T element_{};
  };

  Iterator begin() const noexcept { return Iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  Bytes encoded_;
  std::size_t count_ = 0;
};

// What Sizer, Writer and Gatherer share: all they do comes down to put(bytes, how long the bytes live).
enum class Storage { passing, lasting };

template <class Self>
class Encoder : public Coder<Self> {
 public:
  static constexpr bool decodes = false;

  template <std::unsigned_integral T>
  Error integer(T value) noexcept {
    std::array<std::uint8_t, sizeof(T)> octets;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      octets[i] = static_cast<std::uint8_t>(value >> 8 * (sizeof(T) - 1 - i));  // [CODEC-13]
    }
    return self().put(octets, Storage::passing);
  }

  Error opaque(Bytes value) noexcept {
    TRY(header(value.size()));
    return self().put(value, Storage::lasting);
  }

  // The header of a vector whose `size` bytes follow.
  Error header(std::size_t size) noexcept {
    const Result<VectorHeader> header = vector_header(size);
    TRY(header.error());
    return self().put(header.value().bytes(), Storage::passing);
  }

  template <std::size_t n>
  Error fixed(const std::array<std::uint8_t, n>& value) noexcept {
    return self().put(value, Storage::lasting);
  }

  template <class T>
  Error list(const List<T>& value) noexcept {
    return opaque(value.encoded());
  }

 private:
  Self& self() noexcept { return static_cast<Self&>(*this); }
};

// Measures an encoding in bytes.
class Sizer : public Encoder<Sizer> {
 public:
  Error put(Bytes bytes, Storage) noexcept {
    size_ += bytes.size();
    return Error::none;
  }
  std::size_t size() const noexcept { return size_; }

 private:
  std::size_t size_ = 0;
};

// Writes public bytes into a span; a secret cannot be written, it does not convert to Bytes.
class Writer : public Encoder<Writer> {
 public:
  explicit Writer(MutableBytes output) noexcept : output_(output) {}

  // Error::output_too_small.
  Error put(Bytes bytes, Storage) noexcept;
  // An opaque<V> of `size` bytes that the caller writes itself. Errors as for opaque().
  Error opaque_room(std::size_t size, MutableBytes& room) noexcept;
  Bytes written() const noexcept { return output_.first(size_); }

 private:
  MutableBytes output_;
  std::size_t size_ = 0;
};

// The compiler is the first test that a secret is not encoded by mistake.
template <class T>
concept Writable = requires(Writer& writer, const T& value) {
  writer.put(value, Storage::passing);
};
static_assert(Writable<Bytes> && Writable<Digest>);
static_assert(!Writable<Secret> && !Writable<SecretView> && !Writable<Piece>);

// Gathers an encoding as a list of pieces: fixed-size fields and headers in `octets` bytes of its own,
// vectors where they lie. For hashes and MACs over structs that exist nowhere in one piece.
template <std::size_t max_pieces, std::size_t max_octets>
class Gatherer : public Encoder<Gatherer<max_pieces, max_octets>> {
 public:
  // Error::output_too_small: the bounds were chosen too small for the struct.
  Error put(Bytes bytes, Storage storage) noexcept {
    if (bytes.empty()) return Error::none;
    if (storage == Storage::passing) {
      if (bytes.size() > max_octets - octets_used_) return Error::output_too_small;
      std::uint8_t* const own = octets_.data() + octets_used_;
      std::memcpy(own, bytes.data(), bytes.size());
      octets_used_ += bytes.size();
      if (count_ != 0 && pieces_[count_ - 1].data() + pieces_[count_ - 1].size() == own) {
        pieces_[count_ - 1] = {pieces_[count_ - 1].data(), pieces_[count_ - 1].size() + bytes.size()};
        return Error::none;
      }
      bytes = {own, bytes.size()};
    }
    if (count_ == max_pieces) return Error::output_too_small;
    pieces_[count_++] = bytes;
    return Error::none;
  }

  Pieces pieces() const noexcept { return std::span<const Bytes>(pieces_.data(), count_); }

  Gatherer() = default;
  Gatherer(const Gatherer&) = delete;  // the pieces point into it
  Gatherer& operator=(const Gatherer&) = delete;

 private:
  std::array<Bytes, max_pieces> pieces_;
  std::array<std::uint8_t, max_octets> octets_;
  std::size_t count_ = 0;
  std::size_t octets_used_ = 0;
};

// The size of an encoding in bytes. Error::vector_too_long.
template <class T>
Result<std::size_t> encoded_size(const T& value) noexcept {
  Sizer sizer;
  TRY(sizer(value));
  return sizer.size();
}

// Encodes into `output` and returns the part that was written. Errors: output_too_small, vector_too_long;
// then `output` is unchanged.
template <class T>
Result<Bytes> encode(const T& value, MutableBytes output) noexcept {
  const Result<std::size_t> size = encoded_size(value);
  TRY(size.error());
  if (size.value() > output.size()) return Error::output_too_small;
  Writer writer(output);
  TRY(writer(value));
  return writer.written();
}

// Encodes into memory of its own. Errors: out_of_memory, vector_too_long.
template <class T>
Result<Buffer> encode(const T& value, Memory& memory) noexcept {
  const Result<std::size_t> size = encoded_size(value);
  TRY(size.error());
  Result<Buffer> out = Buffer::allocate(memory, size.value());
  TRY(out.error());
  TRY(encode(value, out.value().bytes()).error());
  return out;
}

// Encodes elements as the body of a vector, and returns the list that views it. Errors as for encode().
template <class T>
Result<List<T>> encode_list(std::span<const T> elements, MutableBytes output) noexcept {
  Sizer sizer;
  for (const T& element : elements) TRY(sizer(element));
  if (sizer.size() > max_vector_size) return Error::vector_too_long;
  if (sizer.size() > output.size()) return Error::output_too_small;
  Writer writer(output);
  for (const T& element : elements) TRY(writer(element));
  List<T> list;
  TRY(List<T>::parse(writer.written(), list));
  return list;
}

}  // namespace tacet
