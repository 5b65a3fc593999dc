// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "seekable/source.hpp"
#include "support/pattern.hpp"

namespace seekable::bench {

/// A source of the pattern; it costs a copy.
class PatternSource final : public Source {
 public:
  /// `most` is what one `read_some` gives at most.
  explicit PatternSource(std::uint64_t size, std::uint64_t most = UINT64_MAX)
      : size_(size), most_(most) {}
  std::size_t read_some(std::span<std::byte> out) override {
    const auto given = std::min({std::uint64_t{out.size()}, most_, size_ - at_});
    fill_pattern(at_, out.first(given));
    at_ += given;
    return given;
  }

 private:
  const std::uint64_t size_;
  const std::uint64_t most_;
  std::uint64_t at_ = 0;
};

}  // namespace seekable::bench
