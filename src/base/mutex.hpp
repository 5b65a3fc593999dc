// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// A mutex that clang's -Wthread-safety understands; std::mutex is not annotated in libstdc++.

#include <mutex>

#if defined(__clang__)
#define SEEKABLE_TSA(x) __attribute__((x))
#else
#define SEEKABLE_TSA(x)
#endif
#define SEEKABLE_GUARDED_BY(mutex) SEEKABLE_TSA(guarded_by(mutex))
#define SEEKABLE_REQUIRES(mutex) SEEKABLE_TSA(requires_capability(mutex))
#define SEEKABLE_EXCLUDES(mutex) SEEKABLE_TSA(locks_excluded(mutex))

namespace seekable::inline v1::detail {

class SEEKABLE_TSA(capability("mutex")) Mutex {
 public:
  void lock() SEEKABLE_TSA(acquire_capability()) { mutex_.lock(); }
  void unlock() SEEKABLE_TSA(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

/// Holds a mutex for a scope; may be let go and taken again inside it.
class SEEKABLE_TSA(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) SEEKABLE_TSA(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  ~MutexLock() SEEKABLE_TSA(release_capability()) {
    if (held_) mutex_.unlock();
  }

  void unlock() SEEKABLE_TSA(release_capability()) {
    held_ = false;
    mutex_.unlock();
  }
  void lock() SEEKABLE_TSA(acquire_capability()) {
    mutex_.lock();
    held_ = true;
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

}  // namespace seekable::inline v1::detail
