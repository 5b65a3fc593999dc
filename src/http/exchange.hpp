// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/block.hpp"
#include "http/head.hpp"
#include "http/link.hpp"
#include "http/ring.hpp"
#include "seekable/http.hpp"
#include "system/event.hpp"

namespace seekable::inline v1::detail::http {

/// What is asked for.
struct Request {
  std::string url;
  std::string origin;
  bool head_only = false;
  std::string range;                   ///< as `100-` or `100-199`; empty: the whole
  std::uint64_t range_size = unknown;  ///< bytes in `range`; `unknown`: it has no end
  std::vector<std::string> headers;    ///< further ones, each as `Name: value`
  std::string user;
  std::string password;
  const HttpOptions* options = nullptr;  ///< for what holds for every origin; never null
};

/// How an exchange ended.
struct Ending {
  CURLcode code = CURLE_OK;
  std::string text;        ///< libcurl's own words, one line
  int system_error = 0;    ///< errno of a connection that could not be made
  bool ask_again = false;  ///< nothing has failed: it gave way to another exchange while nobody was
                           ///< reading, or the connection could not be used again
  bool was_used = false;   ///< the connection had given another answer before
};

/// One request and its answer: filled by whoever leads the `Client`, emptied by one reader.
///
/// Threads: the calls for the reader by one thread, those for the client by the leader.
class Exchange {
 public:
  using Clock = std::chrono::steady_clock;

  /// A paused one goes on when so little is left in its ring.
  static constexpr std::size_t nearly_empty = 64 * 1024;

  /// `signal` is set for whatever a reader may wait for.
  ///
  /// Throws: std::bad_alloc; `std::system_error` where libcurl refuses an option.
  Exchange(const Request& request, std::shared_ptr<Event> signal, std::shared_ptr<Link> link,
           std::shared_ptr<Traffic> traffic);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // For the reader.

  /// Null until the whole head is there. It does not change any more.
  const Head* head() const noexcept {
    return head_done_.load(std::memory_order_acquire) ? &head_ : nullptr;
  }
  /// Null until it has ended; bytes may still be there.
  const Ending* ending() const noexcept {
    return done_.load(std::memory_order_acquire) ? &ending_ : nullptr;
  }
  std::size_t read(std::span<std::byte> out) { return ring_.read(out); }
  /// Bytes in the ring, and those that lay in the kernel when it was paused or its reader stopped
  /// leading. (Too few, while somebody receives, and where libcurl keeps some: then at the worst a
  /// connection is opened anew that had them.)
  std::uint64_t in_flight() const noexcept {
    return ring_.size() + in_kernel_.load(std::memory_order_relaxed);
  }
  /// The client has stopped receiving for want of room, and there is room again.
  bool wants_to_go_on() const noexcept {
    return paused_.load(std::memory_order_seq_cst) && ring_.size() <= nearly_empty;
  }
  /// Somebody is in a read: then the exchange does not give way to another.
  void set_being_read(bool now) noexcept {
    being_read_.store(now, std::memory_order_seq_cst);
    last_read_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  }

  /// When the client has begun it; nothing: it still waits for its turn.
  std::optional<Clock::time_point> begun() const noexcept {
    const Clock::rep at = begun_.load(std::memory_order_acquire);
    if (at == 0) return std::nullopt;
    return Clock::time_point(Clock::duration(at));
  }

  // For the client.

  CURL* easy() const noexcept { return easy_; }
  /// That of the request: all exchanges of one share its slots.
  const std::string& origin() const noexcept { return origin_; }
  bool is_being_read() const noexcept { return being_read_.load(std::memory_order_seq_cst); }
  Clock::rep last_read() const noexcept { return last_read_.load(std::memory_order_relaxed); }
  void begin() noexcept;
  /// Returns: what has failed; then bytes may be lost, and it is to be ended with that.
  [[nodiscard]] CURLcode go_on();
  /// Bytes that come while none is in the ring go to `place`.
  void offer(std::span<std::byte> place) noexcept { place_ = place; }
  /// Takes that back. Returns: how many have come.
  std::size_t withdraw() noexcept {
    place_ = {};
    return std::exchange(placed_, 0);
  }
  /// The reader of this exchange stops leading: notes what lies in the kernel, for `in_flight`.
  void reader_stops_leading();
  /// A leader begins: what lies in the kernel came while nobody led.
  void somebody_leads();
  /// Wakes the reader for what has come in this round, unless there is soon to be more.
  void end_round();
  void end(CURLcode code);
  void give_way();
  /// The process is about to end.
  void abandon();

 private:
  static int before_request(void* self, char* address, char* own_address, int port, int own_port);
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  std::size_t take_header(std::string_view line);
  void publish_head() noexcept;
  std::size_t take_body(std::span<const std::byte> bytes);
  std::size_t place(std::span<const std::byte> bytes) noexcept;
  void wake_reader();
  void note_pause();
  bool has_connected() const noexcept;
  bool is_used_again() const noexcept { return !has_connected() || head_.status >= 200; }
  void measure();
  void tell_link();
  std::uint64_t bytes_in_kernel() const noexcept;
  void set_options(const Request& request);
  void set_headers(const Request& request);
  void set_trust(const Request& request);  ///< credentials, proxy, certificates
  template <typename Value>
  void set(CURLoption option, Value value);
  std::string text_of(CURLcode code) const;
  void finish(Ending ending);

  CURL* const easy_;
  const std::string origin_;
  curl_slist* header_list_ = nullptr;
  char error_[CURL_ERROR_SIZE]{};
  const std::shared_ptr<Event> signal_;
  const std::shared_ptr<Link> link_;
  const std::shared_ptr<Traffic> traffic_;

  Ring ring_;
  Head head_;
  Ending ending_;
  std::atomic<bool> head_done_{false};
  std::atomic<bool> done_{false};
  std::atomic<bool> paused_{false};
  std::atomic<bool> being_read_{false};
  std::atomic<Clock::rep> last_read_{0};
  std::atomic<std::uint64_t> in_kernel_{0};
  std::atomic<Clock::rep> begun_{0};

  // The leader's alone.
  const bool has_credentials_;
  const std::size_t step_;      // so much libcurl takes from the kernel at once
  bool has_head_ = false;       // up to its empty line
  std::size_t head_bytes_ = 0;  // of trailers and interim answers, too
  bool unsignalled_ = false;
  bool is_to_pause_ = false;    // libcurl was told to; the rest of the step is still coming
  bool no_memory_ = false;      // in a callback
  bool has_leftovers_ = false;  // the connection holds what nobody has asked for
  int own_port_ = 0;            // of the connection
  std::span<std::byte> place_;  // what is left of it
  std::size_t placed_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t dropped_ = 0;  // of the body of an answer that nobody reads
  std::optional<Clock::time_point> receiving_since_;
  std::uint64_t unmeasured_ = 0;  // bytes of this round
  std::uint64_t lay_in_kernel_ =
      0;  // came in a pause, or filled the kernel while nobody led: not measured
  std::uint64_t measured_bytes_ = 0;
  Clock::duration measured_time_{};
};

}  // namespace seekable::inline v1::detail::http
