// SPDX-License-Identifier: Apache-2.0
#include "core/engine.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

#include "seekable/error.hpp"
#include "source/file_source.hpp"

namespace seekable::inline v1::detail {

namespace {

/// A callback must not throw: as on the thread that fills, that ends the program.
void call_decided(const std::function<void(std::error_code)>& callback,
                  std::error_code result) noexcept {
  callback(result);
}

}  // namespace

std::shared_ptr<Engine> Engine::make(std::unique_ptr<Source> source, Options&& options) {
  if (options.retention.window_size() == std::uint64_t{0}) {
    throw std::invalid_argument("a window must have at least 1 byte");
  }
  if (options.encrypt_spool && make_cipher() == nullptr) {
    throw Error(std::make_error_code(std::errc::function_not_supported),
                "encrypt_spool: link seekable::crypto", 0);
  }
  auto engine = std::make_shared<Engine>(std::move(source), std::move(options));
  engine->filler_.keep_alive_with(engine);
  if (engine->in_place_ == nullptr) engine->filler_.start_ahead();
  return engine;
}

Engine::Engine(std::unique_ptr<Source> source, Options&& options)
    : storage_(std::move(options), source != nullptr),
      filler_(storage_, outcome_, std::move(source), storage_.options()),
      follows_readers_(storage_.options().retention.window_size() &&
                       storage_.options().retention.when_full() == WhenFull::block),
      wake_early_(storage_.options().retention.window_size().has_value()) {
  const Options& kept = storage_.options();
  // A file is restartable: most streams are not, and are spared another cast.
  auto* file = filler_.sparse() ? dynamic_cast<FileSource*>(filler_.source()) : nullptr;
  const bool as_declared =
      file != nullptr && kept.expected_size.value_or(file->fixed_size()) == file->fixed_size();
  if (as_declared && !kept.retention.window_size()) {
    in_place_ = file;
    outcome_.set_end(file->fixed_size());
  }
}

Engine::~Engine() = default;

void Engine::drop_owner(std::shared_ptr<Engine>&& owner) noexcept {
  const std::shared_ptr<Engine> engine = std::move(owner);
  // Where this is the only owner, nobody is there who could add another.
  if (engine->owners() > 1 && engine->owners_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  engine->filler_.shut_down();
  if (engine->storage_.is_forked_child()) return;
  engine->in_place_ = nullptr;  // The source has gone.
  // A view must not keep what it does not lend.
  if (engine.use_count() <= 1) return;
  try {
    engine->storage_.release_before(unknown);
  } catch (const std::bad_alloc&) {
    // Then it goes with the view.
  }
}

void Engine::throw_if_failed() const {
  if (outcome_.failure() != nullptr) outcome_.throw_failure();
}

std::uint64_t Engine::wait_for_size(const Wait* wait) {
  for (;;) {
    if (const auto known = size()) return *known;
    throw_if_failed();
    filler_.await(Need::size(), wait);
  }
}

void Engine::wait_for_all(const Wait* wait) {
  std::uint64_t offset = 0;
  while (!exhausted()) {
    throw_if_failed();
    const std::uint64_t low = storage_.low();
    if (low > 0) throw Error(Errc::released, "use the whole stream", low);
    offset = storage_.first_missing(offset, outcome_.end());
    Need need = filler_.sparse() ? Need::bytes(offset, unknown) : Need::end();
    need.for_all = true;
    filler_.await(need, wait);
  }
}

bool Engine::wait_for(ByteRange range, std::chrono::nanoseconds timeout) {
  if (range.begin > range.end) throw std::invalid_argument("wait_for: begin is past end");
  Wait wait;
  const auto now = std::chrono::steady_clock::now();
  if (timeout < wait.deadline - now) wait.deadline = now + timeout;
  std::uint64_t offset = range.begin;
  for (;;) {
    const std::uint64_t end = std::min(range.end, outcome_.end());
    const bool failed = outcome_.failure() != nullptr;
    if (offset >= end) return true;
    if (range.begin < storage_.low()) {
      throw Error(Errc::released, "wait for byte " + std::to_string(range.begin), storage_.low());
    }
    if (in_place_ == nullptr) offset = storage_.first_missing(offset, end);
    if (offset >= end) return true;
    if (failed) throw_if_failed();
    if (in_place_ != nullptr) return true;
    Need need{offset, end, end, range.end, false};
    if (filler_.sparse()) need.until = need.wake_at = std::min(end, block_end(offset));
    if (wake_early_) need.wake_at = offset + 1;
    try {
      filler_.await(need, &wait);
    } catch (const Error& error) {
      if (error.code() == Errc::timed_out) return false;
      throw;
    }
  }
}

std::uint64_t Engine::available(std::uint64_t offset, std::uint64_t most) noexcept {
  if (offset < storage_.low()) return 0;
  if (in_place_ != nullptr) {
    return is_gone_in_place(offset) ? 0 : std::min(most, outcome_.end() - offset);
  }
  // The position comes a moment after the bytes: those that are just published count as well.
  const std::uint64_t sure = filler_.sparse() ? offset : std::max(offset, filler_.position());
  const std::uint64_t end = offset + std::min(most, unknown - offset);
  if (sure >= end) return end - offset;
  return storage_.first_missing(sure, end) - offset;
}

bool Engine::exhausted() noexcept {
  // All of a file that is read in place is there.
  return outcome_.failure() == nullptr && (in_place_ != nullptr || filler_.complete());
}

void Engine::cancel() {
  const auto self = shared_from_this();        // A callback may destroy the buffer.
  if (in_place_ == nullptr) filler_.cancel();  // Else the stream is complete.
}

void Engine::prefetch(std::span<const ByteRange> ranges) {
  if (in_place_ != nullptr || ranges.empty()) return;
  try {
    filler_.prefetch(ranges);
  } catch (const std::exception&) {
    // A hint: without a thread for it, or memory, nothing is lost.
  }
}

std::optional<Failure> Engine::failure() noexcept {
  const Failure* kept = outcome_.failure();
  if (kept == nullptr) return std::nullopt;
  Failure failure = *kept;
  // What a filler was just publishing when the buffer was cancelled has come all the same.
  if (failure.code != Errc::cancelled) return failure;
  failure.offset = std::max(failure.offset, storage_.first_missing(failure.offset, unknown));
  return failure;
}

SourceInfo Engine::info() const {
  const Source* source = filler_.source();
  return source == nullptr ? SourceInfo{} : source->info();
}

std::vector<Extent> Engine::residency() {
  const std::uint64_t size = this->size().value_or(unknown);
  if (in_place_ == nullptr) {
    storage_.check_not_forked(0);  // It takes a lock.
    return storage_.residency(size);
  }
  const std::uint64_t low = std::min(storage_.low(), size);
  std::vector<Extent> extents;
  if (low > 0) extents.push_back({{0, low}, Residency::released});
  const auto where = outcome_.failure() != nullptr ? Residency::missing : Residency::spool;
  if (low < size) extents.push_back({{low, size}, where});
  return extents;
}

Stats Engine::stats() {
  if (!storage_.is_forked_child()) storage_.reap();  // What nobody uses any more is not held.
  Stats stats;
  stats.hits = hits_.sum();
  stats.waits = waits_.load(std::memory_order_relaxed);
  stats.source_reads = filler_.source_reads();
  stats.bytes_on_wire = filler_.bytes_on_wire();
  stats.reopened = filler_.reopened();
  stats.read_through = filler_.read_through();
  stats.spills = storage_.spills();
  stats.spilled_bytes = storage_.spilled_bytes();
  stats.memory_bytes = storage_.account().used();
  const SpoolStore* spool = storage_.spool();
  stats.spool_bytes = spool == nullptr ? 0 : spool->used();
  return stats;
}

Subscription Engine::when_available(ByteRange range,
                                    std::function<void(std::error_code)> callback) {
  if (range.begin > range.end) throw std::invalid_argument("when_available: begin is past end");
  if (!callback) throw std::invalid_argument("when_available: no callback");
  if (in_place_ != nullptr) {
    call_decided(callback, result_in_place(range));
    return {};
  }
  auto self = shared_from_this();  // The callback may destroy the buffer, at once.
  auto waiting = filler_.when_available(range, std::move(callback));
  return Subscription(std::move(self), std::move(waiting));
}

void Engine::release_before(std::uint64_t offset) {
  storage_.check_not_forked(offset);
  const auto self = shared_from_this();  // A callback may destroy the buffer.
  storage_.release_before(offset);
  filler_.released();
}

void Engine::follow_readers() {
  if (!window_follows_readers()) return;
  const ReaderMarks* marks = marks_.get();
  const auto slowest = marks != nullptr ? marks->slowest() : std::nullopt;
  if (slowest && *slowest > storage_.low()) release_before(*slowest);
}

}  // namespace seekable::inline v1::detail
