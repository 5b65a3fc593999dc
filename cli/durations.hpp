// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace seekable::cli {

/// Reads a length of time: a whole number with `ms`, `s`, `m` or `h`: `500ms`, `10s`, `2m`.
///
/// Throws: std::invalid_argument, with a line for a person, for anything else, for no time at all
///     and for more than ten years.
std::chrono::milliseconds parse_duration(std::string_view text);

/// Writes a length of time as `parse_duration` reads it, in the largest unit that divides it.
std::string exact_duration(std::chrono::milliseconds duration);

}  // namespace seekable::cli
