// SPDX-License-Identifier: Apache-2.0
// What a great many of something leaves behind: nothing.

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "seekable/seekable.hpp"
#include "support/buffers.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/allocator_interface.h>
#define SEEKABLE_TEST_ASAN
#endif
#endif

namespace seekable::test {
namespace {

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

#ifdef SEEKABLE_TEST_ASAN
// The address sanitizer keeps what was freed resident for a while, to catch who still uses it. What
// it counts as allocated is the better figure there.
std::size_t held_bytes() { return __sanitizer_get_current_allocated_bytes(); }
#else
/// The memory of this process that is resident.
std::size_t held_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  std::size_t pages = 0;
  std::size_t resident = 0;
  EXPECT_EQ(std::fscanf(file, "%zu %zu", &pages, &resident), 2);
  std::fclose(file);
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}
#endif

TEST(ManyBuffers, LeaveNoDescriptorAndNoMemory) {
  const std::string content(1024, 'k');
  const auto use_some = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const StreamBuffer buffer(from_bytes(content));
      ASSERT_EQ(buffer.read(0, 2000).size(), 1024U);
    }
  };
  use_some(1000);
  const std::size_t descriptors = open_descriptors();
  const std::size_t held = held_bytes();
  use_some(100'000);
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_LT(held_bytes(), held + 4 * 1024 * 1024);
}

TEST(ManyBuffers, ThatSpillAndReadAheadLeaveNoDescriptor) {
  const std::size_t descriptors = open_descriptors();
  const auto content = random_bytes(300'000, 1);
  for (int i = 0; i < 200; ++i) {
    Options options = i % 2 == 0 ? options_ahead() : Options{};
    options.memory_limit = 130'000;
    const Scripted scripted({.content = content}, options);
    ASSERT_EQ(scripted.buffer.read(200'000, 100), part(content, 200'000, 100));
  }
  EXPECT_EQ(open_descriptors(), descriptors);
}

TEST(ManyReaders, ComeAndGoAtRandom) {
  const std::uint64_t seed = test_seed();
  const auto content = random_bytes(500'000, seed);
  Options options;
  options.memory_limit = 130'000;
  const Scripted scripted({.content = content, .chunks = {3000}}, options);
  std::atomic<std::size_t> wrong{0};
  std::vector<std::jthread> threads;
  for (unsigned thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      std::mt19937_64 random(seed + thread);
      for (int i = 0; i < 250; ++i) {
        const std::uint64_t offset = random() % content.size();
        auto reader = scripted.buffer.reader(offset);
        Bytes out(random() % 3000);
        out.resize(reader.read(out));
        if (out != part(content, offset, out.size()) || reader.position() != offset + out.size()) {
          ++wrong;
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0U);
}

TEST(ManyPolls, OfExhaustedPullNothing) {
  const Scripted scripted({.content = letters()});
  for (int i = 0; i < 500'000; ++i) ASSERT_FALSE(scripted.buffer.exhausted());
  EXPECT_EQ(scripted.log->reads(), 0U);
}

}  // namespace
}  // namespace seekable::test
