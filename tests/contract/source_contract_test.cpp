// SPDX-License-Identifier: Apache-2.0
/// What every source keeps, whatever it reads from.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "seekable/error.hpp"
#include "support/source_kinds.hpp"
#include "support/sources.hpp"

namespace seekable::test {
namespace {

class SourceContract : public testing::TestWithParam<SourceKind> {
 protected:
  Source& open(const Content& content) {
    feed_ = std::make_unique<Feed>();
    GetParam().make(*feed_, content);
    return *feed_->source;
  }

  std::unique_ptr<Feed> feed_;
};

TEST_P(SourceContract, GivesExactlyItsBytesWhateverIsAskedFor) {
  const Content content = text(9'000);
  for (const std::size_t span : {1U, 2U, 3U, 7U, 4096U, 65536U}) {
    EXPECT_EQ(to_string(read_all(open(content), span)), to_string(content)) << span;
  }
}

TEST_P(SourceContract, GivesExactlyItsBytesToReadsOfAnySize) {
  std::mt19937_64 random(test_seed());
  const Content content = text(300'000);
  Source& source = open(content);
  Content all;
  for (;;) {
    const auto piece = read_once(source, 1 + random() % 20'000);
    if (piece.empty()) break;
    all.insert(all.end(), piece.begin(), piece.end());
  }
  EXPECT_TRUE(all == content);
}

TEST_P(SourceContract, StaysAtItsEnd) {
  Source& source = open(text(100));
  read_all(source);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(read_once(source, 10).size(), 0U);
}

TEST_P(SourceContract, EndsAtOnceWhereThereIsNothing) {
  EXPECT_EQ(read_once(open({}), 10).size(), 0U);
}

TEST_P(SourceContract, DeclaresItsSizeOrNone) {
  const Content content = text(1'000);
  Source& source = open(content);
  for (;;) {
    EXPECT_EQ(source.size().value_or(content.size()), content.size());
    if (read_once(source, 100).empty()) break;
  }
  EXPECT_EQ(source.size().value_or(content.size()), content.size());
}

TEST_P(SourceContract, HasAName) { EXPECT_NE(open(text(10)).info().name, ""); }

TEST_P(SourceContract, IsCancelledBeforeItsFirstRead) {
  Source& source = open(text(100));
  source.cancel();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(code_of([&] { read_once(source, 10); }), Errc::cancelled);
  }
}

TEST_P(SourceContract, IsCancelledBetweenReadsAndMoreThanOnce) {
  Source& source = open(text(100));
  read_content(source, 1);
  source.cancel();
  source.cancel();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(code_of([&] { read_once(source, 10); }), Errc::cancelled);
  }
  source.cancel();
}

TEST_P(SourceContract, IsCancelledAtItsEnd) {
  Source& source = open(text(100));
  read_all(source);
  source.cancel();
  EXPECT_EQ(code_of([&] { read_once(source, 10); }), Errc::cancelled);
}

TEST_P(SourceContract, GoesAwayUnread) { open(text(500'000)); }

TEST_P(SourceContract, GoesAwayHalfRead) {
  Source& source = open(text(500'000));
  read_content(source, 10);
}

TEST_P(SourceContract, IsReadByOneThreadAfterAnother) {
  const Content content = text(1'000);
  Source& source = open(content);
  Content all;
  while (all.size() < content.size()) {
    std::jthread([&] {
      const auto piece = read_once(source, 150);
      all.insert(all.end(), piece.begin(), piece.end());
    }).join();
  }
  EXPECT_TRUE(all == content);
}

INSTANTIATE_TEST_SUITE_P(Every, SourceContract, testing::ValuesIn(source_kinds()),
                         [](const auto& test) { return test.param.name; });

class StuckSourceContract : public testing::TestWithParam<SourceKind> {
 protected:
  Source& open(const Content& content) {
    feed_ = std::make_unique<Feed>();
    GetParam().make_stuck(*feed_, content);
    return *feed_->source;
  }

  std::unique_ptr<Feed> feed_;
};

TEST_P(StuckSourceContract, GivesWhatIsThereWithoutWaitingForMore) {
  const Content content = text(5);
  Source& source = open(content);
  Content all;
  while (all.size() < content.size()) {
    const auto piece = read_once(source, 4096);
    ASSERT_FALSE(piece.empty());
    all.insert(all.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(to_string(all), to_string(content));
}

TEST_P(StuckSourceContract, IsCancelledWhileItWaits) {
  const auto about_to_wait = std::make_shared<Gate>();
  Source& source = open(text(100));
  read_content(source, 100);
  // These wait in no system call, or let another thread do it.
  const std::string& name = GetParam().name;
  const bool elsewhere = name.starts_with("scripted") || name.starts_with("http");
  std::error_code code;
  {
    const CallHook hook(tell_poll(about_to_wait));
    std::jthread reader([&] { code = code_of([&] { read_once(source, 10); }); });
    if (!elsewhere) about_to_wait->wait_entered();
    source.cancel();
    reader.join();
  }
  EXPECT_EQ(code, Errc::cancelled);
  EXPECT_EQ(code_of([&] { read_once(source, 10); }), Errc::cancelled);
}

TEST_P(StuckSourceContract, IsCancelledAtAnyMomentOfAWait) {
  for (int round = 0; round < 50; ++round) {
    Source& source = open(text(10));
    read_content(source, 10);
    std::atomic<bool> go{false};
    std::error_code code;
    std::jthread reader([&] {
      go = true;
      go.notify_all();
      code = code_of([&] { read_once(source, 10); });
    });
    go.wait(false);
    std::jthread second([&] { source.cancel(); });
    for (int i = 0; i < round * 20; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
    source.cancel();
    second.join();
    reader.join();
    ASSERT_EQ(code, Errc::cancelled) << round;
  }
}

TEST_P(StuckSourceContract, TellsItsNameWhileItWaits) {
  Source& source = open(text(10));
  read_content(source, 10);
  std::jthread reader([&] { code_of([&] { read_once(source, 10); }); });
  EXPECT_NE(source.info().name, "");
  source.cancel();
}

TEST_P(StuckSourceContract, GoesAwayWhileMoreCouldCome) {
  Source& source = open(text(10));
  read_content(source, 10);
}

std::vector<SourceKind> kinds_that_wait() {
  auto all = source_kinds();
  std::erase_if(all, [](const SourceKind& kind) { return !kind.make_stuck; });
  return all;
}

INSTANTIATE_TEST_SUITE_P(Every, StuckSourceContract, testing::ValuesIn(kinds_that_wait()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace seekable::test
