// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
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
  friend class Wakeups;

  /// Marks it as happened. Returns: whether its waiter sleeps, and must be woken.
  bool happen() noexcept;
  static void wake(const void* address) noexcept;

  static constexpr std::uint32_t idle = 0;
  static constexpr std::uint32_t happened = 1;
  static constexpr std::uint32_t slept_on = 2;

  std::atomic<std::uint32_t> state_{idle};
};

/// Sets events at once; their sleepers are woken when this is destroyed. To be declared before the
/// lock is taken, so that it ends after it: whoever is woken under a lock often runs straight away,
/// wants it too, and has to sleep again.
class SEEKABLE_EXPORT Wakeups {
 public:
  Wakeups() = default;
  Wakeups(const Wakeups&) = delete;
  Wakeups& operator=(const Wakeups&) = delete;
  ~Wakeups() {
    for (std::size_t i = 0; i < count_; ++i) Event::wake(addresses_[i]);
  }

  /// The event has happened when this returns. It may be gone before its sleeper is woken.
  void set(Event& event) noexcept;

 private:
  std::array<const void*, 16> addresses_;  // `set` wakes any further ones itself
  std::size_t count_ = 0;
};

}  // namespace seekable::inline v1::detail
