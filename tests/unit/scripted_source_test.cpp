// SPDX-License-Identifier: Apache-2.0
/// The sources that other tests rely on do what their scripts say.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <thread>

#include "seekable/error.hpp"
#include "support/feeds.hpp"
#include "support/sources.hpp"

namespace seekable::test {
namespace {

TEST(ScriptedSource, GivesChunksInTurn) {
  const auto source = scripted(letters(), {1, 5});
  EXPECT_EQ(to_string(read_once(*source, 10)), "a");
  EXPECT_EQ(to_string(read_once(*source, 10)), "bcdef");
  EXPECT_EQ(to_string(read_once(*source, 10)), "g");
  EXPECT_EQ(to_string(read_once(*source, 2)), "hi");
  EXPECT_EQ(source->log()->reads(), 4U);
  EXPECT_EQ(source->log()->bytes(), 9U);
  EXPECT_EQ(source->log()->max_concurrent(), 1);
  EXPECT_EQ(source->log()->read_list().at(3).asked, 2U);
  EXPECT_EQ(source->log()->read_list().at(3).offset, 7U);
}

TEST(ScriptedSource, FailsAfterExactlySoManyBytes) {
  ScriptedSource source({.content = letters(), .fail_at = 7});
  EXPECT_EQ(read_once(source, 100).size(), 7U);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(code_of([&] { read_once(source, 100); }), std::errc::io_error);
  }
}

TEST(ScriptedSource, FailsInsteadOfItsEnd) {
  ScriptedSource source(
      {.content = letters(), .fail_at = 26, .failure = failure_with(std::errc::connection_reset)});
  EXPECT_EQ(read_once(source, 100).size(), 26U);
  EXPECT_EQ(code_of([&] { read_once(source, 100); }), std::errc::connection_reset);
}

TEST(ScriptedSource, WaitsAtAGateUntilItIsOpened) {
  const auto gate = std::make_shared<Gate>();
  ScriptedSource source({.content = letters(), .gates = {{5, gate}}});
  EXPECT_EQ(to_string(read_once(source, 100)), "abcde");
  std::string rest;
  std::jthread reader([&] { rest = to_string(read_once(source, 100)); });
  gate->wait_entered();
  EXPECT_EQ(gate->waiting(), 1U);
  gate->open();
  reader.join();
  EXPECT_EQ(rest, "fghijklmnopqrstuvwxyz");
}

TEST(ScriptedSource, CanIgnoreCancel) {
  const auto gate = std::make_shared<Gate>();
  ScriptedSource source({.content = letters(), .gates = {{0, gate}}, .heeds_cancel = false});
  std::string got;
  std::jthread reader([&] { got = to_string(read_once(source, 3)); });
  gate->wait_entered();
  source.cancel();
  EXPECT_EQ(gate->waiting(), 1U);
  gate->pass();
  reader.join();
  EXPECT_EQ(got, "abc");
  EXPECT_EQ(source.log()->cancels(), 1U);
}

TEST(ScriptedSource, LiesAboutItsSize) {
  const ScriptedSource source({.content = letters(), .declared_size = std::uint64_t{1} << 62U});
  EXPECT_EQ(source.size(), std::uint64_t{1} << 62U);
}

TEST(ScriptedRestartable, HasMoreBytesThanMemory) {
  constexpr std::uint64_t huge = std::uint64_t{1} << 53U;
  ScriptedRestartable source({.byte_at = pattern_byte, .length = huge, .declared_size = huge});
  source.reopen(huge - 1'000, 1'000);
  EXPECT_EQ(read_all(source, 77), pattern_bytes(huge - 1'000, 1'000));
}

TEST(ScriptedRestartable, CountsWhatAllItsConnectionsDo) {
  ScriptedRestartable source(
      {.content = letters(), .found_size = 26, .read_through = 5, .max_connections = 2});
  const auto log = source.log();
  EXPECT_EQ(source.size(), std::nullopt);
  EXPECT_EQ(source.find_size(), 26U);
  EXPECT_TRUE(source.worth_reading_through(5));
  EXPECT_FALSE(source.worth_reading_through(6));
  {
    const auto second = source.another();
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(source.another(), nullptr);
    second->reopen(20, 6);
    EXPECT_EQ(to_string(read_once(*second, 10)), "uvwxyz");
    EXPECT_EQ(log->alive(), 2);
  }
  EXPECT_EQ(log->alive(), 1);
  EXPECT_EQ(log->connections(), 2);
  ASSERT_EQ(log->reopens().size(), 1U);
  EXPECT_EQ(log->reopens()[0].connection, 1);
  EXPECT_EQ(log->reopens()[0].offset, 20U);
  EXPECT_EQ(log->reopens()[0].wanted, 6U);
  EXPECT_EQ(log->bytes(), 6U);
}

TEST(ScriptedRestartable, StopsOneConnectionAlone) {
  const auto gate = std::make_shared<Gate>();
  ScriptedRestartable source(
      {.content = letters(), .connection_gates = {{1, gate}}, .max_connections = 2});
  const auto second = source.another();
  std::size_t got = 0;
  std::jthread reader([&] { got = read_once(*second, 100).size(); });
  gate->wait_entered();
  EXPECT_EQ(read_once(source, 100).size(), 26U);
  gate->open();
  reader.join();
  EXPECT_EQ(got, 26U);
}

}  // namespace
}  // namespace seekable::test
