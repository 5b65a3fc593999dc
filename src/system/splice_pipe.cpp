// SPDX-License-Identifier: Apache-2.0
#include "system/splice_pipe.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "system/calls.hpp"

namespace seekable::inline v1::detail {

namespace {

constexpr int pipe_bytes = SplicePipe::least + SplicePipe::most;

}  // namespace

bool SplicePipe::make() noexcept {
  int ends[2];
  if (sys::pipe(ends) != 0) return false;
  read_end_.reset(ends[0]);
  write_end_.reset(ends[1]);
  // Refused to those who have many large pipes already: then it holds 64 KiB.
  ::fcntl(write_end_.get(), F_SETPIPE_SZ, pipe_bytes);
  return true;
}

std::size_t SplicePipe::takes(int from) const noexcept {
  if (useless_ || held_ > 0) return 0;
  const std::size_t come = sys::bytes_in(from);
  return come >= least ? come : 0;
}

std::size_t SplicePipe::take(int from, std::size_t most) noexcept {
  if (!write_end_ && !make()) {
    useless_ = true;
    return 0;
  }
  while (held_ < most) {
    const ssize_t moved = sys::splice_now(from, write_end_.get(), most - held_);
    if (moved <= 0) {
      // Ours may be full, and somebody else may read the same pipe.
      useless_ = moved < 0 && errno != EAGAIN;
      break;
    }
    held_ += static_cast<std::size_t>(moved);
  }
  return held_;
}

std::size_t SplicePipe::write_to(int fd, std::uint64_t offset, std::size_t size) noexcept {
  std::size_t written = 0;
  while (written < size) {
    const ssize_t moved =
        sys::splice_to_file(read_end_.get(), fd, offset + written, size - written);
    if (moved <= 0) {
      // Not the disk, but a file system that does not know how: another try would end the same.
      useless_ = moved < 0 && (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP);
      break;
    }
    written += static_cast<std::size_t>(moved);
    held_ -= static_cast<std::size_t>(moved);
  }
  return written;
}

ssize_t SplicePipe::read(void* data, std::size_t size) noexcept {
  const ssize_t got = sys::read(read_end_.get(), data, std::min(size, held_));
  if (got > 0) held_ -= static_cast<std::size_t>(got);
  return got;
}

}  // namespace seekable::inline v1::detail
