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

using Users = Announcement::Users;

bool is_announced(const void* buffer, std::uint64_t first, std::uint64_t last) {
  return !Users(buffer, first, last).are_gone(buffer, first, last);
}

TEST(Announcement, IsSeenWhileItLastsAndForItsBlockAlone) {
  const int buffer = 0;
  const int other = 0;
  std::optional<Users> users;
  {
    const Announcement announced(&buffer, 7);
    EXPECT_TRUE(is_announced(&buffer, 7, 8));
    EXPECT_TRUE(is_announced(&buffer, 0, 100));
    EXPECT_FALSE(is_announced(&buffer, 8, 100));
    EXPECT_FALSE(is_announced(&buffer, 0, 7));
    EXPECT_FALSE(is_announced(&other, 0, 100));
    users.emplace(&buffer, 7, 8);
    EXPECT_FALSE(users->are_gone(&buffer, 7, 8));
  }
  EXPECT_TRUE(users->are_gone(&buffer, 7, 8));
}

TEST(Announcement, OfSeveralBlocksIsSeenForEachOfThem) {
  const int buffer = 0;
  const Announcement announced(&buffer, 7, 3);
  for (const std::uint64_t block : {7, 8, 9}) {
    EXPECT_TRUE(is_announced(&buffer, block, block + 1)) << block;
  }
  EXPECT_TRUE(is_announced(&buffer, 0, 8));
  EXPECT_TRUE(is_announced(&buffer, 9, 100));
  EXPECT_FALSE(is_announced(&buffer, 0, 7));
  EXPECT_FALSE(is_announced(&buffer, 10, 100));
}

TEST(Announcement, ThatWasSeenIsOverWhenTheSameThreadMakesTheNextOne) {
  const int buffer = 0;
  std::optional<Announcement> announced(std::in_place, &buffer, 7);
  Users users(&buffer, 7, 8);
  EXPECT_FALSE(users.are_gone(&buffer, 7, 8));
  announced.reset();
  announced.emplace(&buffer, 7);  // It began after the change, so it saw it.
  EXPECT_TRUE(users.are_gone(&buffer, 7, 8));
}

TEST(Announcement, OfManyThreadsAreAllSeen) {
  const int buffer = 0;
  const auto inside = std::make_shared<test::Gate>();
  const auto last = std::make_shared<test::Gate>();
  static const std::atomic<bool> never{false};
  std::vector<std::jthread> threads;
  for (std::uint64_t block = 0; block < 20; ++block) {
    threads.emplace_back([&, block] {
      const Announcement announced(&buffer, block);
      inside->enter(never);
      if (block == 19) last->enter(never);
    });
  }
  inside->wait_entered(20);
  Users users(&buffer, 0, 20);
  for (std::uint64_t block = 0; block < 20; ++block) {
    EXPECT_TRUE(is_announced(&buffer, block, block + 1)) << block;
  }
  inside->open();
  last->wait_entered(1);
  EXPECT_FALSE(users.are_gone(&buffer, 0, 20));  // The others may be; the last one is not.
  last->open();
  threads.clear();
  EXPECT_TRUE(users.are_gone(&buffer, 0, 20));
}

}  // namespace
}  // namespace seekable::inline v1::detail
