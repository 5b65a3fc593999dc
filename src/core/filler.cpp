// SPDX-License-Identifier: Apache-2.0
#include "core/filler.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <thread>
#include <utility>

#include "core/inside_source.hpp"
#include "seekable/error.hpp"

namespace seekable::inline v1::detail {

namespace {

/// Of the idle cursors the nearest one is taken, if it is no further behind than this; else the one
/// that was idle for longest. Whether it then reads on or is reopened is for the source to say.
constexpr std::uint64_t max_gap = 16 * 1024 * 1024;

/// So often a thread that finds others waiting lets the rest run before it sleeps. Where several
/// follow a stream that flows, what they wait for comes meanwhile, and nobody has to wake them: a
/// call of the kernel for each would hold up the thread that fills (decision 028).
constexpr int yields_before_sleep = 8;

/// A yield that took so long was one to threads that have other things to do. The next waits sleep
/// at once: on a busy machine who sleeps is woken sooner than who yields has his turn again.
constexpr std::chrono::microseconds long_yield{200};
constexpr std::uint32_t waits_after_long_yield = 256;

}  // namespace

Filler::Filler(Storage& storage, Outcome& outcome, std::unique_ptr<Source> source,
               const Options& options)
    : storage_(storage),
      outcome_(outcome),
      window_(options.retention.window_size().value_or(0)),
      window_blocks_(window_ > 0 && options.retention.when_full() == WhenFull::block),
      ahead_(source != nullptr && options.fill == Fill::ahead),
      pushed_(source == nullptr) {
  first_.source = std::move(source);
  if (!pushed_) first_.restartable = first_.source->as_restartable();
  if (options.expected_size) {
    outcome_.declare(*options.expected_size);
  } else if (first_.source) {
    ask_for_size();
  }
}

Filler::~Filler() {
  if (!storage_.is_forked_child()) return;
  // invariant 4: a child must not end what the parent goes on using, so this is left as it is.
  (void)first_.source.release();
  for (auto& lane : more_lanes_) {
    (void)lane->source.release();
  }
  (void)thread_.release();
}

bool Filler::met(std::uint64_t byte, std::uint64_t wake_at) noexcept {
  if (byte < storage_.low()) return true;
  return storage_.first_missing(byte, wake_at) >= wake_at;
}

/// The size has been told, or what is needed was given up.
bool Filler::is_moot(const Need& need) const noexcept {
  const std::uint64_t low = storage_.low();
  return need.byte < low || (need.for_size && outcome_.declared() != unknown) ||
         (need.for_all && low > 0);
}

bool Filler::settled(const Need& need) noexcept {
  if (outcome_.failure() != nullptr) return true;
  const std::uint64_t end = outcome_.end();
  if (end != unknown && need.byte >= end) return true;
  return is_moot(need) || (need.byte != unknown && storage_.kept_in_block(need.byte) > 0);
}

bool Filler::window_ends_before(std::uint64_t offset) const noexcept {
  if (!window_blocks_) return false;
  const std::uint64_t low = storage_.low();
  return offset >= low && offset - low >= window_;
}

Lane* Filler::choose(const Need& need) {
  if (pushed_ || outcome_.failure() != nullptr) return nullptr;
  if (sparse()) return choose_sparse(need);
  return first_.busy || window_ends_before(position()) ? nullptr : &first_;
}

bool Filler::is_coming(std::uint64_t start, const Lane* except) {
  for (std::size_t i = 0; i < lanes(); ++i) {
    const Lane& other = lane(i);
    if (!other.busy || &other == except) continue;
    const std::uint64_t position = other.position.load(std::memory_order_relaxed);
    if (other.claimed == block_of(start)) return true;
    if (other.on_its_way && position <= start && start < other.until) return true;
  }
  return false;
}

Lane* Filler::choose_sparse(const Need& need) {
  if (size_is_coming(need)) return nullptr;
  const std::uint64_t start = start_of(need.byte);
  if (is_coming(start) || window_ends_before(start)) return nullptr;
  Lane* nearest = nullptr;
  Lane* oldest = nullptr;
  std::uint64_t least_gap = max_gap + 1;
  for (std::size_t i = 0; i < lanes(); ++i) {
    Lane& idle = lane(i);
    if (idle.busy) continue;
    const std::uint64_t position = idle.position.load(std::memory_order_relaxed);
    if (position <= start && start - position < least_gap) {
      least_gap = start - position;
      nearest = &idle;
    }
    if (oldest == nullptr || idle.last_used < oldest->last_used) oldest = &idle;
  }
  return nearest != nullptr ? nearest : oldest;
}

bool Filler::may_add_lane(const Need& need) {
  if (!sparse() || !has_lanes_left() || size_is_coming(need)) return false;
  const std::uint64_t start = start_of(need.byte);
  return !is_coming(start) && !window_ends_before(start);
}

void Filler::take(Lane& lane, const Need& need) {
  lane.busy = true;
  lane.on_its_way = false;
  lane.until = need.until;
  if (sparse()) {
    const std::uint64_t start = start_of(need.byte);
    lane.claimed = block_of(start);
    // Whoever reads on to the end is not on the way to every byte for that.
    lane.until = std::min(need.until, block_end(start));
  }
  lane.last_used = ++clock_;
}

void Filler::set_idle(Lane& lane) {
  // (Its room is not counted as memory, so it goes as soon as it can.)
  if (lane.held.empty() && lane.held.capacity() > 0) lane.held = Bytes();
  // The lane stays busy: behind its end nobody needs it, and `set_end` has told everybody.
  if (!sparse() && outcome_.end() != unknown) return;
  // In a sparse stream another lane may go on with the block.
  if (sparse() || outcome_.failure() != nullptr) storage_.let_go(lane.filling);
  Wakeups wakeups;
  MutexLock lock(mutex_);
  lane.busy = false;
  lane.claimed = unknown;
  hand_over(wakeups);
}

/// Only with no lane left to this thread are callbacks called: they may wait for what it would
/// fill.
void Filler::leave(Lane& lane) {
  set_idle(lane);
  run_due_callbacks();
}

// invariant 3
void Filler::hand_over(Wakeups& wakeups) {
  for (Waiter* waiter = first_waiter_; waiter != nullptr; waiter = waiter->next) {
    if (waiter->woken) continue;
    if (!settled(waiter->need)) {
      if (!waiter->may_fill) continue;
      if (Lane* idle = choose(waiter->need)) {
        take(*idle, waiter->need);
        waiter->told = idle;
      } else if (!may_add_lane(waiter->need)) {
        continue;
      }
    }
    // Also where only some of its bytes are there: nobody may be on the way to the others.
    waiter->woken = true;
    wakeups.set(waiter->event);
  }
  if (thread_ && thread_has_work()) wakeups.set(work_);
}

void Filler::add(Waiter& waiter) {
  waiter.in_company = first_waiter_ != nullptr;
  // `published` looks at the waiters only when bytes have come up to `lowest_`: at this one as soon
  // as a window can have dropped the first byte.
  const bool drops = window_ > 0 && !window_blocks_;
  if (waiter.need.for_all && drops) waiter.need.wake_at = window_ + 1;
  waiter.previous = last_waiter_;
  (last_waiter_ != nullptr ? last_waiter_->next : first_waiter_) = &waiter;
  last_waiter_ = &waiter;
  update_lowest();
}

void Filler::remove(Waiter& waiter) {
  (waiter.previous != nullptr ? waiter.previous->next : first_waiter_) = waiter.next;
  (waiter.next != nullptr ? waiter.next->previous : last_waiter_) = waiter.previous;
  update_lowest();
}

void Filler::update_lowest() noexcept {
  std::uint64_t lowest = unknown;
  for (const Waiter* waiter = first_waiter_; waiter != nullptr; waiter = waiter->next) {
    if (!waiter->woken) lowest = std::min(lowest, waiter->need.wake_at);
  }
  for (const auto& callback : callbacks_) lowest = std::min(lowest, callback->wake_at);
  lowest_.store(lowest, std::memory_order_seq_cst);  // invariant 1
}

void Filler::check_wait(const Wait* wait, std::uint64_t offset) {
  if (wait == nullptr) return;
  const auto text = [&] { return "wait for byte " + std::to_string(offset); };
  if (wait->stop_token.stop_requested()) throw Error(Errc::cancelled, text(), offset);
  if (wait->deadline != Event::TimePoint::max() &&
      std::chrono::steady_clock::now() >= wait->deadline) {
    throw Error(Errc::timed_out, text(), offset);
  }
}

void Filler::check_may_wait(const Need& need, const Wait* wait) const {
  storage_.check_not_forked(need.byte);
  if (InsideSource::is(this)) {
    throw Error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                "the source waits for byte " + std::to_string(need.byte) + " of its own buffer",
                need.byte);
  }
  check_wait(wait, need.byte);
}

