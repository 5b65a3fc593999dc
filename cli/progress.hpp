// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/options.hpp"

namespace seekable::cli {

/// One line about how far a stream has come: bytes, bytes a second and, where the size is known,
/// percent, a bar and the time left. At most `columns` characters. `had`: so many of the bytes were
/// there before.
std::string progress_line(std::uint64_t bytes, std::optional<std::uint64_t> size,
                          std::chrono::milliseconds elapsed, unsigned columns,
                          std::uint64_t had = 0);

/// A progress bar on standard error, drawn again and again in the same line.
class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Progress(ProgressWhen when);

  /// Takes the line away.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  bool shown() const noexcept { return shown_; }

  /// So many bytes are there already, and say nothing of how fast others come.
  void begin_at(std::uint64_t bytes) noexcept { had_ = bytes; }

  /// Draws the line, at most five times a second.
  void update(std::uint64_t bytes, std::optional<std::uint64_t> size);

  /// Draws the line a last time and leaves it there, unless it was so short that there was none.
  void finish(std::uint64_t bytes, std::optional<std::uint64_t> size);

 private:
  void draw(std::uint64_t bytes, std::optional<std::uint64_t> size);

  const bool shown_;
  const bool always_;
  const Clock::time_point started_;
  Clock::time_point drawn_;
  std::uint64_t had_ = 0;
  bool line_open_ = false;
};

}  // namespace seekable::cli
