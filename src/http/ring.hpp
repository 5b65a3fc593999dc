// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <new>
#include <span>

#include "base/block.hpp"
#include "store/block_pool.hpp"

namespace seekable::inline v1::detail::http {

/// Bytes on their way from one thread to one other, in order, without a lock.
///
/// Threads: `write` by one, `read` by one other; it ends when both are done.
///
/// They lie in blocks of the pool, which are warm where the heap's memory of this size would have
/// to be faulted in for each short answer anew. A block is taken when the first byte comes to it.
class Ring {
 public:
  static constexpr std::size_t capacity = 10 * block_size;

  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() {
    for (std::byte* const block : blocks_) {
      if (block != nullptr) BlockPool::instance().put(block);
    }
  }

  /// For the writing thread. Stores all of `bytes`; returns false where there is no room for them.
  ///
  /// Throws: std::bad_alloc; nothing is stored then.
  bool write(std::span<const std::byte> bytes) {
    std::size_t written = written_.load(std::memory_order_relaxed);
    if (capacity - (written - read_.load(std::memory_order_acquire)) < bytes.size()) return false;
    while (!bytes.empty()) {
      const std::span<std::byte> part = place_of(written, bytes.size());
      std::memcpy(part.data(), bytes.data(), part.size());
      bytes = bytes.subspan(part.size());
      written += part.size();
    }
    written_.store(written, std::memory_order_release);
    return true;
  }

  /// For the reading thread. Returns how many bytes there were for `out`.
  std::size_t read(std::span<std::byte> out) {
    std::size_t read = read_.load(std::memory_order_relaxed);
    const std::size_t size = std::min(out.size(), written_.load(std::memory_order_acquire) - read);
    for (out = out.first(size); !out.empty();) {
      const std::span<const std::byte> part = place_of(read, out.size());
      std::memcpy(out.data(), part.data(), part.size());
      out = out.subspan(part.size());
      read += part.size();
    }
    if (size > 0) read_.store(read, std::memory_order_release);
    return size;
  }

  /// For any thread.
  std::size_t size() const noexcept {
    const std::size_t read = read_.load(std::memory_order_acquire);
    return written_.load(std::memory_order_acquire) - read;
  }

 private:
  /// The place of the byte before which there were `count`, and of those behind it in its block, at
  /// most `most`. A reader comes only to blocks that the writer has taken: `written_` is stored
  /// behind that.
  std::span<std::byte> place_of(std::size_t count, std::size_t most) {
    const std::size_t at = count % capacity;
    std::byte*& block = blocks_[at / block_size];
    if (block == nullptr) block = BlockPool::instance().take();
    if (block == nullptr) throw std::bad_alloc();
    return std::span(block, block_size)
        .subspan(at % block_size)
        .first(std::min(most, block_size - at % block_size));
  }

  std::array<std::byte*, capacity / block_size> blocks_{};  // null: no byte has come to it yet
  std::atomic<std::size_t> written_{0};
  std::atomic<std::size_t> read_{0};
};

}  // namespace seekable::inline v1::detail::http
