// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "seekable/file_descriptor.hpp"
#include "seekable/stream_buffer.hpp"

namespace seekable::cli {

/// Takes a whole stream into a file that is in memory alone, for those who want none of it on disk.
/// The bytes leave the buffer as they come, so that none is in memory twice.
///
/// Returns: a descriptor for reading only, at position 0.
/// Throws: Failed, with `advice` at its end, if file and buffer together exceed `memory_limit`; as
///     `StreamBuffer::read_some_at`; std::system_error if there can be no such file.
FileDescriptor take_into_memory(StreamBuffer& buffer, std::uint64_t memory_limit,
                                std::string_view advice);

}  // namespace seekable::cli
