// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

namespace seekable::inline v1::detail {

/// What threads are copying from at this moment, told without a lock.
///
/// Invariant 2, *Release*: a reader announces the blocks it is about to use, then looks (again) at
/// their state; whoever gives a block up changes that state first, and then looks for
/// announcements. All four are sequentially consistent, so at least one of the two sees the other:
/// memory is reused, and a hole punched, only when no announcement covers it.
///
/// One slot a thread, in a list that only grows: as long as the most threads that ever read at
/// one time. An announcement lasts for one copy; nobody waits or calls others' code under it.
class Announcement {
 public:
  /// Announces that this thread uses `blocks` of `buffer` from `block` on. Not nested.
  Announcement(const void* buffer, std::uint64_t block, std::uint64_t blocks = 1) noexcept
      : slot_(slot_of_thread()) {
    const std::uint64_t sequence = slot_.sequence.load(std::memory_order_relaxed) + 1;
    slot_.sequence.store(sequence, std::memory_order_release);
    slot_.block.store(block, std::memory_order_relaxed);
    slot_.end.store(block + blocks, std::memory_order_relaxed);
    slot_.buffer.store(buffer, std::memory_order_seq_cst);
  }
  Announcement(const Announcement&) = delete;
  Announcement& operator=(const Announcement&) = delete;
  ~Announcement() { slot_.buffer.store(nullptr, std::memory_order_release); }

  struct alignas(64) Slot {
    std::atomic<const void*> buffer{nullptr};
    std::atomic<std::uint64_t> block{0};
    std::atomic<std::uint64_t> end{0};       ///< behind the last block
    std::atomic<std::uint64_t> sequence{0};  ///< tells one announcement of a thread from the next
    std::atomic<bool> taken{false};
    unsigned number = 0;  ///< small, and another for each slot
    Slot* next = nullptr;
  };

  /// This thread's slot; it is given back when the thread ends.
  static Slot& slot_of_thread() noexcept {
    Slot* const slot = slot_of_this_thread;
    return slot != nullptr ? *slot : take_slot();
  }

  /// Who was using the blocks `[first, last)` of `buffer` when they were given up: mostly nobody.
  /// It needs memory only for those it sees; where there is none it looks again later, and then may
  /// wait for some that came since, never for too few.
  /// Threads: one at a time.
  class Users {
   public:
    /// Has not looked yet.
    Users() = default;
    /// Looks now. Requires: the state of the blocks has changed already.
    Users(const void* buffer, std::uint64_t first, std::uint64_t last) noexcept {
      look(buffer, first, last);
    }

    /// Returns true if none of them is left. Requires: the same blocks each time.
    bool are_gone(const void* buffer, std::uint64_t first, std::uint64_t last) noexcept;

   private:
    /// One announcement. Later ones of the same thread do not count: they began after the state of
    /// the blocks had changed, so they saw the change.
    struct Seen {
      const Slot* slot;
      std::uint64_t sequence;
    };

    void look(const void* buffer, std::uint64_t first, std::uint64_t last) noexcept;

    /// None: it has not looked, or there was no memory for what it saw.
    std::optional<std::vector<Seen>> seen_;
  };

 private:
  static Slot& take_slot() noexcept;

  // Without a constructor, so that looking at it costs no check whether it has run.
  static constinit thread_local Slot* slot_of_this_thread;

  Slot& slot_;
};

inline constinit thread_local Announcement::Slot* Announcement::slot_of_this_thread = nullptr;

}  // namespace seekable::inline v1::detail
