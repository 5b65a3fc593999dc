// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <stop_token>
#include <vector>

#include "base/mutex.hpp"
#include "seekable/error.hpp"
#include "seekable/wait.hpp"
#include "system/event.hpp"

namespace seekable::inline v1::detail {

/// Lets one thread at a time do something long, in the order in which they came. Those behind it
/// hold no lock and may give up.
///
/// Nothing here needs a destructor that looks at waiters, so a forked child can destroy it.
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
    ~Turn() { turns_.pass_on(); }

   private:
    Turns& turns_;
  };

 private:
  /// A thread that sleeps until it is its turn; on that thread's stack.
  struct Sleeper {
    Event event;
    bool has_turn = false;
  };

  void take(const Wait* wait) {
    Sleeper sleeper;
    {
      MutexLock lock(mutex_);
      if (!taken_) {
        taken_ = true;
        return;
      }
      sleepers_.push_back(&sleeper);
    }
    if (wait == nullptr) {
      sleeper.event.wait();
      return;
    }
    {
      const std::stop_callback wake(wait->stop_token, [&] { sleeper.event.set(); });
      sleeper.event.wait_until(wait->deadline);
    }
    MutexLock lock(mutex_);
    if (sleeper.has_turn) return;
    sleepers_.erase(std::find(sleepers_.begin(), sleepers_.end(), &sleeper));
    const bool stopped = wait->stop_token.stop_requested();
    throw Error(stopped ? Errc::cancelled : Errc::timed_out,
                "wait for another thread that makes the stream a file", 0);
  }

  void pass_on() noexcept {
    MutexLock lock(mutex_);
    taken_ = !sleepers_.empty();
    if (!taken_) return;
    Sleeper& next = *sleepers_.front();
    sleepers_.erase(sleepers_.begin());
    next.has_turn = true;
    next.event.set();
  }

  Mutex mutex_;
  std::vector<Sleeper*> sleepers_ SEEKABLE_GUARDED_BY(mutex_);
  bool taken_ SEEKABLE_GUARDED_BY(mutex_) = false;
};

}  // namespace seekable::inline v1::detail
