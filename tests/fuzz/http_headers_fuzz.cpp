// SPDX-License-Identifier: Apache-2.0
// Whatever a server sends as a header is read exactly or refused; what is read makes sense.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/headers.hpp"

namespace {

using namespace seekable::detail::http;

void expect(bool holds) {
  if (!holds) std::abort();
}

void check_length(std::string_view text) {
  const auto length = parse_length(text);
  if (!length) return;
  expect(!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos);
  expect(parse_length(std::to_string(*length)) == length);
}

void check_content_range(std::string_view text) {
  const auto found = parse_content_range(text);
  if (!found) return;
  expect(found->range || found->total);
  const std::string total = found->total ? std::to_string(*found->total) : "*";
  std::string written = "bytes */" + total;
  if (found->range) {
    expect(found->range->begin < found->range->end);
    expect(!found->total || found->range->end <= *found->total);
    written = "bytes " + std::to_string(found->range->begin) + "-" +
              std::to_string(found->range->end - 1) + "/" + total;
  }
  const auto again = parse_content_range(written);
  expect(again && again->range == found->range && again->total == found->total);
}

void check_entity_tag(std::string_view text) {
  const auto tag = parse_entity_tag(text);
  if (!tag) return;
  expect((tag->weak ? "W/" : "") + tag->text == text);
  expect(tag->text.size() >= 2 && tag->text.find('"', 1) == tag->text.size() - 1);
  expect(tag->text.find_first_of("\r\n ") == std::string::npos);
}

void check_times(std::string_view text) {
  if (const auto date = parse_http_date(text)) {
    expect(parse_retry_after(text, *date) == 0 || parse_length(text));
  }
  for (const std::int64_t now : {std::int64_t{0}, std::int64_t{1} << 40U}) {
    const auto after = parse_retry_after(text, now);
    expect(!after || *after >= 0);
  }
}

void check_lines(std::string_view text) {
  if (const auto field = parse_field(text)) {
    expect(!field->name.empty() && text.starts_with(field->name));
    expect(trimmed(field->value) == field->value);
    expect(same_name(field->name, field->name));
  }
  if (const auto status = parse_status(text)) expect(*status >= 100 && *status <= 999);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_length(text);
  check_content_range(text);
  check_entity_tag(text);
  check_times(text);
  check_lines(text);
  return 0;
}
