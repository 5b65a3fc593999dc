// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace seekable::inline v1 {

/// Bytes that somebody owns.
using Bytes = std::vector<std::byte>;

/// The bytes `[begin, end)` of a stream; empty where `begin == end`.
struct ByteRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// Where bytes of a stream are at the moment.
enum class Residency : std::uint8_t {
  memory,    ///< in memory
  spool,     ///< in a file on disk: the unlinked spool, or the source's own file read in place
  remote,    ///< in a remote object store
  missing,   ///< not yet pulled from the source, or never to come
  released,  ///< given up for good
};

/// A range of the stream that is all in one place.
struct Extent {
  ByteRange range;
  Residency where = Residency::missing;

  friend bool operator==(const Extent&, const Extent&) = default;
};

}  // namespace seekable::inline v1
