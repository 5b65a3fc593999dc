// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "system/splice_pipe.hpp"

namespace seekable::inline v1::detail {

/// A source whose bytes the kernel can move into a file.
///
/// Threads: the one that may call `Source::read_some`.
class Spliceable {
 public:
  /// How many bytes wait that `splice_some` could take; 0: use `read_some`.
  virtual std::size_t bytes_to_splice() const noexcept = 0;

  /// Takes up to `most` of them, without waiting, into a pipe that the source owns and the caller
  /// empties into a file. Null: nothing was taken. What stays in the pipe is what `read_some` gives
  /// next.
  virtual SplicePipe* splice_some(std::size_t most) noexcept = 0;

 protected:
  ~Spliceable() = default;
};

}  // namespace seekable::inline v1::detail
