// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fault/child.hpp"
#include "fault/faults.hpp"
#include "fault/scenario.hpp"

namespace seekable::test {
namespace {

struct Disk {
  std::uint64_t size;
  std::uint64_t memory;
  Fill fill;
  bool encrypted;
};

std::unique_ptr<Source> endless(std::uint64_t size) {
  Script script;
  script.byte_at = pattern_byte;
  script.length = size;
  return std::make_unique<ScriptedSource>(std::move(script));
}

Options options_for(const std::filesystem::path& directory, const Disk& disk) {
  Options options;
  options.memory_limit = disk.memory;
  options.spool_directories = {directory};
  options.fill = disk.fill;
  options.encrypt_spool = disk.encrypted;
  return options;
}

std::vector<Disk> disks() {
  std::vector<Disk> all;
  for (const std::uint64_t size : {16 * 1024, 1024 * 1024}) {
    for (const std::uint64_t memory : {10 * 1024, 200 * 1024}) {
      for (const Fill fill : {Fill::on_demand, Fill::ahead}) {
        all.push_back({size, memory, fill, false});
      }
    }
    if (detail::make_cipher() != nullptr) all.push_back({size, 200 * 1024, Fill::on_demand, true});
  }
  return all;
}

/// Reads until the disk is full. Returns how far it came.
std::uint64_t read_until_full(const StreamBuffer& buffer, std::uint64_t offset, std::uint64_t size,
                              const std::filesystem::path& directory) {
  while (offset < size) {
    Bytes out(10000);
    try {
      const std::size_t got = buffer.read_at(offset, out);
      EXPECT_GT(got, 0U);
      out.resize(got);
      EXPECT_EQ(out, pattern_bytes(offset, got));
      offset += got;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::disk_full);
      EXPECT_EQ(error.offset(), offset) << error.what();
      const std::string text = error.what();
      EXPECT_NE(text.find(directory.string()), std::string::npos) << text;
      EXPECT_NE(text.find("byte " + std::to_string(offset)), std::string::npos) << text;
      return offset;
    }
  }
  return offset;
}

void expect_prefix(const StreamBuffer& buffer, std::uint64_t size) {
  for (std::uint64_t at = 0; at < size; at += 60000) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(60000, size - at));
    EXPECT_EQ(buffer.read(at, count), pattern_bytes(at, count)) << at;
  }
}

TEST(FullDisk, KeepsWhatItHasAndGoesOnWhenSpaceComesBack) {
  constexpr std::uint64_t size = 700 * 1024;
  for (const Disk& wanted : disks()) {
    SCOPED_TRACE("disk of " + std::to_string(wanted.size) + " bytes, memory " +
                 std::to_string(wanted.memory));
    const auto disk = TinyDisk::make(wanted.size + size + (1 << 20));
    if (!disk) return;  // Not root. The file size limit below is for everybody.
    // What fills the disk until it is as small as is wanted, in two files.
    const auto filler = disk->path() / "filler";
    const auto more = disk->path() / "more";
    disk->file_of(filler, disk->free() - wanted.size - 4096 * 10);
    disk->file_of(more, 4096 * 8);
    {
      const StreamBuffer buffer(endless(size * 2), options_for(disk->path(), wanted));
      const auto first = read_until_full(buffer, 0, size * 2, disk->path());
      EXPECT_LT(first, wanted.size + wanted.memory + 100000);
      EXPECT_EQ(buffer.available(0), first);
      expect_prefix(buffer, first);
      EXPECT_EQ(read_until_full(buffer, first, size * 2, disk->path()), first);
      std::filesystem::remove(more);
      const auto second = read_until_full(buffer, first, size * 2, disk->path());
      EXPECT_GE(second, first);
      std::filesystem::remove(filler);
      EXPECT_GE(read_until_full(buffer, second, size * 2, disk->path()), size);
      expect_prefix(buffer, size);
    }
    EXPECT_TRUE(names_in(disk->path()).empty());
    EXPECT_GE(disk->free(), wanted.size + size);
  }
}

