// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "cli/report.hpp"

namespace seekable::cli {

void throw_output_trouble(int error) {
  if (error == EPIPE) throw OutputClosed{};
  throw Failed(fmt::format("cannot write to standard output: {}; {}",
                           std::system_category().message(error),
                           error == ENOSPC ? "make room there" : "see where it goes"));
}

void write_output(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd output{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&output, 1, -1);
    } else if (errno != EINTR) {
      throw_output_trouble(errno);
    }
  }
}

void write_output(std::string_view text) { write_output(std::as_bytes(std::span(text))); }

}  // namespace seekable::cli
