// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>

#include "base/block.hpp"
#include "seekable/bytes.hpp"
#include "seekable/error.hpp"
#include "system/event.hpp"

namespace seekable::inline v1::detail {

struct Lane;

/// What a reader cannot go on without.
struct Need {
  std::uint64_t byte = 0;     ///< the first byte that is missing; `unknown`: the end of the stream
  std::uint64_t until = 0;    ///< whoever fills pulls so far
  std::uint64_t wake_at = 0;  ///< asleep until bytes are kept so far, from `byte` on
  std::uint64_t wanted_end = unknown;  ///< a hint to the source: so far will be read
  bool exact = false;                  ///< not a byte past `until` is pulled
  bool for_size = false;               ///< a declared size will do
  bool for_all = false;                ///< nothing will do once the first byte was given up

  /// For reading bytes as they come, `[byte, end)` of them.
  static Need bytes(std::uint64_t byte, std::uint64_t end) noexcept {
    const std::uint64_t until = std::min(end, block_end(byte));
    return {byte, until, until, end};
  }

  /// For one byte or more.
  static Need some(std::uint64_t byte, std::uint64_t end) noexcept {
    return {byte, byte + 1, byte + 1, end};
  }

  /// For the end of the stream, whatever was given up.
  static Need end() noexcept { return {unknown, unknown, unknown, unknown}; }

  /// For the size of the stream.
  static Need size() noexcept {
    Need need = end();
    need.for_size = true;
    return need;
  }
};

/// A thread that waits until its need is met: if others wait too it yields for a while, then it
/// sleeps.
///
/// Lifetime: on the stack of its thread, in the list only while that thread waits.
struct Waiter {
  Need need;
  bool may_fill = false;    ///< it may enter the source itself
  bool in_company = false;  ///< others were waiting when it came
  Event event;
  bool woken = false;    ///< its bytes are there, or it was told something
  Lane* told = nullptr;  ///< it is the filler of this lane now (invariant 3)
  /// What kept the thread that fills from going on, though the stream has not failed.
  std::shared_ptr<const Failure> trouble;
  Waiter* next = nullptr;
  Waiter* previous = nullptr;
};

/// A callback of `when_available` and how far it has come. All under the fill's mutex but the call.
class Callback {
 public:
  enum class State : std::uint8_t { waiting, due, running, done };

  Callback(ByteRange range, std::function<void(std::error_code)> function)
      : range(range), function(std::move(function)) {}

  const ByteRange range;
  std::function<void(std::error_code)> function;
  std::uint64_t byte = 0;     ///< the first missing byte of the range
  std::uint64_t wake_at = 0;  ///< look again when bytes are kept so far
  State state = State::waiting;
  std::error_code result;
  std::thread::id runs_on;
  Event finished;
};

}  // namespace seekable::inline v1::detail
