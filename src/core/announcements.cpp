// SPDX-License-Identifier: Apache-2.0
#include "core/announcements.hpp"

#include "system/fork.hpp"

namespace seekable::inline v1::detail {

namespace {

std::atomic<Announcement::Slot*> g_slots{nullptr};
std::atomic<unsigned> g_threads{0};

Announcement::Slot& take_slot() {
  for (auto* slot = g_slots.load(std::memory_order_acquire); slot != nullptr; slot = slot->next) {
    bool taken = false;
    if (slot->taken.compare_exchange_strong(taken, true, std::memory_order_acq_rel)) return *slot;
  }
  auto* slot = new Announcement::Slot;  // Never freed: a scan may pass it at any time.
  slot->taken.store(true, std::memory_order_relaxed);
  slot->next = g_slots.load(std::memory_order_relaxed);
  while (!g_slots.compare_exchange_weak(slot->next, slot, std::memory_order_acq_rel)) {
  }
  return *slot;
}

/// This thread's slot, given back when the thread ends.
class SlotOfThread {
 public:
  SlotOfThread() : slot_(take_slot()) {}
  ~SlotOfThread() { slot_.taken.store(false, std::memory_order_release); }
  Announcement::Slot& slot() noexcept { return slot_; }

 private:
  Announcement::Slot& slot_;
};

Announcement::Slot& slot_of_thread() {
  thread_local SlotOfThread mine;
  return mine.slot();
}

// In a forked child only the forking thread goes on; what the others had announced is over.
void forget_other_threads() {
  Announcement::Slot* mine = &slot_of_thread();
  for (auto* slot = g_slots.load(std::memory_order_acquire); slot != nullptr; slot = slot->next) {
    if (slot == mine) continue;
    slot->buffer.store(nullptr, std::memory_order_release);
    slot->taken.store(false, std::memory_order_release);
  }
}

[[maybe_unused]] const bool g_registered = [] {
  at_fork(nullptr, nullptr, forget_other_threads);
  return true;
}();

}  // namespace

Announcement::Announcement(const void* buffer, std::uint64_t block) noexcept
    : slot_(slot_of_thread()) {
  const std::uint64_t sequence = slot_.sequence.load(std::memory_order_relaxed) + 1;
  slot_.sequence.store(sequence, std::memory_order_release);
  slot_.block.store(block, std::memory_order_relaxed);
  slot_.buffer.store(buffer, std::memory_order_seq_cst);
}

Announcement::~Announcement() { slot_.buffer.store(nullptr, std::memory_order_release); }

std::vector<Announcement::Seen> Announcement::all(const void* buffer, std::uint64_t first,
                                                  std::uint64_t last) {
  std::vector<Seen> seen;
  for (auto* slot = g_slots.load(std::memory_order_seq_cst); slot != nullptr; slot = slot->next) {
    if (slot->buffer.load(std::memory_order_seq_cst) != buffer) continue;
    const std::uint64_t sequence = slot->sequence.load(std::memory_order_acquire);
    const std::uint64_t block = slot->block.load(std::memory_order_acquire);
    if (first <= block && block < last) seen.push_back({slot, sequence});
  }
  return seen;
}

bool Announcement::are_over(const void* buffer, std::vector<Seen>& seen) noexcept {
  std::erase_if(seen, [buffer](const Seen& one) {
    return one.slot->buffer.load(std::memory_order_seq_cst) != buffer ||
           one.slot->sequence.load(std::memory_order_acquire) != one.sequence;
  });
  return seen.empty();
}

unsigned thread_stripe() noexcept {
  thread_local const unsigned stripe = g_threads.fetch_add(1, std::memory_order_relaxed);
  return stripe;
}

}  // namespace seekable::inline v1::detail
