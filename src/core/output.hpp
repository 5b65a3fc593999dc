// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "seekable/wait.hpp"

namespace seekable::inline v1::detail {

/// A descriptor of any kind that bytes go to, at its position.
///
/// One that does not block is waited for, as long as the `Wait` allows; what blocks inside the
/// kernel is not ended by it. Lifetime: the descriptor and the `Wait` (null: no limit) must outlive
/// it.
class Output {
 public:
  Output(int fd, const Wait* wait) noexcept : fd_(fd), wait_(wait) {}

  int fd() const noexcept { return fd_; }

  /// Waits until bytes are taken again.
  ///
  /// Throws: Error `timed_out` or `cancelled` for the `Wait`, at `offset`.
  void wait(std::uint64_t offset) const;

  /// Writes all of `bytes`, which stand at `offset` of the stream.
  ///
  /// Returns: how many were written; fewer than given with errno set.
  /// Throws: as `wait`, at the offset of the first byte that was not written.
  std::size_t write(std::span<const std::byte> bytes, std::uint64_t offset) const;

 private:
  const int fd_;
  const Wait* const wait_;
};

}  // namespace seekable::inline v1::detail
