// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/mutex.hpp"

namespace seekable::inline v1::detail::http {

/// Counts for `HttpTraffic`.
struct Traffic {
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> bytes{0};
};

/// What is known of the way to an origin: its throughput `B` and the time `T` until the first byte
/// of a new range is there. Both are measured on what is fetched anyway.
///
/// A gap of `g` bytes ahead of a connection costs `(g - in flight) / B` to read through, and `T` to
/// jump over; so it is read through while `g <= in flight + B * T`, between 64 KiB and 16 MiB.
///
/// Threads: safe from any number of threads.
class Link {
 public:
  using Duration = std::chrono::duration<double>;

  static constexpr std::uint64_t least_gap = 64 * 1024;
  static constexpr std::uint64_t largest_gap = 16 * 1024 * 1024;
  /// Assumed until both are known.
  static constexpr std::uint64_t first_gap = 1024 * 1024;
  /// A throughput counts once so much was measured; below that slow start decides. The number is a
  /// choice, and nothing depends on its last digit.
  static constexpr std::uint64_t trusted_bytes = 83 * 1000;

  /// `bytes` came in `time`, in which the connection was never made to wait for us.
  void received(std::uint64_t bytes, Duration time);

  /// So long it took from a request to the first byte of its answer. What counts is the time with a
  /// new connection, since whoever leaves an answer before its end gives up its connection.
  void answered(Duration time, bool new_connection);

  /// Bytes that come in the time that a new request takes, clamped.
  std::uint64_t bytes_per_request() const;

  /// How much to ask for where `wanted` will be read: what comes in the time of a further request,
  /// too. Until that is known: whoever begins at the start is likely to read on, and who jumps is
  /// not to wait for more than he wants, 64 KiB at least. (May overflow: then it is less than
  /// `wanted`.)
  std::uint64_t worth_asking_for(std::uint64_t wanted, bool from_start) const;

  bool worth_reading_through(std::uint64_t gap, std::uint64_t in_flight) const;

 private:
  bool is_known() const SEEKABLE_REQUIRES(mutex_);
  std::uint64_t bytes_per_known_request() const SEEKABLE_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::uint64_t measured_ SEEKABLE_GUARDED_BY(mutex_) = 0;
  double bytes_ SEEKABLE_GUARDED_BY(mutex_) = 0;            // decayed by the time spent receiving
  double seconds_ SEEKABLE_GUARDED_BY(mutex_) = 0;          // so is this
  double first_byte_ SEEKABLE_GUARDED_BY(mutex_) = 0;       // seconds; 0: not known
  bool has_connected_ SEEKABLE_GUARDED_BY(mutex_) = false;  // `first_byte_` includes that
};

}  // namespace seekable::inline v1::detail::http
