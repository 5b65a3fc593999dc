// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

namespace seekable::inline v1::detail {

/// Sends `signal` to all that `pid` has started, directly or not; not to `pid` itself.
///
/// A shell dies of a signal and leaves what it runs behind. What is started meanwhile may be
/// missed, as is all where the kernel keeps no list of children (/proc/PID/task/TID/children); but
/// no stranger is met: each is held by a descriptor and its parent looked at again. Requires: `pid`
/// is a child of this process that has not been reaped.
void signal_descendants(pid_t pid, int signal) noexcept;

}  // namespace seekable::inline v1::detail
