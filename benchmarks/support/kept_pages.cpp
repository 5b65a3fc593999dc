// SPDX-License-Identifier: Apache-2.0
#include "support/kept_pages.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

#include "support/pattern.hpp"

namespace seekable::bench {

void check_pages(const StreamBuffer& buffer, std::uint64_t size) {
  std::byte page[page_size];
  for (std::uint64_t i = 0; i < 200; ++i) {
    const std::uint64_t offset = size / 200 * i;
    const std::size_t got = buffer.read_at(offset, page);
    check(got == std::min<std::uint64_t>(page_size, size - offset), "a whole page is read");
    check_pattern(offset, std::span(page).first(got));
  }
}

}  // namespace seekable::bench
