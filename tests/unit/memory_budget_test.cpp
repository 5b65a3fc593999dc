// SPDX-License-Identifier: Apache-2.0
#include "seekable/memory_budget.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "store/memory_account.hpp"

namespace seekable::test {
namespace {

using detail::MemoryAccount;

constexpr std::uint64_t most = ~std::uint64_t{0};

TEST(MemoryBudget, GivesNoMoreThanItsLimit) {
  MemoryBudget budget(100);
  EXPECT_EQ(budget.limit(), 100U);
  EXPECT_TRUE(budget.try_take(60));
  EXPECT_FALSE(budget.try_take(41));
  EXPECT_TRUE(budget.try_take(40));
  EXPECT_TRUE(budget.try_take(0));
  EXPECT_FALSE(budget.try_take(1));
  EXPECT_EQ(budget.used(), 100U);
  budget.give_back(70);
  EXPECT_EQ(budget.used(), 30U);
  EXPECT_FALSE(budget.try_take(most));
  EXPECT_FALSE(budget.try_take(most - 29));
}

TEST(MemoryBudget, TakesTheLargestLimitThereIs) {
  MemoryBudget budget(most);
  EXPECT_TRUE(budget.try_take(most));
  EXPECT_FALSE(budget.try_take(1));
  EXPECT_EQ(budget.used(), most);
}

TEST(MemoryBudget, HoldsWithSeveralThreadsAtIt) {
  MemoryBudget budget(1000);
  std::atomic<std::uint64_t> held{0};
  std::atomic<int> passed{0};
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (std::uint64_t i = 0; i < 20000; ++i) {
          const std::uint64_t size = 100 + (i * 7 + thread) % 400;
          if (!budget.try_take(size)) continue;
          if (held.fetch_add(size) + size > 1000) ++passed;
          held -= size;
          budget.give_back(size);
        }
      });
    }
  }
  EXPECT_EQ(passed, 0);
  EXPECT_EQ(budget.used(), 0U);
}

TEST(MemoryAccount, CountsAgainstItsOwnLimitAndTheSharedOne) {
  const auto shared = std::make_shared<MemoryBudget>(100);
  MemoryAccount one(80, shared);
  MemoryAccount other(80, shared);
  EXPECT_TRUE(one.try_take(70));
  EXPECT_EQ(one.room(), 10U);
  EXPECT_EQ(other.room(), 30U);
  EXPECT_FALSE(one.try_take(11));
  EXPECT_FALSE(other.try_take(31));
  EXPECT_EQ(other.used(), 0U) << "what the shared budget refused is not counted";
  EXPECT_TRUE(other.try_take(30));
  EXPECT_EQ(shared->used(), 100U);
  one.give_back(70);
  EXPECT_EQ(shared->used(), 30U);
}

TEST(MemoryAccount, GivesWhatIsLeftBackWhenItEnds) {
  const auto shared = std::make_shared<MemoryBudget>(100);
  {
    MemoryAccount account(80, shared);
    EXPECT_TRUE(account.try_take(50));
  }
  EXPECT_EQ(shared->used(), 0U);
}

}  // namespace
}  // namespace seekable::test
