// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "cli/options.hpp"
#include "cli/stats_line.hpp"

namespace seekable::cli {

/// `seekable get`: downloads a URL to a file, going on with what an earlier run has left. `stats`
/// becomes what it has cost.
///
/// Returns: the exit status.
/// Throws: Failed; Interrupted for a signal that asked to end; what the library throws.
int get(const GetOptions& options, std::optional<StatsSnapshot>& stats);

}  // namespace seekable::cli
