// SPDX-License-Identifier: Apache-2.0
#include "system/unnamed_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <system_error>

#include "seekable/error.hpp"
#include "system/calls.hpp"

namespace seekable::inline v1::detail {

namespace {

FileDescriptor make_and_unlink(const std::filesystem::path& directory, mode_t mode) {
  for (int attempt = 0;; ++attempt) {
    const auto path = directory / ("." + unique_suffix());
    FileDescriptor fd(
        sys::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOATIME, mode));
    if (fd) {
      if (sys::unlink(path.c_str()) == 0) return fd;
    } else if (errno == EEXIST && attempt < 100) {
      continue;
    }
    throw Error({errno, std::system_category()},
                "make a temporary file in '" + directory.string() + "'", 0);
  }
}

}  // namespace

bool lacks_unnamed_files(int error) noexcept {
  // EISDIR: a kernel without O_TMPFILE; the others: a file system without it.
  return error == EOPNOTSUPP || error == EISDIR || error == EINVAL;
}

std::string unique_suffix() {
  static std::atomic<std::uint64_t> counter{0};
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return "seekable-" + std::to_string(::getpid()) + "-" + std::to_string(now) + "-" +
         std::to_string(counter.fetch_add(1, std::memory_order_relaxed));
}

UnnamedFile make_unnamed_file(const std::filesystem::path& directory, mode_t mode) {
  FileDescriptor fd(sys::open(directory.c_str(), O_RDWR | O_TMPFILE | O_NOATIME, mode));
  if (fd) return {std::move(fd), true};
  if (!lacks_unnamed_files(errno)) {
    throw Error({errno, std::system_category()},
                "make a temporary file in '" + directory.string() + "'", 0);
  }
  return {make_and_unlink(directory, mode), false};
}

int write_all_at(int fd, const void* data, std::size_t size, std::uint64_t offset) noexcept {
  const auto* next = static_cast<const std::byte*>(data);
  while (size > 0) {
    const ssize_t written = sys::pwrite(fd, next, size, offset);
    if (written < 0) return errno;
    if (written == 0) return EIO;
    next += written;
    size -= static_cast<std::size_t>(written);
    offset += static_cast<std::uint64_t>(written);
  }
  return 0;
}

int write_pieces_at(int fd, std::span<std::span<const std::byte>> pieces,
                    std::uint64_t offset) noexcept {
  while (!pieces.empty()) {
    const ssize_t written = sys::pwrite(fd, pieces, offset);
    if (written < 0) return errno;
    if (written == 0) return EIO;
    auto done = static_cast<std::size_t>(written);
    offset += done;
    while (!pieces.empty() && done >= pieces.front().size()) {
      done -= pieces.front().size();
      pieces = pieces.subspan(1);
    }
    if (!pieces.empty()) pieces.front() = pieces.front().subspan(done);
  }
  return 0;
}

int read_all_at(int fd, void* data, std::size_t size, std::uint64_t offset) noexcept {
  auto* next = static_cast<std::byte*>(data);
  while (size > 0) {
    const ssize_t got = sys::pread(fd, next, size, offset);
    if (got < 0) return errno;
    if (got == 0) return EIO;
    next += got;
    size -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
  return 0;
}

std::string descriptor_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

}  // namespace seekable::inline v1::detail
