// SPDX-License-Identifier: Apache-2.0
#include "seekable/open_file.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "support/buffers.hpp"

namespace seekable::test {
namespace {

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

TEST(OpenFile, ReadsAndSeeksLikeAFile) {
  const auto content = random_bytes(100'000, 1);
  const StreamBuffer buffer(scripted(content, {777}));
  const File file(open_file(buffer));
  Bytes out(1000);
  for (const std::int64_t offset : {0, 99'000, 5, 4095, 4096, 50'000}) {
    ASSERT_EQ(::fseeko(file.get(), offset, SEEK_SET), 0);
    EXPECT_EQ(::ftello(file.get()), offset);
    ASSERT_EQ(std::fread(out.data(), 1, out.size(), file.get()), out.size());
    EXPECT_EQ(out, part(content, static_cast<std::uint64_t>(offset), 1000));
  }
  ASSERT_EQ(::fseeko(file.get(), -10, SEEK_END), 0);
  EXPECT_EQ(std::fread(out.data(), 1, out.size(), file.get()), 10U);
  EXPECT_NE(std::feof(file.get()), 0);
  EXPECT_EQ(std::ferror(file.get()), 0);
  EXPECT_EQ(::fileno(file.get()), -1);
}

TEST(OpenFile, HasOffsetsOf64Bits) {
  const std::uint64_t far = (std::uint64_t{1} << 53U) + 12'345;
  const StreamBuffer buffer(std::make_unique<ScriptedRestartable>(
      Script{.byte_at = pattern_byte, .length = far + 1000, .declared_size = far + 1000}));
  const File file(open_file(buffer));
  ASSERT_EQ(::fseeko(file.get(), static_cast<off_t>(far), SEEK_SET), 0);
  EXPECT_EQ(std::fgetc(file.get()), std::to_integer<int>(pattern_byte(far)));
  EXPECT_EQ(::ftello(file.get()), static_cast<off_t>(far + 1));
}

TEST(OpenFile, BelowTheBeginningCannotBeSought) {
  const StreamBuffer buffer(scripted(letters()));
  const File file(open_file(buffer));
  EXPECT_EQ(::fseeko(file.get(), -1, SEEK_SET), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(std::fgetc(file.get()), 'a');
}

TEST(OpenFile, HasAnErrorAndNoEndWhereTheStreamFailed) {
  const StreamBuffer buffer(std::make_unique<ScriptedSource>(Script{
      .content = letters(), .fail_at = 10, .failure = failure_with(std::errc::connection_reset)}));
  const File file(open_file(buffer));
  std::string out(100, '\0');
  errno = 0;
  EXPECT_EQ(std::fread(out.data(), 1, out.size(), file.get()), 10U);
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_NE(std::ferror(file.get()), 0);
  EXPECT_EQ(std::feof(file.get()), 0);
}

TEST(OpenFile, HasAnErrnoForWhatHasNone) {
  const StreamBuffer broken(std::make_unique<ScriptedSource>(Script{
      .content = letters(), .fail_at = 0, .failure = failure_of(std::runtime_error("odd"))}));
  const File file(open_file(broken));
  EXPECT_EQ(std::fgetc(file.get()), EOF);
  EXPECT_EQ(errno, EIO);
  StreamBuffer cancelled(scripted(letters()));
  cancelled.cancel();
  const File other(open_file(cancelled));
  EXPECT_EQ(std::fgetc(other.get()), EOF);
  EXPECT_EQ(errno, ECANCELED);
}

TEST(OpenFile, KeepsTheStreamAliveAfterItsBufferIsGone) {
  std::optional<StreamBuffer> buffer(std::in_place, scripted(letters(), {5}));
  const File file(open_file(*buffer));
  buffer.reset();
  std::string out(100, '\0');
  EXPECT_EQ(std::fread(out.data(), 1, out.size(), file.get()), 26U);
}

}  // namespace
}  // namespace seekable::test
