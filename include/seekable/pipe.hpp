// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <system_error>

#include "seekable/export.hpp"
#include "seekable/options.hpp"
#include "seekable/stream_buffer.hpp"
#include "seekable/wait.hpp"

namespace seekable::inline v1 {

/// The writing end of a buffer, for programs that push. A writer that is dropped without `end()`
/// is a failure of the stream (`std::errc::broken_pipe`), never an end.
///
/// Threads: one thread at a time.
class SEEKABLE_EXPORT Writer {
 public:
  Writer(Writer&& other) noexcept;
  Writer& operator=(Writer&& other) noexcept;
  ~Writer();

  /// Appends `bytes` to the stream; they are stored, and readable, when it returns.
  ///
  /// Blocks: while a window that blocks (`WhenFull::block`) is full, and for the disk.
  /// Throws: `Errc::disk_full` when no store has room; `Errc::timed_out` or `Errc::cancelled` for
  ///     the `Wait`; then what fitted is published, `written()` tells how much, and the rest may
  ///     be written again. `Errc::cancelled` after `cancel`, or when nobody can read any more;
  ///     the failure, such as `Errc::overrun`, if the stream has failed; `std::invalid_argument`
  ///     after `end` or `fail`; `std::errc::operation_not_permitted` in a forked child.
  void write(std::span<const std::byte> bytes);
  void write(std::span<const std::byte> bytes, const Wait& wait);

  /// Appends what there is room for now, and never waits. Returns how many bytes that was.
  ///
  /// Throws: as `write`, but not `disk_full`: no room is 0.
  std::size_t try_write(std::span<const std::byte> bytes);

  /// Bytes of the stream so far.
  std::uint64_t written() const noexcept;

  /// The stream is complete. One shorter than its `expected_size` has failed with
  /// `Errc::truncated`, which its readers are told.
  ///
  /// Throws: the failure, if the stream has failed; `std::invalid_argument` after `end` or `fail`.
  void end();

  /// The stream has failed with `code`, which must not be 0.
  ///
  /// Throws: `std::invalid_argument` for a `code` of 0, and after `end` or `fail`.
  void fail(std::error_code code);

 private:
  friend Pipe make_pipe(Options options);
  explicit Writer(std::shared_ptr<detail::Engine> engine) noexcept;
  detail::Engine& open() const;
  void drop() noexcept;
  void fail(std::error_code code, const std::string& message);

  std::shared_ptr<detail::Engine> engine_;
  bool closed_ = false;
};

/// Two ends of one stream.
struct Pipe {
  Writer writer;
  StreamBuffer buffer;
};

/// A stream that the program writes itself. `Options::fill` is ignored: the writer is the filler.
///
/// Throws: as the constructor of `StreamBuffer`.
SEEKABLE_EXPORT Pipe make_pipe(Options options = {});

}  // namespace seekable::inline v1
