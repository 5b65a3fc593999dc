// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "seekable/bytes.hpp"

namespace seekable::cli {

/// Which bytes of a file are there.
class RangeSet {
 public:
  /// Adds `range`; nothing if it is empty.
  void add(ByteRange range);

  /// The ranges, in order; no two touch.
  std::vector<ByteRange> ranges() const;

  /// What is not there of the bytes below `end`.
  std::vector<ByteRange> missing(std::uint64_t end) const;

  /// So many bytes are there from the first one on, without a gap.
  std::uint64_t front() const;

  /// Where the last range ends.
  std::uint64_t end() const;

  /// How many bytes are there.
  std::uint64_t total() const;

 private:
  std::map<std::uint64_t, std::uint64_t> ends_;  // by where a range begins
};

}  // namespace seekable::cli
