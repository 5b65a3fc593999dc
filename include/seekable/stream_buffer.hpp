// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "seekable/bytes.hpp"
#include "seekable/chunks.hpp"
#include "seekable/error.hpp"
#include "seekable/export.hpp"
#include "seekable/file_descriptor.hpp"
#include "seekable/options.hpp"
#include "seekable/reader.hpp"
#include "seekable/source.hpp"
#include "seekable/stats.hpp"
#include "seekable/subscription.hpp"
#include "seekable/view.hpp"
#include "seekable/wait.hpp"

namespace seekable::inline v1 {

namespace detail {
class Engine;
}  // namespace detail

struct Pipe;
SEEKABLE_EXPORT Pipe make_pipe(Options options);

/// Any stream, read like a file: a source plus everything of it that has been kept.
///
/// All reads give the exact bytes of the stream or throw. A byte once readable never changes.
/// What goes wrong with the source is kept as the `failure`: bytes kept before it still read,
/// everyone who needs a byte past it is told.
///
/// Common to all waiting calls. Blocks: until the bytes have arrived, the stream has ended or
/// failed, or the `Wait` is over. Throws `seekable::Error`: the failure if the byte that is needed
/// will never come; `Errc::released` if it was given up; `Errc::disk_full` if no store has room
/// for it (the next read tries again); `Errc::timed_out` or `Errc::cancelled` for the `Wait`;
/// `std::errc::resource_deadlock_would_occur` to a source that waits for its own buffer;
/// `std::errc::operation_not_permitted` in a forked child for what needs the source or the spool;
/// `Errc::spool_corrupt`, or the system's code, where the disk fails. `std::system_error` if a
/// thread that is needed cannot be made, and `std::bad_alloc`.
/// `std::invalid_argument` if offset + size exceeds 2^64 - 1, a range begins after its end, or the
/// buffer was moved from. Up to 200 KiB of the caller's stack are used.
///
/// Threads: safe to use from any number of threads at once, except that nobody may be in a call
///     while it is destroyed, moved from or assigned to.
/// Lifetime: readers and views keep what they need alive after the buffer is gone.
class SEEKABLE_EXPORT StreamBuffer {
 public:
  /// Takes `source`. Not a byte is pulled before somebody needs one, unless `fill` is `ahead`.
  ///
  /// Throws: `std::invalid_argument` for a null source or a window of 0 bytes;
  ///     `std::errc::function_not_supported` for `encrypt_spool` without `seekable::crypto`.
  explicit StreamBuffer(std::unique_ptr<Source> source, Options options = {});

  /// The same on a range of chunks: `std::vector<std::string>`, a view that makes them, ...
  ///
  /// Lifetime: an lvalue range is referenced and must outlive the buffer; an rvalue is moved in.
  template <ChunkRange R>
    requires(!std::same_as<std::remove_cvref_t<R>, StreamBuffer>)
  explicit StreamBuffer(R&& chunks, Options options = {})
      : StreamBuffer(from_chunks(std::forward<R>(chunks)), std::move(options)) {}

  StreamBuffer(StreamBuffer&&) noexcept;
  StreamBuffer& operator=(StreamBuffer&&) noexcept;

  /// Ends what waits in `when_available` with `Errc::cancelled`. The last of the buffer and its
  /// readers to go cancels the source and joins the fill.
  ///
  /// Blocks: there, until a source that ignores `cancel` has come back; with `Fill::ahead` also for
  /// a
  ///     write to the spool, or page faults of 2 MiB, that are under way.
  ~StreamBuffer();

