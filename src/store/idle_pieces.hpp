// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <new>

namespace seekable::inline v1::detail {

/// The process's last pieces of short streams that were given back, one of each size: the next
/// stream takes them.
///
/// The heap would join them with what lies beside them and look whether the system should have that
/// back, each time. (Not with a buffer's first piece, of which it keeps some at hand itself.) Their
/// content is undefined; `trim` gives them back.
/// Threads: safe from any number of threads; usable in a forked child.
class IdlePieces {
 public:
  /// Of a buffer's pieces but the first.
  static constexpr std::array<std::size_t, 3> sizes{4 * 1024 - 1032, 12 * 1024, 48 * 1024};

  /// Returns: memory for `sizes[kind]` bytes, on a cache line of its own; or null where there is
  /// none.
  static std::byte* take(std::size_t kind) noexcept {
    if (std::byte* piece = idle[kind].piece.exchange(nullptr, std::memory_order_acquire)) {
      return piece;
    }
    return static_cast<std::byte*>(::operator new(sizes[kind], alignment, std::nothrow));
  }

  /// Keeps a piece of `take`, or null, and frees the one that was kept before.
  static void put(std::size_t kind, std::byte* piece) noexcept {
    piece = idle[kind].piece.exchange(piece, std::memory_order_acq_rel);
    if (piece != nullptr) ::operator delete(piece, alignment);
  }

  static void trim() noexcept {
    for (std::size_t kind = 0; kind < sizes.size(); ++kind) put(kind, nullptr);
  }

 private:
  static constexpr std::align_val_t alignment{64};

  struct alignas(64) Idle {
    std::atomic<std::byte*> piece;
  };
  static inline constinit std::array<Idle, sizes.size()> idle{};
};

}  // namespace seekable::inline v1::detail
