// SPDX-License-Identifier: Apache-2.0
#include "system/fork.hpp"

#include <pthread.h>

namespace seekable::inline v1::detail {

constinit std::atomic<std::uint32_t> ForkCheck::forks{0};

const bool ForkCheck::counts_forks =
    ::pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); }) == 0;

void at_fork(void (*before)(), void (*after_in_parent)(), void (*after_in_child)()) noexcept {
  ::pthread_atfork(before, after_in_parent, after_in_child);
}

}  // namespace seekable::inline v1::detail
