// SPDX-License-Identifier: Apache-2.0
// A jump that wants a block or more begins in the middle of one: what is kept of that block
// then is an island, until its head is wanted too.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>
#include <utility>

#include "support/buffers.hpp"

namespace seekable::test {
namespace {

constexpr std::uint64_t island = (5 * block) + 40'192;  // A multiple of 256 ...
constexpr std::uint64_t wanted = island + 77;           // ... and a byte that is none.

Script stream_of(const std::vector<std::byte>& content) {
  return {.content = content, .declared_size = content.size(), .max_connections = 4};
}

class Islands : public ::testing::Test {
 protected:
  const std::vector<std::byte> content = random_bytes((10 * block) + 123, test_seed());

  void expect_all(const StreamBuffer& buffer) const {
    EXPECT_TRUE(buffer.read(0, content.size() + 1) == content);
    EXPECT_TRUE(buffer.exhausted());
    const std::vector<Extent> all{{{0, content.size()}, Residency::memory}};
    if (buffer.stats().spills == 0) {
      EXPECT_EQ(buffer.residency(), all);
    }
  }
};

TEST_F(Islands, AJumpToABlockOrMoreBeginsWhereItIsWanted) {
  const ScriptedJumping stream(stream_of(content));
  EXPECT_EQ(stream.buffer.read(wanted, block), part(content, wanted, block));
  ASSERT_EQ(stream.log->reopens().size(), 1U);
  EXPECT_EQ(stream.log->reopens()[0].offset, island);
  EXPECT_EQ(stream.log->reopens()[0].wanted, wanted + block - island);
  expect_all(stream.buffer);
}

TEST_F(Islands, AJumpToLessBringsItsBlockFromItsStart) {
  const ScriptedJumping stream(stream_of(content));
  EXPECT_EQ(stream.buffer.read(wanted, block - 1), part(content, wanted, block - 1));
  ASSERT_EQ(stream.log->reopens().size(), 1U);
  EXPECT_EQ(stream.log->reopens()[0].offset, 5 * block);
}

TEST_F(Islands, WhatIsKeptAndWhatIsMissingIsTold) {
  const ScriptedJumping stream(stream_of(content));
  const StreamBuffer& buffer = stream.buffer;
  buffer.read(wanted, block);
  const std::uint64_t end = 7 * block;
  const std::vector<Extent> extents{{{0, island}, Residency::missing},
                                    {{island, end}, Residency::memory},
                                    {{end, content.size()}, Residency::missing}};
  EXPECT_EQ(buffer.residency(), extents);
  EXPECT_EQ(buffer.available(wanted), end - wanted);
  EXPECT_EQ(buffer.available(5 * block), 0U);
}

TEST_F(Islands, AByteOfTheHeadIsThereTheMomentItArrives) {
  const auto gate = std::make_shared<Gate>();
  Script script = stream_of(content);
  script.chunks = {500};
  script.gates = {{(5 * block) + 1000, gate}};
  const ScriptedJumping stream(std::move(script));
  const StreamBuffer& buffer = stream.buffer;
  buffer.read(wanted, block);
  // A byte of the head while the rest of it is still to come; and the island beside it.
  std::jthread head([&] { EXPECT_EQ(buffer.read(5 * block, 40'000).size(), 40'000U); });
  gate->wait_entered();
  EXPECT_EQ(buffer.read((5 * block) + 990, 10), part(content, (5 * block) + 990, 10));
  EXPECT_EQ(buffer.read(wanted, 5000), part(content, wanted, 5000));
  EXPECT_EQ(buffer.available(5 * block), 1000U);
  const std::vector<Extent> kept = buffer.residency();
  ASSERT_GE(kept.size(), 4U);
  EXPECT_EQ(kept[1], (Extent{{5 * block, (5 * block) + 1000}, Residency::memory}));
  EXPECT_EQ(kept[2], (Extent{{(5 * block) + 1000, island}, Residency::missing}));
  EXPECT_EQ(kept[3].range.begin, island);
  EXPECT_EQ(kept[3].where, Residency::memory);
  const View view = buffer.view(5 * block, block);
  EXPECT_EQ(view.size(), 1000U);
  const View beside = buffer.view(wanted, block);
  EXPECT_EQ(beside.size(), (6 * block) - wanted);
  EXPECT_EQ(to_string(beside.bytes().first(100)), to_string(part(content, wanted, 100)));
  gate->open();
  head.join();
  expect_all(buffer);
}

TEST_F(Islands, NothingIsReadTwice) {
  Script script = stream_of(content);
  script.max_connections = 1;
  const ScriptedJumping stream(std::move(script));
  stream.buffer.read(wanted, block);
  const std::uint64_t before = stream.log->bytes();
  // Up to the island, and not a byte of it.
  EXPECT_EQ(stream.buffer.read(5 * block, 2 * block - 40'000),
            part(content, 5 * block, 2 * block - 40'000));
  EXPECT_EQ(stream.log->bytes() - before, island - 5 * block);
  EXPECT_EQ(stream.log->reopens().back().wanted, island - 5 * block);
}

TEST_F(Islands, ABlockMayHaveAHeadFirst) {
  Script script = stream_of(content);
  script.chunks = {1000};
  script.max_connections = 1;
  const ScriptedJumping stream(std::move(script));
  stream.buffer.read(5 * block, 3000);
  stream.buffer.read(0, 10);
  EXPECT_EQ(stream.buffer.read(wanted, block), part(content, wanted, block));
  EXPECT_EQ(stream.log->reopens().back().offset, island);
  EXPECT_EQ(stream.buffer.available(5 * block), 3000U);
  EXPECT_EQ(stream.buffer.read((5 * block) + 2990, 20), part(content, (5 * block) + 2990, 20));
  expect_all(stream.buffer);
}

TEST_F(Islands, WhoWantsAByteBeforeTheIslandGetsItsBlockFromItsStart) {
  const ScriptedJumping stream(stream_of(content));
  stream.buffer.read(wanted, block);
  EXPECT_EQ(stream.buffer.read((5 * block) + 20'000, block),
            part(content, (5 * block) + 20'000, block));
  EXPECT_EQ(stream.log->reopens().back().offset, 5 * block);
  expect_all(stream.buffer);
}

TEST_F(Islands, AnIslandGoesOnWhereItEnded) {
  Script script = stream_of(content);
  script.chunks = {1000};
  const ScriptedJumping stream(std::move(script));
  Bytes some(block);
  EXPECT_EQ(stream.buffer.read_some_at(wanted, some), 1000U - 77);
  stream.buffer.read(block, 10);
  EXPECT_EQ(stream.buffer.read(wanted + 2000, 10), part(content, wanted + 2000, 10));
  // The connection that had stopped there, or one that begins there: not at the block's start.
  EXPECT_EQ(stream.buffer.available(5 * block), 0U);
  expect_all(stream.buffer);
}

TEST_F(Islands, AJumpBehindTheEndFindsTheEnd) {
  Script script = stream_of(content);
  script.declared_size = std::nullopt;
  script.found_size = content.size();
  const ScriptedJumping stream(std::move(script));
  // Behind the end, which is not known yet: the source says that there is nothing.
  EXPECT_EQ(stream.buffer.read((12 * block) + 5000, block).size(), 0U);
  EXPECT_EQ(stream.buffer.size(), content.size());
  expect_all(stream.buffer);
}

TEST_F(Islands, AreForMemoryThatIsNotShort) {
  for (const std::uint64_t limit : {std::uint64_t{0}, block}) {
    const ScriptedJumping stream(stream_of(content), options_spilled(limit));
    EXPECT_EQ(stream.buffer.read(wanted, block), part(content, wanted, block));
    EXPECT_EQ(stream.log->reopens()[0].offset, 5 * block) << limit;
    expect_all(stream.buffer);
  }
}

TEST_F(Islands, TheFirstBlockAndAWindowHaveNone) {
  Script script = stream_of(content);
  script.max_connections = 1;
  const ScriptedJumping first(std::move(script));
  first.buffer.read(5 * block, 10);  // The connection has to jump back.
  EXPECT_EQ(first.buffer.read(1000, block), part(content, 1000, block));
  EXPECT_EQ(first.log->reopens().back().offset, 0U);
  const ScriptedJumping window(stream_of(content),
                               options_window(3 * block, WhenFull::drop_oldest));
  EXPECT_EQ(window.buffer.read(wanted, block), part(content, wanted, block));
  EXPECT_EQ(window.log->reopens()[0].offset, 5 * block);
}

TEST_F(Islands, OneThatIsReleasedGivesItsMemoryBack) {
  ScriptedJumping stream(stream_of(content));
  StreamBuffer& buffer = stream.buffer;
  buffer.read(wanted, block);
  {
    const View view = buffer.view(wanted, 100);
    buffer.release_before(8 * block);
    EXPECT_EQ(to_string(view.bytes()), to_string(part(content, wanted, 100)));
    EXPECT_GE(buffer.stats().memory_bytes, block);
  }
  EXPECT_EQ(buffer.stats().memory_bytes, 0U);
  EXPECT_EQ(code_of([&] { buffer.read(wanted, 1); }), Errc::released);
  EXPECT_EQ(buffer.read(8 * block, block), part(content, 8 * block, block));
}

TEST_F(Islands, OneThatIsReleasedWhileItIsFilledIsGone) {
  const auto gate = std::make_shared<Gate>();
  Script script = stream_of(content);
  script.chunks = {1000};
  script.gates = {{island + 2000, gate}};
  ScriptedJumping stream(std::move(script));
  StreamBuffer& buffer = stream.buffer;
  std::jthread reads(
      [&] { EXPECT_EQ(code_of([&] { buffer.read(wanted, block); }), Errc::released); });
  gate->wait_entered();
  buffer.release_before(7 * block);
  gate->open();
  reads.join();
  EXPECT_EQ(buffer.read(8 * block, 100), part(content, 8 * block, 100));
}

// Only those were told who had waited for bytes up to the island.
TEST_F(Islands, WhoWaitsForMoreThanTheHeadIsToldWhenItIsThere) {
  const auto gate = std::make_shared<Gate>();
  Script script = stream_of(content);
  script.gates = {{9 * block, gate}};
  const ScriptedJumping stream(std::move(script));
  const StreamBuffer& buffer = stream.buffer;
  buffer.read(wanted, block);
  // The buffer's own thread is held up elsewhere, so that the reader has to tell.
  const auto far = buffer.when_available({9 * block, (9 * block) + 1}, [](std::error_code) {});
  gate->wait_entered();
  std::atomic<bool> told = false;
  const auto near =
      buffer.when_available({5 * block, 6 * block}, [&](std::error_code) { told = true; });
  EXPECT_EQ(buffer.read(5 * block, 1), part(content, 5 * block, 1));
  EXPECT_TRUE(told);
  gate->open();
}

// The connection that had filled the island was waited for, wherever it went on to.
TEST_F(Islands, WhoWaitsForTheHeadIsNotHeldUpByWhoFilledTheIsland) {
  const auto in_island = std::make_shared<Gate>();
  const auto far = std::make_shared<Gate>();
  Script script = stream_of(content);
  script.declared_size = std::nullopt;
  script.chunks = {1000};
  script.gates = {{island + 2000, in_island}, {9 * block, far}};
  const ScriptedJumping stream(std::move(script));
  const StreamBuffer& buffer = stream.buffer;
  Bytes some(block);
  EXPECT_GT(buffer.read_some_at(wanted, some), 0U);
  std::jthread size([&] { EXPECT_EQ(buffer.wait_for_size(), content.size()); });
  in_island->wait_entered();
  std::jthread head([&] { EXPECT_EQ(buffer.read(5 * block, 10), part(content, 5 * block, 10)); });
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();  // So that it waits, mostly.
  in_island->open();
  far->wait_entered();
  head.join();
  far->open();
}

/// Says once, at the island, that there is nothing, and stops who waits for it.
class SaysNothingOnce final : public RestartableSource {
 public:
  SaysNothingOnce(const std::vector<std::byte>& content, std::stop_source& stop)
      : content_(content), stop_(stop) {}

  std::size_t read_some(std::span<std::byte> out) override {
    if (position_ == island && std::exchange(says_nothing_, false)) {
      stop_.request_stop();
      return 0;
    }
    const std::size_t size = std::min<std::size_t>({out.size(), 1000, content_.size() - position_});
    std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(position_), size, out.begin());
    position_ += size;
    return size;
  }
  void reopen(std::uint64_t offset, std::optional<std::uint64_t> /*wanted*/) override {
    position_ = static_cast<std::size_t>(offset);
  }
  std::optional<std::uint64_t> find_size() override { return content_.size(); }
  bool worth_reading_through(std::uint64_t gap) const override { return gap < block; }

 private:
  const std::vector<std::byte>& content_;
  std::stop_source& stop_;
  std::size_t position_ = 0;
  bool says_nothing_ = true;
};

// The connection went on from there, and what it brought was taken for the whole block.
TEST_F(Islands, OneWithoutAByteIsNoHead) {
  std::stop_source stop;
  const StreamBuffer buffer(std::make_unique<SaysNothingOnce>(content, stop));
  buffer.read(0, 10);
  Wait wait;
  wait.stop_token = stop.get_token();
  EXPECT_EQ(code_of([&] { buffer.read(wanted, block, wait); }), Errc::cancelled);
  EXPECT_EQ(buffer.read(6 * block, 1000), part(content, 6 * block, 1000));
  EXPECT_EQ(buffer.read(5 * block, 1000), part(content, 5 * block, 1000));
  expect_all(buffer);
}

TEST_F(Islands, WhoWaitsForAllClosesTheHoles) {
  const ScriptedJumping stream(stream_of(content));
  EXPECT_EQ(stream.buffer.read(wanted, block), part(content, wanted, block));
  EXPECT_EQ(stream.buffer.read((8 * block) + 7777, block),
            part(content, (8 * block) + 7777, block));
  std::promise<std::error_code> all;
  const auto told = stream.buffer.when_available(
      {0, content.size()}, [&](std::error_code code) { all.set_value(code); });
  EXPECT_FALSE(all.get_future().get());
  expect_all(stream.buffer);
}

TEST_F(Islands, AStreamOfThemIsSaved) {
  const ScriptedJumping stream(stream_of(content));
  stream.buffer.read(wanted, block);
  stream.buffer.read((2 * block) + 333, block);
  const auto path = std::filesystem::path(::testing::TempDir()) / "seekable-islands";
  stream.buffer.save(path);
  std::ifstream file(path, std::ios::binary);
  const std::string saved((std::istreambuf_iterator<char>(file)), {});
  EXPECT_TRUE(saved == to_string(content));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace seekable::test
