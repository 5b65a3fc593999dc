// SPDX-License-Identifier: Apache-2.0
// Blocks of the process's pool, and what of them is resident.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <vector>

#include "base/block.hpp"
#include "seekable/memory_budget.hpp"
#include "store/block_pool.hpp"

namespace seekable::test {

inline std::vector<std::byte*> take(std::size_t count) {
  std::vector<std::byte*> blocks;
  for (std::size_t i = 0; i < count; ++i) {
    blocks.push_back(detail::BlockPool::instance().take());
    std::memset(blocks.back(), static_cast<int>(i), detail::block_size);
  }
  return blocks;
}

inline void put(const std::vector<std::byte*>& blocks) {
  for (std::byte* block : blocks) detail::BlockPool::instance().put(block);
}

/// How many bytes of these blocks take memory.
inline std::size_t resident(const std::vector<std::byte*>& blocks) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::size_t sum = 0;
  std::vector<unsigned char> pages(detail::block_size / page);
  for (std::byte* block : blocks) {
    EXPECT_EQ(::mincore(block, detail::block_size, pages.data()), 0);
    sum += page * static_cast<std::size_t>(std::count_if(pages.begin(), pages.end(),
                                                         [](unsigned char p) { return p & 1; }));
  }
  return sum;
}

/// All blocks of the slabs that these lie in.
inline std::vector<std::byte*> slabs_of(const std::vector<std::byte*>& blocks) {
  std::set<std::byte*> all;
  for (std::byte* block : blocks) {
    std::byte* const slab = block - reinterpret_cast<std::uintptr_t>(block) % (2 << 20);
    for (std::size_t at = 0; at < 2 << 20; at += detail::block_size) all.insert(slab + at);
  }
  return {all.begin(), all.end()};
}

/// Has blocks of many slabs given back in no order, and returns them; nothing of them is resident.
inline std::vector<std::byte*> given_back_in_no_order(std::size_t count) {
  auto blocks = take(count);
  std::shuffle(blocks.begin(), blocks.end(), std::minstd_rand(1));  // NOLINT: the same always
  put(blocks);
  trim();
  EXPECT_EQ(resident(slabs_of(blocks)), 0U);
  return blocks;
}

}  // namespace seekable::test
