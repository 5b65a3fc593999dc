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
/// Two steps: while the kernel splices a pipe into a file it holds that pipe's lock, so the writer
/// of the stream would wait for the disk. So pages go to a pipe of our own first, which copies
/// nothing, and from there into the file.
///
/// Threads: one at a time.
class SplicePipe {
 public:
  /// What it has room for. More gains little, and all pipes of a user share 64 MiB.
  static constexpr std::size_t pipe_bytes = 512 * 1024;
  /// One block. Less is not worth the calls.
  static constexpr std::size_t least_bytes = 64 * 1024;
  /// What surely fits, in whole blocks: where the first bytes begin in the middle of a page, one
  /// page of the pipe is lost.
  static constexpr std::size_t most_bytes = pipe_bytes - least_bytes;

  /// How many bytes wait in the pipe `from` that `take` could take; 0: fewer than `least_bytes`, or
  /// it cannot now, or never: then they are to be read.
  std::size_t waiting_in(int from) const noexcept;

  /// Takes up to `most` bytes out of `from` that have come already. Requires: nothing is held.
  ///
  /// Returns: how many; 0 where that cannot be done.
  /// Blocks: never.
  std::size_t take(int from, std::size_t most) noexcept;

  /// Reads from `from` by way of this pipe, which must be made: for once it was spliced, the kernel
  /// has no other read of a pipe that does not wait. Requires: nothing is held.
  ///
  /// Returns: what `read` returns, -1 with EAGAIN where it would have to wait.
  /// Blocks: never.
  ssize_t read_through(int from, void* data, std::size_t size) noexcept;

  /// True from the first `take` on, until `close`.
  bool is_made() const noexcept { return static_cast<bool>(write_end_); }

  /// Closes the pipe. Requires: nothing is held.
  void close() noexcept;

  /// Bytes that were taken and have gone nowhere yet.
  std::size_t held() const noexcept { return held_; }

  /// Writes `size` bytes of what is held into the file `fd` at `offset`.
  ///
  /// Returns: how many; fewer where the disk has no room or fails, or its file system cannot be
  /// spliced to. The rest is still held.
  /// Blocks: for the disk.
  std::size_t write_to(int fd, std::uint64_t offset, std::size_t size) noexcept;

  /// Reads what is held into memory. Requires: something is held.
  ///
  /// Returns: how many bytes; -1 with an errno value.
  /// Blocks: never.
  ssize_t read(void* data, std::size_t size) noexcept;

 private:
  bool make() noexcept;

  FileDescriptor read_end_;
  FileDescriptor write_end_;
  std::size_t held_ = 0;
  bool useless_ = false;  // it cannot be made, or cannot be used here
};

}  // namespace seekable::inline v1::detail
