// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <istream>
#include <memory>

#include "seekable/export.hpp"
#include "seekable/stream_buffer.hpp"

namespace seekable::inline v1 {

/// A seekable `std::istream` on a buffer, with 64-bit positions. A failure of the stream sets
/// `badbit` (and throws from the stream if `exceptions(std::ios::badbit)` asks for it); the end
/// sets `eofbit`.
///
/// Threads: one thread at a time, as every standard stream; make one for each thread.
class SEEKABLE_EXPORT istream : public std::istream {
 public:
  /// Reads `buffer` from `offset` on.
  ///
  /// Lifetime: keeps the stream alive after `buffer` is gone.
  explicit istream(StreamBuffer& buffer, std::uint64_t offset = 0);
  ~istream() override;

 private:
  std::unique_ptr<std::streambuf> streambuf_;
};

}  // namespace seekable::inline v1
