// SPDX-License-Identifier: Apache-2.0
#include "system/process_fence.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/watchdog.hpp"

namespace seekable::test {
namespace {

using detail::ProcessFence;

/// Waits for the other side: awake, so that both go on at once; but not for long, since it may want
/// this processor.
void meet(const std::atomic<int>& other, int round) {
  for (int looked = 1; other.load(std::memory_order_acquire) < round; ++looked) {
    if (looked % 1000 == 0) std::this_thread::yield();
  }
}

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
      meet(heavy_round, round);
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
    meet(light_round, round);
    if (heavy_saw < round && light_saw.load(std::memory_order_relaxed) < round) ++blind;
  }
  EXPECT_EQ(blind, 0);
}

}  // namespace
}  // namespace seekable::test
