// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "cli/sizes.hpp"

namespace seekable::cli {

namespace {

constexpr std::chrono::milliseconds redraw_after{200};
constexpr unsigned bar_width = 24;

bool wanted(ProgressWhen when) {
  if (when == ProgressWhen::automatic) return ::isatty(STDERR_FILENO) == 1;
  return when == ProgressWhen::always;
}

unsigned terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

void put(std::string_view text) {
  // A bar that cannot be drawn is no reason to stop.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

std::string bar(double fraction) {
  const auto done = static_cast<unsigned>(fraction * bar_width);
  return fmt::format("[{:=<{}}{:<{}}]", "", done, done < bar_width ? ">" : "", bar_width - done);
}

std::string time_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::min(seconds + 0.5, 359'999.0));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace

std::string progress_line(std::uint64_t bytes, std::optional<std::uint64_t> size,
                          std::chrono::milliseconds elapsed, unsigned columns, std::uint64_t had) {
  const double seconds = std::max(0.001, static_cast<double>(elapsed.count()) / 1000);
  const double rate = static_cast<double>(bytes - std::min(bytes, had)) / seconds;
  std::string line = fmt::format("{:>10}  {:>10}/s", rounded_size(bytes),
                                 rounded_size(static_cast<std::uint64_t>(std::min(rate, 1e18))));
  if (size && *size > 0) {
    const double fraction = std::min(1.0, static_cast<double>(bytes) / static_cast<double>(*size));
    line += fmt::format("  {:>3.0f}%  {}", std::floor(fraction * 100), bar(fraction));
    const double left = static_cast<double>(*size - std::min(bytes, *size));
    if (rate > 0) line += fmt::format("  {} left", time_text(left / rate));
  } else {
    line += fmt::format("  {}", time_text(seconds));
  }
  return line.substr(0, columns);
}

Progress::Progress(ProgressWhen when)
    : shown_(wanted(when)),
      always_(when == ProgressWhen::always),
      started_(Clock::now()),
      drawn_(started_) {}

Progress::~Progress() {
  if (line_open_) put("\r\033[K");
}

void Progress::update(std::uint64_t bytes, std::optional<std::uint64_t> size) {
  if (!shown_ || Clock::now() - drawn_ < redraw_after) return;
  draw(bytes, size);
}

void Progress::finish(std::uint64_t bytes, std::optional<std::uint64_t> size) {
  if (!shown_ || (!line_open_ && !always_)) return;
  draw(bytes, size);
  put("\n");
  line_open_ = false;
}

void Progress::draw(std::uint64_t bytes, std::optional<std::uint64_t> size) {
  drawn_ = Clock::now();
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(drawn_ - started_);
  // The last column stays free: some terminals wrap there.
  put("\r" + progress_line(bytes, size, elapsed, terminal_columns() - 1, had_) + "\033[K");
  line_open_ = true;
}

}  // namespace seekable::cli
