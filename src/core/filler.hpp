// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <thread>

#include "base/mutex.hpp"
#include "base/rare_vector.hpp"
#include "core/lane.hpp"
#include "core/outcome.hpp"
#include "core/storage.hpp"
#include "core/waiter.hpp"
#include "seekable/options.hpp"
#include "seekable/source.hpp"
#include "seekable/wait.hpp"
#include "system/process_fence.hpp"

namespace seekable::inline v1::detail {

/// Pulls bytes from the source into the storage, and wakes those who wait for them.
///
/// Invariants:
///  1. *Publication*, the waking half: after bytes are stored and counted (storage.hpp), the filler
///     looks whether somebody waits for less. A waiter writes what it wants and then looks at the
///     bytes again, before it sleeps. One sees the other: all four are sequentially consistent; or,
///     while bytes come in drips (`drips_`), the store is a release and a light fence follows it,
///     and who comes to wait, or registers a callback, passes the heavy one (`look_again`).
///  2. *Release*: announcements.hpp.
///  3. *Hand-over*: a lane has at most one filler. While somebody waits for bytes that a lane may
///     pull (its window is not full, no writer pushes), some thread is the filler of one, or has
///     been told to become it. Whoever was told and leaves passes it on first.
///  4. *Fork*: in a forked child nothing here is entered: no lock, no source, no thread.
///  5. No lock is held while the source is read, the disk is used, or a callback runs.
///
/// Threads: safe from any number of threads. One mutex guards who fills and who waits; it is not
///     taken by a read of kept bytes, nor by a publication that nobody waits for. (A `Reader` in a
///     window that blocks takes it when what it has read is given up.)
class Filler {
 public:
  Filler(Storage& storage, Outcome& outcome, std::unique_ptr<Source> source,
         const Options& options);
  ~Filler();
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

  /// What the fill thread keeps alive while it runs. Called once, before anything else.
  void keep_alive_with(std::weak_ptr<void> owner) { owner_ = std::move(owner); }

  /// Starts the thread of `Fill::ahead`.
  void start_ahead();

  /// Returns when something has changed for `need`: its byte is there, or never will be.
  ///
  /// The caller becomes the filler where it may: `wait` null, or this is the fill thread itself.
  /// Throws: Error: `timed_out`, `cancelled` (of the wait), `disk_full`,
  ///     `resource_deadlock_would_occur`, `operation_not_permitted`.
  void await(const Need& need, const Wait* wait);

  /// Throws `timed_out` or `cancelled`, at `offset`, where `wait`, if there is one, is over.
  static void check_wait(const Wait* wait, std::uint64_t offset);

  std::shared_ptr<Callback> when_available(ByteRange range,
                                           std::function<void(std::error_code)> function);
  void withdraw(Callback& callback) noexcept;
  void prefetch(std::span<const ByteRange> ranges);

  /// Tells everybody that no more bytes will come. The first failure wins; a complete stream
  /// cannot fail any more.
  ///
  /// The sources are cancelled, except that of the lane `except`, which has failed by itself.
  void fail(Failure failure, const Lane* except = nullptr);
  void cancel();

  /// Ends all callbacks that were not made with `cancelled`.
  void end_callbacks();

  /// Cancels the source, ends the thread. Called when nobody can read any more.
  void shut_down() noexcept;

  /// Appends bytes of a writer. Returns how many; fewer than given only if it may not wait.
  std::size_t push(std::span<const std::byte> bytes, const Wait* wait, bool may_wait);
  void push_end();
  void push_failure(Failure failure);

  /// A reader has read up to `offset`, for `read_ahead`.
  void note_read(std::uint64_t offset) noexcept {
    if (ahead_) go_further(offset);
  }

  /// Bytes were released: a stopped fill may go on, a waiter may have lost its byte.
  void released() noexcept;

  /// The lane that every stream has: its position is how far a forward-only one has come.
  std::uint64_t position() const noexcept {
    return first_.position.load(std::memory_order_acquire);
  }
  bool sparse() const noexcept { return first_.restartable != nullptr; }

  bool has_thread() {
    MutexLock lock(mutex_);
    return thread_ != nullptr;
  }

  /// True if the end is confirmed and no byte is missing.
  bool complete() noexcept;

  Source* source() const noexcept { return first_.source.get(); }

