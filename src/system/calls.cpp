// SPDX-License-Identifier: Apache-2.0
#include "system/calls.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <ctime>

namespace seekable::inline v1::detail::sys {

namespace {

std::atomic<Faults*> g_faults{nullptr};

std::optional<Fault> fault(Call call) noexcept {
  Faults* faults = g_faults.load(std::memory_order_acquire);
  if (faults == nullptr) [[likely]]
    return std::nullopt;
  return faults->before(call);
}

/// Makes `call`, again while it is interrupted, unless a fault takes its place.
template <typename Function>
auto call(Call which, Function function) noexcept {
  using Result = decltype(function());
  for (;;) {
    Result result = static_cast<Result>(-1);
    if (const auto wanted = fault(which); wanted && wanted->error != 0) {
      errno = wanted->error;
    } else {
      result = function();
    }
    if (result != static_cast<Result>(-1) || errno != EINTR) return result;
  }
}

/// As `call`, for those that move `size` bytes, of which a fault may let through fewer.
template <typename Function>
ssize_t transfer(Call which, std::size_t size, Function function) noexcept {
  for (;;) {
    ssize_t result = -1;
    const auto wanted = fault(which);
    if (wanted && wanted->error != 0) {
      errno = wanted->error;
    } else {
      result = function(wanted ? std::min(size, wanted->at_most) : size);
    }
    if (result >= 0 || errno != EINTR) return result;
  }
}

/// Lets what would pass the limit on a file's size fail, where the kernel would also end the
/// process: for the spool that is a full disk like any other.
class SizeSignalBlocked {
 public:
  SizeSignalBlocked() noexcept {
    ::sigemptyset(&signal_);
    ::sigaddset(&signal_, SIGXFSZ);
    ::pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  SizeSignalBlocked(const SizeSignalBlocked&) = delete;
  SizeSignalBlocked& operator=(const SizeSignalBlocked&) = delete;

  /// For calls that go on by themselves: they meet the limit, and then tell what they wrote before.
  ssize_t moved(ssize_t moved, std::size_t wanted) noexcept {
    cut_short_ = moved >= 0 && static_cast<std::size_t>(moved) < wanted;
    return moved;
  }

  ~SizeSignalBlocked() {
    if (::sigismember(&before_, SIGXFSZ) == 1) return;
    const int error = errno;
    constexpr timespec at_once{};
    // The kernel has sent it to this thread alone.
    if (error == EFBIG || cut_short_) ::sigtimedwait(&signal_, nullptr, &at_once);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }

 private:
  sigset_t signal_{};
  sigset_t before_{};
  bool cut_short_ = false;
};

}  // namespace

Faults::~Faults() = default;

void install_faults(Faults* faults) noexcept { g_faults.store(faults, std::memory_order_release); }

int open(const char* path, int flags, mode_t mode) noexcept {
  return call(Call::open, [&] { return ::open(path, flags | O_CLOEXEC, mode); });
}

// Not made again when interrupted: Linux has closed the descriptor all the same.
int close(int fd) noexcept {
  if (const auto wanted = fault(Call::close); wanted && wanted->error != 0) {
    ::close(fd);
    errno = wanted->error;
    return -1;
  }
  return ::close(fd);
}

ssize_t read(int fd, void* data, std::size_t size) noexcept {
  return transfer(Call::read, size, [&](std::size_t n) { return ::read(fd, data, n); });
}

ssize_t read_now(int fd, void* data, std::size_t size) noexcept {
  return transfer(Call::read, size, [&](std::size_t n) {
    const iovec piece{data, n};
    return ::preadv2(fd, &piece, 1, -1, RWF_NOWAIT);
  });
}

ssize_t recv_now(int fd, void* data, std::size_t size) noexcept {
  return transfer(Call::read, size,
                  [&](std::size_t n) { return ::recv(fd, data, n, MSG_DONTWAIT); });
}

ssize_t pread(int fd, void* data, std::size_t size, std::uint64_t offset) noexcept {
  return transfer(Call::pread, size,
                  [&](std::size_t n) { return ::pread(fd, data, n, static_cast<off_t>(offset)); });
}

ssize_t pread(int fd, std::span<std::byte> first, std::span<std::byte> second,
              std::uint64_t offset) noexcept {
  return transfer(Call::pread, first.size() + second.size(), [&](std::size_t n) {
    const std::size_t in_first = std::min(n, first.size());
    const iovec pieces[2] = {{first.data(), in_first}, {second.data(), n - in_first}};
    return ::preadv(fd, pieces, 2, static_cast<off_t>(offset));
  });
}

ssize_t pwrite(int fd, const void* data, std::size_t size, std::uint64_t offset) noexcept {
  const SizeSignalBlocked blocked;
  return transfer(Call::pwrite, size,
                  [&](std::size_t n) { return ::pwrite(fd, data, n, static_cast<off_t>(offset)); });
}

ssize_t pwrite(int fd, std::span<const std::span<const std::byte>> pieces,
               std::uint64_t offset) noexcept {
  assert(pieces.size() <= most_pieces);
  const SizeSignalBlocked blocked;
  std::size_t size = 0;
  for (const auto piece : pieces) size += piece.size();
  return transfer(Call::pwrite, size, [&](std::size_t left) {
    iovec parts[most_pieces];
    int count = 0;
    for (const auto piece : pieces) {
      const std::size_t part = std::min(left, piece.size());
      parts[count++] = {const_cast<std::byte*>(piece.data()), part};
      left -= part;
    }
    return ::pwritev(fd, parts, count, static_cast<off_t>(offset));
  });
}

ssize_t write(int fd, const void* data, std::size_t size) noexcept {
  return transfer(Call::write, size, [&](std::size_t n) { return ::write(fd, data, n); });
}

int fallocate(int fd, int mode, std::uint64_t offset, std::uint64_t size) noexcept {
  const SizeSignalBlocked blocked;
  return call(Call::fallocate, [&] {
    return ::fallocate(fd, mode, static_cast<off_t>(offset), static_cast<off_t>(size));
  });
}

int ftruncate(int fd, std::uint64_t size) noexcept {
  const SizeSignalBlocked blocked;
  return call(Call::ftruncate, [&] { return ::ftruncate(fd, static_cast<off_t>(size)); });
}

int fstat(int fd, struct ::stat* status) noexcept {
  return call(Call::fstat, [&] { return ::fstat(fd, status); });
}

int fsync(int fd) noexcept {
  return call(Call::fsync, [&] { return ::fsync(fd); });
}

int linkat(int from_fd, const char* from, const char* to, int flags) noexcept {
  return call(Call::linkat, [&] { return ::linkat(from_fd, from, AT_FDCWD, to, flags); });
}

int rename(const char* from, const char* to) noexcept {
  return call(Call::rename, [&] { return ::rename(from, to); });
}

int unlink(const char* path) noexcept {
  return call(Call::unlink, [&] { return ::unlink(path); });
}

int fchmod(int fd, mode_t mode) noexcept {
  return call(Call::fchmod, [&] { return ::fchmod(fd, mode); });
}

void* mmap(std::size_t size, int protection, int flags, int fd, std::uint64_t offset) noexcept {
  if (const auto wanted = fault(Call::mmap); wanted && wanted->error != 0) {
    errno = wanted->error;
    return MAP_FAILED;
  }
  return ::mmap(nullptr, size, protection, flags, fd, static_cast<off_t>(offset));
}

int poll(pollfd* fds, std::size_t count, int timeout_ms) noexcept {
  return call(Call::poll, [&] { return ::poll(fds, count, timeout_ms); });
}

int eventfd() noexcept {
  return call(Call::eventfd, [] { return ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); });
}

void set_event(int eventfd) noexcept {
  const std::uint64_t one = 1;
  // Fails only where the count would overflow: then it is readable already.
  while (::write(eventfd, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

int memfd_create(const char* name) noexcept {
  return call(Call::memfd_create, [&] { return ::memfd_create(name, MFD_CLOEXEC); });
}

ssize_t sendfile(int to_fd, int from_fd, std::uint64_t offset, std::size_t size) noexcept {
  return transfer(Call::sendfile, size, [&](std::size_t n) {
    auto position = static_cast<off_t>(offset);
    return ::sendfile(to_fd, from_fd, &position, n);
  });
}

ssize_t copy_file_range(int from_fd, std::uint64_t from_offset, int to_fd, std::uint64_t to_offset,
                        std::size_t size) noexcept {
  SizeSignalBlocked blocked;
  const ssize_t moved = transfer(Call::copy_file_range, size, [&](std::size_t n) {
    auto from = static_cast<off64_t>(from_offset);
    auto to = static_cast<off64_t>(to_offset);
    return ::copy_file_range(from_fd, &from, to_fd, &to, n, 0);
  });
  return blocked.moved(moved, size);
}

ssize_t splice_now(int from_fd, int to_fd, std::size_t size) noexcept {
  return transfer(Call::splice_now, size, [&](std::size_t n) {
    return ::splice(from_fd, nullptr, to_fd, nullptr, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  });
}

ssize_t splice_to_file(int from_fd, int to_fd, std::uint64_t to_offset, std::size_t size) noexcept {
  SizeSignalBlocked blocked;
  const ssize_t moved = transfer(Call::splice_to_file, size, [&](std::size_t n) {
    auto to = static_cast<off64_t>(to_offset);
    return ::splice(from_fd, nullptr, to_fd, &to, n, SPLICE_F_MOVE);
  });
  return blocked.moved(moved, size);
}

std::size_t bytes_in(int pipe_fd) noexcept {
  int size = 0;
  return ::ioctl(pipe_fd, FIONREAD, &size) == 0 && size > 0 ? static_cast<std::size_t>(size) : 0;
}

int pipe(int (&ends)[2]) noexcept {
  return call(Call::pipe, [&] { return ::pipe2(ends, O_CLOEXEC); });
}

int spawn(pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions,
          const posix_spawnattr_t* attributes, char* const* argv) noexcept {
  if (const auto wanted = fault(Call::spawn); wanted && wanted->error != 0) return wanted->error;
  return ::posix_spawnp(pid, file, actions, attributes, argv, environ);
}

int waitid(idtype_t type, id_t id, siginfo_t* info, int options) noexcept {
  return call(Call::waitid, [&] { return ::waitid(type, id, info, options); });
}

int membarrier(int command) noexcept {
  return call(Call::membarrier,
              [&] { return static_cast<int>(::syscall(SYS_membarrier, command, 0, 0)); });
}

int pidfd_open(pid_t pid) noexcept {
  return call(Call::pidfd_open,
              [&] { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); });
}

int pidfd_send_signal(int pidfd, int signal) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

int kill(pid_t pid, int signal) noexcept { return ::kill(pid, signal); }

}  // namespace seekable::inline v1::detail::sys
