// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "seekable/export.hpp"
#include "seekable/source.hpp"

namespace seekable::inline v1 {

/// What `source` gives, decompressed: gzip, zstd, xz, bzip2 or lz4, told by its first bytes. Bytes
/// in none of these formats pass unchanged. Members that follow each other are one stream.
///
/// It is forward-only, and has no declared size, also where `source` has more. Its `info` is that
/// of `source`, without the validator.
/// Throws: `std::invalid_argument` if `source` is null.
/// Errors of the stream: what `source` throws; `Errc::truncated` where it ends within a member;
///     `Errc::source_failed` where it cannot be decompressed, a checksum does not match, something
///     else follows, or more than 128 MiB would be needed to look back; `Errc::cancelled`.
/// Blocks: of zstd, xz and bzip2, up to 128 KiB may have to come before the first is given.
SEEKABLE_EXPORT std::unique_ptr<Source> decoded(std::unique_ptr<Source> source);

}  // namespace seekable::inline v1
