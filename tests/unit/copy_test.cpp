// SPDX-License-Identifier: Apache-2.0
#include "base/copy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "seekable/seekable.hpp"
#include "support/buffers.hpp"

namespace seekable::test {
namespace {

constexpr std::size_t page = 4096;

/// Memory that begins on a page.
struct alignas(page) Area {
  std::byte bytes[160 * 1024];
};

TEST(CopyBytes, CopiesWhatItIsToldAndNothingElse) {
  const auto source = std::make_unique<Area>();
  const auto destination = std::make_unique<Area>();
  const auto content = pattern_bytes(0, sizeof(Area));
  std::copy(content.begin(), content.end(), source->bytes);
  constexpr std::byte untouched{0xA5};
  for (std::size_t distance = 0; distance <= 70; ++distance) {
    for (const std::size_t from : {std::size_t{0}, std::size_t{1}, std::size_t{37}, page - 1}) {
      for (const std::size_t size :
           {std::size_t{0}, std::size_t{1}, std::size_t{2047}, std::size_t{2048}, std::size_t{2049},
            std::size_t{4096}, std::size_t{5001}, std::size_t{65536}}) {
        std::byte* const to = destination->bytes + page + from + distance;
        std::fill(to - 64, to + size + 64, untouched);
        detail::copy_bytes(to, source->bytes + from, size);
        ASSERT_TRUE(std::equal(to, to + size, source->bytes + from)) << distance << ' ' << size;
        const auto is_untouched = [](std::byte byte) { return byte == untouched; };
        ASSERT_TRUE(std::all_of(to - 64, to, is_untouched)) << distance << ' ' << size;
        ASSERT_TRUE(std::all_of(to + size, to + size + 64, is_untouched))
            << distance << ' ' << size;
      }
    }
  }
}

TEST(CopyBytes, MovesUpWhatOverlaps) {
  const auto area = std::make_unique<Area>();
  const auto content = pattern_bytes(0, sizeof(Area));
  for (std::size_t distance = 1; distance <= 66; ++distance) {
    for (const std::size_t from : {std::size_t{0}, std::size_t{1}, std::size_t{37}, page - 1}) {
      for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{63},
                                     std::size_t{2048}, std::size_t{5001}, std::size_t{65536}}) {
        std::copy(content.begin(), content.end(), area->bytes);
        std::byte* const to = area->bytes + from + distance;
        detail::move_up(to, area->bytes + from, size);
        const auto* const expected = content.data();
        ASSERT_TRUE(std::equal(to, to + size, expected + from)) << distance << ' ' << size;
        ASSERT_TRUE(std::equal(area->bytes, to, expected)) << distance << ' ' << size;
        ASSERT_TRUE(std::equal(to + size, to + size + 64, expected + from + distance + size))
            << distance << ' ' << size;
      }
    }
  }
}

// Each of the ways that a destination's place decides on, in memory and from the spool.
TEST(CopyBytes, IsWhatAReadDoesWhereverItGoes) {
  const auto content = random_bytes(5 * block, 7);
  const auto out = std::make_unique<Area>();
  for (const std::uint64_t memory : {std::uint64_t{0}, 10 * block}) {
    const Scripted scripted({.content = content}, options_spilled(memory));
    for (std::size_t distance = 0; distance <= 66; ++distance) {
      for (const std::size_t size :
           {std::size_t{3000}, 4 * page, 4 * page + 1, std::size_t{100'001}}) {
        for (const std::uint64_t offset : {std::uint64_t{0}, block - 100, 2 * block + 17}) {
          const std::span<std::byte> into(out->bytes + page + offset % page + distance, size);
          into.back() = std::byte{0xA5};
          ASSERT_EQ(scripted.buffer.read_at(offset, into), size);
          ASSERT_TRUE(std::equal(into.begin(), into.end(),
                                 content.begin() + static_cast<std::ptrdiff_t>(offset)))
              << memory << ' ' << distance << ' ' << size << ' ' << offset;
        }
      }
    }
  }
}

}  // namespace
}  // namespace seekable::test
