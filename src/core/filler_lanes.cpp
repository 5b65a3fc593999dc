// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "core/filler.hpp"
#include "core/inside_source.hpp"

namespace seekable::inline v1::detail {

namespace {

/// What is kept already is looked for no further ahead: each block costs a look.
constexpr std::uint64_t look_ahead = 1024 * block_size;

}  // namespace

std::uint64_t Filler::start_of(std::uint64_t byte) noexcept {
  std::uint64_t end = std::min(outcome_.end(), outcome_.declared());
  if (end == unknown && (byte == unknown || jumps_lie_.load(std::memory_order_relaxed))) {
    end = reached();
  }
  // Past the claimed end there is nothing but the question whether it is the end.
  return std::min(storage_.fill_from(std::min(byte, end)), end);
}

/// Brings `at`, or another lane in its place, to where the need begins.
void Filler::go_to_start(Lane*& at, const Need& need) {
  Lane& lane = *at;
  // For a certain byte no question is lost: the answer to opening there tells the size, too.
  const bool size_known = outcome_.declared() != unknown || outcome_.end() != unknown;
  if (!size_known && need.byte == unknown &&
      start_of(need.byte) != lane.position.load(std::memory_order_relaxed)) {
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
  } else if (position < start) {
    lane.through = start;
  } else if (lane.fresh && lane.held.empty()) {
    tell_wanted(lane, start, need);
  }
  MutexLock lock(mutex_);
  at->on_its_way = true;
}

/// True if reading on to `start` would pass a block that another lane fills.
bool Filler::is_barred(const Lane& lane, std::uint64_t start) {
  const std::uint64_t from = block_of(lane.position.load(std::memory_order_relaxed));
  MutexLock lock(mutex_);
  for (std::size_t i = 0; i < lanes(); ++i) {
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

/// So many bytes from `start` on will be read, as far as is known. What is kept at the end of them
/// need not come again.
std::optional<std::uint64_t> Filler::wanted_from(std::uint64_t start, const Need& need) noexcept {
  const std::uint64_t end = need.wanted_end;
  if (end == unknown || end <= start) return std::nullopt;
  if (end - start > look_ahead) return end - start;
  const std::uint64_t kept = storage_.first_kept(start, end);
  const bool rest_is_kept = start < kept && storage_.first_missing(kept, end) >= end;
  return (rest_is_kept ? kept : end) - start;
}

/// A connection that was not used yet may ask for no more than what is wanted.
void Filler::tell_wanted(Lane& lane, std::uint64_t start, const Need& need) {
  const auto wanted = wanted_from(start, need);
  if (!wanted) return;
  try {
    const InsideSource inside(this);
    lane.restartable->reopen(start, wanted);
  } catch (...) {
    source_threw(lane, std::current_exception());
  }
}

/// Where a connection that jumps is to begin: at what is wanted, where that is a block or more and
/// may begin an island, of which the lane then has hold; else at `start`. For less, what lies
/// before it comes for next to nothing, and is likely to be wanted.
std::uint64_t Filler::begin_where_wanted(Lane& lane, std::uint64_t start, const Need& need) {
  const bool is_much = need.wanted_end != unknown && need.wanted_end - need.byte >= block_size;
  const bool is_inside = start < need.byte && block_of(need.byte) == block_of(start) &&
                         need.byte < std::min(outcome_.end(), outcome_.declared());
  if (!is_much || !is_inside || jumps_lie_.load(std::memory_order_relaxed)) return start;
  // Another filler may have taken the block since `start` was found (storage.hpp, invariant 7).
  if (!claim(lane, start)) return start;
  return storage_.begin_island(need.byte, lane.filling).value_or(start);
}

void Filler::reopen(Lane& lane, std::uint64_t start, const Need& need) {
  storage_.let_go(lane.filling);
  start = begin_where_wanted(lane, start, need);
  // It can be had again. Behind what may throw: until here the lane stands before it.
  lane.held.clear();
  try {
    const InsideSource inside(this);
    reopened_.fetch_add(1, std::memory_order_relaxed);
    lane.restartable->reopen(start, wanted_from(start, need));
  } catch (...) {
    lane.position.store(start, std::memory_order_release);
    source_threw(lane, std::current_exception());
  }
  lane.fresh = true;
  lane.through = 0;
  lane.position.store(start, std::memory_order_release);
}

Lane* Filler::add_lane(const Need& need, const Lane* instead_of) {
  // Whatever may throw comes first: a count left behind would let others sleep for a lane that
  // never comes, and one taken back in silence for one that could.
  auto added = std::make_unique<Lane>();
  {
    MutexLock lock(mutex_);
    if (!has_lanes_left()) return nullptr;
    more_lanes_.reserve(more_lanes_.size() + lanes_to_come_ + 1);
    ++lanes_to_come_;
  }
  std::unique_ptr<RestartableSource> source;
  try {
    const InsideSource inside(this);
    source = first_.restartable->another();
  } catch (...) {
    // One connection fewer is no failure: those that are there go on.
  }
  Wakeups wakeups;
  MutexLock lock(mutex_);
  --lanes_to_come_;
  if (!source) {
    no_more_lanes_ = true;
    return nullptr;
  }
  if (outcome_.failure() != nullptr) return nullptr;
  added->restartable = source.get();
  added->source = std::move(source);
  Lane& lane = *added;
  more_lanes_.push_back(std::move(added));
  // Another thread may have set out for the same bytes while this one was not looking.
  if (is_coming(start_of(need.byte), instead_of)) {
    hand_over(wakeups);  // The lane is idle, and others may have found none left.
    return nullptr;
  }
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
  Wakeups wakeups;
  MutexLock lock(mutex_);
  size_answered_ = true;
  hand_over(wakeups);  // To those who waited for the answer.
}

}  // namespace seekable::inline v1::detail
