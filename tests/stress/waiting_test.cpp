// SPDX-License-Identifier: Apache-2.0
// Invariants 1 (publication) and 3 (hand-over) of the fill, under load; and the protocol of the
// first one, all interleavings of it.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "seekable/seekable.hpp"
#include "support/buffers.hpp"
#include "support/drips.hpp"
#include "support/watchdog.hpp"

namespace seekable::test {
namespace {

TEST(Publication, NoInterleavingOfTheProtocolLosesAWakeUp) {
  // Filler: 0 stores the byte, 1 looks for a waiter (and wakes it). Waiter: 2 says what it wants,
  // 3 looks at the byte again. (Sequentially consistent, so these orders are all there are.)
  std::array<int, 4> order{0, 1, 2, 3};
  int orders = 0;
  do {
    const auto at = [&](int step) { return std::find(order.begin(), order.end(), step); };
    if (at(0) > at(1) || at(2) > at(3)) continue;
    ++orders;
    bool filled = false;
    bool wanted = false;
    bool woken = false;
    bool sleeps = false;
    for (const int step : order) {
      if (step == 0) filled = true;
      if (step == 1) woken = wanted;
      if (step == 2) wanted = true;
      if (step == 3) sleeps = !filled;
    }
    EXPECT_TRUE(!sleeps || woken);
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(orders, 6);
}

TEST(Publication, EveryWaiterForASingleByteIsWoken) {
  Watchdog watchdog("single bytes for many waiters");
  constexpr std::size_t size = 20'000;
  const auto content = random_bytes(size, test_seed());
  auto [writer, buffer] = make_pipe();
  std::vector<std::jthread> readers;
  std::atomic<std::size_t> wrong{0};
  for (std::size_t reader = 0; reader < 4; ++reader) {
    readers.emplace_back([&, reader, &kept = buffer] {
      for (std::size_t at = reader; at < size; at += 1 + reader) {
        std::byte byte{};
        if (kept.read_at(at, {&byte, 1}) != 1 || byte != content[at]) ++wrong;
      }
    });
  }
  for (const std::byte byte : content) writer.write({&byte, 1});
  writer.end();
  readers.clear();
  EXPECT_EQ(wrong, 0U);
}

TEST(Publication, EveryWaiterIsWokenWhileBytesComeInDrips) {
  const Watchdog watchdog("waiters for drips");
  for (const std::uint64_t memory : {std::uint64_t{0}, 4 * block}) {
    EXPECT_EQ(bytes_that_followers_of_drips_get_wrong(70'000, memory), 0U);
  }
}

TEST(HandOver, ReadersAtRandomPlacesPassTheSourceOnUntilAllAreServed) {
  Watchdog watchdog("readers hand the source over");
  const std::uint64_t seed = test_seed();
  const auto content = random_bytes(30'000, seed);
  for (int round = 0; round < 10; ++round) {
    const Scripted scripted({.content = content, .chunks = {1, 7, 300}});
    std::atomic<std::size_t> wrong{0};
    {
      std::vector<std::jthread> readers;
      for (unsigned reader = 0; reader < 8; ++reader) {
        readers.emplace_back([&, reader] {
          std::mt19937_64 random(seed + reader);
          for (int i = 0; i < 50; ++i) {
            const std::uint64_t offset = random() % content.size();
            const std::uint64_t size = random() % 500;
            if (scripted.buffer.read(offset, size) != part(content, offset, size)) ++wrong;
          }
        });
      }
    }
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(scripted.log->max_concurrent(), 1);
  }
}

TEST(HandOver, WaitersThatGiveUpPassTheSourceOn) {
  Watchdog watchdog("waiters give up");
  const std::uint64_t seed = test_seed();
  const auto content = random_bytes(200'000, seed);
  const Scripted scripted({.content = content, .chunks = {100}});
  std::atomic<std::size_t> wrong{0};
  std::vector<std::jthread> readers;
  for (unsigned reader = 0; reader < 8; ++reader) {
    readers.emplace_back([&, reader] {
      std::mt19937_64 random(seed + reader);
      for (int i = 0; i < 100; ++i) {
        const std::uint64_t offset = random() % content.size();
        const auto soon = std::chrono::microseconds(random() % 300);
        try {
          const auto bytes =
              reader % 2 == 0
                  ? scripted.buffer.read(offset, 10)
                  : scripted.buffer.read(offset, 10, {std::chrono::steady_clock::now() + soon, {}});
          if (bytes != part(content, offset, 10)) ++wrong;
        } catch (const Error& error) {
          if (error.code() != Errc::timed_out) ++wrong;
        }
      }
    });
  }
  readers.clear();
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(scripted.log->max_concurrent(), 1);
}

TEST(HandOver, SeveralFillersShareARestartableSource) {
  Watchdog watchdog("several fillers");
  const std::uint64_t seed = test_seed();
  const auto content = random_bytes(3'000'000, seed);
  for (const std::uint64_t memory : {std::uint64_t{200'000}, std::uint64_t{5'000'000}}) {
    Options options;
    options.memory_limit = memory;
    const ScriptedJumping scripted({.content = content,
                                    .chunks = {5000},
                                    .declared_size = content.size(),
                                    .read_through = 100'000,
                                    .max_connections = 4},
                                   options);
    std::atomic<std::size_t> wrong{0};
    {
      std::vector<std::jthread> readers;
      for (unsigned reader = 0; reader < 6; ++reader) {
        readers.emplace_back([&, reader] {
          std::mt19937_64 random(seed + reader);
          for (int i = 0; i < 60; ++i) {
            const std::uint64_t offset = random() % content.size();
            const std::uint64_t size = random() % 200'000;
            if (scripted.buffer.read(offset, size) != part(content, offset, size)) ++wrong;
          }
        });
      }
    }
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(scripted.log->max_concurrent(), 1);
    EXPECT_LE(scripted.log->connections(), 4);
  }
}

}  // namespace
}  // namespace seekable::test
