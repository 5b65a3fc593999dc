// SPDX-License-Identifier: Apache-2.0
#include "system/process_fence.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "system/fork.hpp"

namespace seekable::inline v1::detail {

namespace {

bool membarrier(int command) noexcept { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

std::atomic<bool> g_is_there{false};

void announce_process() {
  g_is_there.store(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED),
                   std::memory_order_relaxed);
}

[[maybe_unused]] const bool g_announced = [] {
  announce_process();
  at_fork(nullptr, nullptr, announce_process);
  return true;
}();

}  // namespace

bool ProcessFence::is_there() noexcept { return g_is_there.load(std::memory_order_relaxed); }

void ProcessFence::heavy() noexcept { membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED); }

}  // namespace seekable::inline v1::detail
