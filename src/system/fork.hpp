// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "seekable/export.hpp"

namespace seekable::inline v1::detail {

/// Has `before` called in the parent ahead of each fork, and behind it `after_in_parent` there and
/// `after_in_child` in the child. Null: nothing.
SEEKABLE_EXPORT void at_fork(void (*before)(), void (*after_in_parent)(),
                             void (*after_in_child)()) noexcept;

/// Remembers the process it was made in.
///
/// A child made by `vfork` or `posix_spawn` does not count: it runs none of our code.
class SEEKABLE_EXPORT ForkCheck {
 public:
  ForkCheck() noexcept : generation_(forks.load(std::memory_order_relaxed)) {}

  /// True in a forked child of that process. Cost: one load.
  bool is_child() const noexcept { return generation_ != forks.load(std::memory_order_relaxed); }

 private:
  // Between the first process and this one; counted from when the library is loaded.
  static std::atomic<std::uint32_t> forks;
  static const bool counts_forks;

  std::uint32_t generation_;
};

}  // namespace seekable::inline v1::detail
