// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/filler.hpp"

namespace seekable::inline v1::detail {

/// Has the kernel move bytes that have come already into the spool, whole blocks that could stay in
/// memory only until they are written. Returns false, having taken nothing, where there are none,
/// or somebody waits for them: those that pass through memory can be had before they are written.
/// Requires: `may_splice`.
bool Filler::splice(Lane& lane, const Need& need, std::size_t allowed) {
  const std::uint64_t position = lane.position.load(std::memory_order_relaxed);
  const std::uint64_t come = lane.source->can_splice();
  // Not a block beyond the last one that is needed, nor what may be past the end.
  const std::uint64_t needed = need.until == unknown ? unknown : block_end(need.until - 1);
  const std::uint64_t end = std::min({needed, outcome_.declared(), outcome_.end()});
  const auto most = static_cast<std::size_t>(
      std::min<std::uint64_t>({allowed, end - position, come, SplicePipe::most}));
  if (most < block_size || lowest_.load(std::memory_order_seq_cst) <= position + most) return false;
  Storage::Pinned pinned;
  const std::size_t room = storage_.room_to_splice(position, lane.filling, most, pinned);
  if (room == 0) return false;
  count(reads_, 1);
  SplicePipe* pipe = lane.source->splice_some(room);
  if (pipe == nullptr) return false;
  // Where it was cancelled meanwhile, what came is not part of the stream any more.
  if (outcome_.failure() != nullptr) return true;
  const std::size_t whole = pipe->held() / block_size * block_size;
  const std::size_t size = storage_.splice(position, lane.filling, whole, pinned, *pipe);
  if (size == 0) return false;
  count(wire_, size);
  advance_to(lane, position + size);
  return true;
}

}  // namespace seekable::inline v1::detail
