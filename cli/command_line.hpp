// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/help.hpp"

namespace seekable::cli {

using Words = std::vector<std::string>;

/// The options as they were written, each time they were.
struct Written {
  Words sources;
  Words exec;
  Words memory;
  Words disk;
  Words directories;
  Words window;
  Words progress;
  Words timeout;
  Words ranges;
  Words output;
  Words sha256;
  Words headers;
  Words user;
  Words proxy;
  Words certificates;
  Words connections;
  bool netrc = false;
  bool location = false;
  bool decode = false;
  bool encrypt = false;
  bool stats = false;
  bool verbose = false;
  bool eager = false;
  bool version = false;
};

/// Sorts the words that follow the name of a command (of `run`: up to the --) into `written`.
///
/// Returns: a text, if only that is wanted: the help, or the version.
/// Throws: UsageError; with `missing`, if that is not empty, before anything else.
std::optional<std::string> sort_words(const CommandHelp& help, const Words& words, Written& written,
                                      const std::string& missing = {});

/// Where a person finds more of a command.
std::string see_help(std::string_view command);

}  // namespace seekable::cli
