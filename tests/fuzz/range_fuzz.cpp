// SPDX-License-Identifier: Apache-2.0
// Ranges are read exactly, or refused with one line; what is read makes sense and is written back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include "cli/ranges.hpp"

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

void check(std::string_view text) {
  const auto ranges = seekable::cli::parse_ranges(text);
  expect(!ranges.empty());
  std::string written;
  for (const auto& range : ranges) {
    if (range.first) {
      expect(range.suffix == 0);
      expect(!range.last || *range.last >= *range.first);
    } else {
      expect(!range.last && range.suffix > 0);
    }
    written += (written.empty() ? "" : ",") + seekable::cli::range_text(range);
  }
  expect(seekable::cli::parse_ranges(written) == ranges);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    check({reinterpret_cast<const char*>(data), size});
  } catch (const std::invalid_argument& error) {
    expect(std::strlen(error.what()) > 0);
  }
  return 0;
}
