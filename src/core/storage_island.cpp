// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/storage.hpp"

namespace seekable::inline v1::detail {

std::optional<std::uint64_t> Storage::begin_island(std::uint64_t offset, Filling& filling) {
  const std::uint64_t block = block_of(offset);
  const std::size_t begin = in_block(offset) / Place::island_step * Place::island_step;
  // The first block lies in pieces, which grow from its first byte on.
  if (block == 0 || options_.retention.window_size()) return std::nullopt;
  if (!filling.entry || filling.block != block) {
    let_go(filling);
    if (!begin_block(block, filling)) return std::nullopt;
  }
  const bool has_place = filling.island_begin == 0 && begin > filling.entry.published().head();
  if (!has_place || filling.staged || !make_island(begin, filling)) return std::nullopt;
  return block_begin(block) + begin;
}

/// Returns false where the block does not lie in memory, or may not stay there.
bool Storage::make_island(std::size_t begin, Filling& filling) {
  std::atomic<std::uint64_t>& word = filling.entry.word();
  const Place before = filling.entry.place();
  std::byte* memory = nullptr;
  bool staged = false;
  switch (before.kind()) {
    case Place::Kind::memory: memory = before.address(); break;
    case Place::Kind::none: memory = take_block(staged); break;
    default: break;
  }
  if (memory == nullptr) return false;
  std::uint64_t expected = before.word();
  if (!staged && word.compare_exchange_strong(expected, Place::memory(memory, begin).word(),
                                              std::memory_order_seq_cst)) {
    filling.island_begin = static_cast<std::uint32_t>(begin);
    return true;
  }
  if (before.kind() == Place::Kind::none) give_block_back(memory);
  return false;
}

/// As `publish`, where the block has an island, or is about to get one: `stored_to` is the new end
/// of the head if it is at most `island_begin`, else of the island.
void Storage::publish_beside_island(Filling& filling, std::size_t stored_to) {
  const Entry entry = filling.entry;
  const Filled before = entry.published(std::memory_order_relaxed);
  Filled after = Filled::up_to(stored_to);
  const bool joined = stored_to == filling.island_begin;
  if (joined) {
    after = Filled::up_to(std::max(stored_to, before.end()));
  } else if (stored_to > filling.island_begin) {
    after = Filled::with_island(before.head(), stored_to);
  } else if (before.has_island()) {
    after = Filled::with_island(stored_to, before.end());
  }
  entry.filled_word().store(after.word(), std::memory_order_seq_cst);  // invariant 1
  if (joined) forget_island(filling);
  const bool full = joined ? after.end() == block_size : stored_to == block_size;
  if (full) let_go(filling);
}

/// For an island that is part of the head now.
void Storage::forget_island(Filling& filling) noexcept {
  filling.island_begin = 0;
  const Place with_island = filling.entry.place();
  if (with_island.kind() != Place::Kind::memory) return;  // Released meanwhile.
  std::uint64_t expected = with_island.word();
  filling.entry.word().compare_exchange_strong(
      expected, Place::memory(with_island.address()).word(), std::memory_order_seq_cst);
}

}  // namespace seekable::inline v1::detail
