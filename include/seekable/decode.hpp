// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "seekable/export.hpp"
#include "seekable/source.hpp"

namespace seekable::inline v1 {

/// What `source` gives, decompressed: gzip, zstd, xz, bzip2 or lz4, told by its first bytes. Bytes
/// in none of these formats pass unchanged.
///
/// Bytes that begin like one of them must be it. Members of one format that follow each other are
/// one stream; zeros behind gzip and xz pass. `lz4 -l` is refused: it has no end. What was
/// compressed twice is decoded once. An offset in an error counts decoded bytes.
///
/// It is forward-only, and has no declared size, also where `source` has more. Its `info` is that
/// of `source`, without the validator.
/// Throws: `std::invalid_argument` if `source` is null.
/// Errors of the stream: what `source` throws; `Errc::truncated` where it ends within a member;
///     `Errc::source_failed` where it cannot be decompressed, a checksum does not match, something
///     else follows, or more than 128 MiB would be needed to look back; `Errc::cancelled`.
/// Blocks: as little as the format allows: what a writer has flushed is given at once; of bzip2 and
///     lz4 a block at a time (bzip2: up to 900 KB of decoded bytes).
/// Cost: 64 KiB, and what the format's library needs, at most about 128 MiB.
SEEKABLE_EXPORT std::unique_ptr<Source> decoded(std::unique_ptr<Source> source);

}  // namespace seekable::inline v1
