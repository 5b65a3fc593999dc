// SPDX-License-Identifier: Apache-2.0
// Several cursors in one stream, and several streams of one server: what they cost, and that none
// holds up another.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <latch>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/http_streams.hpp"

namespace seekable::test {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;
const std::error_code none;

Options roomy() { return options_in_memory(64 * mib); }

TEST(HttpConnections, StayWhereTheyAreForAProgramThatGoesToAndFro) {
  const HttpPeer peer(Honest{far_content()});
  const StreamBuffer buffer = open(peer, quick(), roomy());
  std::uint64_t near = 0;
  std::uint64_t far = 28 * mib;
  const std::uint64_t step = 2'000;  // All of it less than any connection asks for at once.
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(buffer.read(near, step), part(far_content(), near, step));
    near += step;
    EXPECT_EQ(buffer.read(far, step), part(far_content(), far, step));
    far += step;
  }
  EXPECT_EQ(gets_of(peer).size(), 2U);
}

TEST(HttpConnections, NeverFetchWhatIsKept) {
  const HttpPeer peer(Honest{far_content()});
  const StreamBuffer buffer = open(peer, quick(), roomy());
  const std::uint64_t far = 30 * mib;
  buffer.read(0, mib);
  buffer.read(far, mib);
  const std::size_t requests = peer.requests();
  for (int i = 0; i < 100; ++i) {
    buffer.read(static_cast<std::uint64_t>(i) * 1000, 1000);
    buffer.read(far + static_cast<std::uint64_t>(i) * 1000, 1000);
  }
  EXPECT_EQ(peer.requests(), requests);
  EXPECT_EQ(outcome_of(buffer, far_content()).code, none);
  EXPECT_EQ(buffer.stats().bytes_on_wire, far_content().size());
}

TEST(HttpConnections, ReadThroughASmallGap) {
  const HttpPeer peer(Honest{far_content()});
  const StreamBuffer buffer = open(peer, quick(), roomy());
  for (std::uint64_t at = 0; at < 4 * mib; at += 60'000) {
    EXPECT_EQ(buffer.read(at, 100), part(far_content(), at, 100));
  }
  // The first may have asked for a part only: nobody knew then that more would be read.
  EXPECT_LE(peer.requests(), 2U);
  buffer.read(4 * mib + 200'000, 100);
  EXPECT_GT(buffer.stats().read_through, 0U);
}

TEST(HttpConnections, AreNoMoreThanAllowed) {
  const auto gate = std::make_shared<Gate>();
  const HttpPeer peer(
      always_by(Honest(far_content()), [=](const HttpRequest& request, const Honest& honest) {
        HttpAnswer answer = honest(request);
        answer.gates[100] = gate;
        return answer;
      }));
  HttpOptions options = quick();
  options.connections = 2;
  const StreamBuffer buffer = open(peer, options, roomy());
  std::vector<std::jthread> readers;
  for (std::uint64_t i = 0; i < 4; ++i) {
    readers.emplace_back([&, offset = i * 10 * mib] {
      const std::uint64_t at = offset < 31 * mib ? offset : 31 * mib;
      EXPECT_EQ(buffer.read(at, 1000), part(far_content(), at, 1000));
    });
  }
  gate->wait_entered(2);
  EXPECT_EQ(gets_of(peer).size(), 2U);
  gate->open();
  readers.clear();
}

// Two that asked at once were both given the last one.
TEST(HttpConnections, AreNoMoreThanAllowedForThoseThatAskAtOnce) {
  constexpr std::size_t threads = 4;
  HttpOptions options = quick();
  options.connections = 3;
  for (int round = 0; round < 200; ++round) {
    const auto source = from_url("http://127.0.0.1:9/", options);
    std::array<std::unique_ptr<RestartableSource>, threads> others;
    {
      std::latch start(threads);
      std::vector<std::jthread> asking;
      for (auto& other : others) {
        asking.emplace_back([&] {
          start.arrive_and_wait();
          other = source->another();
        });
      }
    }
    const auto refused = [](const auto& other) { return other == nullptr; };
    ASSERT_EQ(std::ranges::count_if(others, refused), 2) << "round " << round;
    for (auto& other : others) other.reset();
    EXPECT_NE(source->another(), nullptr) << "of those that were given back";
  }
}

TEST(HttpConnections, FetchSeveralRangesThatAreHintedAt) {
  const HttpPeer peer(Honest{far_content()});
  const StreamBuffer buffer = open(peer, quick(), roomy());
  const std::vector<ByteRange> ranges = {
      {0, 1000}, {20 * mib, 20 * mib + 1000}, {31 * mib, 31 * mib + 1000}};
  const_cast<StreamBuffer&>(buffer).prefetch(ranges);
  for (const ByteRange& range : ranges) {
    EXPECT_TRUE(buffer.wait_for(range, std::chrono::minutes(1)));
    EXPECT_EQ(buffer.read(range.begin, 1000), part(far_content(), range.begin, 1000));
  }
  EXPECT_LE(gets_of(peer).size(), 3U);
}

TEST(HttpConnections, FillHolesToTheEndWhereThatIsAskedFor) {
  const HttpPeer peer(Honest{far_content()});
  Options options = roomy();
  options.fill = Fill::ahead;
  const StreamBuffer buffer = open(peer, quick(), options);
  EXPECT_EQ(buffer.read(30 * mib, 1000), part(far_content(), 30 * mib, 1000));
  EXPECT_TRUE(buffer.wait_for({0, far_content().size()}, std::chrono::minutes(2)));
  EXPECT_EQ(outcome_of(buffer, far_content()).code, none);
}

// Ten streams with up to four connections each, of which a server gives six.
TEST(HttpConnections, OfManyStreamsTakeTurns) {
  const HttpPeer peer(Honest{far_content()});
  std::vector<std::unique_ptr<StreamBuffer>> buffers;
  for (int i = 0; i < 10; ++i) {
    buffers.push_back(std::make_unique<StreamBuffer>(open(peer, quick(), roomy())));
  }
  const std::uint64_t seed = test_seed();
  std::vector<std::jthread> readers;
  for (std::size_t i = 0; i < 2 * buffers.size(); ++i) {
    readers.emplace_back([&, i] {
      std::mt19937_64 random(seed + i);
      const StreamBuffer& buffer = *buffers[i / 2];
      for (int n = 0; n < 20; ++n) {
        const std::uint64_t at = random() % (far_content().size() - 1000);
        EXPECT_EQ(buffer.read(at, 1000), part(far_content(), at, 1000));
      }
    });
  }
  readers.clear();
  for (const auto& buffer : buffers) EXPECT_FALSE(buffer->failure());
}

/// This process's connections to that port. (The server learns late of the end of one.)
std::size_t connections_to(std::uint16_t port) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    const int descriptor = std::stoi(entry.path().filename().string());
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) continue;
    if (address.sin_family == AF_INET && ntohs(address.sin_port) == port) ++count;
  }
  return count;
}

