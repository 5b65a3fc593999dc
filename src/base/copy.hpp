// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace seekable::inline v1::detail {

/// True if a copy meets the slow case of some processors: their string instruction, which memcpy
/// and the kernel use for it, drops to a tenth of its speed where the destination lies 1 to 63
/// bytes past the source, modulo a page. (`script/bench micro` shows it.)
inline bool copies_slowly(std::uintptr_t destination, std::uintptr_t source,
                          std::size_t size) noexcept {
  constexpr std::size_t least = 2048;  // Below it memcpy does not use that instruction.
  return size >= least && (destination - source) % 4096 - 1 < 63;
}

/// As memcpy, for what `copies_slowly`.
void copy_past_page(std::byte* destination, const std::byte* source, std::size_t size) noexcept;

/// As memcpy, at about the same speed whatever the two addresses are.
inline void copy_bytes(std::byte* destination, const std::byte* source, std::size_t size) noexcept {
  if (copies_slowly(reinterpret_cast<std::uintptr_t>(destination),
                    reinterpret_cast<std::uintptr_t>(source), size)) [[unlikely]] {
    copy_past_page(destination, source, size);
  } else {
    std::memcpy(destination, source, size);
  }
}

}  // namespace seekable::inline v1::detail
