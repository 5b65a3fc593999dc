// SPDX-License-Identifier: Apache-2.0
#include "core/block_table.hpp"

#include <algorithm>
#include <memory>

namespace seekable::inline v1::detail {

BlockTable::~BlockTable() {
  const std::uintptr_t root = root_.load(std::memory_order_acquire);
  if (root != 0) free_all(reinterpret_cast<void*>(root & ~height_bits), root & height_bits);
}

void BlockTable::free_all(void* node, unsigned height) noexcept {
  if (node == nullptr) return;
  if (height == 0) {
    delete static_cast<Leaf*>(node);
    return;
  }
  auto* const inner = static_cast<Inner*>(node);
  for (const auto& child : inner->children) {
    free_all(child.load(std::memory_order_relaxed), height - 1);
  }
  delete inner;
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

void BlockTable::free(const Removed& removed) noexcept {
  delete removed.leaf;
  delete static_cast<Inner*>(removed.inner);
}

bool BlockTable::remove_before(std::uint64_t block, Removed& removed) noexcept {
  if (!may_remove_before(block)) return false;
  const std::uint64_t limit = block / leaf_blocks * leaf_blocks;
  const std::uintptr_t root = root_.load(std::memory_order_relaxed);
  const unsigned height = root & height_bits;
  // A root leaf stays: it costs as little as a node for what comes.
  if (height > 0 &&
      remove_in(*reinterpret_cast<Inner*>(root & ~height_bits), height, 0, limit, removed)) {
    return true;
  }
  removed_before_ = limit;
  return false;
}

/// The first that ends at `limit` or before it, children before their parent.
bool BlockTable::remove_in(Inner& inner, unsigned height, std::uint64_t base, std::uint64_t limit,
                           Removed& removed) noexcept {
  const std::uint64_t child_span = span(height - 1);
  for (std::uint64_t i = 0; i < fan_out; ++i) {
    const std::uint64_t child_base = base + i * child_span;
    if (child_base >= limit) return false;
    void* const child = inner.children[i].load(std::memory_order_relaxed);
    if (child == nullptr) continue;
    if (height > 1 &&
        remove_in(*static_cast<Inner*>(child), height - 1, child_base, limit, removed)) {
      return true;
    }
    if (limit - child_base < child_span) return false;
    inner.children[i].store(nullptr, std::memory_order_seq_cst);
    removed = {.first = child_base, .last = child_base + child_span};
    if (height == 1) {
      removed.leaf = static_cast<Leaf*>(child);
    } else {
      removed.inner = child;
    }
    return true;
  }
  return false;
}

}  // namespace seekable::inline v1::detail
