// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <random>

namespace seekable::inline v1::detail::http {

/// So long at most anybody waits for anything here: a clock has an end.
inline constexpr std::chrono::hours longest_wait{24 * 365};

template <typename Duration>
Duration bounded(Duration time) {
  return time < longest_wait ? time : std::chrono::duration_cast<Duration>(longest_wait);
}

/// How often something that failed is tried again, and when: full jitter, a random time up to a
/// bound that doubles (M. Brooker, "Exponential Backoff And Jitter", 2015). Progress of any kind
/// starts it anew.
///
/// Threads: one at a time.
class Retry {
 public:
  using Duration = std::chrono::milliseconds;

  Retry(unsigned budget, Duration first, Duration longest)
      : budget_(budget), first_(first), longest_(longest) {}

  void progress() noexcept { failures_ = 0; }

  /// How long to wait for the next try; nothing: it was tried often enough. `asked_for` is what the
  /// server asks for.
  std::optional<Duration> failed(std::optional<Duration> asked_for = std::nullopt);

 private:
  const unsigned budget_;
  const Duration first_;
  const Duration longest_;
  unsigned failures_ = 0;
  std::optional<std::minstd_rand> random_;  // Not before the first failure: a seed takes its time.
};

}  // namespace seekable::inline v1::detail::http
