// SPDX-License-Identifier: Apache-2.0
// A server that sends more than the length it tells: what is left in the connection belongs to no
// answer.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "support/http_streams.hpp"

namespace seekable::test {
namespace {

const std::error_code none;

const Bytes& content() {
  static const Bytes bytes = random_bytes(300'000, 41);
  return bytes;
}

/// Answers the first GET with a length of 3, and sends `leftovers` behind that, most of it after
/// the head has been read.
struct TooLong {
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  HttpPeer peer;

  explicit TooLong(std::string_view leftovers)
      : peer(first_by(Honest(content()), {gives(answer(leftovers))})) {}

  HttpAnswer answer(std::string_view leftovers) const {
    HttpAnswer too_long = HttpAnswer::of("200 OK", "abc" + std::string(leftovers));
    too_long.set("Content-Length", "3");
    too_long.gates = {{1, gate}};
    return too_long;
  }

  /// Reads that answer.
  void read_first() {
    const StreamBuffer buffer = open(peer);
    std::jthread reader([&] { EXPECT_EQ(buffer.read(0, 3), to_bytes("abc")); });
    while (!buffer.size()) std::this_thread::yield();
    gate->open();
  }
};

// They were given as another stream: libcurl took them for the answer to its request.
TEST(HttpLeftovers, ThatLookLikeAnAnswerAreNone) {
  TooLong server("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nFORGED");
  server.read_first();
  auto source = from_url(server.peer.url(), quick());
  const Source& counted = *source;
  const StreamBuffer buffer(std::move(source));
  EXPECT_EQ(outcome_of(buffer, content()).code, none);
  EXPECT_EQ(http_traffic(counted).requests, 1U) << "one that was not sent is not counted";
}

// The next stream failed with them.
TEST(HttpLeftovers, OfNoSenseAreNobodysFailure) {
  for (const std::string_view leftovers : {"x", "not HTTP at all", "\r\n\r\n"}) {
    TooLong server(leftovers);
    server.read_first();
    EXPECT_EQ(outcome_of(open(server.peer, without_retries()), content()).code, none) << leftovers;
  }
}

}  // namespace
}  // namespace seekable::test
