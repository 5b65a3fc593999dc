// SPDX-License-Identifier: Apache-2.0
#include "store/block_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <iterator>
#include <limits>
#include <new>
#include <utility>

#include "base/block.hpp"
#include "system/calls.hpp"
#include "system/fork.hpp"

namespace seekable::inline v1::detail {

namespace {

constexpr std::size_t slab_size = 2 * 1024 * 1024;  // A large page of x86-64 and arm64.
constexpr std::size_t slab_blocks = slab_size / block_size;
constexpr std::uint32_t all_blocks = ~std::uint32_t{0};
static_assert(slab_blocks == std::numeric_limits<std::uint32_t>::digits);

/// A slab that comes back block by block, in order, is given back as one.
constexpr std::size_t max_parked = slab_blocks;
constexpr std::size_t max_warm = BlockPool::max_idle_bytes / block_size - max_parked;

/// From so many warm blocks on none are faulted in ahead. Below it there is room for a slab more.
constexpr std::size_t enough_warm = 2 * slab_blocks;
static_assert(enough_warm + slab_blocks <= max_warm);

/// Maps one slab on a boundary of its own size.
std::byte* map_slab() noexcept {
  void* mapped = sys::mmap(2 * slab_size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* begin = static_cast<std::byte*>(mapped);
  const auto skew = reinterpret_cast<std::uintptr_t>(begin) % slab_size;
  std::byte* slab = skew == 0 ? begin : begin + (slab_size - skew);
  if (slab != begin) ::munmap(begin, static_cast<std::size_t>(slab - begin));
  const auto behind = static_cast<std::size_t>(begin + 2 * slab_size - (slab + slab_size));
  if (behind > 0) ::munmap(slab + slab_size, behind);
  ::madvise(slab, slab_size, MADV_HUGEPAGE);  // A wish: without it the pages are small.
  return slab;
}

/// A wish: without it the pages come one by one.
void fault_in(std::byte* begin, std::size_t size) noexcept {
  ::madvise(begin, size, MADV_POPULATE_WRITE);
}

}  // namespace

BlockPool& BlockPool::instance() {
  // Never destroyed: buffers in other static objects may outlive it.
  static auto* const pool = new BlockPool;
  return *pool;
}

namespace {

// Made when the library is loaded: a child forked while another thread was making it would wait for
// that thread, which it does not have.
[[maybe_unused]] const BlockPool& g_made_before_any_fork = BlockPool::instance();

}  // namespace

BlockPool::BlockPool() { at_fork(before_fork, after_fork, in_forked_child); }

// A child forked while another thread is in here must find the pool whole and unlocked.
void BlockPool::before_fork() SEEKABLE_TSA(no_thread_safety_analysis) { instance().mutex_.lock(); }
void BlockPool::after_fork() SEEKABLE_TSA(no_thread_safety_analysis) { instance().mutex_.unlock(); }

// Whoever was faulting slabs in is a thread of the parent.
void BlockPool::in_forked_child() SEEKABLE_TSA(no_thread_safety_analysis) {
  BlockPool& pool = instance();
  for (const Slabs::iterator slab : pool.slabs_) {
    if (!std::exchange(slab->is_prefaulting, false)) continue;
    pool.give_back(slab, all_blocks);
  }
  pool.prefaulting_ = 0;
  after_fork();
}

/// A bit for the block; none if it lies in another slab.
BlockPool::Mask BlockPool::mask_of(const Slab& slab, const std::byte* block) noexcept {
  if (block < slab.begin || block >= slab.begin + slab_size) return 0;
  return Mask{1} << (static_cast<std::size_t>(block - slab.begin) / block_size);
}

BlockPool::Slabs& BlockPool::list_of(Mask cold) noexcept {
  return cold == 0 ? none_cold_ : cold == all_blocks ? all_cold_ : partly_cold_;
}

void BlockPool::set_cold(Slabs::iterator slab, Mask cold) noexcept {
  Slabs& from = list_of(std::exchange(slab->cold, cold));
  Slabs& to = list_of(cold);
  to.splice(to.begin(), from, slab);
}

bool BlockPool::add_slab() noexcept {
  try {
    // So that nothing needs memory once the slab is mapped: it would be lost; `slabs_` by doubling,
    // since they come one at a time.
    warm_.reserve(max_warm);
    parked_.reserve(max_parked);
    const std::size_t wanted = slabs_.size() + 1;
    if (slabs_.capacity() < wanted) slabs_.reserve(2 * wanted);
    Slabs added(1);
    std::byte* const begin = map_slab();
    if (begin == nullptr) return false;
    added.front() = {begin, all_blocks, 0, false};
    const auto behind = std::find_if(slabs_.begin(), slabs_.end(),
                                     [=](Slabs::iterator other) { return other->begin > begin; });
    slabs_.insert(behind, added.begin());
    all_cold_.splice(all_cold_.begin(), added);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

std::byte* BlockPool::take(const std::byte* before) noexcept {
  constexpr std::size_t looked_at = 32;
  MutexLock lock(mutex_);
  if (before != nullptr) {
    const auto last =
        warm_.rbegin() + static_cast<std::ptrdiff_t>(std::min(looked_at, warm_.size()));
    const auto found = std::find(warm_.rbegin(), last, before + block_size);
    if (found != last) {
      std::byte* const block = *found;
      warm_.erase(std::next(found).base());
      return block;
    }
  }
  if (!warm_.empty()) {
    std::byte* const block = warm_.back();
    warm_.pop_back();
    return block;
  }
  if (!parked_.empty()) {
    std::byte* const block = parked_.back();
    parked_.pop_back();
    --slab_of(block)->parked;
    return block;
  }
  std::byte* const block = take_cold();
  lock.unlock();
  // Faulted in here, and not inside of a read, which keeps the writer of a pipe waiting meanwhile.
  if (block != nullptr) fault_in(block, block_size);
  return block;
}

/// The first cold block of a slab of which others are somebody's, else of any; null: no memory.
/// Requires: no block is warm or parked.
std::byte* BlockPool::take_cold() noexcept {
  if (partly_cold_.empty() && all_cold_.empty() && !add_slab()) return nullptr;
  const auto slab = partly_cold_.empty() ? all_cold_.begin() : partly_cold_.begin();
  const auto first = static_cast<unsigned>(std::countr_zero(slab->cold));
  set_cold(slab, slab->cold & (slab->cold - 1));
  return slab->begin + first * block_size;
}

/// Whole slabs alone: a block of one brings in a large page, and its neighbours would be resident
/// and counted nowhere.
bool BlockPool::prefault() noexcept {
  MutexLock lock(mutex_);
  if (warm_.size() + prefaulting_ >= enough_warm || !parked_.empty()) return false;
  if (all_cold_.empty() && !add_slab()) return false;
  const auto slab = all_cold_.begin();
  set_cold(slab, 0);
  slab->is_prefaulting = true;
  prefaulting_ += slab_blocks;
  lock.unlock();
  fault_in(slab->begin, slab_size);
  lock.lock();
  prefaulting_ -= slab_blocks;
  slab->is_prefaulting = false;
  // As the coldest of the warm ones, the first of them last. It needs no memory: `add_slab` has
  // reserved room for `max_warm`.
  std::array<std::byte*, slab_blocks> blocks;
  for (std::size_t i = 0; i < slab_blocks; ++i) {
    blocks[i] = slab->begin + (slab_blocks - 1 - i) * block_size;
  }
  warm_.insert(warm_.begin(), blocks.begin(), blocks.end());
  return true;
}

BlockPool::Slabs::iterator BlockPool::slab_of(const std::byte* block) noexcept {
  const auto behind =
      std::upper_bound(slabs_.begin(), slabs_.end(), block,
                       [](const std::byte* at, Slabs::iterator slab) { return at < slab->begin; });
  return *std::prev(behind);
}

void BlockPool::put(std::byte* block) noexcept {
  MutexLock lock(mutex_);
  if (warm_.size() + prefaulting_ < max_warm) {
    warm_.push_back(block);
    return;
  }
  parked_.push_back(block);
  const auto slab = slab_of(block);
  ++slab->parked;
  if (slab->parked + static_cast<std::size_t>(std::popcount(slab->cold)) == slab_blocks) {
    give_back(slab, all_blocks);
  } else if (parked_.size() == max_parked) {
    const auto oldest = slab_of(parked_.front());  // It has waited longest for its neighbours.
    give_back(oldest, mask_of(*oldest, parked_.front()));
  }
}

/// Gives these blocks back to the system, of which nobody has any and none is warm. The mutex is
/// held meanwhile: some may be cold, and whoever took one would lose its bytes.
void BlockPool::give_back(Slabs::iterator slab, Mask blocks) noexcept {
  slab->parked -= std::erase_if(
      parked_, [=](const std::byte* block) { return (mask_of(*slab, block) & blocks) != 0; });
  set_cold(slab, slab->cold | blocks);
  // One call for those that follow each other: a slab as one can come again as a large page.
  for (Mask left = blocks; left != 0;) {
    const auto first = static_cast<unsigned>(std::countr_zero(left));
    const auto count = static_cast<unsigned>(std::countr_one(left >> first));
    ::madvise(slab->begin + first * block_size, count * block_size, MADV_DONTNEED);
    left &= ~(all_blocks >> (slab_blocks - count) << first);
  }
}

void BlockPool::trim() noexcept {
  MutexLock lock(mutex_);
  for (auto* const idle : {&warm_, &parked_}) {
    for (const std::byte* block : *idle) {
      const auto slab = slab_of(block);
      set_cold(slab, slab->cold | mask_of(*slab, block));
    }
    idle->clear();
  }
  // Those that nobody ever took, too: a neighbour may have brought in their large page.
  for (const auto slab : slabs_) {
    slab->parked = 0;
    if (slab->cold != 0) give_back(slab, slab->cold);
  }
}

}  // namespace seekable::inline v1::detail
