// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "cli/range_set.hpp"
#include "cli/shares.hpp"
#include "support/sources.hpp"

namespace seekable::cli {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;

TEST(Shares, GiveOneConnectionTheRangesAsTheyAre) {
  constexpr std::uint64_t unknown = std::numeric_limits<std::uint64_t>::max();
  Shares shares({{5, 10}, {20, unknown}}, 1);
  EXPECT_EQ(shares.take(0), (ByteRange{5, 10}));
  EXPECT_EQ(shares.advance(0, 10), 10U);
  EXPECT_EQ(shares.take(0), (ByteRange{20, unknown}));
  // Where the stream has ended before its share did, nothing of that is left.
  EXPECT_EQ(shares.advance(0, 100), unknown);
  EXPECT_FALSE(shares.take(0));
}

TEST(Shares, AreNotSmallerThanARequestIsWorth) {
  Shares shares({{0, mib + 5}}, 4);
  EXPECT_EQ(shares.take(0), (ByteRange{0, mib + 5}));
  EXPECT_FALSE(shares.take(1));
}

TEST(Shares, GiveWhoIsDoneHalfOfWhatAnotherHasLeft) {
  Shares shares({{0, 16 * mib}}, 2);
  EXPECT_EQ(shares.take(0), (ByteRange{0, 8 * mib}));
  EXPECT_EQ(shares.take(1), (ByteRange{8 * mib, 16 * mib}));
  EXPECT_EQ(shares.advance(1, 10 * mib), 16 * mib);
  EXPECT_EQ(shares.advance(0, 8 * mib), 8 * mib);
  EXPECT_EQ(shares.take(0), (ByteRange{13 * mib, 16 * mib}));
  EXPECT_EQ(shares.advance(1, 10 * mib + 5), 13 * mib);
}

TEST(Shares, TogetherAreAllThatIsWanted) {
  std::mt19937_64 random(test::test_seed());
  for (int round = 0; round < 200; ++round) {
    std::vector<ByteRange> wanted;
    std::uint64_t at = 0;
    for (std::uint64_t i = random() % 4; i < 4; ++i) {
      at += random() % (3 * mib);
      const std::uint64_t end = at + 1 + random() % (20 * mib);
      wanted.push_back({at, end});
      at = end + 1;
    }
    const std::size_t connections = 1 + random() % 4;
    Shares shares(wanted, connections);
    RangeSet fetched;
    std::vector<ByteRange> held(connections);
    std::size_t idle = 0;
    while (idle < connections) {
      const std::size_t i = random() % connections;
      ByteRange& mine = held[i];
      if (mine.begin < mine.end) {
        const std::uint64_t next = std::min(mine.begin + 1 + random() % (2 * mib), mine.end);
        fetched.add({mine.begin, next});
        mine = {next, shares.advance(i, next)};
      } else if (const auto share = shares.take(i)) {
        mine = *share;
        idle = 0;
      } else {
        ++idle;
      }
    }
    for (std::size_t i = 0; i < connections; ++i) {
      for (; held[i].begin < held[i].end; held[i] = shares.take(i).value_or(ByteRange{})) {
        fetched.add(held[i]);
        shares.advance(i, held[i].end);
      }
    }
    EXPECT_EQ(fetched.ranges(), wanted) << "round " << round;
  }
}

}  // namespace
}  // namespace seekable::cli
