// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/range_set.hpp"

namespace seekable::cli {

/// What lies beside a part of a file: which stream it is of, and which of its bytes are there.
struct PartMap {
  std::string url;
  std::string validator;  ///< never empty: without one nobody could tell whether the rest fits
  std::optional<std::uint64_t> size;
  RangeSet kept;
};

/// Writes a map as JSON.
std::string part_map_text(const PartMap& map);

/// Reads it back. Returns: nothing if `text` is anything else, or makes no sense.
std::optional<PartMap> parse_part_map(std::string_view text);

}  // namespace seekable::cli
