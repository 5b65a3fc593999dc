// SPDX-License-Identifier: Apache-2.0
#include "support/http_peer.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <system_error>
#include <utility>

namespace seekable::test {

namespace {

constexpr std::size_t longest_head = 64 * 1024;

/// A machine may have a proxy for everything; none of it is meant for this one.
[[maybe_unused]] const bool without_proxy = ::setenv("no_proxy", "*", 1) == 0;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::system_category(), std::string("peer: ") + what);
}

FileDescriptor listen_on(std::uint16_t& port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) fail("socket");
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  auto* const any = reinterpret_cast<::sockaddr*>(&address);
  ::socklen_t size = sizeof address;
  if (::bind(socket.get(), any, size) != 0) fail("bind");
  if (::listen(socket.get(), 128) != 0) fail("listen");
  if (::getsockname(socket.get(), any, &size) != 0) fail("getsockname");
  port = ntohs(address.sin_port);
  return socket;
}

bool send_all(int socket, const void* data, std::size_t size) {
  const auto* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t sent = ::send(socket, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    at += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool send_text(int socket, std::string_view text) {
  return send_all(socket, text.data(), text.size());
}

std::string chunk_head(std::size_t size) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%zx\r\n", size);
  return text.data();
}

}  // namespace

/// A socket, its thread, and what makes both stop.
struct HttpPeer::Connection {
  FileDescriptor socket;
  std::size_t number = 0;
  std::string received;               ///< and not used yet
  std::shared_ptr<Gate> at;           ///< where it waits; under the mutex
  std::atomic<bool> given_up{false};  ///< for gates
  bool over = false;                  ///< its thread may be joined; under the mutex
  std::thread thread;
};

HttpPeer::HttpPeer(Answerer answerer) : answerer_(std::move(answerer)) { start(); }

HttpPeer::~HttpPeer() { stop(); }

std::string HttpPeer::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

void HttpPeer::answer_with(Answerer answerer) {
  const std::lock_guard lock(mutex_);
  answerer_ = std::move(answerer);
}

void HttpPeer::start() {
  listening_ = listen_on(port_);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = false;
  }
  acceptor_ = std::thread([this, fd = listening_.get()] { accept_all(fd); });
}

void HttpPeer::stop() {
  if (!acceptor_.joinable()) return;
  std::vector<std::shared_ptr<Gate>> gates;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& connection : alive_) {
      connection->given_up = true;
      if (connection->socket) ::shutdown(connection->socket.get(), SHUT_RDWR);
      if (connection->at) gates.push_back(connection->at);
    }
  }
  for (const auto& gate : gates) gate->wake();
  ::shutdown(listening_.get(), SHUT_RDWR);
  acceptor_.join();
  listening_.reset();
  wait_for_no_connection();
  reap();
}

std::vector<HttpRequest> HttpPeer::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

std::size_t HttpPeer::requests() const {
  const std::lock_guard lock(mutex_);
  return log_.size();
}

std::uint64_t HttpPeer::body_bytes() const {
  const std::lock_guard lock(mutex_);
  return body_bytes_;
}

std::size_t HttpPeer::connections() const {
  const std::lock_guard lock(mutex_);
  return accepted_;
}

std::size_t HttpPeer::open_connections() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

void HttpPeer::wait_for_requests(std::size_t count) const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return log_.size() >= count; });
}

void HttpPeer::wait_for_no_connection() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return open_ == 0; });
}

void HttpPeer::accept_all(int listening) {
  while (true) {
    FileDescriptor socket(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (!socket) return;  // It was shut down.
    reap();
    take(std::move(socket));
  }
}

void HttpPeer::take(FileDescriptor socket) {
  const int yes = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  auto& connection = *alive_.emplace_back(std::make_unique<Connection>());
  connection.socket = std::move(socket);
  connection.number = accepted_++;
  ++open_;
  connection.thread = std::thread([this, &connection] {
    serve(connection);
    const std::lock_guard over(mutex_);
    connection.socket.reset();
    connection.over = true;
    --open_;
    changed_.notify_all();
  });
}

/// Joins the threads that have done their work.
void HttpPeer::reap() {
  std::list<std::unique_ptr<Connection>> over;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = alive_.begin(); at != alive_.end();) {
      const auto next = std::next(at);
      if ((*at)->over) over.splice(over.end(), alive_, at);
      at = next;
    }
  }
  for (const auto& connection : over) connection->thread.join();
}

