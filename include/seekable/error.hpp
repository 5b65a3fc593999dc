// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <system_error>

#include "seekable/export.hpp"

namespace seekable::inline v1 {

/// What can go wrong beyond what the operating system has a code for.
///
/// Each compares equal to the matching `std::errc` where there is one: `cancelled` to
/// `operation_canceled`, `timed_out` to `timed_out`, `disk_full` to `no_space_on_device`.
enum class Errc {
  cancelled = 1,   ///< the buffer, or this one call, was cancelled
  timed_out,       ///< the deadline of this one call passed; nothing is lost
  released,        ///< the bytes were given up: behind a window, or by `release_before`
  truncated,       ///< the stream ended before its declared size
  overrun,         ///< the stream went on past its declared size
  source_changed,  ///< a reopened source, or a file read in place, is not what it was
  source_failed,   ///< the source threw something that carries no code of its own
  disk_full,       ///< no store has room within its limits; the only failure that is not final
  spool_corrupt,   ///< an encrypted block does not verify
};

/// The category of `Errc`, named "seekable".
SEEKABLE_EXPORT const std::error_category& error_category() noexcept;

SEEKABLE_EXPORT std::error_code make_error_code(Errc code) noexcept;

struct Failure;

/// What every call of this library throws when the world did something wrong.
///
/// What the caller did wrong throws `std::invalid_argument` instead. The end of a stream is a
/// result, never an error.
class SEEKABLE_EXPORT Error : public std::system_error {
 public:
  /// `what()` becomes `what`, and behind it what the code means.
  Error(std::error_code code, const std::string& what, std::uint64_t offset);

  /// `what()` becomes the failure's message, as it is.
  explicit Error(const Failure& failure);

  const char* what() const noexcept override;

  /// Where it happened, in bytes from the start of the stream; for `Errc::released` the lowest
  /// offset that can still be read.
  std::uint64_t offset() const noexcept { return offset_; }

 private:
  std::uint64_t offset_;
  std::shared_ptr<const std::string> message_;  // null: the base class has it
};

/// Why no more bytes will come. Kept for ever, told to everyone who needs a byte past it.
struct Failure {
  std::error_code code;  ///< the source's own code, or an `Errc`
  std::string message;   ///< what, where and why, in one line
  /// The first byte that did not come; 2^64 - 1 where there was no memory to note even that.
  std::uint64_t offset = 0;
  std::exception_ptr cause;  ///< what the source threw; null where nothing was thrown
};

}  // namespace seekable::inline v1

template <>
struct std::is_error_code_enum<seekable::Errc> : std::true_type {};
