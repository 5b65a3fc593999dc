// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <new>

#include "base/lazy.hpp"
#include "core/announcements.hpp"

namespace seekable::inline v1::detail {

/// A counter that many threads add to at once: one shared cache line on the path of every read
/// would cost more than the read. The stripes are made when a second thread comes.
///
/// Threads: safe from any number of threads.
class StripedCounter {
 public:
  void add() noexcept {
    const unsigned thread = Announcement::slot_of_thread().number;
    if (first_thread_.load(std::memory_order_relaxed) == thread || meet(thread)) {
      // The first thread's alone: no locked instruction.
      first_.store(first_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    } else if (Stripes* stripes = stripes_.get()) {
      (*stripes)[thread % stripe_count].count.fetch_add(1, std::memory_order_relaxed);
    } else {
      others_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  std::uint64_t sum() const noexcept {
    std::uint64_t sum =
        first_.load(std::memory_order_relaxed) + others_.load(std::memory_order_relaxed);
    const Stripes* stripes = stripes_.get();
    if (stripes == nullptr) return sum;
    for (const Stripe& stripe : *stripes) sum += stripe.count.load(std::memory_order_relaxed);
    return sum;
  }

 private:
  static constexpr unsigned stripe_count = 4;
  static constexpr unsigned nobody = ~0U;
  struct alignas(64) Stripe {
    std::atomic<std::uint64_t> count{0};
  };
  using Stripes = std::array<Stripe, stripe_count>;

  /// Returns true where this is the first thread of all.
  bool meet(unsigned thread) noexcept {
    unsigned first = nobody;
    if (first_thread_.load(std::memory_order_relaxed) == nobody &&
        first_thread_.compare_exchange_strong(first, thread, std::memory_order_relaxed)) {
      return true;
    }
    try {
      stripes_.make();
    } catch (const std::bad_alloc&) {
      // Then the others share one: slower, and as exact.
    }
    return false;
  }

  std::atomic<std::uint64_t> first_{0};
  std::atomic<std::uint64_t> others_{0};
  std::atomic<unsigned> first_thread_{nobody};
  Lazy<Stripes> stripes_;
};

}  // namespace seekable::inline v1::detail
