// SPDX-License-Identifier: Apache-2.0
#include "source/file_source.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "seekable/error.hpp"
#include "seekable/sources.hpp"
#include "support/feeds.hpp"

namespace seekable::test {
namespace {

using detail::FileSource;
using detail::sys::Call;
using detail::sys::Fault;

std::unique_ptr<FileSource> open_file(const std::filesystem::path& path) {
  auto source = from_file(path);
  auto* const file = dynamic_cast<FileSource*>(source.get());
  if (file != nullptr) (void)source.release();
  return std::unique_ptr<FileSource>(file);
}

void overwrite(const std::filesystem::path& path, std::uint64_t offset, std::string_view text) {
  const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::pwrite(fd.get(), text.data(), text.size(), static_cast<off_t>(offset)),
            static_cast<ssize_t>(text.size()));
}

/// Sets the time of modification back, as `touch -d` does.
void set_modified(const std::filesystem::path& path, std::time_t seconds) {
  const timespec times[2] = {{.tv_sec = seconds, .tv_nsec = 0}, {.tv_sec = seconds, .tv_nsec = 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

/// A file that was last changed long ago.
std::filesystem::path old_file(const ScratchDirectory& scratch, const Bytes& content) {
  auto path = scratch.file("old", content);
  set_modified(path, 1'000'000'000);
  return path;
}

/// Waits for a tick of the clock that the file system writes times with: two changes within one
/// look like one.
void wait_for_a_tick(const ScratchDirectory& scratch, const std::filesystem::path& path) {
  struct ::stat file{};
  struct ::stat probe{};
  ASSERT_EQ(::stat(path.c_str(), &file), 0);
  do {
    ASSERT_EQ(::stat(scratch.file("probe", {}).c_str(), &probe), 0);
  } while (probe.st_ctim.tv_sec == file.st_ctim.tv_sec &&
           probe.st_ctim.tv_nsec == file.st_ctim.tv_nsec);
}

TEST(FileSource, DeclaresTheSizeOfItsFile) {
  const ScratchDirectory scratch;
  const auto source = open_file(scratch.file("f", letters()));
  ASSERT_NE(source, nullptr);
  EXPECT_EQ(source->size(), 26U);
  EXPECT_EQ(source->fixed_size(), 26U);
  EXPECT_FALSE(source->worth_reading_through(1));
}

TEST(FileSource, ReadsAtAnyOffsetExactly) {
  const ScratchDirectory scratch;
  const auto source = open_file(scratch.file("f", letters()));
  ASSERT_NE(source, nullptr);
  for (std::size_t offset = 0; offset < 30; ++offset) {
    for (std::size_t size = 0; size < 30; ++size) {
      Bytes out(size);
      out.resize(source->pread(offset, out));
      const std::string all = to_string(letters());
      EXPECT_EQ(to_string(out), offset < 26 ? all.substr(offset, size) : "");
    }
  }
  EXPECT_EQ(::lseek(source->fd(), 0, SEEK_CUR), 0);
}

TEST(FileSource, ReadsOnAfterShortReadsAndInterruptions) {
  const ScratchDirectory scratch;
  const auto source = open_file(scratch.file("f", letters()));
  ASSERT_NE(source, nullptr);
  int count = 0;
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (call != Call::pread) return std::nullopt;
    if (++count % 2 == 0) return Fault{.error = EINTR, .at_most = 0};
    return Fault{.error = 0, .at_most = 4};
  });
  Bytes out(26);
  EXPECT_EQ(source->pread(0, out), 26U);
  EXPECT_EQ(to_string(out), to_string(letters()));
}

TEST(FileSource, ReadsFarOffsetsOfALargeFile) {
  const ScratchDirectory scratch;
  for (const std::uint64_t size : {1ULL << 31U, 1ULL << 32U, (1ULL << 40U) + 7}) {
    const auto path = scratch.file("large", {});
    ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(size)), 0);
    overwrite(path, size - 3, "end");
    const auto source = open_file(path);
    ASSERT_NE(source, nullptr);
    EXPECT_EQ(source->size(), size);
    source->reopen(size - 3, 3);
    EXPECT_EQ(to_string(read_all(*source)), "end");
  }
}

TEST(FileSource, TellsWhatItKnows) {
  const ScratchDirectory scratch;
  const auto path = old_file(scratch, letters());
  const auto before = from_file(path)->info();
  EXPECT_EQ(before.name, path.string());
  EXPECT_EQ(before.modified, std::chrono::system_clock::from_time_t(1'000'000'000));
  EXPECT_EQ(from_file(path)->info().validator, before.validator);
  overwrite(path, 0, "A");
  EXPECT_NE(from_file(path)->info().validator, before.validator);
}

TEST(FileSource, FailsWhenTheFileIsOverwritten) {
  const ScratchDirectory scratch;
  const auto path = old_file(scratch, letters());
  const auto source = from_file(path);
  EXPECT_EQ(to_string(read_once(*source, 3)), "abc");
  overwrite(path, 20, "X");
  try {
    read_once(*source, 3);
    FAIL() << "gave bytes of a changed file";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::source_changed);
    EXPECT_EQ(error.offset(), 3U);
    EXPECT_EQ(error.what(),
              "read from '" + path.string() + "': the source changed while it was read");
  }
}

TEST(FileSource, FailsWhenTheFileShrinksOrGrows) {
  const ScratchDirectory scratch;
  for (const off_t size : {10, 0, 27}) {
    const auto path = old_file(scratch, letters());
    const auto source = from_file(path);
    ASSERT_EQ(::truncate(path.c_str(), size), 0);
    EXPECT_EQ(code_of([&] { read_once(*source, 26); }), Errc::source_changed) << size;
  }
}

TEST(FileSource, FailsAtItsEndWhenTheFileHasGrown) {
  const ScratchDirectory scratch;
  const auto path = old_file(scratch, letters());
  const auto source = from_file(path);
  EXPECT_EQ(read_once(*source, 100).size(), 26U);
  overwrite(path, 26, "more");
  EXPECT_EQ(code_of([&] { read_once(*source, 100); }), Errc::source_changed);
}

TEST(FileSource, FailsWhenTheFileIsOverwrittenAndItsTimeSetBack) {
  const ScratchDirectory scratch;
  const auto path = old_file(scratch, letters());
  const auto source = from_file(path);
  wait_for_a_tick(scratch, path);
  overwrite(path, 0, "X");
  set_modified(path, 1'000'000'000);
  EXPECT_EQ(code_of([&] { read_once(*source, 100); }), Errc::source_changed);
}

TEST(FileSource, ReadsOnWhenTheFileIsUnlinkedOrReplacedOrGivenOtherRights) {
  const ScratchDirectory scratch;
  const auto path = old_file(scratch, letters());
  const auto source = from_file(path);
  ASSERT_EQ(::chmod(path.c_str(), 0400), 0);
  EXPECT_EQ(to_string(read_once(*source, 3)), "abc");
  std::filesystem::rename(scratch.file("new", to_bytes("other")), path);
  EXPECT_EQ(to_string(read_all(*source)), "defghijklmnopqrstuvwxyz");
}

TEST(FileSource, FailsWithTheSystemsCode) {
  const ScratchDirectory scratch;
  for (const auto call : {Call::pread, Call::fstat}) {
    const auto path = scratch.file("f", letters());
    const auto source = from_file(path);
    const CallHook hook(fail_call(call, EIO));
    EXPECT_EQ(text_of([&] { read_once(*source, 3); }),
              "read from '" + path.string() + "': Input/output error");
  }
}

TEST(FileSource, ReadsFilesOfProcWhichHaveNoSize) {
  for (const auto* path : {"/proc/self/maps", "/proc/cpuinfo", "/proc/self/status"}) {
    const auto source = from_file(path);
    EXPECT_EQ(source->size(), std::nullopt) << path;
    EXPECT_EQ(dynamic_cast<RestartableSource*>(source.get()), nullptr) << path;
    EXPECT_GT(read_all(*source).size(), 100U) << path;
    EXPECT_EQ(source->info().name, path);
  }
  std::ifstream direct("/proc/version");
  const std::string expected{std::istreambuf_iterator<char>(direct), {}};
  EXPECT_EQ(to_string(read_all(*from_file("/proc/version"), 10)), expected);
}

TEST(FileSource, ReadsFilesOfSysWhichLieAboutTheirSize) {
  // They claim 4096 bytes and have a few. Not every kernel has every one.
  for (const auto* path :
       {"/sys/kernel/mm/transparent_hugepage/enabled", "/sys/kernel/uevent_seqnum",
        "/sys/devices/system/cpu/online", "/sys/kernel/profiling"}) {
    std::ifstream direct(path);
    const std::string expected{std::istreambuf_iterator<char>(direct), {}};
    if (expected.empty()) continue;
    const auto source = from_file(path);
    EXPECT_EQ(source->size(), std::nullopt) << path;
    EXPECT_EQ(to_string(read_all(*source)), expected) << path;
  }
}

TEST(FileSource, ReadsForwardWhatDoesNotHaveTheSizeItClaims) {
  const ScratchDirectory scratch;
  const auto path = scratch.file("f", letters());
  int count = 0;
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (call != Call::pread || ++count != 1) return std::nullopt;
    return Fault{.error = 0, .at_most = 0};
  });
  const auto source = from_file(path);
  EXPECT_EQ(source->size(), std::nullopt);
  EXPECT_EQ(to_string(read_all(*source)), to_string(letters()));
}

TEST(FileSource, ReadsAnEmptyFile) {
  const ScratchDirectory scratch;
  const auto source = from_file(scratch.file("empty", {}));
  EXPECT_EQ(source->size(), std::nullopt);
  EXPECT_EQ(read_all(*source).size(), 0U);
}

TEST(FileSource, SaysWhyAFileCannotBeOpened) {
  const ScratchDirectory scratch;
  const auto missing = scratch.path() / "missing";
  EXPECT_EQ(text_of([&] { from_file(missing); }),
            "open '" + missing.string() + "': No such file or directory");
  EXPECT_EQ(code_of([&] { from_file(missing); }), std::errc::no_such_file_or_directory);
  EXPECT_EQ(text_of([&] { from_file(scratch.path()); }),
            "open '" + scratch.path().string() + "': Is a directory");
  EXPECT_EQ(code_of([&] { from_file(""); }), std::errc::no_such_file_or_directory);
  EXPECT_THROW(from_file(std::string("a\0b", 3)), std::invalid_argument);
}

TEST(FileSource, LeavesNoDescriptorOpen) {
  const auto count = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const ScratchDirectory scratch;
  const auto path = scratch.file("f", letters());
  const auto before = count();
  {
    const auto first = open_file(path);
    ASSERT_NE(first, nullptr);
    const auto second = first->another();
    EXPECT_EQ(count(), before + 1);
  }
  read_all(*from_file("/proc/self/maps"));
  code_of([&] { from_file(scratch.path()); });
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace seekable::test
