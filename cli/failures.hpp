// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <system_error>

#include "seekable/stream_buffer.hpp"

namespace seekable::cli {

/// What a person reads when a read of `buffer` threw `error`: whether it was the source that failed
/// or the room that ran out, where, why, and what to do.
std::string failure_text(const StreamBuffer& buffer, const std::system_error& error,
                         std::string_view source_name);

}  // namespace seekable::cli
