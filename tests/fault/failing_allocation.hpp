// SPDX-License-Identifier: Apache-2.0
// Memory that cannot be had, for one allocation of one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "support/buffers.hpp"

namespace seekable::test {

inline constexpr int never = -1;

/// So many allocations of this thread succeed, then one fails, and it is `never` again. (Of those
/// without an alignment of their own.)
extern thread_local int allocations_left;

/// A restartable source that takes no memory itself, so that what fails is the buffer's.
class Plain final : public RestartableSource {
 public:
  explicit Plain(const std::vector<std::byte>& content) : content_(content) {}

  std::size_t read_some(std::span<std::byte> out) override {
    const std::size_t size = std::min(out.size(), content_.size() - position_);
    std::memcpy(out.data(), content_.data() + position_, size);
    position_ += size;
    return size;
  }
  std::optional<std::uint64_t> size() const override { return content_.size(); }
  void reopen(std::uint64_t offset, std::optional<std::uint64_t> /*wanted*/) override {
    position_ = static_cast<std::size_t>(offset);
  }
  bool worth_reading_through(std::uint64_t /*gap*/) const override { return false; }

 private:
  const std::vector<std::byte>& content_;
  std::size_t position_ = 0;
};

/// Content that comes once; the memory goes from whoever reads, `fails_in` allocations after a
/// read.
inline std::unique_ptr<Source> once_without_memory(const std::vector<std::byte>& content,
                                                   int fails_in) {
  return from_function(
      [&content, fails_in, given = std::size_t{0}](std::span<std::byte> out) mutable {
        const std::size_t size = std::min(out.size(), content.size() - given);
        std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(given), size, out.begin());
        given += size;
        allocations_left = fails_in;
        return size;
      });
}

}  // namespace seekable::test
