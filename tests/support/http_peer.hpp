// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "seekable/file_descriptor.hpp"
#include "support/http_message.hpp"

namespace seekable::test {

/// An HTTP/1 server on 127.0.0.1 that answers whatever a function says, and keeps account of what
/// it was asked and what it sent.
///
/// Threads: safe to use from any number of threads; but `stop` and `start` from one at a time. The
///     function is called by the connections' threads, several at once.
class HttpPeer {
 public:
  using Answerer = std::function<HttpAnswer(const HttpRequest&)>;

  /// Listens on a port of its own.
  explicit HttpPeer(Answerer answerer);
  HttpPeer(const HttpPeer&) = delete;
  HttpPeer& operator=(const HttpPeer&) = delete;
  ~HttpPeer();

  /// `http://127.0.0.1:port` and `path`.
  std::string url(std::string_view path = "/data") const;
  std::uint16_t port() const { return port_; }

  /// Answers the requests that come from now on.
  void answer_with(Answerer answerer);

  /// Ends all connections, wherever they are, and refuses new ones.
  void stop();
  /// Listens again, on the same port.
  void start();

  std::vector<HttpRequest> log() const;
  std::size_t requests() const;
  std::uint64_t body_bytes() const;      ///< sent, or handed to the system for that
  std::size_t connections() const;       ///< ever accepted
  std::size_t open_connections() const;  ///< whose end was not seen yet

  /// Wait until it has come to that.
  void wait_for_requests(std::size_t count) const;
  void wait_for_no_connection() const;

 private:
  struct Connection;

  void accept_all(int listening);
  void take(FileDescriptor socket);
  void reap();
  void serve(Connection& connection);
  std::optional<HttpRequest> receive(Connection& connection);
  void note(HttpRequest& request, const Connection& connection);
  bool send(Connection& connection, const HttpRequest& request, const HttpAnswer& answer);
  bool send_body(Connection& connection, const HttpAnswer& answer);
  bool pass(Connection& connection, const std::shared_ptr<Gate>& gate);
  static void end(Connection& connection, HttpAnswer::Then how);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // Under the mutex:
  Answerer answerer_;
  std::list<std::unique_ptr<Connection>> alive_;
  std::vector<HttpRequest> log_;
  std::uint64_t body_bytes_ = 0;
  std::size_t accepted_ = 0;
  std::size_t open_ = 0;
  bool stopping_ = false;

  // Of who starts and stops it:
  std::uint16_t port_ = 0;
  FileDescriptor listening_;
  std::thread acceptor_;
};

}  // namespace seekable::test