void HttpPeer::serve(Connection& connection) {
  while (auto request = receive(connection)) {
    note(*request, connection);
    Answerer answerer;
    {
      const std::lock_guard lock(mutex_);
      answerer = answerer_;
    }
    const HttpAnswer answer = answerer(*request);
    if (!send(connection, *request, answer)) return;
    if (answer.then == HttpAnswer::Then::keep) continue;
    end(connection, answer.then);
    return;
  }
}

std::optional<HttpRequest> HttpPeer::receive(Connection& connection) {
  std::string& text = connection.received;
  std::array<char, 4096> piece{};
  std::size_t end = 0;
  while ((end = text.find("\r\n\r\n")) == std::string::npos) {
    if (text.size() > longest_head) return std::nullopt;
    const ssize_t got = ::recv(connection.socket.get(), piece.data(), piece.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  auto request = parse_request(std::string_view(text).substr(0, end + 4));
  text.erase(0, end + 4);
  return request;
}

void HttpPeer::note(HttpRequest& request, const Connection& connection) {
  const std::lock_guard lock(mutex_);
  request.number = log_.size();
  request.connection = connection.number;
  log_.push_back(request);
  changed_.notify_all();
}

/// Returns: false if the connection is of no use any more.
bool HttpPeer::send(Connection& connection, const HttpRequest& request, const HttpAnswer& answer) {
  if (!pass(connection, answer.head_gate)) return false;
  const int socket = connection.socket.get();
  if (answer.raw) return send_text(socket, *answer.raw);
  if (!send_text(socket, answer.head())) return false;
  return request.is_head() || send_body(connection, answer);
}

bool HttpPeer::send_body(Connection& connection, const HttpAnswer& answer) {
  const int socket = connection.socket.get();
  const std::uint64_t whole = answer.part.end - answer.part.begin;
  const std::uint64_t size = std::min(whole, answer.break_after.value_or(whole));
  for (std::uint64_t at = 0;;) {
    std::uint64_t next = std::min<std::uint64_t>(size, at + answer.piece);
    if (const auto gate = answer.gates.find(at); gate != answer.gates.end()) {
      if (!pass(connection, gate->second)) return false;
    }
    if (at == size) break;
    const auto gate = answer.gates.upper_bound(at);
    if (gate != answer.gates.end()) next = std::min(next, gate->first);
    const auto count = static_cast<std::size_t>(next - at);
    {
      const std::lock_guard lock(mutex_);
      body_bytes_ += count;
    }
    if (answer.chunked && !send_text(socket, chunk_head(count))) return false;
    if (!send_all(socket, answer.content->data() + answer.part.begin + at, count)) return false;
    if (answer.chunked && !send_text(socket, "\r\n")) return false;
    at = next;
  }
  const bool is_whole = size == whole && !answer.break_after;
  return !answer.chunked || !is_whole || send_text(socket, "0\r\n\r\n");
}

bool HttpPeer::pass(Connection& connection, const std::shared_ptr<Gate>& gate) {
  if (!gate) return true;
  {
    const std::lock_guard lock(mutex_);
    connection.at = gate;
  }
  const bool passed = gate->enter(connection.given_up);
  const std::lock_guard lock(mutex_);
  connection.at = nullptr;
  return passed;
}

void HttpPeer::end(Connection& connection, HttpAnswer::Then how) {
  const int socket = connection.socket.get();
  if (how == HttpAnswer::Then::reset) {
    const ::linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return;
  }
  // A fork may hold the socket too: closing it would tell the other side nothing.
  if (how == HttpAnswer::Then::close) ::shutdown(socket, SHUT_WR);
  std::array<char, 4096> ignored{};
  while (true) {
    const ssize_t got = ::recv(socket, ignored.data(), ignored.size(), 0);
    if (got == 0 || (got < 0 && errno != EINTR)) return;
  }
}

}  // namespace seekable::test
