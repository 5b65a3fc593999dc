// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "cli/options.hpp"
#include "cli/stats_line.hpp"

namespace seekable::cli {

/// `seekable cat`: writes the stream, or ranges of it, to standard output. `stats` becomes what the
/// buffer has done, as soon as there is one.
///
/// Returns: the exit status.
/// Throws: Failed; OutputClosed; Interrupted for a signal that asked to end; what the library
/// throws.
int cat(const CatOptions& options, std::optional<StatsSnapshot>& stats);

}  // namespace seekable::cli
