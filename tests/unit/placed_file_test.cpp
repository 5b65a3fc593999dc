// SPDX-License-Identifier: Apache-2.0
#include "system/placed_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "fault/child.hpp"
#include "fault/faults.hpp"
#include "seekable/error.hpp"
#include "support/feeds.hpp"
#include "system/unnamed_file.hpp"

namespace seekable::test {
namespace {

using detail::PlacedFile;

void write(const PlacedFile& file, const std::string& text) {
  ASSERT_EQ(detail::write_all_at(file.fd(), text.data(), text.size(), 0), 0);
}

TEST(PlacedFile, StandsAtItsPathAllAtOnce) {
  for (const bool unnamed : {true, false}) {
    const ScratchDirectory directory;
    const auto path = directory.path() / "it";
    NthCall faults({Call::open}, unnamed ? 1000 : 1, {.error = EOPNOTSUPP});
    PlacedFile file(path);
    write(file, "new");
    EXPECT_FALSE(std::filesystem::exists(path));
    file.place();
    EXPECT_EQ(content_of(path), to_bytes("new"));
    EXPECT_EQ(names_in(directory.path()).size(), 1U);
  }
}

TEST(PlacedFile, ReplacesAFileOrALinkButNoDirectory) {
  for (const bool unnamed : {true, false}) {
    const ScratchDirectory directory;
    const auto path = directory.file("it", to_bytes("old"));
    const auto link = directory.path() / "link";
    std::filesystem::create_symlink(path, link);
    NthCall faults({Call::open}, unnamed ? 1000 : 1, {.error = EOPNOTSUPP});
    PlacedFile over_link(link);
    write(over_link, "link");
    over_link.place();
    EXPECT_EQ(content_of(path), to_bytes("old"));
    EXPECT_EQ(content_of(link), to_bytes("link"));
    PlacedFile over_file(path);
    write(over_file, "new");
    over_file.place();
    EXPECT_EQ(content_of(path), to_bytes("new"));
    std::filesystem::create_directory(directory.path() / "sub");
    PlacedFile over_directory(directory.path() / "sub");
    EXPECT_THROW(over_directory.place(), Error);
    EXPECT_EQ(names_in(directory.path()).size(), 3U);
  }
}

TEST(PlacedFile, LeavesNothingWhenItIsNotPlaced) {
  for (const bool unnamed : {true, false}) {
    const ScratchDirectory directory;
    {
      NthCall faults({Call::open}, unnamed ? 1000 : 1, {.error = EOPNOTSUPP});
      const PlacedFile file(directory.path() / "it");
      write(file, "half");
      EXPECT_EQ(names_in(directory.path()).empty(), unnamed);
    }
    EXPECT_TRUE(names_in(directory.path()).empty());
  }
}

TEST(PlacedFile, HasTheModeOfAnyNewFile) {
  EXPECT_TRUE(passes_in_a_child([] {
    for (const mode_t mask : {0U, 022U, 077U}) {
      ::umask(mask);
      const ScratchDirectory directory;
      PlacedFile file(directory.path() / "it");
      file.place();
      struct ::stat status{};
      ASSERT_EQ(::stat((directory.path() / "it").c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 07777, 0666 & ~mask);
      const auto spool = detail::make_unnamed_file(directory.path(), 0600);
      ASSERT_TRUE(detail::make_like_new_file(spool.fd.get(), directory.path() / "other"));
      ASSERT_EQ(::fstat(spool.fd.get(), &status), 0);
      EXPECT_EQ(status.st_mode & 07777, 0666 & ~mask);
    }
  }));
}

TEST(PlacedFile, IsMadeInTheCurrentDirectoryForABareName) {
  EXPECT_TRUE(passes_in_a_child([] {
    const ScratchDirectory directory;
    ASSERT_EQ(::chdir(directory.path().c_str()), 0);
    PlacedFile file("bare");
    file.place();
    EXPECT_TRUE(std::filesystem::exists(directory.path() / "bare"));
  }));
}

TEST(PlacedFile, SaysWhereItCouldNotBeMade) {
  const std::string text = text_of([] { PlacedFile("/nowhere/at/all/it"); });
  EXPECT_NE(text.find("save '/nowhere/at/all/it'"), std::string::npos) << text;
}

TEST(MakeLikeNewFile, RefusesAFileOfAnotherFileSystem) {
  const auto disk = TinyDisk::make(1 << 20);
  if (!disk) return;
  const ScratchDirectory directory;
  const auto spool = detail::make_unnamed_file(disk->path(), 0600);
  EXPECT_FALSE(detail::make_like_new_file(spool.fd.get(), directory.path() / "it"));
  EXPECT_TRUE(detail::make_like_new_file(spool.fd.get(), disk->path() / "it"));
  EXPECT_EQ(detail::link_into_place(spool.fd.get(), directory.path() / "it"), EXDEV);
  EXPECT_TRUE(names_in(directory.path()).empty());
}

}  // namespace
}  // namespace seekable::test
