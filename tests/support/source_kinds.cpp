// SPDX-License-Identifier: Apache-2.0
#include "support/source_kinds.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>

#include "seekable/sources.hpp"
#include "support/sources.hpp"

namespace seekable::test {

namespace {

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

}  // namespace

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

std::vector<SourceKind> source_kinds() {
  std::vector<SourceKind> kinds = {
      {"pipe", through(make_pipe_ends), stuck(make_pipe_ends)},
      {"socket", through(make_socket_ends), stuck(make_socket_ends)},
      {"terminal", through(make_terminal_ends, "\x04"), stuck(make_terminal_ends)},
      {"fifo", make_fifo, make_stuck_fifo},
      {"file", [](Feed& f, const Content& c) { f.source = from_file(f.scratch.file("c", c)); }, {}},
      {"fd_of_file", make_fd_of_file, {}},
      {"istringstream",
       from_stream<std::istringstream>([](Feed&, const Content& content) {
         return std::make_shared<std::istringstream>(to_string(content));
       }),
       {}},
      {"ifstream",
       from_stream<std::ifstream>([](Feed& feed, const Content& content) {
         return std::make_shared<std::ifstream>(feed.scratch.file("c", content), std::ios::binary);
       }),
       {}},
      {"function", make_function, {}},
      {"chunks", make_chunks, {}},
      {"bytes", [](Feed& f, const Content& c) { f.source = from_bytes(Content(c)); }, {}},
      {"string", [](Feed& f, const Content& c) { f.source = from_bytes(to_string(c)); }, {}},
      {"command", shell("cat \"$1\" 2>/dev/null"),
       shell("cat \"$1\" 2>/dev/null; exec sleep 1000")},
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
#ifdef SEEKABLE_TEST_HTTP
  for (SourceKind& kind : http_source_kinds()) kinds.push_back(std::move(kind));
#endif
#ifdef SEEKABLE_TEST_DECODE
  for (SourceKind& kind : decode_source_kinds(kinds.front())) kinds.push_back(std::move(kind));
#endif
  return kinds;
}

void read_content(Source& source, std::size_t size) {
  while (size > 0) size -= read_once(source, size).size();
}

}  // namespace seekable::test
