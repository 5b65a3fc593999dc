// SPDX-License-Identifier: Apache-2.0
// Who pulls from the source, when, and how far.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "support/buffers.hpp"

namespace seekable::test {
namespace {

TEST(FillOnDemand, PullsNothingBeforeSomebodyNeedsAByte) {
  Scripted stream({.content = letters()});
  EXPECT_EQ(stream.buffer.available(0), 0U);
  EXPECT_EQ(stream.buffer.size(), std::nullopt);
  EXPECT_FALSE(stream.buffer.exhausted());
  EXPECT_EQ(stream.buffer.read(5, 0).size(), 0U);
  std::byte byte{};
  EXPECT_EQ(stream.buffer.read_at(3, {&byte, 0}), 0U);
  EXPECT_EQ(stream.buffer.read_some_at(3, {&byte, 0}), 0U);
  EXPECT_TRUE(stream.buffer.view(3, 0).empty());
  EXPECT_EQ(stream.buffer.slice(7, 7).size(), 0U);
  EXPECT_TRUE(stream.buffer.wait_for({4, 4}, std::chrono::hours(1)));
  EXPECT_EQ(stream.buffer.reader().read({}), 0U);
  EXPECT_EQ(stream.log->reads(), 0U);
}

TEST(FillOnDemand, PullsNoMoreThanItNeedsFromASourceThatGivesLittle) {
  Scripted stream({.content = random_bytes(1000, 1), .chunks = {10}});
  stream.buffer.read(0, 25);
  EXPECT_EQ(stream.log->bytes(), 30U);
  stream.buffer.read(100, 1);
  EXPECT_EQ(stream.log->bytes(), 110U);
  stream.buffer.read(0, 110);
  EXPECT_EQ(stream.log->bytes(), 110U);
}

TEST(FillOnDemand, StoresWhatASkipPasses) {
  const auto content = random_bytes(3 * block, 2);
  Scripted stream({.content = content});
  EXPECT_EQ(stream.buffer.read(2 * block + 5, 10), part(content, 2 * block + 5, 10));
  const auto reads = stream.log->reads();
  EXPECT_EQ(stream.buffer.read(0, 2 * block), part(content, 0, 2 * block));
  EXPECT_EQ(stream.log->reads(), reads);
}

// The fill thread went on to the end of what had been asked for, though nobody waited any more.
TEST(FillOnDemand, PullsNothingMoreForAWaitThatIsOver) {
  for (const int kind : {0, 1, 2, 3}) {
    const auto first = std::make_shared<Gate>();
    const auto second = std::make_shared<Gate>();
    const auto content = random_bytes(40 * block, 3);
    Scripted stream({.content = content,
                     .chunks = {1000},
                     .gates = {{2 * block, first}, {30 * block, second}}});
    std::stop_source stop;
    Wait wait;
    wait.stop_token = stop.get_token();
    std::jthread waits([&] {
      if (kind == 0) code_of([&] { (void)stream.buffer.wait_for_size(wait); });
      if (kind == 1) code_of([&] { (void)stream.buffer.read(35 * block, 10, wait); });
      if (kind == 2) {
        const auto subscription = stream.buffer.when_available({0, 35 * block}, [](auto) {});
        first->wait_entered();
      }
      if (kind == 3) code_of([&] { (void)stream.buffer.to_file(wait); });
    });
    first->wait_entered();
    stop.request_stop();
    waits.join();
    first->open();
    // A read of its own goes on from there; whoever pulls for nobody runs into the second gate.
    EXPECT_EQ(stream.buffer.read(3 * block, 10), part(content, 3 * block, 10));
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    EXPECT_EQ(second->entered(), 0U) << "kind " << kind;
    second->open();
  }
}

TEST(FillAhead, PullsToTheEndWithoutBeingAsked) {
  const auto end = std::make_shared<Gate>();
  Scripted stream({.content = random_bytes(5 * block, 4), .gates = {{5 * block, end}}},
                  options_ahead());
  end->wait_entered();
  EXPECT_EQ(stream.buffer.available(0), 5 * block);
  end->open();
}

TEST(FillAhead, NeverPullsPastTheFurthestReaderAndReadAhead) {
  const auto content = random_bytes(5 * block, 5);
  Options options = options_ahead();
  options.read_ahead = 1000;
  Scripted stream({.content = content, .chunks = {300}}, options);
  for (const std::uint64_t read : {0U, 500U, 1500U, 9999U}) {
    EXPECT_EQ(stream.buffer.read(0, read), part(content, 0, read));
    while (stream.buffer.available(0) < read + 1000) std::this_thread::yield();
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    EXPECT_EQ(stream.log->bytes(), read + 1000);
  }
}

TEST(FillAhead, PausesAtItsLimitsAndGoesOnWhenBytesAreReleased) {
  const auto content = random_bytes(20 * block, 6);
  Options options = options_in_memory(4 * block);
  options.fill = Fill::ahead;
  Scripted stream({.content = content}, options);
  for (std::uint64_t at = 0; at < 20; ++at) {
    // Bytes are given up in front, so each wait ends, by the fill or by the reader itself.
    ASSERT_EQ(stream.buffer.read(at * block, block), part(content, at * block, block));
    stream.buffer.release_before((at + 1) * block);
  }
  EXPECT_EQ(stream.buffer.failure(), std::nullopt);
}

TEST(FillAhead, ThrowsDiskFullToWhoNeedsAByteBeyondTheLimits) {
  const auto content = random_bytes(20 * block, 7);
  Options options = options_in_memory(4 * block);
  options.fill = Fill::ahead;
  Scripted stream({.content = content}, options);
  EXPECT_EQ(code_of([&] { stream.buffer.read(19 * block, 1); }), Errc::disk_full);
  const Bytes kept = stream.buffer.read(0, 20 * block);
  EXPECT_GE(kept.size(), 3 * block);
  EXPECT_EQ(kept, part(content, 0, kept.size()));
  EXPECT_EQ(stream.buffer.failure(), std::nullopt);
}

TEST(Prefetch, FillsWhatItNamesAndNothingElse) {
  const auto content = random_bytes(20 * block, 8);
  ScriptedJumping stream({.content = content, .declared_size = 20 * block});
  const std::vector<ByteRange> ranges{{12 * block, 13 * block}, {4 * block, 5 * block}};
  stream.buffer.prefetch(ranges);
  EXPECT_TRUE(stream.buffer.wait_for({4 * block, 5 * block}, std::chrono::hours(1)));
  EXPECT_TRUE(stream.buffer.wait_for({12 * block, 13 * block}, std::chrono::hours(1)));
  EXPECT_EQ(stream.log->bytes(), 2 * block);
}

TEST(Prefetch, TurnsNeighboursIntoOneRange) {
  const auto content = random_bytes(20 * block, 9);
  ScriptedJumping stream({.content = content, .declared_size = 20 * block});
  const std::vector<ByteRange> ranges{
      {4 * block, 5 * block}, {6 * block, 7 * block}, {5 * block, 6 * block}};
  stream.buffer.prefetch(ranges);
  EXPECT_TRUE(stream.buffer.wait_for({4 * block, 7 * block}, std::chrono::hours(1)));
  EXPECT_EQ(stream.log->reopens().size(), 1U);
}

TEST(Source, IsCancelledAndDestroyedWithTheLastOfTheBufferAndItsReaders) {
  auto log = std::make_shared<SourceLog>();
  const auto gate = std::make_shared<Gate>();
  std::optional<StreamBuffer> buffer(
      std::in_place,
      std::make_unique<ScriptedSource>(Script{.content = letters(), .gates = {{5, gate}}}, log),
      options_ahead());
  std::optional<Reader> reader(buffer->reader());
  gate->wait_entered();
  buffer.reset();
  EXPECT_EQ(log->cancels(), 0U);
  EXPECT_EQ(log->alive(), 1);
  Bytes out(5);
  EXPECT_EQ(reader->read(out), 5U);
  EXPECT_EQ(to_string(out), "abcde");
  reader.reset();
  EXPECT_GE(log->cancels(), 1U);
  EXPECT_EQ(log->alive(), 0);
}

TEST(Source, ThatReadsItsOwnBufferIsToldSo) {
  for (const Fill fill : {Fill::on_demand, Fill::ahead}) {
    StreamBuffer* itself = nullptr;
    std::error_code code;
    Options options;
    options.fill = fill;
    const auto gate = std::make_shared<Gate>();
    StreamBuffer buffer(
        std::make_unique<ScriptedSource>(Script{.content = letters(),
                                                .chunks = {5},
                                                .gates = {{0, gate}},
                                                .on_read =
                                                    [&](std::uint64_t at) {
                                                      if (at != 5) return;
                                                      std::byte kept[3];
                                                      itself->read_at(0, kept);
                                                      code = code_of([&] { itself->read(5, 1); });
                                                    }}),
        options);
    itself = &buffer;
    gate->open();
    EXPECT_EQ(to_string(buffer.read(0, 26)), "abcdefghijklmnopqrstuvwxyz");
    EXPECT_EQ(code, std::errc::resource_deadlock_would_occur);
  }
}

// One lane's bytes that found no room were later stored over those that another lane had published.
TEST(DiskFull, OfOneConnectionDoesNotDisturbWhatAnotherStored) {
  const auto content = random_bytes(6 * block, 10);
  Options options;
  options.memory_limit = 0;
  options.disk_limit = block / 2;
  ScriptedJumping stream({.content = content,
                          .chunks = {9000},
                          .declared_size = 6 * block,
                          .read_through = 10 * block,
                          .max_connections = 4},
                         options);
  EXPECT_EQ(code_of([&] {
              stream.buffer.read(0, 1);
              stream.buffer.read(3 * block, 1);
            }),
            Errc::disk_full);
  for (std::uint64_t at = 0; at < 6; ++at) {
    stream.buffer.release_before(at * block + 100);
    for (int i = 0; i < 3; ++i) {
      const std::uint64_t offset = at * block + 100 + static_cast<std::uint64_t>(i) * 9000;
      Bytes got;
      code_of([&] { got = stream.buffer.read(offset, 500); });
      EXPECT_EQ(got, part(content, offset, got.size())) << offset;
    }
  }
}

}  // namespace
}  // namespace seekable::test
