// SPDX-License-Identifier: Apache-2.0
// What is read from servers that are honest, each in its own way, and what it costs.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "support/http_streams.hpp"

namespace seekable::test {
namespace {

constexpr std::size_t size = 300'000;

Bytes content() { return random_bytes(size, 7); }

TEST(HttpRead, GivesAllByOneRequest) {
  const HttpPeer peer(Honest{content()});
  const StreamBuffer buffer = open(peer);
  EXPECT_EQ(outcome_of(buffer, content()).code, std::error_code());
  EXPECT_TRUE(buffer.exhausted());
  EXPECT_EQ(buffer.size(), size);
  EXPECT_EQ(gets_of(peer).size(), 1U);
  EXPECT_EQ(peer.body_bytes(), size);
}

TEST(HttpRead, AsksNothingBeforeAByteIsNeeded) {
  const HttpPeer peer(Honest{content()});
  const StreamBuffer buffer = open(peer);
  EXPECT_EQ(buffer.read(0, 0).size(), 0U);
  EXPECT_EQ(buffer.size(), std::nullopt);
  EXPECT_EQ(peer.connections(), 0U);
}

TEST(HttpRead, NeverAsksForACodingOfTheContent) {
  const HttpPeer peer(Honest{far_content()});
  const StreamBuffer buffer = open(peer);
  buffer.wait_for_size();
  buffer.read(0, 10);
  buffer.read(far_content().size() - 10, 10);
  for (const HttpRequest& request : peer.log()) {
    EXPECT_EQ(request.header("Accept-Encoding"), "identity");
  }
}

TEST(HttpRead, JumpsByARange) {
  const HttpPeer peer(Honest{far_content()});
  const StreamBuffer buffer = open(peer);
  const std::uint64_t offset = 30'000'000;
  EXPECT_EQ(buffer.read(offset, 1000), part(far_content(), offset, 1000));
  const auto gets = gets_of(peer);
  ASSERT_EQ(gets.size(), 1U);
  ASSERT_TRUE(gets[0].range());
  EXPECT_LE(gets[0].range()->first, offset);
  EXPECT_GT(gets[0].range()->first, offset - block);
  EXPECT_LT(buffer.stats().bytes_on_wire, 5'000'000U);
}

TEST(HttpRead, FindsTheSizeByHeadAlone) {
  const HttpPeer peer(Honest{content()});
  const auto source = from_url(peer.url(), quick());
  EXPECT_EQ(source->find_size(), size);
  EXPECT_EQ(gets_of(peer).size(), 0U);
  EXPECT_EQ(source->find_size(), size);
  EXPECT_EQ(peer.requests(), 1U);
}

TEST(HttpRead, FindsTheSizeWhereHeadIsNotAllowed) {
  Honest honest(content());
  honest.head = false;
  const HttpPeer peer(honest);
  const auto source = from_url(peer.url(), quick());
  EXPECT_EQ(source->find_size(), size);
  EXPECT_LT(peer.body_bytes(), size);
}

TEST(HttpRead, FindsTheSizeWhereHeadSaysNothingOfIt) {
  const Honest honest(content());
  const HttpPeer peer([=](const HttpRequest& request) {
    HttpAnswer answer = honest(request);
    if (request.is_head()) answer.remove("Content-Length");
    return answer;
  });
  EXPECT_EQ(from_url(peer.url(), quick())->find_size(), size);
}

TEST(HttpRead, KnowsTheSizeFromTheFirstAnswer) {
  const HttpPeer peer(Honest{content()});
  const StreamBuffer buffer = open(peer);
  buffer.read(0, 1);
  EXPECT_EQ(buffer.size(), size);
  EXPECT_EQ(buffer.wait_for_size(), size);
  EXPECT_EQ(peer.requests(), 1U);
}

TEST(HttpRead, GivesNothingAtAndPastTheEnd) {
  const HttpPeer peer(Honest{content()});
  const StreamBuffer buffer = open(peer);
  EXPECT_EQ(buffer.read(size, 10), Bytes());
  EXPECT_EQ(buffer.read(size + 1'000'000, 10), Bytes());
  EXPECT_EQ(buffer.read(size - 3, 10), part(content(), size - 3, 3));
  EXPECT_FALSE(buffer.failure());
}

TEST(HttpRead, GivesAnEmptyFile) {
  for (const bool ranges : {true, false}) {
    Honest honest{Bytes()};
    honest.ranges = ranges;
    const HttpPeer peer(honest);
    const StreamBuffer buffer = open(peer);
    EXPECT_EQ(buffer.read(0, 10), Bytes());
    EXPECT_EQ(buffer.wait_for_size(), 0U);
    EXPECT_TRUE(buffer.exhausted());
    const StreamBuffer jumps = open(peer);
    EXPECT_EQ(jumps.read(100'000, 10), Bytes());
  }
}

TEST(HttpRead, GivesAllWhereThereAreNoRanges) {
  Honest honest(content());
  honest.ranges = false;
  const HttpPeer peer(honest);
  const StreamBuffer buffer = open(peer);
  EXPECT_EQ(buffer.read(250'000, 100), part(content(), 250'000, 100));
  EXPECT_EQ(outcome_of(buffer, content()).code, std::error_code());
}

TEST(HttpRead, GivesAllWhereThereIsNoLength) {
  for (const bool ranges : {true, false}) {
    Honest honest(content());
    honest.length = false;
    honest.ranges = ranges;
    const HttpPeer peer(honest);
    const StreamBuffer buffer = open(peer);
    EXPECT_EQ(outcome_of(buffer, content()).code, std::error_code());
    EXPECT_EQ(buffer.wait_for_size(), size);
    const StreamBuffer jumps = open(peer);
    EXPECT_EQ(jumps.read(299'000, 5000), part(content(), 299'000, 1000));
    EXPECT_EQ(outcome_of(jumps, content()).code, std::error_code());
  }
}

TEST(HttpRead, GivesWhatEndsWithItsConnection) {
  Honest honest(content());
  honest.ranges = false;
  const auto old = [=](const HttpRequest& request) {
    return honest(request).ends_with_the_connection();
  };
  EXPECT_EQ(outcome_of(old, content()).code, std::error_code());
}

// Where both are there the length means nothing (RFC 9112, 6.3): it was taken for the end.
TEST(HttpRead, BelievesChunksRatherThanALengthBesideThem) {
  for (const char* length : {"10", "400000"}) {
    Honest honest(content());
    honest.ranges = false;
    const auto both = [=](const HttpRequest& request) {
      return honest(request).goes_in_chunks().set("Content-Length", length);
    };
    EXPECT_EQ(outcome_of(both, content()).code, std::error_code()) << length;
  }
}

TEST(HttpRead, GivesBytesTheMomentTheyArrive) {
  const auto gate = std::make_shared<Gate>();
  const auto stuck = [=](const HttpRequest& request, const Honest& honest) {
    HttpAnswer answer = honest(request);
    answer.gates[5] = gate;
    return answer;
  };
  const HttpPeer peer(always_by(Honest(content()), stuck));
  const StreamBuffer buffer = open(peer);
  EXPECT_EQ(buffer.read(0, 5), part(content(), 0, 5));
  Bytes some(4096);
  EXPECT_EQ(buffer.read_some_at(0, some), 5U);
  gate->open();
  EXPECT_EQ(outcome_of(buffer, content()).code, std::error_code());
}

TEST(HttpRead, TellsWhatItKnowsOfTheStream) {
  Honest honest(content());
  honest.content_type = "text/plain; charset=utf-8";
  const auto modified = std::chrono::system_clock::from_time_t(784'111'777);
  honest.last_modified = http_date(modified);
  const HttpPeer peer(honest);
  const auto source = from_url(peer.url(), quick());
  EXPECT_EQ(source->info().name, peer.url());
  read_once(*source, 10);
  EXPECT_EQ(source->info().content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(source->info().validator, "\"one\"");
  EXPECT_EQ(source->info().modified, modified);
}

TEST(HttpRead, CountsItsTraffic) {
  const HttpPeer peer(Honest{content()});
  const auto source = from_url(peer.url(), quick());
  EXPECT_EQ(http_traffic(*source).requests, 0U);
  read_all(*source);
  EXPECT_EQ(http_traffic(*source).requests, peer.requests());
  EXPECT_GT(http_traffic(*source).bytes_received, size);
  EXPECT_LT(http_traffic(*source).bytes_received, size + 10'000);
  EXPECT_EQ(http_traffic(*from_bytes(std::string("x"))).requests, 0U);
}

TEST(HttpRead, RefusesWhatIsNoUrlOfTheWeb) {
  for (const char* url : {"", "nonsense", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://",
                          "http://127.0.0.1:99999/"}) {
    EXPECT_THROW(from_url(url), std::invalid_argument) << url;
  }
}

TEST(HttpRead, RefusesOptionsOutOfTheirRange) {
  const auto refused = [](auto change) {
    HttpOptions options;
    change(options);
    EXPECT_THROW(from_url("http://127.0.0.1/", options), std::invalid_argument);
  };
  refused([](HttpOptions& options) { options.connections = 0; });
  refused([](HttpOptions& options) { options.connections = 5; });
  refused([](HttpOptions& options) { options.connect_timeout = {}; });
  refused([](HttpOptions& options) { options.first_byte_timeout = {}; });
  refused([](HttpOptions& options) { options.stall_timeout = std::chrono::milliseconds(-1); });
  refused([](HttpOptions& options) { options.headers = {"no colon"}; });
  refused([](HttpOptions& options) { options.headers = {"A: b\r\nC: d"}; });
}

/// What stands at `offset` of a file that is too large to hold.
Bytes endless_part(std::uint64_t offset, std::size_t size) { return pattern_bytes(offset, size); }

TEST(HttpRead, JumpsAsFarAsThereAreOffsets) {
  constexpr std::uint64_t total = (std::uint64_t{1} << 62U) + 1000;
  const HttpPeer peer([=](const HttpRequest& request) {
    HttpAnswer answer = HttpAnswer::of("206 Partial Content");
    const HttpRange range = request.range().value_or(HttpRange{});
    const std::uint64_t end =
        std::min({total, range.first + 100'000, range.last.value_or(total - 1) + 1});
    const Bytes body = endless_part(range.first, static_cast<std::size_t>(end - range.first));
    answer.body_is(to_string(body));
    answer.set("ETag", "\"one\"");
    return answer.set("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                           std::to_string(end - 1) + "/" + std::to_string(total));
  });
  const StreamBuffer buffer = open(peer, without_retries());
  for (const unsigned bits : {0U, 31U, 32U, 53U, 60U, 62U}) {
    const std::uint64_t offset = (std::uint64_t{1} << bits) + 5;
    EXPECT_EQ(buffer.read(offset, 300), endless_part(offset, 300)) << bits;
    EXPECT_EQ(buffer.read(offset - 4, 100'000),
              endless_part(offset - 4, std::min<std::uint64_t>(100'000, total - offset + 4)))
        << bits;
  }
  EXPECT_EQ(buffer.size(), total);
  EXPECT_EQ(buffer.read(total, 1).size(), 0U);
  EXPECT_LE(buffer.stats().memory_bytes, 3U * 1024U * 1024U);
}

}  // namespace
}  // namespace seekable::test
