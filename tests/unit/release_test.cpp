// SPDX-License-Identifier: Apache-2.0
// Bytes that are given up: by release_before, and by windows.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "support/buffers.hpp"

namespace seekable::test {
namespace {

TEST(ReleaseBefore, MakesAReadBelowItThrowReleasedWithTheLowestOffset) {
  Scripted stream({.content = letters()});
  EXPECT_EQ(to_string(stream.buffer.read(0, 26)), "abcdefghijklmnopqrstuvwxyz");
  stream.buffer.release_before(10);
  std::byte byte{};
  const auto read = [&] { stream.buffer.read_at(9, {&byte, 1}); };
  EXPECT_EQ(code_of(read), Errc::released);
  EXPECT_EQ(offset_of_error(read), 10U);
  EXPECT_EQ(code_of([&] { stream.buffer.read(0, 3); }), Errc::released);
  EXPECT_EQ(code_of([&] { stream.buffer.read_some_at(0, {&byte, 1}); }), Errc::released);
  EXPECT_EQ(code_of([&] { (void)stream.buffer.view(0, 3); }), Errc::released);
  EXPECT_EQ(code_of([&] { stream.buffer.wait_for({0, 20}, std::chrono::hours(1)); }),
            Errc::released);
  EXPECT_EQ(stream.buffer.available(9), 0U);
  EXPECT_EQ(to_string(stream.buffer.read(10, 3)), "klm");
}

TEST(ReleaseBefore, ChangesNothingWhenItIsLowerThanBefore) {
  Scripted stream({.content = letters()});
  stream.buffer.release_before(10);
  stream.buffer.release_before(5);
  EXPECT_EQ(offset_of_error([&] { stream.buffer.read(9, 1); }), 10U);
}

TEST(ReleaseBefore, AheadOfTheFrontierStoresNothingBelowIt) {
  for (const std::uint64_t limit : {std::uint64_t{5} << 20U, std::uint64_t{0}}) {
    const auto content = random_bytes(4 * block, 1);
    Scripted stream({.content = content, .chunks = {1000}}, options_spilled(limit));
    stream.buffer.release_before(3 * block);
    EXPECT_EQ(stream.buffer.read(3 * block, 100), part(content, 3 * block, 100));
    const auto extents = stream.buffer.residency();
    ASSERT_GE(extents.size(), 2U);
    EXPECT_EQ(extents[0], (Extent{{0, 3 * block}, Residency::released}));
    EXPECT_LE(stream.buffer.stats().memory_bytes + stream.buffer.stats().spool_bytes, block);
  }
}

// A source that gave bytes across a block's boundary made the first bytes of the block behind it
// what memory happened to hold.
TEST(ReleaseBefore, InTheMiddleOfABlockKeepsAllOfThatBlockRight) {
  const auto content = random_bytes(4 * block, test_seed());
  for (const std::uint64_t low : {block + 1, block + 5000, 2 * block - 1, 3 * block + 7}) {
    for (const std::size_t chunk : {std::size_t{999}, std::size_t{16384}, std::size_t{100'000}}) {
      for (const std::uint64_t limit : {std::uint64_t{5} << 20U, std::uint64_t{0}}) {
        Scripted stream({.content = content, .chunks = {chunk, 77}}, options_spilled(limit));
        stream.buffer.read(0, 100);
        stream.buffer.release_before(low);
        EXPECT_EQ(stream.buffer.read(low, content.size()), part(content, low, content.size()))
            << "low " << low << " chunk " << chunk << " memory " << limit;
      }
    }
  }
}

TEST(ReleaseBefore, GivesMemoryBackAtOnce) {
  const auto content = random_bytes(8 * block, 2);
  Scripted stream({.content = content});
  stream.buffer.read(0, content.size());
  const auto before = stream.buffer.stats().memory_bytes;
  EXPECT_GE(before, content.size());
  stream.buffer.release_before(6 * block);
  EXPECT_LE(stream.buffer.stats().memory_bytes, 2 * block);
}

TEST(ReleaseBefore, GivesSpoolSpaceBackAtOnce) {
  const auto content = random_bytes(8 * block, 2);
  Scripted stream({.content = content}, options_spilled());
  stream.buffer.read(0, content.size());
  EXPECT_EQ(stream.buffer.stats().spool_bytes, content.size());
  stream.buffer.release_before(6 * block);
  EXPECT_LE(stream.buffer.stats().spool_bytes, 2 * block);
}

TEST(ReleaseBefore, LetsAStreamOfAnyLengthPassThroughALimitedMemory) {
  const auto content = random_bytes(50 * block, 3);
  Scripted stream({.content = content}, options_in_memory(4 * block));
  for (std::uint64_t at = 0; at < content.size(); at += block / 2) {
    ASSERT_EQ(stream.buffer.read(at, block / 2), part(content, at, block / 2));
    stream.buffer.release_before(at);
    ASSERT_LE(stream.buffer.stats().memory_bytes, 4 * block);
  }
}

TEST(ReleaseBefore, PastTheEndIsAllowed) {
  Scripted stream({.content = letters()});
  EXPECT_EQ(stream.buffer.read(0, 100).size(), 26U);
  stream.buffer.release_before(1000);
  EXPECT_EQ(code_of([&] { stream.buffer.read(25, 1); }), Errc::released);
  EXPECT_EQ(stream.buffer.residency(), (std::vector<Extent>{Extent{{0, 26}, Residency::released}}));
}

TEST(ReleaseBefore, WakesWhoWaitsForAByteBelowIt) {
  const auto gate = std::make_shared<Gate>();
  Scripted stream({.content = letters(), .gates = {{5, gate}}});
  std::error_code code;
  std::jthread filler([&] { stream.buffer.read(20, 1); });
  gate->wait_entered();
  std::jthread waiter([&] { code = code_of([&] { stream.buffer.read(7, 1); }); });
  stream.buffer.release_before(15);
  waiter.join();
  EXPECT_EQ(code, Errc::released);
  gate->open();
}

TEST(WindowDropOldest, KeepsTheLastBytesOnly) {
  const auto content = random_bytes(20 * block, 4);
  Scripted stream({.content = content}, options_window(2 * block, WhenFull::drop_oldest));
  Reader reader = stream.buffer.reader();
  Bytes out(block);
  for (std::uint64_t at = 0; at < content.size(); at += block) {
    ASSERT_EQ(reader.read(out), block);
    ASSERT_EQ(out, part(content, at, block));
    ASSERT_LE(stream.buffer.stats().memory_bytes, 4 * block);
  }
  const auto low = content.size() - 2 * block;
  EXPECT_EQ(offset_of_error([&] { stream.buffer.read(low - 1, 1); }), low);
  EXPECT_EQ(stream.buffer.read(low, content.size()), part(content, low, content.size()));
}

TEST(WindowDropOldest, NeverDropsTheByteThatIsWaitedFor) {
  const auto content = random_bytes(5000, 5);
  for (const std::uint64_t window : {1U, 2U, 10U, 999U}) {
    Scripted stream({.content = content}, options_window(window, WhenFull::drop_oldest));
    Reader reader = stream.buffer.reader();
    Bytes out(content.size());
    ASSERT_EQ(reader.read(out), content.size()) << window;
    EXPECT_EQ(out, content);
  }
}

TEST(WindowDropOldest, SmallerThanTheMemoryLimitNeverTouchesTheDisk) {
  const auto content = random_bytes(100 * block, 6);
  for (const Fill fill : {Fill::on_demand, Fill::ahead}) {
    Options options = options_window(8 * block, WhenFull::drop_oldest);
    options.memory_limit = 12 * block;
    options.fill = fill;
    options.read_ahead = 2 * block;
    Scripted stream({.content = content}, options);
    Reader reader = stream.buffer.reader();
    Bytes out(1000);
    std::size_t total = 0;
    while (const std::size_t got = reader.read(out)) total += got;
    EXPECT_EQ(total, content.size());
    EXPECT_EQ(stream.buffer.stats().spills, 0U);
    EXPECT_LE(stream.buffer.stats().memory_bytes, options.memory_limit);
  }
}

TEST(WindowDropOldest, LetsACallbackKnowThatItsRangeWasDropped) {
  const auto content = random_bytes(100, 7);
  Scripted stream({.content = content}, options_window(10, WhenFull::drop_oldest));
  const auto told = std::make_shared<Gate>();
  std::error_code code;
  static const std::atomic<bool> never{false};
  told->open();
  const auto subscription = stream.buffer.when_available({0, 50}, [&](std::error_code result) {
    code = result;
    told->enter(never);
  });
  told->wait_entered();
  EXPECT_EQ(code, Errc::released);
}

TEST(WindowBlock, StopsTheFillPastTheSlowestReader) {
  const auto content = random_bytes(1000, 8);
  Options options = options_window(100, WhenFull::block);
  options.fill = Fill::ahead;
  Scripted stream({.content = content}, options);
  Reader slow = stream.buffer.reader();
  Reader fast = stream.buffer.reader();
  Bytes out(100);
  EXPECT_EQ(fast.read(out), 100U);
  EXPECT_EQ(stream.buffer.available(0), 100U);
  EXPECT_EQ(slow.read(std::span(out).first(40)), 40U);
  EXPECT_TRUE(stream.buffer.wait_for({100, 140}, std::chrono::hours(1)));
  EXPECT_EQ(stream.buffer.available(100), 40U);
  EXPECT_EQ(code_of([&] { stream.buffer.read(39, 1); }), Errc::released);
}

TEST(WindowBlock, GoesOnWhenTheSlowestReaderIsDropped) {
  const auto content = random_bytes(1000, 9);
  Scripted stream({.content = content}, options_window(100, WhenFull::block));
  auto slow = std::make_unique<Reader>(stream.buffer.reader());
  Reader fast = stream.buffer.reader();
  Bytes out(content.size());
  EXPECT_EQ(fast.read(std::span(out).first(100)), 100U);
  std::size_t got = 0;
  std::jthread reading([&] { got = fast.read(std::span(out).subspan(100)); });
  slow.reset();
  reading.join();
  EXPECT_EQ(got, 900U);
  EXPECT_EQ(out, content);
}

TEST(WindowBlock, FollowsTheMarkOfReleaseBeforeWhereThereIsNoReader) {
  const auto content = random_bytes(1000, 10);
  Options options = options_window(100, WhenFull::block);
  options.fill = Fill::ahead;
  Scripted stream({.content = content}, options);
  EXPECT_EQ(stream.buffer.read(0, 100), part(content, 0, 100));
  EXPECT_EQ(stream.buffer.available(0), 100U);
  stream.buffer.release_before(60);
  EXPECT_TRUE(stream.buffer.wait_for({60, 160}, std::chrono::hours(1)));
  EXPECT_EQ(stream.buffer.available(60), 100U);
}

TEST(WindowBlock, LetsOneReaderReadMoreThanTheWindowInOneCall) {
  const auto content = random_bytes(3 * block, 11);
  for (const std::uint64_t window : {std::uint64_t{1}, std::uint64_t{4096}, block + 1}) {
    Scripted stream({.content = content}, options_window(window, WhenFull::block));
    Reader reader = stream.buffer.reader();
    Bytes out(content.size());
    ASSERT_EQ(reader.read(out), out.size());
    EXPECT_EQ(out, content);
  }
}

TEST(Retention, OfAWindowOfNoBytesIsRefused) {
  EXPECT_THROW(Scripted({.content = letters()}, options_window(0, WhenFull::block)),
               std::invalid_argument);
}

}  // namespace
}  // namespace seekable::test
