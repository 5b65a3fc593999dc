// SPDX-License-Identifier: Apache-2.0
#include "cli/stat.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "cli/buffer_options.hpp"
#include "cli/drain.hpp"
#include "cli/failures.hpp"
#include "cli/forward_only.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/report.hpp"
#include "cli/signals.hpp"
#include "cli/sizes.hpp"
#include "cli/source.hpp"
#include "cli/watch.hpp"
#include "cli/web.hpp"
#include "seekable/source.hpp"
#include "seekable/stream_buffer.hpp"

namespace seekable::cli {

namespace {

/// "yes" or "no"; empty where nobody has said so: a server that was asked for the size need not
/// tell that it has ranges, and some that tell have none.
std::string_view in_place(const OpenedSource& opened) {
  if (opened.web == nullptr || opened.decoded) return opened.in_place ? "yes" : "no";
  return has_no_ranges(*opened.web) ? "no" : "";
}

std::string description(const StreamBuffer& buffer, const OpenedSource& opened,
                        std::uint64_t size) {
  const SourceInfo info = buffer.info();
  std::string text = fmt::format("size: {} byte{}", size, size == 1 ? "" : "s");
  if (size >= 1024) text += fmt::format(" ({})", rounded_size(size));
  text += fmt::format("\nname: {}\n", one_line(opened.name));
  if (!info.content_type.empty()) text += fmt::format("type: {}\n", one_line(info.content_type));
  if (opened.web != nullptr && !info.validator.empty()) {
    text += fmt::format("validator: {}\n", one_line(info.validator));
  }
  if (info.modified) {
    const auto seconds = std::chrono::system_clock::to_time_t(*info.modified);
    text += fmt::format("modified: {:%Y-%m-%dT%H:%M:%SZ}\n", fmt::gmtime(seconds));
  }
  const std::string_view answer = in_place(opened);
  if (!answer.empty()) text += fmt::format("seekable in place: {}\n", answer);
  return text;
}

/// Nothing need be kept to know where the end is.
std::uint64_t find_size(StreamBuffer& buffer, const OpenedSource& opened) {
  if (opened.in_place) return buffer.wait_for_size();
  if (opened.web != nullptr && !opened.decoded) {
    // The buffer pulls nothing before it is asked to, so nobody else is in the source.
    if (const auto size = opened.web->find_size()) return *size;
  }
  return drain(buffer, [](const auto&) {});
}

}  // namespace

int stat(const StatOptions& options, std::optional<StatsSnapshot>& stats) {
  const CommonOptions& common = options.common;
  Options settings = buffer_options(common);
  Signals signals;
  OpenedSource opened = open_source(common.source, common.timeout, signals);
  if (common.window) {
    settings.retention =
        Retention::window(std::max(*common.window, least_drain_memory), WhenFull::drop_oldest);
  } else if (common.memory >= least_drain_memory) {
    settings.disk_limit = 0;
  }
  if (opened.web != nullptr) opened.source = forward_only(std::move(opened.source));
  StreamBuffer buffer = make_buffer(std::move(opened.source), settings);
  StatsKeeper keeper(stats, buffer, opened.web);
  Progress progress(common.progress);
  WatchedBuffer watched(buffer);
  std::uint64_t size = 0;
  try {
    watch({watched, signals, progress, common.timeout},
          [&](const std::stop_token& /*stop*/) { size = find_size(buffer, opened); });
  } catch (const std::system_error& error) {
    if (opened.web != nullptr && !buffer.failure()) {
      throw Failed(source_failure_text(error.code(), error.what(), 0, opened.name));
    }
    throw Failed(failure_text(buffer, error, opened.name));
  }
  keeper.tell_size(size);
  write_output(description(buffer, opened, size));
  return exit_success;
}

}  // namespace seekable::cli
