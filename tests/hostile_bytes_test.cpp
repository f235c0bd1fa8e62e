// Messages that were cut short or changed on their way: none is taken, and nothing changes.

#include <memory>

#include "message_samples.h"

namespace tacet {
namespace {

class HostileBytesTest : public MessageSamplesTest {
 protected:
  // From a copy of exactly its size, so that a sanitizer sees any read behind it.
  Error take_exact(Bytes input) {
    const auto copy = std::make_unique<std::uint8_t[]>(input.size());
    if (!input.empty()) std::memcpy(copy.get(), input.data(), input.size());
    return take({copy.get(), input.size()});
  }

  // Tries all of a kind on each sample, which is taken before and after them.
  template <class Attacks>
  void try_on_samples(Attacks attacks) {
    for (const auto& [name, sample] : samples()) {
      SCOPED_TRACE(name);
      ASSERT_EQ(take(sample), Error::none);
      const auto plain = memory.contents(), secrets = secret_memory.contents();
      attacks(sample);
      EXPECT_EQ(memory.contents(), plain);
      EXPECT_EQ(secret_memory.contents(), secrets);
      EXPECT_EQ(scratch.blocks(), 0u);
      EXPECT_EQ(take(sample), Error::none);
    }
  }
};

TEST_F(HostileBytesTest, NoneIsTakenThatIsCutShort) {
  try_on_samples([&](const Octets& sample) {
    for (std::size_t size = 0; size < sample.size(); ++size) {
      ASSERT_NE(take_exact(Bytes(sample).first(size)), Error::none) << size;
    }
  });
}

TEST_F(HostileBytesTest, NoneIsTakenWithABitChanged) {
  try_on_samples([&](const Octets& sample) {
    for (std::size_t bit = 0; bit < 8 * sample.size(); ++bit) {
      ASSERT_NE(take_exact(adversary::flipped(bit)(sample)), Error::none) << bit;
    }
  });
}

TEST_F(HostileBytesTest, NoneIsTakenWithBytesBehindIt) {
  try_on_samples([&](const Octets& sample) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      ASSERT_NE(take_exact(sample + Octets{static_cast<std::uint8_t>(byte)}), Error::none) << byte;
    }
  });
}

}  // namespace
}  // namespace tacet
