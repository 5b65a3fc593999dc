// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.hpp"
#include "http/exchange.hpp"

namespace seekable::inline v1::detail::http {

/// The one thread of a process on which all its exchanges run, with their connections.
///
/// An origin has 6 exchanges at a time; further ones wait. One that nobody is reading just now
/// gives way to one that waits, the least recently read first, so that a connection that is kept
/// for later never holds up a read.
///
/// Each exchange has its connection to itself, over HTTP/2 too: one whose reader is slow would hold
/// up all that share the connection.
///
/// Threads: safe from any number of threads. No call waits for the network.
class Client {
 public:
  static constexpr unsigned max_exchanges_per_origin = 6;

  /// That of this process; a forked child has one of its own.
  ///
  /// Throws: std::bad_alloc; std::system_error without a thread.
  static std::shared_ptr<Client> of_process();

  Client();
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Starts it as soon as its origin has a place for it; fails with `gave_way` once the process
  /// ends.
  void begin(std::shared_ptr<Exchange> exchange);

  /// Nobody wants the rest: it is taken off its connection, and gets no ending.
  void stop(std::shared_ptr<Exchange> exchange);

  /// Its reader has made room.
  void go_on(std::shared_ptr<Exchange> exchange);

  /// Ends the thread and all exchanges. For the end of the process.
  void shut_down() noexcept;

 private:
  struct Command {
    enum class What : std::uint8_t { begin, stop, go_on } what;
    std::shared_ptr<Exchange> exchange;
  };
  using Exchanges = std::vector<std::shared_ptr<Exchange>>;
  struct Origin {
    Exchanges running;
    std::deque<std::shared_ptr<Exchange>> waiting;
    bool is_idle() const noexcept { return running.empty() && waiting.empty(); }
  };

  void post(Command command);
  void run();
  void end_all();
  void carry_out_commands();
  void carry_out(Command& command);
  void start_some(Origin& origin);
  bool make_room(Origin& origin);
  void start(Origin& origin, std::shared_ptr<Exchange> exchange);
  /// Returns: it; null where it was not running.
  std::shared_ptr<Exchange> remove(Origin& origin, const Exchange* exchange);
  void take_endings();
  bool somebody_waits() const;

  CURLM* const multi_;
  Mutex mutex_;
  std::vector<Command> commands_ SEEKABLE_GUARDED_BY(mutex_);
  bool stopped_ SEEKABLE_GUARDED_BY(mutex_) = false;
  std::map<std::string, Origin> origins_;  // The thread's alone.
  std::thread thread_;
};

}  // namespace seekable::inline v1::detail::http
