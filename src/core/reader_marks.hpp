// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/mutex.hpp"

namespace seekable::inline v1::detail {

/// Where the living readers are, for a window that blocks.
///
/// Threads: safe from any number of threads.
class ReaderMarks {
 public:
  using Mark = std::atomic<std::uint64_t>;

  void add(const Mark& mark) {
    MutexLock lock(mutex_);
    marks_.push_back(&mark);
  }

  void remove(const Mark& mark) noexcept {
    MutexLock lock(mutex_);
    std::erase(marks_, &mark);
  }

  /// The position of the slowest reader; nothing where there is none.
  std::optional<std::uint64_t> slowest() const {
    MutexLock lock(mutex_);
    std::optional<std::uint64_t> slowest;
    for (const Mark* mark : marks_) {
      const std::uint64_t position = mark->load(std::memory_order_relaxed);
      slowest = std::min(slowest.value_or(position), position);
    }
    return slowest;
  }

 private:
  mutable Mutex mutex_;
  std::vector<const Mark*> marks_ SEEKABLE_GUARDED_BY(mutex_);
};

}  // namespace seekable::inline v1::detail
