// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/block.hpp"
#include "base/mutex.hpp"
#include "seekable/file_descriptor.hpp"
#include "system/splice_pipe.hpp"

namespace seekable::inline v1::detail {

/// One unlinked file of slots, a slot for each block. In a direct file the slot's number is the
/// block's, so that the offset in the file is the offset in the stream; else slots are taken as
/// needed and reused.
///
/// Threads: safe from any number of threads, as long as nobody reads a slot while it is written
///     for another block.
class SpoolFile {
 public:
  /// Makes the file. `slot_size` is its stride in bytes.
  ///
  /// Throws: std::system_error naming the directory.
  SpoolFile(const std::filesystem::path& directory, std::size_t slot_size, bool direct);
  ~SpoolFile();
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;

  int fd() const noexcept { return fd_.get(); }
  bool direct() const noexcept { return direct_; }
  bool linkable() const noexcept { return linkable_; }
  const std::filesystem::path& directory() const noexcept { return directory_; }

  /// The slot for a new block.
  std::uint64_t take_slot(std::uint64_t block);
  void put_slot(std::uint64_t slot) noexcept;

  /// Writes from `at` in a slot on, and over into the slots behind it. Returns 0, or an errno
  /// value.
  int write(std::uint64_t slot, std::size_t at, std::span<const std::byte> bytes) noexcept;

  /// Pieces of memory that follow each other in the file. To write them uses the array up.
  using Pieces = std::span<std::span<const std::byte>>;

  /// As `write`, from the start of a slot on: `pieces`, `size` bytes in all.
  int write_pieces(std::uint64_t slot, Pieces pieces, std::size_t size) noexcept;

  /// Has the kernel write `size` bytes that `pipe` holds, from the start of a slot on and over into
  /// the slots behind it. Returns how many; the pipe still holds the rest.
  std::size_t splice(std::uint64_t slot, SplicePipe& pipe, std::size_t size) noexcept;

  /// Reads exactly `out.size()` bytes. Returns 0, or an errno value.
  int read(std::uint64_t slot, std::size_t at, std::span<std::byte> out) const noexcept;

  /// Gives the space of a slot back to the file system. Returns false, and does nothing, where the
  /// file was handed out.
  bool punch(std::uint64_t slot) noexcept;

  /// Tells that a slot is about to be written. Where much was written in order, asks the file
  /// system to set space aside for what comes next: a wish, and nothing happens where it cannot.
  void preallocate(std::uint64_t slot) noexcept;

  /// Ends preallocation: the file is `size` bytes long, and what lies behind is given back.
  /// Requires: nothing is written at or past `size`, ever. Returns 0, or an errno
  /// value.
  int finish(std::uint64_t size) noexcept;

  /// From now on others may hold the file: no hole is punched any more.
  void hand_out() noexcept { handed_out_.store(true, std::memory_order_seq_cst); }

  /// A mapped part of the file, counted in and out.
  struct Window {
    SpoolFile* file = nullptr;
    std::byte* data = nullptr;
    std::size_t users = 0;
  };

  /// Maps the window that holds the slot and counts a user of it. Returns null with errno set
  /// where that fails. `bytes` becomes the address of the slot.
  Window* map(std::uint64_t slot, const std::byte*& bytes);
  void unmap(Window* window) noexcept;

 private:
  // A mapping costs address space alone, of which there is plenty; making one costs as much as a
  // hundred views.
  static constexpr std::uint64_t slots_in_window = 256;
  static constexpr std::size_t max_idle_windows = 256;

  std::optional<std::uint64_t> offset_of(std::uint64_t slot, std::size_t at,
                                         std::size_t size) const noexcept;
  int read_past_page(std::uint64_t offset, std::span<std::byte> out) const noexcept;
  void drop_idle_windows() noexcept SEEKABLE_REQUIRES(windows_mutex_);

  const std::filesystem::path directory_;
  const std::size_t slot_size_;
  const bool direct_;
  bool linkable_ = false;
  std::atomic<bool> handed_out_{false};
  FileDescriptor fd_;

  mutable Mutex mutex_;
  std::vector<std::uint64_t> free_slots_ SEEKABLE_GUARDED_BY(mutex_);
  std::uint64_t next_slot_ SEEKABLE_GUARDED_BY(mutex_) = 0;
  Mutex windows_mutex_;  // apart: a view waits for nobody who fills
  // Those that nobody uses stay, for the next view, until there are many.
  std::unordered_map<std::uint64_t, Window> windows_ SEEKABLE_GUARDED_BY(windows_mutex_);
  std::size_t idle_windows_ SEEKABLE_GUARDED_BY(windows_mutex_) = 0;
  // Where what is written without a gap ends, and from where on space is set aside for it next.
  std::uint64_t order_end_ SEEKABLE_GUARDED_BY(mutex_) = unknown;
  std::uint64_t next_step_ SEEKABLE_GUARDED_BY(mutex_) = 0;
  bool has_set_aside_ SEEKABLE_GUARDED_BY(mutex_) = false;
  bool finished_ SEEKABLE_GUARDED_BY(mutex_) = false;
  std::optional<std::uint64_t> end_ SEEKABLE_GUARDED_BY(mutex_);  // set by `finish`
};

}  // namespace seekable::inline v1::detail