TEST(FullDisk, SaveSaysSoAndLeavesNothing) {
  const auto disk = TinyDisk::make(128 * 1024);
  if (!disk) return;
  ScratchDirectory spool;
  Options options;
  options.memory_limit = 100 * 1024;
  options.spool_directories = {spool.path()};
  const auto target = disk->path() / "saved";
  const std::uint64_t before = disk->free();
  StreamBuffer buffer(endless(300 * 1024), options);
  for (const bool moves : {false, true, false}) {
    try {
      moves ? std::move(buffer).save(target) : buffer.save(target);
      FAIL() << "it was saved";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), std::error_code(ENOSPC, std::system_category())) << error.what();
      EXPECT_NE(std::string(error.what()).find(target.string()), std::string::npos);
    }
    EXPECT_TRUE(names_in(disk->path()).empty());
    EXPECT_EQ(disk->free(), before);
  }
  expect_prefix(buffer, 300 * 1024);
}

TEST(FullDisk, GoesToTheNextDirectoryInTheMiddleOfABlock) {
  const auto disk = TinyDisk::make(100 * 1024);
  if (!disk) return;
  for (const std::uint64_t memory : {10 * 1024, 200 * 1024}) {
    ScratchDirectory second;
    Options options;
    options.memory_limit = memory;
    options.spool_directories = {disk->path(), second.path()};
    const StreamBuffer buffer(endless(900 * 1024), options);
    expect_prefix(buffer, 900 * 1024);
    expect_prefix(buffer, 900 * 1024);
    EXPECT_EQ(unlinked_files_in(disk->path()).size() + unlinked_files_in(second.path()).size() > 1,
              true);
    const FileDescriptor file = buffer.to_file();
    EXPECT_EQ(content_of(file.get()), pattern_bytes(0, 900 * 1024));
  }
  EXPECT_TRUE(names_in(disk->path()).empty());
}

/// No file of this process may become larger than this.
void limit_file_size(std::uint64_t size) {
  const rlimit limit{size, RLIM_INFINITY};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
}

TEST(FullDisk, TakesALimitOfFileSizeForAFullDisk) {
  for (const Disk& wanted : disks()) {
    SCOPED_TRACE("memory " + std::to_string(wanted.memory));
    EXPECT_TRUE(passes_in_a_child([&] {
      ScratchDirectory directory;
      constexpr std::uint64_t size = 900 * 1024;
      limit_file_size(100 * 1024);
      const StreamBuffer buffer(endless(size), options_for(directory.path(), wanted));
      const auto first = read_until_full(buffer, 0, size, directory.path());
      EXPECT_LT(first, size);
      expect_prefix(buffer, first);
      EXPECT_EQ(read_until_full(buffer, first, size, directory.path()), first);
      limit_file_size(RLIM_INFINITY);
      EXPECT_EQ(read_until_full(buffer, first, size, directory.path()), size);
      expect_prefix(buffer, size);
      if (wanted.encrypted) return;
      EXPECT_EQ(content_of(buffer.to_file().get()), pattern_bytes(0, size));
    }));
  }
}

// Once an ahead fill that had met a full disk never read ahead again.
TEST(FullDisk, ReadsAheadAgainWhenSpaceComesBack) {
  const ScratchDirectory directory;
  constexpr std::uint64_t size = 600 * 1024;
  const auto end = std::make_shared<Gate>();
  Script script;
  script.byte_at = pattern_byte;
  script.length = size;
  script.gates = {{size, end}};
  NthCall faults({Call::pwrite}, 2, {.error = ENOSPC}, NthCall::Lasts::on);
  const StreamBuffer buffer(std::make_unique<ScriptedSource>(std::move(script)),
                            options_for(directory.path(), {0, 200 * 1024, Fill::ahead, false}));
  const auto kept = read_until_full(buffer, 0, size, directory.path());
  ASSERT_LT(kept, size);
  faults.end();
  EXPECT_EQ(buffer.read(kept, 1), pattern_bytes(kept, 1));
  end->wait_entered();  // Nobody has asked for it.
  end->open();
  expect_prefix(buffer, size);
}

TEST(FullDisk, NeedsNoFileForAStreamThatFitsIntoMemory) {
  EXPECT_TRUE(passes_in_a_child([&] {
    limit_file_size(0);
    Options options;
    options.spool_directories = {"/nowhere/at/all"};
    const StreamBuffer buffer(endless(300000), options);
    expect_prefix(buffer, 300000);
  }));
}

TEST(FullDisk, NamesADirectoryThatIsNotThere) {
  Options options;
  options.memory_limit = 10000;
  options.spool_directories = {"/nowhere/at/all"};
  const StreamBuffer buffer(endless(300000), options);
  EXPECT_EQ(read_until_full(buffer, 0, 300000, "/nowhere/at/all"), 4096U);
}

}  // namespace
}  // namespace seekable::test
