// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <csignal>
#include <string>
#include <variant>
#include <vector>

#include "cli/private_name.hpp"
#include "cli/signals.hpp"

namespace seekable::cli {

/// How COMMAND is to be started.
///
/// Lifetime: the pointer must be good during the call of `start_child`.
struct ChildPlan {
  std::vector<std::string> arguments;  ///< COMMAND first
  int standard_input = -1;             ///< becomes descriptor 0; -1: inherited
  int inherited = -1;                  ///< stays open under its number; -1: none
  const PrivateName* name = nullptr;   ///< a name for the file in a namespace of the child's own
  sigset_t mask{};                     ///< the signals that are blocked in COMMAND
};

/// Starts COMMAND, looked for along `$PATH`. It is killed if this program is (the kernel sees to
/// it).
///
/// Returns: its process id, or why it did not start; then no process is left.
/// Throws: std::system_error if there can be no process at all.
std::variant<pid_t, ChildTrouble> start_child(const ChildPlan& plan);

/// How COMMAND ended.
struct ChildEnd {
  int status = 0;         ///< as `waitpid` gives it
  int passed_on = 0;      ///< the signal that somebody sent to this program; 0: none
  bool keyboard = false;  ///< a signal came from the keyboard
};

/// Waits for the end of COMMAND. A signal that was sent to this program is passed on; a second one,
/// or five seconds, and COMMAND is killed. What the keyboard sends reaches COMMAND by itself, and
/// COMMAND decides.
ChildEnd wait_for_child(pid_t child, Signals& signals);

/// Whether COMMAND can be found, before a byte of the stream is taken.
///
/// Throws: Failed with exit status 127, or 126 for what is found but not executable.
void check_command(const std::string& command);

}  // namespace seekable::cli
