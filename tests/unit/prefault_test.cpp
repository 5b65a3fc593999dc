// SPDX-License-Identifier: Apache-2.0
// Memory that is faulted in before it is taken.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <latch>
#include <memory>
#include <set>
#include <span>
#include <thread>
#include <vector>

#include "core/spill_queue.hpp"
#include "fault/child.hpp"
#include "fault/faults.hpp"
#include "seekable/seekable.hpp"
#include "store/block_pool.hpp"
#include "support/sources.hpp"
#include "unit/blocks.hpp"

namespace seekable::test {
namespace {

using detail::block_size;
using detail::BlockPool;

TEST(Prefault, HasMemoryReadyBeforeItIsTaken) {
  EXPECT_TRUE(passes_in_a_child([] {
    const auto hot = take(1);
    put(hot);
    trim();
    EXPECT_TRUE(BlockPool::instance().prefault());
    EXPECT_TRUE(BlockPool::instance().prefault());
    EXPECT_FALSE(BlockPool::instance().prefault()) << "4 MiB are ready";
    std::vector<std::byte*> blocks;
    for (int i = 0; i < 64; ++i) blocks.push_back(BlockPool::instance().take());
    EXPECT_EQ(resident(blocks), blocks.size() * block_size);
    EXPECT_EQ(std::set<std::byte*>(blocks.begin(), blocks.end()).size(), blocks.size());
    put(blocks);
    trim();
    EXPECT_EQ(resident(blocks), 0U);
  }));
}

TEST(Prefault, HasTheHottestTakenBeforeWhatWasMadeReady) {
  EXPECT_TRUE(passes_in_a_child([] {
    trim();
    const auto hot = take(2);
    put(hot);
    EXPECT_TRUE(BlockPool::instance().prefault());
    EXPECT_EQ(BlockPool::instance().take(), hot[1]);
    EXPECT_EQ(BlockPool::instance().take(), hot[0]);
  }));
}

// (What is faulted in lies in other slabs than what was in use before.)
TEST(Prefault, KeepsNoMoreMemoryThanItSaysBesideWhatWasMadeReady) {
  EXPECT_TRUE(passes_in_a_child([] {
    auto all = take(600);
    put(all);
    trim();
    const auto blocks = take(400);
    EXPECT_TRUE(BlockPool::instance().prefault());
    put(blocks);
    EXPECT_LE(resident(slabs_of(all)), BlockPool::max_idle_bytes);
  }));
}

TEST(Prefault, KeepsNoMoreMemoryThanItSaysWhileSomeIsMadeReady) {
  EXPECT_TRUE(passes_in_a_child([] {
    std::vector<std::byte*> all;
    for (int round = 0; round < 100; ++round) {
      auto blocks = take(400);
      all.insert(all.end(), blocks.begin(), blocks.end());
      std::latch together(2);
      std::jthread makes_ready([&] {
        together.arrive_and_wait();
        BlockPool::instance().prefault();
      });
      together.arrive_and_wait();
      put(blocks);
      makes_ready.join();
      EXPECT_LE(resident(slabs_of(all)), BlockPool::max_idle_bytes);
      std::sort(blocks.begin(), blocks.end());
      EXPECT_EQ(std::adjacent_find(blocks.begin(), blocks.end()), blocks.end());
    }
    trim();
    EXPECT_EQ(resident(slabs_of(all)), 0U);
  }));
}

// A block of each of many slabs was faulted in, and each brought in a large page.
TEST(Prefault, BringsInNoMoreThanItSaysAfterBlocksCameBackInNoOrder) {
  EXPECT_TRUE(passes_in_a_child([] {
    const auto blocks = given_back_in_no_order(2048);
    EXPECT_TRUE(BlockPool::instance().prefault());
    EXPECT_TRUE(BlockPool::instance().prefault());
    EXPECT_LE(resident(slabs_of(blocks)), std::size_t{4} << 20U);
    for (int i = 0; i < 64; ++i) BlockPool::instance().take();
    EXPECT_LE(resident(slabs_of(blocks)), std::size_t{4} << 20U);
  }));
}

/// Waits until it is so, at most half a minute. Returns whether it is.
bool comes_true(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

/// What is resident of this process, in bytes.
std::size_t resident_memory() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  std::size_t resident = 0;
  EXPECT_TRUE(file >> pages >> resident);
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

constexpr std::size_t mib = 1 << 20;

TEST(Prefault, IsMadeReadyByASecondStageWhichWritesAllTheSame) {
  EXPECT_TRUE(passes_in_a_child([] {
    trim();
    const std::size_t before = resident_memory();
    std::atomic<std::size_t> written{0};
    detail::SpillQueue queue(
        [&](detail::SpillQueue::Blocks queued) {
          written += queued.size();
          return queued.size();
        },
        1);
    queue.want_prefault();
    EXPECT_TRUE(comes_true([&] { return resident_memory() >= before + 4 * mib; }));
    queue.push(1);
    queue.want_prefault();
    queue.push(2);
    EXPECT_TRUE(comes_true([&] { return written == 2; }));
    queue.stop();
    trim();
    const std::size_t after = resident_memory();
    queue.want_prefault();
    queue.stop();
    EXPECT_LT(resident_memory(), after + mib) << "after its end nothing is made ready";
  }));
}

/// A stream that gives zeros without an end, and stops at `at` until it is let go on.
std::unique_ptr<Source> zeros_that_stop_at(std::uint64_t at, const std::shared_ptr<Gate>& gate) {
  return from_function([at, gate, given = std::uint64_t{0}](std::span<std::byte> out) mutable {
    static const std::atomic<bool> never{false};
    if (given >= at) gate->enter(never);
    std::fill(out.begin(), out.end(), std::byte{});
    given += out.size();
    return out.size();
  });
}

std::size_t threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST(Prefault, IsMadeReadyForALongStreamAhead) {
  EXPECT_TRUE(passes_in_a_child([] {
    trim();
    const std::size_t before = resident_memory();
    const auto gate = std::make_shared<Gate>();
    Options options;
    options.fill = Fill::ahead;
    options.memory_limit = 64 << 20;
    StreamBuffer buffer(zeros_that_stop_at(8 << 20, gate), options);
    gate->wait_entered();
    EXPECT_TRUE(comes_true([&] { return resident_memory() > before + (8 + 3) * mib; }));
    buffer.cancel();
    gate->open();
  }));
}

TEST(Prefault, IsLeftAloneByWhatIsShortOrOnDemand) {
  EXPECT_TRUE(passes_in_a_child([] {
    std::jthread([] {}).join();  // A sanitizer starts a thread of its own with the first one.
    const std::size_t before = threads();
    Options options;
    options.memory_limit = 64 << 20;
    const StreamBuffer on_demand(from_bytes(Bytes(9 << 20)), options);
    EXPECT_EQ(on_demand.read(0, 9 << 20).size(), 9U << 20U);
    EXPECT_EQ(threads(), before);
    const auto gate = std::make_shared<Gate>();
    options.fill = Fill::ahead;
    options.memory_limit = 7 << 20;
    StreamBuffer ahead(zeros_that_stop_at(5 << 20, gate), options);
    gate->wait_entered();
    EXPECT_EQ(threads(), before + 1) << "the fill's own";
    ahead.cancel();
    gate->open();
    // A window has its own blocks again and again, however far the stream has come.
    const auto far = std::make_shared<Gate>();
    options.memory_limit = 64 << 20;
    options.retention = Retention::window(256 << 10, WhenFull::drop_oldest);
    StreamBuffer window(zeros_that_stop_at(12 << 20, far), options);
    far->wait_entered();
    EXPECT_EQ(threads(), before + 2) << "its fill's own, and that of the one before";
    window.cancel();
    far->open();
  }));
}

TEST(Prefault, MakesNothingReadyWhereThereIsNoMemory) {
  EXPECT_TRUE(passes_in_a_child([] {
    std::vector<std::byte*> blocks;
    const NthCall faults({Call::mmap}, 1, {.error = ENOMEM}, NthCall::Lasts::on);
    while (std::byte* block = BlockPool::instance().take()) blocks.push_back(block);
    EXPECT_FALSE(BlockPool::instance().prefault());
    EXPECT_EQ(BlockPool::instance().take(), nullptr);
  }));
}

}  // namespace
}  // namespace seekable::test
