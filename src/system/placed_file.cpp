// SPDX-License-Identifier: Apache-2.0
#include "system/placed_file.hpp"

#include <fcntl.h>

#include <cerrno>
#include <system_error>

#include "seekable/error.hpp"
#include "system/calls.hpp"
#include "system/unnamed_file.hpp"

namespace seekable::inline v1::detail {

namespace {

[[noreturn]] void throw_for(const std::filesystem::path& path, int error) {
  throw Error({error, std::system_category()}, "save '" + path.string() + "'", 0);
}

std::filesystem::path directory_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

std::filesystem::path temporary_name(const std::filesystem::path& path, int attempt) {
  // The process, the time and a count tell apart those who save at one time. The name of the file
  // itself is not part of it: that may be as long as a name can be.
  return directory_of(path) / ("." + unique_suffix() + "-" + std::to_string(attempt));
}

void sync_directory(const std::filesystem::path& path) {
  const FileDescriptor directory(sys::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY));
  // A directory that cannot be opened for reading cannot be synced: the file itself is.
  if (directory && sys::fsync(directory.get()) != 0 && errno != EINVAL) throw_for(path, errno);
}

int rename_or_unlink(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (sys::rename(from.c_str(), to.c_str()) == 0) return 0;
  const int error = errno;
  sys::unlink(from.c_str());
  return error;
}

}  // namespace

PlacedFile::PlacedFile(const std::filesystem::path& path) : path_(path) {
  fd_.reset(sys::open(directory_of(path).c_str(), O_RDWR | O_TMPFILE, 0666));
  for (int attempt = 0; !fd_; ++attempt) {
    if (!lacks_unnamed_files(errno) && !(errno == EEXIST && attempt < 100)) {
      throw_for(path, errno);
    }
    temporary_name_ = temporary_name(path, attempt);
    fd_.reset(sys::open(temporary_name_.c_str(), O_RDWR | O_CREAT | O_EXCL, 0666));
    if (!fd_ && errno != EEXIST) {
      const int error = errno;
      temporary_name_.clear();
      throw_for(path, error);
    }
  }
}

PlacedFile::~PlacedFile() {
  if (!temporary_name_.empty()) sys::unlink(temporary_name_.c_str());
}

void PlacedFile::place() {
  int error = 0;
  if (temporary_name_.empty()) {
    error = link_into_place(fd_.get(), path_);
  } else {
    if (sys::fsync(fd_.get()) != 0) throw_for(path_, errno);
    error = rename_or_unlink(temporary_name_, path_);
    temporary_name_.clear();
    if (error == 0) sync_directory(path_);
  }
  if (error != 0) throw_for(path_, error);
}

int link_into_place(int fd, const std::filesystem::path& path) {
  if (sys::fsync(fd) != 0) return errno;
  const std::string from = descriptor_path(fd);
  if (sys::linkat(AT_FDCWD, from.c_str(), path.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    if (errno != EEXIST) return errno;
    // A link never replaces a file; a rename does, in one step.
    std::filesystem::path name;
    for (int attempt = 0;; ++attempt) {
      name = temporary_name(path, attempt);
      if (sys::linkat(AT_FDCWD, from.c_str(), name.c_str(), AT_SYMLINK_FOLLOW) == 0) break;
      if (errno != EEXIST || attempt == 100) return errno;
    }
    if (const int error = rename_or_unlink(name, path); error != 0) return error;
  }
  sync_directory(path);
  return 0;
}

bool make_like_new_file(int fd, const std::filesystem::path& path) {
  // Asking the kernel: the umask itself cannot be read without changing it for all threads.
  const FileDescriptor probe(sys::open(directory_of(path).c_str(), O_RDWR | O_TMPFILE, 0666));
  struct ::stat wanted{};
  struct ::stat status{};
  if (!probe || sys::fstat(probe.get(), &wanted) != 0 || sys::fstat(fd, &status) != 0) return false;
  return wanted.st_dev == status.st_dev && sys::fchmod(fd, wanted.st_mode & 0777) == 0;
}

FileDescriptor reopen_read_only(int fd) {
  const std::string path = descriptor_path(fd);
  FileDescriptor opened(sys::open(path.c_str(), O_RDONLY));
  if (!opened) {
    throw Error({errno, std::system_category()}, "open the stream as a file", 0);
  }
  return opened;
}

}  // namespace seekable::inline v1::detail
