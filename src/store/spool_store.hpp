// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "base/block.hpp"
#include "base/mutex.hpp"
#include "seekable/memory_budget.hpp"
#include "seekable/options.hpp"
#include "store/block_cipher.hpp"
#include "store/spool_file.hpp"

namespace seekable::inline v1::detail {

/// Where a block lies in the spool.
struct SpoolPlace {
  std::uint8_t file = 0;
  std::uint64_t slot = 0;
};

/// Keeps blocks on disk: in one unlinked file, and in one more for each further directory that
/// had to be used because an earlier one failed. No file exists before the first write.
///
/// The file is direct (offset in the file = offset in the stream) unless blocks are released
/// (a window), encrypted, or lie past what the file system can address.
/// Threads: safe from any number of threads; a block is written by one at a time.
class SpoolStore {
 public:
  SpoolStore(const Options& options, std::unique_ptr<BlockCipher> cipher);
  ~SpoolStore();
  SpoolStore(const SpoolStore&) = delete;
  SpoolStore& operator=(const SpoolStore&) = delete;

  /// False where the limit allows no disk at all.
  bool enabled() const noexcept { return disk_.limit() > 0; }
  bool encrypted() const noexcept { return cipher_ != nullptr; }

  /// Bytes that are kept here now.
  std::uint64_t used() const noexcept { return disk_.used(); }

  /// Bytes that the limit leaves.
  std::uint64_t room() const noexcept { return disk_.limit() - disk_.used(); }

  /// Writes the first bytes of a block, trying one directory after the other.
  ///
  /// Returns: where they are, or nothing: no directory has room (`last_error` says why).
  std::optional<SpoolPlace> write(std::uint64_t block, std::span<const std::byte> bytes);

  /// Writes whole blocks that follow each other, in one call to the system, wherever they lie in
  /// memory.
  ///
  /// Returns: where the first one is, and the others in the slots behind it; or nothing, where that
  /// cannot be: then `write` may still find room for each.
  std::optional<SpoolPlace> write_run(std::uint64_t first, SpoolFile::Pieces pieces);

  /// Opens the file that is spliced to, if it is not open. Returns false where that cannot be.
  bool open_to_splice();

  /// What was spliced: so many bytes, the first block at `place` and the others behind it.
  struct Spliced {
    std::size_t size = 0;
    SpoolPlace place;
  };

  /// Has the kernel write whole blocks that follow each other, `size` bytes that `pipe` holds. What
  /// it could not write the pipe still holds: that must be read, and given to `write`, which finds
  /// room for it or says why there is none.
  ///
  /// Requires: not encrypted, no window, and `open_to_splice`.
  Spliced splice(std::uint64_t first, SplicePipe& pipe, std::size_t size);

  /// Writes on at `at` in a block that has been written up to there. Where its file fails, the
  /// block moves to another: then the place returned is a new one and the old one still reads.
  /// Requires: not encrypted.
  std::optional<SpoolPlace> append(std::uint64_t block, SpoolPlace place, std::size_t at,
                                   std::span<const std::byte> bytes);

  /// Reads bytes of a block that holds `filled` of them.
  ///
  /// Throws: Error at offset of the stream: a disk that fails, or `Errc::spool_corrupt`.
  void read(std::uint64_t block, SpoolPlace place, std::size_t filled, std::size_t at,
            std::span<std::byte> out) const;

  /// Gives back the space of a block of `filled` bytes. Requires: nobody reads it any more.
  void give_up(SpoolPlace place, std::size_t filled) noexcept;

  SpoolFile& file(SpoolPlace place) const noexcept {
    return *files_[place.file].load(std::memory_order_acquire);
  }

  /// The one direct file that holds all that was ever written here; null where there is none.
  SpoolFile* only_direct_file() const noexcept;

  /// As `only_direct_file`, made if nothing was written yet. Null where that is impossible.
  SpoolFile* make_direct_file();

  /// Counts bytes that the caller writes into a direct file himself.
  bool try_take(std::uint64_t size) noexcept { return disk_.try_take(size); }
  void give_back(std::uint64_t size) noexcept { disk_.give_back(size); }

  /// The stream is `size` bytes long: direct files need no more space set aside.
  void finish(std::uint64_t size) noexcept;

  /// The directories, in the order in which they are tried.
  const std::vector<std::filesystem::path>& directories() const noexcept { return directories_; }

  /// Why the last write failed, in words; empty where none has.
  std::string last_error() const;

 private:
  static constexpr std::size_t max_files = 16;

  std::size_t stride() const noexcept;
  std::size_t charge(std::size_t size) const noexcept;
  std::optional<SpoolPlace> try_directory(std::size_t directory, std::uint64_t block,
                                          std::span<const std::byte> prefix,
                                          std::span<const std::byte> bytes);
  std::optional<SpoolPlace> write_sealed(std::uint64_t block, std::span<const std::byte> plain);
  std::optional<SpoolPlace> write_plain(std::uint64_t block, std::span<const std::byte> prefix,
                                        std::span<const std::byte> bytes);
  int write_in(std::uint8_t number, std::uint64_t block, std::span<const std::byte> prefix,
               std::span<const std::byte> bytes, SpoolPlace& place);
  void preallocate(SpoolPlace place, std::size_t size) noexcept;
  std::optional<std::uint8_t> open_file(std::size_t directory, bool direct);
  void note_error(const std::string& text);

  std::vector<std::filesystem::path> directories_;
  MemoryBudget disk_;  // The same arithmetic: what it counts is up to its owner.
  const std::unique_ptr<BlockCipher> cipher_;
  const bool direct_;
  std::array<std::atomic<SpoolFile*>, max_files> files_{};
  std::atomic<std::size_t> current_{0};  // the directory that worked last

  mutable Mutex mutex_;
  struct FileKey {
    std::size_t directory;
    bool direct;
  };
  std::vector<FileKey> keys_ SEEKABLE_GUARDED_BY(mutex_);
  std::string last_error_ SEEKABLE_GUARDED_BY(mutex_);
};

}  // namespace seekable::inline v1::detail
