// SPDX-License-Identifier: Apache-2.0
#include "seekable/memory_budget.hpp"

#include "store/block_pool.hpp"
#include "store/idle_pieces.hpp"

namespace seekable::inline v1 {

bool MemoryBudget::try_take(std::uint64_t size) noexcept {
  std::uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    if (size > limit_ || used > limit_ - size) return false;
  } while (!used_.compare_exchange_weak(used, used + size, std::memory_order_relaxed));
  return true;
}

void MemoryBudget::give_back(std::uint64_t size) noexcept {
  used_.fetch_sub(size, std::memory_order_relaxed);
}

void trim() noexcept {
  detail::IdlePieces::trim();
  detail::BlockPool::instance().trim();
}

}  // namespace seekable::inline v1
