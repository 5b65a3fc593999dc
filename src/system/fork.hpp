// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace seekable::inline v1::detail {

/// Counts the forks between the first process and this one; for noticing that one is the child.
///
/// Cost: one load. A child made by `vfork` or `posix_spawn` does not count: it runs none of our
/// code.
std::uint32_t fork_generation() noexcept;

/// Has `before` called in the parent ahead of each fork, and behind it `after_in_parent` there and
/// `after_in_child` in the child. Null: nothing.
void at_fork(void (*before)(), void (*after_in_parent)(), void (*after_in_child)()) noexcept;

/// Remembers the process it was made in.
class ForkCheck {
 public:
  ForkCheck() noexcept : generation_(fork_generation()) {}

  /// True in a forked child of that process.
  bool is_child() const noexcept { return generation_ != fork_generation(); }

 private:
  std::uint32_t generation_;
};

}  // namespace seekable::inline v1::detail
