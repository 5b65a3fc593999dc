// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "seekable/export.hpp"

namespace seekable::inline v1 {

namespace detail {
class Callback;
class Engine;
}  // namespace detail

/// A callback that `StreamBuffer::when_available` has still to make.
///
/// Threads: one thread at a time.
class SEEKABLE_EXPORT Subscription {
 public:
  Subscription() = default;
  Subscription(Subscription&& other) noexcept;
  Subscription& operator=(Subscription&& other) noexcept;

  /// As `cancel`.
  ~Subscription();

  /// Withdraws the callback: after this returns it is not running and will not be called.
  ///
  /// Blocks: while the callback runs on another thread; called from the callback itself it
  ///     returns at once.
  void cancel() noexcept;

 private:
  friend class detail::Engine;
  Subscription(std::shared_ptr<detail::Engine> engine,
               std::shared_ptr<detail::Callback> callback) noexcept;

  std::shared_ptr<detail::Engine> engine_;
  std::shared_ptr<detail::Callback> callback_;
};

}  // namespace seekable::inline v1