  /// Copies the bytes `[offset, offset + out.size())` into `out`, as they arrive.
  ///
  /// Returns: bytes copied; fewer than asked only where the stream ends or fails inside the
  ///     range, and 0 only at or past the end. An empty `out` returns 0 and pulls nothing.
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> out) const;
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> out, const Wait& wait) const;

  /// Copies what is there now of `[offset, offset + out.size())`; waits only if nothing is.
  ///
  /// Returns: at least 1, or 0 at or past the end.
  std::size_t read_some_at(std::uint64_t offset, std::span<std::byte> out) const;
  std::size_t read_some_at(std::uint64_t offset, std::span<std::byte> out, const Wait& wait) const;

  /// Copies the bytes `[offset, offset + out.size())` if all of them are in memory now. Never
  /// waits, never pulls, never touches a disk: for who holds a lock, or must go on.
  ///
  /// Returns: true if all were copied. Else false, also for an empty `out`, which may hold anything
  ///     then.
  bool read_in_memory(std::uint64_t offset, std::span<std::byte> out) const noexcept;

  /// Tells the processor that `[offset, offset + size)` is about to be read from memory: a hint,
  /// for who has something else to do first, such as to allocate room. It fetches a few lines of
  /// them at most. Never waits, never pulls.
  ///
  /// Returns: true if the byte at `offset` is in memory now, also where nothing was fetched; of
  ///     those behind it nothing is told.
  bool bring_near(std::uint64_t offset, std::size_t size) const noexcept;

  /// Copies what is kept now of `[offset, offset + out.size())`, from memory or disk. Never waits
  /// for the source, never pulls.
  ///
  /// Returns: bytes copied, up to the first that is missing; 0 where that is the one at `offset`,
  ///     and at or past the end.
  /// Throws: `Errc::released`, and what a disk fails with; not the failure of the stream.
  std::size_t read_kept_at(std::uint64_t offset, std::span<std::byte> out) const;

  /// As `read_at`, into bytes of their own. A huge `size` allocates only what comes.
  Bytes read(std::uint64_t offset, std::uint64_t size) const;
  Bytes read(std::uint64_t offset, std::uint64_t size, const Wait& wait) const;

  /// The bytes `[first, last)`; `last` may be past the end.
  ///
  /// Throws: `std::invalid_argument` if `first > last`.
  Bytes slice(std::uint64_t first, std::uint64_t last) const;
  Bytes slice(std::uint64_t first, std::uint64_t last, const Wait& wait) const;

  /// Lends bytes from `offset` in one piece, without a copy: at least 1, often fewer than
  /// `max_size` (a view never crosses a block of 64 KiB), none only at the end.
  ///
  /// Throws: `Errc::disk_full` where the view has to be a copy (see `View`) for which the memory
  ///     limit has no room.
  View view(std::uint64_t offset, std::size_t max_size) const;
  View view(std::uint64_t offset, std::size_t max_size, const Wait& wait) const;

  /// A reader of its own position, starting at `offset`.
  Reader reader(std::uint64_t offset = 0) const;

  /// The declared or reached size, if one is known now. Empty after `truncated` or `overrun`.
  std::optional<std::uint64_t> size() const;

  /// Waits for the size: the declared one at once, else by asking the source, else by reading to
  /// the end.
  std::uint64_t wait_for_size() const;
  std::uint64_t wait_for_size(const Wait& wait) const;

  /// Contiguous bytes kept from `offset` on, now. Never waits, never pulls. The second form looks
  /// no further than for `most`, which takes less time where a source is restartable.
  std::uint64_t available(std::uint64_t offset) const;
  std::uint64_t available(std::uint64_t offset, std::uint64_t most) const;

  /// Waits until `range`, as far as the stream reaches, is kept.
  ///
  /// Returns: false when `timeout` passed first.
  /// Throws: the failure, or `Errc::released`, if that can never be.
  bool wait_for(ByteRange range, std::chrono::nanoseconds timeout) const;

  /// True when the end is confirmed by the source and no byte is missing; false after a failure.
  /// Never waits, never pulls.
  bool exhausted() const;

  /// The kept failure, if the stream has failed.
  std::optional<Failure> failure() const;

  /// What the source knows about its stream.
  SourceInfo info() const;

  /// Calls `callback` exactly once when `range`, as far as the stream reaches, is kept, or when
  /// that can never be (with the failure's code). For those who must not wait.
  ///
  /// The call comes on the thread that fills, or inside the call that decides it: this one,
  /// `cancel`, `release_before`, a move of a `Reader` in a window that blocks, a call of the
  /// `Writer`. No lock of the buffer is held, so the callback may call anything. It must not throw.
  /// A destroyed buffer gives `Errc::cancelled`.
  ///
  /// Throws: `std::invalid_argument` for an empty callback; `std::errc::operation_not_permitted` in
  ///     a forked child; std::system_error if no thread can be made.
  [[nodiscard]] Subscription when_available(ByteRange range,
                                            std::function<void(std::error_code)> callback) const;

  /// A hint that these ranges will be read. Returns at once; never fails.
  void prefetch(std::span<const ByteRange> ranges) const;

  /// Gives up every byte below `offset`: a read that starts there throws `Errc::released`, and
  /// nothing more is stored there. Lower than before changes nothing.
  void release_before(std::uint64_t offset);

  /// Ends the fill: the failure becomes `Errc::cancelled`, kept bytes still read, every waiter
  /// wakes. Changes nothing when the stream has already failed or is complete.
  void cancel();

  /// Which bytes are where, in order, as far as the stream is known; neighbours differ.
  std::vector<Extent> residency() const;

  Stats stats() const;

  /// Writes the bytes of `range`, as far as the stream reaches, to the descriptor `fd`, by the
  /// shortest way the kernel has, as they arrive.
  ///
  /// Blocks: as all waiting calls, and while `fd` takes no bytes, which a `Wait` limits where it
  /// does not block
  ///     (`O_NONBLOCK`). What gives up says in `offset()` which byte was not written any more.
  /// Returns: bytes written; less than the range only where the stream ends inside it.
  /// Throws: the failure, also if it lies inside the range; std::system_error if `fd` fails.
  std::uint64_t copy_to(int fd, ByteRange range) const;
  std::uint64_t copy_to(int fd, ByteRange range, const Wait& wait) const;

  /// Waits for the end and gives a read-only descriptor of the whole stream, at position 0.
  ///
  /// If the spool is a plain copy of the stream, that file itself is handed out, after the bytes in
  /// memory were written to it too, against `disk_limit`; from then on releasing gives no disk
  /// space back. A file in place is handed out as it is, and shows later changes. Else it is a
  /// copy, which counts until the buffer is gone.
  ///
  /// Throws: `Errc::released` if any byte was given up; `Errc::disk_full`.
  FileDescriptor to_file() const;
  FileDescriptor to_file(const Wait& wait) const;

  /// Waits for the end, then the whole stream stands at `path`: atomically (an existing file is
  /// replaced), synced to disk, mode 0666 less the umask, never half a file.
  ///
  /// The first form copies; the second links the spool into place where it can, without a copy,
  /// and ends the buffer; if it throws, the buffer is what it was. Throws `Errc::released` if any
  /// byte was given up.
  void save(const std::filesystem::path& path) const&;
  void save(const std::filesystem::path& path, const Wait& wait) const&;
  void save(const std::filesystem::path& path) &&;
  void save(const std::filesystem::path& path, const Wait& wait) &&;

 private:
  friend Pipe make_pipe(Options options);
  explicit StreamBuffer(std::shared_ptr<detail::Engine> engine) noexcept;
  detail::Engine& engine() const;
  void let_go() noexcept;

  std::shared_ptr<detail::Engine> engine_;
};

}  // namespace seekable::inline v1
