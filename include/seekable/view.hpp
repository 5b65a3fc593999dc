// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "seekable/export.hpp"

namespace seekable::inline v1 {

namespace detail {
class Engine;

/// What holds the bytes of a view: a pinned block, a mapping of it, or a copy of its own.
struct ViewPin {
  void* pins = nullptr;  // the block's count of them, a std::atomic<std::uint16_t>
  void* mapping = nullptr;
  std::unique_ptr<std::byte[]> copy;
  std::size_t copy_size = 0;
};
}  // namespace detail

/// Bytes of a stream lent without a copy. They are pinned, and unchanged, while the view lives,
/// also after its buffer is gone.
///
/// Pinned bytes count against the buffer's limits until the view is gone. All that the buffer
/// keeps, in memory and on disk, stays as long as a view of it; what keeps it small is a copy. A
/// view of spilled bytes maps the file: a disk that fails under it raises SIGBUS, as with any
/// mapping; `read_at` throws. A block of 64 KiB lends itself about 32,768 times at once; a
/// further view of it is a copy, for which the memory limit must have room. Threads: different
/// views are independent; one view may be read by many threads.
class SEEKABLE_EXPORT View {
 public:
  View() = default;
  View(View&& other) noexcept;
  View& operator=(View&& other) noexcept;
  ~View();

  /// The bytes; empty only at the end of the stream. Valid while this view lives.
  std::span<const std::byte> bytes() const noexcept SEEKABLE_LIFETIMEBOUND { return bytes_; }
  const std::byte* data() const noexcept SEEKABLE_LIFETIMEBOUND { return bytes_.data(); }
  std::size_t size() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return bytes_.empty(); }

 private:
  friend class detail::Engine;

  std::span<const std::byte> bytes_;
  std::shared_ptr<detail::Engine> engine_;
  detail::ViewPin pin_;
};

}  // namespace seekable::inline v1
