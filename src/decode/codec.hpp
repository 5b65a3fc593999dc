// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>

namespace seekable::inline v1::detail {

/// The decoder of one member, by the library of its format.
class Codec {
 public:
  /// What was done with what it was given.
  struct Step {
    std::size_t taken = 0;
    std::size_t given = 0;
    bool ended = false;  ///< the member is whole, and verified as far as its format allows
    const char* broken = nullptr;  ///< why nothing more can be given; static text
  };

  Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  virtual ~Codec() = default;

  /// Decodes from `in`, which may be empty, to the front of `out`, which is not.
  ///
  /// It neither takes nor gives a byte only where it needs more of `in`.
  /// Throws: std::bad_alloc.
  virtual Step step(std::span<const std::byte> in, std::span<std::byte> out) = 0;
};

/// A size for an interface that counts in `Number`: as much as it can at once.
template <typename Number>
Number clamped(std::size_t size) {
  return static_cast<Number>(std::min<std::size_t>(size, std::numeric_limits<Number>::max()));
}

/// How far back the data of a stream may refer: zstd's own default, and twice what `xz -9` needs.
/// What asks for more memory fails.
inline constexpr std::uint64_t largest_window = std::uint64_t{128} * 1024 * 1024;

std::unique_ptr<Codec> gzip_codec();
std::unique_ptr<Codec> bzip2_codec();
std::unique_ptr<Codec> xz_codec();
std::unique_ptr<Codec> zstd_codec();
std::unique_ptr<Codec> lz4_codec();

}  // namespace seekable::inline v1::detail
