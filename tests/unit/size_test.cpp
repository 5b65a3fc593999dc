// SPDX-License-Identifier: Apache-2.0
// The size of a stream: declared, found out, reached, and told wrong.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "support/buffers.hpp"

namespace seekable::test {
namespace {

Scripted claiming(std::uint64_t declared, std::uint64_t actual, Options options = {}) {
  return Scripted(
      {.content = random_bytes(static_cast<std::size_t>(actual), 1), .declared_size = declared},
      std::move(options));
}

TEST(Size, ThatIsDeclaredIsKnownAtOnce) {
  auto stream = claiming(1000, 1000);
  EXPECT_EQ(stream.buffer.size(), 1000U);
  EXPECT_EQ(stream.buffer.wait_for_size(), 1000U);
  EXPECT_EQ(stream.buffer.reader().seek(-10, Whence::end), 990U);
  EXPECT_EQ(stream.log->reads(), 0U);
}

TEST(Size, ThatTheCallerExpectsIsKnownAtOnceAndTakesThePlaceOfTheSources) {
  Options options;
  options.expected_size = 26;
  Scripted stream({.content = letters(), .declared_size = 999}, options);
  EXPECT_EQ(stream.buffer.size(), 26U);
  EXPECT_EQ(stream.buffer.read(0, 100).size(), 26U);
  EXPECT_TRUE(stream.buffer.exhausted());
}

// Also where the source gives so little at a time that the fill does it in a loop of its own.
TEST(Size, ThatIsDeclaredIsNotPassedByASingleByte) {
  const auto content = random_bytes(3000, test_seed());
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{999}}) {
    const Scripted stream({.content = content, .chunks = {chunk}, .declared_size = 1000});
    EXPECT_EQ(stream.buffer.read(0, 2000), part(content, 0, 1000));
    EXPECT_EQ(stream.buffer.available(0), 1000U);
    EXPECT_EQ(code_of([&] { stream.buffer.read(1000, 1); }), Errc::overrun);
    ASSERT_TRUE(stream.buffer.failure());
    EXPECT_EQ(stream.buffer.failure()->offset, 1000U);
  }
}

TEST(Size, ThatIsNotDeclaredIsTheOneThatIsReached) {
  Scripted stream({.content = letters(), .chunks = {5}});
  EXPECT_EQ(stream.buffer.size(), std::nullopt);
  EXPECT_EQ(stream.buffer.wait_for_size(), 26U);
  EXPECT_EQ(stream.buffer.size(), 26U);
  EXPECT_TRUE(stream.buffer.exhausted());
}

/// Tells its size with its first bytes, as an HTTP response does.
class LateClaim final : public Source {
 public:
  explicit LateClaim(std::unique_ptr<ScriptedSource> source) : source_(std::move(source)) {}
  std::size_t read_some(std::span<std::byte> out) override {
    const std::size_t size = source_->read_some(out);
    known_ = true;
    return size;
  }
  std::optional<std::uint64_t> size() const override {
    if (!known_) return std::nullopt;
    return 26;
  }
  void cancel() noexcept override { source_->cancel(); }

 private:
  std::unique_ptr<ScriptedSource> source_;
  std::atomic<bool> known_{false};
};

TEST(Size, ThatIsDeclaredWithTheFirstBytesIsNotWaitedForUntilTheEnd) {
  for (const bool with_limit : {false, true}) {
    const auto gate = std::make_shared<Gate>();
    const StreamBuffer buffer(std::make_unique<LateClaim>(std::make_unique<ScriptedSource>(
        Script{.content = letters(), .chunks = {3}, .gates = {{9, gate}}})));
    Wait wait;
    wait.deadline = std::chrono::steady_clock::now() + std::chrono::hours(1);
    EXPECT_EQ(with_limit ? buffer.wait_for_size(wait) : buffer.wait_for_size(), 26U);
    EXPECT_LE(buffer.available(0), 9U);
  }
}

TEST(Size, ThatBecomesDeclaredWakesWhoWaitsWhileAnotherReads) {
  const auto first = std::make_shared<Gate>();
  const auto second = std::make_shared<Gate>();
  const StreamBuffer buffer(std::make_unique<LateClaim>(std::make_unique<ScriptedSource>(
      Script{.content = letters(), .chunks = {3}, .gates = {{0, first}, {3, second}}})));
  std::jthread reads([&] { (void)buffer.read(0, 20); });
  first->wait_entered();
  std::uint64_t size = 0;
  std::jthread waits([&] { size = buffer.wait_for_size(); });
  first->open();
  waits.join();
  EXPECT_EQ(size, 26U);
  second->open();
}

TEST(Size, IsAskedOfARestartableSourceWithoutReading) {
  for (const bool with_limit : {false, true}) {
    ScriptedJumping stream({.content = letters(), .found_size = 26});
    Wait wait;
    wait.deadline = std::chrono::steady_clock::now() + std::chrono::hours(1);
    EXPECT_EQ(with_limit ? stream.buffer.wait_for_size(wait) : stream.buffer.wait_for_size(), 26U);
    EXPECT_EQ(stream.log->reads(), 0U);
    EXPECT_EQ(stream.log->find_sizes(), 1U);
  }
}

