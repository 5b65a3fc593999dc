// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// Tests in a process of their own, for what would change the whole program, and file systems so
/// small that they are full at once.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "support/feeds.hpp"

namespace seekable::test {

/// Runs `body` in a forked child. Returns: true if nothing failed there.
inline bool passes_in_a_child(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      body();
    } catch (const std::exception& error) {
      ADD_FAILURE() << "thrown: " << error.what();
    }
    std::fflush(nullptr);
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// A file system of its own in memory, `size` bytes large.
class TinyDisk {
 public:
  /// Only root may mount; others get a null pointer.
  static std::unique_ptr<TinyDisk> make(std::uint64_t size) {
    auto disk = std::unique_ptr<TinyDisk>(new TinyDisk);
    const std::string options = "size=" + std::to_string(size) + ",mode=700";
    if (::mount("tmpfs", disk->path().c_str(), "tmpfs", 0, options.c_str()) != 0) return nullptr;
    disk->mounted_ = true;
    return disk;
  }
  TinyDisk(const TinyDisk&) = delete;
  TinyDisk& operator=(const TinyDisk&) = delete;
  ~TinyDisk() {
    if (mounted_) ::umount2(path().c_str(), MNT_DETACH);
  }

  const std::filesystem::path& path() const { return directory_.path(); }

  /// Bytes that are free.
  std::uint64_t free() const {
    struct ::statvfs status{};
    if (::statvfs(path().c_str(), &status) != 0) return 0;
    return std::uint64_t{status.f_bavail} * status.f_bsize;
  }

  /// Makes a file of `size` bytes there.
  static void file_of(const std::filesystem::path& path, std::uint64_t size) {
    const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_TRUE(fd);
    const Bytes zeros(65536);
    for (std::uint64_t left = size; left > 0;) {
      const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(left, zeros.size()));
      ASSERT_EQ(::write(fd.get(), zeros.data(), step), static_cast<ssize_t>(step));
      left -= step;
    }
  }

 private:
  TinyDisk() = default;

  ScratchDirectory directory_;
  bool mounted_ = false;
};

}  // namespace seekable::test
