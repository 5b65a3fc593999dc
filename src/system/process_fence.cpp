// SPDX-License-Identifier: Apache-2.0
#include "system/process_fence.hpp"

#include <linux/membarrier.h>

#include <chrono>
#include <thread>

#include "system/calls.hpp"
#include "system/fork.hpp"

namespace seekable::inline v1::detail {

namespace {

std::atomic<bool> g_is_there{false};

void announce_process() {
  const bool is_there = sys::membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
  g_is_there.store(is_there, std::memory_order_relaxed);
}

[[maybe_unused]] const bool g_announced = [] {
  announce_process();
  at_fork(nullptr, nullptr, announce_process);
  return true;
}();

}  // namespace

bool ProcessFence::is_there() noexcept { return g_is_there.load(std::memory_order_relaxed); }

void ProcessFence::heavy() noexcept {
  if (sys::membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0) return;
  // A sandbox that was set up since, or no memory for the call. What another thread stores is on
  // its way for less than a microsecond, or until an interrupt: so long after, everybody sees it.
  g_is_there.store(false, std::memory_order_relaxed);
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

}  // namespace seekable::inline v1::detail
