// SPDX-License-Identifier: Apache-2.0
// Several readers of a restartable source, each with a connection of its own; each test here is a
// mended bug, with a line on what it was.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <thread>
#include <utility>

#include "seekable/seekable.hpp"
#include "support/buffers.hpp"

namespace seekable::test {
namespace {

constexpr auto soon_enough = std::chrono::minutes(1);

/// A stream of 100 blocks whose first connection stops in the block that it is told.
struct Stalled {
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  std::vector<std::byte> content = random_bytes(100 * block, 1);
  ScriptedJumping stream;

  explicit Stalled(std::uint64_t at, std::optional<std::uint64_t> declared = 100 * block)
      : stream({.content = content,
                .chunks = {block},
                .declared_size = declared,
                .gates = {{at, gate}},
                .read_through = 1024 * 1024,
                .max_connections = 4}) {}
};

// The second reader's connection was to read through the block that the first one stood in: it
// asked again and again, and got its byte only after the first.
TEST(Lanes, AReaderBehindAStalledBlockHasAConnectionOfItsOwn) {
  Stalled stalled(2 * block);
  const auto& buffer = stalled.stream.buffer;
  std::jthread first([&] { buffer.read(2 * block, 1); });
  stalled.gate->wait_entered();
  EXPECT_EQ(buffer.read(3 * block, 10), part(stalled.content, 3 * block, 10));
  EXPECT_LT(stalled.stream.log->reads(), 20U);
  stalled.gate->open();
}

// Only readers without a limit got one more connection.
TEST(Lanes, AReaderWithADeadlineHasAConnectionOfItsOwn) {
  Stalled stalled(2 * block);
  const auto& buffer = stalled.stream.buffer;
  std::jthread first([&] { buffer.read(2 * block, 1); });
  stalled.gate->wait_entered();
  const Wait wait{.deadline = std::chrono::steady_clock::now() + soon_enough};
  EXPECT_EQ(buffer.read(50 * block, 10, wait), part(stalled.content, 50 * block, 10));
  stalled.gate->open();
}

// Whoever read on to the end was taken to be on the way to every byte.
TEST(Lanes, AReaderIsNotHeldUpByWhoWaitsForTheSize) {
  Stalled stalled(2 * block, std::nullopt);
  const auto& buffer = stalled.stream.buffer;
  std::jthread first([&] { EXPECT_EQ(buffer.wait_for_size(), 100 * block); });
  stalled.gate->wait_entered();
  EXPECT_EQ(buffer.read(50 * block, 10), part(stalled.content, 50 * block, 10));
  stalled.gate->open();
}

// A thread that had just taken a second lane called callbacks before it used it; one that waited
// for the bytes of that lane waited for ever.
TEST(Lanes, NoCallbackIsCalledByAThreadThatHoldsOne) {
  const auto content = random_bytes(100 * block, 2);
  const auto gate = std::make_shared<Gate>();
  const ScriptedJumping stream({.content = content,
                                .chunks = {100},
                                .declared_size = 100 * block,
                                .gates = {{100, gate}},
                                .max_connections = 4});
  const StreamBuffer& buffer = stream.buffer;
  Bytes some(16);
  buffer.read_some_at(50 * block, some);  // The first lane stands far away.
  std::promise<void> first_runs;
  std::promise<void> first_may_end;
  std::promise<void> second_ended;
  const auto first = buffer.when_available({0, 200}, [&](std::error_code) {
    first_runs.set_value();
    first_may_end.get_future().wait();
  });
  const auto second = buffer.when_available({0, 200}, [&](std::error_code) {
    buffer.read(80 * block, 16);
    second_ended.set_value();
  });
  gate->wait_entered();
  gate->open();
  first_runs.get_future().wait();  // Now the second is due, and any thread may call it.
  std::jthread reader([&] { EXPECT_EQ(buffer.read(80 * block, 16).size(), 16U); });
  second_ended.get_future().wait();
  first_may_end.set_value();
}

// A connection that had given its first bytes, for which there was no room, was told again how much
// is wanted, and gave them once more behind themselves.
TEST(Lanes, BytesThatWereHeldAreNotTakenTwice) {
  const auto content = random_bytes(3 * block, 3);
  const ScriptedJumping stream({.content = content, .chunks = {1000}, .declared_size = 3 * block},
                               options_spilled(0));
  const StreamBuffer& buffer = stream.buffer;
  {
    const CallHook hook(fail_call(detail::sys::Call::pwrite, ENOSPC, 100));
    EXPECT_EQ(code_of([&] { buffer.read(0, 5000); }), Errc::disk_full);
  }
  EXPECT_TRUE(buffer.read(0, content.size()) == content);
}

/// Its first connection ends at 1000 bytes, the others go on.
class TwoEnds final : public RestartableSource {
 public:
  explicit TwoEnds(std::shared_ptr<Gate> gate, bool first = true)
      : gate_(std::move(gate)), first_(first) {}

