// SPDX-License-Identifier: Apache-2.0
// What each call of a StreamBuffer promises.
#include "seekable/stream_buffer.hpp"

#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/buffers.hpp"

namespace seekable::test {
namespace {

TEST(StreamBuffer, GivesTheStartThenLaterThenTheStartAgain) {
  const auto content = random_bytes(40 * 1024, 1);
  StreamBuffer buffer(scripted(content));
  const auto first = buffer.read(0, 1024);
  const auto later = buffer.read(20 * 1024, 1024);
  const auto again = buffer.read(0, 1024);
  EXPECT_EQ(first, part(content, 0, 1024));
  EXPECT_EQ(later, part(content, 20 * 1024, 1024));
  EXPECT_EQ(again, first);
}

TEST(StreamBuffer, TakesAnyRangeOfChunks) {
  const std::vector<std::string> chunks{"ab", "", "cde", "", "", "f"};
  const StreamBuffer referenced(chunks);
  EXPECT_EQ(to_string(referenced.read(0, 100)), "abcdef");
  const StreamBuffer moved(std::list<std::vector<std::byte>>{to_bytes("xy"), to_bytes("z")});
  EXPECT_EQ(to_string(moved.read(0, 100)), "xyz");
}

TEST(StreamBuffer, NeedsASource) {
  EXPECT_THROW(StreamBuffer(std::unique_ptr<Source>()), std::invalid_argument);
}

TEST(StreamBuffer, ReadsShortOnlyWhereTheStreamEnds) {
  Scripted stream({.content = letters(), .chunks = {1, 4}});
  std::byte out[30];
  EXPECT_EQ(stream.buffer.read_at(3, std::span(out).first(9)), 9U);
  EXPECT_EQ(stream.buffer.read_at(20, out), 6U);
  EXPECT_EQ(stream.buffer.read_at(26, out), 0U);
  EXPECT_EQ(stream.buffer.read_at(1'000'000'000'000, out), 0U);
}

TEST(StreamBuffer, ReadsShortWhereTheStreamFailsAndThrowsFromThereOn) {
  Scripted stream({.content = letters(), .chunks = {4}, .fail_at = 17});
  std::byte out[30];
  EXPECT_EQ(stream.buffer.read_at(3, out), 14U);
  EXPECT_EQ(code_of([&] { stream.buffer.read_at(17, out); }), std::errc::io_error);
  EXPECT_EQ(code_of([&] { stream.buffer.read_at(1000, out); }), std::errc::io_error);
  EXPECT_EQ(stream.buffer.read_at(0, out), 17U);
  EXPECT_EQ(stream.buffer.read(10, 100).size(), 7U);
  EXPECT_EQ(stream.buffer.read_some_at(16, out), 1U);
}

TEST(StreamBuffer, RefusesOffsetsPastTheLast) {
  Scripted stream({.content = letters()});
  constexpr std::uint64_t last = ~std::uint64_t{0};
  std::byte out[2];
  EXPECT_THROW(stream.buffer.read_at(last, out), std::invalid_argument);
  EXPECT_THROW(stream.buffer.read(last - 5, 7), std::invalid_argument);
  EXPECT_THROW(stream.buffer.read(1, last), std::invalid_argument);
  EXPECT_THROW(stream.buffer.read_some_at(last, out), std::invalid_argument);
  EXPECT_THROW((void)stream.buffer.view(last, 2), std::invalid_argument);
  EXPECT_EQ(stream.log->reads(), 0U);
  EXPECT_EQ(stream.buffer.read(0, last).size(), 26U);
  EXPECT_EQ(stream.buffer.read(last, 0).size(), 0U);
  EXPECT_EQ(stream.buffer.read_at(last - 2, out), 0U);
}

TEST(StreamBuffer, ReadsSomeOfWhatIsThereWithoutWaitingForMore) {
  const auto gate = std::make_shared<Gate>();
  Scripted stream({.content = random_bytes(3 * block, 2), .gates = {{2 * block + 9, gate}}});
  Bytes out(3 * block);
  while (stream.buffer.available(0) < 2 * block + 9) {
    stream.buffer.read_some_at(stream.buffer.available(0), out);
  }
  EXPECT_EQ(stream.buffer.read_some_at(0, out), 2 * block + 9);
  EXPECT_EQ(gate->entered(), 0U);
  gate->open();
}

TEST(StreamBuffer, SlicesHalfOpenRanges) {
  Scripted stream({.content = letters()});
  EXPECT_EQ(to_string(stream.buffer.slice(2, 5)), "cde");
  EXPECT_EQ(to_string(stream.buffer.slice(20, 1000)), "uvwxyz");
  EXPECT_EQ(to_string(stream.buffer.slice(26, 30)), "");
  EXPECT_THROW(stream.buffer.slice(5, 4), std::invalid_argument);
}

TEST(StreamBuffer, TellsHowMuchIsAvailableWithoutPulling) {
  Scripted stream({.content = letters(), .chunks = {5}});
  EXPECT_EQ(stream.buffer.available(0), 0U);
  stream.buffer.read(0, 7);
  EXPECT_EQ(stream.buffer.available(0), 10U);
  EXPECT_EQ(stream.buffer.available(9), 1U);
  EXPECT_EQ(stream.buffer.available(10), 0U);
  EXPECT_EQ(stream.buffer.available(~std::uint64_t{0}), 0U);
  EXPECT_EQ(stream.log->bytes(), 10U);
}

TEST(StreamBuffer, WaitsForARange) {
  Scripted stream({.content = letters(), .chunks = {5}, .fail_at = 20});
  EXPECT_TRUE(stream.buffer.wait_for({3, 12}, std::chrono::hours(1)));
  EXPECT_TRUE(stream.buffer.wait_for({3, 20}, std::chrono::nanoseconds::max()));
  EXPECT_EQ(code_of([&] { stream.buffer.wait_for({3, 21}, std::chrono::hours(1)); }),
            std::errc::io_error);
  EXPECT_TRUE(stream.buffer.wait_for({3, 20}, std::chrono::hours(1)));
  EXPECT_THROW(stream.buffer.wait_for({3, 2}, std::chrono::hours(1)), std::invalid_argument);
}

TEST(StreamBuffer, WaitsForARangeNoLongerThanToldAndNoFurtherThanTheEnd) {
  const auto gate = std::make_shared<Gate>();
  Scripted stream({.content = letters(), .chunks = {5}, .gates = {{15, gate}}});
  // Until the thread that fills has come as far as it can: it works only while somebody waits.
  do {
    EXPECT_FALSE(stream.buffer.wait_for({10, 16}, std::chrono::milliseconds(1)));
  } while (gate->entered() == 0);
  EXPECT_FALSE(stream.buffer.wait_for({10, 16}, std::chrono::nanoseconds(0)));
  EXPECT_FALSE(stream.buffer.wait_for({10, 16}, std::chrono::nanoseconds::min()));
  EXPECT_TRUE(stream.buffer.wait_for({10, 15}, std::chrono::nanoseconds(0)));
  gate->open();
  EXPECT_TRUE(stream.buffer.wait_for({10, 1000}, std::chrono::hours(1)));
  EXPECT_TRUE(stream.buffer.exhausted());
}

TEST(StreamBuffer, GivesUpAtADeadlineOrOnAStopTokenAndLosesNothing) {
  const auto gate = std::make_shared<Gate>();
  Scripted stream({.content = letters(), .gates = {{5, gate}}});
  Wait soon;
  do {  // As above.
    soon.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
    EXPECT_EQ(code_of([&] { stream.buffer.read(0, 10, soon); }), Errc::timed_out);
  } while (gate->entered() == 0);
  std::stop_source stop;
  std::jthread stops([&] { stop.request_stop(); });
  Wait until_told;
  until_told.stop_token = stop.get_token();
  EXPECT_EQ(code_of([&] { stream.buffer.read(0, 10, until_told); }), Errc::cancelled);
  EXPECT_EQ(code_of([&] { stream.buffer.wait_for_size(soon); }), Errc::timed_out);
  EXPECT_EQ(stream.buffer.failure(), std::nullopt);
  // What is there is given, however late it is.
  EXPECT_EQ(to_string(stream.buffer.read(0, 5, soon)), "abcde");
  gate->open();
  EXPECT_EQ(to_string(stream.buffer.read(0, 10)), "abcdefghij");
}

TEST(StreamBuffer, IsExhaustedOnceTheEndIsConfirmed) {
  Scripted stream({.content = letters(), .declared_size = 26});
  EXPECT_FALSE(stream.buffer.exhausted());
  stream.buffer.read(0, 26);
  EXPECT_FALSE(stream.buffer.exhausted());
  stream.buffer.read(26, 1);
  EXPECT_TRUE(stream.buffer.exhausted());
  stream.buffer.cancel();
  EXPECT_TRUE(stream.buffer.exhausted());
  EXPECT_EQ(stream.buffer.failure(), std::nullopt);
}

TEST(StreamBuffer, IsNeverExhaustedAfterAFailure) {
  Scripted stream({.content = letters(), .fail_at = 26});
  EXPECT_EQ(stream.buffer.read(0, 26).size(), 26U);
  EXPECT_EQ(code_of([&] { stream.buffer.read(26, 1); }), std::errc::io_error);
  EXPECT_FALSE(stream.buffer.exhausted());
}

TEST(StreamBuffer, KeepsKeptBytesReadableAfterACancel) {
  Scripted stream({.content = letters(), .chunks = {5}});
  stream.buffer.read(0, 7);
  stream.buffer.cancel();
  EXPECT_EQ(to_string(stream.buffer.read(0, 100)), "abcdefghij");
  EXPECT_EQ(code_of([&] { stream.buffer.read(10, 1); }), Errc::cancelled);
  ASSERT_TRUE(stream.buffer.failure());
  EXPECT_EQ(stream.buffer.failure()->code, Errc::cancelled);
  EXPECT_EQ(stream.buffer.failure()->offset, 10U);
  EXPECT_EQ(stream.log->reads(), 2U);
}

TEST(StreamBuffer, IsCancelledThoughItsSourceIgnoresThat) {
  const auto gate = std::make_shared<Gate>();
  Scripted stream({.content = letters(), .gates = {{5, gate}}, .heeds_cancel = false});
  std::error_code filler;
  std::error_code waiter;
  std::jthread fills([&] { filler = code_of([&] { stream.buffer.read(5, 1); }); });
  gate->wait_entered();
  std::jthread waits([&] { waiter = code_of([&] { stream.buffer.read(6, 1); }); });
  stream.buffer.cancel();
  waits.join();
  EXPECT_EQ(waiter, Errc::cancelled);
  gate->open();
  fills.join();
  EXPECT_EQ(filler, Errc::cancelled);
  EXPECT_EQ(stream.buffer.available(0), 5U);
}

TEST(StreamBuffer, TellsWhichBytesAreWhere) {
  const auto content = random_bytes(6 * block, 3);
  Scripted stream({.content = content, .declared_size = 6 * block}, options_spilled(2 * block));
  EXPECT_EQ(stream.buffer.residency(),
            (std::vector<Extent>{Extent{{0, 6 * block}, Residency::missing}}));
  stream.buffer.read(0, 4 * block);
  stream.buffer.release_before(100);
  const auto extents = stream.buffer.residency();
  EXPECT_EQ(extents.front(), (Extent{{0, 100}, Residency::released}));
  EXPECT_EQ(extents.back(), (Extent{{4 * block, 6 * block}, Residency::missing}));
  std::uint64_t next = 0;
  std::uint64_t in_memory = 0;
  std::uint64_t in_spool = 0;
  for (const Extent& extent : extents) {
    EXPECT_EQ(extent.range.begin, next);
    next = extent.range.end;
    const std::uint64_t size = extent.range.end - extent.range.begin;
    if (extent.where == Residency::memory) in_memory += size;
    if (extent.where == Residency::spool) in_spool += size;
  }
  EXPECT_EQ(next, 6 * block);
  EXPECT_EQ(in_memory + in_spool, 4 * block - 100);
  EXPECT_GT(in_spool, 0U);
}

TEST(StreamBuffer, CountsWhatItDoes) {
  const auto content = random_bytes(6 * block, 4);
  Scripted stream({.content = content}, options_spilled(0));
  stream.buffer.read(0, content.size());
  stream.buffer.read(0, 10);
  const Stats stats = stream.buffer.stats();
  EXPECT_EQ(stats.source_reads, stream.log->reads());
  EXPECT_EQ(stats.bytes_on_wire, content.size());
  EXPECT_EQ(stats.spilled_bytes, content.size());
  EXPECT_EQ(stats.spool_bytes, content.size());
  EXPECT_EQ(stats.memory_bytes, 0U);
  EXPECT_GT(stats.spills, 0U);
  EXPECT_GE(stats.hits, 1U);
  EXPECT_GE(stats.waits, 1U);
}

TEST(StreamBuffer, TellsWhatItsSourceKnows) {
  Scripted stream({.content = letters()});
  EXPECT_EQ(stream.buffer.info().name, "scripted");
}

TEST(StreamBuffer, MovesAndIsEmptyThen) {
  StreamBuffer buffer(scripted(letters()));
  EXPECT_EQ(to_string(buffer.read(0, 2)), "ab");
  StreamBuffer moved = std::move(buffer);
  EXPECT_EQ(to_string(moved.read(1, 3)), "bcd");
  StreamBuffer other(scripted(to_bytes("123")));
  other = std::move(moved);
  EXPECT_EQ(to_string(other.read(0, 3)), "abc");
}

TEST(StreamBuffer, ReadsAFileInPlace) {
  const ScratchDirectory directory;
  const auto content = random_bytes(3 * block + 5, 5);
  StreamBuffer buffer(from_file(directory.file("content", content)));
  EXPECT_EQ(buffer.size(), content.size());
  EXPECT_EQ(buffer.read(block - 3, 10), part(content, block - 3, 10));
  EXPECT_EQ(buffer.available(5), content.size() - 5);
  EXPECT_TRUE(buffer.exhausted());
  const std::vector<ByteRange> ranges{{0, content.size()}};
  buffer.prefetch(ranges);
  buffer.cancel();
  EXPECT_EQ(buffer.read(0, content.size()), content);
  EXPECT_EQ(buffer.stats().memory_bytes, 0U);
  EXPECT_EQ(buffer.stats().spool_bytes, 0U);
  EXPECT_EQ(buffer.failure(), std::nullopt);
}

}  // namespace
}  // namespace seekable::test