/// Returns true where the event has happened meanwhile.
bool Filler::yields_until_set(const Event& event) const noexcept {
  using Clock = std::chrono::steady_clock;
  if (const auto left = sleeps_at_once_.load(std::memory_order_relaxed); left > 0) {
    sleeps_at_once_.store(left - 1, std::memory_order_relaxed);
    return false;
  }
  auto before = Clock::now();
  for (int i = 0; i < yields_before_sleep; ++i) {
    std::this_thread::yield();
    if (event.is_set()) return true;
    const auto now = Clock::now();
    if (now - before > long_yield) {
      sleeps_at_once_.store(waits_after_long_yield, std::memory_order_relaxed);
      return false;
    }
    before = now;
  }
  return false;
}

void Filler::sleep(Waiter& waiter, const Wait* wait) const {
  // (A limited one must not end late.)
  if (wait == nullptr && waiter.in_company && yields_until_set(waiter.event)) return;
  if (wait == nullptr) {
    waiter.event.wait();
    return;
  }
  const std::stop_callback wake(wait->stop_token, [&] { waiter.event.set(); });
  waiter.event.wait_until(wait->deadline);
}

/// Finds out what the waiter's thread is to do. Returns true: to sleep, it is in the list; else, to
/// fill the lane it was told, or nothing any more.
bool Filler::enter(Waiter& waiter) {
  MutexLock lock(mutex_);
  if (settled(waiter.need)) return false;
  if (waiter.may_fill) {
    waiter.told = choose(waiter.need);
    if (waiter.told != nullptr) {
      take(*waiter.told, waiter.need);
      return false;
    }
    if (may_add_lane(waiter.need)) {
      lock.unlock();
      waiter.told = add_lane(waiter.need);
      return false;
    }
  } else if (!pushed_) {
    start_thread();  // Before the waiter is in the list: it may throw.
  }
  add(waiter);
  look_again();
  if (settled(waiter.need)) {
    remove(waiter);
    return false;
  }
  if (!waiter.may_fill && !pushed_) work_.set();
  return true;
}

/// As `run`, but a full disk further on does not hide the byte that has come.
void Filler::run_for_reader(Lane& lane, const Need& need) {
  try {
    run(lane, need);
  } catch (const Error&) {
    if (!settled(need)) throw;
  }
}

void Filler::await(const Need& need, const Wait* wait) {
  check_may_wait(need, wait);
  Waiter waiter;
  waiter.need = need;
  waiter.may_fill = !pushed_ && (wait == nullptr || wait->may_pull || on_fill_thread());
  if (!enter(waiter)) {
    if (waiter.told != nullptr) run_for_reader(*waiter.told, need);
    return;
  }
  sleep(waiter, wait);
  {
    MutexLock lock(mutex_);
    remove(waiter);
  }
  if (waiter.told != nullptr) {
    if (settled(need)) {
      leave(*waiter.told);  // invariant 3
    } else {
      run_for_reader(*waiter.told, need);
    }
    return;
  }
  if (settled(need)) return;
  if (waiter.trouble) throw Error(*waiter.trouble);
  check_wait(wait, need.byte);
}

}  // namespace seekable::inline v1::detail
