// SPDX-License-Identifier: Apache-2.0
// What breaks off, stalls or cannot be reached is tried again, so often and no more; and a break is
// never an end.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/http_streams.hpp"

namespace seekable::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t size = 200'000;
const std::error_code none;
constexpr auto reset = HttpAnswer::Then::reset;

Bytes content() { return random_bytes(size, 10); }

/// A first break that comes between two reads of its reader is not counted.
void expect_tries(const HttpPeer& peer, std::size_t tries) {
  EXPECT_GE(gets_of(peer).size(), tries);
  EXPECT_LE(gets_of(peer).size(), tries + 1);
}

TEST(HttpRetry, GoesOnWhereAConnectionBroke) {
  const HttpPeer peer(first_by(Honest(content()), {breaks_off(10'000), breaks_off(0, reset),
                                                   breaks_off(0), breaks_off(20'000)}));
  EXPECT_EQ(outcome_of(open(peer), content()).code, none);
  std::vector<std::uint64_t> begins;
  for (const auto& get : gets_of(peer)) begins.push_back(get.range().value_or(HttpRange{}).first);
  EXPECT_EQ(begins, (std::vector<std::uint64_t>{0, 10'000, 10'000, 10'000, 30'000}));
}

TEST(HttpRetry, BeginsAnewWithEachByte) {
  HttpOptions options = quick();
  options.retries = 1;
  const HttpPeer peer(always_by(Honest(content()), breaks_off(10'000)));
  EXPECT_EQ(outcome_of(open(peer, options), content()).code, none);
  EXPECT_EQ(gets_of(peer).size(), 20U);
}

TEST(HttpRetry, EndsWhereNoByteComesAnyMore) {
  for (const unsigned retries : {0U, 1U, 5U}) {
    HttpOptions options = quick();
    options.retries = retries;
    const HttpPeer peer(
        first_by(Honest(content()), {breaks_off(10'000), breaks_off(0), breaks_off(0),
                                     breaks_off(0), breaks_off(0), breaks_off(0), breaks_off(0)}));
    const Outcome outcome = outcome_of(open(peer, options), content());
    EXPECT_EQ(outcome.code, Errc::truncated) << outcome.text;
    EXPECT_EQ(outcome.offset, 10'000U);
    expect_tries(peer, 1 + retries);
  }
}

TEST(HttpRetry, TakesNoBreakForAnEnd) {
  for (const bool chunked : {false, true}) {
    for (const bool ranges : {false, true}) {
      Honest honest(content());
      honest.length = !chunked;
      honest.ranges = ranges;
      HttpOptions options = quick();
      options.retries = 2;
      const HttpPeer peer(always_by(honest, [=](const HttpRequest& request, const Honest& truth) {
        const auto begin = request.range().value_or(HttpRange{}).first;
        return truth(request).breaks_after(ranges && begin > 0 ? 0 : 10'000);
      }));
      const StreamBuffer buffer = open(peer, options);
      const Outcome outcome = outcome_of(buffer, content());
      EXPECT_TRUE(outcome.code == Errc::truncated || outcome.code == std::errc::connection_reset)
          << outcome.text;
      EXPECT_EQ(outcome.offset, 10'000U);
      EXPECT_FALSE(buffer.exhausted());
      expect_tries(peer, 3);
    }
  }
}

// An answer that ends with its connection is whole by HTTP's rules, and yet too short.
TEST(HttpRetry, TakesNoCloseBeforeTheKnownSizeForAnEnd) {
  HttpOptions options = quick();
  options.retries = 2;
  const auto short_of_it = [](const HttpRequest& request, const Honest& honest) {
    const auto begin = request.range().value_or(HttpRange{}).first;
    HttpAnswer answer = honest(request).breaks_after(begin > 0 ? 0 : 10'000);
    return begin > 0 ? answer.ends_with_the_connection() : answer;
  };
  const HttpPeer peer(always_by(Honest(content()), short_of_it));
  const Outcome outcome = outcome_of(open(peer, options), content());
  EXPECT_EQ(outcome.code, Errc::truncated) << outcome.text;
  EXPECT_EQ(outcome.offset, 10'000U);
  expect_tries(peer, 3);
}

TEST(HttpRetry, OfALengthThatIsALieEndsAsTruncated) {
  Honest honest(content());
  honest.ranges = false;
  HttpOptions options = quick();
  options.retries = 1;
  const HttpPeer peer([=](const HttpRequest& request) {
    HttpAnswer answer = honest(request).set("Content-Length", std::to_string(size + 10));
    if (!request.is_head()) answer.then = HttpAnswer::Then::close;
    return answer;
  });
  const StreamBuffer buffer = open(peer, options);
  const Outcome outcome = outcome_of(buffer, content());
  EXPECT_EQ(outcome.code, Errc::truncated);
  EXPECT_EQ(outcome.offset, size);
  EXPECT_EQ(buffer.size(), std::nullopt);
}

TEST(HttpRetry, OfAnEnormousLengthAllocatesNothing) {
  Honest honest(content());
  honest.ranges = false;
  const HttpPeer peer([=](const HttpRequest& request) {
    HttpAnswer answer = honest(request).set("Content-Length", "4611686018427387904");
    if (!request.is_head()) answer.then = HttpAnswer::Then::close;
    return answer;
  });
  const StreamBuffer buffer = open(peer, without_retries());
  EXPECT_EQ(buffer.read(0, 100), part(content(), 0, 100));
  EXPECT_EQ(buffer.size(), std::uint64_t{1} << 62U);
  EXPECT_EQ(buffer.read(100'000, std::uint64_t{1} << 40U).size(), 100'000U);
  EXPECT_EQ(buffer.failure()->code, Errc::truncated);
  EXPECT_EQ(buffer.failure()->offset, size);
  EXPECT_LE(buffer.stats().memory_bytes, 1'000'000U);
}

TEST(HttpRetry, NeverTurnsALengthThatIsNoNumberIntoWrongBytes) {
  Honest honest(content());
  honest.ranges = false;
  HttpOptions options = quick();
  options.retries = 1;
  for (const char* length : {"-1", "99999999999999999999", "many", "200000, 100"}) {
    const auto script = with_header("Content-Length", length);
    const auto answerer = [=](const HttpRequest& request) {
      HttpAnswer answer = script(request, honest);
      answer.then = HttpAnswer::Then::close;
      return answer;
    };
    // An error, or all of it, which the connection ends: both are right.
    outcome_of(answerer, content(), options);
  }
}

TEST(HttpRetry, GoesOnWhereAServerStalls) {
  HttpOptions options = quick();
  options.stall_timeout = milliseconds(50);
  const auto hang = HttpAnswer::Then::hang;
  const HttpPeer peer(first_by(Honest(content()), {breaks_off(10'000, hang), breaks_off(0, hang)}));
  EXPECT_EQ(outcome_of(open(peer, options), content()).code, none);
  EXPECT_EQ(gets_of(peer).size(), 3U);
}

TEST(HttpRetry, EndsWhereAServerStallsAgainAndAgain) {
  HttpOptions options = quick();
  options.stall_timeout = milliseconds(20);
  options.retries = 2;
  const auto hang = HttpAnswer::Then::hang;
  const HttpPeer peer(first_by(Honest(content()), {breaks_off(10'000, hang), breaks_off(0, hang),
                                                   breaks_off(0, hang), breaks_off(0, hang)}));
  const Outcome outcome = outcome_of(open(peer, options), content());
  EXPECT_EQ(outcome.code, std::errc::timed_out);
  EXPECT_EQ(outcome.offset, 10'000U);
  expect_tries(peer, 3);
}

TEST(HttpRetry, GoesOnWhereNoAnswerComes) {
  HttpOptions options = quick();
  options.connect_timeout = milliseconds(100);
  options.first_byte_timeout = milliseconds(50);
  const HttpPeer peer(first_by(Honest(content()), {gives(HttpAnswer::silence())}));
  EXPECT_EQ(outcome_of(open(peer, options), content()).code, none);
  EXPECT_EQ(gets_of(peer).size(), 2U);
}

TEST(HttpRetry, EndsWhereNoAnswerEverComes) {
  HttpOptions options = quick();
  options.connect_timeout = milliseconds(50);
  options.first_byte_timeout = milliseconds(20);
  options.retries = 1;
  const HttpPeer peer(always_by(Honest(content()), gives(HttpAnswer::silence())));
  EXPECT_EQ(outcome_of(open(peer, options), content()).code, std::errc::timed_out);
  EXPECT_EQ(gets_of(peer).size(), 2U);
}

TEST(HttpRetry, EndsWhereNobodyListens) {
  HttpPeer peer(Honest{content()});
  peer.stop();
  const Outcome outcome = outcome_of(open(peer), content());
  EXPECT_EQ(outcome.code, std::errc::connection_refused);
  EXPECT_NE(outcome.text.find(peer.url()), std::string::npos) << outcome.text;
}

// What an earlier process knew counted as an answer, and a mistake in the name was told late.
TEST(HttpRetry, EndsAtOnceWhereNobodyListensWhateverIsExpected) {
  HttpPeer peer(Honest{content()});
  peer.stop();
  HttpOptions options = quick();
  options.expected_validator = "\"one\"";
  options.expected_size = size;
  const auto source = from_url(peer.url(), options);
  EXPECT_EQ(code_of([&] { read_once(*source, 10); }), std::errc::connection_refused);
  EXPECT_EQ(http_traffic(*source).requests, 1U);
}

TEST(HttpRetry, ComesBackWhenTheServerAsksForIt) {
  const auto later = http_date(std::chrono::system_clock::now() + seconds(1));
  for (const std::string& when :
       {std::string("0"), std::string("1"), later, std::string("never")}) {
    const HttpPeer peer(
        first_by(Honest(content()), {says("503 Service Unavailable", {{"Retry-After", when}})}));
    EXPECT_EQ(outcome_of(open(peer), content()).code, none) << when;
    EXPECT_EQ(gets_of(peer).size(), 2U);
  }
}

TEST(HttpRetry, DoesNotWaitForEver) {
  HttpOptions options = quick();
  options.retries = 1;
  const HttpPeer peer(
      always_by(Honest(content()), says("503 Service Unavailable", {{"Retry-After", "86400"}})));
  const Outcome outcome = outcome_of(open(peer, options), content());
  EXPECT_EQ(outcome.code, Errc::source_failed);
  EXPECT_NE(outcome.text.find("503"), std::string::npos);
  EXPECT_EQ(peer.requests(), 1U) << "a day later the next one";
}

TEST(HttpRetry, EndsWhereAConnectionDoesNotStand) {
  const HttpPeer peer(always_by(Honest(content()), gives(HttpAnswer::silence())));
  HttpOptions options = without_retries();
  options.connect_timeout = milliseconds(100);
  options.first_byte_timeout = std::chrono::hours(1);
  // What it gets is no request, so that it waits for the rest.
  const std::string url = "https://127.0.0.1:" + std::to_string(peer.port()) + "/";
  EXPECT_EQ(code_of([&] { StreamBuffer(from_url(url, options)).read(0, 1); }), Errc::timed_out);
}

TEST(HttpRetry, CountsNoCloseWhileNobodyReads) {
  const auto gate = std::make_shared<Gate>();
  const HttpPeer peer(
      first_by(Honest(content()), {[=](const HttpRequest& request, const Honest& honest) {
                 HttpAnswer answer = honest(request).breaks_after(100'000);
                 answer.gates[100'000] = gate;
                 return answer;
               }}));
  const StreamBuffer buffer = open(peer, without_retries());
  buffer.read(0, 10);
  gate->wait_entered();
  gate->open();
  peer.wait_for_no_connection();
  // One thread has all connections: when it has served another stream it has seen the close, too.
  open(peer, without_retries()).read(0, content().size());
  const Outcome outcome = outcome_of(buffer, content());
  EXPECT_EQ(outcome.code, none) << outcome.text << ", requests: " << peer.requests();
}

/// Cancels a read of `buffer` when `gate` is entered, or the peer has got a request.
void expect_cancelled(StreamBuffer& buffer, std::uint64_t offset,
                      const std::function<void()>& wait_for_it) {
  std::error_code code;
  std::jthread reader([&] { code = code_of([&] { buffer.read(offset, 1); }); });
  wait_for_it();
  buffer.cancel();
  reader.join();
  EXPECT_EQ(code, Errc::cancelled);
  EXPECT_EQ(buffer.failure()->code, Errc::cancelled);
}

TEST(HttpRetry, IsOverWhenItIsCancelledBeforeAnAnswer) {
  const HttpPeer peer(always_by(Honest(content()), gives(HttpAnswer::silence())));
  {
    StreamBuffer buffer = open(peer);
    expect_cancelled(buffer, 0, [&] { peer.wait_for_requests(1); });
  }
  peer.wait_for_no_connection();
}

TEST(HttpRetry, IsOverWhenItIsCancelledInABody) {
  const HttpPeer peer(always_by(Honest(content()), breaks_off(10'000, HttpAnswer::Then::hang)));
  StreamBuffer buffer = open(peer);
  EXPECT_EQ(buffer.read(0, 10'000), part(content(), 0, 10'000));
  expect_cancelled(buffer, 10'000, [] {});
  EXPECT_EQ(buffer.read(0, 10'000), part(content(), 0, 10'000));
}

TEST(HttpRetry, IsOverWhenItIsCancelledBetweenTwoTries) {
  const HttpPeer peer(
      always_by(Honest(content()), says("503 Service Unavailable", {{"Retry-After", "30"}})));
  StreamBuffer buffer = open(peer);
  expect_cancelled(buffer, 0, [&] { peer.wait_for_requests(1); });
  EXPECT_EQ(peer.requests(), 1U);
}

TEST(HttpRetry, GoesOnInAServerThatWasStartedAgain) {
  HttpPeer peer(first_by(Honest(content()), {breaks_off(10'000, HttpAnswer::Then::hang)}));
  const StreamBuffer buffer = open(peer);
  EXPECT_EQ(buffer.read(0, 10'000), part(content(), 0, 10'000));
  peer.stop();
  peer.start();
  EXPECT_EQ(outcome_of(buffer, content()).code, none);
}

TEST(HttpRetry, WaitsForAServerThatIsNotThereForAWhile) {
  HttpPeer peer(first_by(Honest(content()), {breaks_off(10'000, HttpAnswer::Then::hang)}));
  HttpOptions options = quick();
  options.retries = 1'000'000;
  const StreamBuffer buffer = open(peer, options);
  EXPECT_EQ(buffer.read(0, 10'000), part(content(), 0, 10'000));
  peer.stop();
  std::jthread reader([&] { EXPECT_EQ(outcome_of(buffer, content()).code, none); });
  peer.start();
}

TEST(HttpRetry, DoesNotMendAServerThatCameBackWithSomethingElse) {
  Bytes other = content();
  for (std::byte& byte : other) byte ^= std::byte{1};
  const auto at = [](int time) { return http_date(std::chrono::system_clock::from_time_t(time)); };
  Honest before(content());
  before.etag = "";
  before.last_modified = at(1'000'000);
  before.date = at(2'000'000);
  Honest after = before;
  after.content = std::make_shared<Bytes>(other);
  after.last_modified = at(1'999'000);
  HttpPeer peer(always_by(before, breaks_off(10'000, HttpAnswer::Then::hang)));
  const StreamBuffer buffer = open(peer);
  EXPECT_EQ(buffer.read(0, 10'000), part(content(), 0, 10'000));
  peer.stop();
  peer.answer_with(after);
  peer.start();
  const Outcome outcome = outcome_of(buffer, content());
  EXPECT_EQ(outcome.code, Errc::source_changed) << outcome.text;
  EXPECT_EQ(outcome.offset, 10'000U);
}

}  // namespace
}  // namespace seekable::test
