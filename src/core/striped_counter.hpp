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
/// would cost more than the read. The stripes are made when a second thread comes; from then on
/// (unless there is no memory for them) nobody writes to the line that all of them look at.
///
/// Threads: safe from any number of threads.
class StripedCounter {
 public:
  void add() noexcept {
    const unsigned thread = Announcement::slot_of_thread().number;
    if (Stripes* stripes = stripes_.get()) {
      (*stripes)[thread % stripe_count].add(thread);
    } else if (first_thread_.load(std::memory_order_relaxed) == thread || meet(thread)) {
      add_alone(first_);
    } else {
      others_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  std::uint64_t sum() const noexcept {
    std::uint64_t sum =
        first_.load(std::memory_order_relaxed) + others_.load(std::memory_order_relaxed);
    const Stripes* stripes = stripes_.get();
    if (stripes == nullptr) return sum;
    for (const Stripe& stripe : *stripes) sum += stripe.sum();
    return sum;
  }

 private:
  static constexpr unsigned stripe_count = 16;  // 1 KiB: few machines run more readers at once
  static constexpr unsigned nobody = ~0U;

  /// For a counter that this thread alone adds to: no locked instruction.
  static void add_alone(std::atomic<std::uint64_t>& count) noexcept {
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  /// Makes `thread` the one that owns something, if there is none yet. Returns whether it is.
  static bool own(std::atomic<unsigned>& owner, unsigned thread) noexcept {
    unsigned found = owner.load(std::memory_order_relaxed);
    if (found == nobody &&
        owner.compare_exchange_strong(found, thread, std::memory_order_relaxed)) {
      return true;
    }
    return found == thread;
  }

  /// The first thread that comes owns it, by its number: one thread at a time has that, and hands
  /// it on by release and acquire, so that a plain addition loses nothing.
  class alignas(64) Stripe {
   public:
    void add(unsigned thread) noexcept {
      if (own(owner_, thread)) {
        add_alone(owners_);
      } else {
        others_.fetch_add(1, std::memory_order_relaxed);
      }
    }
    std::uint64_t sum() const noexcept {
      return owners_.load(std::memory_order_relaxed) + others_.load(std::memory_order_relaxed);
    }

   private:
    std::atomic<std::uint64_t> owners_{0};
    std::atomic<std::uint64_t> others_{0};
    std::atomic<unsigned> owner_{nobody};
  };
  using Stripes = std::array<Stripe, stripe_count>;

  /// Returns true where this is the first thread of all.
  bool meet(unsigned thread) noexcept {
    if (own(first_thread_, thread)) return true;
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
