// SPDX-License-Identifier: Apache-2.0
#include "support/pattern.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace seekable::bench {

namespace {

using Block = std::array<std::byte, period>;

/// xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016).
const Block& random_block() {
  static const Block block = [] {
    Block made{};
    std::uint64_t state = 0x5eecab1e;
    for (std::size_t at = 0; at < made.size(); at += sizeof state) {
      state ^= state >> 12;
      state ^= state << 25;
      state ^= state >> 27;
      const std::uint64_t word = state * 0x2545f4914f6cdd1d;
      std::memcpy(&made[at], &word, sizeof word);
    }
    return made;
  }();
  return block;
}

}  // namespace

void fill_pattern(std::uint64_t offset, std::span<std::byte> out) {
  const Block& block = random_block();
  while (!out.empty()) {
    const std::size_t at = offset % page_size;
    const std::size_t size = std::min(out.size(), page_size - at);
    std::memcpy(out.data(), &block[offset % period], size);
    const std::uint64_t page = offset - at;
    std::byte stamp[sizeof page];
    std::memcpy(stamp, &page, sizeof page);
    for (std::size_t i = at; i < sizeof page && i - at < size; ++i) out[i - at] = stamp[i];
    out = out.subspan(size);
    offset += size;
  }
}

void check_pattern(std::uint64_t offset, std::span<const std::byte> bytes) {
  std::vector<std::byte> wanted(std::min(bytes.size(), period));
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.size(), wanted.size());
    fill_pattern(offset, std::span(wanted).first(size));
    if (std::memcmp(wanted.data(), bytes.data(), size) != 0) {
      std::fprintf(stderr, "wrong bytes in [%llu, +%zu)\n", static_cast<unsigned long long>(offset),
                   size);
      std::exit(1);
    }
    bytes = bytes.subspan(size);
    offset += size;
  }
}

void check(bool held, const char* what) {
  if (held) return;
  std::fprintf(stderr, "not as it should be: %s\n", what);
  std::exit(1);
}

}  // namespace seekable::bench
