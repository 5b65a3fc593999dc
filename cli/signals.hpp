// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <optional>

#include "seekable/file_descriptor.hpp"

namespace seekable::cli {

/// A signal that has arrived.
struct ArrivedSignal {
  int number = 0;
  bool from_keyboard = false;  ///< the terminal sent it, to COMMAND as well
};

/// Takes SIGINT, SIGQUIT, SIGTERM, SIGHUP and SIGCHLD as events of a descriptor, in place of their
/// effect, and lets writes to a closed pipe, or past the limit on a file's size, fail instead of
/// killing.
///
/// A signal that was ignored when the program started stays ignored (`nohup`, a shell's `&`).
/// The destructor brings the old state back.
/// Threads: made and used by the main thread, before there are others.
class Signals {
 public:
  Signals() = default;
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Begins to take them; before, they have the effect that they always have.
  void begin();

  /// Becomes readable when a signal has arrived.
  int fd() const noexcept { return fd_.get(); }

  /// The next signal that has arrived, if any; never waits.
  std::optional<ArrivedSignal> next() noexcept;

  /// The signals that were blocked before.
  const sigset_t& original_mask() const noexcept { return original_mask_; }

 private:
  FileDescriptor fd_;
  sigset_t original_mask_{};
};

/// Ends the program as if `signal` had not been taken, so that whoever waits for it sees that.
[[noreturn]] void die_of(int signal) noexcept;

}  // namespace seekable::cli
