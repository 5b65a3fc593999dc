// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "core/block_table.hpp"
#include "fault/faults.hpp"
#include "fault/scenario.hpp"
#include "seekable/sources.hpp"

namespace seekable::test {
namespace {

/// Looks at a budget, again and again, from a thread of its own.
class Watch {
 public:
  explicit Watch(std::shared_ptr<MemoryBudget> budget)
      : budget_(std::move(budget)), thread_([this](const std::stop_token& stop) {
          while (!stop.stop_requested()) look();
        }) {}
  void look() {
    std::uint64_t most = most_;
    const std::uint64_t used = budget_->used();
    while (most < used && !most_.compare_exchange_weak(most, used)) {
    }
  }
  std::uint64_t most() const { return most_; }

 private:
  std::shared_ptr<MemoryBudget> budget_;
  std::atomic<std::uint64_t> most_{0};
  std::jthread thread_;
};

Script script_of(std::uint64_t size) {
  Script script;
  script.byte_at = pattern_byte;
  script.length = size;
  return script;
}

/// Sums of words are enough for long streams.
std::unique_ptr<Source> zeros(std::uint64_t size, std::function<void()> look) {
  return from_function([left = size, look](std::span<std::byte> out) mutable {
    look();
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left, out.size()));
    std::fill_n(out.begin(), count, std::byte{0});
    left -= count;
    return count;
  });
}

TEST(Limits, HoldForOneHugeChunk) {
  for (const Fill fill : {Fill::on_demand, Fill::ahead}) {
    for (const std::uint64_t limit : {0, 5000, 70000, 1 << 20}) {
      const ScratchDirectory directory;
      const std::vector<std::string> chunk = {std::string(64 << 20, 'x')};
      const auto budget = std::make_shared<MemoryBudget>(limit);
      Watch watch(budget);
      Options options;
      options.memory_limit = limit;
      options.memory_budget = budget;
      options.fill = fill;
      options.spool_directories = {directory.path()};
      const std::uint64_t before = resident_bytes();
      const StreamBuffer buffer(chunk, options);
      Bytes out(4096);
      EXPECT_EQ(buffer.read_at((64 << 20) - 4096, out), 4096U);
      EXPECT_EQ(out, Bytes(4096, std::byte{'x'}));
      const std::uint64_t after = resident_bytes();
      if (!sanitized) {
        EXPECT_LT(after, before + limit + (6 << 20));
      }
      EXPECT_LE(watch.most(), limit);
      EXPECT_LE(buffer.stats().memory_bytes, limit);
    }
  }
}

TEST(Limits, HoldForManyBuffersOfOneBudget) {
  const ScratchDirectory directory;
  constexpr std::uint64_t limit = 1 << 20;
  const auto budget = std::make_shared<MemoryBudget>(limit);
  std::vector<StreamBuffer> buffers;
  Watch watch(budget);
  const std::uint64_t before = resident_bytes();
  for (int i = 0; i < 500; ++i) {
    Script script = script_of(100000);
    script.on_read = [&watch](std::uint64_t) { watch.look(); };
    Options options;
    options.memory_budget = budget;
    options.spool_directories = {directory.path()};
    if (i % 100 == 0) options.fill = Fill::ahead;
    buffers.emplace_back(std::make_unique<ScriptedSource>(std::move(script)), options);
    EXPECT_EQ(buffers.back().read(0, 100000).size(), 100000U);
    std::uint64_t sum = 0;
    for (const StreamBuffer& buffer : buffers) sum += buffer.stats().memory_bytes;
    ASSERT_EQ(sum, budget->used());
  }
  EXPECT_LE(watch.most(), limit);
  if (!sanitized) {
    EXPECT_LT(resident_bytes(), before + limit + (24 << 20));
  }
  for (std::size_t i = 0; i < buffers.size(); i += 7) {
    EXPECT_EQ(buffers[i].read(0, 100001), pattern_bytes(0, 100000));
  }
  buffers.clear();
  EXPECT_EQ(budget->used(), 0U);
}

TEST(Limits, HoldForTheDisk) {
  for (const std::uint64_t limit : {0, 100, 65536, 300000}) {
    for (const std::uint64_t memory : {10000, 200000}) {
      const ScratchDirectory directory;
      Options options;
      options.memory_limit = memory;
      options.disk_limit = limit;
      options.spool_directories = {directory.path()};
      const StreamBuffer buffer(std::make_unique<ScriptedSource>(script_of(2000000)), options);
      std::uint64_t at = 0;
      for (;;) {
        Bytes out(7777);
        try {
          const std::size_t got = buffer.read_at(at, out);
          ASSERT_GT(got, 0U);
          at += got;
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), Errc::disk_full);
          const std::string text = error.what();
          EXPECT_NE(text.find(limit == 0 ? "the disk limit is 0" : "disk limit of"),
                    std::string::npos)
              << text;
          break;
        }
        EXPECT_LE(buffer.stats().spool_bytes, limit);
      }
      EXPECT_LE(at, limit + memory);
      EXPECT_GE(at + 3 * 65536, limit + memory) << "room was not used";
      EXPECT_EQ(buffer.read(0, at), pattern_bytes(0, static_cast<std::size_t>(at)));
      std::uint64_t disk = 0;
      for (const int fd : unlinked_files_in(directory.path())) disk += disk_bytes(fd);
      EXPECT_LE(disk, (limit + 4095) / 4096 * 4096);
      if (limit == 0) {
        EXPECT_EQ(unlinked_files_in(directory.path()).size(), 0U);
      }
    }
  }
}

