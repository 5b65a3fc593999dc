// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "seekable/source.hpp"

namespace seekable::cli {

/// A source that is open, and what the command needs to know of it.
struct OpenedSource {
  std::unique_ptr<Source> source;
  std::string name;       ///< for people: "standard input", a path, a command
  std::string file_name;  ///< a last part of a path to show it under
  bool in_place = false;  ///< a path to a regular file, read where it lies
  bool standard_input = false;
  /// The URL that it is. Owned by `source`, and lives as long as what takes that.
  RestartableSource* web = nullptr;
  bool decoded = false;  ///< then not even a URL can be read but in order
};

/// Opens what was chosen; of a URL nothing is asked for yet. `signals` begin before a command is
/// started, so that it does not outlive this program, and after a path was opened, which may take
/// long.
///
/// Throws: Failed, with a line for a person.
/// Blocks: at a named pipe until it has a writer, `timeout` at most.
OpenedSource open_source(const SourceChoice& choice,
                         std::optional<std::chrono::milliseconds> timeout, Signals& signals);

}  // namespace seekable::cli
