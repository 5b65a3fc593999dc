// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "seekable/export.hpp"

namespace seekable::inline v1 {

class RestartableSource;

namespace detail {
class Filler;
class Spliceable;
}  // namespace detail

/// What a source knows about its stream. Empty: not known.
struct SourceInfo {
  std::string name;          ///< a path, a URL, a command: for people to read
  std::string content_type;  ///< a media type, such as `application/zip`
  std::string validator;     ///< changes when the stream does: an ETag, or the like
  std::optional<std::chrono::system_clock::time_point> modified;
};

/// Where bytes come from, forward only. Implement `read_some`; the rest has sensible defaults.
///
/// Threads: `read_some` and `size` are called by one thread at a time, but not always by the same
///     one. `cancel` and `info` may come from any thread at any time.
class SEEKABLE_EXPORT Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source();

  /// Stores the next bytes of the stream at the front of `out`, which is never empty.
  ///
  /// Returns: how many bytes, at most `out.size()`; 0 only at the end of the stream.
  /// Throws: anything. It is final: the stream has failed where it stands. A
  ///     `std::system_error` keeps its code, anything else becomes `Errc::source_failed`.
  /// Blocks: until there is at least one byte; should not wait for more than one.
  virtual std::size_t read_some(std::span<std::byte> out) = 0;

  /// The declared size in bytes, if known; asked again after each `read_some` until known.
  ///
  /// It is a claim: a stream that ends earlier or goes on longer fails. It never decides an
  /// allocation.
  virtual std::optional<std::uint64_t> size() const;

  /// Makes `read_some`, now or later, return or throw soon. May be called more than once, also
  /// before `read_some`, and it sticks.
  ///
  /// The default does nothing: then a cancelled buffer waits for `read_some` to come back.
  virtual void cancel() noexcept;

  /// What is known about the stream.
  virtual SourceInfo info() const;

 private:
  friend class detail::Filler;
  // As dynamic_casts, which cost more than all else that is asked of a source at its start.
  virtual RestartableSource* as_restartable() noexcept;
  virtual detail::Spliceable* as_spliceable() noexcept;
};

/// A source that can also be opened at any offset: a file, HTTP with ranges, an object.
///
/// Threads: `reopen`, `worth_reading_through` and `find_size` come from the thread that may call
///     `read_some`; `another` from any thread at any time, also while `read_some` runs.
class SEEKABLE_EXPORT RestartableSource : public Source {
 public:
  /// Makes the next `read_some` start at `offset`.
  ///
  /// `offset` may lie at or past the end: the next `read_some` then returns 0. May follow any
  /// `read_some`, also one that returned 0. `wanted` is a hint: so many bytes from there will be
  /// read; nothing: nobody knows.
  /// Throws: as `read_some`; `Errc::source_changed` where the stream is no longer the same.
  virtual void reopen(std::uint64_t offset, std::optional<std::uint64_t> wanted) = 0;

  /// True if `gap` bytes ahead are reached sooner by reading on than by `reopen`.
  ///
  /// The default reads through up to 1 MiB.
  virtual bool worth_reading_through(std::uint64_t gap) const;

  /// Asks the origin for the size, without reading the stream for it. The default answers `size()`.
  ///
  /// Throws: as `read_some`.
  /// Blocks: for what the origin needs to answer, tries of the source included; `cancel` ends it.
  virtual std::optional<std::uint64_t> find_size();

  /// One more connection to the same stream, for one more thread; or null, the default.
  virtual std::unique_ptr<RestartableSource> another() const;

 private:
  RestartableSource* as_restartable() noexcept final;
};

}  // namespace seekable::inline v1
