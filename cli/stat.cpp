// SPDX-License-Identifier: Apache-2.0
#include "cli/stat.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include "cli/buffer_options.hpp"
#include "cli/drain.hpp"
#include "cli/failures.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/report.hpp"
#include "cli/signals.hpp"
#include "cli/sizes.hpp"
#include "cli/source.hpp"
#include "cli/watch.hpp"
#include "seekable/source.hpp"
#include "seekable/stream_buffer.hpp"

namespace seekable::cli {

namespace {

std::string description(const StreamBuffer& buffer, const OpenedSource& opened,
                        std::uint64_t size) {
  const SourceInfo info = buffer.info();
  std::string text = fmt::format("size: {} byte{}", size, size == 1 ? "" : "s");
  if (size >= 1024) text += fmt::format(" ({})", rounded_size(size));
  text += fmt::format("\nname: {}\n", one_line(opened.name));
  if (!info.content_type.empty()) text += fmt::format("type: {}\n", info.content_type);
  if (info.modified) {
    const auto seconds = std::chrono::system_clock::to_time_t(*info.modified);
    text += fmt::format("modified: {:%Y-%m-%dT%H:%M:%SZ}\n", fmt::gmtime(seconds));
  }
  text += fmt::format("seekable in place: {}\n", opened.in_place ? "yes" : "no");
  return text;
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
  StreamBuffer buffer = make_buffer(std::move(opened.source), settings);
  const StatsKeeper keeper(stats, buffer);
  Progress progress(common.progress);
  std::uint64_t size = 0;
  try {
    watch({buffer, signals, progress, common.timeout}, [&](const std::stop_token& /*stop*/) {
      // Nothing need be kept to know where the end is.
      size = opened.in_place ? buffer.wait_for_size() : drain(buffer, [](const auto&) {});
    });
  } catch (const std::system_error& error) {
    throw Failed(failure_text(buffer, error, opened.name));
  }
  write_output(description(buffer, opened, size));
  return exit_success;
}

}  // namespace seekable::cli
