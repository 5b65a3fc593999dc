// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <forward_list>

#include "base/block.hpp"
#include "core/announcements.hpp"
#include "core/block_table.hpp"

namespace seekable::inline v1::detail {

/// What a block has left, until nobody uses it.
struct Retired {
  std::uint64_t block = 0;
  Entry entry;
  Place place;
  /// Bytes in the spool; unknown: as many as are filled in the end.
  std::uint64_t size = unknown;
  Announcement::Users users;  ///< who may still be copying from it
};

/// A node of the table, likewise.
struct RetiredNode {
  BlockTable::Removed node;
  Announcement::Users users;
};

/// The newest first. Lists, because their links are allocated before anything changes: so to retire
/// and to reap cannot fail.
using RetiredList = std::forward_list<Retired>;
using RetiredNodes = std::forward_list<RetiredNode>;

}  // namespace seekable::inline v1::detail
