// SPDX-License-Identifier: Apache-2.0
#include "cli/report.hpp"

#include <unistd.h>

#include <string>

namespace seekable::cli {

std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
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
