// SPDX-License-Identifier: Apache-2.0
// Whatever a server sends as a header is read exactly or refused; what is read makes sense.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include "http/head.hpp"
#include "http/headers.hpp"
#include "http/url.hpp"

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

bool is_for_one_line(const std::string& text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

/// A whole head, line by line, as libcurl gives it; and where it sends on to.
void check_head(std::string_view text) {
  Head head;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    head.add(text.substr(0, end));
    text.remove_prefix(end);
  }
  expect(head.status == 0 || (head.status >= 100 && head.status <= 999));
  expect(!head.transfer_coded || !head.length());
  expect(!head.has_two_lengths || head.content_length || !head.length());
  for (const std::string* shown :
       {&head.reason, &head.content_type, &head.coding, &head.last_modified}) {
    expect(is_for_one_line(*shown));
  }
  if (!head.is_redirect()) return;
  try {
    const Url to = Url::parse("http://host.example/a").redirected(head.location);
    expect(to.text.starts_with("http://") || to.text.starts_with("https://"));
    expect(to.origin.find('@') == std::string::npos);
  } catch (const std::invalid_argument&) {
    return;  // It is no URL of the web.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_length(text);
  check_content_range(text);
  check_entity_tag(text);
  check_times(text);
  check_lines(text);
  check_head(text);
  return 0;
}
