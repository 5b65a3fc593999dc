// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "seekable/memory_budget.hpp"

namespace seekable::inline v1 {

/// Who pulls from the source, and when.
enum class Fill : std::uint8_t {
  /// Whoever needs a byte that is not there pulls it. A thread is made only by a call that may not
  /// wait in the source: one with a `Wait`, `wait_for`, `when_available`, `prefetch`.
  on_demand,
  /// A thread of the buffer's own pulls ahead of the readers. A second one writes to the spool, or
  /// makes memory ready, for long streams.
  ahead,
};

/// What a full window does with the next byte.
enum class WhenFull : std::uint8_t {
  drop_oldest,  ///< gives up the oldest byte: the window is the last bytes of the stream
  /// Stops the fill until the slowest `Reader` has moved on. A call that needs a byte further on
  /// (also `wait_for_size`, `to_file`, `save`) waits until another thread moves it.
  block,
};

/// Which bytes a buffer keeps.
class Retention {
 public:
  /// All of them.
  static constexpr Retention everything() noexcept { return {}; }

  /// A window of `size` bytes: the last ones (`drop_oldest`), or those past the slowest living
  /// `Reader` (`block`; with no Reader, past the mark of `release_before`). At least 1 byte.
  ///
  /// It is kept in blocks of 64 KiB: with a `memory_limit` of 192 KiB more than `size` it needs no
  /// disk; with much less, and no disk, new bytes give `Errc::disk_full`.
  static constexpr Retention window(std::uint64_t size, WhenFull when_full) noexcept {
    Retention retention;
    retention.window_ = size;
    retention.when_full_ = when_full;
    return retention;
  }

  /// The size of the window in bytes; nothing where everything is kept.
  constexpr std::optional<std::uint64_t> window_size() const noexcept { return window_; }

  /// Has a meaning for a window only.
  constexpr WhenFull when_full() const noexcept { return when_full_; }

 private:
  std::optional<std::uint64_t> window_;
  WhenFull when_full_ = WhenFull::drop_oldest;
};

/// How a buffer keeps and fetches its bytes. The defaults suit most programs.
struct Options {
  /// Bytes of memory for the stream, staging buffers included. Hard: checked before each
  /// allocation. More means fewer bytes on disk. Below 128 KiB the spool is written in small
  /// pieces. Tables about the bytes (15 bytes for each 64 KiB) do not count.
  std::uint64_t memory_limit = 5 * 1024 * 1024;

  /// Bytes of disk for the stream. Hard: checked before each write. Nothing: no limit.
  /// 0: memory only, no file is ever made.
  std::optional<std::uint64_t> disk_limit = std::nullopt;

  /// Where the spool may lie; the first that works is used, and the next when it fails.
  /// Empty: `$TMPDIR`, else `/var/tmp`. (`/tmp` is often memory.)
  std::vector<std::filesystem::path> spool_directories = {};

  Fill fill = Fill::on_demand;

  /// With `Fill::ahead`: how many bytes past the furthest reader are pulled. Nothing: as many as
  /// the limits allow.
  std::optional<std::uint64_t> read_ahead = std::nullopt;

  Retention retention = Retention::everything();

  /// Encrypts what goes to disk with a key that exists in memory alone. A block is sealed in
  /// memory, so a `memory_limit` below 128 KiB gives `Errc::disk_full` behind it. Needs
  /// `seekable::crypto` to be linked; else the buffer's constructor throws
  /// `std::errc::function_not_supported`.
  bool encrypt_spool = false;

  /// The size of the stream in bytes, if the caller knows it. A claim like the source's own, and
  /// it takes the place of that one.
  std::optional<std::uint64_t> expected_size = std::nullopt;

  /// Memory shared with other buffers, on top of `memory_limit`. Null: none.
  std::shared_ptr<MemoryBudget> memory_budget = nullptr;
};

}  // namespace seekable::inline v1
