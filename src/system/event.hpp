// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "seekable/export.hpp"

namespace seekable::inline v1::detail {

/// Something that happens once, and that a thread can sleep for. `reset` makes it happen again.
///
/// Threads: `set` from any thread; `wait` and `reset` from one. The waiter may destroy the event as
///     soon as its wait is over: `set` does not touch it after the waiter can see it.
class SEEKABLE_EXPORT Event {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  void set() noexcept;
  void reset() noexcept { state_.store(idle, std::memory_order_seq_cst); }
  bool is_set() const noexcept { return state_.load(std::memory_order_acquire) == happened; }

  /// Returns: false when `deadline` passed first; `TimePoint::max()` waits without limit.
  bool wait_until(TimePoint deadline) noexcept;
  void wait() noexcept { wait_until(TimePoint::max()); }

 private:
  static constexpr std::uint32_t idle = 0;
  static constexpr std::uint32_t happened = 1;
  static constexpr std::uint32_t slept_on = 2;

  std::atomic<std::uint32_t> state_{idle};
};

}  // namespace seekable::inline v1::detail
