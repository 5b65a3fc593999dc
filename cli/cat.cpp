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
#include "cli/forward_only.hpp"
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
#include "seekable/view.hpp"

namespace seekable::cli {

namespace {

constexpr std::uint64_t end_of_stream = std::numeric_limits<std::uint64_t>::max();

// How far the source may be ahead of the output when the whole stream is copied.
constexpr std::uint64_t copy_window = 1024 * 1024;

/// What a list of ranges needs of a stream that has come up to some place.
struct Needs {
  std::uint64_t lowest = end_of_stream;  ///< the first byte of those that count from the start
  std::uint64_t suffix = 0;              ///< so many bytes before the end, wherever that is

  /// What lies below this is not needed, once the stream has come to `at`.
  std::uint64_t from(std::uint64_t at) const {
    return suffix == 0 ? lowest : std::min(lowest, at - std::min(at, suffix));
  }
};

/// What each range and those behind it need; at the end, nothing.
std::vector<Needs> needs_of(std::span<const RangeSpec> ranges) {
  std::vector<Needs> needs(ranges.size() + 1);
  for (std::size_t i = ranges.size(); i-- > 0;) {
    needs[i] = needs[i + 1];
    needs[i].lowest = std::min(needs[i].lowest, ranges[i].first.value_or(end_of_stream));
    needs[i].suffix = std::max(needs[i].suffix, ranges[i].suffix);
  }
  return needs;
}

/// True if the bytes before a range need not come: it is asked for by itself.
bool can_skip(const OpenedSource& opened) { return opened.web != nullptr && !opened.decoded; }

/// True if this thread pulls, and the buffer has none: of a URL the kernel reads ahead, and after 5
/// ms the thread that all URLs share. A time-out needs a `Wait`, and so the buffer's thread.
bool pulls_without_thread(const OpenedSource& opened,
                          std::optional<std::chrono::milliseconds> timeout) {
  return can_skip(opened) && !timeout;
}

/// Keeps as little as the wanted ranges allow.
void set_retention(Options& settings, const CatOptions& options, const OpenedSource& opened) {
  const auto& window = options.common.window;
  if (opened.in_place) return;  // Read in place: nothing is kept anyway.
  if (options.ranges.empty()) {
    const bool without_thread = pulls_without_thread(opened, options.common.timeout);
    const auto size = window.value_or(std::min(copy_window, settings.memory_limit / 2));
    // With little memory reading ahead has no room; a URL needs no thread for it.
    if (settings.memory_limit >= copy_window && !without_thread) settings.fill = Fill::ahead;
    // In a smaller window the stream would crawl, some bytes at a time.
    settings.retention = Retention::window(std::max(size, least_drain_memory), WhenFull::block);
    if (!window && settings.memory_limit >= least_drain_memory) settings.disk_limit = 0;
    return;
  }
  if (window) settings.retention = Retention::window(*window, WhenFull::drop_oldest);
}

/// Writes streams and ranges to standard output.
class Printer {
 public:
  Printer(StreamBuffer& buffer, const Options& settings, const CommonOptions& common,
          const OpenedSource& opened, std::atomic<std::uint64_t>& written)
      : buffer_(buffer),
        written_(written),
        timeout_(common.timeout),
        name_(opened.name),
        without_thread_(pulls_without_thread(opened, common.timeout)),
        never_spills_(settings.disk_limit == std::uint64_t{0} && !opened.in_place),
        must_pass_(!opened.in_place && !can_skip(opened) && !common.window),
        piece_(std::make_unique<Piece>()) {}

  void print_all() {
    if (never_spills_) {
      print_lent();
      return;
    }
    Reader reader = buffer_.reader();
    for (;;) {
      const std::size_t got = patiently(buffer_, timeout_, [&](const Wait& wait) {
        return without_thread_ ? reader.read_some(piece_->bytes)
                               : reader.read_some(piece_->bytes, wait);
      });
      if (got == 0) return;
      put(std::span(piece_->bytes).first(got));
    }
  }

  void print_ranges(std::span<const RangeSpec> ranges) {
    const std::vector<Needs> needs = needs_of(ranges);
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      buffer_.release_before(needs[i].from(at_));
      print_range(ranges[i], needs[i], needs[i + 1]);
    }
  }

