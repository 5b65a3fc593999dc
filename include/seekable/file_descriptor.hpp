// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "seekable/export.hpp"

namespace seekable::inline v1 {

/// Owns one open file descriptor and closes it.
class SEEKABLE_EXPORT FileDescriptor {
 public:
  FileDescriptor() = default;

  /// Takes `fd`; a negative number owns nothing.
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}

  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~FileDescriptor() { reset(); }

  /// The number, or -1.
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

  /// Gives the number away: it is the caller's to close.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  /// Closes what it owns and takes `fd` instead.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

}  // namespace seekable::inline v1