  std::size_t read_some(std::span<std::byte> out) override {
    if (first_) {
      if (position_ >= 1000) return 0;
      out = out.first(std::min<std::size_t>(out.size(), 1000 - position_));
    } else if (!gate_->enter(never_)) {
      return 0;
    }
    std::fill(out.begin(), out.end(), std::byte{1});
    position_ += out.size();
    return out.size();
  }
  void reopen(std::uint64_t offset, std::optional<std::uint64_t>) override { position_ = offset; }
  bool worth_reading_through(std::uint64_t) const override { return false; }
  std::unique_ptr<RestartableSource> another() const override {
    return std::make_unique<TwoEnds>(gate_, false);
  }

 private:
  const std::shared_ptr<Gate> gate_;
  const bool first_;
  const std::atomic<bool> never_{false};
  std::uint64_t position_ = 0;
};

// Bytes behind an end that another connection had found were given, and the stream called complete.
TEST(Lanes, NoByteIsGivenBehindAnEnd) {
  const auto gate = std::make_shared<Gate>();
  const StreamBuffer buffer(std::make_unique<TwoEnds>(gate));
  EXPECT_EQ(buffer.read(0, 10).size(), 10U);
  std::jthread behind([&] {
    // Nothing, or a failure: but not a byte.
    try {
      EXPECT_EQ(buffer.read(block, 100).size(), 0U);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::overrun);
    }
  });
  gate->wait_entered();
  EXPECT_EQ(buffer.read(0, 5000).size(), 1000U);
  EXPECT_EQ(buffer.wait_for_size(), 1000U);
  gate->open();
  behind.join();
  EXPECT_EQ(buffer.available(block), 0U);
}

// A lane that was on its way to a far block was taken to be on its way to all before it.
TEST(Lanes, AReaderBeforeAFarBlockIsNotHeldUpByIt) {
  const auto gate = std::make_shared<Gate>();
  const auto content = random_bytes(200 * block, 4);
  const auto stops = [gate](std::uint64_t offset) {
    static const std::atomic<bool> never{false};
    if (offset == 100 * block) (void)gate->enter(never);
  };
  const ScriptedJumping stream({.content = content,
                                .chunks = {block},
                                .declared_size = 200 * block,
                                .max_connections = 4,
                                .on_reopen = stops});
  std::jthread far([&] { stream.buffer.read(100 * block, 1); });
  gate->wait_entered();
  EXPECT_EQ(stream.buffer.read(50 * block, 10), part(content, 50 * block, 10));
  gate->open();
}

/// Bytes at any offset, and what another thread does while the first further connection is made.
class Meanwhile final : public RestartableSource {
 public:
  struct Shared {
    std::atomic<int> made{1};
    std::function<void()> meanwhile;
  };

