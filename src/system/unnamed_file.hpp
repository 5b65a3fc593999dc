// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <span>
#include <string>

#include "seekable/file_descriptor.hpp"

namespace seekable::inline v1::detail {

/// A file without a name, open for reading and writing.
struct UnnamedFile {
  FileDescriptor fd;
  bool linkable = false;  ///< it can still be given a name
};

/// Makes a file in `directory` that nobody can find and that is gone with its last descriptor:
/// `O_TMPFILE`; where the file system lacks that, made and unlinked at once.
///
/// Throws: std::system_error naming the directory.
UnnamedFile make_unnamed_file(const std::filesystem::path& directory, mode_t mode);

/// True if an attempt to make an unnamed file failed because there are none on that file system.
bool lacks_unnamed_files(int error) noexcept;

/// A part of a file's name that nobody else uses at this moment.
std::string unique_suffix();

/// Writes all of `bytes`, however many calls that takes. Returns 0, or an errno value.
int write_all_at(int fd, const void* data, std::size_t size, std::uint64_t offset) noexcept;

/// As `write_all_at`, of pieces of memory that follow each other in the file: by one call, where
/// the system takes all of it. It uses `pieces` up. Requires: at most `sys::most_pieces`.
int write_pieces_at(int fd, std::span<std::span<const std::byte>> pieces,
                    std::uint64_t offset) noexcept;

/// Reads exactly `size` bytes. Returns 0, or an errno value; `EIO` where the file is shorter.
int read_all_at(int fd, void* data, std::size_t size, std::uint64_t offset) noexcept;

/// "/proc/self/fd/N": a path to an open descriptor.
std::string descriptor_path(int fd);

}  // namespace seekable::inline v1::detail
