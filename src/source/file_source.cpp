// SPDX-License-Identifier: Apache-2.0
#include "source/file_source.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "seekable/error.hpp"
#include "seekable/sources.hpp"
#include "source/canceller.hpp"
#include "source/fd_source.hpp"
#include "system/calls.hpp"

namespace seekable::inline v1 {

namespace detail {

namespace {

using Status = struct ::stat;

bool same(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/// Whether something other than the bytes explains a new time of change: the file was linked,
/// unlinked, or given other rights or another owner.
bool renamed_or_so(const Status& then, const Status& now) {
  return then.st_nlink != now.st_nlink || then.st_mode != now.st_mode ||
         then.st_uid != now.st_uid || then.st_gid != now.st_gid;
}

bool same_content(const Status& then, const Status& now) {
  return then.st_size == now.st_size && same(then.st_mtim, now.st_mtim) &&
         (same(then.st_ctim, now.st_ctim) || renamed_or_so(then, now));
}

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::int64_t coarse_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return nanoseconds(now);
}

/// Looks at the file until the kernel's clock has moved on since its last change: on a file system
/// with coarse times another change within the same tick (10 ms at most) would leave no trace.
/// One that changes all the time, or has a time to come, is taken as it is: its next change shows.
void look_when_settled(int fd, Status& status) {
  for (int attempt = 0; attempt < 50; ++attempt) {
    if (sys::fstat(fd, &status) != 0) throw std::system_error(errno, std::system_category());
    if (nanoseconds(status.st_ctim) < coarse_now()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

/// Files of /proc and /sys claim sizes that they do not have.
bool has_the_size_it_claims(int fd, const Status& status) {
  if (!S_ISREG(status.st_mode) || status.st_size <= 0) return false;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  std::byte byte{};
  return sys::pread(fd, &byte, 1, size - 1) == 1 && sys::pread(fd, &byte, 1, size) == 0;
}

std::string quoted(const std::filesystem::path& path) { return "'" + path.string() + "'"; }

Error open_error(int error, const std::filesystem::path& path) {
  return {{error, std::system_category()}, "open " + quoted(path), 0};
}

}  // namespace

std::unique_ptr<FileSource> FileSource::open(FileDescriptor& fd,
                                             const std::filesystem::path& path) {
  Status status{};
  try {
    look_when_settled(fd.get(), status);
  } catch (const std::system_error& error) {
    throw open_error(error.code().value(), path);
  }
  if (!has_the_size_it_claims(fd.get(), status)) return nullptr;
  return std::unique_ptr<FileSource>(
      new FileSource(std::make_shared<const File>(File{std::move(fd), path, status})));
}

std::string FileSource::what() const { return "read from " + quoted(file_->path); }

void FileSource::check_unchanged(std::uint64_t offset) const {
  Status now{};
  if (sys::fstat(fd(), &now) != 0) {
    const std::error_code code(errno, std::system_category());
    throw Error(code, what(), offset);
  }
  if (!same_content(file_->status, now)) throw Error(Errc::source_changed, what(), offset);
}

std::size_t FileSource::pread(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset < fixed_size()) {
    out = out.first(
        static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), fixed_size() - offset)));
  } else {
    out = {};
  }
  std::size_t done = 0;
  while (done < out.size()) {
    const auto got = sys::pread(fd(), out.data() + done, out.size() - done, offset + done);
    if (got < 0) {
      const std::error_code code(errno, std::system_category());
      throw Error(code, what(), offset + done);
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  check_unchanged(offset);  // At the end too: it may have grown.
  if (done < out.size()) throw Error(Errc::truncated, what(), offset + done);
  return done;
}

std::size_t FileSource::read_some(std::span<std::byte> out) {
  if (cancelled_.load(std::memory_order_relaxed)) throw_cancelled(what(), position_);
  const std::size_t size = pread(position_, out);
  position_ += size;
  return size;
}

void FileSource::reopen(std::uint64_t offset, std::optional<std::uint64_t> /*wanted*/) {
  position_ = offset;
}

std::unique_ptr<RestartableSource> FileSource::another() const {
  return std::unique_ptr<FileSource>(new FileSource(file_));
}

SourceInfo FileSource::info() const {
  const Status& status = file_->status;
  SourceInfo info;
  info.name = file_->path.string();
  info.validator = std::to_string(status.st_ino) + "-" + std::to_string(fixed_size()) + "-" +
                   std::to_string(nanoseconds(status.st_mtim));
  info.modified = std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::nanoseconds(nanoseconds(status.st_mtim))));
  return info;
}

}  // namespace detail

std::unique_ptr<Source> from_file(const std::filesystem::path& path) {
  if (path.native().find('\0') != std::string::npos) {
    throw std::invalid_argument("from_file: a path cannot hold a zero byte");
  }
  FileDescriptor fd(detail::sys::open(path.c_str(), O_RDONLY | O_NOCTTY));
  if (!fd) throw detail::open_error(errno, path);
  struct ::stat status{};
  if (detail::sys::fstat(fd.get(), &status) != 0) throw detail::open_error(errno, path);
  if (S_ISDIR(status.st_mode)) throw detail::open_error(EISDIR, path);
  if (auto file = detail::FileSource::open(fd, path)) return file;
  return std::make_unique<detail::FdSource>(std::move(fd), detail::quoted(path), path.string());
}

}  // namespace seekable::inline v1
