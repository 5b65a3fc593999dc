// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// Every system call of the library whose failure matters, by its own name, in one place: the one
/// seam for faults.

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "seekable/export.hpp"

namespace seekable::inline v1::detail::sys {

enum class Call : std::uint8_t {
  open,
  close,
  read,
  pread,
  pwrite,
  write,
  fallocate,
  ftruncate,
  fstat,
  fsync,
  linkat,
  rename,
  unlink,
  fchmod,
  mmap,
  poll,
  eventfd,
  memfd_create,
  sendfile,
  copy_file_range,
  splice_now,
  splice_to_file,
  pipe,
  spawn,
  waitid,
  pidfd_open,
  membarrier,
};

/// What a test wants a call to do instead: fail with `error`, or, with `error` 0, move at most
/// `at_most` bytes.
struct Fault {
  int error = 0;
  std::size_t at_most = 0;
};

/// For tests alone: is asked before each call.
///
/// Threads: asked by any thread at any time.
class SEEKABLE_EXPORT Faults {
 public:
  virtual ~Faults();
  virtual std::optional<Fault> before(Call call) = 0;
};

/// Installs `faults` for the whole process; null ends it.
///
/// Lifetime: `faults` must outlive every call that may be under way.
SEEKABLE_EXPORT void install_faults(Faults* faults) noexcept;

// Each returns what the system call of that name returns, with errno set; those that open a
// descriptor set close-on-exec. A call that the kernel interrupted (EINTR) is made again.
int open(const char* path, int flags, mode_t mode = 0) noexcept;
int close(int fd) noexcept;
ssize_t read(int fd, void* data, std::size_t size) noexcept;
/// As `read`, but fails with EAGAIN where it would have to wait, whatever the flags of `fd`; with
/// EOPNOTSUPP where the kernel cannot do that for such a file (since 6.4 it can for unnamed pipes,
/// until bytes were spliced out of one).
ssize_t read_now(int fd, void* data, std::size_t size) noexcept;
/// The same for sockets. Asks for `Call::read` as well.
ssize_t recv_now(int fd, void* data, std::size_t size) noexcept;
ssize_t pread(int fd, void* data, std::size_t size, std::uint64_t offset) noexcept;
/// The same into `first`, and then on into `second`.
ssize_t pread(int fd, std::span<std::byte> first, std::span<std::byte> second,
              std::uint64_t offset) noexcept;
ssize_t pwrite(int fd, const void* data, std::size_t size, std::uint64_t offset) noexcept;
inline constexpr std::size_t most_pieces = 16;
/// As `pwrite`, of pieces of memory that follow each other in the file (`pwritev`). Requires: at
/// most `most_pieces`.
ssize_t pwrite(int fd, std::span<const std::span<const std::byte>> pieces,
               std::uint64_t offset) noexcept;
ssize_t write(int fd, const void* data, std::size_t size) noexcept;
int fallocate(int fd, int mode, std::uint64_t offset, std::uint64_t size) noexcept;
int ftruncate(int fd, std::uint64_t size) noexcept;
int fstat(int fd, struct ::stat* status) noexcept;
int fsync(int fd) noexcept;
int linkat(int from_fd, const char* from, const char* to, int flags) noexcept;
int rename(const char* from, const char* to) noexcept;
int unlink(const char* path) noexcept;
int fchmod(int fd, mode_t mode) noexcept;
void* mmap(std::size_t size, int protection, int flags, int fd, std::uint64_t offset) noexcept;
int poll(pollfd* fds, std::size_t count, int timeout_ms) noexcept;
int eventfd() noexcept;
/// Makes an eventfd readable for ever. Cannot fail.
void set_event(int eventfd) noexcept;
int memfd_create(const char* name) noexcept;
ssize_t sendfile(int to_fd, int from_fd, std::uint64_t offset, std::size_t size) noexcept;
ssize_t copy_file_range(int from_fd, std::uint64_t from_offset, int to_fd, std::uint64_t to_offset,
                        std::size_t size) noexcept;
/// `splice` from a pipe to a pipe; fails with EAGAIN where it would have to wait.
ssize_t splice_now(int from_fd, int to_fd, std::size_t size) noexcept;
/// `splice` from a pipe into a file.
ssize_t splice_to_file(int from_fd, int to_fd, std::uint64_t to_offset, std::size_t size) noexcept;
/// How many bytes a pipe holds. Not a `Call`: a failure is a 0.
std::size_t bytes_in(int pipe_fd) noexcept;
int pipe(int (&ends)[2]) noexcept;
/// posix_spawnp with the caller's environment. Returns: 0, or an error number.
int spawn(pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions,
          const posix_spawnattr_t* attributes, char* const* argv) noexcept;
int waitid(idtype_t type, id_t id, siginfo_t* info, int options) noexcept;
int pidfd_open(pid_t pid) noexcept;
int membarrier(int command) noexcept;
// Of these two no fault is wanted: whoever sends a signal cannot do anything about a failure.
int pidfd_send_signal(int pidfd, int signal) noexcept;
int kill(pid_t pid, int signal) noexcept;

}  // namespace seekable::inline v1::detail::sys
