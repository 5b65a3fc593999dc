// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <new>
#include <stop_token>
#include <utility>

#include "core/failure.hpp"
#include "core/filler.hpp"
#include "seekable/error.hpp"

namespace seekable::inline v1::detail {

namespace {

thread_local const Filler* t_filler_of_thread = nullptr;

/// (It shares what nobody owns.)
std::shared_ptr<const Failure> trouble_without_memory(std::error_code code) noexcept {
  return {std::shared_ptr<void>(), &failure_without_memory(code)};
}

std::shared_ptr<const Failure> trouble_of(const Error& error) noexcept {
  try {
    return std::make_shared<Failure>(Failure{error.code(), error.what(), error.offset(), nullptr});
  } catch (const std::bad_alloc&) {
    return trouble_without_memory(error.code());
  }
}

}  // namespace

bool Filler::on_fill_thread() const noexcept { return t_filler_of_thread == this; }

void Filler::start_ahead() {
  if (!ahead_) return;
  MutexLock lock(mutex_);
  start_thread();
}

void Filler::start_thread() {
  if (thread_ || shut_down_) return;
  // The thread keeps its buffer, so that it may be the last to leave.
  thread_ = std::make_unique<std::jthread>(
      [this, owner = owner_.lock()](const std::stop_token& stop) { run_thread(stop); });
}

void Filler::run_thread(const std::stop_token& stop) {
  t_filler_of_thread = this;
  while (!stop.stop_requested()) {
    work_.reset();
    std::optional<Job> job;
    bool due = false;
    {
      MutexLock lock(mutex_);
      look_at_callbacks();  // What they wait for next, and what has been decided meanwhile.
      update_lowest();
      due = !due_.empty();
      if (!due) job = next_job();
      if (job) job->rooms = rooms_found_;
    }
    if (due) {
      run_due_callbacks();  // With no lane taken: they may fill one.
    } else if (job) {
      do_job(*job);
    } else if (!stop.stop_requested()) {
      work_.wait();
    }
  }
}

void Filler::do_job(const Job& job) {
  Lane* lane = job.lane;
  try {
    if (lane == nullptr) lane = add_lane(job.need);
    if (lane != nullptr) run(*lane, job.need);
  } catch (const Error& error) {
    // What the source throws does not come here: this is the disk's, or for want of room.
    stall(trouble_of(error), job);
  } catch (const std::exception&) {  // std::bad_alloc, of this thread's own.
    stall(trouble_without_memory({}), job);
  }
}

std::optional<Filler::Job> Filler::next_job() {
  if (outcome_.failure() != nullptr) return std::nullopt;
  const auto job_for = [this](const Need& need) SEEKABLE_REQUIRES(mutex_) -> std::optional<Job> {
    Lane* lane = choose(need);
    if (lane == nullptr) return std::nullopt;
    take(*lane, need);
    return Job{lane, need};
  };
  const auto job_of_waiter = [&](Need need) SEEKABLE_REQUIRES(mutex_) -> std::optional<Job> {
    need = next_step(need);
    if (auto job = job_for(need)) return job;
    if (may_add_lane(need)) return Job{nullptr, need};
    return std::nullopt;
  };
  for (Waiter* waiter = first_waiter_; waiter != nullptr; waiter = waiter->next) {
    if (waiter->may_fill || waiter->woken || settled(waiter->need)) continue;
    if (auto job = job_of_waiter(waiter->need)) return job;
  }
  for (const auto& callback : callbacks_) {
    const Need need{callback->byte, callback->wake_at, callback->wake_at, callback->range.end};
    if (auto job = job_of_waiter(need)) return job;
  }
  if (const auto need = next_prefetch()) {
    if (auto job = job_for(*need)) return job;
  }
  if (const auto need = next_ahead()) return job_for(*need);
  return std::nullopt;
}

bool Filler::thread_has_work() {
  if (ahead_ || !callbacks_.empty() || !prefetch_.empty()) return true;
  for (const Waiter* waiter = first_waiter_; waiter != nullptr; waiter = waiter->next) {
    if (!waiter->may_fill && !waiter->woken) return true;
  }
  return false;
}

/// One block of what is needed: whoever waits for it may give up meanwhile.
Need Filler::next_step(Need need) {
  const std::uint64_t from = sparse() ? start_of(need.byte) : position();
  need.until = std::min(need.until, block_end(from));
  return need;
}

std::optional<Need> Filler::next_prefetch() {
  while (!prefetch_.empty()) {
    ByteRange& range = prefetch_.front();
    const std::uint64_t last = std::min(range.end, outcome_.end());
    const std::uint64_t first = std::max(range.begin, storage_.low());
    const std::uint64_t byte = storage_.first_missing(first, last);
    range.begin = byte;  // So that no block is looked at twice.
    if (byte < last)
      return Need{byte, sparse() ? std::min(last, block_end(byte)) : last, last, last, false};
    prefetch_.pop_front();
  }
  return std::nullopt;
}

/// As that of the storage, without another look at what was found to be there.
std::uint64_t Filler::first_missing_from(std::uint64_t offset, std::uint64_t end) {
  if (offset < whole_.begin || offset > whole_.end) whole_ = {offset, offset};
  whole_.begin = offset;
  whole_.end = storage_.first_missing(std::max(offset, whole_.end), end);
  return whole_.end;
}

std::optional<Need> Filler::next_ahead() {
  if (!ahead_ || stalled_ || complete()) return std::nullopt;
  std::uint64_t limit = unknown;
  const std::uint64_t furthest = furthest_.load(std::memory_order_relaxed);
  const auto read_ahead = storage_.options().read_ahead;
  if (read_ahead && *read_ahead < unknown - furthest) limit = furthest + *read_ahead;
  if (!sparse()) {
    if (position() >= limit) return std::nullopt;
    return Need{std::max(position(), storage_.low()), limit, limit, unknown, true};
  }
  const std::uint64_t end = std::min({limit, outcome_.end(), outcome_.declared()});
  std::uint64_t byte = first_missing_from(std::max(furthest, storage_.low()), end);
  if (byte >= end) {
    const std::uint64_t from = no_hole_before_.load(std::memory_order_relaxed);
    byte = storage_.first_missing(std::max(from, storage_.low()), end);
    no_hole_before_.store(byte, std::memory_order_relaxed);
  }
  // All that was declared is there: only the confirmation is missing.
  if (byte >= end && (end == limit || outcome_.end() != unknown)) return std::nullopt;
  return Need{byte, std::max(std::min(limit, block_end(byte)), byte + 1), byte + 1, limit, true};
}

/// True if a filler other than this thread will look after the need.
bool Filler::others_bring(const Need& need) {
  return sparse() ? is_coming(start_of(need.byte)) : first_.busy;
}

/// The fill cannot go on just now: everybody who waits for the thread is told. The next who asks
/// has it try again.
void Filler::stall(const std::shared_ptr<const Failure>& trouble, const Job& job) noexcept {
  {
    Wakeups wakeups;
    MutexLock lock(mutex_);
    // Unless somebody has found room since.
    stalled_ = job.rooms == rooms_found_;
    prefetch_.clear();
    for (Waiter* waiter = first_waiter_; waiter != nullptr; waiter = waiter->next) {
      if (waiter->woken) continue;
      const bool is_settled = settled(waiter->need);
      if (!is_settled && (waiter->may_fill || others_bring(waiter->need))) continue;
      if (!is_settled) waiter->trouble = trouble;
      waiter->woken = true;
      wakeups.set(waiter->event);
    }
    for (const auto& callback : callbacks_) make_due(callback, trouble->code);
    callbacks_.clear();
    update_lowest();
  }
  run_due_callbacks();
}

/// Somebody's bytes found room: there may be some for what is read ahead, too.
void Filler::end_stall() {
  if (!ahead_) return;
  MutexLock lock(mutex_);
  ++rooms_found_;
  if (std::exchange(stalled_, false)) work_.set();
}

void Filler::prefetch(std::span<const ByteRange> ranges) {
  if (pushed_ || storage_.is_forked_child()) return;
  MutexLock lock(mutex_);
  if (outcome_.failure() != nullptr || shut_down_) return;
  start_thread();
  for (const ByteRange& range : ranges) {
    if (range.begin < range.end) prefetch_.push_back(range);
  }
  std::sort(prefetch_.begin(), prefetch_.end(),
            [](const ByteRange& a, const ByteRange& b) { return a.begin < b.begin; });
  // Neighbours become one, so that a restartable source is asked once.
  std::size_t kept = 0;
  for (std::size_t i = 1; i < prefetch_.size(); ++i) {
    if (prefetch_[i].begin <= prefetch_[kept].end) {
      prefetch_[kept].end = std::max(prefetch_[kept].end, prefetch_[i].end);
    } else {
      prefetch_[++kept] = prefetch_[i];
    }
  }
  if (!prefetch_.empty()) {
    prefetch_.resize(kept + 1);
    work_.set();
  }
}

void Filler::go_further(std::uint64_t read_to) noexcept {
  std::uint64_t furthest = furthest_.load(std::memory_order_relaxed);
  do {
    if (read_to <= furthest) return;
  } while (!furthest_.compare_exchange_weak(furthest, read_to, std::memory_order_relaxed));
  if (storage_.options().read_ahead) work_.set();
}

}  // namespace seekable::inline v1::detail
