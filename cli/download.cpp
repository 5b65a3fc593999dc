// SPDX-License-Identifier: Apache-2.0
#include "cli/download.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <span>
#include <system_error>
#include <utility>

#include "cli/web.hpp"
#include "seekable/error.hpp"

namespace seekable::cli {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t unknown = std::numeric_limits<std::uint64_t>::max();

// The map is written when a second has passed, or sooner when so many bytes have come; never so
// often that the disk does nothing else.
constexpr milliseconds map_every{1'000};
constexpr milliseconds map_at_most_every{200};
constexpr std::uint64_t map_every_bytes = 8 * 1024 * 1024;

}  // namespace

/// One connection.
struct Download::Lane {
  std::unique_ptr<Source> source;
  RestartableSource* restartable = nullptr;
  std::uint64_t position = 0;
  std::unique_ptr<Piece> piece = std::make_unique<Piece>();
};

Download::Download(DownloadPlan plan, PartFile& part, FrontHash* hash)
    : part_(part),
      hash_(hash),
      restartable_(plan.restartable),
      connections_(plan.restartable == nullptr ? 1 : plan.connections),
      map_(std::move(plan.map)),
      kept_(map_.kept.total()) {
  auto lane = std::make_unique<Lane>();
  lane->source = std::move(plan.source);
  lane->restartable = restartable_;
  lanes_.push_back(std::move(lane));
  if (hash_ != nullptr) hash_->reach(map_.kept.front());
}

Download::~Download() = default;

std::uint64_t Download::run() {
  {
    const std::jthread keeper([this](const std::stop_token& stop) { keep_map(stop); });
    try {
      learn_size();
      shares_.emplace(map_.kept.missing(size().value_or(unknown)), size() ? connections_ : 1);
      fetch_shares(0, *lanes_.front());
    } catch (...) {
      fail(std::current_exception());
    }
    others_.clear();
  }
  if (failure_) {
    save_map();
    std::rethrow_exception(failure_);
  }
  complete_ = true;
  return size().value();
}

/// Asks for the size where it decides how the work is shared.
void Download::learn_size() {
  if (connections_ == 1 || map_.size) return;
  const auto found = restartable_->find_size();
  const std::scoped_lock lock(mutex_);
  map_.size = found;
}

/// Starts the other connections, when the first has had its first answer.
void Download::add_lanes(const Lane& first) {
  if (connections_ == 1 || std::exchange(lanes_added_, true)) return;
  if (!size() || has_no_ranges(*first.restartable)) return;
  while (lanes_.size() < connections_) {
    auto lane = std::make_unique<Lane>();
    auto source = restartable_->another();
    if (!source) return;
    lane->restartable = source.get();
    lane->source = std::move(source);
    lane->position = unknown;
    const std::size_t number = lanes_.size();
    {
      const std::scoped_lock lock(mutex_);
      if (cancelled_) lane->source->cancel();
      lanes_.push_back(std::move(lane));
    }
    others_.emplace_back([this, number, &lane = *lanes_.back()] { fetch(number, lane); });
  }
}

void Download::fetch(std::size_t number, Lane& lane) noexcept try {
  fetch_shares(number, lane);
} catch (...) {
  fail(std::current_exception());
}

void Download::fetch_shares(std::size_t number, Lane& lane) {
  while (const auto share = shares_->take(number)) {
    const bool is_part =
        share->end != unknown && connections_ > 1 && !has_no_ranges(*lane.restartable);
    if (share->begin != lane.position || is_part) open(lane, *share);
    fetch_share(number, lane, share->end);
  }
}

void Download::open(Lane& lane, const ByteRange& share) {
  lane.position = share.begin;
  std::optional<std::uint64_t> wanted;
  if (share.end != unknown) wanted = share.end - share.begin;
  {
    const std::scoped_lock lock(mutex_);
    ++reopened_;
  }
  lane.restartable->reopen(share.begin, wanted);
}

void Download::fetch_share(std::size_t number, Lane& lane, std::uint64_t end) {
  while (lane.position < end) {
    const auto room =
        std::span(lane.piece->bytes)
            .first(std::min<std::uint64_t>(lane.piece->bytes.size(), end - lane.position));
    const std::size_t got = lane.source->read_some(room);
    learn_from(*lane.source);
    if (got == 0) {
      end_at(lane.position);
      return;
    }
    take_in(lane, lane.position, got);
    lane.position += got;
    end = std::min(shares_->advance(number, lane.position), size().value_or(unknown));
    if (number == 0) add_lanes(lane);
  }
  if (lane.position == size()) confirm_end(lane);
}

/// Notes what the source has learned with its first answer.
void Download::learn_from(const Source& source) {
  const std::scoped_lock lock(mutex_);
  ++reads_;
  if (!map_.size) map_.size = source.size();
  if (map_.validator.empty() && restartable_ != nullptr) map_.validator = source.info().validator;
}

/// Keeps `size` bytes of the lane's piece, which lie at `offset`.
void Download::take_in(Lane& lane, std::uint64_t offset, std::size_t size) {
  const std::uint64_t end = this->size().value_or(unknown);
  if (size > end - std::min(offset, end)) {
    throw Error(Errc::overrun, fmt::format("the declared size is {} bytes", end), end);
  }
  part_.write(offset, std::span(lane.piece->bytes).first(size));
  std::uint64_t front = 0;
  {
    const std::scoped_lock lock(mutex_);
    map_.kept.add({offset, offset + size});  // invariant 2
    kept_ = map_.kept.total();
    front = map_.kept.front();
    came_ += size;
    unsaved_ += size;
    if (unsaved_ >= map_every_bytes) map_is_due_.notify_one();
  }
  if (hash_ != nullptr) hash_->reach(front);
}

/// The source says that it ends at `offset`.
void Download::end_at(std::uint64_t offset) {
  const std::scoped_lock lock(mutex_);
  if (map_.size && offset < *map_.size) {
    throw Error(Errc::truncated, fmt::format("the declared size is {} bytes", *map_.size), offset);
  }
  if (!map_.size) map_.size = offset;
}

/// A size is a claim until the source has said that there is no more.
void Download::confirm_end(Lane& lane) {
  if (lane.source->read_some(std::span(lane.piece->bytes).first(1)) == 0) return;
  throw Error(Errc::overrun, fmt::format("the declared size is {} bytes", lane.position),
              lane.position);
}

void Download::keep_map(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    map_is_due_.wait_for(lock, stop, map_at_most_every, [] { return false; });
    map_is_due_.wait_for(lock, stop, map_every - map_at_most_every,
                         [this] { return unsaved_ >= map_every_bytes; });
    if (stop.stop_requested() || unsaved_ == 0) continue;
    lock.unlock();
    save_map();
    lock.lock();
  }
}

