// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace seekable::inline v1::detail {

/// Ends a wait for a file from another thread. It sticks: every later wait ends at once.
///
/// No wake-up is lost: `cancel` sets the flag and then looks for an eventfd; whoever waits makes
/// the eventfd and then looks at the flag. Each in one total order, so one of them sees the other.
///
/// Threads: `cancel` and `is_cancelled` from any thread at any time; `wait_readable` from one at a
///     time.
class Canceller {
 public:
  enum class Wake : std::uint8_t { ready, cancelled, timed_out };

  Canceller() = default;
  Canceller(const Canceller&) = delete;
  Canceller& operator=(const Canceller&) = delete;
  ~Canceller();

  void cancel() noexcept;
  bool is_cancelled() const noexcept { return cancelled_.load(std::memory_order_seq_cst); }

  /// Waits until `fd` (none where negative) has bytes, has ended or has failed.
  ///
  /// Returns: `cancelled` rather than `ready` where both are so.
  /// Throws: std::system_error without the rights or the memory to wait.
  /// Blocks: `timeout_ms` at most; -1: without limit.
  Wake wait_readable(int fd, int timeout_ms = -1);

 private:
  int event();

  std::atomic<bool> cancelled_{false};
  std::atomic<int> event_{-1};  // Made for the first wait: most sources of bytes never need it.
};

/// Throws what a read gets after `cancel`.
/// `what`: as "read from file descriptor 7"; `offset`: how far it got.
[[noreturn]] void throw_cancelled(const std::string& what, std::uint64_t offset);

}  // namespace seekable::inline v1::detail
