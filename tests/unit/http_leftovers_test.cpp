// SPDX-License-Identifier: Apache-2.0
// A server that sends more than the length it tells: what is left in the connection belongs to no
// answer.

#include <gtest/gtest.h>

#include <atomic>
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

constexpr std::string_view forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nFORGED";

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
  TooLong server(forged);
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

/// Asks for a name and a password so often in that way, and then as it should.
HttpPeer::Answerer asks_with_leftovers(std::size_t times) {
  const Honest honest(content());
  auto asked = std::make_shared<std::atomic<std::size_t>>(0);
  return [=](const HttpRequest& request) {
    if (request.header("Authorization")) return honest(request);
    const bool lies = asked->fetch_add(1) < times;
    HttpAnswer answer = HttpAnswer::of("401 Unauthorized",
                                       lies ? "hello" + std::string(forged) : std::string("hello"));
    answer.set("WWW-Authenticate", "Digest realm=\"cave\", nonce=\"1\", qop=\"auth\"");
    answer.set("Content-Length", "5");
    answer.piece = 3;
    return answer;
  };
}

// Libcurl sends the second request by itself, on the connection that it has just made.
TEST(HttpLeftovers, BehindARefusalAreNoAnswer) {
  HttpOptions options = quick();
  options.user = "ali";
  options.password = "baba";
  for (int round = 0; round < 20; ++round) {
    const HttpPeer once(asks_with_leftovers(1));
    EXPECT_EQ(outcome_of(open(once, options), content()).code, none);
    // Bytes or an error, as it comes; but never those.
    const HttpPeer always(asks_with_leftovers(1000));
    const Outcome outcome = outcome_of(open(always, options), content());
    EXPECT_NE(outcome.code, std::errc::permission_denied) << outcome.text;
  }
}

// They came when the second request had been sent: that was told as if the server had refused it.
TEST(HttpLeftovers, BehindTheSecondRequestAreNoRefusal) {
  HttpOptions options = quick();
  options.user = "ali";
  options.password = "baba";
  for (const std::string_view leftovers : {"TTP/1.1 200 OK\r\n\r\nFORGED", "x", "HTTP/1.1 2"}) {
    const auto asks = asks_with_leftovers(0);
    auto answered = std::make_shared<std::atomic<std::size_t>>(0);
    const HttpPeer peer([=](const HttpRequest& request) {
      const bool lies = request.header("Authorization") && answered->fetch_add(1) == 0;
      return lies ? HttpAnswer::bytes(std::string(leftovers)) : asks(request);
    });
    const Outcome outcome = outcome_of(open(peer, options), content());
    EXPECT_EQ(outcome.code, none) << leftovers << ": " << outcome.text;
  }
}

}  // namespace
}  // namespace seekable::test
