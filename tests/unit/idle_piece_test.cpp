// SPDX-License-Identifier: Apache-2.0
#include "store/idle_piece.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "seekable/memory_budget.hpp"

namespace seekable::test {
namespace {

using detail::IdlePiece;

TEST(IdlePiece, IsGivenToTheNextWhoTakesOne) {
  std::byte* const first = IdlePiece::take();
  std::byte* const second = IdlePiece::take();
  EXPECT_NE(first, second);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 64, 0U);
  IdlePiece::put(first);
  IdlePiece::put(second);  // Only one is kept.
  EXPECT_EQ(IdlePiece::take(), second);
  IdlePiece::put(second);
  trim();
}

TEST(IdlePiece, IsNeverGivenToTwo) {
  std::vector<std::jthread> threads;
  for (int number = 1; number <= 4; ++number) {
    threads.emplace_back([number] {
      for (int round = 0; round < 500; ++round) {
        std::byte* const piece = IdlePiece::take();
        std::memset(piece, number, 64);
        std::this_thread::yield();
        EXPECT_EQ(piece[63], static_cast<std::byte>(number));
        IdlePiece::put(piece);
      }
    });
  }
}

}  // namespace
}  // namespace seekable::test
