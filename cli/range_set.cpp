// SPDX-License-Identifier: Apache-2.0
#include "cli/range_set.hpp"

#include <algorithm>
#include <iterator>

namespace seekable::cli {

void RangeSet::add(ByteRange range) {
  if (range.begin >= range.end) return;
  auto next = ends_.upper_bound(range.begin);
  if (next != ends_.begin()) {
    const auto before = std::prev(next);
    if (before->second >= range.begin) {
      range.begin = before->first;
      range.end = std::max(range.end, before->second);
      next = ends_.erase(before);
    }
  }
  while (next != ends_.end() && next->first <= range.end) {
    range.end = std::max(range.end, next->second);
    next = ends_.erase(next);
  }
  ends_.emplace_hint(next, range.begin, range.end);
}

std::vector<ByteRange> RangeSet::ranges() const {
  std::vector<ByteRange> ranges;
  ranges.reserve(ends_.size());
  for (const auto& [begin, end] : ends_) ranges.push_back({begin, end});
  return ranges;
}

std::vector<ByteRange> RangeSet::missing(std::uint64_t end) const {
  std::vector<ByteRange> missing;
  std::uint64_t at = 0;
  for (const auto& [begin, range_end] : ends_) {
    if (begin >= end) break;
    if (begin > at) missing.push_back({at, begin});
    at = range_end;
  }
  if (at < end) missing.push_back({at, end});
  return missing;
}

std::uint64_t RangeSet::front() const {
  const auto first = ends_.begin();
  return first == ends_.end() || first->first > 0 ? 0 : first->second;
}

std::uint64_t RangeSet::end() const { return ends_.empty() ? 0 : ends_.rbegin()->second; }

std::uint64_t RangeSet::total() const {
  std::uint64_t total = 0;
  for (const auto& [begin, end] : ends_) total += end - begin;
  return total;
}

}  // namespace seekable::cli
