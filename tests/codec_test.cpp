#include "protocol/codec.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>

#include "evidence.h"
#include "model.h"

namespace tacet {
namespace {

using evidence::refused;
using evidence::shows;
using model::Octets;
using model::operator+;

// ReadVarint of section 2.1.2, as it stands there: the length, or nothing.
std::optional<std::uint64_t> read_varint(const std::uint8_t* data) {
  std::uint64_t v = data[0];
  const unsigned prefix = data[0] >> 6;
  if (prefix == 3) return std::nullopt;
  const unsigned length = 1u << prefix;
  v &= 0x3f;
  for (unsigned i = 1; i < length; ++i) v = (v << 8) + data[i];
  if (prefix >= 1 && v < (1u << (8 * (length / 2) - 2))) return std::nullopt;
  return v;
}

// Decodes a header, compares with read_varint, and encodes again. A plain bool: it runs up to 2^32 times.
bool header_agrees(Bytes input) {
  Reader reader(input);
  std::size_t size = 0;
  const Error error = reader.vector_size(size);
  const std::optional<std::uint64_t> expected = read_varint(input.data());
  if (!expected) return error == (input[0] >> 6 == 3 ? Error::varint_prefix : Error::varint_not_minimal);
  if (error != Error::none || size != *expected) return false;
  const Result<VectorHeader> header = vector_header(size);
  return header.ok() && equal(header.value().bytes(), input.first(input.size() - reader.rest().size()));
}

TEST(Varint, EveryHeaderOfOneTwoAndThreeBytesAndSamplesOfTheFourth) {
  const bool all = std::getenv("TACET_EXHAUSTIVE") != nullptr;  // every fourth byte: all 2^32
  for (std::uint32_t first_three = 0; first_three < 1u << 24; ++first_three) {
    const auto one = [&](std::uint32_t fourth) {
      const std::uint8_t input[4] = {
          static_cast<std::uint8_t>(first_three >> 16), static_cast<std::uint8_t>(first_three >> 8),
          static_cast<std::uint8_t>(first_three), static_cast<std::uint8_t>(fourth)};
      if (!header_agrees(input)) FAIL() << model::hex(input);
    };
    if (all) {
      for (std::uint32_t fourth = 0; fourth < 256; ++fourth) one(fourth);
    } else {
      one(0x00);
      one(0xff);
      one((first_three * 0x9e3779b1u) >> 24);
    }
  }
  shows("CODEC-07");
}

TEST(Varint, ShortInputIsTruncated) {
  for (unsigned first = 0; first < 0xc0; ++first) {
    const std::uint8_t input[4] = {static_cast<std::uint8_t>(first), 0xff, 0xff, 0xff};
    const std::size_t whole = std::size_t{1} << (first >> 6);
    for (std::size_t size = 0; size < whole; ++size) {
      Reader reader(Bytes(input).first(size));
      std::size_t value = 7;
      refused("CODEC-10", Error::truncated, reader.vector_size(value));
      EXPECT_EQ(value, 7u);
    }
  }
}

TEST(Varint, EncodesInTheFewestBytes) {
  const std::pair<std::size_t, const char*> headers[] = {{0, "00"},           {63, "3f"},
                                                         {64, "4040"},        {16383, "7fff"},
                                                         {16384, "80004000"}, {494878333, "9d7f3e7d"},
                                                         {15293, "7bbd"},     {max_vector_size, "bfffffff"}};
  for (const auto& [size, expected] : headers)
    EXPECT_EQ(model::hex(vector_header(size).value().bytes()), expected);
  shows("CODEC-03");
}

Error read_header(const std::string& hex) {
  const Octets input = model::unhex(hex);
  Reader reader(input);
  std::size_t size = 0;
  return reader.vector_size(size);
}

TEST(Varint, RefusesLongFormsAndThePrefix11) {
  for (const char* header : {"4000", "4005", "403f"}) {
    refused("CODEC-04", Error::varint_not_minimal, read_header(header));
  }
  for (const char* header : {"80000000", "80000005", "80000040", "80003fff"}) {
    refused("CODEC-05", Error::varint_not_minimal, read_header(header));
  }
  for (const char* header : {"c0", "ff", "c000000000000000", "ffffffffffffffff"}) {
    refused("CODEC-06", Error::varint_prefix, read_header(header));
  }
}

TEST(Vector, OfTheGreatestLengthCostsNothingUntilItIsThere) {
  const Octets input = model::unhex("bfffffff00");
  Reader header(input);
  std::size_t size = 0;
  EXPECT_EQ(header.vector_size(size), Error::none);
  EXPECT_EQ(size, 1073741823u);
  shows("CODEC-08");
  Bytes value;
  refused("CODEC-08, CODEC-10", Error::truncated, decode(input, value));
}

TEST(Vector, OverTheLimitsIsADistinctError) {
  refused("CODEC-09", Error::vector_too_long, vector_header(max_vector_size + 1).error());
  const std::uint8_t nothing = 0;
  refused("CODEC-09", Error::vector_too_long, encoded_size(Bytes(&nothing, max_vector_size + 1)).error());
  const Octets content(5);
  Octets output(5, 0xee);
  refused("CODEC-09", Error::output_too_small, encode(Bytes(content), output).error());
  EXPECT_EQ(output, Octets(5, 0xee)) << "an output that is too small is left alone";
}

TEST(Integer, IsBigEndian) {
  const Octets input = model::unhex("0102030405060708090a0b0c0d0e0f");
  Reader reader(input);
  std::uint8_t a = 0;
  std::uint16_t b = 0;
  std::uint32_t c = 0;
  std::uint64_t d = 0;
  ASSERT_EQ(reader(a, b, c, d), Error::none);
  EXPECT_EQ(a, 0x01);
  EXPECT_EQ(b, 0x0203);
  EXPECT_EQ(c, 0x04050607u);
  EXPECT_EQ(d, 0x08090a0b0c0d0e0fu);
  EXPECT_EQ(reader.finish(), Error::none);
  std::uint8_t output[15];
  Writer writer(output);
  ASSERT_EQ(writer(a, b, c, d), Error::none);
  EXPECT_EQ(model::octets(writer.written()), input);
  shows("CODEC-13");
}

// A struct with every kind of field.
struct Inner {
  std::uint16_t number = 0;
  Bytes text;
};
template <class Coder, Fields<Inner> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.number, e.text);
}

