// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/block.hpp"
#include "base/mutex.hpp"
#include "store/spool_store.hpp"

namespace seekable::inline v1::detail {

/// How much of a block is published, in one word: bytes `[0, head)` of it; and, where it was begun
/// in its middle, also an *island* `[begin, end)` behind them, whose begin is part of the `Place`.
class Filled {
 public:
  static constexpr Filled up_to(std::size_t head) noexcept {
    return Filled(static_cast<std::uint32_t>(head));
  }
  /// Requires: `head < begin < end`, and so `end > Place::island_step`.
  static constexpr Filled with_island(std::size_t head, std::size_t end) noexcept {
    return Filled(static_cast<std::uint32_t>(head | (end - 1) << 16));
  }
  static constexpr Filled from_word(std::uint32_t word) noexcept { return Filled(word); }

  constexpr std::uint32_t word() const noexcept { return word_; }
  /// (An island ends behind `Place::island_step`, so its word is above `block_size`.)
  constexpr bool has_island() const noexcept { return word_ > block_size; }
  constexpr std::size_t head() const noexcept { return has_island() ? word_ & 0xffff : word_; }
  /// Where the last published byte ends: the island's, if there is one.
  constexpr std::size_t end() const noexcept {
    return has_island() ? (word_ >> 16) + std::size_t{1} : word_;
  }

  /// How many bytes are published from `at` on; `begin`: where the island begins, of its `Place`.
  constexpr std::size_t published_from(std::size_t at, std::size_t begin) const noexcept {
    if (at < head()) return head() - at;
    return at >= begin && at < end() ? end() - at : 0;
  }

 private:
  explicit constexpr Filled(std::uint32_t word) noexcept : word_(word) {}
  std::uint32_t word_;
};

/// Where a block lies, in one word: the kind in the low bits, an address or a slot above.
class Place {
 public:
  enum class Kind : std::uint8_t {
    none,      ///< nothing of the block is kept yet
    memory,    ///< in a block of the pool
    pieces,    ///< the first block only: in the buffer's pieces
    spool,     ///< in a slot of a spool file
    released,  ///< given up for good
  };

  /// An island begins at a multiple of this: there are 8 bits for it below the address of a page.
  static constexpr std::size_t island_step = 256;
  static_assert(block_size / island_step <= 256);

  constexpr Place() = default;
  /// Requires: `block` on a page boundary.
  static Place memory(std::byte* block, std::size_t island_begin = 0) noexcept {
    return Place(reinterpret_cast<std::uint64_t>(block) | island_begin / island_step << 4 |
                 bits(Kind::memory));
  }
  static constexpr Place pieces() noexcept { return Place(bits(Kind::pieces)); }
  static constexpr Place released() noexcept { return Place(bits(Kind::released)); }
  static constexpr Place spool(SpoolPlace place) noexcept {
    return Place(place.slot << 12 | std::uint64_t{place.file} << 4 | bits(Kind::spool));
  }
  static constexpr Place from_word(std::uint64_t word) noexcept { return Place(word); }

  constexpr std::uint64_t word() const noexcept { return word_; }
  constexpr Kind kind() const noexcept { return static_cast<Kind>(word_ & 15); }
  std::byte* address() const noexcept { return reinterpret_cast<std::byte*>(word_ & ~in_page); }
  /// Where the island of a block in memory begins; 0: it has none.
  constexpr std::size_t island_begin() const noexcept {
    return kind() == Kind::memory ? (word_ >> 4 & 255) * island_step : 0;
  }
  constexpr SpoolPlace slot() const noexcept {
    return {static_cast<std::uint8_t>(word_ >> 4 & 255), word_ >> 12};
  }

 private:
  explicit constexpr Place(std::uint64_t word) noexcept : word_(word) {}
  static constexpr std::uint64_t bits(Kind kind) noexcept {
    return static_cast<std::uint64_t>(kind);
  }

  static constexpr std::uint64_t in_page = 4096 - 1;

