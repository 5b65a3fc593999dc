// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

namespace seekable::inline v1::detail {

/// A `T` that is made when it is first needed: for what most streams never use.
///
/// Threads: safe from any number of threads, as far as `T` is.
template <typename T>
class Lazy {
 public:
  Lazy() = default;
  Lazy(const Lazy&) = delete;
  Lazy& operator=(const Lazy&) = delete;
  ~Lazy() { delete made_.load(std::memory_order_acquire); }

  /// Null where it was not needed yet.
  T* get() const noexcept { return made_.load(std::memory_order_acquire); }

  /// The `T`, made now if there is none yet. Throws: std::bad_alloc.
  T& make() {
    if (T* made = get()) return *made;
    auto mine = std::make_unique<T>();
    T* none = nullptr;
    // Another thread may have been first: then its one is the one.
    if (!made_.compare_exchange_strong(none, mine.get(), std::memory_order_acq_rel)) return *none;
    return *mine.release();
  }

 private:
  std::atomic<T*> made_{nullptr};
};

}  // namespace seekable::inline v1::detail
