// SPDX-License-Identifier: Apache-2.0
#include "cli/shares.hpp"

#include <algorithm>

namespace seekable::cli {

namespace {

// Less than this is not worth a request of its own: what a gap must have to be jumped over, too,
// where nothing was measured (`RestartableSource::worth_reading_through`).
constexpr std::uint64_t least_share = 1024 * 1024;

std::uint64_t length(const ByteRange& range) { return range.end - range.begin; }

}  // namespace

Shares::Shares(const std::vector<ByteRange>& wanted, std::size_t how_many) : taken_(how_many) {
  std::uint64_t total = 0;
  for (const ByteRange& range : wanted) total += length(range);
  const std::uint64_t share = std::max(least_share, total / how_many + (total % how_many != 0));
  for (ByteRange range : wanted) {
    // The rest goes with the last share, unless it makes one of its own.
    while (how_many > 1 && length(range) >= share + least_share) {
      waiting_.push_back({range.begin, range.begin + share});
      range.begin += share;
    }
    waiting_.push_back(range);
  }
}

std::optional<ByteRange> Shares::take(std::size_t connection) {
  const std::scoped_lock lock(mutex_);
  taken_[connection] = {};  // Where nobody knew the end, it may seem that some of it is left.
  if (waiting_.empty()) return take_half_of_another(connection);
  taken_[connection] = waiting_.front();
  waiting_.pop_front();
  return taken_[connection];
}

std::optional<ByteRange> Shares::take_half_of_another(std::size_t connection) {
  const auto longest = std::ranges::max_element(taken_, {}, length);
  if (length(*longest) < 2 * least_share) return std::nullopt;
  const std::uint64_t middle = longest->begin + length(*longest) / 2;
  const ByteRange half{middle, longest->end};
  longest->end = middle;  // invariant 1
  taken_[connection] = half;
  return half;
}

std::uint64_t Shares::advance(std::size_t connection, std::uint64_t offset) {
  const std::scoped_lock lock(mutex_);
  ByteRange& share = taken_[connection];
  // Its end may have moved to before what was read; another has that now.
  share.begin = std::min(offset, share.end);
  return share.end;
}

}  // namespace seekable::cli
