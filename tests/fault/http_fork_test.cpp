// SPDX-License-Identifier: Apache-2.0
// What a child made by fork may do with streams from the web: not go on with those it inherits, but
// open its own.

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "fault/child.hpp"
#include "http/sockets.hpp"
#include "support/http_streams.hpp"

namespace seekable::test {
namespace {

constexpr auto not_permitted = std::errc::operation_not_permitted;
const std::error_code none;

TEST(HttpFork, ChildMayNotGoOnWithAStream) {
  const HttpPeer peer(Honest{far_content()});
  auto buffer = std::make_unique<StreamBuffer>(open(peer));
  const Bytes begin = part(far_content(), 0, 1000);
  EXPECT_EQ(buffer->read(0, 1000), begin);
  EXPECT_TRUE(passes_in_a_child([&] {
    EXPECT_EQ(buffer->read(0, 1000), begin);
    EXPECT_EQ(code_of([&] { buffer->read(20'000'000, 10); }), not_permitted);
    buffer.reset();
  }));
  EXPECT_EQ(buffer->read(20'000'000, 10), part(far_content(), 20'000'000, 10));
}

// It waited for ever for a thread that is not there.
TEST(HttpFork, ChildMayNotGoOnWithASource) {
  const HttpPeer peer(Honest{far_content()});
  auto source = from_url(peer.url(), quick());
  EXPECT_EQ(read_once(*source, 10), part(far_content(), 0, 10));
  EXPECT_TRUE(passes_in_a_child([&] {
    EXPECT_EQ(code_of([&] {
                source->reopen(20'000'000, std::nullopt);
                read_once(*source, 10);
              }),
              not_permitted);
    source.reset();
  }));
  EXPECT_EQ(read_once(*source, 10), part(far_content(), 10, 10));
}

// It waited for ever for the list of sockets, which another thread of the parent had held.
TEST(HttpFork, ChildMayOpenSocketsWhateverOtherThreadsDid) {
  using detail::http::Sockets;
  curl_sockaddr address{};
  address.family = AF_INET;
  address.socktype = SOCK_STREAM;
  const std::jthread hammer([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) Sockets::set_framed(0);
  });
  for (int round = 0; round < 30; ++round) {
    EXPECT_TRUE(passes_in_a_child([&] {
      const curl_socket_t socket = Sockets::open(nullptr, CURLSOCKTYPE_IPCXN, &address);
      EXPECT_EQ(Sockets::close(nullptr, socket), 0);
    }));
  }
}

// It waited for ever for a mutex that another thread of the parent had held.
TEST(HttpFork, ChildIsToldWhateverOtherThreadsDidToTheSource) {
  const HttpPeer peer(Honest{far_content()});
  for (int round = 0; round < 30; ++round) {
    auto source = from_url(peer.url(), quick());
    EXPECT_EQ(read_once(*source, 10), part(far_content(), 0, 10));
    const std::jthread hammer([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) source->cancel();
    });
    EXPECT_TRUE(passes_in_a_child(
        [&] { EXPECT_EQ(code_of([&] { read_once(*source, 10); }), not_permitted); }));
  }
}

TEST(HttpFork, ChildOpensStreamsOfItsOwn) {
  const Bytes content = random_bytes(500'000, 13);
  const HttpPeer peer(Honest{content});
  const StreamBuffer before = open(peer);
  before.read(0, 10);
  EXPECT_TRUE(passes_in_a_child([&] {
    const StreamBuffer own = open(peer);
    EXPECT_EQ(outcome_of(own, content).code, none);
  }));
  EXPECT_EQ(outcome_of(before, content).code, none);
}

TEST(HttpFork, ChildOpensTheFirstStreamOfAll) {
  const Bytes content = random_bytes(500'000, 14);
  const HttpPeer peer(Honest{content});
  EXPECT_TRUE(passes_in_a_child([&] { EXPECT_EQ(outcome_of(open(peer), content).code, none); }));
  EXPECT_EQ(outcome_of(open(peer), content).code, none);
}

TEST(HttpFork, MayComeWhileOthersRead) {
  const HttpPeer peer(Honest{far_content()});
  for (int round = 0; round < 5; ++round) {
    const StreamBuffer buffer = open(peer, quick(), options_in_memory(std::uint64_t{64} << 20U));
    std::jthread reader([&] { EXPECT_EQ(outcome_of(buffer, far_content()).code, none); });
    EXPECT_TRUE(passes_in_a_child(
        [&] { EXPECT_EQ(open(peer).read(0, 1000), part(far_content(), 0, 1000)); }));
  }
}

}  // namespace
}  // namespace seekable::test
