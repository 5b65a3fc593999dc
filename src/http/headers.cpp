// SPDX-License-Identifier: Apache-2.0
#include "http/headers.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <system_error>

namespace seekable::inline v1::detail::http {

namespace {

constexpr bool is_space(char c) { return c == ' ' || c == '\t'; }

/// Takes what `separator` ends off the front of `text`.
std::optional<std::string_view> take_until(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

bool may_stand_in_tag(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

}  // namespace

std::string_view trimmed(std::string_view text) noexcept {
  const auto is_blank = [](char c) { return is_space(c) || c == '\r' || c == '\n'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

std::optional<std::uint64_t> parse_length(std::string_view value) {
  std::uint64_t number = 0;
  const char* const end = std::to_address(value.end());
  const auto [stopped, error] = std::from_chars(std::to_address(value.begin()), end, number);
  if (value.empty() || error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
  const auto unit = take_until(value, ' ');
  if (!unit || !same_name(*unit, "bytes")) return std::nullopt;
  const auto range = take_until(value, '/');
  if (!range) return std::nullopt;
  ContentRange found;
  if (value != "*") {
    found.total = parse_length(value);
    if (!found.total) return std::nullopt;
  }
  if (*range == "*") return found.total ? std::optional(found) : std::nullopt;
  std::string_view last_text = *range;
  const auto first_text = take_until(last_text, '-');
  if (!first_text) return std::nullopt;
  const auto first = parse_length(*first_text);
  const auto last = parse_length(last_text);
  if (!first || !last || *last < *first || *last >= ~std::uint64_t{0} - 1) return std::nullopt;
  if (found.total && *last >= *found.total) return std::nullopt;
  found.range = ByteRange{*first, *last + 1};
  return found;
}

std::optional<EntityTag> parse_entity_tag(std::string_view value) {
  EntityTag tag;
  if (value.starts_with("W/")) {
    tag.weak = true;
    value.remove_prefix(2);
  }
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::nullopt;
  if (!std::ranges::all_of(value.substr(1, value.size() - 2), may_stand_in_tag)) {
    return std::nullopt;
  }
  tag.text = value;
  return tag;
}

std::optional<std::int64_t> parse_http_date(std::string_view value) {
  // curl also takes what is no date of HTTP: a number alone, a time alone.
  if (value.size() < 24 || value.size() > 40) return std::nullopt;
  const std::string text(value);
  const time_t seconds = ::curl_getdate(text.c_str(), nullptr);
  if (seconds < 0) return std::nullopt;
  return seconds;
}

std::optional<std::int64_t> parse_retry_after(std::string_view value, std::int64_t now) {
  if (const auto seconds = parse_length(value)) {
    constexpr std::uint64_t longest = 365 * 86400;
    return static_cast<std::int64_t>(std::min(*seconds, longest));
  }
  const auto date = parse_http_date(value);
  if (!date) return std::nullopt;
  return std::max<std::int64_t>(0, *date - now);
}

std::optional<Field> parse_field(std::string_view line) {
  const auto name = take_until(line, ':');
  if (!name || name->empty() || is_space(name->front()) || is_space(name->back())) {
    return std::nullopt;
  }
  return Field{*name, trimmed(line)};
}

std::optional<int> parse_status(std::string_view line) {
  if (!line.starts_with("HTTP/")) return std::nullopt;
  if (!take_until(line, ' ')) return std::nullopt;
  const auto code = parse_length(trimmed(line).substr(0, 3));
  if (!code || *code < 100 || *code > 999) return std::nullopt;
  return static_cast<int>(*code);
}

}  // namespace seekable::inline v1::detail::http
