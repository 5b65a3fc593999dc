// SPDX-License-Identifier: Apache-2.0
#include "cli/part_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace seekable::cli {

namespace {

// Far more than a map of what a few connections have brought.
constexpr std::size_t largest_map = 1024 * 1024;

constexpr const char* see_to_place = "check the directory and its permissions";

mode_t mode_of_new_files() {
  const mode_t mask = ::umask(0);  // No other thread makes files yet.
  ::umask(mask);
  return 0666 & ~mask;
}

void refuse_what_is_no_file(const std::string& target) {
  struct ::stat status{};
  if (target.ends_with('/') || (::stat(target.c_str(), &status) == 0 && S_ISDIR(status.st_mode))) {
    throw Failed(fmt::format("cannot write '{}': it is a directory; name a file in it", target));
  }
  if (::stat(target.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    throw Failed(
        fmt::format("cannot write '{}': it is no regular file; give another name, or use: seekable "
                    "cat URL",
                    target));
  }
}

[[noreturn]] void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::system_category(), what);
}

/// Writes all of `bytes` at `offset`. Returns: 0, or what went wrong.
int write_all(int fd, std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    offset += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

/// The text of a small file; nothing if it cannot be read, or is too long.
std::optional<std::string> text_of(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 16384> piece{};
  for (;;) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || text.size() > largest_map) return std::nullopt;
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

PartFile::PartFile(std::string target)
    : target_(std::move(target)),
      name_(target_ + ".seekable-part"),
      map_name_(target_ + ".seekable-map"),
      mode_(mode_of_new_files()) {
  refuse_what_is_no_file(target_);
  while (!open_and_lock()) {
  }
}

PartFile::~PartFile() {
  struct ::stat status{};
  if (has_name_ && ::fstat(file_.get(), &status) == 0 && status.st_size == 0) discard();
}

/// Returns: false if the file that was opened has lost its name before it was locked.
bool PartFile::open_and_lock() {
  constexpr mode_t only_mine = S_IRUSR | S_IWUSR;
  file_.reset(
      ::open(name_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, only_mine));
  if (!file_) fail(errno, see_to_place);
  struct ::stat opened{};
  struct ::stat named{};
  if (::fstat(file_.get(), &opened) != 0) fail(errno, see_to_place);
  if (!S_ISREG(opened.st_mode)) {
    throw Failed(fmt::format("cannot write '{}': it is no regular file; remove it", name_));
  }
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      throw Failed(fmt::format(
          "another seekable get is at work on '{}'; wait for it, or give another name with -o",
          target_));
    }
    // Some network file systems know no locks: there two runs at once are up to the user.
    if (errno != EOPNOTSUPP && errno != ENOLCK) fail(errno, see_to_place);
  }
  has_name_ = ::lstat(name_.c_str(), &named) == 0 && named.st_ino == opened.st_ino &&
              named.st_dev == opened.st_dev;
  return has_name_;
}

std::string PartFile::failure_line(int error, const char* advice) const {
  return fmt::format("cannot write '{}': {}; {}", name_, std::system_category().message(error),
                     advice);
}

void PartFile::fail(int error, const char* advice) const {
  throw Failed(failure_line(error, advice));
}

std::optional<PartMap> PartFile::read_map() const {
  const auto text = text_of(map_name_);
  if (!text) return std::nullopt;
  auto map = parse_part_map(*text);
  struct ::stat status{};
  if (!map || ::fstat(file_.get(), &status) != 0) return std::nullopt;
  if (map->kept.end() > static_cast<std::uint64_t>(status.st_size)) return std::nullopt;
  return map;
}

void PartFile::save_map(const PartMap& map) {
  if (::fdatasync(file_.get()) != 0) throw_errno("bring " + name_ + " to disk");
  const std::string text = part_map_text(map);
  const std::string fresh = map_name_ + ".new";
  const FileDescriptor file(::open(
      fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!file) throw_errno("make " + fresh);
  if (const int error = write_all(file.get(), 0, std::as_bytes(std::span(text))); error != 0) {
    throw std::system_error(error, std::system_category(), "write to " + fresh);
  }
  if (::fdatasync(file.get()) != 0) throw_errno("bring " + fresh + " to disk");
  if (::rename(fresh.c_str(), map_name_.c_str()) != 0) throw_errno("rename " + fresh);
}

void PartFile::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  const int error = write_all(file_.get(), offset, bytes);
  if (error == 0) return;
  if (error == ENOSPC || error == EDQUOT) {
    throw DiskFull(failure_line(error, "make room and run it again"));
  }
  fail(error, "see to the disk");
}

void PartFile::read(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(file_.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("read " + name_);
    if (got == 0) {
      throw Failed(fmt::format("'{}' was cut off by another program; run it again", name_));
    }
    offset += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

void PartFile::start_again() {
  ::unlink(map_name_.c_str());
  if (::ftruncate(file_.get(), 0) != 0) fail(errno, see_to_place);
}

void PartFile::publish(std::uint64_t size) {
  struct ::stat status{};
  if (::fstat(file_.get(), &status) != 0) fail(errno, see_to_place);
  if (static_cast<std::uint64_t>(status.st_size) != size) {
    throw Failed(
        fmt::format("'{}' has {} bytes in place of {}: another program has changed it; "
                    "remove it and run it again",
                    name_, status.st_size, size));
  }
  // Some file systems tell a full disk only now.
  if (::fchmod(file_.get(), mode_) != 0 || ::fsync(file_.get()) != 0) {
    fail(errno, "see to the disk and run it again");
  }
  if (::rename(name_.c_str(), target_.c_str()) != 0) {
    throw Failed(fmt::format("cannot give '{}' its name '{}': {}; {}", name_, target_,
                             std::system_category().message(errno), see_to_place));
  }
  has_name_ = false;
  ::unlink(map_name_.c_str());
  ::unlink((map_name_ + ".new").c_str());
  sync_directory();
}

void PartFile::sync_directory() const {
  auto directory = std::filesystem::path(target_).parent_path();
  if (directory.empty()) directory = ".";
  const FileDescriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // A directory that may not be read cannot be synced; the file is whole and has its name.
  if (opened) ::fsync(opened.get());
}

void PartFile::discard() noexcept {
  if (!std::exchange(has_name_, false)) return;
  ::unlink(map_name_.c_str());
  ::unlink((map_name_ + ".new").c_str());
  ::unlink(name_.c_str());
}

}  // namespace seekable::cli
