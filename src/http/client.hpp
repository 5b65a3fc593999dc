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
/// does not wait for a successor. The client has a thread of its own. It leads where readers sleep
/// and nobody else leads, and where exchanges run and no reader has led for 5 ms.
///
///     nobody -> reader   `wait`
///     nobody -> thread   a reader has left others asleep, or fell asleep with nobody leading; a
///                        stop or go_on came while there was no patrol; nobody has led for 5 ms;
///                        the end
///     reader -> nobody   its signal is set, its deadline has passed, the process ends
///     thread -> nobody   no exchange is there; the only reader that sleeps would lead
///
/// Invariant: where a reader sleeps, somebody leads, or the thread was called, or the reader that
/// was to lead next was woken; if that one does not lead, it calls the thread.
///
/// An origin has 6 exchanges at a time; further ones wait. One that nobody is reading just now
/// gives way to one that waits, the least recently read first, so that a connection that is kept
/// for later never holds up a read.
///
/// Each exchange has its connection to itself, over HTTP/2 too: one whose reader is slow would hold
/// up all that share the connection.
///
/// Threads: safe from any number of threads. Only `wait` waits for the network; `shut_down` and the
///     destructor wait for whoever leads.
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

  /// Starts it as soon as its origin has one of its 6 slots free; ends it at once where the process
  /// is about to end.
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

  /// Returns when `signal`, that of `exchange`, is set, when `deadline` has passed, or when the
  /// process ends. The signal may be set where nothing has happened: look again after every return.
  /// Where this thread leads, and no byte is in the ring, bytes of the exchange come right into
  /// `place`.
  Waited wait(Event& signal, Clock::time_point deadline, Exchange& exchange,
              std::span<std::byte> place = {});

  /// Ends the leader's poll. To be called after the signal of an exchange was set from outside: its
  /// reader may be leading, and then sleeps in libcurl, and not on the signal.
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
    std::deque<std::shared_ptr<Exchange>> queued;
    bool is_idle() const noexcept { return running.empty() && queued.empty(); }
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
  bool has_queued_exchange() const;

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
  unsigned asleep_ SEEKABLE_GUARDED_BY(mutex_) = 0;         // readers that sleep on their signal
  Event* successor_ SEEKABLE_GUARDED_BY(mutex_) = nullptr;  // to whose reader the lead is handed
  bool called_ SEEKABLE_GUARDED_BY(mutex_) = false;         // the thread is to lead
  bool is_active_ SEEKABLE_GUARDED_BY(mutex_) = false;      // the last leader left exchanges
  bool patrols_ SEEKABLE_GUARDED_BY(mutex_) = false;        // the thread looks again in 5 ms
  Clock::time_point crowded_until_
      SEEKABLE_GUARDED_BY(mutex_);  // until then the thread hands on nothing

  // The leader's alone.
  std::map<std::string, Origin> origins_;

  Event work_;  // for the thread
  std::thread thread_;
};

}  // namespace seekable::inline v1::detail::http
