// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <iterator>
#include <list>
#include <optional>
#include <ranges>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "seekable/chunks.hpp"
#include "seekable/error.hpp"
#include "support/feeds.hpp"

namespace seekable::test {
namespace {

using namespace std::string_view_literals;

template <typename R>
std::string all_of(R&& chunks, std::size_t span_size = 3) {
  return to_string(read_all(*from_chunks(std::forward<R>(chunks)), span_size));
}

/// Makes strings one by one, can be passed through once, cannot be copied: like a coroutine.
class Generator {
 public:
  explicit Generator(std::function<std::optional<std::string>()> next) : next_(std::move(next)) {}
  Generator(Generator&&) = default;
  Generator& operator=(Generator&&) = default;

  class Iterator {
   public:
    using value_type = std::string;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    explicit Iterator(Generator& owner) : owner_(&owner) {}
    Iterator(Iterator&&) = default;
    Iterator& operator=(Iterator&&) = default;

    std::string&& operator*() const { return std::move(*owner_->now_); }
    Iterator& operator++() {
      owner_->now_ = owner_->next_();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !owner_->now_; }

   private:
    Generator* owner_ = nullptr;
  };

  Iterator begin() {
    now_ = next_();
    return Iterator(*this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::function<std::optional<std::string>()> next_;
  std::optional<std::string> now_;
};

static_assert(!std::copyable<Generator> && ChunkRange<Generator>);
static_assert(std::ranges::input_range<Generator> && !std::ranges::forward_range<Generator>);

Generator count_to(int last) {
  return Generator([last, now = 0]() mutable -> std::optional<std::string> {
    if (now == last) return std::nullopt;
    return std::to_string(++now) + ",";
  });
}

TEST(ChunkSource, TakesEveryKindOfRangeOfEveryKindOfChunk) {
  EXPECT_EQ(all_of(std::vector<std::string>{"ab", "", "cde"}), "abcde");
  EXPECT_EQ(all_of(std::list<std::string>{"ab", "", "cde"}), "abcde");
  EXPECT_EQ(all_of(std::deque<std::vector<char>>{{'a'}, {'b', 'c'}}), "abc");
  EXPECT_EQ(all_of(std::set<std::string>{"b", "a"}), "ab");
  EXPECT_EQ(all_of(std::array<std::string_view, 2>{"ab", "c"}), "abc");
  EXPECT_EQ(all_of(std::vector{letters(), letters()}), to_string(letters()) + to_string(letters()));
  EXPECT_EQ(all_of(std::vector<std::u8string>{u8"ab", u8"c"}), "abc");
  EXPECT_EQ(all_of(std::vector<std::vector<unsigned char>>{{'a'}, {'b'}}), "ab");
  EXPECT_EQ(all_of(std::vector<std::array<char, 2>>{{'a', 'b'}, {'c', 'd'}}), "abcd");
  const Bytes bytes = letters();
  EXPECT_EQ(all_of(std::vector{std::span(bytes).first(2), std::span(bytes).last(2)}), "abyz");
  std::string mutable_bytes = "xy";
  EXPECT_EQ(all_of(std::vector{std::span(mutable_bytes)}), "xy");
}

TEST(ChunkSource, EndsWhereThereIsNothing) {
  EXPECT_EQ(all_of(std::vector<std::string>{}), "");
  EXPECT_EQ(all_of(std::vector<std::string>{"", "", ""}), "");
}

TEST(ChunkSource, TakesViewsThatMakeTheirChunks) {
  const auto strings = std::views::iota(1, 5) |
                       std::views::transform([](int i) { return std::string(40, char('a' + i)); });
  EXPECT_EQ(all_of(strings, 7), std::string(40, 'b') + std::string(40, 'c') + std::string(40, 'd') +
                                    std::string(40, 'e'));
  const auto short_strings =
      std::views::iota(1, 5) | std::views::transform([](int i) { return std::to_string(i); });
  EXPECT_EQ(all_of(short_strings), "1234");
  EXPECT_EQ(all_of(std::views::split("ab,cde,,f"sv, ',')), "abcdef");
  EXPECT_EQ(all_of(std::views::empty<std::string>), "");
  EXPECT_EQ(all_of(std::views::single("abc"sv)), "abc");
}

TEST(ChunkSource, TakesViewsOverChunks) {
  std::vector<std::string> chunks{"ab", "cd", "ef"};
  EXPECT_EQ(all_of(chunks | std::views::reverse), "efcdab");
  EXPECT_EQ(all_of(chunks | std::views::drop(1)), "cdef");
  EXPECT_EQ(all_of(chunks | std::views::filter([](auto& c) { return c != "cd"; })), "abef");
}

TEST(ChunkSource, TakesConstRanges) {
  const std::vector<std::string> chunks{"ab", "cd"};
  EXPECT_EQ(all_of(chunks), "abcd");
  EXPECT_EQ(all_of(std::as_const(chunks)), "abcd");
  const std::vector<const char*> none;
  static_assert(!ChunkRange<decltype(none)&>);
}

TEST(ChunkSource, TakesRangesThatCanBePassedOnce) {
  std::istringstream words("one two three");
  EXPECT_EQ(all_of(std::views::istream<std::string>(words)), "onetwothree");
  EXPECT_EQ(all_of(count_to(12)), "1,2,3,4,5,6,7,8,9,10,11,12,");
  auto generator = count_to(3);
  EXPECT_EQ(all_of(generator), "1,2,3,");
}

TEST(ChunkSource, RefusesWhatIsNoRangeOfChunks) {
  static_assert(!ChunkRange<std::string>);
  static_assert(!ChunkRange<std::vector<int>>);
  static_assert(!ChunkRange<std::vector<std::vector<int>>>);
  static_assert(!ChunkRange<std::vector<std::list<char>>>);
  static_assert(!ChunkRange<std::vector<std::wstring>>);
  static_assert(!ChunkRange<std::vector<std::vector<bool>>>);
}

TEST(ChunkSource, GivesEveryChunkingOfTheLettersToEverySizeOfRead) {
  const std::string all = to_string(letters());
  for (std::size_t size = 1; size <= 26; ++size) {
    std::vector<std::string> chunks;
    for (std::size_t at = 0; at < 26; at += size) chunks.push_back(all.substr(at, size));
    for (std::size_t span = 1; span <= 27; ++span) ASSERT_EQ(all_of(chunks, span), all);
  }
}

TEST(ChunkSource, GivesOneChunkAtATime) {
  const auto source = from_chunks(std::vector<std::string>{"ab", "cd"});
  EXPECT_EQ(to_string(read_once(*source, 100)), "ab");
  EXPECT_EQ(to_string(read_once(*source, 100)), "cd");
}

TEST(ChunkSource, ReferencesAnLvalue) {
  std::vector<std::string> chunks{"ab", "cd"};
  const auto source = from_chunks(chunks);
  chunks[0][0] = 'X';
  EXPECT_EQ(to_string(read_all(*source)), "Xbcd");
}

TEST(ChunkSource, OwnsAnRvalueWithoutCopies) {
  struct Chunks : std::vector<std::string> {
    Chunks() : std::vector<std::string>{"ab", "cd"} {}
    Chunks(Chunks&&) = default;
    Chunks& operator=(Chunks&&) = default;
    Chunks(const Chunks&) = delete;
    Chunks& operator=(const Chunks&) = delete;
    ~Chunks() = default;
  };
  EXPECT_EQ(all_of(Chunks()), "abcd");
}

TEST(ChunkSource, PullsNothingBeforeItMustAndNothingTwice) {
  int made = 0;
  const auto source = from_chunks(std::views::iota(0, 3) | std::views::transform([&](int) {
                                    ++made;
                                    return std::string("abc");
                                  }));
  EXPECT_EQ(made, 0);
  read_once(*source, 1);
  read_once(*source, 2);
  EXPECT_EQ(made, 1);
  read_once(*source, 1);
  EXPECT_EQ(made, 2);
  read_all(*source);
  read_all(*source);
  EXPECT_EQ(made, 3);
}

TEST(ChunkSource, PassesOnWhatTheRangeThrowsAfterWhatCameBefore) {
  const auto source = from_chunks(Generator([i = 0]() mutable -> std::optional<std::string> {
    if (++i == 3) throw std::runtime_error("no third one");
    return "ab";
  }));
  EXPECT_EQ(to_string(read_once(*source, 10)), "ab");
  EXPECT_EQ(to_string(read_once(*source, 10)), "ab");
  EXPECT_EQ(text_of([&] { read_once(*source, 10); }), "no third one");
}

TEST(ChunkSource, PassesOnWhatItsFirstStepThrows) {
  const auto source = from_chunks(
      Generator([]() -> std::optional<std::string> { throw std::runtime_error("not even one"); }));
  EXPECT_EQ(text_of([&] { read_once(*source, 10); }), "not even one");
}

TEST(ChunkSource, PassesOnWhatMakingAChunkThrows) {
  const auto source =
      from_chunks(std::views::iota(0) | std::views::transform([](int i) -> std::string {
                    if (i == 1) throw std::runtime_error("not that one");
                    return "ab";
                  }));
  EXPECT_EQ(to_string(read_once(*source, 10)), "ab");
  EXPECT_EQ(text_of([&] { read_once(*source, 10); }), "not that one");
}

TEST(ChunkSource, IsCancelledAmongEmptyChunksWithoutEnd) {
  Gate gate;
  const std::atomic<bool> no_wait{true};
  const auto source = from_chunks(std::views::iota(0) | std::views::transform([&](int) {
                                    gate.enter(no_wait);
                                    return std::string();
                                  }));
  std::error_code code;
  std::jthread reader([&] { code = code_of([&] { read_once(*source, 1); }); });
  gate.wait_entered(3);
  source->cancel();
  reader.join();
  EXPECT_EQ(code, Errc::cancelled);
}

}  // namespace
}  // namespace seekable::test
