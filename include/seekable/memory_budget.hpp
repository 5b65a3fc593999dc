// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "seekable/export.hpp"

namespace seekable::inline v1 {

/// Memory that several buffers share: together they never hold more than `limit` bytes.
///
/// Give the same `std::shared_ptr<MemoryBudget>` to the `Options` of each. Nobody ever waits for
/// a budget: a buffer that finds it used up keeps new bytes in its spool.
///
/// Threads: safe to use from any number of threads at once.
class SEEKABLE_EXPORT MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t limit_bytes) noexcept : limit_(limit_bytes) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  /// The limit in bytes.
  std::uint64_t limit() const noexcept { return limit_; }

  /// Bytes held now, by all buffers together.
  std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }

  /// Takes `size` bytes of the budget. Returns false, and takes nothing, if they would exceed it.
  bool try_take(std::uint64_t size) noexcept;

  /// Gives back what `try_take` took.
  void give_back(std::uint64_t size) noexcept;

 private:
  const std::uint64_t limit_;
  std::atomic<std::uint64_t> used_{0};
};

/// Gives the memory that the process keeps ready for new bytes (at most 8 MiB of blocks, less than
/// 2 MiB that came with others, and 63 KiB of pieces of short streams) back to the operating
/// system. (Not what the thread of a buffer is just making ready, 2 MiB at most.)
///
/// Threads: safe to call at any time.
SEEKABLE_EXPORT void trim() noexcept;

}  // namespace seekable::inline v1
