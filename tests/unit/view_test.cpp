// SPDX-License-Identifier: Apache-2.0
#include "seekable/view.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "core/block_table.hpp"
#include "store/block_cipher.hpp"
#include "support/buffers.hpp"

namespace seekable::test {
namespace {

Bytes copy_of(const View& view) { return {view.bytes().begin(), view.bytes().end()}; }

TEST(View, GivesOneByteOrMoreInOnePiece) {
  Scripted stream({.content = letters(), .chunks = {5}});
  const View view = stream.buffer.view(2, 100);
  EXPECT_EQ(to_string(view.bytes()), "cde");
  EXPECT_EQ(view.size(), 3U);
  EXPECT_EQ(view.data(), view.bytes().data());
  EXPECT_EQ(stream.log->bytes(), 5U);
}

TEST(View, IsEmptyOnlyAtTheEnd) {
  Scripted stream({.content = letters()});
  EXPECT_EQ(to_string(stream.buffer.view(25, 10).bytes()), "z");
  EXPECT_TRUE(stream.buffer.view(26, 10).empty());
  EXPECT_TRUE(stream.buffer.view(1000, 10).empty());
}

/// The blocks and pieces of a stream, walked through by views, in memory and spilled.
void expect_all_by_views(Options options) {
  const auto content = random_bytes(3 * block + 100, 1);
  Scripted stream({.content = content, .chunks = {777}}, std::move(options));
  Bytes all;
  while (true) {
    const View view = stream.buffer.view(all.size(), 1'000'000);
    if (view.empty()) break;
    all.insert(all.end(), view.bytes().begin(), view.bytes().end());
  }
  EXPECT_EQ(all, content);
  // And now that everything is there: as long as a piece of a block.
  for (std::uint64_t at = 0; at < content.size(); at += 997) {
    const View view = stream.buffer.view(at, 5000);
    ASSERT_GE(view.size(), 1U);
    ASSERT_LE(at % block + view.size(), block);
    ASSERT_EQ(copy_of(view), part(content, at, view.size())) << at;
  }
}

TEST(View, WalksThroughAllOfAStreamInMemory) { expect_all_by_views({}); }
TEST(View, WalksThroughAllOfASpilledStream) { expect_all_by_views(options_spilled(0)); }
TEST(View, WalksThroughAStreamThatIsPartlySpilled) {
  expect_all_by_views(options_spilled(2 * block));
}

TEST(View, WalksThroughAnEncryptedStream) {
  if (detail::make_cipher() == nullptr) return;  // This build has none.
  Options options = options_spilled(4 * block);
  options.encrypt_spool = true;
  expect_all_by_views(options);
}

TEST(View, NeverReachesPastWhatIsThere) {
  for (const std::uint64_t limit : {std::uint64_t{5} << 20U, std::uint64_t{0}}) {
    Scripted stream({.content = random_bytes(2 * block, 2), .chunks = {10}},
                    options_spilled(limit));
    EXPECT_EQ(stream.buffer.view(5, 1000).size(), 5U);
    EXPECT_EQ(stream.buffer.view(0, 1000).size(), 10U);
  }
}

TEST(View, KeepsItsBytesAliveAfterTheBufferIsGone) {
  for (const std::uint64_t limit : {std::uint64_t{5} << 20U, std::uint64_t{0}}) {
    const auto content = random_bytes(3 * block, 3);
    std::optional<Scripted> stream(std::in_place, Script{.content = content},
                                   options_spilled(limit));
    stream->buffer.read(0, content.size());
    const View first = stream->buffer.view(100, 1000);
    View last = stream->buffer.view(2 * block + 5, 1000);
    stream.reset();
    const View moved = std::move(last);
    EXPECT_EQ(copy_of(first), part(content, 100, first.size()));
    EXPECT_EQ(copy_of(moved), part(content, 2 * block + 5, 1000));
  }
}

TEST(View, KeepsItsBytesAfterTheyAreReleasedAndCountsUntilItIsGone) {
  const auto content = random_bytes(8 * block, 4);
  Scripted stream({.content = content}, options_in_memory(4 * block));
  stream.buffer.read(0, 3 * block);
  std::optional<View> held = stream.buffer.view(block, 1000);
  stream.buffer.release_before(3 * block);
  EXPECT_GE(stream.buffer.stats().memory_bytes, block);
  EXPECT_EQ(code_of([&] { stream.buffer.read(block, 1); }), Errc::released);
  // Other bytes take the place of those that nobody holds, never of these.
  for (std::uint64_t at = 3; at < 8; ++at) {
    EXPECT_EQ(stream.buffer.read(at * block, block), part(content, at * block, block));
    stream.buffer.release_before((at + 1) * block);
    EXPECT_EQ(copy_of(*held), part(content, block, 1000));
  }
  held.reset();
  EXPECT_EQ(stream.buffer.stats().memory_bytes, 0U);
}

TEST(View, OfASpilledBlockKeepsItsBytesAfterTheyAreReleased) {
  const auto content = random_bytes(8 * block, 5);
  for (const bool window : {false, true}) {
    Options options = options_spilled(0);
    if (window) options.retention = Retention::window(2 * block, WhenFull::drop_oldest);
    Scripted stream({.content = content}, options);
    const View held = stream.buffer.view(100, 1000);
    stream.buffer.read(7 * block, block);
    stream.buffer.release_before(8 * block);
    EXPECT_EQ(copy_of(held), part(content, 100, held.size()));
  }
}

TEST(View, OfABlockThatIsSpilledMeanwhileStaysWhatItIs) {
  const auto content = random_bytes(20 * block, 6);
  Scripted stream({.content = content}, options_spilled(3 * block));
  std::vector<View> views;
  for (std::uint64_t at = 0; at < content.size(); at += block / 2) {
    views.push_back(stream.buffer.view(at, 100));
  }
  stream.buffer.read(0, content.size());
  for (std::size_t i = 0; i < views.size(); ++i) {
    EXPECT_EQ(copy_of(views[i]), part(content, i * block / 2, views[i].size()));
  }
  EXPECT_LE(stream.buffer.stats().memory_bytes, 3 * block);
}

// What is counted for a block has an end, what a user may ask for has none.
TEST(View, OfABlockThatHasVeryManyHasBytesOfItsOwn) {
  constexpr std::size_t count = 70'000;
  const auto content = random_bytes(20 * block - 5, 7);
  Scripted stream({.content = content}, options_in_memory(30 * block));
  stream.buffer.wait_for_size();
  const std::uint64_t kept = stream.buffer.stats().memory_bytes;
  std::vector<View> views;
  for (std::size_t i = 0; i < count; ++i) {
    views.push_back(stream.buffer.view(block + i % block, 3));
  }
  EXPECT_GT(stream.buffer.stats().memory_bytes, kept);
  EXPECT_EQ(stream.buffer.read(block, block), part(content, block, block));
  stream.buffer.release_before(19 * block);
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_EQ(copy_of(views[i]), part(content, block + i % block, views[i].size())) << i;
    ASSERT_GE(views[i].size(), 1U);
  }
  views.clear();
  EXPECT_EQ(stream.buffer.stats().memory_bytes, block);
}

TEST(View, OfSuchABlockTellsThatTheLimitHasNoRoomForABiggerOne) {
  const auto content = random_bytes(2 * block + 100, 8);
  Scripted stream({.content = content}, options_in_memory(3 * block));
  stream.buffer.wait_for_size();
  std::vector<View> views;
  for (std::size_t i = 0; i < detail::Entry::most_pins_for_views; ++i) {
    views.push_back(stream.buffer.view(block, 1));
  }
  EXPECT_EQ(code_of([&] { stream.buffer.view(block, block); }), Errc::disk_full);
  views.pop_back();
  EXPECT_EQ(copy_of(stream.buffer.view(block, block)), part(content, block, block));
}

// The disk was charged twice for such a block, and had no room for that.
TEST(View, OfWhichThereAreVeryManyCostsNoDisk) {
  const auto content = random_bytes(12 * block, 9);
  Options options = options_spilled(0);
  options.disk_limit = content.size() + 100;
  Scripted stream({.content = content}, options);
  stream.buffer.wait_for_size();
  std::vector<View> views;
  for (std::size_t i = 0; i < detail::Entry::most_pins_for_views; ++i) {
    views.push_back(stream.buffer.view(block, 1));
  }
  const FileDescriptor file = stream.buffer.to_file();
  EXPECT_EQ(stream.buffer.stats().spool_bytes, content.size());
  views.clear();
}

TEST(View, WaitsForOneByteOnly) {
  const auto gate = std::make_shared<Gate>();
  Scripted stream({.content = letters(), .gates = {{5, gate}}});
  EXPECT_EQ(to_string(stream.buffer.view(0, 100).bytes()), "abcde");
  EXPECT_EQ(gate->entered(), 0U);
}

}  // namespace
}  // namespace seekable::test
