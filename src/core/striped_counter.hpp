// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "core/announcements.hpp"

namespace seekable::inline v1::detail {

/// A counter that many threads add to at once: one shared cache line on the path of every read
/// would cost more than the read.
class StripedCounter {
 public:
  void add() noexcept {
    stripes_[Announcement::slot_of_thread().number % stripes_.size()].count.fetch_add(
        1, std::memory_order_relaxed);
  }
  std::uint64_t sum() const noexcept {
    std::uint64_t sum = 0;
    for (const Stripe& stripe : stripes_) sum += stripe.count.load(std::memory_order_relaxed);
    return sum;
  }

 private:
  struct alignas(64) Stripe {
    std::atomic<std::uint64_t> count{0};
  };
  std::array<Stripe, 4> stripes_;
};

}  // namespace seekable::inline v1::detail
