// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace seekable::test {

/// Ends the whole program, with the name of the case, when a case does not end by itself: a test
/// that hangs tells nobody where.
///
/// Threads: one thread at a time.
class Watchdog {
 public:
  explicit Watchdog(std::string name) : name_(std::move(name)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  }

  /// The case before has ended; this one begins.
  void next(std::string name) {
    const std::lock_guard lock(mutex_);
    name_ = std::move(name);
    ++cases_;
    changed_.notify_all();
  }

 private:
  static constexpr std::chrono::seconds patience{60};

  void watch(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      const auto seen = cases_;
      const bool moved = changed_.wait_for(lock, stop, patience, [&] { return cases_ != seen; });
      if (moved || stop.stop_requested()) continue;
      std::fprintf(stderr, "this does not end: %s\n", name_.c_str());
      std::abort();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::string name_;
  unsigned cases_ = 0;
  std::jthread thread_;
};

}  // namespace seekable::test
