// SPDX-License-Identifier: Apache-2.0
#include "system/splice_pipe.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "system/calls.hpp"

namespace seekable::inline v1::detail {

bool SplicePipe::make() noexcept {
  int ends[2];
  if (sys::pipe(ends) != 0) return false;
  read_end_.reset(ends[0]);
  write_end_.reset(ends[1]);
  // What is held is there to be read. A source of packets may lose some of it: better an error
  // then.
  ::fcntl(read_end_.get(), F_SETFL, O_NONBLOCK);
  // Refused to users who have many large pipes: then there may be no room for a whole block.
  return ::fcntl(write_end_.get(), F_SETPIPE_SZ, pipe_bytes) >= static_cast<int>(pipe_bytes);
}

std::size_t SplicePipe::waiting_in(int from) const noexcept {
  if (useless_ || held_ > 0) return 0;
  const std::size_t waiting = sys::bytes_in(from);
  return waiting >= least_bytes ? waiting : 0;
}

std::size_t SplicePipe::take(int from, std::size_t most) noexcept {
  if (!write_end_ && !make()) {
    close();
    useless_ = true;
    return 0;
  }
  while (held_ < most) {
    const ssize_t moved = sys::splice_now(from, write_end_.get(), most - held_);
    if (moved <= 0) {
      // EAGAIN is no fault of the pipe: ours is full, or somebody else has read the bytes.
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

ssize_t SplicePipe::read_through(int from, void* data, std::size_t size) noexcept {
  const ssize_t moved = sys::splice_now(from, write_end_.get(), std::min(size, most_bytes));
  if (moved <= 0) return moved;
  held_ = static_cast<std::size_t>(moved);
  const ssize_t got = read(data, size);
  if (got < 0) held_ = 0;  // To its owner nothing has come.
  return got;
}

void SplicePipe::close() noexcept {
  read_end_.reset();
  write_end_.reset();
}

ssize_t SplicePipe::read(void* data, std::size_t size) noexcept {
  const ssize_t got = sys::read(read_end_.get(), data, std::min(size, held_));
  if (got > 0) {
    held_ -= static_cast<std::size_t>(got);
    return got;
  }
  if (got == 0 || errno == EAGAIN) errno = EIO;  // A source of packets lost some of it.
  return -1;
}

}  // namespace seekable::inline v1::detail
