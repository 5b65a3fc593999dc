// SPDX-License-Identifier: Apache-2.0
#include "cli/ranges.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "cli/number.hpp"

namespace seekable::cli {

namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw std::invalid_argument(
      fmt::format("bad range '{}': {}; write 0-99, 500- or -16", text, why));
}

std::uint64_t position(std::string_view text, const LeadingNumber& number) {
  if (number.trouble == NumberTrouble::too_big) refuse(text, "a position is more than 2^64 - 1");
  if (number.trouble == NumberTrouble::missing) refuse(text, "a position is not a number");
  return number.value;
}

void expect_end(std::string_view text, std::string_view rest) {
  if (!rest.empty()) refuse(text, fmt::format("'{}' does not belong there", rest));
}

RangeSpec parse_suffix(std::string_view text) {
  const LeadingNumber number = leading_number(text.substr(1));
  RangeSpec range;
  range.suffix = position(text, number);
  expect_end(text, number.rest);
  if (range.suffix == 0) refuse(text, "it asks for no byte");
  return range;
}

RangeSpec parse_range(std::string_view text) {
  if (text.empty()) refuse(text, "it is empty");
  if (text.starts_with("bytes=")) refuse(text, "leave out 'bytes='");
  if (text.front() == '-') return parse_suffix(text);
  const LeadingNumber first = leading_number(text);
  RangeSpec range;
  range.first = position(text, first);
  if (!first.rest.starts_with('-')) refuse(text, "there is no '-' after the first position");
  const std::string_view after = first.rest.substr(1);
  if (after.empty()) return range;
  const LeadingNumber last = leading_number(after);
  range.last = position(text, last);
  expect_end(text, last.rest);
  if (*range.last < *range.first) refuse(text, "it ends before it begins");
  return range;
}

}  // namespace

std::vector<RangeSpec> parse_ranges(std::string_view text) {
  std::vector<RangeSpec> ranges;
  for (;;) {
    const std::size_t comma = text.find(',');
    ranges.push_back(parse_range(text.substr(0, comma)));
    if (comma == std::string_view::npos) return ranges;
    text.remove_prefix(comma + 1);
  }
}

std::string range_text(const RangeSpec& range) {
  if (!range.first) return fmt::format("-{}", range.suffix);
  if (!range.last) return fmt::format("{}-", *range.first);
  return fmt::format("{}-{}", *range.first, *range.last);
}

}  // namespace seekable::cli
