// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "seekable/sources.hpp"
#include "support/feeds.hpp"

namespace seekable::test {
namespace {

TEST(BytesSource, DeclaresItsSize) {
  EXPECT_EQ(from_bytes(letters())->size(), 26U);
  EXPECT_EQ(from_bytes(std::string())->size(), 0U);
}

TEST(BytesSource, KeepsTheZeroBytesOfAString) {
  const std::string text("a\0b\0", 4);
  EXPECT_EQ(to_string(read_all(*from_bytes(text))), text);
}

TEST(BytesSource, GivesManyBytes) {
  Bytes bytes = random_bytes(1'000'000, test_seed());
  const auto copy = bytes;
  const auto source = from_bytes(std::move(bytes));
  EXPECT_TRUE(read_all(*source) == copy);
}

TEST(BytesSource, GivesNothingPastItsEnd) {
  const auto source = from_bytes(letters());
  auto& restartable = dynamic_cast<RestartableSource&>(*source);
  for (const std::uint64_t offset : {std::uint64_t{27}, std::uint64_t{1} << 63U}) {
    restartable.reopen(offset, std::nullopt);
    EXPECT_EQ(read_once(restartable, 10).size(), 0U);
  }
}

class PlainSource final : public RestartableSource {
 public:
  std::size_t read_some(std::span<std::byte>) override { return 0; }
  void reopen(std::uint64_t, std::optional<std::uint64_t>) override {}
  std::optional<std::uint64_t> size() const override { return 7; }
};

TEST(RestartableSource, HasSensibleDefaults) {
  PlainSource source;
  EXPECT_EQ(source.find_size(), 7U);
  EXPECT_EQ(source.another(), nullptr);
  EXPECT_TRUE(source.worth_reading_through(0));
  EXPECT_TRUE(source.worth_reading_through(1024 * 1024));
  EXPECT_FALSE(source.worth_reading_through(1024 * 1024 + 1));
  EXPECT_EQ(source.info().name, "");
  source.cancel();
}

}  // namespace
}  // namespace seekable::test