void Download::save_map() {
  PartMap map;
  {
    const std::scoped_lock lock(mutex_);
    if (map_.validator.empty()) return;
    map = map_;
    unsaved_ = 0;
  }
  try {
    part_.save_map(map);  // invariant 1
  } catch (const std::system_error&) {
    // The map that is there claims less, and so is right as well.
  }
}

/// The first failure is the one that is told; the others follow from it.
void Download::fail(std::exception_ptr why) noexcept {
  {
    const std::scoped_lock lock(mutex_);
    if (!failure_) failure_ = std::move(why);
  }
  cancel();
}

void Download::cancel() {
  const std::scoped_lock lock(mutex_);
  cancelled_ = true;
  for (const auto& lane : lanes_) lane->source->cancel();
  if (hash_ != nullptr) hash_->stop();
}

std::uint64_t Download::came() const {
  const std::scoped_lock lock(mutex_);
  return came_;
}

std::uint64_t Download::done() const {
  const std::scoped_lock lock(mutex_);
  return kept_;
}

std::optional<std::uint64_t> Download::size() const {
  const std::scoped_lock lock(mutex_);
  return map_.size;
}

bool Download::complete() const { return complete_; }

bool Download::can_go_on() const {
  const std::scoped_lock lock(mutex_);
  return kept_ > 0 && !map_.validator.empty();
}

Stats Download::stats() const {
  const std::scoped_lock lock(mutex_);
  Stats stats;
  stats.source_reads = reads_;
  stats.bytes_on_wire = came_;
  stats.reopened = reopened_;
  return stats;
}

}  // namespace seekable::cli
