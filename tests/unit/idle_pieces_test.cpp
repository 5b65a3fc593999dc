// SPDX-License-Identifier: Apache-2.0
#include "store/idle_pieces.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "seekable/memory_budget.hpp"

namespace seekable::test {
namespace {

using detail::IdlePieces;

TEST(IdlePieces, AreGivenToTheNextWhoTakesOne) {
  for (std::size_t kind = 0; kind < IdlePieces::sizes.size(); ++kind) {
    std::byte* const first = IdlePieces::take(kind);
    std::byte* const second = IdlePieces::take(kind);
    EXPECT_NE(first, second);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 64, 0U);
    std::memset(second, 1, IdlePieces::sizes[kind]);
    IdlePieces::put(kind, first);
    IdlePieces::put(kind, second);  // Only one is kept.
    EXPECT_EQ(IdlePieces::take(kind), second);
    IdlePieces::put(kind, second);
  }
  trim();
}

TEST(IdlePieces, AreNeverGivenToTwo) {
  std::vector<std::jthread> threads;
  for (int number = 1; number <= 4; ++number) {
    threads.emplace_back([number] {
      for (std::size_t round = 0; round < 1500; ++round) {
        const std::size_t kind = round % IdlePieces::sizes.size();
        std::byte* const piece = IdlePieces::take(kind);
        std::memset(piece, number, 64);
        std::this_thread::yield();
        EXPECT_EQ(piece[63], static_cast<std::byte>(number));
        IdlePieces::put(kind, piece);
      }
    });
  }
}

}  // namespace
}  // namespace seekable::test
