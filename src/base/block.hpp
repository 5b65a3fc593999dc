// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace seekable::inline v1::detail {

/// The unit in which bytes are kept, moved and given up.
inline constexpr std::size_t block_size = 64 * 1024;

/// Stands for an offset or a size that is not known.
inline constexpr std::uint64_t unknown = ~std::uint64_t{0};

inline constexpr std::uint64_t block_of(std::uint64_t offset) { return offset / block_size; }
inline constexpr std::size_t in_block(std::uint64_t offset) {
  return static_cast<std::size_t>(offset % block_size);
}
inline constexpr std::uint64_t block_begin(std::uint64_t block) { return block * block_size; }

/// The end of the block of `offset`; the last block ends one byte early, at 2^64 - 1.
inline constexpr std::uint64_t block_end(std::uint64_t offset) {
  return block_of(offset) == block_of(unknown) ? unknown : block_begin(block_of(offset) + 1);
}

}  // namespace seekable::inline v1::detail
