// SPDX-License-Identifier: Apache-2.0
#include "system/process_fence.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/watchdog.hpp"

namespace seekable::test {
namespace {

using detail::ProcessFence;

/// Both sides store, pass their fence, and look: at least one sees the other's store.
TEST(ProcessFence, ALightAndAHeavyOneNeverLeaveBothSidesBlind) {
  ASSERT_TRUE(ProcessFence::is_there()) << "Linux has had it since 4.14";
  Watchdog watchdog("light and heavy fences");
  constexpr int rounds = 50'000;
  std::atomic<int> light_side{0};
  std::atomic<int> heavy_side{0};
  std::atomic<int> light_saw{0};
  std::atomic<int> light_round{0};
  std::atomic<int> heavy_round{0};
  const std::jthread light([&] {
    for (int round = 1; round <= rounds; ++round) {
      while (heavy_round.load(std::memory_order_acquire) < round) {
      }
      light_side.store(round, std::memory_order_relaxed);
      ProcessFence::light();
      light_saw.store(heavy_side.load(std::memory_order_relaxed), std::memory_order_relaxed);
      light_round.store(round, std::memory_order_release);
    }
  });
  int blind = 0;
  for (int round = 1; round <= rounds; ++round) {
    heavy_round.store(round, std::memory_order_release);
    heavy_side.store(round, std::memory_order_relaxed);
    ProcessFence::heavy();
    const int heavy_saw = light_side.load(std::memory_order_relaxed);
    while (light_round.load(std::memory_order_acquire) < round) {
    }
    if (heavy_saw < round && light_saw.load(std::memory_order_relaxed) < round) ++blind;
  }
  EXPECT_EQ(blind, 0);
}

}  // namespace
}  // namespace seekable::test
