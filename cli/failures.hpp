// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "seekable/stream_buffer.hpp"

namespace seekable::cli {

/// What a person reads when a read of `buffer` threw `error`: whether it was the source that failed
/// or the room that ran out, where, why, and what to do.
std::string failure_text(const StreamBuffer& buffer, const std::system_error& error,
                         std::string_view source_name);

/// The same of a source that threw, after so many bytes: `code`, with `what` it said.
std::string source_failure_text(std::error_code code, std::string_view what, std::uint64_t bytes,
                                std::string_view source_name);

}  // namespace seekable::cli
