// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <vector>

#include "base/block.hpp"
#include "crypto/sodium_cipher.hpp"
#include "store/block_cipher.hpp"
#include "support/sources.hpp"

namespace seekable::test {
namespace {

using detail::block_size;
using detail::BlockCipher;

Bytes sealed_of(const BlockCipher& cipher, std::uint64_t offset, const Bytes& plain) {
  Bytes sealed(plain.size() + BlockCipher::overhead);
  cipher.seal(offset, plain, sealed);
  return sealed;
}

TEST(Crypto, OpensWhatItSealed) {
  const auto cipher = detail::make_sodium_cipher();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, block_size}) {
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{1} << 40}) {
      const Bytes plain = pattern_bytes(offset, size);
      const Bytes sealed = sealed_of(*cipher, offset, plain);
      Bytes opened(size);
      EXPECT_TRUE(cipher->open(offset, sealed, opened));
      EXPECT_EQ(opened, plain);
    }
  }
}

TEST(Crypto, NoticesEveryChangedBitAndAWrongPlace) {
  const auto cipher = detail::make_sodium_cipher();
  const Bytes plain = pattern_bytes(0, 100);
  const Bytes sealed = sealed_of(*cipher, block_size, plain);
  Bytes opened(plain.size());
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes changed = sealed;
    changed[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(cipher->open(block_size, changed, opened)) << bit;
  }
  EXPECT_FALSE(cipher->open(0, sealed, opened));
  EXPECT_FALSE(cipher->open(2 * block_size, sealed, opened));
}

TEST(Crypto, HasAKeyOfItsOwnEachTime) {
  const auto one = detail::make_sodium_cipher();
  const auto other = detail::make_sodium_cipher();
  const Bytes plain(200);
  const Bytes sealed = sealed_of(*one, 0, plain);
  EXPECT_NE(sealed, sealed_of(*other, 0, plain));
  Bytes opened(plain.size());
  EXPECT_FALSE(other->open(0, sealed, opened));
}

TEST(Crypto, SealsTheSameTextDifferentlyAtEachPlace) {
  const auto cipher = detail::make_sodium_cipher();
  const Bytes plain(200);
  const Bytes first = sealed_of(*cipher, 0, plain);
  EXPECT_NE(first, sealed_of(*cipher, block_size, plain));
  EXPECT_EQ(std::search(first.begin(), first.end(), plain.begin(), plain.begin() + 16),
            first.end());
}

// The same place is sealed again when a half block has grown: the key stream must not repeat.
TEST(Crypto, SealsALongerTextOfAPlaceWithAnotherKeyStream) {
  const auto cipher = detail::make_sodium_cipher();
  const Bytes plain = pattern_bytes(0, 300);
  const Bytes half = sealed_of(*cipher, 0, Bytes(plain.begin(), plain.begin() + 100));
  const Bytes whole = sealed_of(*cipher, 0, plain);
  EXPECT_FALSE(std::equal(half.begin(), half.begin() + 100, whole.begin()));
}

TEST(Crypto, IsWhatTheSpoolUsesOnceItIsLinked) { EXPECT_NE(detail::make_cipher(), nullptr); }

}  // namespace
}  // namespace seekable::test
