// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <vector>

#include "base/mutex.hpp"
#include "seekable/export.hpp"

namespace seekable::inline v1::detail {

/// The process's memory blocks: 64 KiB each, on page boundaries, their content undefined.
///
/// They come from slabs of 2 MiB, so that the kernel can fault them in as one large page: page
/// faults cost more than anything else here. Blocks that were given back are reused hottest first;
/// at most `max_idle_bytes` stay resident while nobody uses them, and the rest of one slab. What is
/// more waits for its neighbours: a slab that is given back as one can come again as a large page,
/// one in parts never. A block that is not resident is taken from a slab that others use already,
/// if there is one: the first of a slab may bring in all of it, at most 2 MiB that are nobody's.
/// Slabs keep their addresses for ever, which costs no memory.
/// Threads: safe from any number of threads; usable in a forked child.
class SEEKABLE_EXPORT BlockPool {
 public:
  static constexpr std::size_t max_idle_bytes = 8 * 1024 * 1024;

  static BlockPool& instance();

  /// Returns: a block, the one that lies behind `before` if that is among the hottest; or null
  /// where the system has no memory.
  std::byte* take(const std::byte* before = nullptr) noexcept;

  void put(std::byte* block) noexcept;

  /// Has the system fault in a slab of which nobody has a block, 2 MiB: the last of the warm ones
  /// to be taken.
  ///
  /// Returns: false where it did nothing: 4 MiB are warm, or will be; some blocks are parked, which
  ///     are resident too and are taken next; or the system has no memory.
  /// Blocks: for the page faults, without the mutex.
  bool prefault() noexcept;

  /// Gives the memory of all idle blocks back to the system. (Not of those that another thread is
  /// just faulting in.)
  void trim() noexcept;

 private:
  BlockPool();
  using Mask = std::uint32_t;  // a bit for each block of a slab, the first the lowest
  struct Slab {
    std::byte* begin;
    Mask cold;            // idle, and not counted as resident: what is in it may go at any time
    std::size_t parked;   // so many of its blocks are
    bool is_prefaulting;  // its blocks are neither idle nor anybody's
  };
  using Slabs = std::list<Slab>;

  static Mask mask_of(const Slab& slab, const std::byte* block) noexcept;
  bool add_slab() noexcept SEEKABLE_REQUIRES(mutex_);
  Slabs::iterator slab_of(const std::byte* block) noexcept SEEKABLE_REQUIRES(mutex_);
  Slabs& list_of(Mask cold) noexcept SEEKABLE_REQUIRES(mutex_);
  void set_cold(Slabs::iterator slab, Mask cold) noexcept SEEKABLE_REQUIRES(mutex_);
  std::byte* take_cold() noexcept SEEKABLE_REQUIRES(mutex_);
  void give_back(Slabs::iterator slab, Mask blocks) noexcept SEEKABLE_REQUIRES(mutex_);
  static void before_fork();
  static void after_fork();
  static void in_forked_child();

  Mutex mutex_;
  std::vector<std::byte*> warm_ SEEKABLE_GUARDED_BY(mutex_);    // idle and resident; hottest last
  std::vector<std::byte*> parked_ SEEKABLE_GUARDED_BY(mutex_);  // the same, to be given back soon
  // Each slab is in one of these; the one in front is the next of which a block is taken.
  Slabs all_cold_ SEEKABLE_GUARDED_BY(mutex_);
  Slabs partly_cold_ SEEKABLE_GUARDED_BY(mutex_);
  Slabs none_cold_ SEEKABLE_GUARDED_BY(mutex_);
  std::vector<Slabs::iterator> slabs_ SEEKABLE_GUARDED_BY(mutex_);  // all, by address
  std::size_t prefaulting_ SEEKABLE_GUARDED_BY(mutex_) = 0;         // so many more will be warm
};

}  // namespace seekable::inline v1::detail
