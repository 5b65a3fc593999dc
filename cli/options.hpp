// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/ranges.hpp"

namespace seekable::cli {

/// When the progress bar is shown.
enum class ProgressWhen : std::uint8_t {
  automatic,  ///< on a terminal
  always,
  never,
};

/// What is read: a path, "-" for standard input, or a command's output.
struct SourceChoice {
  std::string path = "-";
  std::optional<std::string> command;  ///< for /bin/sh -c; then `path` has no meaning
};

/// What every command takes.
struct CommonOptions {
  SourceChoice source;
  std::uint64_t memory = 5 * 1024 * 1024;
  std::optional<std::uint64_t> disk;
  std::vector<std::filesystem::path> directories;
  bool encrypt = false;
  std::optional<std::uint64_t> window;
  bool stats = false;
  ProgressWhen progress = ProgressWhen::automatic;
  bool verbose = false;
  std::optional<std::chrono::milliseconds> timeout;
};

struct RunOptions {
  CommonOptions common;
  std::vector<std::string> command;  ///< COMMAND and its arguments; never empty
};

struct CatOptions {
  CommonOptions common;
  std::vector<RangeSpec> ranges;  ///< empty: the whole stream
};

struct StatOptions {
  CommonOptions common;
};

/// Only this text is wanted, on standard output.
struct TextWanted {
  std::string text;
};

using Request = std::variant<TextWanted, RunOptions, CatOptions, StatOptions>;

/// Reads a command line, the command's own name not among `arguments`.
///
/// Throws: UsageError.
Request parse_options(const std::vector<std::string>& arguments);

}  // namespace seekable::cli
