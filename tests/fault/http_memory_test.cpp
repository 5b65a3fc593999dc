// SPDX-License-Identifier: Apache-2.0
// Streams from the web while libcurl has no memory: each of its allocations fails once. A stream is
// exact, or fails; never is anything left out.

#include <curl/curl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "support/http_streams.hpp"

namespace seekable::test {
namespace {

std::atomic<std::int64_t> g_left{0};  // allocations up to the one that fails; below 1: none will
std::atomic<bool> g_failed{false};

bool is_to_fail() {
  if (g_left.load() <= 0 || g_left.fetch_sub(1) != 1) return false;
  g_failed = true;
  return true;
}

void* allocate(std::size_t size) { return is_to_fail() ? nullptr : std::malloc(size); }
void* allocate_again(void* old, std::size_t size) {
  return is_to_fail() ? nullptr : std::realloc(old, size);
}
void* allocate_zeros(std::size_t count, std::size_t size) {
  return is_to_fail() ? nullptr : std::calloc(count, size);
}
char* duplicate(const char* text) { return is_to_fail() ? nullptr : ::strdup(text); }

/// Before the library sets libcurl up, and in a thread that ends, as it does.
const bool g_counts_allocations = [] {
  std::thread([] {
    ::curl_global_init_mem(CURL_GLOBAL_DEFAULT, &allocate, &std::free, &allocate_again, &duplicate,
                           &allocate_zeros);
  }).join();
  return true;
}();

/// Gives others some time to receive before it is read on, so that the connection pauses.
void let_come(const Source& source, std::uint64_t bytes) {
  for (int i = 0; i < 2'000 && http_traffic(source).bytes_received < bytes && !g_failed; ++i) {
    std::this_thread::yield();
  }
}

/// Returns: what came of a stream, and whether it is said to be whole.
std::pair<Bytes, bool> read_slowly(Source& source, std::size_t size) {
  constexpr std::size_t step = 64 * 1024;
  Bytes got(size);
  std::size_t at = 0;
  bool is_whole = false;
  try {
    while (at < size) {
      const auto room = std::span(got).subspan(at);
      const std::size_t more = source.read_some(room.first(std::min(step, room.size())));
      if (more == 0) break;
      at += more;
      let_come(source, std::min(at + 2 * step, size));
    }
    is_whole = true;
  } catch (const Error&) {
  } catch (const std::bad_alloc&) {
  }
  got.resize(at);
  return {got, is_whole};
}

TEST(HttpMemory, LeavesNothingOutWhereLibcurlHasNone) {
  ASSERT_TRUE(g_counts_allocations);
  const Bytes bytes = random_bytes(3'000'000, 34);
  for (const bool in_chunks : {false, true}) {
    Honest honest(bytes);
    honest.length = !in_chunks;
    const HttpPeer peer([=](const HttpRequest& request) {
      HttpAnswer answer = honest(request);
      answer.piece = 300'000;
      return answer;
    });
    bool failed = true;
    std::int64_t nth = 0;
    while (failed) {
      ++nth;
      SCOPED_TRACE("allocation " + std::to_string(nth) + (in_chunks ? ", in chunks" : ""));
      g_failed = false;
      const auto source = from_url(peer.url(), quick());
      g_left = nth;
      const auto [got, is_whole] = read_slowly(*source, bytes.size());
      g_left = 0;
      failed = g_failed;
      ASSERT_TRUE(got.size() == bytes.size() || !is_whole) << got.size();
      ASSERT_TRUE(std::equal(got.begin(), got.end(), bytes.begin())) << got.size();
      ASSERT_TRUE(is_whole || failed);
    }
    EXPECT_GT(nth, 20);
  }
}

}  // namespace
}  // namespace seekable::test