  std::uint64_t word_ = 0;
};

/// What is known of four blocks, and all that stays in memory of spilled ones: 14 bytes for each.
struct EntryGroup {
  static constexpr std::size_t size = 4;
  std::array<std::atomic<std::uint64_t>, size> words{};         ///< a `Place` each
  std::array<std::atomic<std::uint32_t>, size> filled_words{};  ///< a `Filled` each
  std::array<std::atomic<std::uint16_t>, size> pins{};          ///< views, the filler, the writer
};
static_assert(sizeof(EntryGroup) == 14 * EntryGroup::size);

/// One block's part of a group; or none. Valid as long as the group.
class Entry {
 public:
  Entry() = default;
  Entry(EntryGroup& group, std::size_t at) noexcept
      : group_(&group), at_(static_cast<std::uint32_t>(at)) {}

  explicit operator bool() const noexcept { return group_ != nullptr; }
  friend bool operator==(const Entry&, const Entry&) = default;

  /// A `Place`.
  std::atomic<std::uint64_t>& word() const noexcept { return group_->words[at_]; }
  /// A `Filled`; written by the block's one filler.
  std::atomic<std::uint32_t>& filled_word() const noexcept { return group_->filled_words[at_]; }

  Place place(std::memory_order order = std::memory_order_seq_cst) const noexcept {
    return Place::from_word(word().load(order));
  }
  Filled published(std::memory_order order = std::memory_order_seq_cst) const noexcept {
    return Filled::from_word(filled_word().load(order));
  }

  /// What is published, and where the island of that begins.
  struct Kept {
    Filled filled;
    std::size_t island_begin;
  };
  /// Both at one moment. (Between two looks one island may have become part of the head, and
  /// another one have been begun.)
  Kept kept() const noexcept {
    for (;;) {
      const Filled before = published();
      const std::size_t island_begin = before.has_island() ? place().island_begin() : 0;
      if (!before.has_island() || published().word() == before.word()) {
        return {before, island_begin};
      }
    }
  }

  /// Keeps what the block has until `unpin`: for its filler and for whoever writes it to the spool,
  /// so few at a time that the count has room.
  void pin() const noexcept { pins().fetch_add(1, std::memory_order_seq_cst); }
  /// The same for a view. Returns false where there are `most_pins_for_views`: so far below the
  /// counter's end that threads which are here at once do not reach that.
  bool try_pin() const noexcept {
    if (pins().fetch_add(1, std::memory_order_seq_cst) < most_pins_for_views) return true;
    unpin();
    return false;
  }
  void unpin() const noexcept { unpin(pins()); }
  static void unpin(std::atomic<std::uint16_t>& pins) noexcept {
    pins.fetch_sub(1, std::memory_order_seq_cst);
  }
  bool is_pinned() const noexcept { return pins().load(std::memory_order_seq_cst) > 0; }
  std::atomic<std::uint16_t>& pins() const noexcept { return group_->pins[at_]; }
  static constexpr std::uint16_t most_pins_for_views = 32'768;

 private:
  EntryGroup* group_ = nullptr;
  std::uint32_t at_ = 0;
};

/// Entries of blocks that are written at once; those that are not null are unpinned when the scope
/// ends.
struct PinnedBlocks {
  static constexpr std::size_t most = 16;
  PinnedBlocks() = default;
  PinnedBlocks(const PinnedBlocks&) = delete;
  PinnedBlocks& operator=(const PinnedBlocks&) = delete;
  ~PinnedBlocks() {
    for (const Entry& entry : entries) {
      if (entry) entry.unpin();
    }
  }
  std::array<Entry, most> entries{};
};

/// Finds blocks by number without a lock: a radix tree, as high as the highest block needs.
///
/// The entries of the first blocks are part of the table, so that a short stream needs no node.
/// Threads: `find` from any number of threads, under an announcement of the block; the rest by one
///     thread at a time (the owner's mutex).
class BlockTable {
 public:
  static constexpr std::uint64_t leaf_blocks = 32;

  BlockTable() = default;
  ~BlockTable();
  BlockTable(const BlockTable&) = delete;
  BlockTable& operator=(const BlockTable&) = delete;

