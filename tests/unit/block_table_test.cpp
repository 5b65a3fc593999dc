// SPDX-License-Identifier: Apache-2.0
#include "core/block_table.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

#include "base/block.hpp"

namespace seekable::inline v1::detail {
namespace {

std::vector<std::uint64_t> blocks_of(BlockTable& table, std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> blocks;
  table.for_each(first, last, [&](std::uint64_t block, Entry entry) {
    if (entry.filled_word().load() > 0) blocks.push_back(block);
  });
  return blocks;
}

std::vector<BlockTable::Removed> take_out(BlockTable& table, std::uint64_t below) {
  std::vector<BlockTable::Removed> removed;
  for (BlockTable::Removed node; table.remove_before(below, node);) removed.push_back(node);
  return removed;
}

constexpr std::uint64_t some_blocks[] = {0,
                                         1,
                                         31,
                                         32,
                                         33,
                                         2047,
                                         2048,
                                         2049,
                                         65535,
                                         65536,
                                         131'071,
                                         131'072,
                                         1ULL << 30U,
                                         (1ULL << 37U) + 5,
                                         1ULL << 40U,
                                         1ULL << 47U,
                                         (1ULL << 48U) - 2,
                                         (1ULL << 48U) - 1};

TEST(BlockTable, FindsWhatWasMadeAndNothingElse) {
  BlockTable table;
  for (const std::uint64_t block : some_blocks) {
    table.make(block).filled_word() = static_cast<std::uint32_t>(block % 60'000 + 1);
  }
  for (const std::uint64_t block : some_blocks) {
    Entry entry = table.find(block);
    ASSERT_TRUE(entry) << block;
    EXPECT_EQ(entry.filled_word(), block % 60'000 + 1);
    EXPECT_EQ(table.make(block), entry);
  }
  EXPECT_FALSE(table.find(1ULL << 35U));
  EXPECT_FALSE(table.find(3'000'000));
}

TEST(BlockTable, OfAnEmptyStreamHasTheFirstBlocksAlone) {
  BlockTable table;
  EXPECT_TRUE(table.find(0));
  EXPECT_TRUE(table.find(3));
  EXPECT_FALSE(table.find(4));
  EXPECT_FALSE(table.find(block_of(unknown)));
}

TEST(BlockTable, VisitsEntriesInOrder) {
  BlockTable table;
  for (const std::uint64_t block : some_blocks) table.make(block).filled_word() = 1;
  EXPECT_EQ(blocks_of(table, 0, block_of(unknown)),
            std::vector<std::uint64_t>(std::begin(some_blocks), std::end(some_blocks) - 1));
  EXPECT_EQ(blocks_of(table, 1, 33), (std::vector<std::uint64_t>{1, 31, 32}));
  EXPECT_EQ(blocks_of(table, 34, 2047), std::vector<std::uint64_t>{});
  EXPECT_EQ(blocks_of(table, 131'073, 1ULL << 41U),
            (std::vector<std::uint64_t>{1ULL << 30U, (1ULL << 37U) + 5, 1ULL << 40U}));
}

TEST(BlockTable, LetsGoOfNodesThatHoldOnlyBlocksBelow) {
  for (const std::uint64_t below :
       {1ULL, 31ULL, 32ULL, 64ULL, 2048ULL, 2080ULL, 100'000ULL, 1ULL << 20U, 1ULL << 38U}) {
    BlockTable table;
    for (const std::uint64_t block : some_blocks) table.make(block).filled_word() = 1;
    for (std::uint64_t block = 0; block < 5000; ++block) table.make(block).filled_word() = 1;
    const std::vector<BlockTable::Removed> removed = take_out(table, below);
    std::set<std::uint64_t> gone;
    for (const auto& node : removed) {
      EXPECT_LE(node.last, below);
      if (node.leaf) gone.insert(node.first);
    }
    for (const std::uint64_t block : blocks_of(table, 0, block_of(unknown))) {
      EXPECT_FALSE(gone.contains(block / 32 * 32) && block >= EntryGroup::size) << block;
    }
    for (const std::uint64_t block : some_blocks) {
      if (block >= below) {
        EXPECT_TRUE(table.find(block)) << block << " of " << below;
      }
      if (block >= EntryGroup::size && block / 32 * 32 + 32 <= below) {
        EXPECT_FALSE(table.find(block)) << block << " of " << below;
      }
    }
    EXPECT_TRUE(take_out(table, below).empty());
    for (const auto& node : removed) BlockTable::free(node);
  }
}

TEST(BlockTable, KeepsFewNodesOfAStreamThatPassesThrough) {
  BlockTable table;
  std::size_t alive = 0;
  for (std::uint64_t block = 0; block < 200'000; ++block) {
    table.make(block).filled_word() = 1;
    if (block <= 10) continue;
    for (const auto& node : take_out(table, block - 10)) BlockTable::free(node);
  }
  alive = blocks_of(table, 0, block_of(unknown)).size();
  EXPECT_LE(alive, 128U);
}

TEST(Filled, SaysHowMuchOfABlockIsThere) {
  EXPECT_FALSE(Filled::up_to(0).has_island());
  EXPECT_FALSE(Filled::up_to(block_size).has_island());
  EXPECT_EQ(Filled::up_to(block_size).head(), block_size);
  EXPECT_EQ(Filled::up_to(block_size).published_from(block_size - 1, 0), 1U);
  EXPECT_EQ(Filled::up_to(100).published_from(100, 0), 0U);
  for (const std::size_t head : {std::size_t{0}, std::size_t{255}, std::size_t{65'279}}) {
    for (const std::size_t end : {std::size_t{65'281}, std::size_t{65'536}}) {
      const Filled filled = Filled::from_word(Filled::with_island(head, end).word());
      EXPECT_TRUE(filled.has_island());
      EXPECT_EQ(filled.head(), head);
      EXPECT_EQ(filled.end(), end);
      EXPECT_EQ(filled.published_from(head, 65'280), 0U);
      EXPECT_EQ(filled.published_from(65'280, 65'280), end - 65'280);
      EXPECT_EQ(filled.published_from(end, 65'280), 0U);
    }
  }
  const Filled smallest = Filled::with_island(0, Place::island_step + 1);
  EXPECT_TRUE(smallest.has_island());
  EXPECT_EQ(smallest.published_from(256, 256), 1U);
}

TEST(Place, IsOneWordWithAllThatItSays) {
  alignas(4096) static std::byte memory[4096];
  EXPECT_EQ(Place::memory(memory).kind(), Place::Kind::memory);
  EXPECT_EQ(Place::memory(memory).address(), memory);
  EXPECT_EQ(Place::memory(memory).island_begin(), 0U);
  EXPECT_EQ(Place::memory(memory, 65'280).kind(), Place::Kind::memory);
  EXPECT_EQ(Place::memory(memory, 65'280).address(), memory);
  EXPECT_EQ(Place::memory(memory, 65'280).island_begin(), 65'280U);
  EXPECT_EQ(Place().kind(), Place::Kind::none);
  EXPECT_EQ(Place::pieces().kind(), Place::Kind::pieces);
  EXPECT_EQ(Place::released().kind(), Place::Kind::released);
  const Place spooled = Place::spool({15, (1ULL << 48U) - 1});
  EXPECT_EQ(spooled.kind(), Place::Kind::spool);
  EXPECT_EQ(spooled.island_begin(), 0U);
  EXPECT_EQ(spooled.slot().file, 15);
  EXPECT_EQ(spooled.slot().slot, (1ULL << 48U) - 1);
  EXPECT_EQ(Place::from_word(spooled.word()).slot().slot, spooled.slot().slot);
}

}  // namespace
}  // namespace seekable::inline v1::detail
