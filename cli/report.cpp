// SPDX-License-Identifier: Apache-2.0
#include "cli/report.hpp"

#include <unistd.h>

#include <string>

namespace seekable::cli {

void complain(std::string_view text) noexcept try {
  std::string line = "seekable: ";
  for (const char c : text) {
    // File names may hold anything; a report is one line and moves no cursor.
    const auto byte = static_cast<unsigned char>(c);
    line += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  line += '\n';
  // Nobody is left to be told if standard error fails.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
} catch (...) {  // NOLINT(bugprone-empty-catch): no memory is left for a line about it
}

}  // namespace seekable::cli
