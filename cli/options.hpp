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

/// How a URL is read. What is secret in here is shown nowhere.
struct WebOptions {
  std::vector<std::string> headers;  ///< each `Name: value`
  std::string user;
  std::string password;
  bool netrc = false;
  std::string proxy;
  std::string certificates;             ///< a file; empty: the system's
  std::optional<unsigned> connections;  ///< 1 to 4
};

/// What is read: a path, "-" for standard input, a URL, or a command's output.
struct SourceChoice {
  std::string path = "-";
  std::optional<std::string> url;      ///< then `path` has no meaning
  std::optional<std::string> command;  ///< for /bin/sh -c; then `path` has no meaning
  WebOptions web;
  bool decode = false;
};

/// What every command takes. What is kept, and where, has no meaning for `get`.
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

struct GetOptions {
  CommonOptions common;               ///< its source is a URL
  std::string target;                 ///< the file to write
  std::optional<std::string> sha256;  ///< that the file must have, in small letters
};

struct StatOptions {
  CommonOptions common;
};

/// Only this text is wanted, on standard output.
struct TextWanted {
  std::string text;
};

using Request = std::variant<TextWanted, RunOptions, CatOptions, GetOptions, StatOptions>;

/// Reads a command line, the command's own name not among `arguments`.
///
/// Throws: UsageError.
Request parse_options(const std::vector<std::string>& arguments);

}  // namespace seekable::cli
