// SPDX-License-Identifier: Apache-2.0
#include "core/spill_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "support/sources.hpp"

namespace seekable::test {
namespace {

using detail::SpillQueue;

/// Blocks that were written, and whether the next one can be.
struct Disk {
  std::size_t write(SpillQueue::Blocks blocks) {
    std::size_t done = 0;
    while (done < blocks.size() && write(blocks[done])) ++done;
    return done;
  }
  bool write(std::uint64_t block) {
    if (gate) {
      static const std::atomic<bool> never{false};
      gate->enter(never);
    }
    const std::lock_guard lock(mutex);
    if (full) return false;
    written.push_back(block);
    return true;
  }
  std::vector<std::uint64_t> list() {
    const std::lock_guard lock(mutex);
    return written;
  }

  std::shared_ptr<Gate> gate;
  std::atomic<bool> full{false};
  std::mutex mutex;
  std::vector<std::uint64_t> written;
};

TEST(SpillQueue, WritesTheOldestFirstByWhoeverNeedsMemory) {
  Disk disk;
  SpillQueue queue([&](SpillQueue::Blocks blocks) { return disk.write(blocks); }, 1);
  EXPECT_FALSE(queue.make_progress());
  for (const std::uint64_t block : {5U, 3U, 9U}) queue.push(block);
  EXPECT_TRUE(queue.make_progress());
  EXPECT_EQ(disk.list(), (std::vector<std::uint64_t>{5}));
  EXPECT_TRUE(queue.make_progress());
  EXPECT_TRUE(queue.make_progress());
  EXPECT_FALSE(queue.make_progress());
  EXPECT_EQ(disk.list(), (std::vector<std::uint64_t>{5, 3, 9}));
}

TEST(SpillQueue, KeepsABlockThatCannotBeWrittenAndTriesItAgain) {
  Disk disk;
  SpillQueue queue([&](SpillQueue::Blocks blocks) { return disk.write(blocks); }, 1);
  queue.push(1);
  queue.push(2);
  disk.full = true;
  EXPECT_FALSE(queue.failed());
  EXPECT_FALSE(queue.make_progress());
  EXPECT_TRUE(queue.failed());
  disk.full = false;
  EXPECT_TRUE(queue.make_progress());
  EXPECT_FALSE(queue.failed());
  EXPECT_EQ(disk.list(), (std::vector<std::uint64_t>{1}));
}

TEST(SpillQueue, HasNotFailedWhenNothingIsLeftThatCouldNotBeWritten) {
  Disk disk;
  SpillQueue queue([&](SpillQueue::Blocks blocks) { return disk.write(blocks); }, 1);
  disk.full = true;
  queue.push(1);
  EXPECT_FALSE(queue.make_progress());
  queue.remove_before(2);
  EXPECT_FALSE(queue.failed());
  queue.push(3);
  EXPECT_FALSE(queue.make_progress());
  EXPECT_TRUE(queue.take_out(3));
  EXPECT_FALSE(queue.failed());
}

TEST(SpillQueue, GivesABlockBackToItsFiller) {
  Disk disk;
  SpillQueue queue([&](SpillQueue::Blocks blocks) { return disk.write(blocks); }, 1);
  queue.push(1);
  queue.push(2);
  EXPECT_TRUE(queue.take_out(1));
  EXPECT_FALSE(queue.take_out(1));
  EXPECT_FALSE(queue.take_out(7));
  EXPECT_TRUE(queue.make_progress());
  EXPECT_EQ(disk.list(), (std::vector<std::uint64_t>{2}));
}

TEST(SpillQueue, WaitsForABlockThatIsJustBeingWritten) {
  Disk disk;
  disk.gate = std::make_shared<Gate>();
  SpillQueue queue([&](SpillQueue::Blocks blocks) { return disk.write(blocks); }, 1);
  queue.push(1);
  std::jthread writer([&] { EXPECT_TRUE(queue.make_progress()); });
  disk.gate->wait_entered(1);
  std::atomic<bool> back{false};
  std::jthread filler([&] {
    EXPECT_FALSE(queue.take_out(1));
    EXPECT_EQ(disk.list().size(), 1U);
    back = true;
  });
  EXPECT_FALSE(back);
  disk.gate->open();
}

TEST(SpillQueue, ForgetsWhatWasReleased) {
  Disk disk;
  SpillQueue queue([&](SpillQueue::Blocks blocks) { return disk.write(blocks); }, 1);
  for (const std::uint64_t block : {4U, 5U, 6U}) queue.push(block);
  queue.remove_before(6);
  EXPECT_TRUE(queue.make_progress());
  EXPECT_FALSE(queue.make_progress());
  EXPECT_EQ(disk.list(), (std::vector<std::uint64_t>{6}));
}

TEST(SpillQueue, WritesSeveralAtOnceAndKeepsThoseThatCannotBe) {
  std::vector<std::vector<std::uint64_t>> asked;
  std::size_t room = 2;
  SpillQueue queue(
      [&](SpillQueue::Blocks blocks) {
        asked.emplace_back(blocks.begin(), blocks.end());
        return std::min(room, blocks.size());
      },
      3);
  for (const std::uint64_t block : {1U, 2U, 3U, 4U}) queue.push(block);
  EXPECT_TRUE(queue.make_progress());
  EXPECT_TRUE(queue.failed());
  room = 3;
  EXPECT_TRUE(queue.make_progress());
  EXPECT_FALSE(queue.failed());
  EXPECT_FALSE(queue.make_progress());
  EXPECT_EQ(asked, (std::vector<std::vector<std::uint64_t>>{{1, 2, 3}, {3, 4}}));
}

TEST(SpillQueue, TellsAWaiterOfABatchThatWasWrittenInPart) {
  for (int round = 0; round < 50; ++round) {
    const auto gate = std::make_shared<Gate>();
    const std::atomic<bool> never{false};
    SpillQueue queue(
        [&](SpillQueue::Blocks blocks) {
          gate->enter(never);
          return std::min<std::size_t>(2, blocks.size());
        },
        3);
    for (const std::uint64_t block : {1U, 2U, 3U}) queue.push(block);
    const std::jthread writer([&] { EXPECT_TRUE(queue.make_progress()); });
    gate->wait_entered(1);
    const std::jthread waiter([&] { EXPECT_TRUE(queue.make_progress()); });
    gate->open();
  }
}

TEST(SpillQueue, LeavesItsThreadAsleepUntilThereIsABatch) {
  Disk disk;
  disk.gate = std::make_shared<Gate>();
  SpillQueue queue([&](SpillQueue::Blocks blocks) { return disk.write(blocks); }, 2);
  queue.start_thread();
  queue.push(1);
  EXPECT_EQ(disk.list().size(), 0U);  // One alone is written by whoever needs its memory ...
  std::jthread needs([&] { EXPECT_TRUE(queue.make_progress()); });
  disk.gate->wait_entered(1);
  disk.gate->open();
  needs.join();
  queue.push(2);
  queue.push(3);  // ... and two by the thread.
  disk.gate->wait_entered(3);
  queue.stop();
  EXPECT_EQ(disk.list(), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST(SpillQueue, IsWrittenByItsOwnThread) {
  Disk disk;
  disk.gate = std::make_shared<Gate>();
  SpillQueue queue([&](SpillQueue::Blocks blocks) { return disk.write(blocks); }, 1);
  queue.start_thread();
  queue.start_thread();
  queue.push(1);
  queue.push(2);
  disk.gate->wait_entered(1);
  disk.gate->pass();
  disk.gate->wait_entered(2);
  EXPECT_EQ(disk.list(), (std::vector<std::uint64_t>{1}));
  disk.gate->open();
  queue.stop();
  EXPECT_EQ(disk.list(), (std::vector<std::uint64_t>{1, 2}));
  queue.start_thread();  // Too late, and no harm.
}

// Once a filler slept for ever when the block it waited for went away before it was written.
TEST(SpillQueue, WakesWhoWaitsForABlockThatGoesAway) {
  Disk disk;
  SpillQueue queue([&](SpillQueue::Blocks blocks) { return disk.write(blocks); }, 1);
  queue.start_thread();
  constexpr std::uint64_t count = 20000;
  std::atomic<std::uint64_t> pushed{0};
  std::jthread filler([&] {
    for (std::uint64_t block = 1; block <= count; ++block) {
      queue.push(block);
      pushed = block;
      queue.make_progress();
    }
  });
  for (std::uint64_t seen = 0; seen < count;) {
    seen = pushed;
    if (seen % 2 == 0) {
      queue.remove_before(seen + 1);
    } else {
      queue.take_out(seen);
    }
  }
}

TEST(SpillQueue, TakesAThrowForAWriteThatFailed) {
  int calls = 0;
  SpillQueue queue(
      [&](SpillQueue::Blocks blocks) {
        if (++calls == 1) throw std::bad_alloc();
        return blocks.size();
      },
      1);
  queue.push(1);
  EXPECT_FALSE(queue.make_progress());
  EXPECT_TRUE(queue.failed());
  EXPECT_TRUE(queue.make_progress());
}

TEST(SpillQueue, StopsWhileItsDiskIsFull) {
  Disk disk;
  disk.full = true;
  SpillQueue queue([&](SpillQueue::Blocks blocks) { return disk.write(blocks); }, 1);
  queue.start_thread();
  queue.push(1);
  while (!queue.failed()) std::this_thread::yield();
  EXPECT_FALSE(queue.make_progress());
  queue.stop();
  queue.stop();
  disk.full = false;
  EXPECT_TRUE(queue.make_progress());
}

TEST(SpillQueue, WritesEachBlockOnceWithSeveralThreadsAtIt) {
  Disk disk;
  SpillQueue queue([&](SpillQueue::Blocks blocks) { return disk.write(blocks); }, 1);
  queue.start_thread();
  constexpr std::uint64_t count = 3000;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (disk.list().size() < count) {
        if (!queue.make_progress()) std::this_thread::yield();
      }
    });
  }
  for (std::uint64_t block = 0; block < count; ++block) queue.push(block);
  threads.clear();
  auto written = disk.list();
  std::sort(written.begin(), written.end());
  for (std::uint64_t block = 0; block < count; ++block) ASSERT_EQ(written.at(block), block);
}

}  // namespace
}  // namespace seekable::test
