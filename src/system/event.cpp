// SPDX-License-Identifier: Apache-2.0
#include "system/event.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace seekable::inline v1::detail {

namespace {

// The clock of steady_clock is CLOCK_MONOTONIC in libstdc++, and so is that of this futex call.
int futex_wait(std::atomic<std::uint32_t>* word, std::uint32_t expected,
               const timespec* deadline) noexcept {
  return static_cast<int>(::syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
                                    expected, deadline, nullptr, FUTEX_BITSET_MATCH_ANY));
}

timespec to_timespec(Event::TimePoint time) noexcept {
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  timespec result{};
  result.tv_sec = seconds.count();
  result.tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count();
  return result;
}

}  // namespace

bool Event::happen() noexcept {
  return state_.exchange(happened, std::memory_order_seq_cst) == slept_on;
}

/// The event may be gone by now: waking an address that nobody sleeps on does no harm.
void Event::wake(const void* address) noexcept {
  ::syscall(SYS_futex, address, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr, nullptr, 0);
}

void Event::set() noexcept {
  if (happen()) wake(&state_);
}

void Wakeups::set(Event& event) noexcept {
  const void* const address = &event.state_;
  if (!event.happen()) return;
  if (count_ < addresses_.size()) {
    addresses_[count_++] = address;
  } else {
    Event::wake(address);
  }
}

bool Event::wait_until(TimePoint deadline) noexcept {
  const bool limited = deadline != TimePoint::max();
  const timespec limit = limited ? to_timespec(deadline) : timespec{};
  for (;;) {
    std::uint32_t state = idle;
    state_.compare_exchange_strong(state, slept_on, std::memory_order_seq_cst);
    if (state == happened) return true;
    if (limited && std::chrono::steady_clock::now() >= deadline) return is_set();
    futex_wait(&state_, slept_on, limited ? &limit : nullptr);
    if (is_set()) return true;
  }
}

}  // namespace seekable::inline v1::detail
