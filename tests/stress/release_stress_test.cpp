// SPDX-License-Identifier: Apache-2.0
// Invariant 2, *Release*: what is read while it is given up, spilled or moved is right or refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "seekable/seekable.hpp"
#include "store/block_cipher.hpp"
#include "support/buffers.hpp"
#include "support/watchdog.hpp"

namespace seekable::test {
namespace {

/// Bytes that say where they belong, so that those of a reused block are noticed.
std::vector<std::byte> marked(std::size_t size) {
  std::vector<std::byte> content(size);
  for (std::size_t at = 0; at < size; ++at) {
    content[at] = static_cast<std::byte>(((at / 8) * 0x9e3779b97f4a7c15U) >> 56U);
  }
  return content;
}

/// Reads at random near the front of the stream until told to stop. Returns how many were wrong.
std::size_t hammer(const StreamBuffer& buffer, const std::vector<std::byte>& content,
                   const std::atomic<std::uint64_t>& front, const std::atomic<bool>& over,
                   std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::size_t wrong = 0;
  std::vector<std::pair<std::uint64_t, View>> views;
  Bytes out(3000);
  const auto differs = [&](std::uint64_t offset, std::span<const std::byte> bytes) {
    return !std::equal(bytes.begin(), bytes.end(),
                       content.begin() + static_cast<std::ptrdiff_t>(offset));
  };
  while (!over) {
    const std::uint64_t there = front.load();
    if (there < 10) continue;
    const std::uint64_t back = random() % std::min<std::uint64_t>(there, 6 * block);
    const std::uint64_t offset = there - 1 - back;
    const std::uint64_t size = std::min<std::uint64_t>(there - offset, 1 + random() % 2999);
    try {
      if (random() % 8 == 0) {
        View view = buffer.view(offset, size);
        if (differs(offset, view.bytes())) ++wrong;
        if (views.size() > 3) views.erase(views.begin());
        views.emplace_back(offset, std::move(view));
      } else {
        const std::size_t got = buffer.read_at(offset, std::span(out).first(size));
        if (differs(offset, std::span(out).first(got))) ++wrong;
      }
    } catch (const Error& error) {
      if (error.code() != Errc::released && error.code() != Errc::disk_full) ++wrong;
      // The views are what there is no room for: with all of them kept nobody could go on.
      if (error.code() == Errc::disk_full) views.clear();
    }
    for (const auto& [begin, view] : views) {
      if (differs(begin, view.bytes())) ++wrong;
    }
  }
  return wrong;
}

void hammer_while_it_grows(Options options, const char* name) {
  Watchdog watchdog(name);
  const auto content = marked(100 * block);
  auto pipe = make_pipe(std::move(options));
  std::atomic<std::uint64_t> front{0};
  std::atomic<bool> over{false};
  std::atomic<std::size_t> wrong{0};
  std::vector<std::jthread> readers;
  const std::uint64_t seed = test_seed();
  for (std::uint64_t reader = 0; reader < 3; ++reader) {
    readers.emplace_back(
        [&, reader] { wrong += hammer(pipe.buffer, content, front, over, seed + reader); });
  }
  while (front < content.size()) {
    const std::size_t at = front;
    const std::size_t size = std::min<std::size_t>(1 + at % 9973, content.size() - at);
    try {
      pipe.writer.write(std::span(content).subspan(at, size));
    } catch (const Error& error) {
      // What the readers' views pin counts: until they go there may be no room.
      if (error.code() != Errc::disk_full) ADD_FAILURE() << error.what();
      std::this_thread::yield();
    }
    front = pipe.writer.written();
  }
  pipe.writer.end();
  over = true;
  readers.clear();
  EXPECT_EQ(wrong, 0U);
}

TEST(Release, OfAWindowInMemoryNeverShowsOtherBytes) {
  Options options = options_window(3 * block, WhenFull::drop_oldest);
  options.memory_limit = 40 * block;
  hammer_while_it_grows(options, "a window in memory");
}

TEST(Release, OfAWindowOnDiskNeverShowsOtherBytes) {
  Options options = options_window(3 * block, WhenFull::drop_oldest);
  options.memory_limit = 0;
  hammer_while_it_grows(options, "a window on disk");
}

TEST(Release, OfAWindowBetweenTheTwoNeverShowsOtherBytes) {
  Options options = options_window(6 * block, WhenFull::drop_oldest);
  options.memory_limit = 2 * block;
  hammer_while_it_grows(options, "a window in both");
}

TEST(Release, OfMemoryToTheSpoolNeverShowsOtherBytes) {
  hammer_while_it_grows(options_spilled(2 * block), "spilling");
}

TEST(Release, OfAnEncryptedWindowNeverShowsOtherBytes) {
  if (detail::make_cipher() == nullptr) return;  // This build has none.
  Options options = options_window(6 * block, WhenFull::drop_oldest);
  options.memory_limit = 8 * block;
  options.encrypt_spool = true;
  hammer_while_it_grows(options, "an encrypted window");
}

TEST(Release, ByHandAheadOfReadersOfAFillThreadNeverShowsOtherBytes) {
  Watchdog watchdog("release_before and a fill ahead");
  const auto content = marked(60 * block);
  for (const std::uint64_t memory : {0U, 4U, 1000U}) {
    Options options = options_ahead();
    options.memory_limit = memory * block;
    Scripted stream({.content = content, .chunks = {5001, 60'000, 17}}, options);
    std::atomic<std::uint64_t> front{0};
    std::atomic<bool> over{false};
    std::atomic<std::size_t> wrong{0};
    std::vector<std::jthread> readers;
    for (std::uint64_t reader = 0; reader < 3; ++reader) {
      readers.emplace_back([&, reader] {
        wrong += hammer(stream.buffer, content, front, over, test_seed() + reader);
      });
    }
    for (std::uint64_t at = 0; at <= content.size(); at += 10'007) {
      stream.buffer.wait_for({at, at + 1}, std::chrono::hours(1));
      front = std::min<std::uint64_t>(at + 1, content.size());
      if (at > 5 * block) stream.buffer.release_before(at - 5 * block);
    }
    over = true;
    readers.clear();
    EXPECT_EQ(wrong, 0U);
  }
}

}  // namespace
}  // namespace seekable::test
