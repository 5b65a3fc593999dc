// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/copy.hpp"
#include "core/storage.hpp"
#include "seekable/error.hpp"

namespace seekable::inline v1::detail {

void Storage::check_not_forked(std::uint64_t offset) const {
  if (!fork_.is_child()) return;
  throw Error(
      std::make_error_code(std::errc::operation_not_permitted),
      "use byte " + std::to_string(offset) + ": in a forked child only bytes in memory can be read",
      offset);
}

void Storage::throw_released() const {
  const std::uint64_t lowest = low();
  throw Error(Errc::released, "the lowest byte still there is " + std::to_string(lowest), lowest);
}

std::size_t Storage::copy(std::uint64_t offset, std::span<std::byte> out) {
  const std::uint64_t block = block_of(offset);
  // So many blocks may be read at once; more than fit into the second cache gain nothing.
  const std::size_t blocks = std::min<std::size_t>((in_block(offset) + out.size()) / block_size, 3);
  const Announcement announced(this, block, 1 + blocks);
  if (offset < low()) throw_released();
  std::size_t kept = 0;
  const Entry entry = find_kept(offset, kept);
  if (!entry || out.empty()) return 0;
  if (kept < out.size() && entry.place().kind() == Place::Kind::spool) {
    const std::size_t size = copy_run(offset, entry.place(), out, kept, blocks);
    if (size > 0) return size;
  }
  const std::size_t size = std::min(out.size(), kept);
  copy_from(block, entry, in_block(offset), out.first(size));
  return size;
}

/// Copies bytes of a block at `place` and of those behind it, as far as they lie side by side in
/// the spool, by one call to the system. Requires: the first block is kept to its end, `size` bytes
/// of it; it and as many as `blocks` behind it are announced. Returns 0 where there is only one, or
/// the call fails: then each tells for itself.
std::size_t Storage::copy_run(std::uint64_t offset, Place place, std::span<std::byte> out,
                              std::size_t size, std::size_t blocks) {
  const SpoolPlace first = place.slot();
  const SpoolStore& store = *spool();
  if (store.encrypted() || fork_.is_child() || in_block(offset + size) != 0) return 0;
  const std::size_t alone = size;
  for (std::size_t i = 1; i <= blocks && size < out.size(); ++i) {
    const Entry entry = table_.find(block_of(offset) + i);
    if (!entry) break;
    const std::size_t kept = entry.published().head();
    const Place next = entry.place();
    const bool follows = next.kind() == Place::Kind::spool && next.slot().file == first.file &&
                         next.slot().slot == first.slot + i;
    if (!follows) break;
    size += std::min(kept, out.size() - size);
    if (kept < block_size) break;
  }
  if (size == alone) return 0;
  return store.file(first).read(first.slot, in_block(offset), out.first(size)) == 0 ? size : 0;
}

bool Storage::bring_near(std::uint64_t offset, std::size_t size) noexcept {
  const Announcement announced(this, block_of(offset));
  std::size_t kept = 0;
  const Entry entry = offset < low() ? Entry() : find_kept(offset, kept);
  if (!entry) return false;
  const Place place = entry.place();
  if (place.kind() == Place::Kind::memory) {
    fetch(place.address() + in_block(offset), std::min(size, kept));
  }
  return place.kind() == Place::Kind::memory || place.kind() == Place::Kind::pieces;
}

void Storage::copy_from(std::uint64_t block, Entry entry, std::size_t at,
                        std::span<std::byte> out) const {
  const Place place = entry.place();
  switch (place.kind()) {
    case Place::Kind::memory: copy_bytes(out.data(), place.address() + at, out.size()); return;
    case Place::Kind::pieces: copy_pieces(at, out); return;
    case Place::Kind::spool:
      check_not_forked(block_begin(block) + at);
      if (!copy_spooled(block, entry, place, at, out)) copy_from(block, entry, at, out);
      return;
    case Place::Kind::none:
    case Place::Kind::released: throw_released();
  }
}

/// Returns false where the block is no longer at `place`.
bool Storage::copy_spooled(std::uint64_t block, Entry entry, Place place, std::size_t at,
                           std::span<std::byte> out) const {
  try {
    // `filled` is looked at again: a sealed block is as long as it was when it was sealed. (One
    // that was taken back since may have an island: its head is a count in any case.)
    spool()->read(block, place.slot(), entry.published().head(), at, out);
    return true;
  } catch (const Error&) {
    // A half block that was taken back has grown since, and is not what lies sealed there.
    if (entry.place().word() == place.word()) throw;
    return false;
  }
}

void Storage::copy_pieces(std::size_t at, std::span<std::byte> out) const noexcept {
  while (!out.empty()) {
    const std::size_t piece = piece_of(at);
    const std::size_t size = std::min(out.size(), piece_begin[piece + 1] - at);
    copy_bytes(out.data(), pieces_[piece] + (at - piece_begin[piece]), size);
    out = out.subspan(size);
    at += size;
  }
}

std::size_t Storage::kept_in_block(std::uint64_t offset) noexcept {
  const Announcement announced(this, block_of(offset));
  std::size_t kept = 0;
  if (offset >= low()) find_kept(offset, kept);
  return kept;
}

std::uint64_t Storage::fill_from(std::uint64_t offset) noexcept {
  const std::uint64_t block = block_of(offset);
  const Announcement announced(this, block);
  if (skips(offset)) return block_end(offset);
  const Entry entry = table_.find(block);
  if (!entry) return block_begin(block);
  const auto [filled, island_begin] = entry.kept();
  const bool from_island = filled.has_island() && in_block(offset) >= island_begin;
  return block_begin(block) + (from_island ? filled.end() : filled.head());
}

std::size_t Storage::to_skip(std::uint64_t offset) noexcept {
  const Announcement announced(this, block_of(offset));
  if (skips(offset)) return block_size - in_block(offset);
  std::size_t kept = 0;
  find_kept(offset, kept);
  return kept;
}

std::uint64_t Storage::first_missing(std::uint64_t offset, std::uint64_t limit) noexcept {
  while (offset < limit) {
    const std::size_t kept = kept_in_block(offset);
    if (kept == 0) return offset;
    offset += kept;
    if (in_block(offset) != 0) break;
  }
  return std::min(offset, limit);
}

std::uint64_t Storage::first_kept(std::uint64_t offset, std::uint64_t limit) noexcept {
  for (; offset < limit; offset = block_end(offset)) {
    const Announcement announced(this, block_of(offset));
    const Entry entry = skips(offset) ? Entry() : table_.find(block_of(offset));
    if (!entry) continue;
    const auto [filled, island_begin] = entry.kept();
    const std::size_t begin = std::max(in_block(offset), island_begin);
    if (in_block(offset) < filled.head()) return offset;
    if (begin < filled.end()) return std::min(limit, block_begin(block_of(offset)) + begin);
  }
  return limit;
}

/// As `find_kept`, and pins it; not for a view, where the block has as many as it can have.
Entry Storage::pin_entry(std::uint64_t offset, std::size_t& kept, bool for_view, ViewPin& pin) {
  const Announcement announced(this, block_of(offset));
  if (offset < low()) throw_released();
  const Entry entry = find_kept(offset, kept);
  if (!entry || (for_view && !entry.try_pin())) return entry;
  if (!for_view) entry.pin();
  pin.pins = &entry.pins();  // invariant 2
  return entry;
}

std::span<const std::byte> Storage::pin(std::uint64_t offset, std::size_t max_size, ViewPin& pin) {
  std::size_t kept = 0;
  const Entry entry = max_size == 0 ? Entry() : pin_entry(offset, kept, true, pin);
  if (!entry) return {};
  if (pin.pins == nullptr) return copied(offset, std::min(max_size, kept), pin);
  try {
    if (offset < low()) throw_released();
    return pinned(block_of(offset), entry, in_block(offset), std::min(max_size, kept), pin);
  } catch (...) {
    unpin(pin);
    throw;
  }
}

std::optional<Storage::FileRange> Storage::pin_in_file(std::uint64_t offset, std::size_t max_size,
                                                       ViewPin& pin) {
  std::size_t kept = 0;
  const Entry entry = pin_entry(offset, kept, false, pin);
  if (!entry) return std::nullopt;
  const Place place = entry.place();
  if (place.kind() != Place::Kind::spool || spool()->encrypted() || fork_.is_child()) {
    unpin(pin);
    return std::nullopt;
  }
  return FileRange{spool()->file(place.slot()).fd(),
                   place.slot().slot * block_size + in_block(offset), std::min(max_size, kept)};
}

std::span<const std::byte> Storage::pinned(std::uint64_t block, Entry entry, std::size_t at,
                                           std::size_t size, ViewPin& pin) {
  const Place place = entry.place();
  switch (place.kind()) {
    case Place::Kind::memory: return {place.address() + at, size};
    case Place::Kind::pieces: {
      const std::size_t piece = piece_of(at);
      size = std::min(size, piece_begin[piece + 1] - at);
      return {pieces_[piece] + (at - piece_begin[piece]), size};
    }
    case Place::Kind::spool: break;
    case Place::Kind::none:
    case Place::Kind::released: throw_released();
  }
  check_not_forked(block_begin(block) + at);
  if (spool()->encrypted()) return copied(block_begin(block) + at, size, pin);
  const std::byte* bytes = nullptr;
  SpoolFile& file = spool()->file(place.slot());
  pin.mapping = file.map(place.slot().slot, bytes);
  if (pin.mapping == nullptr) {
    throw Error({errno, std::system_category()}, "map the spool", block_begin(block) + at);
  }
  return {bytes + at, size};
}

/// Gives a view bytes of its own, `size` of those that are kept.
std::span<const std::byte> Storage::copied(std::uint64_t offset, std::size_t size, ViewPin& pin) {
  auto bytes = take_copy(offset, size);
  try {
    // (What is kept stays so, or is released: then `copy` throws.)
    for (std::size_t done = 0; done < size;) {
      done += copy(offset + done, {bytes.get() + done, size - done});
    }
  } catch (...) {
    give_memory_back(size);
    throw;
  }
  pin.copy = std::move(bytes);
  pin.copy_size = size;
  return {pin.copy.get(), size};
}

std::unique_ptr<std::byte[]> Storage::take_copy(std::uint64_t offset, std::size_t size) {
  if (!account_.try_take(size)) {
    throw Error(Errc::disk_full,
                "make a view: the memory limit has no room for " + std::to_string(size) +
                    " bytes; raise memory_limit, or use read_at",
                offset);
  }
  try {
    return std::make_unique_for_overwrite<std::byte[]>(size);
  } catch (...) {
    account_.give_back(size);
    throw;
  }
}

std::vector<Extent> Storage::residency(std::uint64_t size) {
  std::vector<Extent> extents;
  std::uint64_t next = 0;
  const auto add = [&](std::uint64_t end, Residency where) {
    if (end <= next) return;
    if (!extents.empty() && extents.back().where == where) {
      extents.back().range.end = end;
    } else {
      extents.push_back({{next, end}, where});
    }
    next = end;
  };
  MutexLock lock(mutex_);
  const std::uint64_t lowest = low();
  add(size == unknown ? lowest : std::min(lowest, size), Residency::released);
  table_.for_each(block_of(next), block_of(unknown) + 1, [&](std::uint64_t block, Entry entry) {
    const auto [filled, island_begin] = entry.kept();
    const auto kind = entry.place().kind();
    if (kind == Place::Kind::none || kind == Place::Kind::released) return;
    const auto add_kept = [&](std::size_t begin, std::size_t end) {
      if (begin == end || block_begin(block) + end <= next) return;
      add(block_begin(block) + begin, Residency::missing);
      add(block_begin(block) + end,
          kind == Place::Kind::spool ? Residency::spool : Residency::memory);
    };
    add_kept(0, filled.head());
    if (filled.has_island()) {
      add_kept(std::max(filled.head(), island_begin), filled.end());
    }
  });
  if (size != unknown) add(size, Residency::missing);
  return extents;
}

}  // namespace seekable::inline v1::detail
