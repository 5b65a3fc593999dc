// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "seekable/source.hpp"

namespace seekable::inline v1::detail {

/// The compressed bytes: pulled from a source, looked at from a position, and consumed.
///
/// The source is never asked again after its end. What it throws passes through. Memory grows with
/// the bytes that came, never with a size that the stream claims.
/// Threads: `cancel` and `source` from any thread at any time; the rest from one at a time.
class Input {
 public:
  explicit Input(std::unique_ptr<Source> source) : source_(std::move(source)) {}

  /// The bytes at hand from `skip` behind the position on; waits for one.
  ///
  /// Returns: nothing only at the end of the source. Valid until the next call that may pull.
  /// Requires: `skip` bytes have been seen.
  std::span<const std::byte> ahead(std::size_t skip = 0);

  /// The bytes at hand, at least `size` of them unless the source ends before. As `ahead`.
  std::span<const std::byte> peek(std::size_t size);

  /// The bytes at hand, without waiting for any.
  std::span<const std::byte> at_hand() const noexcept {
    return std::span<const std::byte>(buffer_).subspan(begin_, end_ - begin_);
  }

  /// Moves the position. Requires: `size` bytes have been seen.
  void consume(std::size_t size) noexcept { begin_ += size; }

  /// Takes what is at hand, else what the source gives, which is then not copied twice.
  std::size_t read_some(std::span<std::byte> out);

  void cancel() noexcept;

  /// Throws once it was cancelled.
  void check_cancelled() const;

  const Source& source() const noexcept { return *source_; }

 private:
  bool pull();
  std::size_t ask(std::span<std::byte> out);

  const std::unique_ptr<Source> source_;
  std::vector<std::byte> buffer_;  // what is at hand lies in [begin_, end_)
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool ended_ = false;
  std::atomic<bool> cancelled_{false};
};

}  // namespace seekable::inline v1::detail
