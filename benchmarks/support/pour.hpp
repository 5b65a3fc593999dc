// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "seekable/file_descriptor.hpp"

namespace seekable::bench {

/// The size of every pipe that is measured, in bytes; more than the default of 64 KiB, as `limits`
/// of a fast pipe need, and what an unprivileged process may ask for.
inline constexpr int pipe_bytes = 1024 * 1024;

/// Writes `size` bytes of the pattern to `fd`, 64 KiB at a time from a page boundary.
void pour(int fd, std::uint64_t size);

/// Reads `fd` to its end in steps of 64 KiB into one buffer, and keeps nothing. Returns how many
/// bytes came.
std::uint64_t drain(int fd);

/// A process of its own that pours into a pipe.
class Pourer {
 public:
  explicit Pourer(std::uint64_t size);
  Pourer(const Pourer&) = delete;
  Pourer& operator=(const Pourer&) = delete;
  ~Pourer();

  /// The end to read from.
  int fd() const { return fd_.get(); }

 private:
  FileDescriptor fd_;
  pid_t pid_ = -1;
};

}  // namespace seekable::bench
