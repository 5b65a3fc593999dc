// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace seekable::cli {

/// What the command's exit status says.
enum ExitStatus : int {
  exit_success = 0,
  exit_failure = 1,           ///< the world did something wrong
  exit_usage = 2,             ///< the command line is wrong
  exit_not_executable = 126,  ///< COMMAND was found but could not be run
  exit_not_found = 127,       ///< COMMAND was not found
  exit_signal_base = 128,     ///< plus n: COMMAND was killed by signal n
};

/// The command line is wrong: exit status 2. The text is what a person reads, without "seekable: ".
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The world did something wrong. The text is what a person reads, without "seekable: ".
class Failed : public std::runtime_error {
 public:
  explicit Failed(const std::string& what, int exit_status = exit_failure)
      : std::runtime_error(what), exit_status_(exit_status) {}

  int exit_status() const noexcept { return exit_status_; }

 private:
  int exit_status_;
};

/// `text` without what moves a cursor or begins a line: each such character is a `?`.
std::string one_line(std::string_view text);

/// Writes `seekable: TEXT` to standard error, as one line whatever `text` holds, in one piece.
void complain(std::string_view text) noexcept;

}  // namespace seekable::cli
