// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/block.hpp"
#include "base/copy.hpp"
#include "base/mutex.hpp"
#include "core/announcements.hpp"
#include "core/block_table.hpp"
#include "core/retired.hpp"
#include "core/spill_queue.hpp"
#include "seekable/bytes.hpp"
#include "seekable/options.hpp"
#include "seekable/view.hpp"
#include "store/memory_account.hpp"
#include "store/spool_store.hpp"
#include "system/fork.hpp"
#include "system/splice_pipe.hpp"

namespace seekable::inline v1::detail {

/// A filler's hold on the block it fills: pinned from its first byte until it is full or given up.
struct Filling {
  Entry entry;
  std::uint64_t block = 0;
  bool staged = false;  ///< in memory only until it is full, then it goes to the spool
  /// Where its island begins, also before the first byte of it; 0: it has none.
  std::uint32_t island_begin = 0;
};

/// Where a filler may put the next bytes.
struct Room {
  enum class How : std::uint8_t {
    direct,   ///< into the block itself
    through,  ///< into the filler's scratch, from where `commit` writes them to the spool
    skip,     ///< nowhere: kept already, or nobody can read them any more
    full,     ///< nowhere: no store has room; the byte of scratch is to look for the end
  };
  std::span<std::byte> bytes;
  How how = How::direct;
};

/// All that has been kept of one stream: the table of its blocks, and the stores they lie in.
///
///               room                full and staged          make_progress
///     none ------------> memory ---------------------> queued -----------> spool
///       | room             ^                                                ^  |
///       |                  +------ encrypted, and it was not full -------------+
///       +--- no memory: each read is written through -----------------------+
///       +--- memory is short, and whole blocks wait in a pipe: spliced ------+
///
///     any of them --- release_before ---> released: memory reused, hole punched, when nobody
///                                         uses it any more
///
/// A block is *staged* when memory is so short that it may stay there only until it is full.
///
/// The first block is kept in pieces of about 1, 3, 12 and 48 KiB instead of memory of its own.
///
/// A block in memory that is not staged may be begun in its middle: what comes from there on is an
/// *island* until the *head*, what the block has from its first byte on, reaches it.
///
/// Invariants:
///  1. *Publication*, the storing half: bytes are stored, then `filled` is, sequentially
///     consistent (or lightly: filler.hpp); the fill then looks for waiters. A block's place
///     changes only when the new place holds all published bytes (`released` holds none), and what
///     is published stays published: the head only grows, and so does an island, until it is part
///     of the head. Where an island begins is in the place before `filled` tells of it, and until
///     `filled` does not any more.
///  2. *Release*: announcements.hpp for copies; a view counts itself in `pins` and then looks at
///     the place, whoever changes the place then looks at `pins`. What a block has left is retired,
///     and reclaimed when neither covers it.
///  6. *Limits*: memory is counted before it is allocated, disk before it is written.
///  7. *One filler*: a block has one filler, and while it has, it is not in the spill queue.
///
/// Threads: reading calls from any number of threads, without a lock; the calls of a filler by one
///     thread for each block.
class Storage {
 public:
  /// `pulls`: there is a source to pull from; else a writer pushes.
  Storage(Options&& options, bool pulls);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  // Reading (storage_read.cpp).

  /// Copies bytes from `offset` on, at most to the end of its block, or of one of the next where
  /// they lie side by side in the spool. Returns 0 if the first is missing.
  ///
  /// Throws: Error: `released`, a failing disk; `operation_not_permitted` for the spool in a child.
  std::size_t copy(std::uint64_t offset, std::span<std::byte> out);

  /// Copies all of `out`, as most reads are: from one block in memory. Returns false, having copied
  /// nothing, where they are not.
  bool copy_in_memory(std::uint64_t offset, std::span<std::byte> out) noexcept;

  /// Tells the processor that `size` bytes from `offset` on are about to be copied. Returns true if
  /// the first of them is in memory. Of pieces nothing is fetched.
  bool bring_near(std::uint64_t offset, std::size_t size) noexcept;

  /// Bytes kept from `offset` on, at most to the end of its block; 0 below `low`.
  std::size_t kept_in_block(std::uint64_t offset) noexcept;

  /// Where a filler that is to bring the byte at `offset` begins: at the end of the island, where
  /// that begins at or before it, else at the end of the head; the block's end, if it was given up.
  std::uint64_t fill_from(std::uint64_t offset) noexcept;

  /// Bytes from `offset` on, at most to the end of its block, that no filler need store: kept, or
  /// given up.
  std::size_t to_skip(std::uint64_t offset) noexcept;

  /// The first byte at or after `offset` that is missing; at most `limit`.
  std::uint64_t first_missing(std::uint64_t offset, std::uint64_t limit) noexcept;

