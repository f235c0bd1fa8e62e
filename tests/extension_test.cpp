#include "protocol/extension.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "evidence.h"
#include "model.h"

namespace tacet {
namespace {

using evidence::refused;
using evidence::shows;
using model::Octets;
using model::operator+;

Octets encode_extensions(const std::vector<std::pair<std::uint16_t, Octets>>& extensions) {
  Octets list;
  for (const auto& [type, data] : extensions) list = list + model::number(type, 2) + model::vector(data);
  return model::vector(list);
}

RC_GTEST_PROP(Extensions, OfAnyTypeSurviveByteForByte, ()) {
  const auto expected = *rc::gen::arbitrary<std::vector<std::pair<std::uint16_t, Octets>>>();
  const Octets input = encode_extensions(expected);
  Extensions extensions;
  RC_ASSERT(decode(input, extensions) == Error::none);
  RC_ASSERT(extensions.count() == expected.size());
  std::set<std::uint16_t> types;
  for (const auto& [type, data] : expected) {
    if (!types.insert(type).second) continue;
    const std::optional<Bytes> found = find_extension(extensions, ExtensionType{type});
    RC_ASSERT(found.has_value());
    RC_ASSERT(model::octets(*found) == data);
  }
  RC_ASSERT(check_no_repeats(extensions) ==
            (types.size() == expected.size() ? Error::none : Error::extension_repeated));
  Octets output(input.size());
  RC_ASSERT(model::octets(encode(extensions, output).value()) == input);
  shows("EXT-12");
}

TEST(Extensions, HaveTheRegisteredCodePoints) {
  const std::pair<ExtensionType, unsigned> types[] = {{ExtensionType::application_id, 1},
                                                      {ExtensionType::ratchet_tree, 2},
                                                      {ExtensionType::required_capabilities, 3},
                                                      {ExtensionType::external_pub, 4},
                                                      {ExtensionType::external_senders, 5}};
  for (const auto& [type, number] : types) {
    std::uint8_t output[3];
    ASSERT_TRUE(encode(Extension{type, {}}, output).ok());
    EXPECT_EQ(model::octets(output), model::number(number, 2) + Octets{0});
  }
  shows("EXT-13");
}

TEST(Extensions, OfOneTypeTwiceAreRefused) {
  for (const std::uint16_t type : {0x0000, 0x0001, 0x0a0a, 0xf001, 0xffff}) {
    const Octets input = encode_extensions({{type, {1}}, {0x0b0b, {}}, {type, {2}}});
    Extensions extensions;
    ASSERT_EQ(decode(input, extensions), Error::none);
    refused("", Error::extension_repeated, check_no_repeats(extensions));
  }
  std::vector<std::pair<std::uint16_t, Octets>> all;
  for (unsigned type = 0; type <= 0xffff; ++type)
    all.emplace_back(static_cast<std::uint16_t>(type), Octets());
  const Octets every_type = encode_extensions(all);
  Extensions extensions;
  ASSERT_EQ(decode(every_type, extensions), Error::none);
  EXPECT_EQ(check_no_repeats(extensions), Error::none);
}

TEST(Extensions, OfKnownTypesHaveNoTrailingBytes) {
  const Octets capabilities = model::vector(model::number(0x0005f001, 4)) + model::vector(Octets()) +
                              model::vector(model::number(1, 2));
  RequiredCapabilities required;
  ASSERT_EQ(decode(capabilities, required), Error::none);
  EXPECT_EQ(required.extension_types.count(), 2u);
  EXPECT_TRUE(required.proposal_types.empty());
  EXPECT_EQ(*required.credential_types.begin(), CredentialType::basic);
  refused("CODEC-12", Error::trailing_bytes, decode(capabilities + Octets{0}, required));
  refused("CODEC-11", Error::list_not_whole, decode(Octets{3, 0, 1, 0, 0, 0}, required));

  const Octets key = model::vector(Octets(32, 7));
  ExternalPub external;
  ASSERT_EQ(decode(key, external), Error::none);
  EXPECT_EQ(external.external_pub.size(), 32u);
  refused("CODEC-12", Error::trailing_bytes, decode(key + Octets{0}, external));
  ApplicationId application_id;
  ASSERT_EQ(decode(key, application_id), Error::none);
  refused("CODEC-12", Error::trailing_bytes, decode(key + Octets{0}, application_id));
}

TEST(Grease, IsFifteenValues) {
  std::set<unsigned> found;
  for (unsigned value = 0; value <= 0xffff; ++value) {
    if (is_grease(static_cast<std::uint16_t>(value))) found.insert(value);
  }
  std::set<unsigned> expected;
  for (unsigned i = 0; i < 15; ++i) expected.insert((0x0a + 0x10 * i) * 0x101);
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace tacet
