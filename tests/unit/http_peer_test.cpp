// SPDX-License-Identifier: Apache-2.0
// The peer that the other HTTP tests talk to does what its script says, as plain sockets see it.
#include "support/http_peer.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>

namespace seekable::test {
namespace {

/// A connection that says what it is told, and hears everything.
class RawClient {
 public:
  explicit RawClient(const HttpPeer& peer) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(peer.port());
    connected_ =
        ::connect(socket_.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address) == 0;
  }

  bool connected() const { return connected_; }

  void ask(const std::string& head) {
    const std::string text = head + "\r\n\r\n";
    ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }

  /// All until the peer closes; `error` tells how it did.
  std::string hear_all() {
    std::string heard;
    while (hear(heard)) {
    }
    return heard;
  }

  /// Up to and with `what`.
  std::string hear_until(const std::string& what) {
    std::string heard;
    while (heard.find(what) == std::string::npos && hear(heard)) {
    }
    return heard;
  }

  int error() const { return error_; }

 private:
  bool hear(std::string& heard) {
    std::array<char, 4096> piece{};
    const ssize_t got = ::recv(socket_.get(), piece.data(), piece.size(), 0);
    error_ = got < 0 ? errno : 0;
    if (got > 0) heard.append(piece.data(), static_cast<std::size_t>(got));
    return got > 0;
  }