  /// The entry of `block`, or none (then nothing of it was ever kept).
  Entry find(std::uint64_t block) noexcept;

  /// The entry of block 0. (Those of the first group are always there.)
  Entry first() noexcept { return {first_, 0}; }

  /// The entry of `block`, made if there is none.
  Entry make(std::uint64_t block);

  /// Calls `visit(block, entry)` for each entry of `[first, last)` there is, in order.
  template <typename Visit>
  void for_each(std::uint64_t first, std::uint64_t last, Visit visit) {
    for (std::uint64_t block = first; block < last;) {
      if (const Entry entry = next(block)) {
        if (block >= last) return;
        visit(block, entry);
        if (++block == 0) return;
      } else {
        return;
      }
    }
  }

  struct Leaf {
    std::array<EntryGroup, leaf_blocks / EntryGroup::size> groups;

    Entry entry(std::uint64_t block) noexcept {
      const std::uint64_t at = block % leaf_blocks;
      return {groups[at / EntryGroup::size], at % EntryGroup::size};
    }
    bool has_pins() noexcept;
  };

  /// A node that is out of the tree; whoever found it before may still be looking at it.
  /// Lifetime: it belongs to whoever took it out, until `free`.
  struct Removed {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    Leaf* leaf = nullptr;  // null: an inner node
    void* inner = nullptr;
  };

  /// Takes one node that holds only blocks below `block` out of the tree: one, so that the caller
  /// can have memory ready to note it. It comes after all that are below it. Returns false if there
  /// is none.
  bool remove_before(std::uint64_t block, Removed& removed) noexcept;
  /// False where it is sure to find none.
  bool may_remove_before(std::uint64_t block) const noexcept {
    return block / leaf_blocks * leaf_blocks > removed_before_;
  }

  /// Frees a removed node. Requires: nobody looks at it any more.
  static void free(const Removed& removed) noexcept;

 private:
  static constexpr unsigned leaf_bits = 5;
  static constexpr unsigned inner_bits = 6;
  static constexpr std::uint64_t fan_out = 1 << inner_bits;
  struct Inner {
    std::array<std::atomic<void*>, fan_out> children{};
  };
  /// The root's address, with the height (0: a leaf) in the low bits.
  static constexpr std::uintptr_t height_bits = 15;

  static constexpr unsigned shift(unsigned height) noexcept {
    return leaf_bits + (height == 0 ? 0 : (height - 1) * inner_bits);
  }
  /// How many blocks a node of this height covers; 2^63 stands for more than there are.
  static constexpr std::uint64_t span(unsigned height) noexcept {
    const unsigned bits = leaf_bits + height * inner_bits;
    return std::uint64_t{1} << (bits < 63 ? bits : 63);
  }

  Entry next(std::uint64_t& block) noexcept;
  Entry next_in(void* node, unsigned height, std::uint64_t base, std::uint64_t& block) noexcept;
  void grow(std::uint64_t block);
  static bool remove_in(Inner& inner, unsigned height, std::uint64_t base, std::uint64_t limit,
                        Removed& removed) noexcept;
  static void free_all(void* node, unsigned height) noexcept;

  EntryGroup first_;
  std::atomic<std::uintptr_t> root_{0};
  std::uint64_t removed_before_ = 0;  // below it there is no node to take out
};

inline Entry BlockTable::find(std::uint64_t block) noexcept {
  if (block < EntryGroup::size) return {first_, block};
  const std::uintptr_t root = root_.load(std::memory_order_seq_cst);
  unsigned height = root & height_bits;
  if (root == 0 || block >= span(height)) return {};
  void* node = reinterpret_cast<void*>(root & ~height_bits);
  for (; height > 0 && node != nullptr; --height) {
    const std::uint64_t child = block >> shift(height) & (fan_out - 1);
    node = static_cast<Inner*>(node)->children[child].load(std::memory_order_seq_cst);
  }
  return node == nullptr ? Entry() : static_cast<Leaf*>(node)->entry(block);
}

}  // namespace seekable::inline v1::detail
