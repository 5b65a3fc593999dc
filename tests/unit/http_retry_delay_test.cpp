// SPDX-License-Identifier: Apache-2.0
// How long somebody waits before the next try, and how often.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <set>

#include "http/retry.hpp"

namespace seekable::inline v1::detail::http {
namespace {

using std::chrono::milliseconds;

TEST(HttpRetryDelay, IsUpToABoundThatDoublesToItsLimit) {
  const milliseconds bounds[] = {milliseconds(100), milliseconds(200), milliseconds(400),
                                 milliseconds(500), milliseconds(500)};
  std::set<milliseconds> seen;
  for (int round = 0; round < 200; ++round) {
    Retry retry(5, milliseconds(100), milliseconds(500));
    for (const milliseconds bound : bounds) {
      const auto wait = retry.failed();
      ASSERT_TRUE(wait);
      EXPECT_GE(*wait, milliseconds(0));
      EXPECT_LE(*wait, bound);
      seen.insert(*wait);
    }
    EXPECT_FALSE(retry.failed()) << "the budget is used up";
  }
  EXPECT_GT(seen.size(), 50U) << "a random time, not always the same";
  EXPECT_GT(*seen.rbegin(), milliseconds(400));
}

TEST(HttpRetryDelay, BeginsAnewWithProgress) {
  Retry retry(2, milliseconds(100), milliseconds(500));
  for (int round = 0; round < 100; ++round) {
    EXPECT_LE(retry.failed().value_or(milliseconds::max()), milliseconds(100));
    EXPECT_LE(retry.failed().value_or(milliseconds::max()), milliseconds(200));
    EXPECT_FALSE(retry.failed());
    retry.progress();
  }
}

TEST(HttpRetryDelay, IsWhatTheServerAsksForAtLeast) {
  Retry retry(100, milliseconds(1), milliseconds(500));
  EXPECT_GE(retry.failed(milliseconds(300)).value_or(milliseconds(0)), milliseconds(300));
  EXPECT_EQ(retry.failed(milliseconds(500)), milliseconds(500));
  EXPECT_FALSE(retry.failed(milliseconds(501))) << "longer than anybody waits here";
}

}  // namespace
}  // namespace seekable::inline v1::detail::http
