// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <vector>

#include "seekable/file_descriptor.hpp"

namespace seekable::inline v1::detail {

/// All that a process has started, directly or not; not the process itself.
///
/// A shell dies of a signal and leaves what it runs behind. What is started meanwhile may be
/// missed, as is all where the kernel keeps no list of children (/proc/PID/task/TID/children); but
/// no stranger is met: each is held by a descriptor and its parent looked at again.
class Descendants {
 public:
  /// Requires: `pid` is a child of this process that has not been reaped.
  explicit Descendants(pid_t pid) noexcept;

  /// Parents first.
  void signal(int number) const noexcept;

 private:
  void hold(pid_t parent);

  std::vector<FileDescriptor> held_;
};

}  // namespace seekable::inline v1::detail
