// SPDX-License-Identifier: Apache-2.0
// Streams from the web; each test here is a mended bug, with a line on what it was.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/http_streams.hpp"

namespace seekable::test {
namespace {

const std::error_code none;

const Bytes& content() {
  static const Bytes bytes = random_bytes(300'000, 31);
  return bytes;
}

Honest without_a_tag() {
  Honest honest(content());
  honest.etag.clear();
  return honest;
}

// The end of an answer that only repeats bytes was taken for a reason to ask again at once: eleven
// thousand requests in a second.
TEST(HttpMended, AServerThatOnlyRepeatsBytesIsNotHarassed) {
  const Honest honest = without_a_tag();
  const HttpPeer peer([=](const HttpRequest& request) {
    HttpAnswer answer = honest(request);
    if (!request.range()) return answer.breaks_after(100'000);
    const std::uint64_t first = request.range()->first;
    answer.part = {first, first + 100};
    answer.set("Content-Range",
               "bytes " + std::to_string(first) + "-" + std::to_string(first + 99) + "/300000");
    return answer.set("Content-Length", "100");
  });
  HttpOptions options = quick();
  options.retries = 3;
  const StreamBuffer buffer = open(peer, options);
  EXPECT_EQ(outcome_of(buffer, content()).code, Errc::truncated);
  EXPECT_LE(peer.requests(), 6U);
}

// What the server asked for in its answer to HEAD was waited for when something else failed later:
// an hour is too long, and so there was no other try.
TEST(HttpMended, WhatAHeadAskedToWaitForIsForgotten) {
  const auto honest = first_by(Honest(content()), {breaks_off(0), breaks_off(100)});
  const HttpPeer peer([=](const HttpRequest& request) {
    if (!request.is_head()) return honest(request);
    return HttpAnswer::of("503 Service Unavailable").set("Retry-After", "3600");
  });
  const StreamBuffer buffer = open(peer);
  EXPECT_EQ(buffer.wait_for_size(), content().size());
  EXPECT_EQ(outcome_of(buffer, content()).code, none);
}

// Six streams that had failed kept their places, and every other one waited for ever.
TEST(HttpMended, AStreamThatFailedGivesItsConnectionBack) {
  HttpAnswer unfinished = HttpAnswer::of("404 Not Found");
  unfinished.set("Content-Length", "100000").then = HttpAnswer::Then::hang;
  const Honest honest(content());
  const HttpPeer peer([=](const HttpRequest& request) {
    return request.target == "/none" ? unfinished : honest(request);
  });
  std::vector<std::unique_ptr<StreamBuffer>> failed;
  for (int i = 0; i < 8; ++i) {
    failed.push_back(std::make_unique<StreamBuffer>(from_url(peer.url("/none"), quick())));
    EXPECT_EQ(code_of([&] { failed.back()->read(0, 1); }), std::errc::no_such_file_or_directory);
  }
  EXPECT_EQ(outcome_of(open(peer), content()).code, none);
}

// Where the stream has no length, and is shorter when it is asked for again, that was its end.
TEST(HttpMended, AStreamThatHasBecomeShorterHasChanged) {
  Honest honest(content());
  honest.etag.clear();
  honest.length = false;
  honest.ranges = false;
  Honest shorter(Bytes(content().begin(), content().begin() + 50'000));
  shorter.etag.clear();
  shorter.length = false;
  shorter.ranges = false;
  const HttpPeer peer(first_by(shorter, {[=](const HttpRequest& request, const Honest&) {
                                 return honest(request).breaks_after(100'000);
                               }}));
  const auto source = from_url(peer.url(), quick());
  std::uint64_t size = 0;
  EXPECT_EQ(code_of([&] {
              Bytes some(10'000);
              while (const std::size_t got = source->read_some(some)) size += got;
            }),
            Errc::source_changed);
  EXPECT_GT(size, 50'000U);
}

// A source that had failed gave the bytes of the answer that it had refused.
TEST(HttpMended, AFailureOfASourceIsFinal) {
  const HttpPeer peer(always_by(Honest(content()), with_header("ETag", "\"another\"")));
  HttpOptions options = quick();
  options.expected_validator = "\"one\"";
  const auto source = from_url(peer.url(), options);
  Bytes some(1000);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(code_of([&] { source->read_some(some); }), Errc::source_changed);
  }
  EXPECT_EQ(code_of([&] { source->reopen(0, {}); }), Errc::source_changed);
  EXPECT_EQ(peer.requests(), 1U);
}

// A connection that was closed within a head was a whole answer without a byte.
TEST(HttpMended, AHeadThatIsCutIsNoAnswer) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\nETag: \"one\"\r\n\r\n";
  for (std::size_t size = 1; size < head.size(); ++size) {
    const Outcome outcome = outcome_of(
        first_by(Honest(content()), {gives(HttpAnswer::bytes(head.substr(0, size)))}), content());
    EXPECT_EQ(outcome.code, none) << size << ": " << outcome.text;
  }
}

// The end of a stream of unknown length was never found, in ten thousand requests a second.
TEST(HttpMended, TheEndIsFoundWhereNoLengthIsTold) {
  const Honest honest = without_a_tag();
  const HttpPeer peer([=](const HttpRequest& request) {
    HttpAnswer answer = honest(request);
    const std::uint64_t first = request.range() ? request.range()->first : 0;
    if (first >= content().size()) {
      return HttpAnswer::of("416 No").set("Content-Range", "bytes */300000");
    }
    const std::uint64_t end = std::min<std::uint64_t>(first + 100'000, content().size());
    answer.status = "206 Partial Content";
    answer.part = {first, end};
    answer.set("Content-Range",
               "bytes " + std::to_string(first) + "-" + std::to_string(end - 1) + "/*");
    return answer.set("Content-Length", std::to_string(end - first));
  });
  const auto source = from_url(peer.url(), quick());
  source->reopen(0, 10);
  Bytes all;
  Bytes some(10'000);
  while (const std::size_t got = source->read_some(some)) {
    all.insert(all.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(got));
  }
  EXPECT_TRUE(all == content());
  EXPECT_LE(peer.requests(), 8U);
}

// A HEAD that failed was the end of a stream whose bytes could be had.
TEST(HttpMended, ASizeIsFoundWhereHeadFails) {
  const Honest honest(content());
  for (const char* const status : {"500 Oops", "503 Busy"}) {
    const HttpPeer peer([=](const HttpRequest& request) {
      return request.is_head() ? HttpAnswer::of(status) : honest(request);
    });
    EXPECT_EQ(open(peer).wait_for_size(), content().size()) << status;
  }
}

// Programs that were started meanwhile had the connections.
TEST(HttpMended, NoConnectionIsLeftToAProgramThatIsStarted) {
  const HttpPeer peer(Honest{content()});
  const StreamBuffer buffer = open(peer);
  buffer.read(0, 10);
  int found = 0;
  for (int fd = 3; fd < 1024; ++fd) {
    sockaddr_in to{};
    socklen_t size = sizeof to;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&to), &size) != 0) continue;
    if (to.sin_family != AF_INET || ntohs(to.sin_port) != peer.port()) continue;
    ++found;
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << fd;
  }
  EXPECT_GE(found, 1);
}

// A validator with a line break in it was sent as two headers.
TEST(HttpMended, AValidatorIsOneLine) {
  HttpOptions options;
  options.expected_validator = "\"a\"\r\nX-Injected: yes";
  EXPECT_THROW(from_url("http://127.0.0.1/", options), std::invalid_argument);
}

// The largest times overflowed, and were over at once.
TEST(HttpMended, TimesMayBeAsLongAsTheyCanBe) {
  HttpOptions options = quick();
  options.stall_timeout = options.first_byte_timeout = std::chrono::milliseconds::max();
  const HttpPeer peer(Honest{content()});
  EXPECT_EQ(outcome_of(open(peer, options), content()).code, none);
}

// What says that it is something else than the content was taken for it.
TEST(HttpMended, OnlyWhatIsTheContentIsTakenForIt) {
  for (const char* const status : {"202 Accepted", "204 No Content", "205 Reset Content"}) {
    const Outcome outcome =
        outcome_of(always_by(Honest(content()), says(status)), content(), without_retries());
    EXPECT_EQ(outcome.code, Errc::source_failed) << status;
  }
  const HttpPeer peer(
      always_by(Honest(content()), [](const HttpRequest& request, const Honest& honest) {
        HttpAnswer answer = honest(request);
        answer.headers.push_back({"Content-Length", "7"});
        return answer;
      }));
  EXPECT_NE(outcome_of(open(peer, without_retries()), content()).code, none);
}

// libcurl keeps each trailer, and a server could send them without end.
TEST(HttpMended, TrailersHaveAnEnd) {
  std::string raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n";
  for (int i = 0; i < 30'000; ++i) raw += "X-Trailer: " + std::string(80, 'x') + "\r\n";
  const HttpPeer peer(always_by(Honest(content()), gives(HttpAnswer::bytes(raw + "\r\n"))));
  const StreamBuffer buffer = open(peer, without_retries());
  EXPECT_NE(code_of([&] { buffer.read(3, 1); }), none);
}

// One byte for each answer, and the next request at once: five thousand in a second.
TEST(HttpMended, AServerThatGivesAByteAtATimeIsAskedWithPauses) {
  const Honest honest(content());
  const HttpPeer peer([=](const HttpRequest& request) {
    HttpAnswer answer = honest(request);
    const std::uint64_t first = request.range() ? request.range()->first : 0;
    answer.status = "206 Partial Content";
    answer.part = {first, first + 1};
    answer.set("Content-Range",
               "bytes " + std::to_string(first) + "-" + std::to_string(first) + "/300000");
    return answer.set("Content-Length", "1");
  });
  HttpOptions options = quick();
  options.retry_delay = options.max_retry_delay = std::chrono::hours(1);
  StreamBuffer buffer = open(peer, options);
  const auto none_in_time = code_of([&] {
    buffer.read(0, 100,
                {.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(200)});
  });
  EXPECT_TRUE(none_in_time == Errc::timed_out || none_in_time == none);
  EXPECT_LE(peer.requests(), 3U);
}

// A password without a name was dropped.
TEST(HttpMended, APasswordGoesWithTheNameInTheUrl) {
  const Honest honest(content());
  const HttpPeer peer([=](const HttpRequest& request) {
    if (request.header("Authorization")) return honest(request);
    HttpAnswer answer = HttpAnswer::of("401 Unauthorized");
    return answer.set("WWW-Authenticate", "Basic realm=\"here\"");
  });
  HttpOptions options = quick();
  options.password = "secret";
  std::string url = peer.url();
  url.insert(std::string("http://").size(), "name@");
  const StreamBuffer buffer(from_url(url, options));
  EXPECT_EQ(outcome_of(buffer, content()).code, none);
  EXPECT_EQ(peer.log().back().header("Authorization"), "Basic bmFtZTpzZWNyZXQ=");
}

// The body of a refusal was waited for.
TEST(HttpMended, ARefusalIsToldBeforeItsBody) {
  HttpAnswer refusal = HttpAnswer::of("401 Unauthorized");
  refusal.set("Content-Length", "100000").then = HttpAnswer::Then::hang;
  const HttpPeer peer(always_by(Honest(content()), gives(refusal)));
  HttpOptions options = quick();
  options.first_byte_timeout = std::chrono::hours(1);
  const StreamBuffer buffer = open(peer, options);
  EXPECT_EQ(code_of([&] { buffer.read(0, 1); }), std::errc::permission_denied);
}

// What libcurl had to copy while the connection was paused could be lost where it had no memory for
// that; now the ring has room for what comes after the pause, in chunks or not.
TEST(HttpMended, WhatComesWhileAConnectionIsPausedIsNotLost) {
  const Bytes bytes = random_bytes(8'000'000, 33);
  for (const bool in_chunks : {false, true}) {
    Honest honest(bytes);
    honest.length = !in_chunks;
    const HttpPeer peer([=](const HttpRequest& request) {
      HttpAnswer answer = honest(request);
      answer.piece = 300'000;
      return answer;
    });
    const auto source = from_url(peer.url(), quick());
    Bytes got(bytes.size());
    ASSERT_EQ(source->read_some(std::span(got).first(1)), 1U);
    // More comes than a ring takes before its connection pauses.
    while (http_traffic(*source).bytes_received < 140'000) std::this_thread::yield();
    for (std::size_t at = 1; at < got.size();) {
      const std::size_t more = source->read_some(std::span(got).subspan(at));
      ASSERT_GT(more, 0U);
      at += more;
    }
    EXPECT_EQ(got, bytes);
    EXPECT_EQ(source->read_some(std::span(got).first(1)), 0U);
  }
}

}  // namespace
}  // namespace seekable::test