TEST(HttpConnections, AreSixToAnOriginAtMost) {
  const auto gate = std::make_shared<Gate>();
  const Honest honest{far_content()};
  std::atomic<std::uint16_t> port = 0;
  std::atomic<std::size_t> most = 0;
  const HttpPeer peer([&](const HttpRequest& request) {
    const std::size_t now = connections_to(port);
    for (std::size_t seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    HttpAnswer answer = honest(request);
    answer.head_gate = gate;
    return answer;
  });
  port = peer.port();
  std::vector<std::unique_ptr<StreamBuffer>> buffers;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 12; ++i) {
    buffers.push_back(std::make_unique<StreamBuffer>(open(peer, without_retries(), roomy())));
    readers.emplace_back([buffer = buffers.back().get()] {
      EXPECT_EQ(buffer->read(0, 1000), part(far_content(), 0, 1000));
    });
  }
  gate->wait_entered(6);
  EXPECT_EQ(peer.requests(), 6U);
  gate->open();
  readers.clear();
  EXPECT_EQ(peer.requests(), 12U);
  EXPECT_EQ(most, 6U);
}

TEST(HttpConnections, PauseWhereNobodyReads) {
  static const Bytes large = random_bytes(32 * mib, 15);
  const HttpPeer peer(Honest{large});
  auto source = from_url(peer.url(), without_retries());
  const Source& counted = *source;
  const StreamBuffer first(std::move(source));
  first.read(0, 1);
  // Whoever reads another receives for this one, too.
  EXPECT_EQ(outcome_of(open(peer, without_retries()), large).code, none);
  EXPECT_LE(http_traffic(counted).bytes_received, 2304U * 1024U);
  EXPECT_EQ(outcome_of(first, large).code, none);
}

// A connection that nobody reads held its place, and a read of another stream waited for ever.
TEST(HttpConnections, ThatNobodyReadsGiveWay) {
  const HttpPeer peer(Honest{far_content()});
  std::vector<std::unique_ptr<StreamBuffer>> buffers;
  for (int i = 0; i < 20; ++i) {
    buffers.push_back(std::make_unique<StreamBuffer>(open(peer, without_retries(), roomy())));
    EXPECT_EQ(buffers.back()->read(0, 10), part(far_content(), 0, 10));
  }
  for (const auto& buffer : buffers) {
    EXPECT_EQ(buffer->read(2 * mib, 10), part(far_content(), 2 * mib, 10));
  }
}

TEST(HttpConnections, AreGivenBackAndUsedAgain) {
  const Bytes content = random_bytes(10'000, 12);
  const HttpPeer peer(Honest{content});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(outcome_of(open(peer), content).code, none);
  EXPECT_EQ(peer.connections(), 1U);
}

TEST(HttpConnections, EndWithTheirBuffer) {
  // In the middle of what is asked for, 64 KiB at least: a whole answer leaves its connection open.
  const HttpPeer peer(always_by(Honest(far_content()), breaks_off(20'000, HttpAnswer::Then::hang)));
  {
    const StreamBuffer buffer = open(peer, quick(), roomy());
    buffer.read(0, 10);
    buffer.read(30 * mib, 10);
  }
  peer.wait_for_no_connection();
}

// It would have to be torn down: a paused connection is not done with its answer.
TEST(HttpConnections, AnAnswerThatIsThereDoesNotPauseItsConnection) {
  const Honest honest(random_bytes(140'000, 35));  // More than a ring takes otherwise.
  const HttpPeer peer(honest);
  const auto source = from_url(peer.url(), quick());
  Bytes got(honest.content->size());
  std::size_t at = source->read_some(std::span(got).first(1));
  while (http_traffic(*source).bytes_received < got.size()) std::this_thread::yield();
  while (at < got.size()) at += source->read_some(std::span(got).subspan(at));
  EXPECT_EQ(got, *honest.content);
  EXPECT_EQ(source->read_some(std::span(got).first(1)), 0U);
  EXPECT_EQ(from_url(peer.url(), quick())->read_some(std::span(got).first(1)), 1U);
  EXPECT_EQ(peer.connections(), 1U);
}

}  // namespace
}  // namespace seekable::test
