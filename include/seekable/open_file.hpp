// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>

#include "seekable/export.hpp"
#include "seekable/stream_buffer.hpp"

namespace seekable::inline v1 {

/// A `FILE*` on a buffer, for reading and seeking (`fseeko`); the caller closes it with `fclose`.
/// It has no descriptor: `fileno` gives -1.
///
/// A failure of the stream is an error of the file (`ferror`, `errno`; `EIO` for what has no errno
/// value), never an end.
/// Throws: std::system_error if it cannot be made.
/// Lifetime: keeps the stream alive after `buffer` is gone.
SEEKABLE_EXPORT std::FILE* open_file(const StreamBuffer& buffer);

}  // namespace seekable::inline v1
