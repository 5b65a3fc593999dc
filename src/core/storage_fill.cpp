// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <new>
#include <thread>
#include <utility>

#include "core/storage.hpp"
#include "seekable/error.hpp"
#include "store/block_pool.hpp"
#include "store/idle_pieces.hpp"

namespace seekable::inline v1::detail {

namespace {

// Blocks on page boundaries copy fast; for pieces, which come from the heap, 64 bytes are enough
// to stay clear of the processor's slow case. The first needs none: it is shorter than copies that
// can be slow.
constexpr std::align_val_t piece_alignment{64};

/// A stream that keeps so much in memory, and may take as much again, will likely need it. (With
/// the default limit of 5 MiB none may.)
constexpr std::size_t long_in_memory = 4 * 1024 * 1024;
constexpr std::size_t prefault_interval = 2 * 1024 * 1024;

}  // namespace

void Storage::throw_disk_full(std::uint64_t offset) const {
  std::string why = "the memory limit of " + std::to_string(account_.limit()) + " bytes";
  if (options_.memory_budget && account_.used() + block_size <= account_.limit()) {
    why =
        "the shared memory budget of " + std::to_string(options_.memory_budget->limit()) + " bytes";
  }
  why += " is used up, and ";
  const SpoolStore* store = spool();
  if (!may_spool()) {
    why += "the disk limit is 0";
  } else if (store != nullptr && store->room() == 0) {
    why += "so is the disk limit of " + std::to_string(*options_.disk_limit) + " bytes";
  } else if (store != nullptr && !store->last_error().empty()) {
    why += store->last_error();
  } else if (options_.encrypt_spool) {
    why += "an encrypted spool needs 128 KiB of it";
  } else {
    why += "nothing of it could be written to the disk";
  }
  throw Error(Errc::disk_full, "store byte " + std::to_string(offset) + ": " + why, offset);
}

std::uint64_t Storage::staging_reserve_blocks() const noexcept {
  if (!may_spool()) return 0;
  const std::uint64_t limit = account_.limit();
  // A window that fits into memory never needs the disk.
  if (const auto window = options_.retention.window_size()) {
    if (*window <= limit && limit - *window >= 3 * block_size) return 0;
  }
  // What is to be sealed cannot do without memory: a block for each of four fillers, and one for
  // the pieces of the first block, which a restartable source may fill after all others.
  const std::uint64_t sealing = options_.encrypt_spool ? 4 + 1 : 0;
  return std::max<std::uint64_t>(ring_blocks(), sealing);
}

/// Blocks that wait to be written, or are being filled: a quarter of the limit, and no more than
/// are written at once. With two stages one half is filled while the other is written.
std::size_t Storage::ring_blocks() const noexcept {
  const std::uint64_t quarter = account_.limit() / block_size / 4;
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(quarter, 1, PinnedBlocks::most));
}

/// One more block in memory would have to be staged.
bool Storage::is_short_of_memory() const noexcept {
  return may_spool() && account_.room() < block_size * (1 + staging_reserve_blocks());
}

Room Storage::room(std::uint64_t position, Filling& filling, std::span<std::byte> scratch) {
  const std::uint64_t block = block_of(position);
  const std::size_t at = in_block(position);
  if (!filling.entry || filling.block != block) {
    let_go(filling);
    if (!begin_block(block, filling)) return room_to_skip(at, scratch);
  }
  const Place place = filling.entry.place();
  switch (place.kind()) {
    case Place::Kind::memory: {
      // The head ends where the island begins: no read crosses it.
      const std::size_t end = at < filling.island_begin ? filling.island_begin : block_size;
      return {{place.address() + at, end - at}, Room::How::direct};
    }
    case Place::Kind::pieces: return room_in_pieces(at, filling, scratch);
    case Place::Kind::none: return room_in_memory(at, filling, scratch);
    case Place::Kind::spool:
      return options_.encrypt_spool ? room_of_sealed(at, filling, scratch)
                                    : room_through(at, filling, scratch);
    case Place::Kind::released: break;
  }
  return room_to_skip(at, scratch);
}

