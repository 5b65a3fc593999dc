// SPDX-License-Identifier: Apache-2.0
#include "core/spill_queue.hpp"

#include <algorithm>
#include <utility>

namespace seekable::inline v1::detail {

SpillQueue::SpillQueue(std::function<bool(std::uint64_t)> spill) : spill_(std::move(spill)) {}

SpillQueue::~SpillQueue() { stop(); }

void SpillQueue::start_thread() {
  MutexLock lock(mutex_);
  if (thread_.joinable() || stopped_) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
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

void SpillQueue::push(std::uint64_t block) {
  MutexLock lock(mutex_);
  blocks_.push_back(block);
  changed_.notify_all();
}

bool SpillQueue::take_out(std::uint64_t block) {
  MutexLock lock(mutex_);
  changed_.wait(lock, [&]() SEEKABLE_REQUIRES(mutex_) { return in_flight_ != block; });
  const auto found = std::find(blocks_.begin(), blocks_.end(), block);
  if (found == blocks_.end()) return false;
  blocks_.erase(found);
  note_progress();
  return true;
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
  const bool others_write = in_flight_ || (thread_.joinable() && !failed_ && !stopped_);
  if (!others_write) return !blocks_.empty() && write_front();
  if (!in_flight_ && blocks_.empty()) return false;
  const std::uint64_t before = progress_;
  changed_.wait(lock, [&]() SEEKABLE_REQUIRES(mutex_) { return progress_ != before || stopped_; });
  return progress_ != before && !failed_;
}

bool SpillQueue::failed() {
  MutexLock lock(mutex_);
  return failed_;
}

bool SpillQueue::write_front() {
  const std::uint64_t block = blocks_.front();
  blocks_.pop_front();
  in_flight_ = block;
  mutex_.unlock();
  bool written = false;
  try {
    written = spill_(block);
  } catch (...) {
    // No memory for what is noted about the write: the block stays where it is, as on a full disk.
  }
  mutex_.lock();
  in_flight_.reset();
  if (!written) blocks_.push_front(block);
  failed_ = !written;
  note_progress();
  return written;
}

void SpillQueue::run(const std::stop_token& stop) {
  MutexLock lock(mutex_);
  while (!stop.stop_requested()) {
    changed_.wait(lock, [&]() SEEKABLE_REQUIRES(mutex_) {
      return stopped_ || (!blocks_.empty() && !failed_ && !in_flight_);
    });
    if (stopped_) return;
    write_front();
  }
}

}  // namespace seekable::inline v1::detail
