// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace seekable::inline v1::detail {

/// Below this size memcpy is as fast as can be, wherever it copies to.
inline constexpr std::size_t least_long_copy = 2048;

/// A destination that lies so few bytes past the source, modulo a page, is the slow case of some
/// processors: their string instruction, which memcpy and the kernel use, then takes half as long
/// again (16 to 31), or ten to twenty-five times as long (1 to 15). (`script/bench micro` shows
/// it.)
inline constexpr std::size_t most_past_page = 31;

/// True if such a copy would meet the slow case.
inline bool copies_slowly(std::uintptr_t destination, std::uintptr_t source,
                          std::size_t size) noexcept {
  return size >= least_long_copy && (destination - source) % 4096 - 1 < most_past_page;
}

/// As memcpy. Requires: `size` is at least `least_long_copy`.
void copy_long(std::byte* destination, const std::byte* source, std::size_t size) noexcept;

/// As memmove, from the end to the front: fastest where the last of the bytes were written just
/// now. Requires: `destination` above `source`.
void move_up(std::byte* destination, const std::byte* source, std::size_t size) noexcept;

/// Tells the processor that `size` bytes from `source` on are about to be copied: the first four
/// lines, from which it goes on by itself to the end of the page, and the first line of the next
/// page. (To ask for more made copies slower: decision 023.)
inline void fetch(const std::byte* source, std::size_t size) noexcept {
  constexpr std::size_t line = 64;
  constexpr std::size_t page = 4096;
  constexpr std::size_t first = 4 * line;
  for (std::size_t at = 0; at < std::min(size, first); at += line) __builtin_prefetch(source + at);
  const std::size_t next_page = page - reinterpret_cast<std::uintptr_t>(source) % page;
  if (next_page < size) __builtin_prefetch(source + next_page);
}

/// As memcpy, at about the same speed whatever the two addresses are.
inline void copy_bytes(std::byte* destination, const std::byte* source, std::size_t size) noexcept {
  if (size >= least_long_copy) {
    copy_long(destination, source, size);
  } else {
    std::memcpy(destination, source, size);
  }
}

}  // namespace seekable::inline v1::detail
