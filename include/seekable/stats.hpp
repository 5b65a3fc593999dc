// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace seekable::inline v1 {

/// What a buffer has done so far, and what it holds. Counters never go down; they are read one
/// by one while the buffer works, so they need not add up to the byte.
struct Stats {
  std::uint64_t hits = 0;   ///< reads and views that found their first byte kept
  std::uint64_t waits = 0;  ///< reads that had to pull or to wait for their first byte
  /// Calls of `Source::read_some`; for a pipe also each time that bytes went from it to the spool
  /// unread.
  std::uint64_t source_reads = 0;
  /// Bytes that the source gave, kept or not. (What a URL cost on its connections: `http_traffic`.)
  std::uint64_t bytes_on_wire = 0;
  std::uint64_t reopened = 0;       ///< calls of `RestartableSource::reopen`
  std::uint64_t read_through = 0;   ///< bytes of gaps that were read through instead
  std::uint64_t spills = 0;         ///< blocks, and pieces of some, that were written to the spool
  std::uint64_t spilled_bytes = 0;  ///< bytes that went to the spool
  std::uint64_t memory_bytes = 0;   ///< held in memory now, staging included
  std::uint64_t spool_bytes = 0;    ///< held in the spool now
};

}  // namespace seekable::inline v1
