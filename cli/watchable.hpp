// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include "seekable/stream_buffer.hpp"

namespace seekable::cli {

/// What takes bytes from a source, as `watch` sees it.
///
/// Threads: all of it comes from another thread than the one that works.
class Watchable {
 public:
  Watchable() = default;
  virtual ~Watchable() = default;
  Watchable(const Watchable&) = delete;
  Watchable& operator=(const Watchable&) = delete;

  /// Bytes that the source has given.
  virtual std::uint64_t came() const = 0;

  /// How far the work is, in bytes of `size()`.
  virtual std::uint64_t done() const = 0;

  virtual std::optional<std::uint64_t> size() const = 0;

  /// True when nothing more is expected of the source.
  virtual bool complete() const = 0;

  /// Makes the source come back soon.
  virtual void cancel() = 0;
};

/// A buffer that is filled.
///
/// Lifetime: all that it refers to must outlive it.
class WatchedBuffer final : public Watchable {
 public:
  /// `passed_on`: bytes passed on, for the progress of a source that is read in place; may be null.
  explicit WatchedBuffer(StreamBuffer& buffer,
                         const std::atomic<std::uint64_t>* passed_on = nullptr)
      : buffer_(buffer), passed_on_(passed_on) {}

  std::uint64_t came() const override { return buffer_.stats().bytes_on_wire; }
  std::uint64_t done() const override {
    return std::max(came(), passed_on_ == nullptr ? 0 : passed_on_->load());
  }
  std::optional<std::uint64_t> size() const override { return buffer_.size(); }
  bool complete() const override { return buffer_.exhausted(); }
  void cancel() override { buffer_.cancel(); }

 private:
  StreamBuffer& buffer_;
  const std::atomic<std::uint64_t>* passed_on_;
};

}  // namespace seekable::cli