struct Outer {
  std::uint8_t tag = 0;
  std::array<std::uint8_t, 4> fixed{};
  std::optional<Inner> maybe;
  List<Inner> inners;
  List<std::uint16_t> numbers;
  std::uint64_t last = 0;
};
template <class Coder, Fields<Outer> E>
Error code(Coder& coder, E& e) noexcept {
  return coder(e.tag, e.fixed, e.maybe, e.inners, e.numbers, e.last);
}

struct OuterModel {
  std::uint8_t tag;
  Octets fixed;
  bool present;
  std::vector<std::pair<std::uint16_t, Octets>> inners;
  std::vector<std::uint16_t> numbers;
  std::uint64_t last;

  Octets encoding() const {
    Octets list, words;
    for (const auto& [n, text] : inners) list = list + model::number(n, 2) + model::vector(text);
    for (const std::uint16_t n : numbers) words = words + model::number(n, 2);
    const Octets maybe = present ? model::number(0x1234, 2) + model::vector("maybe") : Octets();
    return model::number(tag, 1) + fixed + model::number(present, 1) + maybe + model::vector(list) +
           model::vector(words) + model::number(last, 8);
  }
};

OuterModel arbitrary_outer() {
  OuterModel outer;
  outer.tag = *rc::gen::arbitrary<std::uint8_t>();
  outer.fixed = *rc::gen::container<Octets>(4, rc::gen::arbitrary<std::uint8_t>());
  outer.present = *rc::gen::arbitrary<bool>();
  outer.inners = *rc::gen::arbitrary<std::vector<std::pair<std::uint16_t, Octets>>>();
  outer.numbers = *rc::gen::arbitrary<std::vector<std::uint16_t>>();
  outer.last = *rc::gen::arbitrary<std::uint64_t>();
  return outer;
}

RC_GTEST_PROP(Struct, DecodesAndEncodesAsTheModelSays, ()) {
  const OuterModel expected = arbitrary_outer();
  const Octets input = expected.encoding();
  Outer outer;
  RC_ASSERT(decode(input, outer) == Error::none);
  RC_ASSERT(outer.tag == expected.tag);
  RC_ASSERT(outer.maybe.has_value() == expected.present);
  RC_ASSERT(outer.inners.count() == expected.inners.size());
  auto next = expected.inners.begin();
  for (const Inner& inner : outer.inners) {
    RC_ASSERT(inner.number == next->first);
    RC_ASSERT(model::octets(inner.text) == next->second);
    ++next;
  }
  std::vector<std::uint16_t> numbers;
  for (const std::uint16_t n : outer.numbers) numbers.push_back(n);
  RC_ASSERT(numbers == expected.numbers);
  RC_ASSERT(outer.last == expected.last);

  Octets output(input.size());
  const Result<Bytes> written = encode(outer, output);
  RC_ASSERT(written.ok());
  RC_ASSERT(model::octets(written.value()) == input);
  Gatherer<16, 64> gatherer;
  RC_ASSERT(gatherer(outer) == Error::none);
  Octets gathered;
  for (const Bytes piece : gatherer.pieces()) gathered.insert(gathered.end(), piece.begin(), piece.end());
  RC_ASSERT(gathered == input);
  shows("CODEC-02, CODEC-07, CODEC-13");
}

