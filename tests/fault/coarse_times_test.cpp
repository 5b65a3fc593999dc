// SPDX-License-Identifier: Apache-2.0
// A file read in place on a file system that tells time in ticks.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include "seekable/seekable.hpp"
#include "support/feeds.hpp"
#include "support/sources.hpp"

namespace seekable::test {
namespace {

/// A ramfs, for root; others get an ordinary directory, where the same must hold.
class CoarseDisk {
 public:
  CoarseDisk()
      : mounted_(::mount("ramfs", directory_.path().c_str(), "ramfs", 0, "mode=700") == 0) {}
  CoarseDisk(const CoarseDisk&) = delete;
  CoarseDisk& operator=(const CoarseDisk&) = delete;
  ~CoarseDisk() {
    if (mounted_) ::umount2(directory_.path().c_str(), MNT_DETACH);
  }
  const ScratchDirectory& directory() const { return directory_; }

 private:
  ScratchDirectory directory_;
  const bool mounted_;
};

// A change in the same tick as the one before the file was opened went unnoticed.
TEST(CoarseTimes, HideNoChangeOfAFileReadInPlace) {
  const CoarseDisk disk;
  for (int round = 0; round < 50; ++round) {
    const auto path = disk.directory().file("f", letters());
    const StreamBuffer buffer(from_file(path));
    ASSERT_EQ(to_string(buffer.read(0, 1)), "a");
    const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(fd.get(), "X", 1, 0), 1);
    EXPECT_EQ(code_of([&] { buffer.read(0, 1); }), Errc::source_changed) << round;
  }
}

}  // namespace
}  // namespace seekable::test
