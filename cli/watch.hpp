// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>

#include "cli/progress.hpp"
#include "cli/signals.hpp"
#include "cli/watchable.hpp"

namespace seekable::cli {

/// The signal that ended the work.
struct Interrupted {
  int signal;
};

/// How long a source that gives nothing is waited for.
class Patience {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Patience(std::optional<std::chrono::milliseconds> limit)
      : limit_(limit), last_change_(Clock::now()) {}

  /// True when `bytes`, all that came so far, have not changed for as long as the limit.
  bool is_over(std::uint64_t bytes);

  /// How often to ask so that the answer is about right; nothing: there is no limit.
  std::optional<std::chrono::milliseconds> ask_every() const;

 private:
  std::optional<std::chrono::milliseconds> limit_;
  Clock::time_point last_change_;
  std::uint64_t last_bytes_ = 0;
};

/// What `watch` looks after.
///
/// Lifetime: all that it refers to must outlive the call of `watch`.
struct Watched {
  Watchable& subject;
  Signals& signals;
  Progress& progress;
  std::optional<std::chrono::milliseconds> timeout;  ///< ends the stream when no byte comes so long
};

/// Runs `work` on a thread of its own, draws the progress bar, and looks out for signals and for a
/// source that stalls; either cancels the subject and asks the work to stop.
///
/// Throws: what `work` threw; Failed for a stall; Interrupted for a signal. If the work does not
///     stop soon after a signal (it writes to a pipe that nobody reads), the program dies of the
///     signal.
/// Blocks: until the work has ended.
void watch(const Watched& watched, const std::function<void(std::stop_token)>& work);

/// The line about a source that has stalled.
std::string stall_text(std::chrono::milliseconds timeout);

}  // namespace seekable::cli