RC_GTEST_PROP(Struct, TruncatedOrExtendedIsRefused, ()) {
  const Octets input = arbitrary_outer().encoding();
  Outer outer;
  outer.tag = 0x77;
  for (std::size_t size = 0; size < input.size(); ++size) {
    // Exactly as many bytes as there are, so that a sanitizer sees a read beyond them.
    const Octets cut(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));
    RC_ASSERT(decode(cut, outer) == Error::truncated);
    RC_ASSERT(outer.tag == 0x77);
  }
  Octets longer = input;
  longer.push_back(0);
  RC_ASSERT(decode(longer, outer) == Error::trailing_bytes);
  refused("CODEC-10", Error::truncated, decode(Bytes(input).first(input.size() - 1), outer));
  refused("CODEC-12", Error::trailing_bytes, decode(longer, outer));
}

RC_GTEST_PROP(Struct, AnyBytesDecodeOrAreRefusedAndEncodeTheSame, ()) {
  const auto input = *rc::gen::scale(4.0, rc::gen::arbitrary<Octets>());
  Outer outer;
  if (decode(input, outer) == Error::none) {
    Octets output(input.size());
    const Result<Bytes> written = encode(outer, output);
    RC_ASSERT(written.ok());
    RC_ASSERT(model::octets(written.value()) == input);
  }
}

TEST(Optional, OtherPresenceOctetsAreRefused) {
  std::optional<std::uint16_t> value;
  ASSERT_EQ(decode(model::unhex("00"), value), Error::none);
  EXPECT_FALSE(value.has_value());
  ASSERT_EQ(decode(model::unhex("011234"), value), Error::none);
  EXPECT_EQ(value, 0x1234);
  for (unsigned octet = 2; octet < 256; ++octet) {
    const Octets input = {static_cast<std::uint8_t>(octet), 0x12, 0x34};
    refused("CODEC-01", Error::optional_presence, decode(input, value));
  }
  EXPECT_EQ(value, 0x1234) << "unchanged by what was refused";
  std::uint8_t output[3];
  EXPECT_EQ(model::hex(encode(value, output).value()), "011234");
  value.reset();
  EXPECT_EQ(model::hex(encode(value, output).value()), "00");
  shows("CODEC-02");
}

TEST(List, MustEndOnAnElement) {
  List<std::uint32_t> leaves;
  refused("CODEC-11", Error::list_not_whole, decode(model::unhex("050000000100"), leaves));
  List<std::uint16_t> versions;
  refused("CODEC-11", Error::list_not_whole, decode(model::unhex("03000100"), versions));
  List<Inner> inners;
  refused("CODEC-11", Error::list_not_whole, decode(model::unhex("0500010561626364"), inners));
  EXPECT_EQ(decode(model::unhex("0400010002"), versions), Error::none);
  EXPECT_EQ(versions.count(), 2u);
  EXPECT_EQ(decode(model::unhex("00"), versions), Error::none);
  EXPECT_TRUE(versions.empty());
}

TEST(List, IsEncodedFromItsElements) {
  const std::uint16_t numbers[] = {1, 0x0a0a, 0xffff};
  std::uint8_t output[6];
  const Result<List<std::uint16_t>> list = encode_list<std::uint16_t>(numbers, output);
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list.value().count(), 3u);
  EXPECT_EQ(model::hex(list.value().encoded()), "00010a0affff");
  EXPECT_EQ(encode_list<std::uint16_t>(numbers, MutableBytes(output, 5)).error(), Error::output_too_small);
}

TEST(Gatherer, SaysWhenItsBoundsAreTooSmall) {
  const Inner inner{1, bytes_of("text")};
  Gatherer<1, 8> pieces;
  EXPECT_EQ(pieces(inner), Error::output_too_small);
  Gatherer<4, 2> octets;
  EXPECT_EQ(octets(inner), Error::output_too_small);
}

}  // namespace
}  // namespace tacet
