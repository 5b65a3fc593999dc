// SPDX-License-Identifier: Apache-2.0
// Memory that cannot be had while bytes are given up: a release does not fail, and what it could
// not note is given back by what comes after it.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "core/announcements.hpp"
#include "fault/failing_allocation.hpp"
#include "support/buffers.hpp"
#include "support/watchdog.hpp"

namespace seekable::test {
namespace {

constexpr std::size_t size = 8 * block - 5;

/// All of a stream of `size` bytes, kept in memory.
StreamBuffer kept(const std::vector<std::byte>& content) {
  StreamBuffer buffer(once_without_memory(content, never), options_in_memory(9 * block));
  buffer.wait_for_size();
  return buffer;
}

TEST(ReleaseWithoutMemory, IsFinishedByTheNextOneToTheSamePlace) {
  const std::vector<std::byte> content(size, std::byte{7});
  bool has_failed = true;
  for (int fails_in = 0; has_failed; ++fails_in) {
    StreamBuffer buffer = kept(content);
    allocations_left = fails_in;
    EXPECT_NO_THROW(buffer.release_before(5 * block));
    has_failed = std::exchange(allocations_left, never) == never;
    EXPECT_EQ(code_of([&] { buffer.read(5 * block - 1, 1); }), Errc::released);
    buffer.release_before(5 * block);
    EXPECT_EQ(buffer.stats().memory_bytes, 3 * block) << fails_in;
    buffer.release_before(7 * block);
    EXPECT_EQ(buffer.stats().memory_bytes, block) << fails_in;
  }
}

TEST(ReleaseWithoutMemory, IsFinishedByWhoeverNeedsTheMemory) {
  const std::vector<std::byte> content(size, std::byte{7});
  bool has_failed = true;
  for (int fails_in = 0; has_failed; ++fails_in) {
    StreamBuffer buffer(once_without_memory(content, never), options_in_memory(3 * block));
    buffer.read(0, 3 * block);
    allocations_left = fails_in;
    buffer.release_before(3 * block);
    has_failed = std::exchange(allocations_left, never) == never;
    EXPECT_EQ(buffer.read(3 * block, 3 * block), part(content, 3 * block, 3 * block)) << fails_in;
  }
}

// A node of the table that a release could not note was freed, though a view had a block of it.
TEST(ReleaseWithoutMemory, LeavesWhatAViewLends) {
  const auto content = random_bytes(80 * block, test_seed());
  bool has_failed = true;
  for (int fails_in = 0; has_failed; ++fails_in) {
    StreamBuffer buffer(std::make_unique<Plain>(content), options_spilled(4 * block));
    buffer.read(0, content.size());
    {
      const View view = buffer.view(40 * block, 1000);
      allocations_left = fails_in;
      EXPECT_NO_THROW(buffer.release_before(70 * block + 7));
      has_failed = std::exchange(allocations_left, never) == never;
      buffer.release_before(70 * block + 7);
      const auto bytes = view.bytes();
      EXPECT_TRUE(std::ranges::equal(bytes, part(content, 40 * block, bytes.size()))) << fails_in;
    }
    buffer.release_before(content.size() + block);
    EXPECT_EQ(buffer.stats().memory_bytes, 0U) << fails_in;
    EXPECT_EQ(buffer.stats().spool_bytes, 0U) << fails_in;
  }
}

// A reader passed over what it had read, the writer slept on, or the process was ended.
TEST(ReleaseWithoutMemory, OfAWindowThatBlocksLosesNoByteAndNoWriter) {
  const Watchdog watchdog("a window that blocks");
  const std::vector<std::byte> content = pattern_bytes(0, 6 * block);
  bool has_failed = true;
  for (int fails_in = 0; has_failed; ++fails_in) {
    auto [writer, buffer] = make_pipe(options_window(2 * block, WhenFull::block));
    Reader reader = buffer.reader();
    auto slow = std::make_unique<Reader>(buffer.reader());
    std::jthread pushing([&, to = std::move(writer)]() mutable {  // Which ends the stream.
      to.write(content);
    });
    std::vector<std::byte> out(2 * block);
    EXPECT_EQ(reader.read(out), 2 * block);
    allocations_left = fails_in;
    slow.reset();
    has_failed = std::exchange(allocations_left, never) == never;
    for (std::uint64_t at = 2 * block; at < content.size(); at += out.size()) {
      allocations_left = fails_in;
      std::size_t got = 0;
      EXPECT_NO_THROW(got = reader.read_some(out));
      allocations_left = never;
      while (got < out.size()) got += reader.read(std::span(out).subspan(got));
      EXPECT_EQ(out, part(content, at, out.size())) << fails_in;
    }
  }
}

TEST(ReleaseWithoutMemory, KnowsThatSomebodyCopies) {
  const int buffer = 0;
  std::optional<detail::Announcement> announced(std::in_place, &buffer, 7);
  allocations_left = 0;
  detail::Announcement::Users users(&buffer, 7, 8);
  EXPECT_EQ(std::exchange(allocations_left, 0), never);
  EXPECT_FALSE(users.are_gone(&buffer, 7, 8));
  EXPECT_EQ(std::exchange(allocations_left, never), never);
  EXPECT_FALSE(users.are_gone(&buffer, 7, 8));
  announced.reset();
  EXPECT_TRUE(users.are_gone(&buffer, 7, 8));
}

}  // namespace
}  // namespace seekable::test
