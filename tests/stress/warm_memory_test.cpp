// SPDX-License-Identifier: Apache-2.0
// Long streams that stay in memory, whose second stages have it faulted in meanwhile.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "seekable/seekable.hpp"
#include "support/buffers.hpp"

namespace seekable::test {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;

/// A stream that comes once, of bytes that outlive it.
std::unique_ptr<Source> once(const std::vector<std::byte>& content) {
  return from_function([&content, given = std::size_t{0}](std::span<std::byte> out) mutable {
    const std::size_t size = std::min(out.size(), content.size() - given);
    std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(given), size, out.begin());
    given += size;
    return size;
  });
}

/// Reads all of it by steps, and compares.
bool reads_all(const StreamBuffer& buffer, const std::vector<std::byte>& content) {
  Reader reader = buffer.reader();
  std::vector<std::byte> step(100'000);
  std::uint64_t done = 0;
  for (;;) {
    const std::size_t got = reader.read(step);
    if (got == 0) return done == content.size();
    if (!std::equal(step.begin(), step.begin() + static_cast<std::ptrdiff_t>(got),
                    content.begin() + static_cast<std::ptrdiff_t>(done))) {
      return false;
    }
    done += got;
  }
}

TEST(WarmMemory, GivesTheBytesOfSeveralStreamsAtOnce) {
  const auto content = random_bytes((12 * mib) + 777, test_seed());
  // All in memory; a part of it spilled.
  for (const std::uint64_t limit : {32 * mib, 10 * mib}) {
    std::vector<std::jthread> threads;
    for (int stream = 0; stream < 3; ++stream) {
      threads.emplace_back([&] {
        Options options = options_spilled(limit);
        options.fill = Fill::ahead;
        const StreamBuffer buffer(once(content), options);
        std::jthread other([&] { EXPECT_TRUE(reads_all(buffer, content)); });
        EXPECT_TRUE(reads_all(buffer, content));
      });
    }
    // And buffers that go in the middle of the fill.
    threads.emplace_back([&] {
      Options options = options_in_memory(64 * mib);
      options.fill = Fill::ahead;
      for (std::uint64_t so_far = 1; so_far < content.size(); so_far += 3 * mib) {
        const StreamBuffer buffer(once(content), options);
        EXPECT_EQ(buffer.read(so_far, 1), part(content, so_far, 1));
      }
    });
  }
}

}  // namespace
}  // namespace seekable::test
