// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/mutex.hpp"

namespace seekable::inline v1::detail {

/// Full blocks in memory that are to go to the spool, oldest first. They are written by whoever
/// needs their memory, or, once a batch of them waits, by a thread of the queue's own while the
/// fill reads on (two stages). Fewer than a batch stay in memory until somebody needs it.
///
/// A block that cannot be written stays first in the queue, and readable; the next who needs
/// memory tries again.
///
/// Until memory is short the second stage has nothing to write. Meanwhile it can fault in the
/// memory of the next blocks, for which the fill would have to wait.
///
/// Threads: safe from any number of threads. The disk is written, and memory faulted in, with no
/// lock held.
class SpillQueue {
 public:
  using Blocks = std::span<const std::uint64_t>;

  /// `spill` writes blocks and makes their memory free; it returns how many, from the first on:
  /// for the next one no store has room. At most `batch` are given to it at once, and the second
  /// stage waits for so many.
  explicit SpillQueue(std::function<std::size_t(Blocks)> spill, std::size_t batch);
  ~SpillQueue();

  /// Starts the second stage, unless it runs already.
  void start_thread();

  /// Asks the second stage, which is started if need be, to fault in up to 4 MiB for blocks to
  /// come. A wish: without a thread for it each block is faulted in when it is taken.
  void want_prefault() noexcept;

  /// Ends the second stage. Blocks: for a write under way, or for page faults of 2 MiB.
  void stop() noexcept;

  static constexpr std::size_t most_fillers = 4;  // at one time

  /// Makes room for one more block of each filler. A filler calls it before it takes memory for a
  /// block that it will push: when nothing is lost yet if it fails.
  ///
  /// Throws: std::bad_alloc: nothing has changed.
  void prepare();

  /// Adds a block. Requires: this filler has called `prepare` since its last `push`, or has the
  /// block from `take_out`: so it needs no memory.
  void push(std::uint64_t block) noexcept;

  /// Takes `block` out again, so that its filler can go on with it. Returns false if it was not in.
  /// Blocks: while it is being written.
  bool take_out(std::uint64_t block);

  /// Forgets the blocks below `block`. (One that is being written is noticed by its writer.)
  void remove_before(std::uint64_t block);

  /// Writes the oldest blocks, or waits until another thread has written some.
  ///
  /// Returns: false where nothing is queued, or no store has room.
  bool make_progress();

  /// True if the last write found no room anywhere.
  bool failed();

 private:
  bool write_batch() SEEKABLE_REQUIRES(mutex_);
  void prefault() SEEKABLE_REQUIRES(mutex_);
  bool is_in_flight(std::uint64_t block) const SEEKABLE_REQUIRES(mutex_);
  bool thread_has_work() const SEEKABLE_REQUIRES(mutex_) {
    return blocks_.size() >= batch_ && !failed_ && in_flight_.empty();
  }
  void note_progress() SEEKABLE_REQUIRES(mutex_);
  void run(const std::stop_token& stop);

  const std::function<std::size_t(Blocks)> spill_;
  const std::size_t batch_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::uint64_t> blocks_ SEEKABLE_GUARDED_BY(mutex_);
  // Being written, with the mutex let go: the first of `blocks_`.
  std::vector<std::uint64_t> in_flight_ SEEKABLE_GUARDED_BY(mutex_);
  std::size_t last_written_ SEEKABLE_GUARDED_BY(mutex_) = 0;
  std::uint64_t progress_ SEEKABLE_GUARDED_BY(mutex_) = 0;
  unsigned slabs_wanted_ SEEKABLE_GUARDED_BY(mutex_) = 0;  // to be faulted in
  bool is_prefaulting_ SEEKABLE_GUARDED_BY(mutex_) = false;
  bool failed_ SEEKABLE_GUARDED_BY(mutex_) = false;
  bool stopped_ SEEKABLE_GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace seekable::inline v1::detail