/// Room for bytes that nobody can read. It ends with the block: the next one may be wanted.
Room Storage::room_to_skip(std::size_t at, std::span<std::byte> scratch) noexcept {
  return {scratch.first(std::min(scratch.size(), block_size - at)), Room::How::skip};
}

/// No store has room. What is given is for a look whether the stream goes on.
Room Storage::no_room(std::span<std::byte> scratch) noexcept {
  return {scratch.first(1), Room::How::full};
}

/// Block 0 needs no lock: its entry is always there, and where it is released, now or before, its
/// place tells.
bool Storage::begin_block(std::uint64_t block, Filling& filling) {
  Entry entry;
  if (block == 0) {
    entry = table_.first();
    entry.pin();
    std::uint64_t none = Place().word();
    if (entry.place().kind() == Place::Kind::none) {
      entry.word().compare_exchange_strong(none, Place::pieces().word(), std::memory_order_seq_cst);
    }
  } else {
    MutexLock lock(mutex_);
    if (skips(block_begin(block))) return false;
    entry = table_.make(block);
    blocks_end_ = std::max(blocks_end_, block + 1);
    entry.pin();
  }
  filling = {entry, block, false, static_cast<std::uint32_t>(entry.place().island_begin())};
  SpillQueue* queue = queue_.load(std::memory_order_acquire);
  const bool begun = entry.published().head() > 0 || entry.place().kind() == Place::Kind::memory;
  if (queue != nullptr && begun) filling.staged = queue->take_out(block);  // invariant 7
  return true;
}

std::byte* Storage::take_block(bool& staged) {
  for (;;) {
    if (retired_count_.load(std::memory_order_seq_cst) > 0) reap();
    staged = is_short_of_memory();
    if (staged) queue().prepare();        // Now, while it may fail: `let_go` must not.
    if (account_.try_take(block_size)) {  // invariant 6
      std::byte* const before = last_taken_.load(std::memory_order_relaxed);
      if (std::byte* block = BlockPool::instance().take(before)) {
        last_taken_.store(block, std::memory_order_relaxed);
        return block;
      }
      account_.give_back(block_size);
    }
    if (!make_memory_free()) return nullptr;
  }
}

void Storage::give_block_back(std::byte* block) noexcept {
  BlockPool::instance().put(block);
  account_.give_back(block_size);
}

bool Storage::make_memory_free() {
  if (only_announced()) {
    // Some thread is just copying from the memory that is to be reused: that ends by itself.
    std::this_thread::yield();
    return true;
  }
  SpillQueue* queue = queue_.load(std::memory_order_acquire);
  return queue != nullptr && queue->make_progress();
}

/// With two stages the memory of the blocks after this one is faulted in while it is filled.
void Storage::want_prefault(std::uint64_t block) noexcept {
  if (!two_stages_ || block % (prefault_interval / block_size) != 0) return;
  if (account_.used() < long_in_memory || account_.room() < long_in_memory) return;
  try {
    queue().want_prefault();
  } catch (const std::bad_alloc&) {
    // Then each block is faulted in when it is taken.
  }
}

Room Storage::room_in_memory(std::size_t at, Filling& filling, std::span<std::byte> scratch) {
  std::byte* memory = take_block(filling.staged);
  if (memory == nullptr) return room_through(at, filling, scratch);
  std::uint64_t none = Place().word();
  if (filling.entry.word().compare_exchange_strong(none, Place::memory(memory).word(),
                                                   std::memory_order_seq_cst)) {
    want_prefault(filling.block);
    return {{memory + at, block_size - at}, Room::How::direct};
  }
  give_block_back(memory);
  return room_to_skip(at, scratch);
}

/// A half block that was sealed comes back to memory to be filled up, and is sealed once more.
Room Storage::room_of_sealed(std::size_t at, Filling& filling, std::span<std::byte> scratch) {
  const Entry entry = filling.entry;
  const Place sealed = entry.place();
  if (sealed.kind() != Place::Kind::spool) return room_to_skip(at, scratch);
  RetiredList links(1);
  std::byte* memory = take_block(filling.staged);
  if (memory == nullptr) return no_room(scratch);
  try {
    spool()->read(filling.block, sealed.slot(), at, 0, {memory, at});
  } catch (...) {
    give_block_back(memory);
    throw;
  }
  if (replace(links, filling.block, entry, sealed, Place::memory(memory), at)) {
    return {{memory + at, block_size - at}, Room::How::direct};
  }
  give_block_back(memory);
  return room_to_skip(at, scratch);
}

