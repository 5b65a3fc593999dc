// SPDX-License-Identifier: Apache-2.0
#include "store/spool_file.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include "base/block.hpp"
#include "fault/faults.hpp"
#include "support/feeds.hpp"

namespace seekable::test {
namespace {

using detail::block_size;
using detail::SpoolFile;

TEST(SpoolFile, PutsABlockOfADirectFileAtItsOffsetInTheStream) {
  const ScratchDirectory directory;
  SpoolFile file(directory.path(), block_size, true);
  EXPECT_EQ(file.take_slot(7), 7U);
  EXPECT_EQ(file.write(7, 3, to_bytes("here")), 0);
  Bytes out(4);
  ASSERT_EQ(::pread(file.fd(), out.data(), 4, 7 * block_size + 3), 4);
  EXPECT_EQ(out, to_bytes("here"));
}

TEST(SpoolFile, GivesSlotsOutOnceAndAgainWhenTheyCameBack) {
  const ScratchDirectory directory;
  SpoolFile file(directory.path(), block_size, false);
  std::set<std::uint64_t> slots;
  for (std::uint64_t block = 1000; block < 1100; ++block) {
    EXPECT_TRUE(slots.insert(file.take_slot(block)).second);
  }
  EXPECT_EQ(*slots.rbegin(), 99U);
  for (const std::uint64_t slot : {5U, 70U}) file.put_slot(slot);
  EXPECT_EQ(file.take_slot(1), 70U);
  EXPECT_EQ(file.take_slot(2), 5U);
  EXPECT_EQ(file.take_slot(3), 100U);
}

TEST(SpoolFile, ReadsExactlyOrSaysWhyNot) {
  const ScratchDirectory directory;
  SpoolFile file(directory.path(), block_size, true);
  ASSERT_EQ(file.write(0, 0, to_bytes("abc")), 0);
  Bytes out(3);
  EXPECT_EQ(file.read(0, 0, out), 0);
  EXPECT_EQ(out, to_bytes("abc"));
  EXPECT_EQ(file.read(0, 1, out), EIO);
}

TEST(SpoolFile, RefusesWhatNoFileCanAddress) {
  const ScratchDirectory directory;
  SpoolFile file(directory.path(), block_size, true);
  for (const std::uint64_t slot : {~std::uint64_t{0}, std::uint64_t{1} << 48,
                                   std::uint64_t{1} << 47, (std::uint64_t{1} << 47) - 1}) {
    EXPECT_EQ(file.write(slot, 0, to_bytes("x")), EFBIG) << slot;
  }
}

TEST(SpoolFile, GivesTheSpaceOfASlotBackUnlessOthersHoldTheFile) {
  const ScratchDirectory directory;
  SpoolFile file(directory.path(), block_size, true);
  const Bytes text = pattern_bytes(0, block_size);
  for (std::uint64_t slot = 0; slot < 3; ++slot) ASSERT_EQ(file.write(slot, 0, text), 0);
  EXPECT_EQ(disk_bytes(file.fd()), 3 * block_size);
  file.punch(1);
  EXPECT_EQ(disk_bytes(file.fd()), 2 * block_size);
  file.hand_out();
  file.punch(0);
  EXPECT_EQ(disk_bytes(file.fd()), 2 * block_size);
  Bytes out(block_size);
  EXPECT_EQ(file.read(0, 0, out), 0);
  EXPECT_EQ(out, text);
}

constexpr std::uint64_t slots_in_order = 64 * 1024 * 1024 / block_size;

TEST(SpoolFile, SetsSpaceAsideAndGivesItBack) {
  for (const std::uint64_t size : {2 * block_size, 2 * block_size + 5}) {
    SpoolFile file("/var/tmp", block_size, true);
    const Bytes text = pattern_bytes(0, block_size);
    for (std::uint64_t slot = 0; slot < 2; ++slot) ASSERT_EQ(file.write(slot, 0, text), 0);
    for (std::uint64_t slot = 5; slot < 5 + slots_in_order; ++slot) file.preallocate(slot);
    EXPECT_LE(disk_bytes(file.fd()), 3 * block_size) << "for a short file nothing is";
    file.preallocate(5 + slots_in_order);
    EXPECT_GE(disk_bytes(file.fd()), slots_in_order * block_size);
    EXPECT_LE(disk_bytes(file.fd()), (slots_in_order + 100) * block_size);
    EXPECT_EQ(file.finish(size), 0);
    EXPECT_LE(disk_bytes(file.fd()), 3 * block_size);
    file.preallocate(5 + slots_in_order + 1);
    EXPECT_LE(disk_bytes(file.fd()), 3 * block_size) << "after its end nothing is set aside";
  }
}

TEST(SpoolFile, GivesBackWhatIsSetAsideWhileItEnds) {
  SpoolFile file("/var/tmp", block_size, true);
  ASSERT_EQ(file.write(0, 0, pattern_bytes(0, block_size)), 0);
  const CallHook hook([&](Call call) -> std::optional<Fault> {
    if (call != Call::fallocate) return std::nullopt;
    EXPECT_EQ(file.finish(block_size), 0);
    return std::nullopt;
  });
  for (std::uint64_t slot = 0; slot <= slots_in_order; ++slot) file.preallocate(slot);
  EXPECT_LE(disk_bytes(file.fd()), 2 * block_size);
}

TEST(SpoolFile, SetsNothingAsideForWhoJumpsAbout) {
  SpoolFile file("/var/tmp", block_size, true);
  for (std::uint64_t slot = 0; slot < 3 * slots_in_order; ++slot) {
    if (slot % (slots_in_order / 2) != 0) file.preallocate(slot);
  }
  EXPECT_EQ(disk_bytes(file.fd()), 0U);
}

TEST(SpoolFile, MapsTheSameBytes) {
  const ScratchDirectory directory;
  SpoolFile file(directory.path(), block_size, true);
  std::vector<SpoolFile::Window*> windows;
  for (std::uint64_t slot = 0; slot < 64 * 40; slot += 50) {
    ASSERT_EQ(file.write(slot, 0, pattern_bytes(slot, 5000)), 0);
    const std::byte* bytes = nullptr;
    windows.push_back(file.map(slot, bytes));
    ASSERT_NE(windows.back(), nullptr);
    EXPECT_EQ(Bytes(bytes, bytes + 5000), pattern_bytes(slot, 5000));
  }
  for (SpoolFile::Window* window : windows) file.unmap(window);
  const std::byte* bytes = nullptr;
  SpoolFile::Window* window = file.map(50, bytes);
  EXPECT_EQ(Bytes(bytes, bytes + 5000), pattern_bytes(50, 5000));
  file.unmap(window);
}

TEST(SpoolFile, TellsWhyItCannotBeMapped) {
  const ScratchDirectory directory;
  SpoolFile file(directory.path(), block_size, true);
  const std::byte* bytes = nullptr;
  {
    const NthCall faults({Call::mmap}, 1, {.error = ENOMEM});
    EXPECT_EQ(file.map(0, bytes), nullptr);
    EXPECT_EQ(errno, ENOMEM);
  }
  SpoolFile::Window* window = file.map(0, bytes);
  ASSERT_NE(window, nullptr);
  file.unmap(window);
}

}  // namespace
}  // namespace seekable::test
