// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>

#include "cli/report.hpp"
#include "cli/watch.hpp"
#include "seekable/error.hpp"
#include "seekable/stream_buffer.hpp"
#include "seekable/wait.hpp"

namespace seekable::cli {

/// Makes a waiting call of `buffer` as often as it takes, until it returns or the source has given
/// nothing for `timeout`. Time in which nobody asks the source does not count, as `watch` would
/// count it.
///
/// Throws: Failed for a stall; what `call` throws.
template <typename Call>
auto patiently(const StreamBuffer& buffer, std::optional<std::chrono::milliseconds> timeout,
               Call call) {
  Patience patience(timeout);
  const auto tick = patience.ask_every();
  for (;;) {
    Wait wait;
    if (tick) wait.deadline = Patience::Clock::now() + *tick;
    try {
      return call(wait);
    } catch (const Error& error) {
      if (error.code() != Errc::timed_out || buffer.failure()) throw;
    }
    if (patience.is_over(buffer.stats().bytes_on_wire)) throw Failed(stall_text(*timeout));
  }
}

}  // namespace seekable::cli