Room Storage::room_through(std::size_t at, Filling& filling, std::span<std::byte> scratch) {
  filling.staged = false;
  SpillQueue* queue = queue_.load(std::memory_order_acquire);
  // `room_in_memory` has just tried to spill for want of memory; the others try it once here.
  const bool asked = filling.entry.place().kind() == Place::Kind::none;
  if (!asked && queue != nullptr && queue->failed()) queue->make_progress();
  // To a disk that has just failed nothing is written that is still safe in the source.
  const bool hopeless = !may_spool() || options_.encrypt_spool || (queue && queue->failed());
  const std::uint64_t left = hopeless ? 0 : make_spool().room();
  if (left == 0) return no_room(scratch);
  const std::uint64_t most = std::min<std::uint64_t>({scratch.size(), block_size - at, left});
  return {scratch.first(static_cast<std::size_t>(most)), Room::How::through};
}

bool Storage::take_piece(std::size_t size) noexcept {
  const std::size_t have = piece_room_.load(std::memory_order_relaxed);
  std::byte* piece = make_piece(piece_of(have), size);
  if (piece == nullptr) {
    account_.give_back(size);
    return false;
  }
  pieces_[piece_of(have)] = piece;
  piece_room_.store(static_cast<std::uint32_t>(have + size), std::memory_order_relaxed);
  return true;
}

/// True for a piece that may be idle: any but the first, if it is whole.
bool Storage::is_idle_kind(std::size_t piece, std::size_t size) noexcept {
  static_assert(piece_begin[1] + IdlePieces::sizes[0] == piece_begin[2] &&
                piece_begin[2] + IdlePieces::sizes[1] == piece_begin[3] &&
                piece_begin[3] + IdlePieces::sizes[2] == piece_begin[4]);
  return piece > 0 && size == IdlePieces::sizes[piece - 1];
}

std::byte* Storage::make_piece(std::size_t piece, std::size_t size) noexcept {
  if (is_idle_kind(piece, size)) return IdlePieces::take(piece - 1);
  void* const bytes = piece == 0 ? ::operator new(size, std::nothrow)
                                 : ::operator new(size, piece_alignment, std::nothrow);
  return static_cast<std::byte*>(bytes);
}

void Storage::free_piece(std::size_t piece, std::size_t size, std::byte* bytes) noexcept {
  if (is_idle_kind(piece, size)) {
    IdlePieces::put(piece - 1, bytes);
  } else if (piece == 0) {
    ::operator delete(bytes);
  } else {
    ::operator delete(bytes, piece_alignment);
  }
}

void Storage::free_pieces() noexcept {
  const std::size_t have = piece_room_.load(std::memory_order_relaxed);
  for (std::size_t piece = 0; piece < piece_count && pieces_[piece] != nullptr; ++piece) {
    const std::size_t size = std::min(have, piece_begin[piece + 1]) - piece_begin[piece];
    free_piece(piece, size, std::exchange(pieces_[piece], nullptr));
  }
}

bool Storage::add_piece() {
  const std::size_t have = piece_room_.load(std::memory_order_relaxed);
  const std::size_t piece = piece_of(have);
  if (piece_begin[piece] != have) return false;  // The last one had to be cut short.
  const std::size_t size = piece_begin[piece + 1] - have;
  do {
    if (retired_count_.load(std::memory_order_seq_cst) > 0) reap();
    if (account_.try_take(size)) return take_piece(size);
  } while (make_memory_free());
  if (may_spool() && !options_.encrypt_spool) return false;
  // There is no disk to go to: what is left of the limit, to the last byte.
  const std::uint64_t left = std::min<std::uint64_t>(size, account_.room());
  return left > 0 && account_.try_take(left) && take_piece(static_cast<std::size_t>(left));
}

