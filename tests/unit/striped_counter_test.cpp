// SPDX-License-Identifier: Apache-2.0
#include "core/striped_counter.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <latch>
#include <thread>
#include <vector>

namespace seekable::inline v1::detail {
namespace {

TEST(StripedCounter, LosesNothingOfOneThread) {
  StripedCounter counter;
  for (int i = 0; i < 1000; ++i) counter.add();
  EXPECT_EQ(counter.sum(), 1000U);
}

TEST(StripedCounter, LosesNothingOfMoreThreadsThanStripes) {
  constexpr std::uint64_t threads = 50;
  constexpr std::uint64_t adds = 10'000;
  StripedCounter counter;
  std::latch ready(threads);
  {
    std::vector<std::jthread> all;
    for (std::uint64_t i = 0; i < threads; ++i) {
      all.emplace_back([&] {
        ready.arrive_and_wait();  // So each has a number of its own, and they meet at the start.
        for (std::uint64_t n = 0; n < adds; ++n) counter.add();
      });
    }
  }
  EXPECT_EQ(counter.sum(), threads * adds);
}

TEST(StripedCounter, LosesNothingOfThreadsThatFollowEachOther) {
  // A thread takes over the number of one that has ended, and with it the stripe.
  StripedCounter counter;
  counter.add();
  for (int i = 0; i < 200; ++i) std::jthread([&] { counter.add(); }).join();
  EXPECT_EQ(counter.sum(), 201U);
}

}  // namespace
}  // namespace seekable::inline v1::detail