TEST(Size, IsAskedOfARestartableSourceAlsoWhileAnotherReads) {
  for (const bool with_limit : {false, true}) {
    const auto gate = std::make_shared<Gate>();
    const auto content = random_bytes(4 * block, 2);
    ScriptedJumping stream(
        {.content = content, .chunks = {1000}, .found_size = 4 * block, .gates = {{0, gate}}});
    std::jthread reads([&] { (void)stream.buffer.read(0, 500); });
    gate->wait_entered();
    std::atomic<std::uint64_t> size{0};
    std::jthread waits([&] {
      Wait wait;
      wait.deadline = std::chrono::steady_clock::now() + std::chrono::hours(1);
      size = with_limit ? stream.buffer.wait_for_size(wait) : stream.buffer.wait_for_size();
    });
    gate->open();
    reads.join();
    waits.join();
    EXPECT_EQ(size, content.size());
    EXPECT_LT(stream.log->bytes(), content.size());
  }
}

TEST(Size, IsFoundByReadingToTheEndWhereARestartableSourceDoesNotKnowIt) {
  ScriptedJumping stream({.content = letters(), .chunks = {5}});
  EXPECT_EQ(stream.buffer.wait_for_size(), 26U);
}

TEST(Size, OfAStreamThatEndsEarlyIsTruncatedForWhoNeedsWhatIsMissing) {
  auto stream = claiming(1000, 900);
  EXPECT_EQ(stream.buffer.read(0, 2000).size(), 900U);
  const auto read = [&] { stream.buffer.read(900, 1); };
  EXPECT_EQ(code_of(read), Errc::truncated);
  EXPECT_EQ(offset_of_error(read), 900U);
  EXPECT_EQ(code_of([&] { stream.buffer.read(5000, 1); }), Errc::truncated);
  EXPECT_EQ(stream.buffer.size(), std::nullopt);
  EXPECT_EQ(code_of([&] { (void)stream.buffer.wait_for_size(); }), Errc::truncated);
  EXPECT_EQ(code_of([&] { stream.buffer.reader().seek(0, Whence::end); }), Errc::truncated);
  EXPECT_FALSE(stream.buffer.exhausted());
  ASSERT_TRUE(stream.buffer.failure());
  EXPECT_EQ(stream.buffer.failure()->offset, 900U);
  EXPECT_EQ(stream.buffer.failure()->cause, nullptr);
}

TEST(Size, OfAStreamThatGoesOnIsOverrunForWhoAsksPastIt) {
  auto stream = claiming(900, 1000);
  EXPECT_EQ(stream.buffer.read(0, 900).size(), 900U);
  EXPECT_EQ(stream.buffer.read(800, 500).size(), 100U);
  const auto read = [&] { stream.buffer.read(900, 1); };
  EXPECT_EQ(code_of(read), Errc::overrun);
  EXPECT_EQ(offset_of_error(read), 900U);
  EXPECT_EQ(stream.buffer.size(), std::nullopt);
  EXPECT_EQ(code_of([&] { (void)stream.buffer.wait_for_size(); }), Errc::overrun);
  EXPECT_EQ(stream.buffer.available(0), 900U);
}

TEST(Size, ThatTheCallerExpectsIsAClaimLikeTheSources) {
  Options options;
  options.expected_size = 30;
  Scripted longer({.content = letters()}, options);
  EXPECT_EQ(longer.buffer.read(0, 30).size(), 26U);
  EXPECT_EQ(code_of([&] { longer.buffer.read(26, 1); }), Errc::truncated);
  options.expected_size = 20;
  Scripted shorter({.content = letters()}, options);
  EXPECT_EQ(shorter.buffer.read(0, 20).size(), 20U);
  EXPECT_EQ(code_of([&] { shorter.buffer.read(20, 1); }), Errc::overrun);
}

TEST(Size, ThatIsDeclaredIsNeverConfirmedForBytesBelowIt) {
  const auto gate = std::make_shared<Gate>();
  Scripted stream({.content = letters(), .declared_size = 26, .gates = {{26, gate}}});
  EXPECT_EQ(stream.buffer.read(0, 26).size(), 26U);
  EXPECT_TRUE(stream.buffer.wait_for({0, 26}, std::chrono::hours(1)));
  EXPECT_FALSE(stream.buffer.exhausted());
  EXPECT_EQ(gate->entered(), 0U);
  gate->open();
  EXPECT_EQ(stream.buffer.read(26, 1).size(), 0U);
  EXPECT_TRUE(stream.buffer.exhausted());
}

TEST(Size, OfNothingIsDeclaredAndConfirmed) {
  auto stream = claiming(0, 0);
  EXPECT_EQ(stream.buffer.size(), 0U);
  EXPECT_FALSE(stream.buffer.exhausted());
  EXPECT_EQ(stream.buffer.read(0, 10).size(), 0U);
  EXPECT_TRUE(stream.buffer.exhausted());
}

TEST(Size, ThatAStrangerDeclaresNeverDecidesAnAllocation) {
  auto stream = claiming(std::uint64_t{1} << 62U, 1000);
  EXPECT_EQ(stream.buffer.size(), std::uint64_t{1} << 62U);
  const Bytes bytes = stream.buffer.read(0, std::uint64_t{1} << 62U);
  EXPECT_EQ(bytes.size(), 1000U);
  EXPECT_LE(bytes.capacity(), 2 * block);
  EXPECT_LE(stream.buffer.stats().memory_bytes, block);
  EXPECT_EQ(code_of([&] { stream.buffer.read((std::uint64_t{1} << 62U) - 1, 1); }),
            Errc::truncated);
}

}  // namespace
}  // namespace seekable::test
