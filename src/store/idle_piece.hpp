// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <new>

namespace seekable::inline v1::detail {

/// The process's last large piece of a short stream that was given back: the next stream takes it.
///
/// The heap would join it with what lies beside it and look whether the system should have that
/// back, each time. At most one stays idle, its content undefined; `trim` gives it back.
/// Threads: safe from any number of threads; usable in a forked child.
class IdlePiece {
 public:
  static constexpr std::size_t size = 48 * 1024;

  /// Returns: memory for `size` bytes, on a cache line of its own; or null where there is none.
  static std::byte* take() noexcept {
    if (std::byte* bytes = idle.exchange(nullptr, std::memory_order_acquire)) return bytes;
    return static_cast<std::byte*>(::operator new(size, alignment, std::nothrow));
  }

  static void put(std::byte* bytes) noexcept {
    ::operator delete(idle.exchange(bytes, std::memory_order_acq_rel), alignment);
  }

  static void trim() noexcept { put(nullptr); }

 private:
  static constexpr std::align_val_t alignment{64};

  static inline constinit std::atomic<std::byte*> idle{nullptr};
};

}  // namespace seekable::inline v1::detail