TEST(Limits, GiveTheDiskOfReleasedBlocksBack) {
  const ScratchDirectory directory;
  Options options;
  options.memory_limit = 100 * 1024;
  options.spool_directories = {directory.path()};
  constexpr std::uint64_t size = 4 << 20;
  StreamBuffer buffer(std::make_unique<ScriptedSource>(script_of(size)), options);
  buffer.read(0, size + 1);
  const auto fds = unlinked_files_in(directory.path());
  ASSERT_EQ(fds.size(), 1U);
  EXPECT_GE(disk_bytes(fds.front()), size - 100 * 1024);
  buffer.release_before(size / 2 + 10);
  EXPECT_LE(disk_bytes(fds.front()), size / 2);
  EXPECT_LE(buffer.stats().spool_bytes, size / 2);
  EXPECT_EQ(buffer.read(size / 2 + 10, 100000), pattern_bytes(size / 2 + 10, 100000));
  buffer.release_before(size);
  EXPECT_EQ(disk_bytes(fds.front()), 0U);
  EXPECT_EQ(buffer.stats().spool_bytes, 0U);
}

TEST(Limits, HoldAViewsSpaceUntilItGoes) {
  const ScratchDirectory directory;
  Options options;
  options.memory_limit = 100 * 1024;
  options.spool_directories = {directory.path()};
  StreamBuffer buffer(std::make_unique<ScriptedSource>(script_of(1 << 20)), options);
  buffer.read(0, (1 << 20) + 1);
  const auto fds = unlinked_files_in(directory.path());
  ASSERT_EQ(fds.size(), 1U);
  {
    const View view = buffer.view(500000, 1000);
    buffer.release_before(1 << 20);
    EXPECT_EQ(disk_bytes(fds.front()), 65536U);
    EXPECT_EQ(Bytes(view.bytes().begin(), view.bytes().end()), pattern_bytes(500000, view.size()));
  }
  EXPECT_EQ(disk_bytes(fds.front()), 0U);
}

TEST(Limits, KeepAWindowsDiskBounded) {
  for (const bool encrypted : {false, true}) {
    if (encrypted && detail::make_cipher() == nullptr) continue;
    const ScratchDirectory directory;
    constexpr std::uint64_t window = 600000;
    Options options;
    options.memory_limit = 192 * 1024;
    options.spool_directories = {directory.path()};
    options.encrypt_spool = encrypted;
    options.retention = Retention::window(window, WhenFull::drop_oldest);
    const StreamBuffer buffer(zeros(8 << 20, [] {}), options);
    for (std::uint64_t at = 0; at < 8 << 20; at += 100000) {
      buffer.read(at, 100000);
      std::uint64_t disk = 0;
      for (const int fd : unlinked_files_in(directory.path())) disk += disk_bytes(fd);
      ASSERT_LE(disk, window + 3 * 69632) << at;
      ASSERT_LE(buffer.stats().spool_bytes, window + 2 * 65536);
    }
  }
}

TEST(Limits, NeverTouchTheDiskForAWindowThatFitsIntoMemory) {
  for (const Fill fill : {Fill::on_demand, Fill::ahead}) {
    const ScratchDirectory directory;
    Options options;
    options.memory_limit = 2 << 20;
    options.fill = fill;
    options.spool_directories = {directory.path()};
    options.retention = Retention::window(1 << 20, WhenFull::drop_oldest);
    const StreamBuffer buffer(zeros(20 << 20, [] {}), options);
    EXPECT_EQ(buffer.wait_for_size(), 20U << 20);
    EXPECT_EQ(buffer.stats().spills, 0U);
    EXPECT_TRUE(unlinked_files_in(directory.path()).empty());
  }
}

// On the disk that people have: what is set aside for a growing file is given back at its end.
TEST(Limits, GiveBackWhatWasSetAside) {
  for (const std::uint64_t size : {std::uint64_t{9} << 20, (std::uint64_t{9} << 20) + 12345}) {
    const std::filesystem::path directory = "/var/tmp";
    Options options;
    options.memory_limit = 300 * 1024;
    options.spool_directories = {directory};
    const StreamBuffer buffer(zeros(size, [] {}), options);
    buffer.read(0, size / 2);
    const auto fds = unlinked_files_in(directory);
    ASSERT_EQ(fds.size(), 1U);
    EXPECT_EQ(buffer.wait_for_size(), size);
    EXPECT_LE(disk_bytes(fds.front()), size + 65536);
  }
}

TEST(Limits, KeepFifteenBytesForEachSpilledBlock) {
  constexpr std::uint64_t blocks = 1'000'000;
  const auto table = std::make_unique<detail::BlockTable>();
  const std::size_t before = ::mallinfo2().uordblks;
  for (std::uint64_t block = 0; block < blocks; ++block) table->make(block).filled_word() = 65536;
  const std::size_t used = ::mallinfo2().uordblks - before;
  if (!sanitized) {
    EXPECT_LE(used, blocks * 15);
  }
}

}  // namespace
}  // namespace seekable::test
