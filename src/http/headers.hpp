// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "seekable/bytes.hpp"

/// \file
/// Parsers of the header fields that decide what bytes belong where. Each takes the field's value
/// and gives nothing where it is not exactly what the standard says: a value that is guessed would
/// put bytes in a wrong place.

namespace seekable::inline v1::detail::http {

/// A decimal number that fits, and nothing else (RFC 9110, 8.6).
std::optional<std::uint64_t> parse_length(std::string_view value);

/// `bytes 0-99/1000`, `bytes 0-99/*`, and `bytes */1000` of a range that cannot be had (RFC
/// 9110, 14.4).
struct ContentRange {
  std::optional<ByteRange> range;
  std::optional<std::uint64_t> total;
};
std::optional<ContentRange> parse_content_range(std::string_view value);

/// An ETag (RFC 9110, 8.8.3).
struct EntityTag {
  std::string text;   ///< quotes included, `W/` not
  bool weak = false;  ///< stands for bytes that mean the same, not for the same bytes
};
std::optional<EntityTag> parse_entity_tag(std::string_view value);

/// Seconds since 1970, of any of the three forms (RFC 9110, 5.6.7).
std::optional<std::int64_t> parse_http_date(std::string_view value);

/// Seconds to wait, from `now` (seconds since 1970) on, of a number or a date (RFC 9110, 10.2.3).
std::optional<std::int64_t> parse_retry_after(std::string_view value, std::int64_t now);

/// A header line, without the white space around its value.
struct Field {
  std::string_view name;
  std::string_view value;
};
std::optional<Field> parse_field(std::string_view line);

/// The number in a status line, as `HTTP/1.1 206 Partial Content`.
std::optional<int> parse_status(std::string_view line);

/// A letter of ASCII in small; whatever the locale, any other byte stays.
constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

/// Compares names of fields, which have no case.
bool same_name(std::string_view a, std::string_view b) noexcept;

std::string_view trimmed(std::string_view text) noexcept;

}  // namespace seekable::inline v1::detail::http
