// SPDX-License-Identifier: Apache-2.0
#include "system/fork.hpp"

#include <pthread.h>

namespace seekable::inline v1::detail {

namespace {

std::atomic<std::uint32_t> g_generation{0};

void count_fork() { g_generation.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

std::uint32_t fork_generation() noexcept {
  static const int registered = ::pthread_atfork(nullptr, nullptr, count_fork);
  (void)registered;
  return g_generation.load(std::memory_order_relaxed);
}

void at_fork(void (*before)(), void (*after_in_parent)(), void (*after_in_child)()) noexcept {
  ::pthread_atfork(before, after_in_parent, after_in_child);
}

}  // namespace seekable::inline v1::detail
