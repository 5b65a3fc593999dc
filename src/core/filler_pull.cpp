// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "core/filler.hpp"
#include "core/inside_source.hpp"
#include "seekable/error.hpp"

namespace seekable::inline v1::detail {

void Filler::run(Lane& lane, const Need& need) {
  Lane* at = &lane;
  try {
    if (need.for_size && sparse()) learn_size(lane);
    if (sparse() && !is_moot(need)) go_to_start(at, need);
    pull(*at, need);
    end_stall();
  } catch (...) {
    leave(*at);
    throw;
  }
  leave(*at);
}

std::uint64_t Filler::start_of(std::uint64_t byte) noexcept {
  std::uint64_t end = std::min(outcome_.end(), outcome_.declared());
  if (end == unknown && (byte == unknown || jumps_lie_.load(std::memory_order_relaxed))) {
    end = reached_.load(std::memory_order_relaxed);
  }
  // Past the claimed end there is nothing but the question whether it is the end.
  const std::uint64_t block = block_of(std::min(byte, end));
  // A block that was given up counts as full, also where the stream ends in it.
  return std::min(block_begin(block) + storage_.filled(block), end);
}

/// Brings `at`, or another lane in its place, to where the need begins.
void Filler::go_to_start(Lane*& at, const Need& need) {
  Lane& lane = *at;
  const bool size_known = outcome_.declared() != unknown || outcome_.end() != unknown;
  if (!size_known && start_of(need.byte) != lane.position.load(std::memory_order_relaxed)) {
    learn_size(lane);
  }
  const std::uint64_t start = start_of(need.byte);
  const std::uint64_t position = lane.position.load(std::memory_order_relaxed);
  const bool in_reach = position < start && !is_barred(lane, start);
  const bool goes_on = position == start || (in_reach && reads_through(lane, start - position));
  if (!goes_on) {
    if (!lane.fresh) {
      // This cursor stays where it is, for a program that goes to and fro.
      if (Lane* added = add_lane(need, &lane)) {
        at = added;
        set_idle(lane);
      }
    }
    reopen(*at, start, need);
  }
  MutexLock lock(mutex_);
  at->on_its_way = true;
}

/// True if reading on to `start` would pass a block that another lane fills.
bool Filler::is_barred(const Lane& lane, std::uint64_t start) {
  const std::uint64_t from = block_of(lane.position.load(std::memory_order_relaxed));
  MutexLock lock(mutex_);
  for (std::size_t i = 0; i < lanes_; ++i) {
    const Lane& other = this->lane(i);
    if (&other == &lane || !other.busy) continue;
    if (from <= other.claimed && other.claimed <= block_of(start)) return true;
  }
  return false;
}

bool Filler::reads_through(const Lane& lane, std::uint64_t gap) {
  try {
    const InsideSource inside(this);
    return lane.restartable->worth_reading_through(gap);
  } catch (...) {
    source_threw(lane, std::current_exception());
    return true;
  }
}

void Filler::reopen(Lane& lane, std::uint64_t start, const Need& need) {
  storage_.let_go(lane.filling);
  lane.held.clear();  // It can be had again.
  try {
    const InsideSource inside(this);
    std::optional<std::uint64_t> wanted;
    if (need.wanted_end != unknown && need.wanted_end > start) wanted = need.wanted_end - start;
    reopened_.fetch_add(1, std::memory_order_relaxed);
    lane.restartable->reopen(start, wanted);
  } catch (...) {
    lane.position.store(start, std::memory_order_release);
    source_threw(lane, std::current_exception());
  }
  lane.fresh = true;
  lane.position.store(start, std::memory_order_release);
}

Lane* Filler::add_lane(const Need& need, const Lane* instead_of) {
  {
    MutexLock lock(mutex_);
    if (lanes_ == max_lanes || no_more_lanes_) return nullptr;
  }
  std::unique_ptr<RestartableSource> source;
  try {
    const InsideSource inside(this);
    source = first_.restartable->another();
  } catch (...) {
    // One connection fewer is no failure: those that are there go on.
  }
  MutexLock lock(mutex_);
  if (!source) {
    no_more_lanes_ = true;
    return nullptr;
  }
  if (lanes_ == max_lanes || outcome_.failure() != nullptr) return nullptr;
  auto added = std::make_unique<Lane>();
  added->restartable = source.get();
  added->source = std::move(source);
  Lane& lane = *added;
  more_lanes_[lanes_ - 1] = std::move(added);
  ++lanes_;
  // Another thread may have set out for the same bytes while this one was not looking.
  if (is_coming(start_of(need.byte), instead_of)) return nullptr;
  take(lane, need);
  return &lane;
}

void Filler::learn_size(Lane& lane) {
  {
    MutexLock lock(mutex_);
    if (std::exchange(size_asked_, true)) return;
  }
  try {
    const InsideSource inside(this);
    if (const auto size = lane.restartable->find_size()) declare(*size);
  } catch (...) {
    source_threw(lane, std::current_exception());
  }
  MutexLock lock(mutex_);
  size_answered_ = true;
  hand_over();  // To those who waited for the answer.
}

void Filler::pull(Lane& lane, const Need& need) {
  alignas(64) std::byte scratch[scratch_size];
  while (step(lane, need, scratch)) {
  }
}

/// Pulls once. Returns true if the filler may go on; else it is over, or as far as was needed, or
/// stopped by a full window, by another lane's block, by callbacks that are due.
bool Filler::step(Lane& lane, const Need& need, std::span<std::byte> scratch) {
  const std::uint64_t position = lane.position.load(std::memory_order_relaxed);
  if (outcome_.failure() != nullptr || position >= outcome_.end()) return false;
  if (position >= need.until || is_moot(need)) return false;
  const std::size_t allowed = allowance(position, need);
  if (allowed == 0) return false;
  if (sparse() && !claim(lane, position)) return false;
  if (!lane.held.empty()) {
    store_held(lane, scratch);
  } else {
    Room room = room_at(lane, position, scratch);
    room.bytes = room.bytes.first(std::min(room.bytes.size(), allowed));
    const auto size = read_source(lane, room.bytes);
    // Cancelled meanwhile: what came is not part of the stream any more.
    if (!size || outcome_.failure() != nullptr) return false;
    const std::exception_ptr trouble = note_size(*lane.source);
    if (*size == 0) {
      if (trouble) source_threw(lane, trouble);
      source_ended(lane);
      return false;
    }
    accept(lane, room, room.bytes.first(*size));
    if (trouble) source_threw(lane, trouble);  // After the bytes, which came before it.
  }
  return !published(lane.position.load(std::memory_order_relaxed));
}

bool Filler::claim(Lane& lane, std::uint64_t position) {
  const std::uint64_t block = block_of(position);
  if (lane.claimed == block) return true;
  MutexLock lock(mutex_);
  for (std::size_t i = 0; i < lanes_; ++i) {
    const Lane& other = this->lane(i);
    if (&other != &lane && other.busy && other.claimed == block) return false;
  }
  lane.claimed = block;
  return true;
}

std::size_t Filler::allowance(std::uint64_t position, const Need& need) const noexcept {
  std::uint64_t end = unknown;
  if (need.exact) end = need.until;
  if (window_blocks_) {
    const std::uint64_t low = storage_.low();
    end = std::min(end, low > unknown - window_ ? unknown : low + window_);
  } else if (window_ > 0 && !ahead_ && need.byte != unknown) {
    // The byte that is waited for must not be dropped for those behind it.
    end = std::min(end, need.byte > unknown - window_ ? unknown : need.byte + window_);
  }
  return end > position ? static_cast<std::size_t>(end - position) : 0;
}

Room Filler::room_at(Lane& lane, std::uint64_t position, std::span<std::byte> scratch) {
  if (sparse()) {
    const std::size_t filled = storage_.filled(block_of(position));
    const std::size_t at = in_block(position);
    // Kept already: it is only passed over.
    if (at < filled) return {scratch.first(std::min(scratch.size(), filled - at)), Room::How::skip};
  }
  return storage_.room(position, lane.filling, scratch);
}

std::optional<std::size_t> Filler::read_source(Lane& lane, std::span<std::byte> out) {
  const std::uint64_t position = lane.position.load(std::memory_order_relaxed);
  reads_.fetch_add(1, std::memory_order_relaxed);
  try {
    const InsideSource inside(this);
    const std::size_t size = lane.source->read_some(out);
    if (size > out.size()) {
      throw Error(Errc::source_failed,
                  "the source says it stored " + std::to_string(size) + " bytes where there was " +
                      "room for " + std::to_string(out.size()),
                  position);
    }
    wire_.fetch_add(size, std::memory_order_relaxed);
    return size;
  } catch (...) {
    source_threw(lane, std::current_exception());
    return std::nullopt;
  }
}

/// Asks for the declared size until it is known. Returns what the source threw, if it did.
std::exception_ptr Filler::note_size(const Source& source) noexcept {
  try {
    if (outcome_.declared() != unknown) return nullptr;
    const InsideSource inside(this);
    if (const auto size = source.size()) declare(*size);
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

void Filler::declare(std::uint64_t size) {
  {
    MutexLock lock(mutex_);
    if (outcome_.declared() != unknown) return;
    outcome_.declare(size);
    hand_over();  // Somebody may have waited for just that.
  }
  if (reached_.load(std::memory_order_relaxed) > size) fail_overrun();
}

/// How many of `size` bytes at `position` lie below the declared size, and below the end that
/// another lane may have found.
std::size_t Filler::within_end(std::uint64_t position, std::size_t size) const noexcept {
  const std::uint64_t end = std::min(outcome_.declared(), outcome_.end());
  if (position >= end) return 0;
  return static_cast<std::size_t>(std::min<std::uint64_t>(size, end - position));
}

void Filler::advance_to(Lane& lane, std::uint64_t position) noexcept {
  lane.fresh = false;
  lane.position.store(position, std::memory_order_release);
  std::uint64_t reached = reached_.load(std::memory_order_relaxed);
  while (position > reached &&
         !reached_.compare_exchange_weak(reached, position, std::memory_order_relaxed)) {
  }
}

void Filler::accept(Lane& lane, const Room& room, std::span<const std::byte> bytes) {
  const std::uint64_t position = lane.position.load(std::memory_order_relaxed);
  const std::size_t size = within_end(position, bytes.size());
  if (size > 0) {
    try {
      storage_.commit(position, lane.filling, room, size);
    } catch (...) {
      // They cannot be had a second time, so they are kept until there is room.
      lane.held.assign(bytes.begin(), bytes.end());
      throw;
    }
    advance_to(lane, position + size);
  }
  // Looked at again: another lane may have found an end, or a size, meanwhile.
  const std::uint64_t end = std::min(outcome_.declared(), outcome_.end());
  if (size < bytes.size() || position + size > end) fail_overrun();
}

void Filler::fail_overrun() {
  const std::uint64_t declared = outcome_.declared();
  const std::uint64_t end = std::min(declared, outcome_.end());
  const std::string what = end == declared ? "its declared size of " : "its end after ";
  fail({Errc::overrun, "the stream goes on past " + what + std::to_string(end) + " bytes", end,
        nullptr});
}

void Filler::store_held(Lane& lane, std::span<std::byte> scratch) {
  Bytes& held = lane.held;
  const std::uint64_t position = lane.position.load(std::memory_order_relaxed);
  const Room room = room_at(lane, position, scratch);
  const std::size_t size = std::min(held.size(), room.bytes.size());
  if (room.how != Room::How::skip) std::memcpy(room.bytes.data(), held.data(), size);
  const std::size_t kept = within_end(position, size);
  if (kept > 0) {
    storage_.commit(position, lane.filling, room, kept);
    advance_to(lane, position + kept);
  }
  held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(kept));
  if (kept < size) fail_overrun();
}

void Filler::drop_oldest(std::uint64_t end) {
  if (window_ > 0 && !window_blocks_ && end > window_) storage_.release_before(end - window_);
}

bool Filler::published(std::uint64_t end) {
  drop_oldest(end);
  if (lowest_.load(std::memory_order_seq_cst) > end) return false;  // invariant 1
  MutexLock lock(mutex_);
  for (Waiter* waiter = first_waiter_; waiter != nullptr; waiter = waiter->next) {
    if (waiter->woken || !met(waiter->need.byte, waiter->need.wake_at)) continue;
    waiter->woken = true;
    waiter->event.set();
  }
  look_at_callbacks();
  update_lowest();
  return !due_.empty();
}

}  // namespace seekable::inline v1::detail
