// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.hpp"
#include "cli/stats_line.hpp"

namespace seekable::cli {

/// `seekable run`: takes the whole stream, then runs COMMAND on it. `stats` becomes what the buffer
/// has done, as soon as there is one.
///
/// Returns: the exit status.
/// Throws: Failed; Interrupted for a signal that asked to end; what the library throws.
int run(const RunOptions& options, std::optional<StatsSnapshot>& stats);

/// Whether `{}` stands anywhere in COMMAND or its arguments.
bool has_placeholder(const std::vector<std::string>& arguments);

/// The arguments with every `{}` replaced by `path`.
std::vector<std::string> with_path(const std::vector<std::string>& arguments,
                                   std::string_view path);

}  // namespace seekable::cli
