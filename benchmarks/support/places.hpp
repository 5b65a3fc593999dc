// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace seekable::bench {

/// Where the next read goes: so many places, in an order that no prefetcher guesses.
class Places {
 public:
  /// `count` must be a power of two.
  explicit Places(std::uint64_t count, std::uint64_t seed) : mask_(count - 1), at_(seed) {}
  std::uint64_t next() {
    // A full period modulo 2^64; its high bits are the good ones (Knuth, TAOCP 3.3.4).
    at_ = at_ * 6364136223846793005U + 1442695040888963407U;
    return at_ >> 33 & mask_;
  }

  /// Has what comes next depend on a byte that was read, so that reads do not overlap.
  void mix_in(std::byte byte) { at_ ^= static_cast<std::uint64_t>(byte); }

 private:
  const std::uint64_t mask_;
  std::uint64_t at_;
};

}  // namespace seekable::bench
