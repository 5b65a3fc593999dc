// SPDX-License-Identifier: Apache-2.0
#include "source/fd_source.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "seekable/error.hpp"
#include "seekable/sources.hpp"
#include "system/calls.hpp"

namespace seekable::inline v1 {

namespace detail {

namespace {

bool would_wait(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

bool cannot_read_now(int error) {
  return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL || error == ESPIPE;
}

}  // namespace

/// What comes in packets is no stream: what of one does not fit where it is read to is lost.
void FdSource::check_is_stream() const {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(fd_, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type == SOCK_STREAM) return;
  throw Error(std::make_error_code(std::errc::wrong_protocol_type),
              what() + ", which gives packets and not a stream of bytes", position());
}

FdSource::Way FdSource::look_at_kind() {
  struct ::stat status{};
  if (sys::fstat(fd_, &status) != 0) return Way::poll_and_read;  // The read says what is wrong.
  if (S_ISSOCK(status.st_mode)) {
    check_is_stream();
    return Way::recv_now;
  }
  is_pipe_ = S_ISFIFO(status.st_mode);
  if (is_pipe_) return Way::read_now;
  if (S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode)) return Way::blocking;
  // Some files of /proc and /sys are streams that wait; they have no size.
  if (S_ISREG(status.st_mode) && status.st_size > 0) return Way::blocking;
  return Way::poll_and_read;
}

/// Returns: what `read` returns, -1 with EAGAIN where it would have to wait.
std::int64_t FdSource::try_read(std::span<std::byte> out) {
  if (way_ == Way::recv_now) return sys::recv_now(fd_, out.data(), out.size());
  if (splice_pipe_.is_made()) return splice_pipe_.read_through(fd_, out.data(), out.size());
  if (way_ == Way::read_now) {
    const auto got = sys::read_now(fd_, out.data(), out.size());
    if (got >= 0 || !cannot_read_now(errno)) return got;
    way_ = Way::poll_and_read;
  }
  if (way_ == Way::poll_and_read) {
    pollfd file{.fd = fd_, .events = POLLIN, .revents = 0};
    const int ready = sys::poll(&file, 1, 0);
    if (ready == 0) errno = EAGAIN;
    if (ready <= 0) return -1;
  }
  return sys::read(fd_, out.data(), out.size());
}

void FdSource::wait() {
  try {
    if (canceller_.wait_readable(fd_) == Canceller::Wake::cancelled) {
      throw_cancelled(what(), position());
    }
  } catch (const Error&) {
    throw;
  } catch (const std::system_error& error) {
    throw Error(error.code(), what() + ": cannot wait for bytes", position());
  }
}

std::size_t FdSource::read_some(std::span<std::byte> out) {
  if (canceller_.is_cancelled()) throw_cancelled(what(), position());
  if (ended_) return 0;
  if (way_ == Way::unknown) way_ = look_at_kind();
  if (splice_pipe_.held() > 0) return read_spliced(out);
  for (;;) {
    const auto got = try_read(out);
    if (got > 0) {
      position_ += static_cast<std::uint64_t>(got) + splice_pipe_.held();
      return static_cast<std::size_t>(got);
    }
    if (got == 0) {
      ended_ = true;
      splice_pipe_.close();
      return 0;
    }
    const std::error_code code(errno, std::system_category());
    if (!would_wait(code.value())) throw Error(code, what(), position());
    wait();
  }
}

/// What was taken for a file that then had no room for it.
std::size_t FdSource::read_spliced(std::span<std::byte> out) {
  const ssize_t got = splice_pipe_.read(out.data(), out.size());
  if (got > 0) return static_cast<std::size_t>(got);
  throw Error({errno, std::system_category()}, what(), position());
}

std::size_t FdSource::bytes_to_splice() const noexcept {
  if (!is_pipe_ || ended_ || canceller_.is_cancelled()) return 0;
  return splice_pipe_.waiting_in(fd_);
}

SplicePipe* FdSource::splice_some(std::size_t most) noexcept {
  const std::size_t size = splice_pipe_.take(fd_, most);
  position_ += size;
  return size > 0 ? &splice_pipe_ : nullptr;
}

SourceInfo FdSource::info() const {
  SourceInfo info;
  info.name = title_;
  return info;
}

}  // namespace detail

std::unique_ptr<Source> from_fd(int fd, bool close) {
  if (fd < 0) throw std::invalid_argument("from_fd: a file descriptor cannot be negative");
  const std::string name =
      fd == STDIN_FILENO ? "standard input" : "file descriptor " + std::to_string(fd);
  if (!close) return std::make_unique<detail::FdSource>(fd, name);
  return std::make_unique<detail::FdSource>(FileDescriptor(fd), name, name);
}

}  // namespace seekable::inline v1
