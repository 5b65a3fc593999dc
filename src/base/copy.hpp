// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace seekable::inline v1::detail {

/// Below this size memcpy is as fast as can be, wherever it copies to.
inline constexpr std::size_t least_long_copy = 2048;

/// True if a copy of 2 KiB or more meets the slow case of some processors: their string
/// instruction, which memcpy and the kernel use for it, drops to a tenth of its speed where the
/// destination lies up to 31 bytes past the source, modulo a page. (`script/bench micro` shows it.)
inline bool copies_slowly(std::uintptr_t destination, std::uintptr_t source,
                          std::size_t size) noexcept {
  return size >= least_long_copy && (destination - source) % 4096 - 1 < 31;
}

/// As memcpy. Requires: `size` is at least `least_long_copy`.
void copy_long(std::byte* destination, const std::byte* source, std::size_t size) noexcept;

/// As memcpy, at about the same speed whatever the two addresses are.
inline void copy_bytes(std::byte* destination, const std::byte* source, std::size_t size) noexcept {
  if (size >= least_long_copy) {
    copy_long(destination, source, size);
  } else {
    std::memcpy(destination, source, size);
  }
}

}  // namespace seekable::inline v1::detail
