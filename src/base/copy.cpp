// SPDX-License-Identifier: Apache-2.0
#include "base/copy.hpp"

namespace seekable::inline v1::detail {

namespace {

using Vector16 [[gnu::vector_size(16)]] = long long;

/// From the end to the front: a load then never seems, by the last 12 bits of its address, to want
/// what was stored just before. The destination is aligned, since a store that is not costs more
/// than such a load.
template <typename Vector>
[[gnu::always_inline]] inline void copy_backwards(std::byte* destination, const std::byte* source,
                                                  std::size_t size) noexcept {
  const std::size_t tail = reinterpret_cast<std::uintptr_t>(destination + size) % 64;
  size -= tail;
  std::memcpy(destination + size, source + size, tail);
  constexpr std::size_t step = 4 * sizeof(Vector);
  while (size >= step) {
    size -= step;
    Vector first;
    Vector second;
    Vector third;
    Vector fourth;
    std::memcpy(&first, source + size, sizeof first);
    std::memcpy(&second, source + size + sizeof first, sizeof first);
    std::memcpy(&third, source + size + 2 * sizeof first, sizeof first);
    std::memcpy(&fourth, source + size + 3 * sizeof first, sizeof first);
    auto* const to = static_cast<std::byte*>(__builtin_assume_aligned(destination + size, 64));
    std::memcpy(to + 3 * sizeof first, &fourth, sizeof first);
    std::memcpy(to + 2 * sizeof first, &third, sizeof first);
    std::memcpy(to + sizeof first, &second, sizeof first);
    std::memcpy(to, &first, sizeof first);
  }
  std::memcpy(destination, source, size);
}

#if defined(__x86_64__)

using Vector32 [[gnu::vector_size(32)]] = long long;

[[gnu::target("avx2")]] void copy_with_avx2(std::byte* destination, const std::byte* source,
                                            std::size_t size) noexcept {
  copy_backwards<Vector32>(destination, source, size);
}

const bool g_has_avx2 = __builtin_cpu_supports("avx2") != 0;

#endif

}  // namespace

void copy_past_page(std::byte* destination, const std::byte* source, std::size_t size) noexcept {
#if defined(__x86_64__)
  if (g_has_avx2) {
    copy_with_avx2(destination, source, size);
    return;
  }
#endif
  copy_backwards<Vector16>(destination, source, size);
}

}  // namespace seekable::inline v1::detail
