// SPDX-License-Identifier: Apache-2.0
#include "store/block_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <new>
#include <utility>

#include "base/block.hpp"
#include "system/calls.hpp"
#include "system/fork.hpp"

namespace seekable::inline v1::detail {

namespace {

constexpr std::size_t slab_size = 2 * 1024 * 1024;  // A large page of x86-64 and arm64.
constexpr std::size_t slab_blocks = slab_size / block_size;

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

/// Room for `size` in all; by doubling, since slabs come one at a time.
template <typename T>
void reserve(std::vector<T>& vector, std::size_t size) {
  if (vector.capacity() < size) vector.reserve(std::max(size, 2 * vector.capacity()));
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
  for (Slab& slab : pool.slabs_) {
    if (!std::exchange(slab.is_prefaulting, false)) continue;
    ::madvise(slab.begin, slab_size, MADV_DONTNEED);
    pool.add_cold(slab);
  }
  pool.prefaulting_ = 0;
  after_fork();
}

/// Adds all blocks of a slab of which nobody has any, so that the first is the next to be taken.
void BlockPool::add_cold(Slab& slab) noexcept {
  for (std::size_t at = slab_size; at > 0; at -= block_size) {
    cold_.push_back(slab.begin + at - block_size);
  }
  slab.spare = slab_blocks;
}

bool BlockPool::add_slab() noexcept {
  try {
    // Room for every block there is, so that `put` need not allocate.
    const std::size_t blocks = (slabs_.size() + 1) * slab_blocks;
    warm_.reserve(std::min(blocks, max_warm));
    parked_.reserve(max_parked);
    reserve(cold_, blocks);
    reserve(slabs_, slabs_.size() + 1);
    std::byte* slab = map_slab();
    if (slab == nullptr) return false;
    const auto behind = std::find_if(slabs_.begin(), slabs_.end(),
                                     [slab](const Slab& other) { return other.begin > slab; });
    add_cold(*slabs_.insert(behind, {slab, 0, false}));
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
  if (warm_.empty() && parked_.empty() && cold_.empty() && !add_slab()) return nullptr;
  const bool is_warm = !warm_.empty();
  const bool is_cold = !is_warm && parked_.empty();
  auto& idle = is_warm ? warm_ : is_cold ? cold_ : parked_;
  std::byte* block = idle.back();
  idle.pop_back();
  if (!is_warm) --slab_of(block).spare;
  lock.unlock();
  // Faulted in here, and not inside of a read, which keeps the writer of a pipe waiting meanwhile.
  if (is_cold) fault_in(block, block_size);
  return block;
}

/// A slab of which nobody has a block, and which is not resident; null: there is none, and no
/// memory for one. Requires: no block is parked.
BlockPool::Slab* BlockPool::cold_slab() noexcept {
  const auto is_cold = [](const Slab& slab) { return slab.spare == slab_blocks; };
  auto found = std::find_if(slabs_.begin(), slabs_.end(), is_cold);
  if (found == slabs_.end() && add_slab()) {
    found = std::find_if(slabs_.begin(), slabs_.end(), is_cold);
  }
  return found == slabs_.end() ? nullptr : &*found;
}

/// Whole slabs alone: a block of one brings in a large page, and its neighbours would be resident
/// and counted nowhere.
bool BlockPool::prefault() noexcept {
  MutexLock lock(mutex_);
  if (warm_.size() + prefaulting_ >= enough_warm || !parked_.empty()) return false;
  Slab* const slab = cold_slab();
  if (slab == nullptr) return false;
  std::byte* const begin = slab->begin;
  std::erase_if(cold_, [begin](const std::byte* block) {
    return block >= begin && block < begin + slab_size;
  });
  slab->spare = 0;
  slab->is_prefaulting = true;
  prefaulting_ += slab_blocks;
  lock.unlock();
  fault_in(begin, slab_size);
  lock.lock();
  prefaulting_ -= slab_blocks;
  slab_of(begin).is_prefaulting = false;  // (There may be more slabs now.)
  // As the coldest of the warm ones, the first of them last. It needs no memory: `add_slab` has
  // reserved room for `max_warm`.
  std::array<std::byte*, slab_blocks> blocks;
  for (std::size_t i = 0; i < slab_blocks; ++i) {
    blocks[i] = begin + (slab_blocks - 1 - i) * block_size;
  }
  warm_.insert(warm_.begin(), blocks.begin(), blocks.end());
  return true;
}

BlockPool::Slab& BlockPool::slab_of(const std::byte* block) noexcept {
  const auto behind =
      std::upper_bound(slabs_.begin(), slabs_.end(), block,
                       [](const std::byte* at, const Slab& slab) { return at < slab.begin; });
  return *std::prev(behind);
}

void BlockPool::put(std::byte* block) noexcept {
  MutexLock lock(mutex_);
  if (warm_.size() + prefaulting_ < max_warm) {
    warm_.push_back(block);
    return;
  }
  parked_.push_back(block);
  Slab& slab = slab_of(block);
  if (++slab.spare == slab_blocks) {
    give_back(slab.begin, slab_size);
  } else if (parked_.size() == max_parked) {
    give_back(parked_.front(), block_size);  // It has waited longest for its neighbours.
  }
}

/// Gives these bytes back to the system, with those parked blocks that lie in them. The mutex is
/// held meanwhile: others of their blocks may be cold, and whoever took one would lose its bytes.
void BlockPool::give_back(std::byte* begin, std::size_t size) noexcept {
  const auto is_in_it = [=](const std::byte* one) { return one >= begin && one < begin + size; };
  std::array<std::byte*, max_parked> blocks;
  // So that the first of them is the next to be taken.
  const auto end = std::copy_if(parked_.rbegin(), parked_.rend(), blocks.begin(), is_in_it);
  std::erase_if(parked_, is_in_it);
  ::madvise(begin, size, MADV_DONTNEED);
  cold_.insert(cold_.end(), blocks.begin(), end);
}

void BlockPool::trim() noexcept {
  MutexLock lock(mutex_);
  for (const std::byte* block : warm_) ++slab_of(block).spare;
  cold_.insert(cold_.end(), warm_.begin(), warm_.end());
  cold_.insert(cold_.end(), parked_.begin(), parked_.end());
  warm_.clear();
  parked_.clear();
  // Those that nobody ever took, too: a neighbour may have brought in their large page.
  for (std::byte* block : cold_) ::madvise(block, block_size, MADV_DONTNEED);
}

}  // namespace seekable::inline v1::detail
