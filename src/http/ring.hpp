// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

namespace seekable::inline v1::detail::http {

/// Bytes on their way from one thread to one other, in order, without a lock.
class Ring {
 public:
  static constexpr std::size_t capacity = 192 * 1024;

  /// For the writing thread. Stores all of `bytes`; returns false where there is no room for them.
  bool write(std::span<const std::byte> bytes) {
    const std::size_t written = written_.load(std::memory_order_relaxed);
    if (capacity - (written - read_.load(std::memory_order_acquire)) < bytes.size()) return false;
    if (!memory_) memory_.reset(new std::byte[capacity]);
    const std::size_t at = written % capacity;
    const std::size_t first = std::min(bytes.size(), capacity - at);
    std::memcpy(memory_.get() + at, bytes.data(), first);
    if (first < bytes.size())
      std::memcpy(memory_.get(), bytes.data() + first, bytes.size() - first);
    written_.store(written + bytes.size(), std::memory_order_release);
    return true;
  }

  /// For the reading thread. Returns how many bytes there were for `out`.
  std::size_t read(std::span<std::byte> out) {
    const std::size_t read = read_.load(std::memory_order_relaxed);
    const std::size_t size = std::min(out.size(), written_.load(std::memory_order_acquire) - read);
    if (size == 0) return 0;
    const std::size_t at = read % capacity;
    const std::size_t first = std::min(size, capacity - at);
    std::memcpy(out.data(), memory_.get() + at, first);
    if (first < size) std::memcpy(out.data() + first, memory_.get(), size - first);
    read_.store(read + size, std::memory_order_release);
    return size;
  }

  /// For any thread.
  std::size_t size() const noexcept {
    const std::size_t read = read_.load(std::memory_order_acquire);
    return written_.load(std::memory_order_acquire) - read;
  }

 private:
  std::unique_ptr<std::byte[]> memory_;  // Not before the first byte: many an answer has no body.
  std::atomic<std::size_t> written_{0};
  std::atomic<std::size_t> read_{0};
};

}  // namespace seekable::inline v1::detail::http
