// SPDX-License-Identifier: Apache-2.0
/// What every source keeps, whatever it reads from.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "seekable/error.hpp"
#include "seekable/sources.hpp"
#include "support/feeds.hpp"
#include "support/sources.hpp"

namespace seekable::test {
namespace {

using Content = std::vector<std::byte>;
using Make = std::function<void(Feed&, const Content&)>;

struct Kind {
  std::string name;
  Make make;        ///< a source of that content
  Make make_stuck;  ///< one that gives that content and then waits for ever; null: it cannot wait
};

std::ostream& operator<<(std::ostream& out, const Kind& kind) { return out << kind.name; }

/// Text in lines, because a terminal passes on nothing else unchanged.
Content text(std::size_t size) {
  static constexpr std::string_view alphabet =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .";
  Content content(size);
  for (std::size_t i = 0; i < size; ++i) {
    const auto c = (i + 1) % 61 == 0 || i + 1 == size
                       ? '\n'
                       : alphabet[std::to_integer<std::size_t>(pattern_byte(i)) % alphabet.size()];
    content[i] = static_cast<std::byte>(c);
  }
  return content;
}

/// Writes the content to one end, and `last` after it, while the source reads the other.
Make through(Ends (*make_ends)(), std::string last = {}) {
  return [=](Feed& feed, const Content& content) {
    auto ends = make_ends();
    feed.source = from_fd(ends.read.release(), true);
    feed.writer = std::jthread([content, last, end = std::move(ends.write)] {
      write_all(end.get(), content);
      write_all(end.get(), to_bytes(last));
      if (!last.empty()) wait_for_hangup(end.get());  // A terminal hung up forgets what was typed.
    });
  };
}

Make stuck(Ends (*make_ends)()) {
  return [=](Feed& feed, const Content& content) {
    auto ends = make_ends();
    feed.source = from_fd(ends.read.release(), true);
    write_all(ends.write.get(), content);
    feed.open_end = std::move(ends.write);
  };
}

void make_fifo(Feed& feed, const Content& content) {
  const auto path = feed.scratch.path() / "fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  feed.writer = std::jthread([path, content] {
    const FileDescriptor end(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    write_all(end.get(), content);
  });
  feed.source = from_file(path);
}

void make_stuck_fifo(Feed& feed, const Content& content) {
  const auto path = feed.scratch.path() / "fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  feed.open_end.reset(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  write_all(feed.open_end.get(), content);
  feed.source = from_file(path);
}

void make_function(Feed& feed, const Content& content) {
  feed.source = from_function([content, at = std::size_t{0}](std::span<std::byte> out) mutable {
    const std::size_t size = std::min({out.size(), content.size() - at, std::size_t{1000}});
    std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(at), size, out.begin());
    at += size;
    return size;
  });
}

void make_chunks(Feed& feed, const Content& content) {
  std::vector<std::string> chunks;
  for (std::size_t at = 0, size = 0; at < content.size(); at += size) {
    size = std::min(content.size() - at, chunks.size() * 7 % 500);  // Empty ones among them.
    chunks.push_back(to_string(std::span(content).subspan(at, size)));
  }
  chunks.emplace_back();
  feed.source = from_chunks(std::move(chunks));
}

Make shell(const std::string& script) {
  return [=](Feed& feed, const Content& content) {
    const auto path = feed.scratch.file("content", content);
    feed.source = from_command({"sh", "-c", script, "sh", path.string()});
  };
}

void make_fd_of_file(Feed& feed, const Content& content) {
  const auto path = feed.scratch.file("content", content);
  feed.source = from_fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC), true);
}

template <typename Stream>
Make from_stream(std::function<std::shared_ptr<Stream>(Feed&, const Content&)> open) {
  return [=](Feed& feed, const Content& content) {
    auto stream = open(feed, content);
    feed.source = from_istream(*stream);
    feed.held.push_back(stream);
  };
}

