// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>

#include "base/mutex.hpp"
#include "seekable/error.hpp"
#include "seekable/wait.hpp"

namespace seekable::inline v1::detail {

/// Lets one thread at a time do something long. Those behind it hold no lock and may give up.
///
/// Threads: safe from any number of threads.
class Turns {
 public:
  /// Holds the turn for a scope.
  ///
  /// Throws: Error: `timed_out`, `cancelled` where `wait`, if there is one, is over first.
  class Turn {
   public:
    Turn(Turns& turns, const Wait* wait) : turns_(turns) { turns_.take(wait); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { turns_.give_back(); }

   private:
    Turns& turns_;
  };

 private:
  void take(const Wait* wait) {
    MutexLock lock(mutex_);
    const auto is_free = [this]() SEEKABLE_REQUIRES(mutex_) { return !taken_; };
    if (wait == nullptr) {
      changed_.wait(lock, is_free);
    } else if (!changed_.wait_until(lock, wait->stop_token, wait->deadline, is_free)) {
      const bool stopped = wait->stop_token.stop_requested();
      throw Error(stopped ? Errc::cancelled : Errc::timed_out,
                  "wait for another thread that makes the stream a file", 0);
    }
    taken_ = true;
  }

  void give_back() noexcept {
    MutexLock lock(mutex_);
    taken_ = false;
    changed_.notify_all();
  }

  Mutex mutex_;
  std::condition_variable_any changed_;
  bool taken_ SEEKABLE_GUARDED_BY(mutex_) = false;
};

}  // namespace seekable::inline v1::detail
