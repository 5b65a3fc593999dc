// SPDX-License-Identifier: Apache-2.0
#include "store/block_pool.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/block.hpp"
#include "fault/child.hpp"
#include "fault/faults.hpp"
#include "seekable/memory_budget.hpp"
#include "unit/blocks.hpp"

namespace seekable::test {
namespace {

using detail::block_size;
using detail::BlockPool;

TEST(BlockPool, GivesBlocksThatDoNotOverlapOnPageBoundaries) {
  auto blocks = take(200);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(blocks[i]) % 4096, 0U);
    EXPECT_EQ(blocks[i][0], static_cast<std::byte>(i));
    EXPECT_EQ(blocks[i][block_size - 1], static_cast<std::byte>(i));
  }
  std::sort(blocks.begin(), blocks.end());
  for (std::size_t i = 1; i < blocks.size(); ++i) EXPECT_GE(blocks[i], blocks[i - 1] + block_size);
  put(blocks);
}

TEST(BlockPool, GivesTheHottestBlockAgain) {
  const auto blocks = take(3);
  put(blocks);
  EXPECT_EQ(BlockPool::instance().take(), blocks[2]);
  EXPECT_EQ(BlockPool::instance().take(), blocks[1]);
  EXPECT_EQ(BlockPool::instance().take(), blocks[0]);
  put(blocks);
}

TEST(BlockPool, GivesTheBlockBehindAnotherIfItIsIdle) {
  auto blocks = take(64);
  std::sort(blocks.begin(), blocks.end());
  const auto pair = std::adjacent_find(
      blocks.begin(), blocks.end(),
      [](const auto* first, const auto* second) { return first + block_size == second; });
  ASSERT_NE(pair, blocks.end()) << "of 64 blocks two come from one slab";
  const std::byte* const before = pair[0];
  std::byte* const behind = pair[1];
  const auto hotter = take(5);
  put({behind});
  put(hotter);
  EXPECT_EQ(BlockPool::instance().take(before), behind);
  EXPECT_EQ(BlockPool::instance().take(before), hotter.back()) << "it is in use: the hottest";
  put(blocks);
  put({hotter.back()});
}

TEST(BlockPool, NeedsNoNewSlabsForWhatItHad) {
  trim();  // Else blocks of yet others are warm.
  auto first = take(300);
  put(first);
  auto second = take(300);
  put(second);
  const auto slabs = slabs_of(first);
  const std::set<std::byte*> all(slabs.begin(), slabs.end());
  EXPECT_TRUE(std::all_of(second.begin(), second.end(), [&](auto* b) { return all.contains(b); }));
}

TEST(BlockPool, KeepsNoMoreMemoryThanItSaysAndNoneAfterTrim) {
  trim();
  const auto blocks = take(400);
  EXPECT_EQ(resident(blocks), blocks.size() * block_size);
  put(blocks);
  EXPECT_LE(resident(blocks), BlockPool::max_idle_bytes);
  trim();
  EXPECT_EQ(resident(blocks), 0U);
  put(take(400));
  EXPECT_LE(resident(blocks), BlockPool::max_idle_bytes);
}

/// How many bytes of the process lie in large pages.
std::size_t in_large_pages() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  for (std::string line; std::getline(rollup, line);) {
    if (line.starts_with("AnonHugePages:")) return std::stoul(line.substr(14)) * 1024;
  }
  return 0;
}

// They were given back block by block, and came again in small pages.
TEST(BlockPool, GivesBackWholeSlabsSoThatTheyComeAgainAsLargePages) {
  EXPECT_TRUE(passes_in_a_child([] {
    const auto first = take(1024);
    const std::size_t before = in_large_pages();
    put(first);
    EXPECT_LE(resident(first), BlockPool::max_idle_bytes);
    const auto second = take(1024);
    // All but those whose slabs are partly warm. (Of a system without them it is nothing.)
    EXPECT_GE(in_large_pages() + 24 * 1024 * 1024, before);
    put(second);
    // In no order: then it is given back as it comes.
    auto shuffled = take(1024);
    std::shuffle(shuffled.begin(), shuffled.end(), std::minstd_rand(1));  // NOLINT: the same always
    put(shuffled);
    EXPECT_LE(resident(shuffled), BlockPool::max_idle_bytes);
    trim();
    EXPECT_EQ(resident(shuffled), 0U);
    std::set<std::byte*> again;
    for (std::byte* block : take(1024)) again.insert(block);
    EXPECT_EQ(again, std::set<std::byte*>(shuffled.begin(), shuffled.end()));
  }));
}

