// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace seekable::bench {

/// The stream that all jobs read: 64 KiB of pseudo-random bytes over and over, with the offset of
/// each page, little endian, in the page's first 8 bytes. So a page that is missing, repeated or in
/// the wrong place shows. `peers/` knows it too.
inline constexpr std::size_t page_size = 4096;
inline constexpr std::size_t period = 64 * 1024;

/// Stores the stream's bytes at `[offset, offset + out.size())`.
void fill_pattern(std::uint64_t offset, std::span<std::byte> out);

/// Ends the process with a message where `bytes` are not the stream's at `offset`.
void check_pattern(std::uint64_t offset, std::span<const std::byte> bytes);

/// Ends the process with a message where `held` is false: a benchmark of wrong bytes is worth
/// nothing.
void check(bool held, const char* what);

}  // namespace seekable::bench
