// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "cli/options.hpp"
#include "cli/stats_line.hpp"

namespace seekable::cli {

/// `seekable stat`: tells the size of the stream and what else is known of it. `stats` becomes what
/// the buffer has done, as soon as there is one.
///
/// Returns: the exit status.
/// Throws: Failed; OutputClosed; Interrupted for a signal that asked to end; what the library
/// throws.
int stat(const StatOptions& options, std::optional<StatsSnapshot>& stats);

}  // namespace seekable::cli
