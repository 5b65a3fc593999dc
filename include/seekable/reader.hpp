// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "seekable/export.hpp"
#include "seekable/wait.hpp"

namespace seekable::inline v1 {

namespace detail {
class ReaderState;
}  // namespace detail

/// What `Reader::seek` counts from.
enum class Whence : std::uint8_t { begin, current, end };

/// A position in a buffer. Any number of readers may look at one buffer, each independent.
///
/// A reader keeps the stream alive after its `StreamBuffer` is gone.
/// Threads: one thread at a time; each thread makes its own.
/// Requires: a reader that was moved from is only destroyed or assigned to.
class SEEKABLE_EXPORT Reader {
 public:
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  /// Reads on from the position, which moves by what is returned; as `StreamBuffer::read_at`.
  ///
  /// Returns: bytes copied; fewer than asked only where the stream ends or fails inside the
  ///     span, and 0 only at or past the end.
  /// Throws: as `StreamBuffer::read_at`; the position is then what it was. Only in a window that
  ///     blocks, where what was read is given up at once, it has moved past the bytes in `out`.
  std::size_t read(std::span<std::byte> out);
  std::size_t read(std::span<std::byte> out, const Wait& wait);

  /// Reads what is there now; waits only if nothing is. As `StreamBuffer::read_some_at`.
  std::size_t read_some(std::span<std::byte> out);
  std::size_t read_some(std::span<std::byte> out, const Wait& wait);

  /// Moves the position. Past the end is allowed; before 0, or past 2^64 - 1, throws
  /// `std::invalid_argument` and keeps the position.
  ///
  /// Returns: the new position.
  /// Blocks: with `Whence::end` until the size is known.
  std::uint64_t seek(std::int64_t offset, Whence whence = Whence::begin);
  std::uint64_t seek(std::int64_t offset, Whence whence, const Wait& wait);

  /// The offset of the byte that is read next.
  std::uint64_t position() const noexcept;

  /// The declared or reached size, if known; as `StreamBuffer::size`.
  std::optional<std::uint64_t> size() const;

  /// Waits for the size; as `StreamBuffer::wait_for_size`.
  std::uint64_t wait_for_size() const;
  std::uint64_t wait_for_size(const Wait& wait) const;

  /// Contiguous bytes kept from the position, now.
  std::uint64_t available() const;

 private:
  friend class StreamBuffer;
  explicit Reader(std::unique_ptr<detail::ReaderState> state) noexcept;
  std::uint64_t seek(std::int64_t offset, Whence whence, const Wait* wait);

  std::unique_ptr<detail::ReaderState> state_;
};

}  // namespace seekable::inline v1