Room Storage::room_in_pieces(std::size_t at, Filling& filling, std::span<std::byte> scratch) {
  std::size_t have = piece_room_.load(std::memory_order_relaxed);
  if (at == have && add_piece()) have = piece_room_.load(std::memory_order_relaxed);
  if (at < have) {
    const std::size_t piece = piece_of(at);
    const std::size_t end = std::min(have, piece_begin[piece + 1]);
    return {{pieces_[piece] + (at - piece_begin[piece]), end - at}, Room::How::direct};
  }
  if (may_spool() && !options_.encrypt_spool && move_pieces_to_spool(filling)) {
    return room_through(at, filling, scratch);
  }
  if (move_pieces_to_memory(filling)) return room(at, filling, scratch);
  return no_room(scratch);
}

bool Storage::move_pieces_to_spool(Filling& filling) {
  const Entry entry = filling.entry;
  const std::size_t filled = entry.published().head();
  std::uint64_t expected = Place::pieces().word();
  if (filled == 0) {
    entry.word().compare_exchange_strong(expected, Place().word(), std::memory_order_seq_cst);
    return true;
  }
  std::byte gathered[block_size];
  const std::span<std::byte> bytes(gathered, filled);
  copy_pieces(0, bytes);
  RetiredList links(1);
  const auto place = make_spool().write(0, bytes);
  if (!place) return false;
  move_to_spool(links, 0, entry, Place::pieces(), *place, filled);
  return true;
}

bool Storage::move_pieces_to_memory(Filling& filling) {
  RetiredList links(1);
  bool staged = false;
  std::byte* memory = take_block(staged);
  if (memory == nullptr) return false;
  const Entry entry = filling.entry;
  copy_pieces(0, {memory, entry.published().head()});
  if (replace(links, 0, entry, Place::pieces(), Place::memory(memory))) {
    filling.staged = staged;
  } else {
    give_block_back(memory);
  }
  return true;
}

/// Returns false where the block was released meanwhile: then nothing is kept of it, nor counted.
bool Storage::write_through(std::uint64_t position, Filling& filling,
                            std::span<const std::byte> bytes) {
  const Entry entry = filling.entry;
  SpoolStore& store = make_spool();
  const Place before = entry.place();
  if (before.kind() == Place::Kind::released) return false;
  const std::size_t at = in_block(position);
  const auto place = before.kind() == Place::Kind::none
                         ? store.write(filling.block, bytes)
                         : store.append(filling.block, before.slot(), at, bytes);
  if (!place) throw_disk_full(position);
  // Most writes go on where the last one ended, and there is nothing to note.
  if (Place::spool(*place).word() != before.word() &&
      !note_written_through(filling, before, *place, at, bytes.size())) {
    return false;
  }
  spills_.fetch_add(1, std::memory_order_relaxed);
  spilled_bytes_.fetch_add(bytes.size(), std::memory_order_relaxed);
  return true;
}

/// Notes that the first `at + added` bytes of a block lie at `place`: before, none of it lay
/// anywhere, or the first `at` lay elsewhere. Gives `place` up if it cannot.
///
/// Returns: false if the block was released meanwhile. Throws: std::bad_alloc.
bool Storage::note_written_through(const Filling& filling, Place before, SpoolPlace place,
                                   std::size_t at, std::size_t added) {
  bool moved = false;
  try {
    RetiredList links(1);
    moved = replace(links, filling.block, filling.entry, before, Place::spool(place), at);
  } catch (const std::bad_alloc&) {
    spool()->give_up(place, at + added);
    throw;
  }
  if (!moved) spool()->give_up(place, at + added);
  return moved;
}

void Storage::let_go(Filling& filling) noexcept {
  if (!filling.entry) return;
  const Entry entry = filling.entry;
  if (filling.staged && entry.place().kind() == Place::Kind::memory) {
    // It is there: without it no block is marked as staged.
    SpillQueue& queue = *queue_.load(std::memory_order_acquire);
    queue.push(filling.block);
    try {
      if (two_stages_) queue.start_thread();
    } catch (...) {
      // No thread: whoever needs the memory writes the block.
    }
  }
  entry.unpin();
  filling = {};
  if (retired_count_.load(std::memory_order_seq_cst) > 0) reap();
}

void Storage::finish(std::uint64_t size) noexcept {
  if (SpoolStore* store = spool()) store->finish(size);
}

}  // namespace seekable::inline v1::detail