  std::uint64_t source_reads() const noexcept { return reads_.load(std::memory_order_relaxed); }
  std::uint64_t bytes_on_wire() const noexcept { return wire_.load(std::memory_order_relaxed); }
  std::uint64_t reopened() const noexcept { return reopened_.load(std::memory_order_relaxed); }
  std::uint64_t read_through() const noexcept { return through_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t max_lanes = 4;
  static_assert(max_lanes <= SpillQueue::most_fillers);
  // What is read to be written through, to be passed over, or to look for the end: on the stack,
  // since memory is short.
  static constexpr std::size_t scratch_size = 16 * 1024;

  // A read of the source that brings no more is a drip.
  static constexpr std::size_t drip_size = 4096;

  /// While it lives the filler publishes drips for less than a sequentially consistent store, which
  /// would cost more than all else that is done for one.
  class Dripping {
   public:
    explicit Dripping(std::atomic<bool>& drips) noexcept : drips_(drips) {
      drips_.store(true, std::memory_order_seq_cst);
    }
    Dripping(const Dripping&) = delete;
    Dripping& operator=(const Dripping&) = delete;
    ~Dripping() { drips_.store(false, std::memory_order_release); }

   private:
    std::atomic<bool>& drips_;
  };

  /// Invariant 1: called by whoever has written what it waits for, before it looks again; under the
  /// mutex, without which it is not in the list. At most one membarrier.
  void look_again() const noexcept {
    if (drips_.load(std::memory_order_seq_cst)) ProcessFence::heavy();
  }

  /// So long the stream is known to be.
  std::uint64_t reached() const noexcept {
    return sparse() ? reached_.load(std::memory_order_relaxed) : position();
  }

  /// Counts for `stats`. A forward-only stream has one filler at a time.
  void count(std::atomic<std::uint64_t>& counter, std::uint64_t more) noexcept {
    if (sparse()) {
      counter.fetch_add(more, std::memory_order_relaxed);
    } else {
      count_alone(counter, more);
    }
  }
  /// Where no other thread counts.
  static void count_alone(std::atomic<std::uint64_t>& counter, std::uint64_t more) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }

  /// What came of a read of the source.
  struct Pulled {
    std::size_t size = 0;
    std::uint64_t declared = unknown;  ///< the source told its size
    std::exception_ptr trouble;        ///< or threw this when it was asked
  };

  /// What there is to do next.
  enum class Next : std::uint8_t {
    account_for,  ///< take account of the read that was made
    step,         ///< look for room and read on
    stop,
  };

  // filler.cpp: who fills, who waits.
  /// There is nothing to wait for any more: its first byte is there, or never will be.
  bool settled(const Need& need) noexcept;
  /// Its thread can be woken: all that it sleeps for is there.
  bool met(std::uint64_t byte, std::uint64_t wake_at) noexcept;
  /// Pulling more does not help it, whatever comes.
  bool is_moot(const Need& need) const noexcept;
  Lane* choose(const Need& need) SEEKABLE_REQUIRES(mutex_);
  Lane* choose_sparse(const Need& need) SEEKABLE_REQUIRES(mutex_);
  bool is_coming(std::uint64_t start, const Lane* except = nullptr) SEEKABLE_REQUIRES(mutex_);
  bool others_bring(const Need& need) SEEKABLE_REQUIRES(mutex_);
  std::size_t lanes() const SEEKABLE_REQUIRES(mutex_) { return 1 + more_lanes_.size(); }
  bool has_lanes_left() const SEEKABLE_REQUIRES(mutex_) {
    return lanes() + lanes_to_come_ < max_lanes && !no_more_lanes_;
  }
  Lane& lane(std::size_t number) SEEKABLE_REQUIRES(mutex_) {
    return number == 0 ? first_ : *more_lanes_[number - 1];
  }
  bool may_add_lane(const Need& need) SEEKABLE_REQUIRES(mutex_);
  bool size_is_coming(const Need& need) const SEEKABLE_REQUIRES(mutex_) {
    return need.for_size && size_asked_ && !size_answered_;
  }
  bool enter(Waiter& waiter);
  void take(Lane& lane, const Need& need) SEEKABLE_REQUIRES(mutex_);
  void set_idle(Lane& lane);
  void leave(Lane& lane);
  void hand_over(Wakeups& wakeups) SEEKABLE_REQUIRES(mutex_);
  void add(Waiter& waiter) SEEKABLE_REQUIRES(mutex_);
  void remove(Waiter& waiter) SEEKABLE_REQUIRES(mutex_);
  void update_lowest() noexcept SEEKABLE_REQUIRES(mutex_);
  bool yields_until_set(const Event& event) const noexcept;
  void sleep(Waiter& waiter, const Wait* wait) const;
  void check_may_wait(const Need& need, const Wait* wait) const;
  bool window_ends_before(std::uint64_t offset) const noexcept;

