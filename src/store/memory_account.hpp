// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "seekable/memory_budget.hpp"

namespace seekable::inline v1::detail {

/// What one buffer holds in memory: counted against its own limit and the shared budget.
///
/// Threads: safe from any number of threads.
/// Lifetime: the shared budget, if there is one, must outlive it.
class MemoryAccount {
 public:
  MemoryAccount(std::uint64_t limit, const std::shared_ptr<MemoryBudget>& shared) noexcept
      : own_(limit), shared_(shared.get()) {}
  MemoryAccount(const MemoryAccount&) = delete;
  MemoryAccount& operator=(const MemoryAccount&) = delete;
  ~MemoryAccount() {
    if (shared_ != nullptr) shared_->give_back(own_.used());
  }

  /// Returns false, and takes nothing, where either limit would be passed.
  bool try_take(std::uint64_t size) noexcept {
    if (!own_.try_take(size)) return false;
    if (shared_ == nullptr || shared_->try_take(size)) return true;
    own_.give_back(size);
    return false;
  }

  void give_back(std::uint64_t size) noexcept {
    own_.give_back(size);
    if (shared_ != nullptr) shared_->give_back(size);
  }

  std::uint64_t used() const noexcept { return own_.used(); }
  std::uint64_t limit() const noexcept { return own_.limit(); }

  /// What `try_take` would give at most, just now.
  std::uint64_t room() const noexcept {
    const std::uint64_t own = room_of(own_);
    return shared_ != nullptr ? std::min(own, room_of(*shared_)) : own;
  }

 private:
  static std::uint64_t room_of(const MemoryBudget& budget) noexcept {
    const std::uint64_t used = budget.used();
    return used < budget.limit() ? budget.limit() - used : 0;
  }

  MemoryBudget own_;
  MemoryBudget* const shared_;
};

}  // namespace seekable::inline v1::detail
