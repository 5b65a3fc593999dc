// SPDX-License-Identifier: Apache-2.0
#include "system/event.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace seekable::test {
namespace {

using detail::Event;
using detail::Wakeups;
using Clock = std::chrono::steady_clock;

TEST(Event, IsOverAtOnceWhenItWasSetBefore) {
  Event event;
  EXPECT_FALSE(event.is_set());
  event.set();
  event.set();
  EXPECT_TRUE(event.is_set());
  event.wait();
  EXPECT_TRUE(event.wait_until(Clock::time_point::min()));
}

TEST(Event, GivesUpAtItsDeadlineAndNotBefore) {
  Event event;
  const auto deadline = Clock::now() + std::chrono::milliseconds(5);
  EXPECT_FALSE(event.wait_until(deadline));
  EXPECT_GE(Clock::now(), deadline);
  EXPECT_FALSE(event.wait_until(Clock::time_point()));
  EXPECT_FALSE(event.wait_until(Clock::time_point::min()));
  event.set();  // Somebody slept on it, and is gone.
  EXPECT_TRUE(event.wait_until(Clock::time_point::min()));
}

TEST(Event, HappensAgainAfterAReset) {
  Event event;
  for (int round = 0; round < 3; ++round) {
    EXPECT_FALSE(event.wait_until(Clock::time_point::min()));
    event.set();
    event.wait();
    event.reset();
    EXPECT_FALSE(event.is_set());
  }
}

TEST(Event, WakesASleeperInEveryRound) {
  constexpr int rounds = 50000;
  Event there;
  Event back;
  std::atomic<int> value{0};
  std::jthread other([&] {
    for (int round = 1; round <= rounds; ++round) {
      there.wait();
      there.reset();
      EXPECT_EQ(value.load(std::memory_order_relaxed), round);
      back.set();
    }
  });
  for (int round = 1; round <= rounds; ++round) {
    value.store(round, std::memory_order_relaxed);
    there.set();
    back.wait();
    back.reset();
  }
}

TEST(Event, IsNotLostHoweverManySetIt) {
  constexpr int rounds = 20000;
  Event event;
  std::atomic<int> published{0};
  std::vector<std::jthread> setters;
  for (int i = 0; i < 3; ++i) {
    setters.emplace_back([&] {
      for (int round = 0; round < rounds; ++round) {
        ++published;
        event.set();
      }
    });
  }
  // As the fill thread does it: reset, look, sleep.
  for (;;) {
    event.reset();
    if (published == 3 * rounds) break;
    event.wait();
  }
}

TEST(Event, MayBeDestroyedAsSoonAsTheWaitIsOver) {
  for (int round = 0; round < 3000; ++round) {
    auto event = std::make_unique<Event>();
    std::jthread setter([address = event.get()] { address->set(); });
    event->wait();
    event.reset();
  }
}

// More than are remembered: the others are woken at once.
TEST(Wakeups, WakeAllThatSleptWhenTheScopeEnds) {
  for (int round = 0; round < 50; ++round) {
    std::vector<Event> events(40);
    std::vector<std::jthread> sleepers;
    for (Event& event : events) {
      sleepers.emplace_back([&] { event.wait(); });
    }
    Wakeups wakeups;
    for (Event& event : events) {
      wakeups.set(event);
      EXPECT_TRUE(event.is_set());
    }
  }
}

TEST(Wakeups, MayOutliveTheEvents) {
  for (int round = 0; round < 3000; ++round) {
    auto event = std::make_unique<Event>();
    std::jthread sleeper([&] {
      event->wait();
      event.reset();
    });
    Wakeups wakeups;
    wakeups.set(*event);
  }
}

TEST(Event, WakesBeforeALongDeadline) {
  for (int round = 0; round < 500; ++round) {
    Event event;
    std::jthread setter([&] { event.set(); });
    EXPECT_TRUE(event.wait_until(Clock::now() + std::chrono::hours(1)));
  }
}

}  // namespace
}  // namespace seekable::test
