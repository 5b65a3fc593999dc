// SPDX-License-Identifier: Apache-2.0
// Invariants 1 and 2 where the kernel moves bytes from a pipe to the spool while they are read,
// waited for and given up.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "support/buffers.hpp"
#include "support/watchdog.hpp"

namespace seekable::test {
namespace {

constexpr std::uint64_t length = 40'000'000;
constexpr int pipe_size = 1 << 20;

/// Writes what follows a full pipe in pieces of any size, some of which fill it again.
void feed(FileDescriptor pipe, const std::vector<std::byte>& content, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (std::uint64_t at = pipe_size; at < content.size();) {
    const std::uint64_t most = random() % 3 == 0 ? 5000 : 1'500'000;
    const auto piece = part(content, at, 1 + random() % most);
    if (!write_all(pipe.get(), piece)) return;
    at += piece.size();
  }
}

/// Follows the stream to its end and looks back now and then. Returns how many reads were wrong.
std::size_t follow(const StreamBuffer& buffer, const std::vector<std::byte>& content,
                   std::atomic<std::uint64_t>& front, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::size_t wrong = 0;
  Bytes out(200'000);
  const auto read = [&](std::uint64_t offset, std::size_t size) {
    try {
      const std::size_t got = buffer.read_at(offset, std::span(out).first(size));
      const bool right = std::equal(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(got),
                                    content.begin() + static_cast<std::ptrdiff_t>(offset));
      if (!right || got == 0) ++wrong;
      return got > 0 ? got : size;
    } catch (const Error& error) {
      if (error.code() != Errc::released) ++wrong;
      return size;
    }
  };
  for (std::uint64_t at = 0; at < content.size();) {
    at += read(at, 1 + random() % out.size());
    front.store(std::min<std::uint64_t>(at, content.size()));
    if (random() % 2 == 0) read(random() % std::min<std::uint64_t>(at, content.size()), 3000);
  }
  return wrong;
}

class SpliceStress : public testing::TestWithParam<Fill> {};

INSTANTIATE_TEST_SUITE_P(Fills, SpliceStress, testing::Values(Fill::on_demand, Fill::ahead),
                         [](const auto& info) {
                           return info.param == Fill::ahead ? "ahead" : "on_demand";
                         });

TEST_P(SpliceStress, GivesExactBytesWhileTheyAreReadAndGivenUp) {
  const Watchdog watchdog("bytes that are spliced");
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE(seed);
  const auto content = pattern_bytes(0, length);
  Ends ends = make_pipe_ends();
  ASSERT_EQ(::fcntl(ends.write.get(), F_SETPIPE_SZ, pipe_size), pipe_size);
  ASSERT_TRUE(write_all(ends.write.get(), part(content, 0, pipe_size)));
  Options options = options_spilled(256 * 1024);
  options.fill = GetParam();
  std::atomic<int> splices{0};
  const CallHook hook([&](detail::sys::Call call) -> std::optional<detail::sys::Fault> {
    if (call == detail::sys::Call::splice_to_file) ++splices;
    return std::nullopt;
  });
  StreamBuffer buffer(from_fd(ends.read.get()), std::move(options));
  // The pipe is full and nobody waits at its front: some of it is spliced, however fast the threads
  // are. (How many splices come while others read depends on that.)
  EXPECT_EQ(buffer.read(900'000, 1000), part(content, 900'000, 1000));
  EXPECT_GT(splices, 0);
  std::jthread writer([&] { feed(std::move(ends.write), content, seed); });
  std::atomic<std::size_t> wrong{0};
  std::vector<std::atomic<std::uint64_t>> fronts(3);
  std::vector<std::jthread> readers;
  for (std::uint64_t number = 0; number < fronts.size(); ++number) {
    readers.emplace_back(
        [&, number] { wrong += follow(buffer, content, fronts[number], seed + 1 + number); });
  }
  std::mt19937_64 random(seed);
  for (std::uint64_t low = 0; low < length;) {
    low = length;
    for (const auto& front : fronts) low = std::min(low, front.load());
    // Now and then also what has not come yet; not the end, up to which somebody has to read.
    buffer.release_before(random() % 50 == 0 ? std::min(low + random() % 300'000, length - 300'000)
                                             : low / 2);
    std::this_thread::yield();
  }
  readers.clear();
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace seekable::test