 private:
  /// Writes the whole stream from where it is kept, and gives up what is written.
  void print_lent() {
    constexpr std::size_t any_size = std::numeric_limits<std::size_t>::max() / 2;
    for (std::uint64_t at = 0;;) {
      {
        const View view = patiently(buffer_, timeout_, [&](const Wait& wait) {
          return without_thread_ ? buffer_.view(at, any_size) : buffer_.view(at, any_size, wait);
        });
        if (view.empty()) return;
        put(view.bytes());
        at += view.bytes().size();
      }  // Not lent any more: it may be the only memory there is.
      buffer_.release_before(at);
    }
  }

  void put(std::span<const std::byte> bytes) {
    write_output(bytes);
    written_.fetch_add(bytes.size(), std::memory_order_relaxed);
  }

  /// `now`: what this range and those behind it need; `later`: what those behind it need.
  void print_range(const RangeSpec& range, const Needs& now, const Needs& later) {
    const ByteRange wanted = resolve(range, now);
    // The last bytes of what is passed may be needed, so it cannot be given up unseen.
    if (now.suffix > 0 && must_pass_) read_on_to(wanted.begin, now);
    std::uint64_t at = wanted.begin;
    while (at < wanted.end) {
      const auto bytes = next(at, wanted.end - at);
      if (bytes.empty()) break;
      put(bytes);
      at += bytes.size();
      buffer_.release_before(std::min(at, later.from(at_)));
    }
    if (at == wanted.begin) {
      throw Failed(fmt::format("the range {} lies past the end of '{}', which has {} bytes",
                               range_text(range), name_, size()));
    }
  }

  /// Reads what is there now, `most` bytes at most.
  std::span<const std::byte> next(std::uint64_t at, std::uint64_t most) {
    const auto out =
        std::span(piece_->bytes).first(std::min<std::uint64_t>(piece_->bytes.size(), most));
    const std::size_t got = patiently(
        buffer_, timeout_, [&](const Wait& wait) { return buffer_.read_some_at(at, out, wait); });
    at_ = std::max(at_, at + got);
    return out.first(got);
  }

  /// Reads on to `offset`, or the end, and gives up what is not needed.
  void read_on_to(std::uint64_t offset, const Needs& needs) {
    while (at_ < offset && !next(at_, offset - at_).empty()) {
      buffer_.release_before(needs.from(at_));
    }
  }

  /// Where the stream ends. One that does not tell is read on to there, and no more of it kept than
  /// is needed.
  std::uint64_t end(const Needs& needs) {
    if (const auto known = buffer_.size()) return *known;
    if (must_pass_) read_on_to(end_of_stream, needs);
    return size();
  }

  ByteRange resolve(const RangeSpec& range, const Needs& needs) {
    if (!range.first) {
      const std::uint64_t end = this->end(needs);
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
  const bool without_thread_;
  const bool never_spills_;  // what is kept lies in blocks, and is lent without a mapping or a copy
  const bool must_pass_;     // what is kept is given up here, and by no window
  const std::unique_ptr<Piece> piece_;
  std::uint64_t at_ = 0;  // so far the stream has been read
};

}  // namespace

int cat(const CatOptions& options, std::optional<StatsSnapshot>& stats) {
  const CommonOptions& common = options.common;
  Options settings = buffer_options(common);
  Signals signals;
  OpenedSource opened = open_source(common.source, common.timeout, signals);
  set_retention(settings, options, opened);
  if (can_skip(opened) && options.ranges.empty()) {
    opened.source = forward_only(std::move(opened.source));
  }
  StreamBuffer buffer = make_buffer(std::move(opened.source), settings);
  const StatsKeeper keeper(stats, buffer, opened.web);
  Progress progress(common.progress);
  std::atomic<std::uint64_t> written = 0;
  Printer printer(buffer, settings, common, opened, written);
  WatchedBuffer watched(buffer, &written);
  try {
    // The time-out is the printer's: while the output is slow, the source is not asked.
    watch({watched, signals, progress, std::nullopt}, [&](const std::stop_token& /*stop*/) {
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
