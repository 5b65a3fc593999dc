// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <utility>

#include "core/failure.hpp"
#include "core/filler.hpp"
#include "core/inside_source.hpp"
#include "seekable/error.hpp"

namespace seekable::inline v1::detail {

namespace {

/// The declared size, or `unknown`; `trouble` is what the source threw.
[[gnu::always_inline]] inline std::uint64_t size_of(const Source& source,
                                                    std::exception_ptr& trouble) noexcept {
  try {
    return source.size().value_or(unknown);
  } catch (...) {
    trouble = std::current_exception();
    return unknown;
  }
}

[[gnu::always_inline]] inline void check_stored(const Lane& lane, std::size_t size,
                                                std::size_t room) {
  if (size <= room) [[likely]]
    return;
  throw Error(Errc::source_failed,
              "the source says it stored " + std::to_string(size) + " bytes where there was room" +
                  " for " + std::to_string(room),
              lane.position.load(std::memory_order_relaxed));
}

}  // namespace

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

void Filler::pull(Lane& lane, const Need& need) {
  alignas(64) std::byte scratch[scratch_size];
  while (step(lane, need, scratch)) {
  }
}

/// Nothing speaks against pulling on for `need`, as far as the stream is concerned.
bool Filler::wants_more(std::uint64_t position, const Need& need) const noexcept {
  return outcome_.failure() == nullptr && position < outcome_.end() && position < need.until &&
         !is_moot(need);
}

/// Pulls into the room there is in one place. Returns true if the filler may go on; else it is
/// over, or as far as was needed, or stopped by a full window, by another lane's block, by
/// callbacks that are due.
bool Filler::step(Lane& lane, const Need& need, std::span<std::byte> scratch) {
  const std::uint64_t position = lane.position.load(std::memory_order_relaxed);
  if (!wants_more(position, need)) return false;
  const std::size_t allowed = allowance(position, need);
  if (allowed == 0) return false;
  if (sparse() && !claim(lane, position)) return false;
  if (!lane.held.empty()) {
    store_held(lane, scratch);
    return !published(lane.position.load(std::memory_order_relaxed));
  }
  if (may_splice(position) && splice(lane, need, allowed)) {
    return !published(lane.position.load(std::memory_order_relaxed));
  }
  Room room = room_at(lane, position, scratch);
  // All that is still needed is kept: it need not come once more.
  if (room.how == Room::How::skip && !lacks(position, need)) return false;
  if (room.how == Room::How::full && !looks_for_end_at(position))
    storage_.throw_disk_full(position);
  if (allowed < room.bytes.size()) room.bytes = room.bytes.first(allowed);
  return fill(lane, need, room);
}

/// True if the source is asked whether there is a byte at `position` although it could not be
/// stored. Not where it was declared; nor a restartable source of unknown size: that may be a
/// request, for a byte that is likely there.
bool Filler::looks_for_end_at(std::uint64_t position) const noexcept {
  const std::uint64_t declared = outcome_.declared();
  return declared == unknown ? !sparse() : position >= declared;
}

/// Reads into `room` until it is full; or once, where a window or another lane has a say in what
/// comes next, or it is not the block itself. Returns as `step`.
bool Filler::fill(Lane& lane, const Need& need, Room& room) {
  const bool may_read_on = !sparse() && window_ == 0 && room.how == Room::How::direct;
  Pulled pulled;
  bool drips = false;
  // What has been read and finds no room is held: there must be memory for it before it is read.
  const bool may_hold = room.how == Room::How::through || room.how == Room::How::full;
  if (may_hold) lane.held.reserve(room.bytes.size());
  if (!read_source(lane, room.bytes, pulled)) return false;
  while (account_for(lane, room, pulled)) {
    room.bytes = room.bytes.subspan(pulled.size);
    if (!may_read_on || room.bytes.empty()) return true;
    if (!wants_more(lane.position.load(std::memory_order_relaxed), need)) return true;
    // Not behind the first small one, which often is the last of all.
    if (pulled.size <= drip_size && std::exchange(drips, true) && ProcessFence::is_there()) {
      const Next next = drip(lane, need, room, pulled);
      if (next != Next::account_for) return next == Next::step;
    } else if (!read_source(lane, room.bytes, pulled)) {
      return false;
    }
  }
  return false;
}

/// Takes account of a read. Returns as `step`.
bool Filler::account_for(Lane& lane, const Room& room, Pulled& pulled) {
  if (pulled.declared != unknown) declare(pulled.declared);
  // Where it was cancelled meanwhile, what came is not part of the stream any more.
  if (outcome_.failure() != nullptr) return false;
  if (pulled.size == 0) {
    if (pulled.trouble) source_threw(lane, pulled.trouble);
    source_ended(lane);
    return false;
  }
  accept(lane, room, room.bytes.first(pulled.size));
  if (pulled.trouble) source_threw(lane, pulled.trouble);  // After the bytes, which came before it.
  return !published(lane.position.load(std::memory_order_relaxed));
}

/// As `fill`, for reads that bring little each: what is done for one costs less than the read.
/// Returns `account_for` as soon as one needs more than that, with that read in `pulled` and
/// `room`; else both are out of date.
Filler::Next Filler::drip(Lane& lane, const Need& need, Room& room, Pulled& pulled) {
  const Dripping dripping(drips_);
  pulled = {};
  const std::uint64_t low = storage_.low();
  if (is_moot(need)) return Next::step;  // Looked at again: `low` may have moved just now.
  const std::uint64_t declared = outcome_.declared();
  Source& source = *lane.source;
  std::uint64_t position = lane.position.load(std::memory_order_relaxed);
  std::span<std::byte> bytes = room.bytes;  // (`room` would be stored and loaded around each call.)
  try {
    const InsideSource inside(this);
    do {
      count_alone(reads_, 1);
      const std::size_t size = source.read_some(bytes);
      check_stored(lane, size, bytes.size());
      count_alone(wire_, size);
      if (declared == unknown) pulled.declared = size_of(source, pulled.trouble);
      // (Nothing read is no drip either: 0 - 1 is large.)
      const bool plain = size - 1 < drip_size && pulled.declared == unknown && !pulled.trouble &&
                         size < bytes.size() && size <= declared - position &&
                         outcome_.failure() == nullptr;
      if (!plain) {
        pulled.size = size;
        room.bytes = bytes;
        return Next::account_for;
      }
      position += size;
      Storage::publish_lightly(lane.filling, in_block(position));
      lane.position.store(position, std::memory_order_release);
      bytes = bytes.subspan(size);
      ProcessFence::light();
      if (lowest_.load(std::memory_order_seq_cst) <= position) break;  // invariant 1
    } while (position < need.until && storage_.low() == low);
  } catch (...) {
    source_threw(lane, std::current_exception());
    return Next::stop;
  }
  return published(position) ? Next::stop : Next::step;
}

/// Called before anybody can wait for anything.
void Filler::ask_for_size() {
  std::exception_ptr trouble;
  outcome_.declare(size_of(*first_.source, trouble));
  if (trouble) source_threw(first_, trouble);
}

bool Filler::claim(Lane& lane, std::uint64_t position) {
  const std::uint64_t block = block_of(position);
  if (lane.claimed == block) return true;
  Wakeups wakeups;
  MutexLock lock(mutex_);
  for (std::size_t i = 0; i < lanes(); ++i) {
    const Lane& other = this->lane(i);
    if (&other != &lane && other.busy && other.claimed == block) return false;
  }
  const std::uint64_t left = std::exchange(lane.claimed, block);
  // Whoever waits for what the block that was left still lacks, before an island, had to wait for
  // this.
  if (left != unknown && storage_.fill_from(block_begin(left)) < block_end(block_begin(left))) {
    hand_over(wakeups);
  }
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

/// True if a byte is missing that the filler is to bring from `position` on. (A reader's need ends
/// with its block, so that this is one look.)
bool Filler::lacks(std::uint64_t position, const Need& need) const noexcept {
  return need.until == unknown || storage_.first_missing(position, need.until) < need.until;
}

Room Filler::room_at(Lane& lane, std::uint64_t position, std::span<std::byte> scratch) {
  if (sparse()) {
    // What is kept already is only passed over.
    const std::size_t skipped = storage_.to_skip(position);
    if (skipped > 0) return {scratch.first(std::min(scratch.size(), skipped)), Room::How::skip};
  }
  return storage_.room(position, lane.filling, scratch);
}

/// Reads once, and asks for the declared size until it is known. Returns false where the source
/// has failed.
bool Filler::read_source(Lane& lane, std::span<std::byte> out, Pulled& pulled) {
  pulled = {};
  count(reads_, 1);
  try {
    const InsideSource inside(this);
    pulled.size = lane.source->read_some(out);
    check_stored(lane, pulled.size, out.size());
    count(wire_, pulled.size);
    if (outcome_.declared() == unknown) pulled.declared = size_of(*lane.source, pulled.trouble);
    return true;
  } catch (...) {
    source_threw(lane, std::current_exception());
    return false;
  }
}

void Filler::declare(std::uint64_t size) {
  {
    Wakeups wakeups;
    MutexLock lock(mutex_);
    if (outcome_.declared() != unknown) return;
    outcome_.declare(size);
    hand_over(wakeups);  // Somebody may have waited for just that.
  }
  if (reached() > size) fail_overrun();
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
  const std::uint64_t before = lane.position.load(std::memory_order_relaxed);
  lane.position.store(position, std::memory_order_release);
  if (!sparse()) return;
  if (before < lane.through) {
    const std::uint64_t passed = std::min(position, lane.through) - before;
    through_.fetch_add(passed, std::memory_order_relaxed);
  }
  std::uint64_t reached = reached_.load(std::memory_order_relaxed);
  while (position > reached &&
         !reached_.compare_exchange_weak(reached, position, std::memory_order_relaxed)) {
  }
}

void Filler::accept(Lane& lane, const Room& room, std::span<const std::byte> bytes) {
  const std::uint64_t position = lane.position.load(std::memory_order_relaxed);
  const std::size_t size = within_end(position, bytes.size());
  if (size > 0 && room.how == Room::How::full) {
    // Not an error yet: while the source was read, others may have made room. `store_held` looks.
    lane.held.assign(bytes.begin(), bytes.end());
    return;
  }
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
  fail(failure_told_by(Errc::overrun, end, [&] {
    const std::string what = end == declared ? "its declared size of " : "its end after ";
    return "the stream goes on past " + what + std::to_string(end) + " bytes";
  }));
}

void Filler::store_held(Lane& lane, std::span<std::byte> scratch) {
  Bytes& held = lane.held;
  const std::uint64_t position = lane.position.load(std::memory_order_relaxed);
  const Room room = room_at(lane, position, scratch);
  if (room.how == Room::How::full) storage_.throw_disk_full(position);
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
  ProcessFence::light();  // For `drip`. Elsewhere `filled` was stored sequentially consistent.
  // A head that has reached its island brings more than was read.
  if (sparse()) end += storage_.kept_in_block(end);
  if (lowest_.load(std::memory_order_seq_cst) > end) return false;  // invariant 1
  Wakeups wakeups;
  MutexLock lock(mutex_);
  for (Waiter* waiter = first_waiter_; waiter != nullptr; waiter = waiter->next) {
    if (waiter->woken) continue;
    // Or the window has just dropped a byte that somebody who wants the whole stream needs.
    if (!met(waiter->need.byte, waiter->need.wake_at) && !is_moot(waiter->need)) continue;
    waiter->woken = true;
    wakeups.set(waiter->event);
  }
  look_at_callbacks();
  update_lowest();
  return !due_.empty();
}

}  // namespace seekable::inline v1::detail
