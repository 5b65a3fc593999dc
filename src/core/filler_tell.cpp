// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "core/failure.hpp"
#include "core/filler.hpp"
#include "core/inside_source.hpp"
#include "seekable/error.hpp"

namespace seekable::inline v1::detail {

namespace {

/// Sets code and message from the cause; the code first, since it needs no memory.
void describe(Failure& failure) {
  const auto tell = [&](const char* what) {
    failure.message = what;
    failure.message += " (at byte " + std::to_string(failure.offset) + " of the stream)";
  };
  try {
    std::rethrow_exception(failure.cause);
  } catch (const std::system_error& error) {
    if (error.code()) failure.code = error.code();
    tell(error.what());
  } catch (const std::exception& error) {
    tell(error.what());
  } catch (...) {
    tell("the source threw something that is not a std::exception");
  }
}

/// What `thrown` says, as the failure of a source at `offset`. Never fails: if the failure were
/// lost the source would be read on, and might give bytes that belong elsewhere.
Failure failure_of(const std::exception_ptr& thrown, std::uint64_t offset) noexcept {
  Failure failure{Errc::source_failed, {}, offset, thrown};
  try {
    describe(failure);
  } catch (const std::bad_alloc&) {
    failure.message = "source failed";  // As much as a string holds without more memory.
  }
  return failure;
}

}  // namespace

void Filler::source_threw(const Lane& lane, const std::exception_ptr& thrown) {
  fail(failure_of(thrown, lane.position.load(std::memory_order_relaxed)), &lane);
}

void Filler::fail(Failure failure, const Lane* except) {
  std::array<Source*, max_lanes> sources{};
  {
    Wakeups wakeups;
    MutexLock lock(mutex_);
    if (outcome_.failure() != nullptr || complete()) return;
    outcome_.set_failure(std::move(failure));
    for (std::size_t i = 0; i < lanes(); ++i) {
      if (&lane(i) != except) sources[i] = lane(i).source.get();
    }
    wake_all(wakeups);
    look_at_callbacks();
    if (thread_) wakeups.set(work_);
  }
  window_moved_.set();
  for (Source* source : sources) {
    if (source != nullptr) source->cancel();
  }
}

void Filler::cancel() {
  if (storage_.is_forked_child()) return;
  fail(failure_told_by(Errc::cancelled, storage_.first_missing(position(), unknown),
                       [] { return "the buffer was cancelled"; }));
  run_due_callbacks();
}

bool Filler::complete() noexcept {
  const std::uint64_t end = outcome_.end();
  if (end == unknown || outcome_.failure() != nullptr) return false;
  if (!sparse()) return true;
  const std::uint64_t from =
      std::max(no_hole_before_.load(std::memory_order_relaxed), storage_.low());
  const std::uint64_t missing = storage_.first_missing(from, end);
  no_hole_before_.store(missing, std::memory_order_relaxed);
  return missing >= end;
}

void Filler::source_ended(Lane& lane) {
  if (outcome_.failure() != nullptr) return;
  const std::uint64_t position = lane.position.load(std::memory_order_relaxed);
  const std::uint64_t declared = outcome_.declared();
  const std::uint64_t reached = this->reached();
  if (declared != unknown && reached > declared) {
    fail_overrun();  // It was declared after more had come.
  } else if (declared != unknown && position > declared) {
    // It was opened behind its end before its size was known: whoever waits asks at the end now.
  } else if (position < reached) {
    fail(failure_told_by(Errc::truncated, position,
                         [&] {
                           return "the stream ends after " + std::to_string(position) +
                                  " bytes, and it gave byte " + std::to_string(reached - 1) +
                                  " before";
                         }),
         &lane);
  } else if (declared != unknown && position < declared) {
    fail(failure_told_by(Errc::truncated, position,
                         [&] {
                           return "the stream ends after " + std::to_string(position) +
                                  " of its declared " + std::to_string(declared) + " bytes";
                         }),
         &lane);
  } else if (declared == unknown && position > reached) {
    // Whoever opens a stream behind its end is told 0 too: the byte before was never seen.
    learn_size(lane);
    if (outcome_.declared() == unknown) jumps_lie_.store(true, std::memory_order_relaxed);
  } else {
    storage_.let_go(lane.filling);
    set_end(position);
  }
}

void Filler::set_end(std::uint64_t size) {
  storage_.finish(size);
  Wakeups wakeups;
  MutexLock lock(mutex_);
  if (outcome_.failure() != nullptr) return;
  outcome_.set_end(size);
  wake_all(wakeups);
  look_at_callbacks();
}

void Filler::wake_all(Wakeups& wakeups) {
  if (first_waiter_ == nullptr) return;
  for (Waiter* waiter = first_waiter_; waiter != nullptr; waiter = waiter->next) {
    waiter->woken = true;
    wakeups.set(waiter->event);
  }
  update_lowest();
}

std::shared_ptr<Callback> Filler::when_available(ByteRange range,
                                                 std::function<void(std::error_code)> function) {
  storage_.check_not_forked(range.begin);
  auto callback = std::make_shared<Callback>(range, std::move(function));
  callback->byte = range.begin;
  bool decided = false;
  {
    MutexLock lock(mutex_);
    decided = advance(*callback);
    if (!decided) {
      if (!pushed_) start_thread();
      has_callbacks_.store(true, std::memory_order_release);
      // `make_due` must not allocate: room for all that may become due.
      due_.reserve(due_.size() + callbacks_.size() + 1);
      callbacks_.push_back(callback);
      update_lowest();
      look_again();
      decided = advance(*callback);
      if (decided) {
        callbacks_.pop_back();
        update_lowest();
      } else if (!pushed_) {
        work_.set();
      }
    }
    if (decided) {
      callback->state = Callback::State::running;
      callback->runs_on = std::this_thread::get_id();
    }
  }
  if (decided) call(*callback);
  return callback;
}

/// Looks how far the bytes of a callback have come; true if it is decided.
bool Filler::advance(Callback& callback) {
  const std::uint64_t last = std::min(callback.range.end, outcome_.end());
  const std::uint64_t begin = callback.range.begin;
  if (begin < last && begin < storage_.low()) {
    callback.result = Errc::released;
    return true;
  }
  callback.byte = storage_.first_missing(std::max(callback.byte, begin), last);
  if (callback.byte >= last) {
    callback.result = {};
    return true;
  }
  if (const Failure* failure = outcome_.failure()) {
    callback.result = failure->code;
    return true;
  }
  callback.wake_at = sparse() ? std::min(last, block_end(callback.byte)) : last;
  if (window_ > 0) callback.wake_at = callback.byte + 1;  // It may lose what it waits for.
  return false;
}

/// Allocates nothing: `when_available` has made room.
void Filler::make_due(const std::shared_ptr<Callback>& callback, std::error_code result) noexcept {
  callback->result = result;
  callback->state = Callback::State::due;
  due_.push_back(callback);
}

void Filler::look_at_callbacks() noexcept {
  callbacks_.erase_if([this](const std::shared_ptr<Callback>& callback) SEEKABLE_REQUIRES(mutex_) {
    if (!advance(*callback)) return false;
    make_due(callback, callback->result);
    return true;
  });
}

void Filler::end_callbacks() {
  if (storage_.is_forked_child() || !has_callbacks_.load(std::memory_order_acquire)) return;
  {
    MutexLock lock(mutex_);
    for (const auto& callback : callbacks_) make_due(callback, Errc::cancelled);
    callbacks_.clear();
    update_lowest();
  }
  run_due_callbacks();
}

void Filler::run_due_callbacks() {
  while (has_callbacks_.load(std::memory_order_acquire)) {
    std::shared_ptr<Callback> callback;
    {
      MutexLock lock(mutex_);
      if (due_.empty()) return;
      callback = due_.front();
      due_.pop_front();
      callback->state = Callback::State::running;
      callback->runs_on = std::this_thread::get_id();
    }
    call(*callback);
  }
}

void Filler::call(Callback& callback) noexcept {
  callback.function(callback.result);
  callback.function = nullptr;
  {
    MutexLock lock(mutex_);
    callback.state = Callback::State::done;
  }
  callback.finished.set();
}

void Filler::withdraw(Callback& callback) noexcept {
  if (storage_.is_forked_child()) return;
  {
    MutexLock lock(mutex_);
    if (callback.state == Callback::State::done) return;
    if (callback.state != Callback::State::running) {
      callback.state = Callback::State::done;
      const auto is_it = [&](const auto& one) { return one.get() == &callback; };
      callbacks_.erase_if(is_it);
      due_.erase_if(is_it);
      update_lowest();
      return;
    }
    if (callback.runs_on == std::this_thread::get_id()) return;
  }
  callback.finished.wait();
}

void Filler::released() noexcept {
  if (storage_.is_forked_child()) return;
  {
    Wakeups wakeups;
    MutexLock lock(mutex_);
    stalled_ = false;
    ++rooms_found_;
    look_at_callbacks();
    hand_over(wakeups);
    update_lowest();
  }
  window_moved_.set();
  run_due_callbacks();
}

void Filler::shut_down() noexcept {
  if (storage_.is_forked_child()) return;
  if (!complete()) {
    fail(failure_told_by(Errc::cancelled, position(),
                         [] { return "the buffer and all its readers are gone"; }));
  }
  end_thread();
  storage_.stop();
  end_callbacks();
  drop_sources();
}

/// Whoever may have a thread started, or look at it, is gone: there is none, or it is alone.
void Filler::end_thread() noexcept SEEKABLE_TSA(no_thread_safety_analysis) {
  if (thread_ == nullptr) {
    shut_down_ = true;  // Without the lock, which most streams are spared so.
    return;
  }
  std::unique_ptr<std::jthread> thread;
  {
    MutexLock lock(mutex_);
    shut_down_ = true;
    thread = std::move(thread_);
    thread->request_stop();
  }
  work_.set();
  // A callback on the fill thread itself may drop the last reader.
  if (on_fill_thread()) {
    thread->detach();
  } else {
    thread->join();
  }
}

/// Nobody can enter a source any more; views may live on for long, and what a source holds (a
/// descriptor, a child) must not.
///
/// Without a lock: no thread but this one looks at a source any more (a writer has none).
void Filler::drop_sources() noexcept SEEKABLE_TSA(no_thread_safety_analysis) {
  // Where the source itself dropped its last reader it must go on to its return: it goes with this.
  if (pushed_ || InsideSource::is(this)) return;
  for (std::size_t i = 0; i < lanes(); ++i) {
    lane(i).restartable = nullptr;
    lane(i).source.reset();
  }
}

}  // namespace seekable::inline v1::detail
