// SPDX-License-Identifier: Apache-2.0
#include "http/head.hpp"

#include <algorithm>

namespace seekable::inline v1::detail::http {

namespace {

/// What a server says, fit for one line of a message.
std::string printable(std::string_view text) {
  constexpr std::size_t longest = 80;
  std::string line(text.substr(0, longest));
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    // 0xc2 begins those of Latin-1 in UTF-8, which terminals obey, too.
    const bool is_second = i > 0 && line[i - 1] == '\xc2' && 0x80 <= byte && byte <= 0x9f;
    if (byte < ' ' || byte == 0x7f || is_second) line[i] = '?';
  }
  return line;
}

}  // namespace

void Head::add(std::string_view line) {
  line = trimmed(line);
  if (const auto code = parse_status(line)) {
    *this = Head{};  // What came before was an interim answer.
    status = *code;
    reason = printable(line.substr(line.find(' ') + 1));
    return;
  }
  const auto field = parse_field(line);
  if (!field) return;
  const auto is = [&](std::string_view name) { return same_name(field->name, name); };
  const std::string value(field->value);
  if (is("content-length")) {
    const auto told = parse_length(value);
    if (content_length && told != content_length) has_two_lengths = true;
    content_length = told;
  } else if (is("transfer-encoding")) {
    transfer_coded = transfer_coded || !same_name(value, "identity");
  } else if (is("content-range")) {
    has_content_range = true;
    content_range = parse_content_range(value);
  } else if (is("etag")) {
    entity_tag = parse_entity_tag(value);
  } else if (is("last-modified")) {
    last_modified_time = parse_http_date(value);
    if (last_modified_time && printable(value) == value) last_modified = value;
  } else if (is("date")) {
    date = parse_http_date(value);
  } else if (is("content-type")) {
    content_type = printable(value);
  } else if (is("content-encoding")) {
    coding = same_name(value, "identity") ? std::string() : printable(value);
  } else if (is("location")) {
    location = value;
  } else if (is("retry-after")) {
    retry_after = value;
  } else if (is("accept-ranges")) {
    accept_ranges = value;
  }
}

}  // namespace seekable::inline v1::detail::http
