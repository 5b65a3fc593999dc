// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "core/engine.hpp"

namespace seekable::inline v1::detail {

/// What a `Reader` points to: its position, which a window that blocks looks at.
class ReaderState {
 public:
  ReaderState(Owner owner, std::uint64_t offset) : owner_(std::move(owner)), position_(offset) {
    if (!follows()) return;
    engine().marks().add(position_);
    try {
      engine().follow_readers();
    } catch (...) {
      engine().marks().remove(position_);
      throw;
    }
  }
  ReaderState(const ReaderState&) = delete;
  ReaderState& operator=(const ReaderState&) = delete;
  ~ReaderState() {
    if (!follows()) return;
    engine().marks().remove(position_);
    engine().follow_readers();
  }

  Engine& engine() const noexcept { return owner_.engine(); }
  std::uint64_t position() const noexcept { return position_.load(std::memory_order_relaxed); }

  void move_to(std::uint64_t position) {
    position_.store(position, std::memory_order_relaxed);
    engine().follow_readers();
  }

  std::size_t read(std::span<std::byte> out, const Wait* wait) {
    const std::uint64_t before = position();
    const std::size_t size = engine().read_at(before, out, wait, follows() ? &position_ : nullptr);
    position_.store(before + size, std::memory_order_relaxed);
    return size;
  }

 private:
  bool follows() const noexcept { return engine().window_follows_readers(); }

  const Owner owner_;
  ReaderMarks::Mark position_;
};

}  // namespace seekable::inline v1::detail
