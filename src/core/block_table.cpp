// SPDX-License-Identifier: Apache-2.0
#include "core/block_table.hpp"

#include <algorithm>

namespace seekable::inline v1::detail {

BlockTable::~BlockTable() {
  const std::uintptr_t root = root_.load(std::memory_order_acquire);
  if (root == 0) return;
  std::vector<Removed> all;
  collect(reinterpret_cast<void*>(root & ~height_bits), root & height_bits, 0, all);
  for (Removed& node : all) free(node);
}

void BlockTable::grow(std::uint64_t block) {
  std::uintptr_t root = root_.load(std::memory_order_relaxed);
  if (root == 0) {
    root = reinterpret_cast<std::uintptr_t>(new Leaf);
    root_.store(root, std::memory_order_seq_cst);
  }
  while (block >= span(root & height_bits)) {
    auto inner = std::make_unique<Inner>();
    inner->children[0].store(reinterpret_cast<void*>(root & ~height_bits),
                             std::memory_order_relaxed);
    root = reinterpret_cast<std::uintptr_t>(inner.release()) | ((root & height_bits) + 1);
    root_.store(root, std::memory_order_seq_cst);
  }
}

bool BlockTable::Leaf::has_pins() noexcept {
  for (std::uint64_t at = 0; at < leaf_blocks; ++at) {
    if (entry(at).is_pinned()) return true;
  }
  return false;
}

Entry BlockTable::make(std::uint64_t block) {
  if (block < EntryGroup::size) return {first_, block};
  grow(block);
  const std::uintptr_t root = root_.load(std::memory_order_relaxed);
  void* node = reinterpret_cast<void*>(root & ~height_bits);
  for (unsigned height = root & height_bits; height > 0; --height) {
    const std::uint64_t number = block >> shift(height) & (fan_out - 1);
    auto& child = static_cast<Inner*>(node)->children[number];
    void* below = child.load(std::memory_order_relaxed);
    if (below == nullptr) {
      below = height == 1 ? static_cast<void*>(new Leaf) : static_cast<void*>(new Inner);
      child.store(below, std::memory_order_seq_cst);
    }
    node = below;
  }
  return static_cast<Leaf*>(node)->entry(block);
}

Entry BlockTable::next(std::uint64_t& block) noexcept {
  if (block < EntryGroup::size) return {first_, block};
  const std::uintptr_t root = root_.load(std::memory_order_acquire);
  if (root == 0) return {};
  return next_in(reinterpret_cast<void*>(root & ~height_bits), root & height_bits, 0, block);
}

Entry BlockTable::next_in(void* node, unsigned height, std::uint64_t base,
                          std::uint64_t& block) noexcept {
  if (node == nullptr || block - base >= span(height)) return {};
  if (height == 0) return static_cast<Leaf*>(node)->entry(block);
  auto& children = static_cast<Inner*>(node)->children;
  for (std::uint64_t i = (block - base) >> shift(height); i < fan_out; ++i) {
    const std::uint64_t child_base = base + (i << shift(height));
    std::uint64_t from = std::max(block, child_base);
    if (const Entry entry =
            next_in(children[i].load(std::memory_order_acquire), height - 1, child_base, from)) {
      block = from;
      return entry;
    }
  }
  return {};
}

void BlockTable::collect(void* node, unsigned height, std::uint64_t base,
                         std::vector<Removed>& removed) {
  if (node == nullptr) return;
  Removed entry;
  entry.first = base;
  entry.last = base + span(height);
  if (height == 0) {
    entry.leaf.reset(static_cast<Leaf*>(node));
  } else {
    entry.inner = node;
    auto& children = static_cast<Inner*>(node)->children;
    for (std::uint64_t i = 0; i < fan_out; ++i) {
      collect(children[i].load(std::memory_order_relaxed), height - 1, base + (i << shift(height)),
              removed);
    }
  }
  removed.push_back(std::move(entry));
}

void BlockTable::free(Removed& removed) noexcept {
  removed.leaf.reset();
  delete static_cast<Inner*>(removed.inner);
  removed.inner = nullptr;
}

void BlockTable::remove_before(std::uint64_t block, std::vector<Removed>& removed) {
  const std::uint64_t limit = block / leaf_blocks * leaf_blocks;
  if (limit <= removed_before_) return;
  const std::uintptr_t root = root_.load(std::memory_order_relaxed);
  // A root leaf stays: it costs as little as a node for what comes.
  if (root != 0 && (root & height_bits) > 0) {
    remove_in(*reinterpret_cast<Inner*>(root & ~height_bits), root & height_bits, 0, limit,
              removed);
  }
  removed_before_ = limit;
}

void BlockTable::remove_in(Inner& inner, unsigned height, std::uint64_t base, std::uint64_t limit,
                           std::vector<Removed>& removed) {
  const std::uint64_t child_span = span(height - 1);
  const std::uint64_t from = removed_before_ > base ? (removed_before_ - base) / child_span : 0;
  for (std::uint64_t i = from; i < fan_out; ++i) {
    const std::uint64_t child_base = base + i * child_span;
    if (child_base >= limit) return;
    void* child = inner.children[i].load(std::memory_order_relaxed);
    if (child == nullptr) continue;
    if (limit - child_base >= child_span) {
      inner.children[i].store(nullptr, std::memory_order_seq_cst);
      collect(child, height - 1, child_base, removed);
    } else if (height > 1) {
      remove_in(*static_cast<Inner*>(child), height - 1, child_base, limit, removed);
    }
  }
}

}  // namespace seekable::inline v1::detail
