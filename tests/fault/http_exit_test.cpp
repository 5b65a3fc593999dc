// SPDX-License-Identifier: Apache-2.0
// Streams from the web at the end of the process: reads that are under way end, and new ones are
// refused.

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "support/http_streams.hpp"

namespace seekable::test {
namespace {

/// Reads a byte and says how that failed.
void read_and_tell(const std::string& who, const std::string& url) {
  try {
    std::array<std::byte, 1> out;
    from_url(url, quick())->read_some(out);
  } catch (const Error& error) {
    std::cerr << who << ": " << error.what() << '\n';
  }
}

/// Reads when it is destroyed.
struct ReadsAtTheEnd {
  explicit ReadsAtTheEnd(std::string where) : url(std::move(where)) {}
  ReadsAtTheEnd(const ReadsAtTheEnd&) = delete;
  ReadsAtTheEnd& operator=(const ReadsAtTheEnd&) = delete;
  ~ReadsAtTheEnd() { read_and_tell("new", url); }
  const std::string url;
};

[[noreturn]] void exit_while_somebody_reads() {
  // All of these are there before the first request, and so are destroyed after what ends them.
  static const HttpPeer peer([](const HttpRequest&) { return HttpAnswer::silence(); });
  static const ReadsAtTheEnd at_the_end(peer.url());
  static std::jthread reader;
  reader = std::jthread([] { read_and_tell("old", peer.url()); });
  peer.wait_for_requests(1);
  std::exit(0);
}

// The one waited for the end of the process and the process for it; the other used what was gone.
TEST(HttpExitDeathTest, EndsReadsAndRefusesNewOnes) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_while_somebody_reads(), testing::ExitedWithCode(0),
              "old: .*the process is about to end.*\n.*new: .*the process is about to end");
}

}  // namespace
}  // namespace seekable::test
