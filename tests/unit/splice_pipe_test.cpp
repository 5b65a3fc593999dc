// SPDX-License-Identifier: Apache-2.0
#include "system/splice_pipe.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <vector>

#include "seekable/sources.hpp"
#include "support/feeds.hpp"
#include "system/unnamed_file.hpp"

namespace seekable::test {
namespace {

using detail::SplicePipe;

constexpr std::size_t size = 300'000;

/// Bytes `[offset, offset + count)` of a file.
std::vector<std::byte> file_bytes(int fd, std::uint64_t offset, std::size_t count) {
  std::vector<std::byte> bytes(count);
  EXPECT_EQ(detail::read_all_at(fd, bytes.data(), count, offset), 0);
  return bytes;
}

class SplicePipeTest : public testing::Test {
 protected:
  const ScratchDirectory scratch;
  const detail::UnnamedFile file = detail::make_unnamed_file(scratch.path(), 0600);
  const std::vector<std::byte> content = pattern_bytes(0, size);
  const FileDescriptor pipe = full_pipe(content);
  SplicePipe splice;
};

TEST_F(SplicePipeTest, WritesWhatItTookToWhereItIsTold) {
  EXPECT_EQ(splice.waiting_in(pipe.get()), size);
  ASSERT_EQ(splice.take(pipe.get(), 200'000), 200'000U);
  EXPECT_EQ(splice.held(), 200'000U);
  EXPECT_EQ(splice.write_to(file.fd.get(), 4097, 150'000), 150'000U);
  EXPECT_EQ(splice.held(), 50'000U);
  EXPECT_EQ(file_bytes(file.fd.get(), 4097, 150'000), pattern_bytes(0, 150'000));
}

TEST_F(SplicePipeTest, GivesTheRestToAReader) {
  ASSERT_EQ(splice.take(pipe.get(), 100'000), 100'000U);
  ASSERT_EQ(splice.write_to(file.fd.get(), 0, 65'536), 65'536U);
  // As long as it holds something it takes no more: that would come behind it.
  EXPECT_EQ(splice.waiting_in(pipe.get()), 0U);
  std::vector<std::byte> rest(size);
  std::size_t done = 0;
  while (splice.held() > 0) {
    const ssize_t got = splice.read(rest.data() + done, rest.size() - done);
    ASSERT_GT(got, 0);
    done += static_cast<std::size_t>(got);
  }
  rest.resize(done);
  EXPECT_EQ(rest, pattern_bytes(65'536, 100'000 - 65'536));
  EXPECT_EQ(splice.waiting_in(pipe.get()), size - 100'000);
}

TEST_F(SplicePipeTest, LeavesLessThanABlockToBeRead) {
  const FileDescriptor little = full_pipe(pattern_bytes(0, SplicePipe::least_bytes - 1));
  EXPECT_EQ(splice.waiting_in(little.get()), 0U);
  const FileDescriptor block = full_pipe(pattern_bytes(0, SplicePipe::least_bytes));
  EXPECT_EQ(splice.waiting_in(block.get()), SplicePipe::least_bytes);
}

TEST_F(SplicePipeTest, HasRoomForTheMostWhereverInAPageItBegins) {
  const FileDescriptor large = full_pipe(pattern_bytes(0, SplicePipe::pipe_bytes));
  std::byte skipped[1000];
  ASSERT_EQ(::read(large.get(), skipped, sizeof skipped), 1000);
  ASSERT_EQ(splice.take(large.get(), SplicePipe::most_bytes), SplicePipe::most_bytes);
  ASSERT_EQ(splice.write_to(file.fd.get(), 0, SplicePipe::most_bytes), SplicePipe::most_bytes);
  EXPECT_EQ(file_bytes(file.fd.get(), 0, SplicePipe::most_bytes),
            pattern_bytes(1000, SplicePipe::most_bytes));
}

TEST_F(SplicePipeTest, WaitsForNothing) {
  const Ends ends = make_pipe_ends();
  EXPECT_EQ(splice.take(ends.read.get(), 65'536), 0U);
  // Nothing came of that one; of another something does.
  EXPECT_EQ(splice.take(pipe.get(), 65'536), 65'536U);
}

TEST_F(SplicePipeTest, IsNotTriedAgainWhereTheFileSystemCannot) {
  ASSERT_EQ(splice.take(pipe.get(), 65'536), 65'536U);
  {
    const CallHook hook(fail_call(detail::sys::Call::splice_to_file, EINVAL));
    EXPECT_EQ(splice.write_to(file.fd.get(), 0, 65'536), 0U);
  }
  std::vector<std::byte> bytes(65'536);
  while (splice.held() > 0) ASSERT_GT(splice.read(bytes.data(), bytes.size()), 0);
  EXPECT_EQ(splice.waiting_in(pipe.get()), 0U);
}

TEST_F(SplicePipeTest, IsTriedAgainWhereTheDiskWasFull) {
  ASSERT_EQ(splice.take(pipe.get(), 65'536), 65'536U);
  {
    const CallHook hook(fail_call(detail::sys::Call::splice_to_file, ENOSPC));
    EXPECT_EQ(splice.write_to(file.fd.get(), 0, 65'536), 0U);
  }
  EXPECT_EQ(splice.write_to(file.fd.get(), 0, 65'536), 65'536U);
  EXPECT_GT(splice.waiting_in(pipe.get()), 0U);
}

TEST_F(SplicePipeTest, TakesNothingWhereNoPipeCanBeMade) {
  const CallHook hook(fail_call(detail::sys::Call::pipe, EMFILE));
  EXPECT_EQ(splice.take(pipe.get(), 65'536), 0U);
  EXPECT_EQ(splice.waiting_in(pipe.get()), 0U);
  EXPECT_EQ(read_once(*from_fd(pipe.get()), 65'536), pattern_bytes(0, 65'536));
}

}  // namespace
}  // namespace seekable::test