  FileDescriptor socket_;
  bool connected_ = false;
  int error_ = 0;
};

std::string body_of(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

std::string hear(const HttpPeer& peer, const std::string& head) {
  RawClient client(peer);
  client.ask(head);
  return client.hear_all();
}

/// Closes after each answer, so that a client may hear everything.
HttpPeer::Answerer once(const HttpPeer::Answerer& answerer) {
  return [answerer](const HttpRequest& request) {
    HttpAnswer answer = answerer(request);
    if (answer.then == HttpAnswer::Then::keep) answer.then = HttpAnswer::Then::close;
    return answer;
  };
}

TEST(HttpPeer, GivesTheWholeAndParts) {
  const HttpPeer peer(once(Honest(letters())));
  const std::string whole = hear(peer, "GET /data HTTP/1.1");
  EXPECT_TRUE(whole.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_NE(whole.find("Content-Length: 26\r\n"), std::string::npos);
  EXPECT_EQ(body_of(whole), to_string(letters()));
  const std::string part = hear(peer, "GET /data HTTP/1.1\r\nRange: bytes=3-5");
  EXPECT_TRUE(part.starts_with("HTTP/1.1 206 "));
  EXPECT_NE(part.find("Content-Range: bytes 3-5/26\r\n"), std::string::npos);
  EXPECT_EQ(body_of(part), "def");
  EXPECT_EQ(body_of(hear(peer, "GET / HTTP/1.1\r\nrange: bytes=24-")), "yz");
  EXPECT_EQ(peer.body_bytes(), 26U + 3U + 2U);
}

TEST(HttpPeer, RefusesWhatIsPastTheEnd) {
  const HttpPeer peer(once(Honest(letters())));
  const std::string answer = hear(peer, "GET /data HTTP/1.1\r\nRange: bytes=26-");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 416 "));
  EXPECT_NE(answer.find("Content-Range: bytes */26\r\n"), std::string::npos);
}

TEST(HttpPeer, GivesAPartOnlyWhereTheConditionHolds) {
  Honest honest(letters());
  const std::string range = "GET /data HTTP/1.1\r\nRange: bytes=3-5\r\nIf-Range: ";
  const HttpPeer strong(once(honest));
  EXPECT_EQ(body_of(hear(strong, range + "\"one\"")), "def");
  EXPECT_EQ(body_of(hear(strong, range + "\"two\"")).size(), 26U);
  honest.etag = "W/\"one\"";
  const HttpPeer weak(once(honest));
  EXPECT_EQ(body_of(hear(weak, range + "W/\"one\"")).size(), 26U);
}

TEST(HttpPeer, SendsAHeadAlone) {
  Honest honest(letters());
  const HttpPeer peer(once(honest));
  EXPECT_EQ(body_of(hear(peer, "HEAD /data HTTP/1.1")), "");
  honest.head = false;
  const HttpPeer without(once(honest));
  EXPECT_TRUE(hear(without, "HEAD /data HTTP/1.1").starts_with("HTTP/1.1 405 "));
}

TEST(HttpPeer, SendsChunks) {
  const HttpPeer peer(once([](const HttpRequest& request) {
    HttpAnswer answer = Honest(letters())(request);
    answer.piece = 20;
    return answer.goes_in_chunks();
  }));
  EXPECT_EQ(body_of(hear(peer, "GET /data HTTP/1.1")),
            "14\r\nabcdefghijklmnopqrst\r\n6\r\nuvwxyz\r\n0\r\n\r\n");
}

TEST(HttpPeer, BreaksOffByClosingAndByReset) {
  const HttpPeer peer([](const HttpRequest& request) {
    const auto how = request.number == 0 ? HttpAnswer::Then::close : HttpAnswer::Then::reset;
    return Honest(letters())(request).breaks_after(10, how);
  });
  EXPECT_EQ(body_of(hear(peer, "GET /data HTTP/1.1")), "abcdefghij");
  RawClient client(peer);
  client.ask("GET /data HTTP/1.1");
  client.hear_all();
  EXPECT_EQ(client.error(), ECONNRESET);
}

TEST(HttpPeer, KeepsAConnectionForTheNextRequest) {
  const HttpPeer peer(Honest{letters()});
  RawClient client(peer);
  client.ask("GET /a HTTP/1.1");
  client.hear_until("xyz");
  client.ask("GET /b HTTP/1.1\r\nX: y");
  client.hear_until("xyz");
  ASSERT_EQ(peer.requests(), 2U);
  EXPECT_EQ(peer.connections(), 1U);
  EXPECT_EQ(peer.log()[1].target, "/b");
  EXPECT_EQ(peer.log()[1].header("x"), "y");
  EXPECT_EQ(peer.log()[1].connection, 0U);
}

TEST(HttpPeer, WaitsAtGates) {
  const auto head = std::make_shared<Gate>();
  const auto body = std::make_shared<Gate>();
  HttpPeer peer(once([&](const HttpRequest& request) {
    HttpAnswer answer = Honest(letters())(request);
    answer.head_gate = head;
    answer.gates[10] = body;
    return answer;
  }));
  RawClient client(peer);
  client.ask("GET /data HTTP/1.1");
  head->wait_entered();
  head->open();
  EXPECT_TRUE(client.hear_until("abcdefghij").ends_with("\r\n\r\nabcdefghij"));
  body->wait_entered();
  EXPECT_EQ(peer.body_bytes(), 10U);
  body->open();
  EXPECT_EQ(client.hear_all(), "klmnopqrstuvwxyz");
}

TEST(HttpPeer, StopsWhereverItsConnectionsAre) {
  const auto gate = std::make_shared<Gate>();
  HttpPeer peer([&](const HttpRequest& request) {
    if (request.target == "/silent") return HttpAnswer::silence();
    HttpAnswer answer = Honest(letters())(request);
    if (request.target == "/gate") answer.gates[1] = gate;
    if (request.target == "/hang") answer.breaks_after(1, HttpAnswer::Then::hang);
    return answer;
  });
  RawClient idle(peer);
  RawClient silent(peer);
  RawClient at_gate(peer);
  RawClient hanging(peer);
  silent.ask("GET /silent HTTP/1.1");
  at_gate.ask("GET /gate HTTP/1.1");
  hanging.ask("GET /hang HTTP/1.1");
  EXPECT_EQ(body_of(at_gate.hear_until("\r\n\r\na")), "a");
  EXPECT_EQ(body_of(hanging.hear_until("\r\n\r\na")), "a");
  peer.wait_for_requests(3);
  gate->wait_entered();
  peer.stop();
  EXPECT_EQ(silent.hear_all(), "");
  EXPECT_EQ(at_gate.hear_all(), "");
  EXPECT_EQ(hanging.hear_all(), "");
  EXPECT_FALSE(RawClient(peer).connected());
}

TEST(HttpPeer, ComesBackOnTheSamePort) {
  HttpPeer peer(once(Honest(letters())));
  const auto port = peer.port();
  EXPECT_EQ(body_of(hear(peer, "GET / HTTP/1.1")).size(), 26U);
  peer.stop();
  peer.answer_with(once(Honest(to_bytes("other"))));
  peer.start();
  EXPECT_EQ(peer.port(), port);
  EXPECT_EQ(body_of(hear(peer, "GET / HTTP/1.1")), "other");
}

TEST(HttpPeer, SendsWhateverItIsTold) {
  const HttpPeer peer([](const HttpRequest&) { return HttpAnswer::bytes("what?\n"); });
  EXPECT_EQ(hear(peer, "GET / HTTP/1.1"), "what?\n");
}

TEST(HttpPeer, WritesTimesAsHttpDoes) {
  using std::chrono::system_clock;
  EXPECT_EQ(http_date(system_clock::from_time_t(784'111'777)), "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace seekable::test
