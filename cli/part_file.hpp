// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "cli/part_map.hpp"
#include "cli/report.hpp"
#include "seekable/file_descriptor.hpp"

namespace seekable::cli {

/// The disk has no room for what comes.
class DiskFull : public Failed {
 public:
  using Failed::Failed;
};

/// The part of a file that has come so far, under a name of its own beside it, and its map.
///
/// A process that dies leaves both; the map never claims a byte that is not on disk.
/// Threads: `write` and `read` from any number of threads at once, the rest from one at a time.
class PartFile {
 public:
  /// Opens `TARGET.seekable-part`, or makes it, and locks it.
  ///
  /// Throws: Failed, with a line for a person; also where another process has it locked, and where
  ///     `target` is there and is no regular file.
  explicit PartFile(std::string target);

  /// Leaves nothing behind where nothing has come.
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  /// The map of an earlier run, if there is one and the file is as long as it claims.
  std::optional<PartMap> read_map() const;

  /// Brings to disk what was written, then a map that claims it.
  ///
  /// Throws: std::system_error.
  /// Requires: every byte that `map` claims was written before the call.
  void save_map(const PartMap& map);

  /// Throws: DiskFull; Failed.
  void write(std::uint64_t offset, std::span<const std::byte> bytes);

  /// Fills `out`. Throws: std::system_error; Failed if the file ends before that.
  void read(std::uint64_t offset, std::span<std::byte> out) const;

  /// Gives up all that is there.
  void start_again();

  /// Brings the file to disk and gives it the name of the target.
  ///
  /// Throws: Failed; then the name has what it had before.
  /// Requires: all `size` bytes were written.
  void publish(std::uint64_t size);

  /// Removes the part and its map.
  void discard() noexcept;

 private:
  bool open_and_lock();
  void sync_directory() const;
  std::string failure_line(int error, const char* advice) const;
  [[noreturn]] void fail(int error, const char* advice) const;

  const std::string target_;
  const std::string name_;
  const std::string map_name_;
  const mode_t mode_;  // that the file will have
  FileDescriptor file_;
  bool has_name_ = false;  // `name_` is this file's
};

}  // namespace seekable::cli
