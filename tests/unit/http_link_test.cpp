// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdint>

#include "http/link.hpp"

namespace seekable::inline v1::detail::http {
namespace {

using Seconds = Link::Duration;

constexpr std::uint64_t mb = 1'000'000;

TEST(HttpLink, ReadsThroughAMebibyteUntilBothAreKnown) {
  Link link;
  EXPECT_EQ(link.bytes_per_request(), Link::first_gap);
  link.answered(Seconds(0.1), true);
  EXPECT_EQ(link.bytes_per_request(), Link::first_gap);
  link.received(Link::trusted_bytes - 1, Seconds(0.001));
  EXPECT_EQ(link.bytes_per_request(), Link::first_gap);
  link.received(1, Seconds(0.001));
  EXPECT_NE(link.bytes_per_request(), Link::first_gap);
}

TEST(HttpLink, AsksForNothingBeyondAJumpUntilBothAreKnown) {
  Link link;
  EXPECT_EQ(link.worth_asking_for(100'000, true), 100'000 + Link::first_gap);
  EXPECT_EQ(link.worth_asking_for(100'000, false), 100'000);
  EXPECT_EQ(link.worth_asking_for(10, false), Link::least_gap);
  link.received(Link::trusted_bytes, Seconds(0.1));
  link.answered(Seconds(0.5), true);
  EXPECT_EQ(link.worth_asking_for(10, true), 10 + link.bytes_per_request());
  EXPECT_EQ(link.worth_asking_for(10, false), 10 + link.bytes_per_request());
}

TEST(HttpLink, ReadsThroughWhatComesInTheTimeOfARequest) {
  Link link;
  link.answered(Seconds(0.2), true);
  link.received(10 * mb, Seconds(1));
  EXPECT_NEAR(static_cast<double>(link.bytes_per_request()), 2e6, 1);
  EXPECT_TRUE(link.worth_reading_through(2 * mb - 10, 0));
  EXPECT_FALSE(link.worth_reading_through(2 * mb + 10, 0));
  EXPECT_TRUE(link.worth_reading_through(3 * mb - 10, mb));
}

TEST(HttpLink, StaysWithinItsBounds) {
  Link near;
  near.answered(Seconds(0.0001), true);
  near.received(mb, Seconds(1));
  EXPECT_EQ(near.bytes_per_request(), Link::least_gap);
  Link far;
  far.answered(Seconds(10), true);
  far.received(100 * mb, Seconds(1));
  EXPECT_EQ(far.bytes_per_request(), Link::largest_gap);
}

// It was half as much after some answers on connections that were open already, though a request
// that leaves an answer behind needs a new one.
TEST(HttpLink, CountsTheConnectionThatARequestNeeds) {
  Link link;
  link.received(10 * mb, Seconds(1));
  link.answered(Seconds(0.1), false);
  EXPECT_NEAR(static_cast<double>(link.bytes_per_request()), 1e6, 1);
  link.answered(Seconds(0.2), true);
  for (int i = 0; i < 10; ++i) link.answered(Seconds(0.1), false);
  EXPECT_NEAR(static_cast<double>(link.bytes_per_request()), 2e6, 1);
}

TEST(HttpLink, ForgetsWhatALinkWas) {
  Link link;
  link.answered(Seconds(0.1), true);
  link.received(10 * mb, Seconds(1));
  link.received(10 * mb, Seconds(10));
  link.received(10 * mb, Seconds(10));
  EXPECT_LT(link.bytes_per_request(), 120'000U);
}

}  // namespace
}  // namespace seekable::inline v1::detail::http
