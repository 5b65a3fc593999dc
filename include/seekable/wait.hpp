// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <stop_token>

namespace seekable::inline v1 {

/// How long a call may wait for the stream. A call that gives up loses nothing: what was pulled is
/// kept.
///
/// A call with a `Wait`, also one without limits, never enters the source itself: the first one
/// starts the thread of the buffer. (Unless it says `may_pull`.)
struct Wait {
  /// After this the call throws `Errc::timed_out`. Default: no limit.
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();

  /// When this is asked to stop the call throws `Errc::cancelled`.
  std::stop_token stop_token = {};

  /// The call pulls by itself where nobody else does, as one without a `Wait`. While it pulls, the
  /// limits do not apply. For who must wake up now and then while another thread pulls, and wants
  /// no thread.
  bool may_pull = false;
};

}  // namespace seekable::inline v1
