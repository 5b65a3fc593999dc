// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "errors.hpp"
#include "gil.hpp"
#include "seekable/wait.hpp"

namespace seekable::python {

/// How often the main thread looks for a signal while it waits.
inline constexpr std::chrono::milliseconds signal_period{50};

/// When a call gives up, if ever: seconds from now. A call with a time-out never pulls itself.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  /// Throws: py::value_error for one that is negative or not a number.
  explicit Deadline(std::optional<double> timeout);

  /// Calls `call(wait)` without the interpreter lock, as often as its `wait` passes before this
  /// deadline does; between, handlers of signals are run, and what they raise is thrown. `wait` is
  /// null where nothing can interrupt the call.
  ///
  /// `may_pull`: where there is no time-out, the caller's own thread may enter the source.
  template <typename Call>
  auto run(bool may_pull, Call&& call) const {
    for (;;) {
      const bool is_main = is_main_thread();
      if (!is_main && !timeout_) {
        return without_gil([&] { return call(static_cast<const Wait*>(nullptr)); });
      }
      Wait wait;
      wait.may_pull = may_pull && !timeout_;
      wait.deadline = is_main ? std::min(at_, Clock::now() + signal_period) : at_;
      try {
        return without_gil([&] { return call(static_cast<const Wait*>(&wait)); });
      } catch (const Error& error) {
        if (error.code() != Errc::timed_out || Clock::now() < wait.deadline) throw;
        if (timeout_ && Clock::now() >= at_) throw;
      }
      if (::PyErr_CheckSignals() != 0) throw py::error_already_set();
    }
  }

  bool is_over() const { return timeout_ && Clock::now() >= at_; }

  /// What is left of the time, `most` at most.
  std::chrono::nanoseconds left(std::chrono::nanoseconds most) const {
    return std::clamp<std::chrono::nanoseconds>(at_ - Clock::now(), std::chrono::nanoseconds{0},
                                                most);
  }

 private:
  bool timeout_ = false;
  Clock::time_point at_ = Clock::time_point::max();
};

}  // namespace seekable::python
