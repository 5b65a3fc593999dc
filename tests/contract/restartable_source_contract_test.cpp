// SPDX-License-Identifier: Apache-2.0
/// What every source keeps that can be opened at any offset.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "seekable/error.hpp"
#include "support/source_kinds.hpp"
#include "support/sources.hpp"

namespace seekable::test {
namespace {

class RestartableSourceContract : public testing::TestWithParam<SourceKind> {
 protected:
  RestartableSource& open(const Content& content) {
    feed_ = std::make_unique<Feed>();
    GetParam().make(*feed_, content);
    return dynamic_cast<RestartableSource&>(*feed_->source);
  }

  std::unique_ptr<Feed> feed_;
};

TEST_P(RestartableSourceContract, OpensAtEveryOffsetTheEndIncluded) {
  const Content content = letters();
  RestartableSource& source = open(content);
  for (std::size_t offset = content.size() + 1; offset-- > 0;) {
    source.reopen(offset, content.size() - offset);
    EXPECT_EQ(to_string(read_all(source, 4)), to_string(content).substr(offset)) << offset;
  }
}

TEST_P(RestartableSourceContract, OpensAnywhereAfterAnyRead) {
  std::mt19937_64 random(test_seed());
  const Content content = random_bytes(200'000, test_seed());
  RestartableSource& source = open(content);
  for (int i = 0; i < 300; ++i) {
    std::size_t offset = random() % (content.size() + 1);
    const std::size_t wanted = random() % 10'000;
    source.reopen(offset, i % 2 == 0 ? std::optional<std::uint64_t>(wanted) : std::nullopt);
    const std::size_t end = std::min(content.size(), offset + wanted);
    while (offset < end) {
      const auto piece = read_once(source, end - offset);
      ASSERT_FALSE(piece.empty());
      ASSERT_TRUE(std::equal(piece.begin(), piece.end(),
                             content.begin() + static_cast<std::ptrdiff_t>(offset)));
      offset += piece.size();
    }
  }
}

TEST_P(RestartableSourceContract, FindsItsSize) {
  RestartableSource& source = open(letters());
  EXPECT_EQ(source.find_size(), 26U);
}

TEST_P(RestartableSourceContract, HasConnectionsThatDoNotDisturbEachOther) {
  const Content content = random_bytes(100'000, test_seed());
  RestartableSource& first = open(content);
  read_content(first, 1'000);
  const auto second = first.another();
  ASSERT_NE(second, nullptr);
  second->reopen(50'000, std::nullopt);
  Content of_second;
  std::jthread thread([&] { of_second = read_all(*second, 700); });
  const auto of_first = read_all(first, 500);
  thread.join();
  EXPECT_TRUE(std::equal(of_first.begin(), of_first.end(), content.begin() + 1'000, content.end()));
  EXPECT_TRUE(
      std::equal(of_second.begin(), of_second.end(), content.begin() + 50'000, content.end()));
}

TEST_P(RestartableSourceContract, HasConnectionsThatAreCancelledAlone) {
  RestartableSource& first = open(letters());
  const auto second = first.another();
  first.cancel();
  EXPECT_EQ(code_of([&] { read_once(first, 10); }), Errc::cancelled);
  second->reopen(0, std::nullopt);
  EXPECT_EQ(to_string(read_all(*second)), to_string(letters()));
}

TEST_P(RestartableSourceContract, HasConnectionsThatOutliveTheFirst) {
  const auto second = open(letters()).another();
  feed_->source.reset();
  second->reopen(20, std::nullopt);
  EXPECT_EQ(to_string(read_all(*second)), "uvwxyz");
}

TEST_P(RestartableSourceContract, StaysCancelledWhenItIsReopened) {
  RestartableSource& source = open(letters());
  source.cancel();
  EXPECT_EQ(code_of([&] {
              source.reopen(3, std::nullopt);
              read_once(source, 10);
            }),
            Errc::cancelled);
}

std::vector<SourceKind> restartable_kinds() {
  auto all = source_kinds();
  std::erase_if(all, [](const SourceKind& kind) {
    return kind.name != "file" && kind.name != "bytes" && kind.name != "string" &&
           kind.name != "scripted_restartable" && kind.name != "http" &&
           kind.name != "http_that_breaks_off";
  });
  return all;
}

INSTANTIATE_TEST_SUITE_P(Every, RestartableSourceContract, testing::ValuesIn(restartable_kinds()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace seekable::test
