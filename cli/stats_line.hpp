// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "seekable/error.hpp"
#include "seekable/stats.hpp"
#include "seekable/stream_buffer.hpp"

namespace seekable::cli {

/// What `--stats` tells, kept from a buffer that may be gone by then.
struct StatsSnapshot {
  Stats stats;
  std::optional<std::uint64_t> size;
  std::optional<Failure> failure;
};

/// Takes what `buffer` has done so far.
StatsSnapshot snapshot(const StreamBuffer& buffer);

/// Takes the snapshot when the scope ends in which the buffer works, however it ends.
///
/// Lifetime: both must outlive it.
class StatsKeeper {
 public:
  StatsKeeper(std::optional<StatsSnapshot>& kept, const StreamBuffer& buffer)
      : kept_(kept), buffer_(buffer) {}
  ~StatsKeeper() { kept_ = snapshot(buffer_); }
  StatsKeeper(const StatsKeeper&) = delete;
  StatsKeeper& operator=(const StatsKeeper&) = delete;

 private:
  std::optional<StatsSnapshot>& kept_;
  const StreamBuffer& buffer_;
};

/// One line of JSON: `size` (null where unknown), `failure` (null, or code, category, message and
/// offset), and the members of `Stats` under their names.
std::string stats_line(const StatsSnapshot& snapshot);

/// Writes that line to standard error.
void print_stats(const StatsSnapshot& snapshot);

}  // namespace seekable::cli
