// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/web.hpp"
#include "seekable/error.hpp"
#include "seekable/source.hpp"
#include "seekable/stats.hpp"
#include "seekable/stream_buffer.hpp"

namespace seekable::cli {

/// What `--stats` tells, kept from a buffer that may be gone by then.
struct StatsSnapshot {
  Stats stats;
  std::optional<std::uint64_t> size;
  std::optional<Failure> failure;
  std::optional<WebTraffic> web;  ///< of a URL
  std::uint64_t kept = 0;         ///< bytes of it that are there, in memory or on disk
};

/// Takes what `buffer` has done so far. `web`: the URL it reads, if it is one.
StatsSnapshot snapshot(const StreamBuffer& buffer, const Source* web);

/// Takes the snapshot when the scope ends in which the buffer works, however it ends.
///
/// Lifetime: all must outlive it.
class StatsKeeper {
 public:
  StatsKeeper(std::optional<StatsSnapshot>& kept, const StreamBuffer& buffer, const Source* web)
      : kept_(kept), buffer_(buffer), web_(web) {}
  ~StatsKeeper() {
    kept_ = snapshot(buffer_, web_);
    if (size_) kept_->size = size_;
  }
  StatsKeeper(const StatsKeeper&) = delete;
  StatsKeeper& operator=(const StatsKeeper&) = delete;

  /// The size is known, if not to the buffer.
  void tell_size(std::uint64_t size) { size_ = size; }

 private:
  std::optional<StatsSnapshot>& kept_;
  const StreamBuffer& buffer_;
  const Source* web_;
  std::optional<std::uint64_t> size_;
};

/// One line of JSON: `size` (null where unknown), `failure` (null, or code, category, message and
/// offset), the members of `Stats` under their names, and for a URL `http` with what it has cost;
/// its `bytes_on_wire` is `WebTraffic::bytes_received`.
std::string stats_line(const StatsSnapshot& snapshot);

/// Writes that line to standard error.
void print_stats(const StatsSnapshot& snapshot);

}  // namespace seekable::cli
