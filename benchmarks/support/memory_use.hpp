// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace seekable::bench {

/// What this process has of memory, in bytes.
struct MemoryUse {
  std::uint64_t heap = 0;       ///< handed out by malloc
  std::uint64_t anonymous = 0;  ///< resident pages that belong to no file

  static MemoryUse now();

  /// How much more this is than `before` was: the larger of both, since neither sees all (malloc
  /// knows nothing of the library's own mappings, and pages are given out whole).
  double growth_since(const MemoryUse& before) const;
};

/// Touches more memory than a job of `size` bytes needs, as pages of files, and gives it back: the
/// host of a virtual machine may have taken free memory away, and then brings it in ten times more
/// slowly than the machine's own kernel. A side that runs first would pay for it. (At most 4 GiB,
/// lest the system begin to write it to the disk; nothing where `size` alone is more.)
void have_memory(std::uint64_t size);

/// The same as large pages of no file: twice `size`, at most half of what no page cache holds. For
/// a job that keeps its bytes in memory of the process, or writes so many that the disk must not be
/// busy with others: what earlier runs left to be written is written first, and this leaves
/// nothing.
void have_anonymous_memory(std::uint64_t size);

/// From here on, `peak_resident` looks.
void forget_peak_resident();

/// The most that was resident since, without pages of files. (Files that are mapped now count as
/// having been mapped at the peak; a job that maps none makes that exact.)
std::uint64_t peak_resident();

}  // namespace seekable::bench
