// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

namespace seekable::inline v1::detail {

/// A fence between two threads of which one passes it often and the other seldom: all of its cost
/// falls on the latter.
///
/// Each side stores something, passes its fence, and loads what the other has stored. Then at least
/// one of the two sees the other's store, as with two sequentially consistent fences. Two light
/// fences do not pair.
///
/// Source: membarrier(2), MEMBARRIER_CMD_PRIVATE_EXPEDITED.
class ProcessFence {
 public:
  /// False where the kernel has no such call, or does not allow it, or once it has failed: then
  /// `light` orders nothing any more. What passed it before is ordered by the `heavy` that failed.
  static bool is_there() noexcept;

  /// The cheap side: only the compiler is kept from moving loads and stores over it.
  static void light() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

  /// The dear side: has every running thread of the process pass a full fence. About 1 us where
  /// another thread runs; 10 ms where the call fails.
  static void heavy() noexcept;
};

}  // namespace seekable::inline v1::detail
