// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

#include "base/lazy.hpp"
#include "base/rare_vector.hpp"

namespace seekable::test {
namespace {

using detail::Lazy;
using detail::RareVector;

TEST(Lazy, MakesOneForAllThreads) {
  for (int round = 0; round < 200; ++round) {
    Lazy<int> lazy;
    EXPECT_EQ(lazy.get(), nullptr);
    std::vector<int*> made(4);
    {
      std::vector<std::jthread> threads;
      for (int*& mine : made) threads.emplace_back([&] { mine = &lazy.make(); });
    }
    EXPECT_EQ(std::set<int*>(made.begin(), made.end()), std::set<int*>{lazy.get()});
  }
}

TEST(RareVector, IsEmptyBeforeAnythingWasPutIntoIt) {
  RareVector<int> vector;
  EXPECT_TRUE(vector.empty());
  EXPECT_EQ(vector.begin(), vector.end());
  vector.clear();
  vector.erase_if([](int) { return true; });
  EXPECT_EQ(vector.size(), 0U);
  EXPECT_EQ(sizeof(vector), sizeof(void*));
}

TEST(RareVector, IsAVectorThen) {
  RareVector<std::unique_ptr<int>> vector;
  for (int i = 0; i < 6; ++i) vector.push_back(std::make_unique<int>(i));
  vector.pop_front();
  vector.pop_back();
  vector.erase_if([](const auto& value) { return *value == 2; });
  const auto add = [](int sum, const auto& value) { return sum * 10 + *value; };
  EXPECT_EQ(std::accumulate(vector.begin(), vector.end(), 0, add), 134);
  EXPECT_EQ(*vector.front(), 1);
  vector.resize(1);
  EXPECT_EQ(*vector[0], 1);
  vector.clear();
  EXPECT_TRUE(vector.empty());
}

}  // namespace
}  // namespace seekable::test
