// SPDX-License-Identifier: Apache-2.0
#include "store/block_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <new>

#include "base/block.hpp"
#include "system/calls.hpp"
#include "system/fork.hpp"

namespace seekable::inline v1::detail {

namespace {

constexpr std::size_t slab_size = 2 * 1024 * 1024;  // A large page of x86-64 and arm64.

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

BlockPool::BlockPool() { at_fork(before_fork, after_fork, after_fork); }

// A child forked while another thread is in here must find the pool whole and unlocked.
void BlockPool::before_fork() SEEKABLE_TSA(no_thread_safety_analysis) { instance().mutex_.lock(); }
void BlockPool::after_fork() SEEKABLE_TSA(no_thread_safety_analysis) { instance().mutex_.unlock(); }

bool BlockPool::add_slab() noexcept {
  try {
    // Room for every block there is, so that `put` need not allocate.
    const std::size_t blocks = blocks_ + slab_size / block_size;
    warm_.reserve(blocks);
    cold_.reserve(blocks);
    std::byte* slab = map_slab();
    if (slab == nullptr) return false;
    for (std::size_t at = slab_size; at > 0; at -= block_size) {
      cold_.push_back(slab + at - block_size);
    }
    blocks_ = blocks;
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
  if (warm_.empty() && cold_.empty() && !add_slab()) return nullptr;
  const bool is_cold = warm_.empty();
  auto& idle = is_cold ? cold_ : warm_;
  std::byte* block = idle.back();
  idle.pop_back();
  lock.unlock();
  // Faulted in here, and not inside of a read, which keeps the writer of a pipe waiting meanwhile.
  // A wish: without it the pages come one by one.
  if (is_cold) ::madvise(block, block_size, MADV_POPULATE_WRITE);
  return block;
}

void BlockPool::put(std::byte* block) noexcept {
  MutexLock lock(mutex_);
  if (warm_.size() * block_size < max_idle_bytes) {
    warm_.push_back(block);
    return;
  }
  lock.unlock();
  ::madvise(block, block_size, MADV_DONTNEED);
  lock.lock();
  cold_.push_back(block);
}

void BlockPool::trim() noexcept {
  MutexLock lock(mutex_);
  cold_.insert(cold_.end(), warm_.begin(), warm_.end());
  warm_.clear();
  // Those that nobody ever took, too: a neighbour may have brought in their large page.
  for (std::byte* block : cold_) ::madvise(block, block_size, MADV_DONTNEED);
}

}  // namespace seekable::inline v1::detail
