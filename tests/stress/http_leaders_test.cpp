// SPDX-License-Identifier: Apache-2.0
// Readers of many streams, of which now one receives for all, now another, now the thread they
// share.

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "support/http_streams.hpp"
#include "support/watchdog.hpp"

namespace seekable::test {
namespace {

/// Reads here and there, and thinks in between: long enough, at times, for the shared thread to
/// take over, or not at all.
void read_and_think(const StreamBuffer& buffer, const Bytes& content, std::mt19937_64& random) {
  std::uint64_t at = 0;
  for (int i = 0; i < 60; ++i) {
    if (random() % 3 == 0) at = random() % content.size();
    const std::uint64_t size = 1 + random() % (random() % 2 == 0 ? 100 : 150'000);
    const Bytes bytes = buffer.read(at, size);
    EXPECT_TRUE(bytes == part(content, at, bytes.size())) << at;
    at = (at + bytes.size()) % content.size();
    if (random() % 8 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(random() % 12));
  }
}

TEST(HttpLeaders, TakeTurnsWithoutLosingAnybody) {
  const std::uint64_t seed = test_seed();
  const Bytes content = random_bytes(3'000'000, seed);
  const HttpPeer peer{Honest(content)};
  Watchdog watchdog("readers that take turns");
  constexpr std::uint64_t buffers = 3;
  for (std::uint64_t readers_of_each = 1; readers_of_each <= 3; ++readers_of_each) {
    watchdog.next(std::to_string(readers_of_each) + " readers of each stream");
    std::vector<StreamBuffer> streams;
    for (std::uint64_t i = 0; i < buffers; ++i) {
      Options options = options_in_memory(5'000'000);
      if (i == 2) options.fill = Fill::ahead;
      streams.push_back(open(peer, quick(), options));
    }
    std::vector<std::jthread> readers;
    for (std::uint64_t i = 0; i < buffers * readers_of_each; ++i) {
      readers.emplace_back([&, i] {
        std::mt19937_64 random(seed + i);
        read_and_think(streams[i % buffers], content, random);
      });
    }
  }
}

}  // namespace
}  // namespace seekable::test
