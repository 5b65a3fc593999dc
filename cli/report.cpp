// SPDX-License-Identifier: Apache-2.0
#include "cli/report.hpp"

#include <unistd.h>

#include <string>

namespace seekable::cli {

std::string one_line(std::string_view text) {
  std::string line(text);
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    // 0xc2 begins those of Latin-1 in UTF-8, which terminals obey, too.
    const bool is_second = i > 0 && line[i - 1] == '\xc2' && 0x80 <= byte && byte <= 0x9f;
    if (byte < 0x20 || byte == 0x7f || is_second) line[i] = '?';
  }
  return line;
}

void complain(std::string_view text) noexcept try {
  // File names may hold anything.
  const std::string line = "seekable: " + one_line(text) + '\n';
  // Nobody is left to be told if standard error fails.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
} catch (...) {  // NOLINT(bugprone-empty-catch): no memory is left for a line about it
}

}  // namespace seekable::cli
