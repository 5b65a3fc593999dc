// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <thread>

#include "base/block.hpp"
#include "http/ring.hpp"
#include "support/sources.hpp"

namespace seekable::test {
namespace {

using detail::block_size;
using detail::http::Ring;

TEST(HttpRing, RefusesWhatItHasNoRoomForAndStoresNothingOfIt) {
  Ring ring;
  EXPECT_TRUE(ring.write(pattern_bytes(0, Ring::capacity - 10)));
  EXPECT_FALSE(ring.write(pattern_bytes(0, 11)));
  EXPECT_EQ(ring.size(), Ring::capacity - 10);
  EXPECT_TRUE(ring.write(pattern_bytes(Ring::capacity - 10, 10)));
  EXPECT_FALSE(ring.write(pattern_bytes(0, 1)));
  Bytes out(Ring::capacity + 1);
  EXPECT_EQ(ring.read(out), Ring::capacity);
  out.pop_back();
  EXPECT_EQ(out, pattern_bytes(0, Ring::capacity));
  EXPECT_EQ(ring.read(out), 0U);
}

TEST(HttpRing, GivesBytesInOrderAcrossItsBlocksAndItsEnd) {
  std::mt19937_64 random(test_seed());
  std::uniform_int_distribution<std::size_t> sizes(0, 2 * block_size);
  Ring ring;
  std::uint64_t written = 0;
  std::uint64_t read = 0;
  while (read < 40 * Ring::capacity) {
    const std::size_t size = sizes(random);
    const bool fits = size <= Ring::capacity - (written - read);
    ASSERT_EQ(ring.write(pattern_bytes(written, size)), fits);
    if (fits) written += size;
    ASSERT_EQ(ring.size(), written - read);
    Bytes out(sizes(random));
    const std::size_t got = ring.read(out);
    ASSERT_EQ(got, std::min<std::uint64_t>(out.size(), written - read));
    out.resize(got);
    ASSERT_EQ(out, pattern_bytes(read, got));
    read += got;
  }
}

TEST(HttpRing, PassesBytesFromOneThreadToAnother) {
  constexpr std::uint64_t all = 20 * Ring::capacity;
  constexpr std::size_t step = 10'007;
  Ring ring;
  std::jthread writer([&] {
    for (std::uint64_t at = 0; at < all;) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(step, all - at));
      if (ring.write(pattern_bytes(at, size))) {
        at += size;
      } else {
        std::this_thread::yield();
      }
    }
  });
  Bytes out(7'001);
  for (std::uint64_t at = 0; at < all;) {
    const std::size_t got = ring.read(out);
    if (got == 0) std::this_thread::yield();
    const Bytes bytes(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(got));
    ASSERT_EQ(bytes, pattern_bytes(at, got));
    at += got;
  }
}

}  // namespace
}  // namespace seekable::test