  /// The first byte at or after `offset`, which is missing, that is kept; at most `limit`.
  std::uint64_t first_kept(std::uint64_t offset, std::uint64_t limit) noexcept;

  /// Pins bytes at `offset`. Returns none if the first is missing. Throws as `copy`.
  std::span<const std::byte> pin(std::uint64_t offset, std::size_t max_size, ViewPin& pin);
  void unpin(ViewPin& pin) noexcept;

  /// Bytes of a file.
  struct FileRange {
    int fd = -1;
    std::uint64_t offset = 0;
    std::size_t size = 0;
  };

  /// As `pin`, but tells where in a file the bytes are; none if they are missing, in memory, or
  /// encrypted.
  std::optional<FileRange> pin_in_file(std::uint64_t offset, std::size_t max_size, ViewPin& pin);

  /// A copy to lend where the bytes themselves cannot be; counted as memory.
  std::unique_ptr<std::byte[]> take_copy(std::uint64_t offset, std::size_t size);

  /// Counts memory that the caller allocates himself.
  bool take_memory(std::uint64_t size) noexcept { return account_.try_take(size); }
  void give_memory_back(std::uint64_t size) noexcept { account_.give_back(size); }

  /// Where the bytes of `[0, size)` are; `size` may be unknown.
  std::vector<Extent> residency(std::uint64_t size);

  /// The lowest offset that can still be read.
  std::uint64_t low() const noexcept { return low_.load(std::memory_order_seq_cst); }

  // Filling (storage_fill.cpp, storage_island.cpp).

  /// Where the byte at `position`, and those behind it in its block, may be stored. Takes hold of
  /// the block; the block before it is let go. `scratch` is for what cannot be stored directly.
  /// Requires: there the head of the block ends, or its island, or `begin_island` said so.
  ///
  /// Returns: `full`, not an error, where no store has room.
  /// Throws: the system's code where a disk fails that is read; std::bad_alloc.
  /// Blocks: for the disk.
  Room room(std::uint64_t position, Filling& filling, std::span<std::byte> scratch);

  /// Has the block of `offset` filled from there on, or from up to 255 bytes before, whatever it
  /// lacks below. Takes hold of the block as `room`, also where it returns none, unless it was
  /// given up.
  ///
  /// Returns: where; none if it may have no island there.
  /// Blocks: for the disk.
  std::optional<std::uint64_t> begin_island(std::uint64_t offset, Filling& filling);

  /// Throws `disk_full`: no store has room for the byte at `offset`.
  [[noreturn]] void throw_disk_full(std::uint64_t offset) const;

  /// Publishes `size` bytes that were put into `room`.
  ///
  /// Requires: `room` is not `full`.
  ///
  /// Throws (through): Error `disk_full`, std::bad_alloc: then nothing is published and the caller
  ///     keeps the bytes.
  void commit(std::uint64_t position, Filling& filling, const Room& room, std::size_t size) {
    if (room.how == Room::How::direct || commit_elsewhere(position, filling, room, size)) {
      publish(filling, in_block(position) + size);
    }
  }

  /// Publishes that the block is filled so far, but not full. Requires: the bytes are there; the
  /// block has no island (those of a forward-only stream have none); and the caller passes a light
  /// fence behind it.
  static void publish_lightly(Filling& filling, std::size_t filled) noexcept {
    filling.entry.filled_word().store(static_cast<std::uint32_t>(filled),
                                      std::memory_order_release);
  }

  // Splicing (storage_splice.cpp).

  /// True if a block begins at `position` that may go from a pipe to the spool without passing
  /// through memory: there it would have to be staged. Requires: it is not block 0.
  bool may_splice(std::uint64_t position) noexcept;

  /// Pins whole blocks that are not begun, from `position` on, as far as `most` bytes go. Lets go
  /// of `filling`.
  ///
  /// Returns: how many bytes. Requires: `may_splice`, and `most` is no more than a pipe gives.
  std::size_t room_to_splice(std::uint64_t position, Filling& filling, std::size_t most,
                             PinnedBlocks& pinned);

  /// Has `size` bytes that `pipe` holds written to the spool, and publishes them. Where the disk
  /// fails within a block, `filling` holds that block; the pipe holds the rest.
  ///
  /// Returns: how many. Requires: they are whole blocks, all of them `pinned`.
  std::size_t splice(std::uint64_t position, Filling& filling, std::size_t size,
                     PinnedBlocks& pinned, SplicePipe& pipe);

  /// Lets go of the block, full or not.
  void let_go(Filling& filling) noexcept;

  /// The stream is `size` bytes long.
  void finish(std::uint64_t size) noexcept;

