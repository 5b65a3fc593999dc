// SPDX-License-Identifier: Apache-2.0
#include "core/spill_queue.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "store/block_pool.hpp"

namespace seekable::inline v1::detail {

SpillQueue::SpillQueue(std::function<std::size_t(Blocks)> spill, std::size_t batch)
    : spill_(std::move(spill)), batch_(batch) {
  in_flight_.reserve(batch);
}

SpillQueue::~SpillQueue() { stop(); }

void SpillQueue::start_thread() {
  MutexLock lock(mutex_);
  if (thread_.joinable() || stopped_) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void SpillQueue::want_prefault() noexcept {
  try {
    start_thread();
  } catch (const std::exception&) {
    return;
  }
  {
    MutexLock lock(mutex_);
    slabs_wanted_ = 2;  // And no more: other buffers may take what is faulted in, without end.
  }
  changed_.notify_all();
}

void SpillQueue::stop() noexcept {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
}

void SpillQueue::prepare() {
  MutexLock lock(mutex_);
  const std::size_t size = blocks_.size() + most_fillers;
  if (blocks_.capacity() < size) blocks_.reserve(std::max(size, 2 * blocks_.capacity()));
}

void SpillQueue::push(std::uint64_t block) noexcept {
  MutexLock lock(mutex_);
  blocks_.push_back(block);
  if (thread_has_work()) changed_.notify_all();
}

bool SpillQueue::take_out(std::uint64_t block) {
  MutexLock lock(mutex_);
  changed_.wait(lock, [&]() SEEKABLE_REQUIRES(mutex_) { return !is_in_flight(block); });
  const auto found = std::find(blocks_.begin(), blocks_.end(), block);
  if (found == blocks_.end()) return false;
  blocks_.erase(found);
  note_progress();
  return true;
}

bool SpillQueue::is_in_flight(std::uint64_t block) const {
  return std::find(in_flight_.begin(), in_flight_.end(), block) != in_flight_.end();
}

void SpillQueue::remove_before(std::uint64_t block) {
  MutexLock lock(mutex_);
  if (std::erase_if(blocks_, [block](std::uint64_t queued) { return queued < block; }) > 0) {
    note_progress();
  }
}

/// Blocks that go away unwritten count too: whoever waits for one must look again.
void SpillQueue::note_progress() {
  if (blocks_.empty()) failed_ = false;
  ++progress_;
  changed_.notify_all();
}

bool SpillQueue::make_progress() {
  MutexLock lock(mutex_);
  const bool others_write = !in_flight_.empty() || (thread_.joinable() && !stopped_ &&
                                                    !is_prefaulting_ && thread_has_work());
  if (!others_write) return !blocks_.empty() && write_batch();
  const std::uint64_t before = progress_;
  changed_.wait(lock, [&]() SEEKABLE_REQUIRES(mutex_) { return progress_ != before || stopped_; });
  return progress_ != before && (!failed_ || last_written_ > 0);
}

bool SpillQueue::failed() {
  MutexLock lock(mutex_);
  return failed_;
}

/// Allocates nothing itself: it is also what is done for want of memory.
bool SpillQueue::write_batch() {
  const auto first = blocks_.begin();
  in_flight_.assign(first, first + static_cast<std::ptrdiff_t>(std::min(batch_, blocks_.size())));
  const Blocks blocks = in_flight_;
  mutex_.unlock();
  std::size_t written = 0;
  try {
    written = spill_(blocks);
  } catch (...) {
    // No memory to note where they were: they stay there, as on a full disk.
  }
  mutex_.lock();
  for (const std::uint64_t block : blocks.first(written)) {
    // One that was released meanwhile is no longer there.
    const auto found = std::find(blocks_.begin(), blocks_.end(), block);
    if (found != blocks_.end()) blocks_.erase(found);
  }
  failed_ = written < blocks.size();
  last_written_ = written;
  in_flight_.clear();
  note_progress();
  return written > 0;
}

void SpillQueue::prefault() {
  --slabs_wanted_;
  is_prefaulting_ = true;
  mutex_.unlock();
  const bool did = BlockPool::instance().prefault();
  mutex_.lock();
  is_prefaulting_ = false;
  if (!did) slabs_wanted_ = 0;
}

void SpillQueue::run(const std::stop_token& stop) {
  MutexLock lock(mutex_);
  while (!stop.stop_requested()) {
    changed_.wait(lock, [&]() SEEKABLE_REQUIRES(mutex_) {
      return stopped_ || thread_has_work() || slabs_wanted_ > 0;
    });
    if (stopped_) return;
    if (thread_has_work()) {
      write_batch();
    } else {
      prefault();
    }
  }
}

}  // namespace seekable::inline v1::detail
