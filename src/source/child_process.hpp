// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.hpp"
#include "seekable/file_descriptor.hpp"
#include "source/canceller.hpp"
#include "system/fork.hpp"

namespace seekable::inline v1::detail {

/// A program that runs, and its standard output. Its other files are those of this process.
///
/// A signal is sent only while the child has not been reaped, so never to a stranger who got its
/// number.
///
/// Threads: `signal` from any thread at any time; the rest from one at a time.
class ChildProcess {
 public:
  /// How a child ended.
  struct Exit {
    bool killed = false;  ///< by a signal
    int status = 0;       ///< the exit status, or the number of the signal
  };

  /// Starts `argv[0]`, looked for along `$PATH`, with no signal blocked and SIGPIPE as by default.
  ///
  /// Throws: std::system_error if it cannot be started. Requires: `argv` is not empty.
  ChildProcess(const std::vector<std::string>& argv, FileDescriptor& output);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Ends the child if it still runs: SIGTERM, a moment later SIGKILL. No zombie stays; in a forked
  /// process it does nothing.
  ~ChildProcess();

  void signal(int number) noexcept;

  /// Waits for its end.
  ///
  /// Returns: nothing if `canceller` was cancelled first.
  /// Throws: std::system_error; ECHILD if somebody else took its exit status.
  std::optional<Exit> wait(Canceller& canceller);

 private:
  using Milliseconds = std::chrono::milliseconds;

  std::optional<Exit> reap(int options) SEEKABLE_EXCLUDES(mutex_);
  bool ends_within(Milliseconds limit);

  const ForkCheck fork_;
  pid_t pid_ = -1;
  FileDescriptor pidfd_;  // Nothing where the kernel has none: then its end is polled for.
  Mutex mutex_;
  bool gone_ SEEKABLE_GUARDED_BY(mutex_) = false;
  std::optional<Exit> exit_ SEEKABLE_GUARDED_BY(mutex_);
};

}  // namespace seekable::inline v1::detail
