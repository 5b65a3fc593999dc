// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "core/storage.hpp"

namespace seekable::inline v1::detail {

static_assert(SplicePipe::most_bytes / block_size <= PinnedBlocks::most);

bool Storage::may_splice(std::uint64_t position) noexcept {
  if (in_block(position) != 0) return false;
  if (options_.encrypt_spool || options_.retention.window_size()) return false;
  // What is retired may be the memory that is short.
  if (retired_count_.load(std::memory_order_seq_cst) > 0) reap();
  if (!is_short_of_memory()) return false;
  // On a disk that has just failed bytes are safer where they are.
  SpillQueue* queue = queue_.load(std::memory_order_acquire);
  return queue == nullptr || !queue->failed();
}

std::size_t Storage::room_to_splice(std::uint64_t position, Filling& filling, std::size_t most,
                                    PinnedBlocks& pinned) {
  // Before anything is taken: of descriptors there may be too few for both, file and pipe.
  SpoolStore& store = make_spool();
  if (!store.open_to_splice()) return 0;
  // What is in the pipe is staged, if not in memory that is counted: no more than elsewhere.
  const std::size_t blocks =
      std::min<std::uint64_t>({most / block_size, store.room() / block_size, ring_blocks()});
  let_go(filling);
  MutexLock lock(mutex_);
  if (skips(position)) return 0;
  const std::uint64_t first = block_of(position);
  for (std::size_t i = 0; i < blocks; ++i) {
    const Entry entry = table_.make(first + i);
    // Begun already, or released: not for us.
    if (entry.place().kind() != Place::Kind::none) return i * block_size;
    entry.pin();
    pinned.entries[i] = entry;
    blocks_end_ = std::max(blocks_end_, first + i + 1);
  }
  return blocks * block_size;
}

std::size_t Storage::splice(std::uint64_t position, Filling& filling, std::size_t size,
                            PinnedBlocks& pinned, SplicePipe& pipe) {
  const std::uint64_t first = block_of(position);
  const auto [written, place] = spool()->splice(first, pipe, size);
  for (std::size_t i = 0; i * block_size < written; ++i) {
    const Entry entry = pinned.entries[i];
    const SpoolPlace slot{place.file, place.slot + i};
    const std::size_t filled = std::min(written - i * block_size, block_size);
    std::uint64_t none = Place().word();
    if (entry.word().compare_exchange_strong(none, Place::spool(slot).word(),
                                             std::memory_order_seq_cst)) {
      // invariant 1
      entry.filled_word().store(static_cast<std::uint32_t>(filled), std::memory_order_seq_cst);
      spills_.fetch_add(1, std::memory_order_relaxed);
      spilled_bytes_.fetch_add(filled, std::memory_order_relaxed);
    } else {
      spool()->give_up(slot, filled);  // Released meanwhile.
    }
    // It goes on as one that is written through.
    if (filled < block_size) filling = {std::exchange(pinned.entries[i], Entry()), first + i};
  }
  return written;
}

}  // namespace seekable::inline v1::detail
