// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.hpp"
#include "http/exchange.hpp"

namespace seekable::inline v1::detail::http {

/// All exchanges of a process, with their connections.
///
/// One thread at a time *leads*: receives for all. A reader that waits leads where nobody does, so
/// that what comes for it needs no other thread to be woken; once it has something it stops, and
/// does not wait for a successor. The client has a thread of its own, which leads where readers
/// wait that do not, and where exchanges run and no reader has led for `patrol`.
///
///     nobody -> reader   `wait`
///     nobody -> thread   a reader has left others waiting; nobody has led for `patrol`; the end
///     reader -> nobody   its signal is set, its deadline has passed, the process ends
///     thread -> nobody   no exchange is there; the only reader that waits would lead
///
/// Invariant: where a reader waits that does not lead, somebody leads or the thread was called.
///
/// An origin has 6 exchanges at a time; further ones wait. One that nobody is reading just now
/// gives way to one that waits, the least recently read first, so that a connection that is kept
/// for later never holds up a read.
///
/// Each exchange has its connection to itself, over HTTP/2 too: one whose reader is slow would hold
/// up all that share the connection.
///
/// Threads: safe from any number of threads. No call but `wait` waits for the network.
class Client {
 public:
  using Clock = Exchange::Clock;

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

  /// What has come of waiting.
  struct Waited {
    bool in_time = true;     ///< else the deadline has passed
    std::size_t placed = 0;  ///< bytes in `place`: they come before those in the ring
  };

  /// Returns when `signal`, that of `exchange`, is set, or `deadline` has passed. It may be set
  /// where nothing has happened. Where this thread leads, and no byte is in the ring, bytes of the
  /// exchange come right into `place`.
  Waited wait(Event& signal, Clock::time_point deadline, Exchange& exchange,
              std::span<std::byte> place = {});

  /// For whoever sets the signal of an exchange from outside: its reader may not sleep on it, but
  /// lead.
  void wake() noexcept;

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

  enum class Leader : std::uint8_t { nobody, reader, thread };

  // client.cpp: exchanges.
  void post(Command command);
  void carry_out_commands();
  void carry_out(Command& command);
  void start_some(Origin& origin);
  bool make_room(Origin& origin);
  void start(Origin& origin, std::shared_ptr<Exchange> exchange);
  /// Returns: it; null where it was not running.
  std::shared_ptr<Exchange> remove(Origin& origin, const Exchange* exchange);
  void take_endings();
  void end_all();
  bool somebody_waits() const;

  // client_lead.cpp: who leads, and what a leader does.
  void run() noexcept;
  bool await_lead();
  void lead_for_others();
  bool may_go_on_leading();
  Waited lead_until(const Event& signal, Clock::time_point deadline, Exchange& exchange,
                    std::span<std::byte> place) noexcept;
  bool sleep_until(Event& signal, Clock::time_point deadline);
  void call_thread() SEEKABLE_REQUIRES(mutex_);
  void begin_to_lead();
  void stop_leading(Leader who);
  bool has_work() const SEEKABLE_REQUIRES(mutex_) { return is_active_ || !commands_.empty(); }
  void round();
  void poll(Clock::time_point deadline);

  CURLM* const multi_;

  Mutex mutex_;
  std::vector<Command> commands_ SEEKABLE_GUARDED_BY(mutex_);
  bool stopped_ SEEKABLE_GUARDED_BY(mutex_) = false;
  Leader leader_ SEEKABLE_GUARDED_BY(mutex_) = Leader::nobody;
  std::uint64_t turns_ SEEKABLE_GUARDED_BY(mutex_) = 0;     // how often a reader has led
  unsigned asleep_ SEEKABLE_GUARDED_BY(mutex_) = 0;         // readers that wait and do not lead
  Event* successor_ SEEKABLE_GUARDED_BY(mutex_) = nullptr;  // of a reader that would lead
  bool called_ SEEKABLE_GUARDED_BY(mutex_) = false;         // the thread is to lead
  bool is_active_ SEEKABLE_GUARDED_BY(mutex_) = false;      // the last leader left some exchange
  bool patrols_ SEEKABLE_GUARDED_BY(mutex_) = false;        // the thread looks by itself
  Clock::time_point crowded_until_ SEEKABLE_GUARDED_BY(mutex_);  // the thread goes on leading

  // The leader's alone.
  std::map<std::string, Origin> origins_;

  Event work_;  // for the thread
  std::thread thread_;
};

}  // namespace seekable::inline v1::detail::http
