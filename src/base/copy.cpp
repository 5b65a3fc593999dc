// SPDX-License-Identifier: Apache-2.0
#include "base/copy.hpp"

#include <array>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace seekable::inline v1::detail {

namespace {

using Vector16 [[gnu::vector_size(16)]] = long long;

/// From the end to the front: a load then never seems, by the last 12 bits of its address, to want
/// what was stored just before. The destination is aligned, since a store that is not costs more
/// than such a load.
void copy_backwards(std::byte* destination, const std::byte* source, std::size_t size) noexcept {
  const std::size_t tail = reinterpret_cast<std::uintptr_t>(destination + size) % 64;
  size -= tail;
  std::memcpy(destination + size, source + size, tail);
  constexpr std::size_t step = 4 * sizeof(Vector16);
  while (size >= step) {
    size -= step;
    std::array<Vector16, 4> vectors;
    std::memcpy(vectors.data(), source + size, step);
    auto* const to = static_cast<std::byte*>(__builtin_assume_aligned(destination + size, 64));
    std::memcpy(to, vectors.data(), step);
  }
  std::memcpy(destination, source, size);
}

#if defined(__x86_64__)

constexpr std::size_t width = 32;  // of a vector of AVX2

/// The vector that begins `Past` bytes into `low`, which `high` goes on from.
template <int Past>
[[gnu::target("avx2"), gnu::always_inline]] inline __m256i join(__m256i low, __m256i high) {
  // AVX2 shifts within halves only.
  const __m256i middle = _mm256_permute2x128_si256(low, high, 0x21);
  if constexpr (Past == 0) {
    return low;
  } else if constexpr (Past < 16) {
    return _mm256_alignr_epi8(middle, low, Past);
  } else {
    return _mm256_alignr_epi8(high, middle, Past - 16);
  }
}

/// Copies where `destination` is aligned and `source` lies `Past` bytes past a vector: but for the
/// last 95 bytes at most, every load and every store is an aligned one. No load leaves `[source -
/// Past, source + size)`.
template <std::size_t Past>
[[gnu::target("avx2")]] void copy_shifted(std::byte* destination, const std::byte* source,
                                          std::size_t size) noexcept {
  const auto* from = reinterpret_cast<const __m256i*>(source - Past);
  auto* to = reinterpret_cast<__m256i*>(destination);
  __m256i first = _mm256_load_si256(from);
  std::size_t done = 0;
  for (; done + 3 * width <= size; done += 2 * width) {
    const __m256i second = _mm256_load_si256(++from);
    const __m256i third = _mm256_load_si256(++from);
    _mm256_store_si256(to++, join<Past>(first, second));
    _mm256_store_si256(to++, join<Past>(second, third));
    first = third;
  }
  // Loads are not aligned here, but stores of whole vectors still are: one across the end of a page
  // costs as much as twenty others.
  for (; done + width <= size; done += width) {
    std::memcpy(destination + done, source + done, width);
  }
  std::memcpy(destination + done, source + done, size - done);
}

/// As memmove to a higher address: from the end to the front, stores aligned, loads not.
[[gnu::target("avx2")]] void move_up_by_vectors(std::byte* destination, const std::byte* source,
                                                std::size_t size) noexcept {
  const std::size_t tail = reinterpret_cast<std::uintptr_t>(destination + size) % 64;
  if (tail > size) return static_cast<void>(std::memmove(destination, source, size));
  size -= tail;
  std::memmove(destination + size, source + size, tail);
  constexpr std::size_t count = 4;
  while (size >= count * width) {
    size -= count * width;
    const auto* const from = reinterpret_cast<const __m256i*>(source + size);
    auto* const to = reinterpret_cast<__m256i*>(destination + size);
    __m256i vectors[count];
    for (std::size_t i = 0; i < count; ++i) vectors[i] = _mm256_loadu_si256(from + i);
    for (std::size_t i = count; i-- > 0;) _mm256_store_si256(to + i, vectors[i]);
  }
  std::memmove(destination, source, size);
}

using Copy = void (*)(std::byte*, const std::byte*, std::size_t) noexcept;

template <std::size_t... Pasts>
constexpr std::array<Copy, width> all_shifts(std::index_sequence<Pasts...>) noexcept {
  return {copy_shifted<Pasts>...};
}

constexpr std::array<Copy, width> by_shift = all_shifts(std::make_index_sequence<width>());

const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;

#endif

}  // namespace

void copy_long(std::byte* destination, const std::byte* source, std::size_t size) noexcept {
#if defined(__x86_64__)
  if (has_avx2) {
    // To a cache line, where pairs of stores are fastest, and a vector at least: the aligned loads
    // behind it then begin inside of the source.
    const std::size_t head =
        3 * width - (reinterpret_cast<std::uintptr_t>(destination) + width) % 64;
    std::memcpy(destination, source, 3 * width);
    source += head;
    by_shift[reinterpret_cast<std::uintptr_t>(source) % width](destination + head, source,
                                                               size - head);
    return;
  }
#endif
  if (copies_slowly(reinterpret_cast<std::uintptr_t>(destination),
                    reinterpret_cast<std::uintptr_t>(source), size)) {
    copy_backwards(destination, source, size);
  } else {
    std::memcpy(destination, source, size);
  }
}

void move_up(std::byte* destination, const std::byte* source, std::size_t size) noexcept {
#if defined(__x86_64__)
  if (has_avx2) return move_up_by_vectors(destination, source, size);
#endif
  std::memmove(destination, source, size);
}

}  // namespace seekable::inline v1::detail
