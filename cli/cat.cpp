// SPDX-License-Identifier: Apache-2.0
#include "cli/cat.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/buffer_options.hpp"
#include "cli/drain.hpp"
#include "cli/failures.hpp"
#include "cli/output.hpp"
#include "cli/patient.hpp"
#include "cli/progress.hpp"
#include "cli/report.hpp"
#include "cli/signals.hpp"
#include "cli/source.hpp"
#include "cli/watch.hpp"
#include "seekable/bytes.hpp"
#include "seekable/reader.hpp"
#include "seekable/stream_buffer.hpp"

namespace seekable::cli {

namespace {

constexpr std::uint64_t end_of_stream = std::numeric_limits<std::uint64_t>::max();

// How far the source may be ahead of the output when the whole stream is copied.
constexpr std::uint64_t copy_window = 1024 * 1024;

/// The lowest offset that `ranges` still need; 0 where one counts from the end.
std::uint64_t lowest_needed(std::span<const RangeSpec> ranges) {
  std::uint64_t lowest = end_of_stream;
  for (const RangeSpec& range : ranges) lowest = std::min(lowest, range.first.value_or(0));
  return lowest;
}

/// Keeps as little as the wanted ranges allow.
void set_retention(Options& settings, const CatOptions& options, bool in_place) {
  const auto& window = options.common.window;
  if (in_place) return;  // Read in place: nothing is kept anyway.
  if (options.ranges.empty()) {
    const auto size = window.value_or(std::min(copy_window, settings.memory_limit / 2));
    // With little memory reading ahead has no room.
    if (settings.memory_limit >= copy_window) settings.fill = Fill::ahead;
    settings.retention = Retention::window(std::max<std::uint64_t>(size, 1), WhenFull::block);
    if (!window && settings.memory_limit >= least_drain_memory) settings.disk_limit = 0;
    return;
  }
  std::uint64_t longest_suffix = 0;
  bool only_suffixes = true;
  for (const RangeSpec& range : options.ranges) {
    only_suffixes = only_suffixes && !range.first;
    longest_suffix = std::max(longest_suffix, range.suffix);
  }
  if (window || only_suffixes) {
    settings.retention = Retention::window(window.value_or(longest_suffix), WhenFull::drop_oldest);
  }
}

/// Writes streams and ranges to standard output.
class Printer {
 public:
  Printer(StreamBuffer& buffer, const CommonOptions& common, std::string name,
          std::atomic<std::uint64_t>& written)
      : buffer_(buffer),
        written_(written),
        timeout_(common.timeout),
        name_(std::move(name)),
        piece_(std::make_unique<Piece>()) {}

  void print_all() {
    Reader reader = buffer_.reader();
    for (;;) {
      const std::size_t got = patiently(buffer_, timeout_, [&](const Wait& wait) {
        return reader.read_some(piece_->bytes, wait);
      });
      if (got == 0) return;
      put(std::span(piece_->bytes).first(got));
    }
  }

  void print_ranges(std::span<const RangeSpec> ranges) {
    for (; !ranges.empty(); ranges = ranges.subspan(1)) {
      buffer_.release_before(lowest_needed(ranges));
      print_range(ranges.front());
    }
  }

 private:
  void put(std::span<const std::byte> bytes) {
    write_output(bytes);
    written_.fetch_add(bytes.size(), std::memory_order_relaxed);
  }

  void print_range(const RangeSpec& range) {
    const ByteRange wanted = resolve(range);
    std::uint64_t at = wanted.begin;
    while (at < wanted.end) {
      const std::size_t most = std::min<std::uint64_t>(piece_->bytes.size(), wanted.end - at);
      const auto out = std::span(piece_->bytes).first(most);
      const std::size_t got = patiently(
          buffer_, timeout_, [&](const Wait& wait) { return buffer_.read_some_at(at, out, wait); });
      if (got == 0) break;
      put(out.first(got));
      at += got;
    }
    if (at == wanted.begin) {
      throw Failed(fmt::format("the range {} lies past the end of '{}', which has {} bytes",
                               range_text(range), name_, size()));
    }
  }

  ByteRange resolve(const RangeSpec& range) {
    if (!range.first) {
      const std::uint64_t end = size();
      return {end - std::min(range.suffix, end), end};
    }
    const std::uint64_t last = range.last.value_or(end_of_stream);
    return {*range.first, last == end_of_stream ? last : last + 1};
  }

  std::uint64_t size() {
    return patiently(buffer_, timeout_,
                     [&](const Wait& wait) { return buffer_.wait_for_size(wait); });
  }

  StreamBuffer& buffer_;
  std::atomic<std::uint64_t>& written_;
  const std::optional<std::chrono::milliseconds> timeout_;
  const std::string name_;
  const std::unique_ptr<Piece> piece_;
};

}  // namespace

int cat(const CatOptions& options, std::optional<StatsSnapshot>& stats) {
  const CommonOptions& common = options.common;
  Options settings = buffer_options(common);
  Signals signals;
  OpenedSource opened = open_source(common.source, common.timeout, signals);
  set_retention(settings, options, opened.in_place);
  StreamBuffer buffer = make_buffer(std::move(opened.source), settings);
  const StatsKeeper keeper(stats, buffer);
  Progress progress(common.progress);
  std::atomic<std::uint64_t> written = 0;
  Printer printer(buffer, common, opened.name, written);
  try {
    // The time-out is the printer's: while the output is slow, the source is not asked.
    watch({buffer, signals, progress, std::nullopt, &written},
          [&](const std::stop_token& /*stop*/) {
            if (options.ranges.empty()) {
              printer.print_all();
            } else {
              printer.print_ranges(options.ranges);
            }
          });
  } catch (const std::system_error& error) {
    throw Failed(failure_text(buffer, error, opened.name));
  }
  return exit_success;
}

}  // namespace seekable::cli
