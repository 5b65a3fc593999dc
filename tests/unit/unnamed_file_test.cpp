// SPDX-License-Identifier: Apache-2.0
#include "system/unnamed_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <set>
#include <string>
#include <thread>

#include "fault/faults.hpp"
#include "seekable/error.hpp"
#include "support/feeds.hpp"

namespace seekable::test {
namespace {

using detail::make_unnamed_file;
using detail::UnnamedFile;

TEST(UnnamedFile, IsMadeWithoutANameWhereThatWorks) {
  const ScratchDirectory directory;
  const UnnamedFile file = make_unnamed_file(directory.path(), 0600);
  EXPECT_TRUE(file.fd);
  EXPECT_TRUE(names_in(directory.path()).empty());
}

TEST(UnnamedFile, IsMadeAndUnlinkedWhereFilesMustHaveNames) {
  for (const int error : {EOPNOTSUPP, EISDIR, EINVAL}) {
    const ScratchDirectory directory;
    NthCall faults({Call::open}, 1, {.error = error});
    const UnnamedFile file = make_unnamed_file(directory.path(), 0600);
    EXPECT_TRUE(file.fd);
    EXPECT_FALSE(file.linkable);
    EXPECT_TRUE(names_in(directory.path()).empty());
    struct ::stat status{};
    ASSERT_EQ(::fstat(file.fd.get(), &status), 0);
    EXPECT_EQ(status.st_nlink, 0U);
  }
}

TEST(UnnamedFile, SaysWhereItCouldNotBeMade) {
  const ScratchDirectory directory;
  for (const int error : {EACCES, EMFILE, ENOSPC, EROFS}) {
    NthCall faults({Call::open}, 1, {.error = error});
    try {
      make_unnamed_file(directory.path(), 0600);
      FAIL() << "it was made";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), std::error_code(error, std::system_category()));
      EXPECT_NE(std::string(e.what()).find(directory.path().string()), std::string::npos);
    }
  }
  EXPECT_THROW(make_unnamed_file("/nowhere/at/all", 0600), Error);
  EXPECT_THROW(make_unnamed_file(directory.file("file", {}), 0600), Error);
}

TEST(UnnamedFile, IsNotUsedWhereItsNameStays) {
  const ScratchDirectory directory;
  int opens = 0;
  const CallHook faults([&](Call call) -> std::optional<Fault> {
    if (call == Call::open && opens++ == 0) return Fault{.error = EOPNOTSUPP, .at_most = 0};
    if (call == Call::unlink) return Fault{.error = EIO, .at_most = 0};
    return std::nullopt;
  });
  EXPECT_THROW(make_unnamed_file(directory.path(), 0600), Error);
}

TEST(UnnamedFile, HasASuffixThatNobodyElseHas) {
  std::set<std::string> all;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(all.insert(detail::unique_suffix()).second);
}

TEST(WriteAllAt, WritesAllInAnySteps) {
  const ScratchDirectory directory;
  const UnnamedFile file = make_unnamed_file(directory.path(), 0600);
  const Bytes text = pattern_bytes(0, 10000);
  for (const std::size_t step : {1, 999, 100000}) {
    NthCall faults({Call::pwrite, Call::pread}, 1, {.at_most = step}, NthCall::Lasts::on);
    EXPECT_EQ(detail::write_all_at(file.fd.get(), text.data(), text.size(), 5), 0);
    Bytes back(text.size());
    EXPECT_EQ(detail::read_all_at(file.fd.get(), back.data(), back.size(), 5), 0);
    EXPECT_EQ(back, text);
  }
  Bytes back(text.size() + 1);
  EXPECT_EQ(detail::read_all_at(file.fd.get(), back.data(), back.size(), 5), EIO);
}

TEST(WritePiecesAt, WritesAllInAnySteps) {
  const ScratchDirectory directory;
  const Bytes text = pattern_bytes(0, 10000);
  const std::span<const std::byte> all(text);
  for (const std::size_t step : {1, 999, 4000, 100000}) {
    for (const std::size_t size : {1, 4000, 10000}) {
      const UnnamedFile file = make_unnamed_file(directory.path(), 0600);
      std::vector<std::span<const std::byte>> pieces{all.first(size)};
      for (std::size_t at = size; at < all.size(); at += all.size() / 12) {
        pieces.push_back(all.subspan(at, std::min(all.size() / 12, all.size() - at)));
      }
      const NthCall faults({Call::pwrite}, 1, {.at_most = step}, NthCall::Lasts::on);
      EXPECT_EQ(detail::write_pieces_at(file.fd.get(), pieces, 5), 0);
      Bytes back(text.size());
      EXPECT_EQ(detail::read_all_at(file.fd.get(), back.data(), back.size(), 5), 0);
      EXPECT_EQ(back, text) << step << ' ' << size;
    }
  }
}

TEST(WritePiecesAt, TellsWhatFailed) {
  const ScratchDirectory directory;
  const UnnamedFile file = make_unnamed_file(directory.path(), 0600);
  const Bytes text = pattern_bytes(0, 100);
  const auto write = [&] {
    std::span<const std::byte> pieces[] = {std::span(text).first(50), std::span(text).subspan(50)};
    return detail::write_pieces_at(file.fd.get(), pieces, 0);
  };
  {
    const NthCall faults({Call::pwrite}, 1, {.error = ENOSPC});
    EXPECT_EQ(write(), ENOSPC);
  }
  const NthCall faults({Call::pwrite}, 1, {.at_most = 0}, NthCall::Lasts::on);
  EXPECT_EQ(write(), EIO);
}

}  // namespace
}  // namespace seekable::test