// Once the rest of a large page that a few blocks had brought in stayed.
TEST(BlockPool, KeepsNothingOfBlocksThatNobodyEverTook) {
  EXPECT_TRUE(passes_in_a_child([] {
    const auto one = take(1);
    const auto skew = reinterpret_cast<std::uintptr_t>(one.front()) % (2 << 20);
    std::vector<std::byte*> slab;
    for (std::size_t at = 0; at < 2 << 20; at += block_size)
      slab.push_back(one.front() - skew + at);
    put(one);
    trim();
    EXPECT_EQ(resident(slab), 0U);
  }));
}

// The cold blocks were taken in the order in which they had come back, from a slab each, and each
// brought in a large page: 32 times as much as was taken. (Of a system without them it was as
// much.)
TEST(BlockPool, BringsInLittleMoreThanIsTakenAfterBlocksCameBackInNoOrder) {
  EXPECT_TRUE(passes_in_a_child([] {
    const auto blocks = given_back_in_no_order(2048);
    for (int round = 0; round < 4; ++round) {
      const auto some = take(200);
      EXPECT_LE(resident(slabs_of(blocks)), some.size() * block_size + (2 << 20));
      put(some);
      EXPECT_LE(resident(slabs_of(blocks)), BlockPool::max_idle_bytes + (2 << 20));
    }
  }));
}

TEST(BlockPool, TakesBlocksOfASlabInTheirOrder) {
  EXPECT_TRUE(passes_in_a_child([] {
    given_back_in_no_order(320);
    const auto again = take(64);
    std::size_t in_order = 0;
    for (std::size_t i = 1; i < again.size(); ++i) {
      if (again[i] == again[i - 1] + block_size) ++in_order;
    }
    EXPECT_GE(in_order, 62U);
  }));
}

TEST(BlockPool, TellsThatThereIsNoMemory) {
  EXPECT_TRUE(passes_in_a_child([] {
    NthCall faults({Call::mmap}, 1, {.error = ENOMEM}, NthCall::Lasts::on);
    std::vector<std::byte*> blocks;
    for (;;) {
      std::byte* block = BlockPool::instance().take();
      if (block == nullptr) break;
      blocks.push_back(block);
      ASSERT_LT(blocks.size(), 100000U);
    }
    faults.end();
    std::byte* block = BlockPool::instance().take();
    ASSERT_NE(block, nullptr);
    BlockPool::instance().put(block);
  }));
}

TEST(BlockPool, IsUsedByManyThreadsAtOnce) {
  std::atomic<int> wrong{0};
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 300; ++round) {
        std::vector<std::byte*> mine;
        for (int i = 0; i < 20; ++i) {
          mine.push_back(BlockPool::instance().take());
          std::memset(mine.back(), thread * 16 + i % 16, 64);
        }
        for (int i = 0; i < 20; ++i) {
          if (mine[static_cast<std::size_t>(i)][63] !=
              static_cast<std::byte>(thread * 16 + i % 16)) {
            ++wrong;
          }
        }
        for (std::byte* block : mine) BlockPool::instance().put(block);
        if (round % 50 == 0) trim();
        if (round % 20 == 0) BlockPool::instance().prefault();
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

// A block that had been given back alone was taken while the rest of its slab was given back, with
// it.
TEST(BlockPool, TakesNothingFromWhoWritesWhileOthersGiveBack) {
  std::atomic<int> wrong{0};
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      std::minstd_rand random(static_cast<unsigned>(thread + 1));  // NOLINT: the same always
      for (int round = 0; round < 60; ++round) {
        std::vector<std::byte*> mine;
        for (int i = 0; i < 120; ++i) {
          mine.push_back(BlockPool::instance().take());
          std::memset(mine.back() + block_size - 64, thread + 1, 64);
        }
        if (round % 2 == 0) std::shuffle(mine.begin(), mine.end(), random);
        for (std::byte* block : mine) {
          if (block[block_size - 1] != static_cast<std::byte>(thread + 1)) ++wrong;
          BlockPool::instance().put(block);
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
  trim();
}

TEST(BlockPool, WorksInAChildForkedWhileOthersUseIt) {
  const auto known = take(600);
  put(known);
  std::atomic<bool> over{false};
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&] {
      while (!over) put({BlockPool::instance().take()});
    });
  }
  threads.emplace_back([&] {
    while (!over) {
      trim();
      BlockPool::instance().prefault();
    }
  });
  for (int i = 0; i < 30; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      std::byte* block = BlockPool::instance().take();
      block[0] = std::byte{1};
      BlockPool::instance().put(block);
      trim();
      // Two threads of the parent may have had a block each. What a third one was making ready is
      // not lost, nor is it about to come here.
      if (resident(slabs_of(known)) > 2 * block_size) ::_exit(3);
      const bool ready = BlockPool::instance().prefault() && BlockPool::instance().prefault();
      ::_exit(ready ? 0 : 2);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  over = true;
}

}  // namespace
}  // namespace seekable::test
