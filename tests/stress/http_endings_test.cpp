// SPDX-License-Identifier: Apache-2.0
// Streams from the web that are dropped or cancelled wherever they are.

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "support/http_streams.hpp"
#include "support/watchdog.hpp"

namespace seekable::test {
namespace {

const std::error_code none;

/// Breaks off, tears down, hangs or refuses, as luck will have it; or tells the truth.
HttpPeer::Answerer moody(const Honest& honest, std::uint64_t seed) {
  struct Luck {
    std::mutex mutex;
    std::mt19937_64 random;
  };
  auto luck = std::make_shared<Luck>();
  luck->random.seed(seed);
  return [=](const HttpRequest& request) {
    const std::lock_guard lock(luck->mutex);
    auto& random = luck->random;
    HttpAnswer answer = honest(request);
    const std::uint64_t after = random() % 300'000;
    switch (random() % 6) {
      case 0: return answer.breaks_after(after);
      case 1: return answer.breaks_after(after, HttpAnswer::Then::reset);
      case 2: return answer.breaks_after(after, HttpAnswer::Then::hang);
      case 3: return HttpAnswer::of("503 Service Unavailable");
      default: return answer;
    }
  };
}

HttpOptions impatient(unsigned retries) {
  HttpOptions options = quick();
  options.connect_timeout = std::chrono::milliseconds(100);
  options.first_byte_timeout = std::chrono::milliseconds(20);
  options.stall_timeout = std::chrono::milliseconds(5);
  options.retries = retries;
  options.max_retry_delay = std::chrono::milliseconds(5);
  return options;
}

TEST(HttpEndings, AreFoundWhereverABufferIsDropped) {
  const std::uint64_t seed = test_seed();
  const Bytes content = random_bytes(3'000'000, seed);
  const HttpPeer peer(moody(Honest(content), seed));
  Watchdog watchdog("streams that are dropped");
  std::mt19937_64 random(seed);
  const HttpOptions http = impatient(30);
  for (int round = 0; round < 200; ++round) {
    watchdog.next("dropped in round " + std::to_string(round));
    Options options = options_in_memory(5'000'000);
    if (round % 2 == 0) options.fill = Fill::ahead;
    StreamBuffer buffer = open(peer, http, options);
    for (std::uint64_t reads = random() % 4; reads > 0; --reads) {
      const std::uint64_t at = random() % content.size();
      EXPECT_TRUE(buffer.read(at, 100) == part(content, at, 100));
    }
  }
}

TEST(HttpEndings, ReachEveryReaderOfABufferThatIsCancelled) {
  const std::uint64_t seed = test_seed();
  const Bytes content = random_bytes(3'000'000, seed);
  const HttpPeer peer(moody(Honest(content), seed));
  Watchdog watchdog("streams that are cancelled");
  const HttpOptions http = impatient(1000);
  for (std::uint64_t round = 0; round < 100; ++round) {
    watchdog.next("cancelled in round " + std::to_string(round));
    const std::size_t before = peer.requests();
    StreamBuffer buffer = open(peer, http, options_in_memory(5'000'000));
    std::vector<std::jthread> readers;
    for (std::uint64_t i = 0; i < 4; ++i) {
      readers.emplace_back([&, i] {
        std::mt19937_64 random(seed + round * 4 + i);
        while (!buffer.failure()) {
          const std::uint64_t at = random() % content.size();
          try {
            const Bytes bytes = buffer.read(at, 100);
            EXPECT_TRUE(bytes == part(content, at, bytes.size()));
          } catch (const Error& error) {
            EXPECT_EQ(error.code(), Errc::cancelled);
          }
          if (buffer.exhausted()) return;
        }
      });
    }
    if (round % 2 == 0) peer.wait_for_requests(before + 1);
    buffer.cancel();
  }
}

}  // namespace
}  // namespace seekable::test