  /// True if a byte at `position` would not be kept.
  bool skips(std::uint64_t position) const noexcept { return block_of(position) < block_of(low()); }

  // Releasing and spilling (storage_release.cpp).

  /// Gives up what lies below `offset`. What there is no memory to note stays counted until
  /// `release_before` or `reap` is called again.
  void release_before(std::uint64_t offset) noexcept;

  /// Reclaims what nobody uses any more.
  void reap() noexcept;

  /// Ends the second stage. Blocks: for a write under way, or for page faults of 2 MiB.
  void stop() noexcept;

  const MemoryAccount& account() const noexcept { return account_; }
  SpoolStore* spool() const noexcept { return spool_.load(std::memory_order_acquire); }
  SpoolStore& make_spool();
  bool may_spool() const noexcept { return options_.disk_limit != std::uint64_t{0}; }
  bool is_forked_child() const noexcept { return fork_.is_child(); }
  const Options& options() const noexcept { return options_; }

  /// Throws `operation_not_permitted` in a forked child.
  void check_not_forked(std::uint64_t offset) const;

  std::uint64_t spills() const noexcept { return spills_.load(std::memory_order_relaxed); }
  std::uint64_t spilled_bytes() const noexcept {
    return spilled_bytes_.load(std::memory_order_relaxed);
  }

 private:
  /// The first block's pieces; a piece ends where the next begins. The first is what the heap gives
  /// fastest, and 8 bytes more than 1 KiB: a stream of so much needs no other to find its end.
  static constexpr std::array<std::size_t, 5> piece_begin{0, 1032, 4 * 1024, 16 * 1024, 64 * 1024};
  static constexpr std::size_t piece_count = 4;
  static std::size_t piece_of(std::size_t at) noexcept {
    std::size_t piece = 0;
    while (at >= piece_begin[piece + 1]) ++piece;
    return piece;
  }

  /// The entry of the block of `offset`, and how many bytes are kept from there to the block's end;
  /// none where there are none. Requires: an announcement of the block; `offset` not below `low`.
  Entry find_kept(std::uint64_t offset, std::size_t& kept) noexcept;
  std::size_t copy_run(std::uint64_t offset, Place place, std::span<std::byte> out,
                       std::size_t size, std::size_t blocks);
  void copy_from(std::uint64_t block, Entry entry, std::size_t at, std::span<std::byte> out) const;
  bool copy_spooled(std::uint64_t block, Entry entry, Place place, std::size_t at,
                    std::span<std::byte> out) const;
  void copy_pieces(std::size_t at, std::span<std::byte> out) const noexcept;
  Entry pin_entry(std::uint64_t offset, std::size_t& kept, bool for_view, ViewPin& pin);
  std::span<const std::byte> copied(std::uint64_t offset, std::size_t size, ViewPin& pin);
  std::span<const std::byte> pinned(std::uint64_t block, Entry entry, std::size_t at,
                                    std::size_t size, ViewPin& pin);
  [[noreturn]] void throw_released() const;

  void publish(Filling& filling, std::size_t stored_to);
  void publish_beside_island(Filling& filling, std::size_t stored_to);
  bool make_island(std::size_t begin, Filling& filling);
  static void forget_island(Filling& filling) noexcept;
  std::size_t ring_blocks() const noexcept;
  static Room no_room(std::span<std::byte> scratch) noexcept;
  static Room room_to_skip(std::size_t at, std::span<std::byte> scratch) noexcept;
  bool begin_block(std::uint64_t block, Filling& filling);
  std::byte* take_block(bool& staged);
  void give_block_back(std::byte* block) noexcept;
  bool take_piece(std::size_t size) noexcept;
  bool make_memory_free();
  Room room_in_memory(std::size_t at, Filling& filling, std::span<std::byte> scratch);
  Room room_in_pieces(std::size_t at, Filling& filling, std::span<std::byte> scratch);
  Room room_of_sealed(std::size_t at, Filling& filling, std::span<std::byte> scratch);
  Room room_through(std::size_t at, Filling& filling, std::span<std::byte> scratch);
  static bool is_idle_kind(std::size_t piece, std::size_t size) noexcept;
  static std::byte* make_piece(std::size_t piece, std::size_t size) noexcept;
  static void free_piece(std::size_t piece, std::size_t size, std::byte* bytes) noexcept;
  bool add_piece();
  bool move_pieces_to_spool(Filling& filling);
  bool move_pieces_to_memory(Filling& filling);
  std::uint64_t staging_reserve_blocks() const noexcept;
  bool is_short_of_memory() const noexcept;
  /// For what was not put into the block itself. Returns: whether there is anything to publish.
  bool commit_elsewhere(std::uint64_t position, Filling& filling, const Room& room,
                        std::size_t size) {
    return room.how == Room::How::through &&
           write_through(position, filling, room.bytes.first(size));
  }
  bool write_through(std::uint64_t position, Filling& filling, std::span<const std::byte> bytes);
  bool note_written_through(const Filling& filling, Place before, SpoolPlace place, std::size_t at,
                            std::size_t added);