  // filler_pull.cpp: what a filler does.
  void run(Lane& lane, const Need& need);
  void run_for_reader(Lane& lane, const Need& need);
  void pull(Lane& lane, const Need& need);
  bool wants_more(std::uint64_t position, const Need& need) const noexcept;
  bool step(Lane& lane, const Need& need, std::span<std::byte> scratch);
  bool fill(Lane& lane, const Need& need, Room& room);
  bool account_for(Lane& lane, const Room& room, Pulled& pulled);
  Next drip(Lane& lane, const Need& need, Room& room, Pulled& pulled);
  bool claim(Lane& lane, std::uint64_t position);
  bool looks_for_end_at(std::uint64_t position) const noexcept;
  bool lacks(std::uint64_t position, const Need& need) const noexcept;
  std::size_t allowance(std::uint64_t position, const Need& need) const noexcept;
  bool read_source(Lane& lane, std::span<std::byte> out, Pulled& pulled);
  void ask_for_size();
  void source_threw(const Lane& lane, const std::exception_ptr& thrown);
  Room room_at(Lane& lane, std::uint64_t position, std::span<std::byte> scratch);
  void declare(std::uint64_t size);
  void accept(Lane& lane, const Room& room, std::span<const std::byte> bytes);
  void store_held(Lane& lane, std::span<std::byte> scratch);
  void fail_overrun();
  void advance_to(Lane& lane, std::uint64_t position) noexcept;
  std::size_t within_end(std::uint64_t position, std::size_t size) const noexcept;
  void source_ended(Lane& lane);
  void set_end(std::uint64_t size);
  bool published(std::uint64_t end);
  void drop_oldest(std::uint64_t end);

  // filler_splice.cpp
  bool may_splice(std::uint64_t position) noexcept {
    // Never block 0, which is in pieces; so a short stream pays one comparison.
    return position > 0 && !sparse() && storage_.may_splice(position);
  }
  bool splice(Lane& lane, const Need& need, std::size_t allowed);

  // filler_lanes.cpp: where a filler of a sparse stream reads.
  std::uint64_t start_of(std::uint64_t byte) noexcept;
  void go_to_start(Lane*& at, const Need& need);
  bool is_barred(const Lane& lane, std::uint64_t start);
  bool reads_through(const Lane& lane, std::uint64_t gap);
  std::optional<std::uint64_t> wanted_from(std::uint64_t start, const Need& need) noexcept;
  void tell_wanted(Lane& lane, std::uint64_t start, const Need& need);
  std::uint64_t begin_where_wanted(Lane& lane, std::uint64_t start, const Need& need);
  void reopen(Lane& lane, std::uint64_t start, const Need& need);
  Lane* add_lane(const Need& need, const Lane* instead_of = nullptr);
  void learn_size(Lane& lane);

  // filler_thread.cpp: the buffer's own thread.
  struct Job {
    Lane* lane = nullptr;  // null: one more connection is to be made for it
    Need need;
    std::uint64_t rooms = 0;  // `rooms_found_` before it was begun
  };
  void start_thread() SEEKABLE_REQUIRES(mutex_);
  void run_thread(const std::stop_token& stop);
  std::optional<Job> next_job() SEEKABLE_REQUIRES(mutex_);
  Need next_step(Need need) SEEKABLE_REQUIRES(mutex_);
  std::optional<Need> next_prefetch() SEEKABLE_REQUIRES(mutex_);
  std::optional<Need> next_ahead() SEEKABLE_REQUIRES(mutex_);
  std::uint64_t first_missing_from(std::uint64_t offset, std::uint64_t end)
      SEEKABLE_REQUIRES(mutex_);
  bool thread_has_work() SEEKABLE_REQUIRES(mutex_);
  void do_job(const Job& job);
  void stall(const std::shared_ptr<const Failure>& trouble, const Job& job) noexcept;
  void end_stall();
  bool on_fill_thread() const noexcept;
  void go_further(std::uint64_t read_to) noexcept;

