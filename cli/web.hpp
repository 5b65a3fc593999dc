// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cli/options.hpp"
#include "seekable/source.hpp"

namespace seekable::cli {

/// What an earlier run has learned of a URL, and must still be so. Empty: nothing.
struct ExpectedOfUrl {
  std::string validator;
  std::optional<std::uint64_t> size;
};

/// Opens the URL of `choice`; nothing is asked for yet.
///
/// Throws: Failed, with a line for a person; also where this build has no HTTP.
std::unique_ptr<RestartableSource> open_web(const SourceChoice& choice,
                                            const ExpectedOfUrl& expected = {});

/// What a URL has cost so far.
struct WebTraffic {
  std::uint64_t requests = 0;
  std::uint64_t bytes_received = 0;  ///< headers included
};

/// Requires: `source` was made by `open_web`.
WebTraffic web_traffic(const Source& source);

/// True if `source` has found out that it has no ranges: then every byte before those that are
/// wanted comes too, and no gap is too long to be read through.
bool has_no_ranges(const RestartableSource& source);

/// `source`, decompressed.
///
/// Throws: Failed where this build cannot.
std::unique_ptr<Source> open_decoded(std::unique_ptr<Source> source);

}  // namespace seekable::cli
