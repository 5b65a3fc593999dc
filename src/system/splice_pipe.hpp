// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "seekable/file_descriptor.hpp"

namespace seekable::inline v1::detail {

/// A pipe of our own through which the kernel moves bytes from another pipe into a file: they are
/// copied once, into the file, and never through the memory of the process.
///
/// It takes two steps, since the kernel holds the lock of the pipe that it reads while it writes
/// the file, and the other pipe's lock keeps its writer waiting. The first step moves pages from
/// pipe to pipe, and copies nothing.
/// Threads: one at a time.
class SplicePipe {
 public:
  /// Less than this is not worth the calls.
  static constexpr std::size_t least = 64 * 1024;
  /// More than this may not fit: of its 1 MiB a page is lost where the first bytes begin in the
  /// middle of one.
  static constexpr std::size_t most = 1024 * 1024 - least;

  /// How many bytes have come to the pipe `from` that `take` could take; 0: too few, or it cannot
  /// now, or never: then they are to be read.
  std::size_t takes(int from) const noexcept;

  /// Takes up to `most` bytes out of `from` that have come already. Does not wait.
  ///
  /// Returns: how many; 0 where that cannot be done.
  std::size_t take(int from, std::size_t most) noexcept;

  /// Bytes that were taken and have gone nowhere yet.
  std::size_t held() const noexcept { return held_; }

  /// Writes `size` bytes of what is held into the file `fd` at `offset`. Returns how many: all, but
  /// for a disk that fails. The rest is still held.
  std::size_t write_to(int fd, std::uint64_t offset, std::size_t size) noexcept;

  /// Reads what is held into memory, as `read` would. Requires: something is held.
  ssize_t read(void* data, std::size_t size) noexcept;

 private:
  bool make() noexcept;

  FileDescriptor read_end_;
  FileDescriptor write_end_;
  std::size_t held_ = 0;
  bool useless_ = false;  // it cannot be made, or cannot be used here
};

}  // namespace seekable::inline v1::detail