  explicit Meanwhile(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  std::size_t read_some(std::span<std::byte> out) override {
    std::ranges::fill(out, std::byte{7});
    return out.size();
  }
  std::optional<std::uint64_t> size() const override { return 1000 * block; }
  void reopen(std::uint64_t /*offset*/, std::optional<std::uint64_t> /*wanted*/) override {}
  bool worth_reading_through(std::uint64_t /*gap*/) const override { return false; }
  std::unique_ptr<RestartableSource> another() const override {
    if (shared_->made.fetch_add(1) == 1) std::jthread{shared_->meanwhile}.join();
    return std::make_unique<Meanwhile>(shared_);
  }

 private:
  const std::shared_ptr<Shared> shared_;
};

// Two threads that found room for one more connection each had one made.
TEST(Lanes, NoMoreConnectionsAreMadeThanThereMayBe) {
  const auto shared = std::make_shared<Meanwhile::Shared>();
  const StreamBuffer buffer(std::make_unique<Meanwhile>(shared));
  const Bytes expected(10, std::byte{7});
  shared->meanwhile = [&] {
    for (const std::uint64_t at : {200, 300, 400, 500, 600}) {
      EXPECT_EQ(buffer.read(at * block, 10), expected);
    }
  };
  EXPECT_EQ(buffer.read(0, 10), expected);
  EXPECT_EQ(buffer.read(100 * block, 10), expected);
  EXPECT_EQ(shared->made, 4);
}

// Whoever waited for a byte that another reader was bringing was told that the disk is full, since
// the thread that fills had met that further on.
TEST(Lanes, AFullDiskIsToldOnlyToThoseWhoWaitForTheThread) {
  const auto gate = std::make_shared<Gate>();
  const auto content = random_bytes(20 * block, 5);
  Options options = options_in_memory(3 * block);
  const ScriptedJumping stream({.content = content,
                                .chunks = {1000},
                                .declared_size = 20 * block,
                                .gates = {{5000, gate}},
                                .max_connections = 4},
                               options);
  const StreamBuffer& buffer = stream.buffer;
  std::jthread brings([&] { buffer.read(0, 6000); });
  gate->wait_entered();
  std::jthread waits([&] { EXPECT_EQ(buffer.read(5500, 1), part(content, 5500, 1)); });
  EXPECT_EQ(code_of([&] { buffer.wait_for({block, 20 * block}, soon_enough); }), Errc::disk_full);
  gate->open();
}

// A size below what had already come was believed.
TEST(Lanes, ASizeThatIsFoundBelowWhatHasComeIsAFailure) {
  const ScriptedJumping stream({.content = random_bytes(10 * block, 3), .found_size = block});
  EXPECT_EQ(stream.buffer.read(0, 3 * block).size(), 3 * block);
  EXPECT_EQ(code_of([&] { stream.buffer.wait_for_size(); }), Errc::overrun);
  ASSERT_TRUE(stream.buffer.failure());
  EXPECT_EQ(stream.buffer.failure()->offset, block);
  EXPECT_EQ(stream.buffer.size(), std::nullopt);
}

// Blocks that lie side by side in memory need not follow each other in the stream: only those that
// do are spilled by one write.
TEST(Lanes, BlocksFilledOutOfOrderAreSpilledEachToItsPlace) {
  const auto content = random_bytes(120 * block, test_seed());
  for (const Fill fill : {Fill::on_demand, Fill::ahead}) {
    for (const std::uint64_t stride : {1, 2, 3, 7}) {
      Options options;
      options.fill = fill;
      options.read_ahead = 0;
      options.memory_limit = 32 * block;
      const ScriptedJumping stream({.content = content, .declared_size = content.size()}, options);
      std::size_t wrong = 0;
      for (int pass = 0; pass < 2; ++pass) {
        for (std::uint64_t first = 0; first < stride; ++first) {
          for (std::uint64_t number = first; number < 120; number += stride) {
            wrong +=
                stream.buffer.read(number * block, block) != part(content, number * block, block);
          }
        }
      }
      EXPECT_EQ(wrong, 0U) << stride;
      EXPECT_GT(stream.buffer.stats().spills, 80U) << "most of it went to the spool";
    }
  }
}

}  // namespace
}  // namespace seekable::test
