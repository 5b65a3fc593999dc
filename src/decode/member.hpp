// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

#include "seekable/error.hpp"

namespace seekable::inline v1::detail {

/// Why a member gives no more bytes. Whoever knows how many bytes came before makes an `Error` of
/// it.
class BrokenMember : public std::runtime_error {
 public:
  BrokenMember(Errc code, const std::string& why) : std::runtime_error(why), code_(code) {}
  Errc code() const noexcept { return code_; }

 private:
  Errc code_;
};

/// One piece of a stream that can be decoded by itself: what `gzip` writes for one file, a frame of
/// zstd or lz4. It takes its bytes from an `Input` that outlives it.
///
/// Threads: one at a time.
class Member {
 public:
  Member() = default;
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  virtual ~Member() = default;

  /// Stores the next decoded bytes at the front of `out`, which is not empty.
  ///
  /// Returns: how many; 0 only at the member's end, verified as far as its format allows. The input
  ///     then stands behind its last byte.
  /// Throws: `BrokenMember`; what the source throws.
  virtual std::size_t read(std::span<std::byte> out) = 0;
};

}  // namespace seekable::inline v1::detail
