// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "seekable/file_descriptor.hpp"
#include "seekable/source.hpp"

namespace seekable::inline v1::detail {

/// Reads a regular file at any offset, in place.
///
/// Bytes are given only if the file, looked at after they were read, is still what it
/// was when it was opened: its size, its times of modification and of change. (Its names,
/// rights and owner may change.) The kernel notes the time of a write before its bytes; only a
/// write through a mapping that was already written to can go unnoticed.
///
/// Threads: `pread`, `fd`, `fixed_size`, `info`, `cancel` and `another` from any number of threads
///     at once; the rest as `Source` has it.
class FileSource final : public RestartableSource {
 public:
  /// Takes `fd`, open for reading, if it is a regular file that tells the truth about its size.
  /// Returns: null, and leaves `fd` alone, if it is not: then it can only be read forward.
  static std::unique_ptr<FileSource> open(FileDescriptor& fd, const std::filesystem::path& path);

  std::size_t read_some(std::span<std::byte> out) override;
  std::optional<std::uint64_t> size() const override { return fixed_size(); }
  void cancel() noexcept override { cancelled_.store(true, std::memory_order_relaxed); }
  SourceInfo info() const override;
  void reopen(std::uint64_t offset, std::optional<std::uint64_t> wanted) override;
  bool worth_reading_through(std::uint64_t gap) const override { return gap == 0; }
  std::unique_ptr<RestartableSource> another() const override;

  /// Reads the bytes `[offset, offset + out.size())`; not ended by `cancel`.
  ///
  /// Returns: how many; fewer than asked only at the end, 0 only at or past it.
  /// Throws: Error with the system's code, or `Errc::source_changed`; never gives
  ///     bytes of which it is not sure.
  std::size_t pread(std::uint64_t offset, std::span<std::byte> out) const;

  /// The open file. Its own position is never used.
  int fd() const noexcept { return file_->fd.get(); }

  /// The size when it was opened; a file of another size has changed.
  std::uint64_t fixed_size() const noexcept {
    return static_cast<std::uint64_t>(file_->status.st_size);
  }

  /// Throws `Errc::source_changed` if the file is no longer what was opened; for those who read
  /// `fd` themselves, after they did. `offset`: where they read.
  void check_unchanged(std::uint64_t offset) const;

 private:
  struct File {
    FileDescriptor fd;
    std::filesystem::path path;
    struct ::stat status;
  };

  explicit FileSource(std::shared_ptr<const File> file) : file_(std::move(file)) {}
  std::string what() const;

  const std::shared_ptr<const File> file_;  // One for all connections.
  std::uint64_t position_ = 0;
  std::atomic<bool> cancelled_{false};
};

}  // namespace seekable::inline v1::detail