std::vector<Kind> kinds() {
  return {
      {"pipe", through(make_pipe_ends), stuck(make_pipe_ends)},
      {"socket", through(make_socket_ends), stuck(make_socket_ends)},
      {"terminal", through(make_terminal_ends, "\x04"), stuck(make_terminal_ends)},
      {"fifo", make_fifo, make_stuck_fifo},
      {"file", [](Feed& f, const Content& c) { f.source = from_file(f.scratch.file("c", c)); }, {}},
      {"fd_of_file", make_fd_of_file, {}},
      {"istringstream", from_stream<std::istringstream>([](Feed&, const Content& content) {
         return std::make_shared<std::istringstream>(to_string(content));
       }),
       {}},
      {"ifstream", from_stream<std::ifstream>([](Feed& feed, const Content& content) {
         return std::make_shared<std::ifstream>(feed.scratch.file("c", content), std::ios::binary);
       }),
       {}},
      {"function", make_function, {}},
      {"chunks", make_chunks, {}},
      {"bytes", [](Feed& f, const Content& c) { f.source = from_bytes(Content(c)); }, {}},
      {"string", [](Feed& f, const Content& c) { f.source = from_bytes(to_string(c)); }, {}},
      {"command", shell("cat \"$1\" 2>/dev/null"), shell("cat \"$1\" 2>/dev/null; exec sleep 1000")},
      {"command_without_output", shell("cat \"$1\" 2>/dev/null; exec >&-"),
       shell("cat \"$1\" 2>/dev/null; exec >&-; exec sleep 1000")},
      {"scripted", [](Feed& f, const Content& c) { f.source = scripted(c, {3, 1000, 1}); },
       [](Feed& f, const Content& c) {
         f.source = std::make_unique<ScriptedSource>(
             Script{.content = c, .gates = {{c.size(), std::make_shared<Gate>()}}});
       }},
      {"scripted_restartable",
       [](Feed& f, const Content& c) {
         f.source = std::make_unique<ScriptedRestartable>(
             Script{.content = c, .declared_size = c.size(), .max_connections = 9});
       },
       [](Feed& f, const Content& c) {
         f.source = std::make_unique<ScriptedRestartable>(
             Script{.content = c, .gates = {{c.size(), std::make_shared<Gate>()}}});
       }},
  };
}

/// Reads until there is nothing more without waiting for it.
void read_content(Source& source, std::size_t size) {
  while (size > 0) size -= read_once(source, size).size();
}

class SourceContract : public testing::TestWithParam<Kind> {
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

INSTANTIATE_TEST_SUITE_P(Every, SourceContract, testing::ValuesIn(kinds()),
                         [](const auto& test) { return test.param.name; });

class StuckSourceContract : public testing::TestWithParam<Kind> {
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
  const bool scripted = GetParam().name.starts_with("scripted");  // They wait in no system call.
  std::error_code code;
  {
    const CallHook hook(tell_poll(about_to_wait));
    std::jthread reader([&] { code = code_of([&] { read_once(source, 10); }); });
    if (!scripted) about_to_wait->wait_entered();
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

std::vector<Kind> kinds_that_wait() {
  auto all = kinds();
  std::erase_if(all, [](const Kind& kind) { return !kind.make_stuck; });
  return all;
}

INSTANTIATE_TEST_SUITE_P(Every, StuckSourceContract, testing::ValuesIn(kinds_that_wait()),
                         [](const auto& test) { return test.param.name; });

class RestartableSourceContract : public testing::TestWithParam<Kind> {
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
  EXPECT_TRUE(std::equal(of_second.begin(), of_second.end(), content.begin() + 50'000,
                         content.end()));
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

std::vector<Kind> restartable_kinds() {
  auto all = kinds();
  std::erase_if(all, [](const Kind& kind) {
    return kind.name != "file" && kind.name != "bytes" && kind.name != "string" &&
           kind.name != "scripted_restartable";
  });
  return all;
}

INSTANTIATE_TEST_SUITE_P(Every, RestartableSourceContract, testing::ValuesIn(restartable_kinds()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace seekable::test
