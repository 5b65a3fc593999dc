// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace seekable::inline v1::detail {

/// What a stream is made of. `skippable` are the frames of zstd and lz4 that hold no data.
enum class Format : std::uint8_t { plain, gzip, bzip2, xz, zstd, lz4, legacy_lz4, skippable };

/// How bytes compare with the magic number of a format: `maybe` where they are too few.
enum class Match : std::uint8_t { no, maybe, yes };

/// `bytes`: the first ones of a stream or a member.
Match matches(Format format, std::span<const std::byte> bytes) noexcept;

/// The name, for people.
const char* name_of(Format format) noexcept;

}  // namespace seekable::inline v1::detail
