// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace seekable::cli {

/// One range of bytes as HTTP writes it: `0-99` (both ends included), `500-` (to the end), `-16`
/// (the last 16 bytes).
struct RangeSpec {
  std::optional<std::uint64_t> first;  ///< nothing: the range counts from the end
  std::optional<std::uint64_t> last;   ///< included; nothing: to the end
  std::uint64_t suffix = 0;            ///< with no `first`: how many of the last bytes; at least 1

  friend bool operator==(const RangeSpec&, const RangeSpec&) = default;
};

/// Reads one range, or several with commas between them, in the order given.
///
/// Throws: std::invalid_argument, with a line for a person.
std::vector<RangeSpec> parse_ranges(std::string_view text);

/// Writes a range as `parse_ranges` reads it.
std::string range_text(const RangeSpec& range);

}  // namespace seekable::cli
