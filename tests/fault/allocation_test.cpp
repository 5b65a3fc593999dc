// SPDX-License-Identifier: Apache-2.0
// Memory that cannot be had: each allocation of a thread that reads fails once.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <future>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "fault/failing_allocation.hpp"
#include "store/spool_store.hpp"
#include "support/buffers.hpp"

namespace seekable::test {
namespace {

/// Reads of `size` bytes at `offset` while the allocation number `fails_in` fails. Returns: whether
/// one was asked for that late.
bool read_without_memory(const StreamBuffer& buffer, const std::vector<std::byte>& content,
                         std::uint64_t offset, std::size_t size, int fails_in) {
  std::vector<std::byte> out(size);
  std::size_t got = 0;
  allocations_left = fails_in;
  try {
    got = buffer.read_at(offset, out);
  } catch (const std::bad_alloc&) {
    got = 0;
  } catch (const Error&) {
    got = 0;
  }
  const bool has_failed = allocations_left == never;
  allocations_left = never;
  out.resize(got);
  EXPECT_TRUE(out == part(content, offset, got)) << fails_in;
  return has_failed;
}

TEST(Allocation, EachThatFailsOnceLeavesTheBytesRight) {
  const auto content = random_bytes((200 * block) + 123, test_seed());
  for (const std::uint64_t limit : {std::uint64_t{0}, 2 * block, 300 * block}) {
    bool has_failed = true;
    for (int fails_in = 0; has_failed; ++fails_in) {
      const StreamBuffer buffer(std::make_unique<Plain>(content), options_spilled(limit));
      has_failed = false;
      // To and fro, into nodes of the table that are not there yet, to little and to much.
      for (const std::uint64_t at : {0U, 100U, 40U, 170U, 41U, 0U, 133U}) {
        const std::uint64_t offset = (at * block) + 30'000;
        has_failed |= read_without_memory(buffer, content, offset, 100, fails_in);
        has_failed |= read_without_memory(buffer, content, offset + 300, 2 * block, fails_in);
        EXPECT_EQ(buffer.read(offset, 3000), part(content, offset, 3000)) << fails_in;
      }
      EXPECT_TRUE(buffer.read(0, content.size()) == content) << fails_in;
    }
  }
}

// The old place of a block that had moved stayed counted where there was no memory to note it.
TEST(Allocation, EachThatFailsOnceLeavesTheLimitsRight) {
  const auto content = random_bytes((20 * block) + 123, test_seed());
  for (const bool encrypt : {false, true}) {
    bool has_failed = true;
    for (int fails_in = 0; has_failed; ++fails_in) {
      Options options = options_spilled(encrypt ? 9 * block : 3 * block);
      options.encrypt_spool = encrypt;
      StreamBuffer buffer(std::make_unique<Plain>(content), std::move(options));
      has_failed = false;
      for (std::uint64_t at = 0; at < content.size(); at += 50'000) {
        has_failed |= read_without_memory(buffer, content, at, 50'000, fails_in);
      }
      EXPECT_TRUE(buffer.read(0, content.size()) == content) << fails_in;
      buffer.release_before(content.size() + block);
      EXPECT_EQ(buffer.stats().memory_bytes, 0U) << fails_in << ' ' << encrypt;
      EXPECT_EQ(buffer.stats().spool_bytes, 0U) << fails_in << ' ' << encrypt;
    }
  }
}

// Bytes that were held for want of room were let go, and then the jump could not be made: what came
// next was taken for what stands before it.
TEST(Allocation, AJumpThatCannotBeMadeLosesNoBytesThatWereHeld) {
  const auto content = random_bytes((200 * block) + 123, test_seed());
  for (int fails_in = 0; fails_in < 10; ++fails_in) {
    const StreamBuffer buffer(std::make_unique<Plain>(content), options_spilled(0));
    EXPECT_EQ(buffer.read(12 * block, 100), part(content, 12 * block, 100));
    {
      const CallHook hook(fail_call(detail::sys::Call::pwrite, ENOSPC, 100));
      EXPECT_EQ(code_of([&] { buffer.read((12 * block) + 16'384, 1000); }), Errc::disk_full);
      read_without_memory(buffer, content, (100 * block) + 300, block, fails_in);
    }
    EXPECT_EQ(buffer.read((12 * block) + 16'384, 1000), part(content, (12 * block) + 16'384, 1000));
    EXPECT_EQ(buffer.read(100 * block, 1000), part(content, 100 * block, 1000));
  }
}

/// Gives bytes, and then takes the memory from whoever has called it, at its end or as it throws;
/// counts how often.
std::unique_ptr<Source> out_of_memory_after(std::size_t size, int fails_in, bool throws,
                                            std::atomic<int>& ends) {
  return from_function([=, &ends, given = std::size_t{0}](std::span<std::byte> out) mutable {
    const std::size_t some = std::min(out.size(), size - given);
    std::fill_n(out.begin(), some, std::byte{7});
    given += some;
    if (some > 0) return some;
    const Error failure(std::make_error_code(std::errc::io_error), std::string(100, 'x'), given);
    ++ends;
    allocations_left = fails_in;
    if (throws) throw failure;
    return std::size_t{0};
  });
}

/// What a callback for all of a stream is told, when it is called.
std::error_code told_of_all(const StreamBuffer& buffer) {
  std::promise<std::error_code> told;
  const Subscription subscription =
      buffer.when_available({0, 1 << 20}, [&](std::error_code error) { told.set_value(error); });
  return told.get_future().get();
}

TEST(Allocation, NoneIsNeededToTellACallbackOfTheEnd) {
  for (int fails_in = 0; fails_in < 8; ++fails_in) {
    std::atomic<int> ends{0};
    const StreamBuffer buffer(out_of_memory_after(3 * block, fails_in, false, ends));
    EXPECT_EQ(told_of_all(buffer), std::error_code()) << fails_in;
    EXPECT_EQ(buffer.read(0, 4 * block).size(), 3 * block);
    EXPECT_EQ(ends, 1) << fails_in;
  }
}

// A source that is read on after it has thrown may give bytes of another place.
TEST(Allocation, NoneIsNeededForTheSourceToHaveFailed) {
  for (const Fill fill : {Fill::on_demand, Fill::ahead}) {
    for (int fails_in = 0; fails_in < 12; ++fails_in) {
      Options options;
      options.fill = fill;
      std::atomic<int> ends{0};
      const StreamBuffer buffer(out_of_memory_after(3 * block, fails_in, true, ends), options);
      EXPECT_TRUE(told_of_all(buffer)) << fails_in;
      EXPECT_EQ(buffer.read(0, 3 * block).size(), 3 * block) << fails_in;
      EXPECT_THROW(buffer.read(3 * block, 1), Error) << fails_in;
      EXPECT_EQ(ends, 1) << fails_in;
    }
  }
}

// What had been read and found no room was to be held, for which there was no memory: what came
// next was taken for it.
TEST(Allocation, WhatHasBeenReadIsNotLost) {
  const auto content = random_bytes(3 * block + 123, test_seed());
  for (const int writes : {0, 1, 1000}) {
    for (int fails_in = 0; fails_in < 25; ++fails_in) {
      const StreamBuffer buffer(once_without_memory(content, fails_in), options_spilled(0));
      std::vector<std::byte> out(content.size());
      {
        const CallHook hook(fail_call(detail::sys::Call::pwrite, ENOSPC, writes));
        for (int i = 0; i < 100; ++i) {
          try {
            buffer.read_at(0, std::span(out).first(block));
          } catch (const std::exception&) {
          }
          allocations_left = never;
        }
      }
      for (std::size_t at = 0; at < content.size();) {
        try {
          const std::size_t got = buffer.read_at(at, std::span(out).subspan(at));
          if (got == 0) break;  // Some have been lost.
          at += got;
        } catch (const std::bad_alloc&) {
        }
        allocations_left = never;
      }
      EXPECT_TRUE(out == content) << fails_in << ' ' << writes;
    }
  }
}

TEST(Allocation, NoneIsNeededToTellThatADeclaredSizeIsWrong) {
  const std::vector<std::byte> content(20, std::byte{7});
  for (const std::uint64_t declared : {std::uint64_t{10}, std::uint64_t{30}}) {
    for (int fails_in = 0; fails_in < 8; ++fails_in) {
      Options options;
      options.expected_size = declared;
      const StreamBuffer buffer(once_without_memory(content, fails_in), options);
      for (int i = 0; i < 3; ++i) {
        try {
          buffer.read(0, 31);
        } catch (const std::exception&) {
        }
        allocations_left = never;
      }
      EXPECT_EQ(code_of([&] { buffer.read(std::min<std::uint64_t>(declared, 20), 1); }),
                declared == 10 ? Errc::overrun : Errc::truncated)
          << fails_in;
      EXPECT_FALSE(buffer.exhausted());
      EXPECT_EQ(buffer.size(), std::nullopt);
    }
  }
}

TEST(Allocation, NoneIsNeededToCancelOrToDrop) {
  for (int fails_in = 0; fails_in < 8; ++fails_in) {
    const std::vector<std::byte> content(5 * block, std::byte{7});
    auto buffer = std::make_unique<StreamBuffer>(once_without_memory(content, never));
    buffer->read(0, 10);
    auto cancelled = std::make_unique<StreamBuffer>(once_without_memory(content, never));
    cancelled->read(0, 10);
    auto [writer, pushed] = make_pipe();
    allocations_left = fails_in;
    cancelled->cancel();
    allocations_left = fails_in;
    buffer.reset();
    allocations_left = fails_in;
    {
      const Writer dropped = std::move(writer);
    }
    allocations_left = never;
    EXPECT_EQ(code_of([&] { cancelled->read(4 * block, 1); }), Errc::cancelled) << fails_in;
    EXPECT_THROW(pushed.read(0, 1), Error) << fails_in;
  }
}

TEST(Allocation, AWriteThatFailsForWantOfMemoryIsNotCounted) {
  const std::vector<std::byte> content(2 * block, std::byte{7});
  for (int fails_in = 0; fails_in < 12; ++fails_in) {
    detail::SpoolStore store(options_spilled(0), nullptr);
    std::uint64_t written = 0;
    allocations_left = fails_in;
    try {
      std::span<const std::byte> pieces[] = {content};
      if (store.write_run(0, pieces)) written = content.size();
    } catch (const std::bad_alloc&) {
    }
    allocations_left = fails_in;
    try {
      if (store.write(2, std::span(content).first(block))) written += block;
    } catch (const std::bad_alloc&) {
    }
    allocations_left = never;
    EXPECT_EQ(store.used(), written) << fails_in;
  }
}

// The fill thread stops where there is no room, and says so with what memory it has.
TEST(Allocation, NoneIsNeededToSayThatThereIsNoRoom) {
  for (int fails_in = 0; fails_in < 30; ++fails_in) {
    const auto source = [=](std::span<std::byte> out) {
      allocations_left = fails_in;
      std::ranges::fill(out, std::byte{7});
      return out.size();
    };
    Options options = options_in_memory(2 * block);
    options.fill = Fill::ahead;
    const StreamBuffer buffer(from_function(source), options);
    EXPECT_TRUE(told_of_all(buffer)) << fails_in;
    EXPECT_EQ(buffer.read(0, block).size(), block) << fails_in;
  }
}

// The second stage is asked to make memory ready in the middle of the fill, which goes on without.
TEST(Allocation, ALongStreamAheadNeedsNoSecondStageForItsMemory) {
  const auto content = random_bytes((70 * block) + 5, test_seed());
  for (int fails_in = 0; fails_in < 8; ++fails_in) {
    Options options = options_in_memory(std::uint64_t{64} << 20U);
    options.fill = Fill::ahead;
    const StreamBuffer buffer(once_without_memory(content, fails_in), options);
    std::optional<std::uint64_t> size;
    while (!size) {
      try {
        size = buffer.wait_for_size();
      } catch (const std::bad_alloc&) {
        // One allocation after each read of the source fails: the next who asks goes on.
      } catch (const Error& error) {
        // The fill thread tells as a full disk what it has no memory for.
        ASSERT_EQ(error.code(), Errc::disk_full) << error.what();
      }
    }
    allocations_left = never;
    EXPECT_EQ(*size, content.size());
    EXPECT_TRUE(buffer.read(0, content.size()) == content) << fails_in;
  }
}

}  // namespace
}  // namespace seekable::test
