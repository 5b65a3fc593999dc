// SPDX-License-Identifier: Apache-2.0
#include "core/announcements.hpp"

#include <new>

#include "system/fork.hpp"

namespace seekable::inline v1::detail {

namespace {

std::atomic<Announcement::Slot*> g_slots{nullptr};
std::atomic<unsigned> g_numbers{0};

Announcement::Slot& find_or_make_slot() {
  for (auto* slot = g_slots.load(std::memory_order_acquire); slot != nullptr; slot = slot->next) {
    bool taken = false;
    if (slot->taken.compare_exchange_strong(taken, true, std::memory_order_acq_rel)) return *slot;
  }
  auto* slot = new Announcement::Slot;  // Never freed: a scan may pass it at any time.
  slot->number = g_numbers.fetch_add(1, std::memory_order_relaxed);
  slot->taken.store(true, std::memory_order_relaxed);
  slot->next = g_slots.load(std::memory_order_relaxed);
  while (!g_slots.compare_exchange_weak(slot->next, slot, std::memory_order_acq_rel)) {
  }
  return *slot;
}

// In a forked child only the forking thread goes on; what the others had announced is over.
void forget_other_threads() {
  Announcement::Slot* mine = &Announcement::slot_of_thread();
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

Announcement::Slot& Announcement::take_slot() noexcept {
  /// Gives the slot back when the thread ends; whoever reads after that, in the destructor of
  /// another object of the thread, takes one for good.
  struct GivesBack {
    ~GivesBack() {
      slot_of_this_thread = nullptr;
      slot.taken.store(false, std::memory_order_release);
    }
    Slot& slot;
  };
  thread_local bool registered = false;
  Slot& slot = find_or_make_slot();
  slot_of_this_thread = &slot;
  if (!registered) {
    registered = true;
    thread_local const GivesBack gives_back{slot};
  }
  return slot;
}

void Announcement::Users::look(const void* buffer, std::uint64_t first,
                               std::uint64_t last) noexcept {
  seen_.emplace();
  try {
    for (auto* slot = g_slots.load(std::memory_order_seq_cst); slot != nullptr; slot = slot->next) {
      if (slot->buffer.load(std::memory_order_seq_cst) != buffer) continue;
      const std::uint64_t sequence = slot->sequence.load(std::memory_order_acquire);
      const std::uint64_t block = slot->block.load(std::memory_order_acquire);
      const std::uint64_t end = slot->end.load(std::memory_order_acquire);
      if (first < end && block < last) seen_->push_back({slot, sequence});
    }
  } catch (const std::bad_alloc&) {
    seen_.reset();
  }
}

bool Announcement::Users::are_gone(const void* buffer, std::uint64_t first,
                                   std::uint64_t last) noexcept {
  if (!seen_) look(buffer, first, last);
  if (!seen_) return false;
  std::erase_if(*seen_, [buffer](const Seen& one) {
    return one.slot->buffer.load(std::memory_order_seq_cst) != buffer ||
           one.slot->sequence.load(std::memory_order_acquire) != one.sequence;
  });
  return seen_->empty();
}

}  // namespace seekable::inline v1::detail
