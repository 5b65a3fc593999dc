// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "core/storage.hpp"

namespace seekable::inline v1::detail {

bool Storage::may_splice(std::uint64_t position) noexcept {
  if (in_block(position) != 0) return false;
  if (options_.encrypt_spool || options_.retention.window_size()) return false;
  if (retired_count_.load(std::memory_order_seq_cst) > 0) reap();
  if (!is_short_of_memory()) return false;
  // On a disk that has just failed bytes are safer where they are.
  SpillQueue* queue = queue_.load(std::memory_order_acquire);
  return queue == nullptr || !queue->failed();
}

std::size_t Storage::room_to_splice(std::uint64_t position, Filling& filling, std::size_t most,
                                    Pinned& pinned) {
  const std::uint64_t room = make_spool().room();
  const std::size_t blocks = std::min<std::uint64_t>({most, room, SplicePipe::most}) / block_size;
  let_go(filling);
  MutexLock lock(mutex_);
  if (skips(position)) return 0;
  const std::uint64_t first = block_of(position);
  for (std::size_t i = 0; i < blocks; ++i) {
    Entry& entry = table_.make(first + i);
    // One that is begun goes on where it is.
    if (entry.place().kind() != Place::Kind::none) return i * block_size;
    entry.pins.fetch_add(1, std::memory_order_seq_cst);
    pinned.entries[i] = &entry;
    blocks_end_ = std::max(blocks_end_, first + i + 1);
  }
  return blocks * block_size;
}

std::size_t Storage::splice(std::uint64_t position, Filling& filling, std::size_t size,
                            Pinned& pinned, SplicePipe& pipe) {
  const std::uint64_t first = block_of(position);
  std::size_t written = 0;
  const SpoolPlace place = spool()->splice(first, pipe, size, written);
  if (written == 0) return 0;
  spills_.fetch_add((written + block_size - 1) / block_size, std::memory_order_relaxed);
  spilled_bytes_.fetch_add(written, std::memory_order_relaxed);
  for (std::size_t i = 0; i * block_size < written; ++i) {
    Entry& entry = *pinned.entries[i];
    const SpoolPlace slot{place.file, place.slot + i};
    const std::size_t filled = std::min(written - i * block_size, block_size);
    std::uint64_t none = Place().word();
    if (entry.word.compare_exchange_strong(none, Place::spool(slot).word(),
                                           std::memory_order_seq_cst)) {
      // invariant 1
      entry.filled_word.store(static_cast<std::uint32_t>(filled), std::memory_order_seq_cst);
    } else {
      spool()->give_up(slot, filled);  // Released meanwhile.
    }
    // Where the disk failed in the middle of a block, that goes on as one that is written through.
    if (filled < block_size) filling = {std::exchange(pinned.entries[i], nullptr), first + i};
  }
  return written;
}

}  // namespace seekable::inline v1::detail
