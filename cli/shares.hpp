// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "seekable/bytes.hpp"

namespace seekable::cli {

/// Who of several connections fetches which bytes.
///
/// The bytes are first cut into shares of about one size. Whoever is done with a share takes the
/// next; if there is none, the second half of what another has still before it.
///
/// Invariants: 1. No two shares, taken or not, have a byte in common. 2. Every byte that is wanted
///     lies in a share, or was passed by the one who had its share.
/// Threads: safe to use from any number of threads at once.
class Shares {
 public:
  /// `wanted`: in order, without overlap. `how_many`: connections, each known by its number.
  Shares(const std::vector<ByteRange>& wanted, std::size_t how_many);

  /// The next bytes for `connection`, which is done with those before; nothing if none are left.
  std::optional<ByteRange> take(std::size_t connection);

  /// `connection` has come to `offset`. Returns: where its share ends now.
  std::uint64_t advance(std::size_t connection, std::uint64_t offset);

 private:
  std::optional<ByteRange> take_half_of_another(std::size_t connection);

  std::mutex mutex_;
  std::deque<ByteRange> waiting_;
  std::vector<ByteRange> taken_;  // by connection: what it has still before it
};

}  // namespace seekable::cli
