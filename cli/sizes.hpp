// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace seekable::cli {

/// Reads a size: a whole number of bytes, or one with a unit: `512`, `64KiB`, `5MiB`, `2GB`.
/// `KB`, `MB`, ... count in thousands, `KiB`, `MiB`, ... in 1024s, up to `EB` and `EiB`; capitals
/// do not matter.
///
/// Throws: std::invalid_argument, with a line for a person, for anything else and for more than
///     2^64 - 1 bytes.
std::uint64_t parse_size(std::string_view text);

/// Writes a size with the largest unit that divides it: `5MiB`, `2000000001`. `parse_size` reads
/// the same number back.
std::string exact_size(std::uint64_t bytes);

/// Writes a size for people: `999 bytes`, `1.2 MiB`.
std::string rounded_size(std::uint64_t bytes);

}  // namespace seekable::cli
