// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace seekable::inline v1::detail {

/// What threads are copying from at this moment, told without a lock.
///
/// Invariant 2, *Release*: a reader announces the block it is about to use, then looks (again) at
/// the block's state; whoever gives a block up changes that state first, and then looks for
/// announcements. All four are sequentially consistent, so at least one of the two sees the other:
/// memory is reused, and a hole punched, only when no announcement covers it.
///
/// One slot a thread, in a list that only grows: as long as the most threads that ever read at
/// one time. An announcement lasts for one copy; nobody waits or calls others' code under it.
class Announcement {
 public:
  /// Announces that this thread uses `block` of `buffer`. Not nested.
  Announcement(const void* buffer, std::uint64_t block) noexcept;
  Announcement(const Announcement&) = delete;
  Announcement& operator=(const Announcement&) = delete;
  ~Announcement();

  struct alignas(64) Slot {
    std::atomic<const void*> buffer{nullptr};
    std::atomic<std::uint64_t> block{0};
    std::atomic<std::uint64_t> sequence{0};  ///< tells one announcement of a thread from the next
    std::atomic<bool> taken{false};
    Slot* next = nullptr;
  };

  /// One announcement that was seen. Later ones of the same thread do not count: they began after
  /// the block's state had changed, so they saw the change.
  struct Seen {
    const Slot* slot;
    std::uint64_t sequence;
  };

  /// The announcements of blocks `[first, last)` of `buffer` at this moment; mostly none.
  static std::vector<Seen> all(const void* buffer, std::uint64_t first, std::uint64_t last);

  /// Forgets those of `seen` that are over. Returns true if none is left.
  static bool are_over(const void* buffer, std::vector<Seen>& seen) noexcept;

 private:
  Slot& slot_;
};

/// A small number of this thread's own, for choosing among striped counters.
unsigned thread_stripe() noexcept;

}  // namespace seekable::inline v1::detail
