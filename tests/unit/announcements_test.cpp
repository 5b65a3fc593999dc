// SPDX-License-Identifier: Apache-2.0
#include "core/announcements.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "support/sources.hpp"

namespace seekable::inline v1::detail {
namespace {

TEST(Announcement, IsSeenWhileItLastsAndForItsBlockAlone) {
  const int buffer = 0;
  const int other = 0;
  std::vector<Announcement::Seen> seen;
  {
    const Announcement announced(&buffer, 7);
    EXPECT_EQ(Announcement::all(&buffer, 7, 8).size(), 1U);
    EXPECT_EQ(Announcement::all(&buffer, 0, 100).size(), 1U);
    EXPECT_TRUE(Announcement::all(&buffer, 8, 100).empty());
    EXPECT_TRUE(Announcement::all(&buffer, 0, 7).empty());
    EXPECT_TRUE(Announcement::all(&other, 0, 100).empty());
    seen = Announcement::all(&buffer, 7, 8);
    EXPECT_FALSE(Announcement::are_over(&buffer, seen));
  }
  EXPECT_TRUE(Announcement::are_over(&buffer, seen));
  EXPECT_TRUE(seen.empty());
}

TEST(Announcement, OfSeveralBlocksIsSeenForEachOfThem) {
  const int buffer = 0;
  const Announcement announced(&buffer, 7, 3);
  for (const std::uint64_t block : {7, 8, 9}) {
    EXPECT_EQ(Announcement::all(&buffer, block, block + 1).size(), 1U) << block;
  }
  EXPECT_EQ(Announcement::all(&buffer, 0, 8).size(), 1U);
  EXPECT_EQ(Announcement::all(&buffer, 9, 100).size(), 1U);
  EXPECT_TRUE(Announcement::all(&buffer, 0, 7).empty());
  EXPECT_TRUE(Announcement::all(&buffer, 10, 100).empty());
}

TEST(Announcement, ThatWasSeenIsOverWhenTheSameThreadMakesTheNextOne) {
  const int buffer = 0;
  std::optional<Announcement> announced(std::in_place, &buffer, 7);
  auto seen = Announcement::all(&buffer, 7, 8);
  ASSERT_EQ(seen.size(), 1U);
  announced.reset();
  announced.emplace(&buffer, 7);  // It began after the change, so it saw it.
  EXPECT_TRUE(Announcement::are_over(&buffer, seen));
}

TEST(Announcement, OfManyThreadsAreAllSeen) {
  const int buffer = 0;
  const auto inside = std::make_shared<test::Gate>();
  std::vector<std::jthread> threads;
  for (std::uint64_t block = 0; block < 20; ++block) {
    threads.emplace_back([&, block] {
      const Announcement announced(&buffer, block);
      static const std::atomic<bool> never{false};
      inside->enter(never);
    });
  }
  inside->wait_entered(20);
  auto seen = Announcement::all(&buffer, 0, 20);
  EXPECT_EQ(seen.size(), 20U);
  EXPECT_EQ(Announcement::all(&buffer, 5, 10).size(), 5U);
  inside->open();
  threads.clear();
  EXPECT_TRUE(Announcement::are_over(&buffer, seen));
}

}  // namespace
}  // namespace seekable::inline v1::detail
