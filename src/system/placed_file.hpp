// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "seekable/file_descriptor.hpp"

namespace seekable::inline v1::detail {

/// A file that is written out of sight and then stands at its path all at once.
///
/// Destroyed before `place`, nothing is left of it.
class PlacedFile {
 public:
  /// Makes the file in the directory of `path`, mode 0666 less the umask.
  ///
  /// Throws: std::system_error naming the path.
  explicit PlacedFile(const std::filesystem::path& path);
  PlacedFile(const PlacedFile&) = delete;
  PlacedFile& operator=(const PlacedFile&) = delete;
  ~PlacedFile();

  int fd() const noexcept { return fd_.get(); }

  /// Syncs the file, gives it its name (an existing file is replaced) and syncs the directory.
  ///
  /// Throws: std::system_error naming the path.
  void place();

 private:
  const std::filesystem::path path_;
  std::filesystem::path temporary_name_;  // empty: it has no name yet
  FileDescriptor fd_;
};

/// Gives the unnamed file `fd` the name `path`, as `PlacedFile::place`. Returns 0, or an errno
/// value
/// (`EXDEV`: another file system).
int link_into_place(int fd, const std::filesystem::path& path);

/// Gives the unnamed file `fd` the mode that a new file at `path` gets: 0666 less the umask, or as
/// the directory's ACL says. Returns false where `fd` cannot become that file: it lies on another
/// file system, or the mode cannot be found out.
bool make_like_new_file(int fd, const std::filesystem::path& path);

/// Opens the file behind `fd` once more, read-only and with a position of its own.
///
/// Throws: std::system_error.
FileDescriptor reopen_read_only(int fd);

}  // namespace seekable::inline v1::detail