  // filler_tell.cpp: callbacks, failures, the end.
  void wake_all(Wakeups& wakeups) SEEKABLE_REQUIRES(mutex_);
  bool advance(Callback& callback) SEEKABLE_REQUIRES(mutex_);
  void make_due(const std::shared_ptr<Callback>& callback, std::error_code result) noexcept
      SEEKABLE_REQUIRES(mutex_);
  void look_at_callbacks() noexcept SEEKABLE_REQUIRES(mutex_);
  void run_due_callbacks();
  void call(Callback& callback) noexcept;
  void wait_for_window(const Wait* wait);
  void end_thread() noexcept;
  void drop_sources() noexcept;

  Storage& storage_;
  Outcome& outcome_;
  std::weak_ptr<void> owner_;
  const std::uint64_t window_;  // 0: everything is kept

  // All flags together, so that they take 16 bytes of each buffer.
  const bool window_blocks_;
  const bool ahead_;
  const bool pushed_;                   // a writer is the filler
  std::atomic<bool> drips_{false};      // the filler of a forward-only stream is `Dripping`
  std::atomic<bool> jumps_lie_{false};  // reopening past the end looks like the end: read in order
  std::atomic<bool> has_callbacks_{false};  // ever had one: saves the lock of those who never do
  bool no_more_lanes_ SEEKABLE_GUARDED_BY(mutex_) = false;
  std::uint8_t lanes_to_come_ SEEKABLE_GUARDED_BY(mutex_) = 0;  // whose source is being made
  bool size_asked_ SEEKABLE_GUARDED_BY(mutex_) = false;
  bool size_answered_ SEEKABLE_GUARDED_BY(mutex_) = false;
  bool stalled_ SEEKABLE_GUARDED_BY(mutex_) = false;
  bool shut_down_ SEEKABLE_GUARDED_BY(mutex_) = false;
  mutable std::atomic<std::uint32_t> sleeps_at_once_{0};  // so many waits to come do not yield

  std::atomic<std::uint64_t> reads_{0};
  std::atomic<std::uint64_t> wire_{0};
  std::atomic<std::uint64_t> reopened_{0};
  std::atomic<std::uint64_t> through_{0};       // bytes of gaps that were read through
  std::atomic<std::uint64_t> furthest_{0};      // read by anybody
  std::atomic<std::uint64_t> lowest_{unknown};  // the least that anybody waits for
  std::atomic<std::uint64_t> no_hole_before_{0};
  std::atomic<std::uint64_t> reached_{0};  // by any lane of a sparse stream

  std::uint64_t splice_from_ = 0;  // the filler's alone: before this nothing is spliced

  Mutex mutex_;
  Lane first_;
  RareVector<std::unique_ptr<Lane>> more_lanes_ SEEKABLE_GUARDED_BY(mutex_);
  std::uint64_t clock_ SEEKABLE_GUARDED_BY(mutex_) = 0;
  Waiter* first_waiter_ SEEKABLE_GUARDED_BY(mutex_) = nullptr;
  Waiter* last_waiter_ SEEKABLE_GUARDED_BY(mutex_) = nullptr;
  RareVector<std::shared_ptr<Callback>> callbacks_ SEEKABLE_GUARDED_BY(mutex_);
  RareVector<std::shared_ptr<Callback>> due_ SEEKABLE_GUARDED_BY(mutex_);
  RareVector<ByteRange> prefetch_ SEEKABLE_GUARDED_BY(mutex_);
  ByteRange whole_ SEEKABLE_GUARDED_BY(mutex_);  // nothing is missing in it; for `next_ahead`
  std::uint64_t rooms_found_ SEEKABLE_GUARDED_BY(mutex_) = 0;  // how often a stall would have ended
  std::unique_ptr<std::jthread> thread_ SEEKABLE_GUARDED_BY(mutex_);
  Event work_;          // for the thread
  Event window_moved_;  // for a writer
};

}  // namespace seekable::inline v1::detail