  bool replace(RetiredList& links, std::uint64_t block, Entry entry, Place before, Place after,
               std::uint64_t size = unknown) noexcept SEEKABLE_EXCLUDES(mutex_);
  void retire(RetiredList& links, Retired retired) noexcept SEEKABLE_REQUIRES(mutex_);
  void give_up_released() noexcept SEEKABLE_REQUIRES(mutex_);
  void give_up(std::uint64_t block, Entry entry) SEEKABLE_REQUIRES(mutex_);
  void remove_nodes_before(std::uint64_t block) SEEKABLE_REQUIRES(mutex_);
  bool in_use(Retired& retired) noexcept SEEKABLE_REQUIRES(mutex_);
  bool in_use(RetiredNode& retired) noexcept SEEKABLE_REQUIRES(mutex_);
  template <typename T>
  std::forward_list<T> take_unused(std::forward_list<T>& retired) noexcept
      SEEKABLE_REQUIRES(mutex_);
  void reclaim(const Retired& retired) noexcept;
  bool only_announced() noexcept;
  SpillQueue& queue();
  void want_prefault(std::uint64_t block) noexcept;
  std::size_t spill(SpillQueue::Blocks blocks);
  std::size_t write_run(SpillQueue::Blocks blocks, std::span<const Entry> entries);
  bool write_to_spool(std::uint64_t block, Entry entry);
  void move_to_spool(RetiredList& links, std::uint64_t block, Entry entry, Place before,
                     SpoolPlace place, std::size_t filled) noexcept;
  void free_pieces() noexcept;

  const Options options_;
  const ForkCheck fork_;
  std::atomic<std::uint32_t> piece_room_{0};  // bytes of the first block that its pieces can hold
  MemoryAccount account_;
  BlockTable table_;
  std::array<std::byte*, piece_count> pieces_{};
  std::atomic<std::uint64_t> low_{0};
  std::atomic<SpoolStore*> spool_{nullptr};
  std::atomic<std::uint32_t> retired_count_{0};
  const bool two_stages_;
  bool release_unfinished_ SEEKABLE_GUARDED_BY(mutex_) = false;  // here it makes no buffer larger
  std::atomic<std::byte*> last_taken_{nullptr};  // the next had best lie behind it: fewer pieces

  std::atomic<std::uint64_t> spills_{0};
  std::atomic<std::uint64_t> spilled_bytes_{0};

  mutable Mutex mutex_;
  RetiredList retired_ SEEKABLE_GUARDED_BY(mutex_);
  RetiredNodes retired_nodes_ SEEKABLE_GUARDED_BY(mutex_);
  std::uint64_t released_blocks_ SEEKABLE_GUARDED_BY(mutex_) = 0;
  std::uint64_t blocks_end_ SEEKABLE_GUARDED_BY(mutex_) = 1;  // behind the last one begun

  std::atomic<SpillQueue*> queue_{nullptr};  // owned; made when it is first needed
};

inline Entry Storage::find_kept(std::uint64_t offset, std::size_t& kept) noexcept {
  const Entry entry = table_.find(block_of(offset));
  if (!entry) return {};
  const auto [filled, island_begin] = entry.kept();
  kept = filled.published_from(in_block(offset), island_begin);
  return kept > 0 ? entry : Entry();
}

inline bool Storage::copy_in_memory(std::uint64_t offset, std::span<std::byte> out) noexcept {
  const Announcement announced(this, block_of(offset));
  if (offset < low() || out.empty()) return false;
  std::size_t kept = 0;
  const Entry entry = find_kept(offset, kept);
  if (!entry || out.size() > kept) return false;
  const Place place = entry.place();
  if (place.kind() == Place::Kind::memory) {
    copy_bytes(out.data(), place.address() + in_block(offset), out.size());
    return true;
  }
  if (place.kind() != Place::Kind::pieces) return false;
  copy_pieces(in_block(offset), out);
  return true;
}

// invariant 1
inline void Storage::publish(Filling& filling, std::size_t stored_to) {
  if (filling.island_begin > 0) [[unlikely]] {
    publish_beside_island(filling, stored_to);
    return;
  }
  filling.entry.filled_word().store(static_cast<std::uint32_t>(stored_to),
                                    std::memory_order_seq_cst);
  if (stored_to == block_size) let_go(filling);
}

}  // namespace seekable::inline v1::detail
