// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "core/filler.hpp"
#include "source/spliceable.hpp"

namespace seekable::inline v1::detail {

namespace {

/// About what a person notices; a disk that gets 448 KiB in it is a slow one.
constexpr std::chrono::milliseconds longest_splice{50};
constexpr std::uint64_t spliced_again_after = 16 * 1024 * 1024;

}  // namespace

/// Has the kernel move bytes that wait in a pipe into the spool, whole blocks that would have to be
/// staged. Not where somebody waits for any of them: through memory they can be had before they are
/// written. Requires: `may_splice`.
///
/// Returns: true if the filler has to look again: blocks were kept, or the stream was cancelled.
/// False: bytes go on through memory, those first that are in the source's own pipe already.
bool Filler::splice(Lane& lane, const Need& need, std::size_t allowed) {
  const std::uint64_t position = lane.position.load(std::memory_order_relaxed);
  Spliceable* const source = lane.source->as_spliceable();
  if (source == nullptr || position < splice_from_) return false;
  // Not a block beyond the last one that is needed, nor what may be past the end.
  const std::uint64_t needed = need.until == unknown ? unknown : block_end(need.until - 1);
  const std::uint64_t end = std::min({needed, outcome_.declared(), outcome_.end()});
  std::uint64_t most = std::min<std::uint64_t>({allowed, end - position, SplicePipe::most_bytes});
  // A waiter anywhere in them keeps all of them from being spliced.
  const std::uint64_t lowest = lowest_.load(std::memory_order_seq_cst);
  if (most < block_size || lowest <= position + block_size) return false;
  most = std::min<std::uint64_t>(most, source->bytes_to_splice());
  if (most < block_size || lowest <= position + most) return false;
  PinnedBlocks pinned;
  const std::size_t room =
      storage_.room_to_splice(position, lane.filling, static_cast<std::size_t>(most), pinned);
  if (room == 0) return false;
  SplicePipe* pipe = source->splice_some(room);
  if (pipe == nullptr) return false;
  count(reads_, 1);
  // Where it was cancelled meanwhile, what came is not part of the stream any more.
  if (outcome_.failure() != nullptr) return true;
  const std::size_t whole = pipe->held() / block_size * block_size;
  if (whole == 0) return false;
  const auto begun = std::chrono::steady_clock::now();
  const std::size_t size = storage_.splice(position, lane.filling, whole, pinned, *pipe);
  // What is in the pipe nobody can read. With a slow disk it is better staged in memory, where the
  // second stage writes it; for a while.
  const bool slow = std::chrono::steady_clock::now() - begun > longest_splice;
  if (ahead_ && slow) splice_from_ = position + spliced_again_after;
  if (size == 0) return false;
  count(wire_, size);
  advance_to(lane, position + size);
  return true;
}

}  // namespace seekable::inline v1::detail
