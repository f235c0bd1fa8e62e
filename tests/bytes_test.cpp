#include "protocol/bytes.h"

#include <gtest/gtest.h>

#include <set>

#include "evidence.h"
#include "secrets.h"

namespace tacet {
namespace {

using model::Octets;

TEST(Secrets, MoveAndAreWiped) {
  alignas(Secret) std::uint8_t place[sizeof(Secret)] = {};
  // Through volatile: the compiler may otherwise take the bytes of an object that is gone to be anything.
  const auto key_bytes = [&place] {
    const volatile std::uint8_t* octets_of_place = place;
    int count = 0;
    for (std::size_t i = 0; i < sizeof place; ++i) count += octets_of_place[i] == 0x77;
    return count;
  };
  const Octets key(80, 0x77);
  auto* secret = ::new (place) Secret(secret_of(key));
  EXPECT_EQ(octets(*secret), key);
  EXPECT_EQ(key_bytes(), 80);
  Secret moved = std::move(*secret);
  EXPECT_TRUE(secret->empty());
  EXPECT_EQ(key_bytes(), 0) << "wiped on move";
  *secret = std::move(moved);
  EXPECT_TRUE(moved.empty());
  EXPECT_EQ(octets(*secret), key);
  secret->~Secret();
  EXPECT_EQ(key_bytes(), 0) << "wiped on destruction";
}

TEST(Secrets, HoldAtMostTheLargestKey) {
  EXPECT_EQ(Secret::copy_of(Octets(Secret::max_size + 1)).error(), Error::secret_length);
  EXPECT_EQ(Secret::zeros(Secret::max_size + 1).error(), Error::secret_length);
  EXPECT_EQ(octets(Secret::zeros(32).value()), model::zeros(32));
  EXPECT_TRUE(Secret::copy_of({}).value().empty());
}

TEST(Digests, HoldWhatWasWritten) {
  Digest digest;
  EXPECT_TRUE(digest.bytes().empty());
  EXPECT_EQ(digest.resize(100).size(), Digest::max_size);
  const MutableBytes room = digest.resize(3);
  room[0] = room[1] = room[2] = 7;
  EXPECT_EQ(model::octets(digest), Octets({7, 7, 7}));
}

TEST(BytesTest, AreEqualByLengthAndContent) {
  EXPECT_TRUE(equal({}, {}));
  EXPECT_TRUE(equal(bytes_of("abc"), bytes_of("abc")));
  EXPECT_FALSE(equal(bytes_of("abc"), bytes_of("abd")));
  EXPECT_FALSE(equal(bytes_of("abc"), bytes_of("ab")));
}

TEST(Errors, HaveANumberANameAndASentenceEach) {
  std::set<std::string> names;
  std::set<Error> numbers;
  const auto look = [&](Error error, const std::string& name_in_list) {
    const Description description = describe(error);
    EXPECT_EQ(description.name, name_in_list);
    EXPECT_TRUE(names.insert(name_in_list).second) << name_in_list;
    EXPECT_TRUE(numbers.insert(error).second) << name_in_list;
    const std::string sentence = description.sentence;
    EXPECT_GT(sentence.size(), 10u) << name_in_list;
    EXPECT_NE(sentence.back(), '.') << name_in_list;
  };
#define TACET_ERROR(number, error, section, requirement, sentence) look(Error::error, #error);
#include "protocol/errors.def"
#undef TACET_ERROR
  EXPECT_STREQ(describe(Error::none).name, "none");
  EXPECT_STREQ(describe(static_cast<Error>(65535)).name, "unknown");
#ifndef TACET_TEST_BUILD
  EXPECT_FALSE(is_test_build());
#endif
}

}  // namespace
}  // namespace tacet
