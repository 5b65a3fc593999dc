// SPDX-License-Identifier: Apache-2.0
// Reads for those who hold a lock of their own, and waits that may pull.

#include <gtest/gtest.h>

#include <chrono>
#include <latch>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/buffers.hpp"
#include "support/feeds.hpp"

namespace seekable::test {
namespace {

/// What `read_in_memory` gives; nothing where it says false.
std::optional<Bytes> in_memory(const StreamBuffer& buffer, std::uint64_t offset, std::size_t size) {
  Bytes out(size);
  if (!buffer.read_in_memory(offset, out)) return std::nullopt;
  return out;
}

TEST(ReadInMemory, GivesAllOrNothing) {
  const Bytes content = random_bytes(4 * block + 100, 5);
  const StreamBuffer buffer(from_bytes(content));
  EXPECT_FALSE(in_memory(buffer, 0, 1)) << "nothing is pulled for it";
  buffer.read(0, content.size() + 1);
  EXPECT_EQ(in_memory(buffer, 0, 1), part(content, 0, 1));
  EXPECT_EQ(in_memory(buffer, block - 7, 3 * block), part(content, block - 7, 3 * block));
  EXPECT_EQ(in_memory(buffer, 4 * block, 100), part(content, 4 * block, 100));
  EXPECT_FALSE(in_memory(buffer, 4 * block, 101)) << "past the end";
  EXPECT_FALSE(in_memory(buffer, content.size(), 1));
  EXPECT_FALSE(in_memory(buffer, ~std::uint64_t{0}, 100));
  EXPECT_FALSE(in_memory(buffer, 0, 0));
  EXPECT_EQ(buffer.stats().hits, 3U);
}

TEST(ReadInMemory, LeavesOutWhatIsSpilledOrReleased) {
  const Bytes content = random_bytes(16 * block, 6);
  StreamBuffer buffer(from_chunks(std::vector<Bytes>{content}), {.memory_limit = 2 * block});
  buffer.read(0, content.size());
  std::size_t spilled = 0;
  for (const Extent& extent : buffer.residency()) {
    for (std::uint64_t byte = extent.range.begin; byte < extent.range.end; byte += block) {
      const bool is_there = in_memory(buffer, byte, 100).has_value();
      EXPECT_EQ(is_there, extent.where == Residency::memory) << byte;
      if (!is_there) ++spilled;
    }
  }
  EXPECT_GT(spilled, 10U);
  StreamBuffer moved_from(from_bytes(content));
  const StreamBuffer moved_to = std::move(moved_from);
  EXPECT_FALSE(in_memory(moved_from, 0, 1));  // NOLINT(bugprone-use-after-move)
  buffer.release_before(content.size());
  EXPECT_FALSE(in_memory(buffer, content.size() - 1, 1));
}

TEST(BringNear, TellsWhatIsInMemoryAndDoesNothingElse) {
  const Bytes content = random_bytes(16 * block, 6);
  StreamBuffer buffer(from_chunks(std::vector<Bytes>{content}), {.memory_limit = 2 * block});
  EXPECT_FALSE(buffer.bring_near(0, 100)) << "nothing has come";
  EXPECT_EQ(buffer.stats().source_reads, 0U) << "nothing is pulled for it";
  buffer.read(0, content.size() + 1);
  const Stats before = buffer.stats();
  std::size_t near = 0;
  for (const Extent& extent : buffer.residency()) {
    for (std::uint64_t byte = extent.range.begin; byte < extent.range.end; byte += 1000) {
      for (const std::size_t size : {std::size_t{0}, std::size_t{1}, 3 * block, SIZE_MAX}) {
        const bool is_near = buffer.bring_near(byte, size);
        ASSERT_EQ(is_near, extent.where == Residency::memory) << byte << ' ' << size;
        if (is_near) ++near;
      }
    }
  }
  EXPECT_GT(near, 64U);
  EXPECT_FALSE(buffer.bring_near(content.size(), 1)) << "past the end";
  EXPECT_FALSE(buffer.bring_near(~std::uint64_t{0}, 1));
  EXPECT_EQ(buffer.stats().hits, before.hits);
  buffer.release_before(1);
  EXPECT_FALSE(buffer.bring_near(0, 1));
  const StreamBuffer moved_to = std::move(buffer);
  EXPECT_FALSE(buffer.bring_near(1, 1));  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(moved_to.bring_near(1, 1));
}

TEST(ReadKept, GivesWhatIsThereAndPullsNothing) {
  const Bytes content = random_bytes(16 * block, 7);
  StreamBuffer buffer(from_chunks(std::vector<Bytes>{content}), {.memory_limit = 2 * block});
  Bytes out(2 * block);
  EXPECT_EQ(buffer.read_kept_at(0, out), 0U);
  EXPECT_EQ(buffer.stats().source_reads, 0U);
  buffer.read(0, 8 * block);
  EXPECT_EQ(buffer.read_kept_at(100, out), out.size());
  EXPECT_EQ(out, part(content, 100, out.size()));
  EXPECT_EQ(buffer.read_kept_at(8 * block - 10, out), 10U);
  EXPECT_EQ(part(out, 0, 10), part(content, 8 * block - 10, 10));
  EXPECT_EQ(buffer.read_kept_at(8 * block, out), 0U);
  EXPECT_EQ(buffer.read_kept_at(0, {}), 0U);
  buffer.release_before(block);
  EXPECT_EQ(code_of([&] { buffer.read_kept_at(block - 1, out); }), Errc::released);
  EXPECT_THROW(buffer.read_kept_at(~std::uint64_t{0}, out), std::invalid_argument);
}

TEST(WaitThatMayPull, PullsOnItsOwnThread) {
  std::thread::id pulled_on;
  const StreamBuffer buffer(from_function([&](std::span<std::byte> out) {
    pulled_on = std::this_thread::get_id();
    return out.size();
  }));
  Wait wait;
  wait.may_pull = true;
  EXPECT_EQ(buffer.read(0, 10, wait).size(), 10U);
  EXPECT_EQ(pulled_on, std::this_thread::get_id());
}

TEST(WaitThatMayPull, IsOverInTimeWhileAnotherPulls) {
  std::latch pulling(1);
  std::latch over(1);
  const StreamBuffer buffer(from_function([&](std::span<std::byte>) {
    pulling.count_down();
    over.wait();
    return std::size_t{0};
  }));
  std::jthread other([&] { EXPECT_TRUE(buffer.read(0, 1).empty()); });
  pulling.wait();
  Wait wait;
  wait.may_pull = true;
  wait.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  EXPECT_EQ(code_of([&] { buffer.read(0, 1, wait); }), Errc::timed_out);
  over.count_down();
}

}  // namespace
}  // namespace seekable::test
